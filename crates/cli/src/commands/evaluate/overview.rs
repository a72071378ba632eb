//! Several datasets or models: a row for each pair.

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::bail;
use bakeoff_ask::Model;
use bakeoff_core::{ImageShape, Preparation};
use bakeoff_measures::format;
use bakeoff_report::terminal::{Align, Lines, table};
use serde_json::json;

use super::{
    json,
    measured::{self, Measured},
    reading::Reading,
    shown::Shown,
};
use crate::{args::EvaluateArgs, text};

/// A pair without a result.
struct Failure {
    dataset: String,
    /// `None` where the dataset is the problem, whatever the model.
    model: Option<String>,
    reason: String,
}

enum Row {
    Measured {
        dataset: String,
        measured: Box<Measured>,
    },
    Failed(Failure),
}

/// What is the same for all models that are shown the same.
type Seen = (Reading, ImageShape, Preparation);

pub(super) fn main(
    args: &EvaluateArgs,
    datasets: &[&str],
    models: &[&Model],
) -> anyhow::Result<ExitCode> {
    let (mut rows, mut notes): (Vec<Row>, Vec<(String, Vec<String>)>) = Default::default();
    // Whether a model knows the classes of any dataset.
    let mut is_known = vec![false; models.len()];
    for dataset in datasets {
        let mut opened: Vec<(Seen, Result<Shown, String>)> = Vec::new();
        for (model, is_known) in models.iter().zip(&mut is_known) {
            let reading = Reading::of(args, dataset, model);
            let manifest = &model.saved.manifest;
            let seen = (reading, manifest.input_shape, manifest.preparation());
            let place = match opened.iter().position(|(other, _)| *other == seen) {
                Some(place) => place,
                None => {
                    let shown = Shown::open(dataset, &seen.0, model);
                    opened.push((seen.clone(), shown.map_err(|error| text::chain(&error))));
                    opened.len() - 1
                }
            };
            let failed = |model: Option<&Model>, reason: String| Failure {
                dataset: short(dataset),
                model: model.map(|model| model.name().to_owned()),
                reason,
            };
            let shown = match &opened[place].1 {
                Ok(shown) => shown,
                Err(reason) => {
                    *is_known = true;
                    push_once(&mut rows, failed(None, reason.clone()));
                    continue;
                }
            };
            if args.all && !measured::knows(shown, model) {
                continue;
            }
            *is_known = true;
            match Measured::new(shown, &seen.0, model) {
                Ok(measured) => {
                    for note in &measured.notes {
                        add(&mut notes, note.clone(), &shown.dataset);
                    }
                    if args.json {
                        text::print_json(&json::line(shown, &measured))?;
                    }
                    rows.push(Row::Measured {
                        dataset: shown.dataset.clone(),
                        measured: Box::new(measured),
                    });
                }
                Err(error) => rows.push(Row::Failed(failed(Some(model), text::chain(&error)))),
            }
        }
    }
    let left_out: Vec<&str> = models
        .iter()
        .zip(is_known)
        .filter(|(_, is_known)| !is_known)
        .map(|(model, _)| model.name())
        .collect();
    if !left_out.is_empty() {
        text::note(format_args!(
            "note: models that do not know the classes are left out: {}",
            left_out.join(", ")
        ));
    }
    if rows.is_empty() {
        bail!("no saved model knows the classes of these data");
    }
    let measured: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Measured { dataset, .. } => Some(dataset.as_str()),
            Row::Failed(_) => None,
        })
        .collect();
    for (note, of) in &notes {
        let of = match of.len() {
            count if count < measured.len() => format!(" ({})", format::list(of)),
            _ => String::new(),
        };
        text::note(format_args!("note: {note}{of}"));
    }
    let failures: Vec<&Failure> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Measured { .. } => None,
            Row::Failed(failure) => Some(failure),
        })
        .collect();
    if args.json {
        for failure in &failures {
            text::print_json(&json!({
                "dataset": failure.dataset,
                "model": failure.model,
                "error": failure.reason,
            }))?;
        }
    } else {
        text::print(&lines(&rows, &failures))?;
    }
    Ok(super::super::exit_code(failures.is_empty()))
}

/// The name of a dataset that could not be opened: the last part of its path.
fn short(dataset: &str) -> String {
    let end = dataset.trim_end_matches(['/', '\\']);
    end.rsplit(['/', '\\']).next().unwrap_or(end).to_owned()
}

/// A dataset that cannot be read is one row, however many models there are.
fn push_once(rows: &mut Vec<Row>, failure: Failure) {
    let known = rows.iter().any(|row| match row {
        Row::Failed(other) => {
            (&other.dataset, &other.reason) == (&failure.dataset, &failure.reason)
        }
        Row::Measured { .. } => false,
    });
    if !known {
        rows.push(Row::Failed(failure));
    }
}

/// A note, and the datasets that it is about.
fn add(notes: &mut Vec<(String, Vec<String>)>, note: String, dataset: &str) {
    let place = match notes.iter().position(|(other, _)| *other == note) {
        Some(place) => place,
        None => {
            notes.push((note, Vec::new()));
            notes.len() - 1
        }
    };
    let of = &mut notes[place].1;
    if of.last().map(String::as_str) != Some(dataset) {
        of.push(dataset.to_owned());
    }
}

fn lines(rows: &[Row], failures: &[&Failure]) -> Lines {
    let header = [
        ("data", Align::Left),
        ("model", Align::Left),
        ("answered", Align::Right),
        ("accuracy", Align::Right),
        ("interval", Align::Right),
        ("unsure", Align::Right),
        ("wrong", Align::Right),
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| match row {
            Row::Measured { dataset, measured } => {
                let tally = &measured.tally;
                let count = |count: usize| format::count(count as u64);
                vec![
                    dataset.clone(),
                    measured.model.clone(),
                    format!("{} of {}", count(tally.answered), count(tally.images)),
                    format::plain_spaces(&tally.accuracy_text()),
                    format::plain_spaces(&tally.interval_text()),
                    count(tally.unsure),
                    count(tally.unsure_misses),
                ]
            }
            Row::Failed(failure) => {
                let model = failure.model.clone();
                let model = model.unwrap_or_else(|| format::NOTHING.into());
                let nothing = std::iter::repeat_n(format::NOTHING.to_owned(), 5);
                [failure.dataset.clone(), model]
                    .into_iter()
                    .chain(nothing)
                    .collect()
            }
        })
        .collect();
    let mut out = table(&header, &rows);
    out.blank();
    out.line("Accuracy is of all images, with its 95 % interval; an image without an answer");
    out.line("counts as wrong. An answer is unsure if its probability is below 90 %, or if");
    out.line("perhaps no class fits; the last column counts those of them that are wrong.");
    if !failures.is_empty() {
        out.blank();
        for failure in failures {
            // It names the dataset.
            out.line(&failure.reason);
        }
    }
    out
}
