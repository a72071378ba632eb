//! `bakeoff data`

use bakeoff_core::{Corruption, Samples};
use bakeoff_data::{DataError, Opened};
use bakeoff_measures::format;
use bakeoff_report::terminal::{Align, Lines, table};
use serde_json::{Value, json};

use super::{data_files, write};
use crate::{
    args::{DataArgs, DataCommand, DataPackArgs, DataShowArgs},
    text,
};

pub(crate) fn main(args: DataArgs) -> anyhow::Result<()> {
    match args.command {
        DataCommand::List { json } => list(json),
        DataCommand::Get(args) => super::data_get::main(&args),
        DataCommand::Show(args) => show(&args),
        DataCommand::Pack(args) => pack(&args),
        DataCommand::Check(args) => super::data_check::main(&args),
    }
}

fn list(as_json: bool) -> anyhow::Result<()> {
    let named = named();
    if as_json {
        let named: Vec<Value> = named
            .iter()
            .map(|it| {
                json!({
                    "name": it.name,
                    "summary": it.summary,
                    "source": it.source,
                    "licence": it.licence,
                    "is_here": it.is_here,
                })
            })
            .collect();
        return text::print_json(&named);
    }
    let rows: Vec<Vec<String>> = named
        .iter()
        .map(|it| {
            vec![
                it.name.to_owned(),
                it.how.to_owned(),
                it.licence.to_owned(),
                it.summary.to_owned(),
            ]
        })
        .collect();
    let header = [
        ("name", Align::Left),
        ("", Align::Left),
        ("licence", Align::Left),
        ("", Align::Left),
    ];
    let mut out = table(&header, &rows);
    out.blank();
    out.line("`bakeoff data get NAME` downloads one, once.");
    out.blank();
    out.line("A folder, a zip or tar archive or a file is a dataset by its path if it is:");
    for format in bakeoff_data::formats() {
        out.line(format_args!("  {}: {}", format.name, format.expects));
    }
    text::print(&out)
}

/// A dataset that is opened by a name.
struct Named {
    name: &'static str,
    summary: &'static str,
    source: &'static str,
    licence: &'static str,
    is_here: bool,
    how: &'static str,
}

fn named() -> Vec<Named> {
    let builtins = bakeoff_data::builtins().iter().map(|it| Named {
        name: it.name,
        summary: it.summary,
        source: it.source,
        licence: it.licence,
        is_here: true,
        how: "built in",
    });
    let downloads = bakeoff_data::downloads().iter().map(|it| {
        let is_here = bakeoff_data::is_name(it.name);
        Named {
            name: it.name,
            summary: it.summary,
            source: it.source,
            licence: it.licence,
            is_here,
            how: if is_here { "downloaded" } else { "to download" },
        }
    });
    builtins.chain(downloads).collect()
}

fn pack(args: &DataPackArgs) -> anyhow::Result<()> {
    let Opened { dataset, notes } = bakeoff_data::open_with(&args.dataset, &args.open.options())?;
    let packed = bakeoff_bench::write_pack(&dataset, &args.out)?;
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    if args.json {
        return text::print_json(&json!({
            "file": packed.path,
            "bytes": packed.bytes,
            "fingerprint": dataset.fingerprint(),
            "notes": notes,
        }));
    }
    for note in &notes {
        text::note(note);
    }
    let mut out = Lines::new();
    out.line(&dataset);
    out.line(format_args!("fingerprint {}", dataset.fingerprint()));
    out.line(format_args!(
        "{} ({})",
        packed.path.display(),
        text::bytes(packed.bytes)
    ));
    text::print(&out)
}

/// Test images on a sheet of corruptions.
const CORRUPTED: [usize; 3] = [0, 1, 2];

fn show(args: &DataShowArgs) -> anyhow::Result<()> {
    if args.model.is_some() {
        return data_files::main(args);
    }
    let opened = bakeoff_data::open_with(&args.dataset, &args.open.options());
    let Opened { dataset, notes } = match opened {
        // What is there can be said without a size; pictures of it cannot be made.
        Err(DataError::Sizes { .. }) if args.sheet.is_none() && args.corruptions.is_none() => {
            return data_files::main(args);
        }
        opened => opened?,
    };
    let (train, test) = (dataset.train(), dataset.test());
    if let Some(path) = &args.sheet {
        // A person's own labelled images are a test part alone.
        let part = if train.is_empty() { test } else { train };
        let png = bakeoff_data::contact_sheet(part, args.per_class)?;
        write(path, &png)?;
    }
    if let Some(path) = &args.corruptions {
        // As a run without settings of its own corrupts them.
        let png = bakeoff_data::corruption_examples(test.images(), &CORRUPTED, 1)?;
        write(path, &png)?;
    }
    let counts: Vec<(String, usize, usize)> = train
        .class_names()
        .iter()
        .zip(train.class_counts())
        .zip(test.class_counts())
        .map(|((name, train), test)| (name.clone(), train, test))
        .collect();
    if args.json {
        return text::print_json(&json!({
            "name": dataset.name(),
            "shape": train.images().shape(),
            "train": train.len(),
            "validation": dataset.validation().map(Samples::len),
            "test": test.len(),
            "notes": notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "fingerprint": dataset.fingerprint(),
            "classes": counts.iter().map(|(name, train, test)| json!({
                "name": name, "train": train, "test": test,
            })).collect::<Vec<_>>(),
        }));
    }
    let count = |samples: usize| format::count(samples as u64);
    let rows: Vec<Vec<String>> = counts
        .into_iter()
        .map(|(name, train, test)| vec![name, count(train), count(test)])
        .collect();
    let header = [
        ("class", Align::Left),
        ("training", Align::Right),
        ("test", Align::Right),
    ];
    let mut out = Lines::new();
    out.line(&dataset);
    out.line(format_args!("fingerprint {}", dataset.fingerprint()));
    out.blank();
    out.append(&table(&header, &rows));
    if !notes.is_empty() {
        out.blank();
        out.line("How it was read:");
        for note in &notes {
            out.line(format_args!("  - {}", note.text()));
        }
    }
    if let Some(path) = &args.sheet {
        out.blank();
        out.line(format_args!("Sheet: {}", path.display()));
    }
    if let Some(path) = &args.corruptions {
        out.blank();
        out.line(format_args!("Corruptions: {}", path.display()));
        let names = Corruption::ALL.map(Corruption::name);
        out.line(format_args!("Its rows: {}", names.join(", ")));
    }
    text::print(&out)
}
