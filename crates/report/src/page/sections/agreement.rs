//! The errors that models share, and what combining their predictions would reach.

use bakeoff_measures::{ACCURACY, format};
use bakeoff_metrics::{Agreement, Pair, Predictions, statistics::SwapTest};

use super::super::{
    figure::{Figure, Figures},
    models::{examples, seeds_note},
    part::Part,
    table::{Cell, Table},
    words::{Words, bold},
};
use crate::{
    analysis::{Group, Success, significance::ALPHA},
    charts::{ClassErrors, class_errors},
};

/// Images that every model misclassifies are listed up to so many.
const MOST_MISSED: usize = 15;
/// With more models the table of pairs would fill pages.
const MOST_MODELS: usize = 16;

/// A model with its predictions.
struct Model<'g, 'a> {
    name: &'g str,
    success: &'g Success<'a>,
    predictions: Predictions<'a>,
}

/// What one dataset says.
pub(super) fn part(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let models: Vec<Model<'_, '_>> = examples(group)
        .into_iter()
        // What does not look at the image shares no mistakes with those that do.
        .filter(|(entry, _)| !entry.is_baseline())
        .filter_map(|(entry, success)| {
            Some(Model {
                name: entry.model,
                success,
                predictions: success.predictions()?,
            })
        })
        .collect();
    let all: Vec<&Predictions<'_>> = models.iter().map(|model| &model.predictions).collect();
    // Models with other test parts cannot be compared, and one model alone agrees with itself.
    let (2.., Ok(agreement)) = (all.len(), Agreement::new(&all)) else {
        return None;
    };
    let samples = agreement.right().len();
    let missed = agreement.missed_by_all();
    Some(Part {
        lead: lead(&missed, all.len(), samples).into(),
        sentences: combined(&models, &agreement, samples),
        figures: (models.len() <= MOST_MODELS)
            .then(|| complementary(group, &models, samples, charts))
            .into_iter()
            .collect(),
        tables: (!missed.is_empty())
            .then(|| missed_table(&models, &missed))
            .into_iter()
            .collect(),
        notes: match seeds_note(group).trim() {
            "" => Vec::new(),
            note => vec![note.to_owned()],
        },
        ..Part::default()
    })
}

/// For every two models, how often one is correct where the other is wrong.
fn complementary(
    group: &Group<'_>,
    models: &[Model<'_, '_>],
    samples: usize,
    charts: &mut Figures<'_>,
) -> Figure {
    let names: Vec<String> = models.iter().map(|model| model.name.to_owned()).collect();
    let columns: Vec<ClassErrors<'_>> = models
        .iter()
        .map(|wrong| {
            let rows = models.iter().map(|correct| {
                // A model is never correct where it is wrong.
                if correct.name == wrong.name {
                    return None;
                }
                let pair = Pair::new(&correct.predictions, &wrong.predictions).ok()?;
                Some(pair.joint_correctness().only_first as f64 / samples as f64)
            });
            (wrong.name, rows.collect())
        })
        .collect();
    charts.figure(
        "agreement",
        &class_errors(&names, &columns),
        "How often one model is correct where another is wrong",
        format!(
            "Percentage of all test images that the model of the row classifies correctly and \
             the model of the column does not. Two models with low values make the same \
             mistakes.{}",
            seeds_note(group)
        ),
        Some(pairs(models)),
    )
}

fn lead(missed: &[usize], models: usize, samples: usize) -> String {
    let all = if models == 2 {
        "Both models".to_owned()
    } else {
        format!("All {models} models")
    };
    let samples = format::count(samples as u64);
    match missed.len() {
        0 => format!(
            "{}: at least one model classifies each correctly.",
            bold("No test image is misclassified by every model")
        ),
        1 => format!(
            "{all} misclassify {} of {samples} test images: its label may be wrong, or it may be \
             ambiguous.",
            bold("the same one")
        ),
        count => format!(
            "{all} misclassify {} of {samples} test images: look at them first, because some may \
             have wrong labels or be ambiguous.",
            bold(format!("the same {}", format::count(count as u64)))
        ),
    }
}

/// What combining the models could reach.
fn combined(models: &[Model<'_, '_>], agreement: &Agreement<'_>, samples: usize) -> Vec<Words> {
    let oracle = format!(
        "An oracle that always chooses a correct model, if there is one, would reach {}: no way \
         of choosing among the predictions of these models can reach more.",
        bold(ACCURACY.write(agreement.oracle_accuracy(), samples))
    );
    let mut sentences = vec![Words::from(oracle)];
    sentences.extend(vote(models, agreement, samples).map(Words::from));
    sentences
}

/// What the mean of all probabilities reaches, against the most accurate model.
fn vote(models: &[Model<'_, '_>], agreement: &Agreement<'_>, samples: usize) -> Option<String> {
    // The first of equals.
    let best = models.iter().rev().max_by(|a, b| {
        let accuracy = |model: &Model<'_, '_>| model.success.evaluation.accuracy;
        accuracy(a).total_cmp(&accuracy(b))
    })?;
    // Of models that only say the class there are no probabilities to take the mean of.
    let voters: Vec<&Predictions<'_>> = models
        .iter()
        .map(|model| &model.predictions)
        .filter(|predictions| !predictions.are_labels_alone())
        .collect();
    let vote = match voters.len() {
        all if all == models.len() => agreement.soft_vote().ok()?,
        2.. => Agreement::new(&voters).ok()?.soft_vote().ok()?,
        _ => return None,
    };
    let vote = Predictions::new(best.predictions.labels(), &vote).ok()?;
    let test = SwapTest::new(&[&vote], &[&best.predictions]).ok()?;
    let (gain, model) = (test.difference, best.name);
    let points = format::significant(100.0 * gain.abs());
    let p = format::p_text(test.mid_p);
    let against = if gain == 0.0 {
        format!("as {model} does alone")
    } else if test.mid_p > ALPHA {
        format!("which is not significantly different from {model} alone ({p})")
    } else if gain > 0.0 {
        format!("{points} points more than {model}, the best single model ({p})")
    } else {
        format!("{points} points less than {model} alone ({p})")
    };
    let reached = bold(ACCURACY.write(best.success.evaluation.accuracy + gain, samples));
    Some(format!(
        "The mean of all probabilities (soft voting) reaches {reached}, {against}."
    ))
}

/// Every two models with the images that both, one or none of them classify correctly.
fn pairs(models: &[Model<'_, '_>]) -> Table {
    let mut rows = Vec::new();
    for (index, first) in models.iter().enumerate() {
        for second in &models[index + 1..] {
            let Ok(pair) = Pair::new(&first.predictions, &second.predictions) else {
                continue;
            };
            let predicted = first.predictions.predicted().iter();
            let both = predicted.zip(second.predictions.predicted());
            let same = both.filter(|(a, b)| a == b).count();
            let share = same as f64 / first.predictions.samples() as f64;
            rows.push((first.name, second.name, pair.joint_correctness(), share));
        }
    }
    let samples = models.first().map_or(0, |m| m.predictions.samples());
    Table::of(
        "Test images by which of two models is correct, and the share with the same prediction",
        &rows,
    )
    .text("first", |row| row.0)
    .text("second", |row| row.1)
    .counts("both correct", |row| row.2.both)
    .counts("only the first", |row| row.2.only_first)
    .counts("only the second", |row| row.2.only_second)
    .counts("neither", |row| row.2.neither)
    .numbers(
        "same prediction",
        |share| format::percent(share, samples),
        |row| Some(row.3),
    )
    .done()
}

/// Images that every model misclassifies, with the predictions.
fn missed_table(models: &[Model<'_, '_>], missed: &[usize]) -> Table {
    let shown = &missed[..missed.len().min(MOST_MISSED)];
    let which = if shown.len() < missed.len() {
        format!("The first {} of {} images", shown.len(), missed.len())
    } else {
        "Images".to_owned()
    };
    let name = |model: &Model<'_, '_>, class: u16| {
        let names = model.success.test.class_names();
        let name = names.get(usize::from(class));
        name.map_or(format::NOTHING, String::as_str).to_owned()
    };
    Table::of(
        format!("{which} that every model misclassifies, with each prediction and its probability"),
        shown.iter().copied(),
    )
    .in_order()
    .counts("test image", |sample| *sample as u64)
    .text("actual", |sample| {
        let first = models.first();
        first.map_or_else(String::new, |model| {
            name(model, model.predictions.labels()[*sample])
        })
    })
    .each(models, |table, model| {
        table.text(model.name, |sample| {
            let class = model.predictions.predicted()[*sample];
            let p = model.success.probability(*sample, class);
            Cell {
                small: p.map(|p| format::percent(p, 100)),
                ..Cell::from(name(model, class))
            }
        })
    })
    .done()
}
