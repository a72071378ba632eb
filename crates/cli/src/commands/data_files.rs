//! `bakeoff data show` of image files that are of different sizes, or as a model sees them.

use std::collections::BTreeMap;

use anyhow::bail;
use bakeoff_core::Samples;
use bakeoff_data::{LabelledFiles, Listed};
use bakeoff_measures::format;
use bakeoff_picture::RawPicture;
use bakeoff_report::terminal::{Align, Lines, table};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::{
    prepared_files::{PreparedFiles, prepare},
    saved_model, write,
};
use crate::{args::DataShowArgs, interrupt::Signals, text};

/// So many sizes are listed, the most frequent first.
const SIZES: usize = 5;
/// So many files that cannot be read are named.
const NAMED: usize = 5;

/// Width, height and whether no pixel has a colour; or why it cannot be read.
type Look = Result<(usize, usize, bool), String>;

/// All files of a dataset, part by part.
struct All {
    labels: Vec<u16>,
    files: Vec<String>,
    /// The names of the parts that have files, with how many.
    parts: Vec<(&'static str, usize)>,
}

impl All {
    fn of(dataset: &LabelledFiles) -> Self {
        let parts = [
            ("training", Some(dataset.train())),
            ("validation", dataset.validation()),
            ("test", Some(dataset.test())),
        ];
        let mut all = Self {
            labels: Vec::new(),
            files: Vec::new(),
            parts: Vec::new(),
        };
        for (name, part) in parts {
            let Some(part) = part.filter(|part| !part.files.is_empty()) else {
                continue;
            };
            all.labels.extend(part.labels);
            all.files.extend_from_slice(part.files);
            all.parts.push((name, part.files.len()));
        }
        all
    }
}

/// How a model sees the files.
struct Seen {
    model: String,
    prepared: PreparedFiles,
    sheet: Option<String>,
}

impl Seen {
    fn of(
        args: &DataShowArgs,
        name: &str,
        dataset: &LabelledFiles,
        all: &All,
    ) -> anyhow::Result<Self> {
        args.allow_commands.apply(Signals::All);
        let model = saved_model(&args.models_dir, name)?;
        let prepared = prepare(dataset, &all.files, &model)?;
        let mut sheet = None;
        if let Some(path) = &args.sheet {
            let labels = all.labels.iter().zip(&prepared.fates);
            let labels: Vec<u16> = labels
                .filter(|(_, fate)| fate.is_ok())
                .map(|(label, _)| *label)
                .collect();
            let samples = Samples::new(prepared.images.clone(), labels, dataset.class_names())?;
            write(
                path,
                &bakeoff_data::contact_sheet(&samples, args.per_class)?,
            )?;
            sheet = Some(path.display().to_string());
        }
        Ok(Self {
            model: model.name().to_owned(),
            prepared,
            sheet,
        })
    }

    /// How often each warning and each reason occurs.
    fn counts(&self) -> (BTreeMap<&str, usize>, BTreeMap<&str, usize>) {
        let (mut warnings, mut reasons) = (BTreeMap::new(), BTreeMap::new());
        for fate in &self.prepared.fates {
            match fate {
                Ok(found) => {
                    for warning in found {
                        *warnings.entry(warning.as_str()).or_default() += 1;
                    }
                }
                Err(reason) => *reasons.entry(reason.as_str()).or_default() += 1,
            }
        }
        (warnings, reasons)
    }
}

pub(super) fn main(args: &DataShowArgs) -> anyhow::Result<()> {
    let dataset = match bakeoff_data::open_listed(&args.dataset, &args.open.options(), None)? {
        Listed::Files(files) => files,
        Listed::Pixels(opened) => bail!(
            "the images of `{}` are no files: models see them as they are. Leave --model out",
            opened.dataset.name()
        ),
    };
    let all = All::of(&dataset);
    let seen = match &args.model {
        Some(name) => Some(Seen::of(args, name, &dataset, &all)?),
        None => None,
    };
    let looks = look(&dataset, &all)?;
    match args.json {
        true => text::print_json(&line(&dataset, &all, &looks, seen.as_ref())),
        false => text::print(&lines(args, &dataset, &all, &looks, seen.as_ref())),
    }
}

/// A look at each image.
fn look(dataset: &LabelledFiles, all: &All) -> anyhow::Result<Vec<Look>> {
    let looks = all.files.par_iter().map(|file| {
        let bytes = dataset.read(file)?;
        let raw = RawPicture::decode(&bytes);
        let raw = raw.map(|raw| (raw.width, raw.height, raw.is_grey()));
        Ok(raw.map_err(|problem| problem.to_string()))
    });
    looks.collect()
}

/// Each size with how many images have it, the most frequent first.
fn sizes(looks: &[Look]) -> Vec<((usize, usize), usize)> {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (width, height, _) in looks.iter().flatten() {
        *counts.entry((*width, *height)).or_default() += 1;
    }
    let mut sizes: Vec<_> = counts.into_iter().collect();
    sizes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sizes
}

fn grey(looks: &[Look]) -> usize {
    let looks = looks.iter().flatten();
    looks.filter(|(.., is_grey)| *is_grey).count()
}

/// Files that cannot be decoded, with the reasons.
fn bad<'a>(all: &'a All, looks: &'a [Look]) -> Vec<(&'a str, &'a str)> {
    let looks = all.files.iter().zip(looks);
    looks
        .filter_map(|(file, look)| Some((file.as_str(), look.as_ref().err()?.as_str())))
        .collect()
}

fn class_counts(dataset: &LabelledFiles, all: &All) -> Vec<usize> {
    let mut counts = vec![0; dataset.class_names().len()];
    for label in &all.labels {
        if let Some(count) = counts.get_mut(usize::from(*label)) {
            *count += 1;
        }
    }
    counts
}

fn line(dataset: &LabelledFiles, all: &All, looks: &[Look], seen: Option<&Seen>) -> Value {
    let classes = dataset.class_names().iter().zip(class_counts(dataset, all));
    let classes: Vec<Value> = classes
        .map(|(name, images)| json!({ "name": name, "images": images }))
        .collect();
    let sizes: Vec<Value> = sizes(looks)
        .into_iter()
        .map(|((width, height), images)| json!({ "width": width, "height": height, "images": images }))
        .collect();
    let named = |list: Vec<(&str, &str)>| -> Vec<Value> {
        let list = list.into_iter();
        list.map(|(file, reason)| json!({ "file": file, "reason": reason }))
            .collect()
    };
    let seen = seen.map(|seen| {
        let (warnings, _) = seen.counts();
        let fates = all.files.iter().zip(&seen.prepared.fates);
        let unanswered = fates
            .filter_map(|(file, fate)| Some((file.as_str(), fate.as_ref().err()?.as_str())))
            .collect();
        json!({
            "model": seen.model,
            "images": seen.prepared.images.len(),
            "warnings": warnings,
            "unanswered": named(unanswered),
        })
    });
    json!({
        "name": dataset.name(),
        "images": all.files.len(),
        "parts": all.parts.iter().copied().collect::<BTreeMap<_, _>>(),
        "classes": classes,
        "sizes": sizes,
        "grey": grey(looks),
        "bad": named(bad(all, looks)),
        "notes": dataset.notes().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "seen": seen,
    })
}

fn lines(
    args: &DataShowArgs,
    dataset: &LabelledFiles,
    all: &All,
    looks: &[Look],
    seen: Option<&Seen>,
) -> Lines {
    let count = |count: usize| format::count(count as u64);
    let images = |count: usize| format::counted(count as u64, "image", "images");
    let mut out = Lines::new();
    let parts: Vec<String> = all
        .parts
        .iter()
        .map(|(name, files)| format!("{} {name}", count(*files)))
        .collect();
    out.line(format_args!(
        "{}: {} ({}), {} classes",
        dataset.name(),
        images(all.files.len()),
        parts.join(", "),
        dataset.class_names().len()
    ));
    let sizes = sizes(looks);
    let mut shown: Vec<String> = sizes
        .iter()
        .take(SIZES)
        .map(|((width, height), images)| format!("{width}×{height} ({})", count(*images)))
        .collect();
    if sizes.len() > SIZES {
        shown.push(format!("{} more", sizes.len() - SIZES));
    }
    out.line(format_args!("sizes    {}", shown.join(", ")));
    let bad = bad(all, looks);
    let grey = grey(looks);
    out.line(format_args!(
        "colours  {} grey, {} with colours",
        count(grey),
        count(looks.len() - bad.len() - grey)
    ));
    if !bad.is_empty() {
        out.line(format_args!("damaged  {}", count(bad.len())));
        for (file, reason) in bad.iter().take(NAMED) {
            out.line(format_args!("  - {file}: {reason}"));
        }
    }
    out.blank();
    let rows = dataset.class_names().iter().zip(class_counts(dataset, all));
    let rows: Vec<Vec<String>> = rows.map(|(name, n)| vec![name.clone(), count(n)]).collect();
    let header = [("class", Align::Left), ("images", Align::Right)];
    out.append(&table(&header, &rows));
    if !dataset.notes().is_empty() {
        out.blank();
        out.line("How it was read:");
        for note in dataset.notes() {
            out.line(format_args!("  - {}", note.text()));
        }
    }
    out.blank();
    match seen {
        Some(seen) => {
            let (warnings, reasons) = seen.counts();
            out.line(format_args!(
                "As {} sees them: {} of {}",
                seen.model,
                count(seen.prepared.images.len()),
                images(all.files.len())
            ));
            for (reason, n) in &reasons {
                out.line(format_args!("  - no answer, {}: {reason}", images(*n)));
            }
            for (warning, n) in &warnings {
                out.line(format_args!("  - a warning, {}: {warning}", images(*n)));
            }
            if let Some(sheet) = &seen.sheet {
                out.line(format_args!("Sheet of what it sees: {sheet}"));
            }
        }
        None => {
            out.line("The images are of different sizes.");
            out.line("  - To train on them, state one, as in --size 32.");
            out.line(format_args!(
                "  - A model of handwriting takes any size: bakeoff evaluate {} --model NAME",
                bakeoff_core::quoted(&args.dataset)
            ));
        }
    }
    out
}
