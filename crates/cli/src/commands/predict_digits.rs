//! `bakeoff predict --digits`

use std::process::ExitCode;

use anyhow::Context as _;
use bakeoff_ask::{ClassProbability, Model, NumbersError, ReadDigit, ReadNumbers};
use bakeoff_measures::format;
use bakeoff_report::terminal::Lines;
use serde::Serialize;

use super::pictures::{self, Fault, Source};
use crate::text;

/// A line of `--json`.
#[derive(Serialize)]
struct NumbersLine {
    image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    numbers: Vec<OfModel>,
    #[serde(skip)]
    fault: Option<Fault>,
}

#[derive(Serialize)]
struct OfModel {
    model: String,
    #[serde(flatten)]
    read: ReadNumbers,
}

pub(super) fn main(sources: &[Source], models: &[&Model], json: bool) -> anyhow::Result<ExitCode> {
    let mut faults = Vec::new();
    for source in sources {
        let line = numbers_line(source, models);
        if json {
            text::print_json(&line)?;
        } else {
            show(&line, sources.len() > 1 || models.len() > 1)?;
        }
        faults.extend(line.fault);
    }
    Ok(pictures::exit_code(&faults))
}

fn numbers_line(source: &Source, models: &[&Model]) -> NumbersLine {
    let image = source.name().to_string_lossy().into_owned();
    let read = || {
        let bytes = source.read()?;
        models
            .iter()
            .map(|model| match model.read_numbers(&bytes) {
                Ok(read) => Ok(OfModel {
                    model: model.name().to_owned(),
                    read,
                }),
                Err(NumbersError::Picture(error)) => Err(error.into()),
                Err(error) => {
                    let named = Err::<OfModel, _>(error).with_context(|| model.name().to_owned());
                    Ok(named?)
                }
            })
            .collect::<Result<Vec<OfModel>, Fault>>()
    };
    match read() {
        Ok(numbers) => NumbersLine {
            image,
            error: None,
            numbers,
            fault: None,
        },
        Err(fault) => NumbersLine {
            image,
            error: Some(fault.message.clone()),
            numbers: Vec::new(),
            fault: Some(fault),
        },
    }
}

/// The numbers alone, so that a shell can use them; of several images or models with the name
/// before them. What is unsure is said beside.
fn show(line: &NumbersLine, is_named: bool) -> anyhow::Result<()> {
    if let Some(error) = &line.error {
        text::error(format_args!("{}: {error}", line.image));
        return Ok(());
    }
    for OfModel { model, read } in &line.numbers {
        let mut out = Lines::new();
        let by = match line.numbers.len() > 1 {
            true => format!("{}, {model}", line.image),
            false => line.image.clone(),
        };
        match (is_named, read.rows.len()) {
            (false, _) => read.text.lines().for_each(|row| out.line(row)),
            (true, 1) => out.line(format_args!("{by}: {}", read.text)),
            (true, _) => {
                out.line(format_args!("{by}:"));
                read.text
                    .lines()
                    .for_each(|row| out.line(format_args!("  {row}")));
            }
        }
        text::print(&out)?;
        for warning in &read.warnings {
            text::note(format_args!("{}: note: {warning}", line.image));
        }
        for note in unsure(read) {
            text::note(format_args!("{by}: {note}"));
        }
    }
    Ok(())
}

/// So many unsure digits are named.
const NAMED: usize = 10;

/// The digits that are unsure, by their places.
fn unsure(read: &ReadNumbers) -> Vec<String> {
    let place = |(row, column): (usize, usize)| match read.rows.len() {
        1 => format!("digit {}", column + 1),
        _ => format!("row {}, digit {}", row + 1, column + 1),
    };
    let of_row = |(row, digits): (usize, &Vec<Option<ReadDigit>>)| -> Vec<String> {
        digits
            .iter()
            .enumerate()
            .filter_map(|(column, digit)| Some((column, digit.as_ref()?, digit.as_ref()?.doubt?)))
            .map(|(column, digit, doubt)| {
                let candidate = |one: &ClassProbability| {
                    let percent = format::probability(f64::from(one.probability));
                    format!("{} {}", one.class, format::plain_spaces(&percent))
                };
                let top: Vec<String> = digit.top.iter().take(2).map(candidate).collect();
                format!(
                    "{} is {}: {}",
                    place((row, column)),
                    doubt.words(),
                    top.join(", ")
                )
            })
            .collect()
    };
    let mut notes: Vec<String> = read.rows.iter().enumerate().flat_map(of_row).collect();
    if notes.len() > NAMED {
        let more = notes.len() - NAMED;
        notes.truncate(NAMED);
        notes.push(format!("{more} more are unsure (--json has all)"));
    }
    notes
}
