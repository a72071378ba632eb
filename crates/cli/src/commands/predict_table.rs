//! `bakeoff predict` about the images of one table, such as the `test.csv` of a competition.

use std::path::Path;

use anyhow::{Context as _, ensure};
use bakeoff_ask::Model;
use bakeoff_core::{ImageShape, OpenOptions, cell_of_text};
use bakeoff_data::TableImages;

use super::answers::{Answer, PictureLine};
use crate::{args::PredictArgs, text};

pub(super) fn main(path: &Path, models: &[&Model], args: &PredictArgs) -> anyhow::Result<()> {
    // The table is read once, as models of one dataset see it.
    let Some(first) = models.first() else {
        return Ok(());
    };
    let (shape, learned) = sees(first);
    for model in models {
        let (other, range) = sees(model);
        ensure!(
            (other, range) == (shape, learned),
            "{}: {} answers for {shape} and {} for {other}, or they learned from pixels of other scales: ask one model at a time, as in --model {}",
            path.display(),
            first.name(),
            model.name(),
            model.name()
        );
    }
    let TableImages { images, ids, notes } =
        bakeoff_data::open_table(path, &OpenOptions::default(), shape, learned)?;
    for note in &notes {
        text::note(format_args!("note: {}", note.text()));
    }
    let answers = models
        .iter()
        .map(|model| {
            let answers = model.answers(&images);
            answers.with_context(|| model.name().to_owned())
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Rows without a number of their own are counted from 1, as competitions do.
    let (id_name, ids) = ids.unwrap_or_else(|| {
        let counted = (1..=images.len()).map(|row| row.to_string());
        ("ImageId".into(), counted.collect())
    });
    if args.json {
        for (row, id) in ids.iter().enumerate() {
            let answer = |(model, answers): (&&Model, &Vec<bakeoff_ask::Answer>)| {
                Answer::new(model, &answers[row], args.top)
            };
            let image = format!("{}: {id_name} {id}", path.display());
            let predictions = models.iter().zip(&answers).map(answer).collect();
            text::print_json(&PictureLine::new(image, predictions))?;
        }
        return Ok(());
    }
    // A competition compares names letter by letter, so that they stay as they are.
    let mut cells = ids.iter().map(String::as_str).chain(classes_of(models));
    if let Some(cell) = cells.find(|cell| cell_of_text(cell) != *cell) {
        text::note(format_args!(
            "note: the answers are exact, and a spreadsheet would take `{cell}` for a formula: do \
             not open them in one"
        ));
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    let small = id_name.chars().all(|c| !c.is_uppercase());
    let label = if small { "label" } else { "Label" };
    let names: Vec<&str> = match models {
        [_] => vec![label],
        models => models.iter().map(|model| model.name()).collect(),
    };
    table.write_record([id_name.as_str()].into_iter().chain(names))?;
    for (row, id) in ids.iter().enumerate() {
        let class = |(model, answers): (&&'_ Model, &Vec<bakeoff_ask::Answer>)| {
            model.class_name(usize::from(answers[row].label)).to_owned()
        };
        let classes = models.iter().zip(&answers).map(class);
        table.write_record([id.clone()].into_iter().chain(classes))?;
    }
    text::print_exact(&table.into_inner()?)
}

fn classes_of<'a>(models: &'a [&Model]) -> impl Iterator<Item = &'a str> {
    let names = models
        .iter()
        .map(|model| &model.saved.manifest.facts.class_names);
    names.flatten().map(String::as_str)
}

/// The shape of the images that a model answers for, and the numbers that were black and white
/// where it learned.
fn sees(model: &Model) -> (ImageShape, Option<[f64; 2]>) {
    let manifest = &model.saved.manifest;
    (manifest.input_shape, manifest.facts.pixel_range)
}
