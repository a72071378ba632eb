//! `bakeoff evaluate`
//!
//! `reading` decides how a dataset is read for a model, `shown` reads it, `measured` asks the
//! model; `detail`, `overview`, `json`, `answers_csv` and `page` show what came out.

mod answers_csv;
mod detail;
mod json;
mod measured;
mod overview;
mod page;
mod reading;
mod shown;

use std::process::ExitCode;

use anyhow::ensure;
use bakeoff_ask::Model;

use self::{measured::Measured, reading::Reading, shown::Shown};
use crate::{args::EvaluateArgs, interrupt::Signals, text};

pub(crate) fn main(args: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    args.allow_commands.apply(Signals::All);
    let models: Vec<_> = match args.all {
        true => super::predict::read_all(&args.models_dir)?.ready,
        false => args
            .models
            .iter()
            .map(|name| Ok(super::saved_model(&args.models_dir, name)?.into()))
            .collect::<anyhow::Result<_>>()?,
    };
    let models: Vec<&Model> = models.iter().map(AsRef::as_ref).collect();
    let datasets = args.datasets();
    if let ([dataset], [model]) = (datasets.as_slice(), models.as_slice()) {
        one(args, dataset, model)?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(
        args.csv.is_none() && args.html.is_none(),
        "--csv and --html are of one dataset and one model: name one of each"
    );
    overview::main(args, &datasets, &models)
}

/// One model on one dataset, with everything there is to say.
fn one(args: &EvaluateArgs, dataset: &str, model: &Model) -> anyhow::Result<()> {
    let reading = Reading::of(args, dataset, model);
    let shown = Shown::open(dataset, &reading, model)?;
    let measured = Measured::new(&shown, &reading, model)?;
    for note in &measured.notes {
        match note.starts_with("warning:") {
            true => text::note(note),
            false => text::note(format_args!("note: {note}")),
        }
    }
    if let Some(path) = &args.csv {
        super::write(path, &answers_csv::table(&shown, &measured)?)?;
    }
    if let Some(path) = &args.html {
        let page = page::page(dataset, &reading, &shown, &measured)?;
        super::write(path, page.as_bytes())?;
    }
    match args.json {
        true => text::print_json(&json::line(&shown, &measured)),
        false => text::print(&detail::lines(&shown, &measured)),
    }
}
