//! Whether the ranking depends on the split of the data: cross-validation and holdouts.

use bakeoff_measures::{ACCURACY, LOG_LOSS, MACRO_F1, format};
use bakeoff_metrics::Confidence;

use super::{
    super::{
        figure::{Figure, Figures},
        models::names,
        part::Part,
        table::{Cell, Table},
        words::bold,
    },
    ranks::rank_figure,
};
use crate::{
    analysis::{
        Group,
        resampling::{CutsPair, OverCuts, PRACTICAL_MARGIN, Resampling},
        significance::ALPHA,
    },
    charts::{ScoreRow, intervals},
};

/// All parts together have as many images as the training data: enough for two decimals.
const SAMPLES: usize = usize::MAX;

/// What one dataset says.
pub(super) fn part(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let found = Resampling::all(group);
    let mut part = Part {
        lead: lead(found.first()?).into(),
        notes: vec![format!(
            "Training parts overlap, so a plain t-test would find differences by chance: the \
             variance is widened by the ratio of test to training images (corrected resampled \
             t-test, Nadeau and Bengio), and p-values are corrected for all pairs (Holm). \
             Practically equal means within {:.0} point of accuracy (Bayesian correlated \
             t-test with a prior that both models are equal).",
            100.0 * PRACTICAL_MARGIN
        )],
        ..Part::default()
    };
    for (place, found) in found.iter().enumerate() {
        // Folds come first; holdouts beside them need names of their own.
        let stem = if place == 0 {
            "resampling"
        } else {
            "resampling-holdouts"
        };
        if place > 0 {
            part.sentences.push(lead(found).into());
        }
        let with_best = found.pairs.iter().filter(|pair| pair.first == 0);
        part.sentences
            .extend(with_best.map(|pair| pair_words(found, pair).into()));
        part.figures.push(accuracies(group, found, stem, charts));
        part.tables
            .extend([models_table(found), pairs_table(found)]);
        if !found.left_out.is_empty() {
            part.notes.push(format!(
                "Left out of the {}, because a result of at least one part is missing: {}.",
                found.cuts,
                names(found.left_out.iter().copied())
            ));
        }
        if let Some(ranked) = &found.ranks {
            let models: Vec<(&str, usize)> = found
                .models
                .iter()
                .map(|model| (model.model, group.series(model.model)))
                .collect();
            let stem = format!("{stem}-ranks");
            part.figures
                .push(rank_figure(&stem, &models, ranked, "parts", charts));
            part.notes.push(
                "Ranks over parts of one dataset say nothing about other datasets, and parts \
                 share training images: their p-value is only a rough guide."
                    .to_owned(),
            );
        }
    }
    Some(part)
}

/// Every model on every part.
fn accuracies(
    group: &Group<'_>,
    found: &Resampling<'_>,
    stem: &str,
    charts: &mut Figures<'_>,
) -> Figure {
    let rows: Vec<ScoreRow<'_>> = found
        .models
        .iter()
        .map(|model| ScoreRow {
            label: model.model,
            series: group.series(model.model),
            value: model.mean,
            interval: None,
            points: model.accuracy.clone(),
            text: ACCURACY.write(model.mean, SAMPLES),
            starred: false,
        })
        .collect();
    charts.figure(
        stem,
        &intervals(ACCURACY.label, &rows),
        format!("Accuracy in {}", found.cuts),
        "Each small dot is a part of the training images that the model was not trained on; \
         the marker is their mean.",
        None,
    )
}

fn lead(found: &Resampling<'_>) -> String {
    let [best, others @ ..] = found.models.as_slice() else {
        return String::new();
    };
    let tied = others.iter().take_while(|other| other.mean == best.mean);
    let leaders: Vec<&str> = std::iter::once(best)
        .chain(tied)
        .map(|model| model.model)
        .collect();
    let has = match (leaders.len(), others.is_empty()) {
        (1, true) => "reaches",
        (1, false) => "has the highest mean accuracy:",
        _ => "have the same, highest mean accuracy:",
    };
    format!(
        "In {}, {} {has} {} ± {:.2} points (standard deviation over the parts).",
        found.cuts,
        bold(names(leaders)),
        ACCURACY.write(best.mean, SAMPLES),
        100.0 * best.deviation
    )
}

fn pair_words(found: &Resampling<'_>, pair: &CutsPair) -> String {
    let first = found.models[pair.first].model;
    let second = found.models[pair.second].model;
    let points = format!("{:.2} points", 100.0 * pair.test.mean);
    let probability = |share: f64| {
        if share > 0.9995 {
            "is almost certain".to_owned()
        } else {
            format!("has a probability of {}", format::percent(share, 100))
        }
    };
    let practical = if pair.practical.equivalent >= 0.5 {
        format!(
            "That they are practically equal {}.",
            probability(pair.practical.equivalent)
        )
    } else {
        format!(
            "That {first} is better by more than {:.0} point {}.",
            100.0 * PRACTICAL_MARGIN,
            probability(pair.practical.first_higher)
        )
    };
    match pair.adjusted_p {
        Some(p) if p <= ALPHA => format!(
            "{} by {points} over the splits ({}). {practical}",
            bold(format!("{first} is significantly better than {second}")),
            format::p_text(p)
        ),
        Some(p) => format!(
            "{}: their difference of {points} may come from the split ({}). {practical}",
            bold(format!(
                "{first} and {second} are not significantly different"
            )),
            format::p_text(p)
        ),
        None if pair.test.mean == 0.0 => {
            format!("{first} and {second} have the same accuracy on every part.")
        }
        None => format!(
            "{first} is {points} better than {second} on every part, so there is no variance to \
             test with."
        ),
    }
}

fn models_table(found: &Resampling<'_>) -> Table {
    let share = |value| ACCURACY.write(value, SAMPLES);
    let lowest = |model: &OverCuts<'_>| model.accuracy.iter().copied().fold(1.0, f64::min);
    let highest = |model: &OverCuts<'_>| model.accuracy.iter().copied().fold(0.0, f64::max);
    Table::of(
        format!("Means over the parts: {}", found.cuts),
        &found.models,
    )
    .text("model", |model| model.model)
    .measure(&ACCURACY, SAMPLES, |model| Some(model.mean))
    .numbers(
        "standard deviation, points",
        |deviation| format!("±{:.2}", 100.0 * deviation),
        |model| Some(model.deviation),
    )
    .numbers("lowest", share, |model| Some(lowest(model)))
    .numbers("highest", share, |model| Some(highest(model)))
    .measure(&MACRO_F1, SAMPLES, |model| Some(model.macro_f1))
    .measure(&LOG_LOSS, SAMPLES, |model| Some(model.log_loss))
    .done()
}

fn pairs_table(found: &Resampling<'_>) -> Table {
    let share = |value| format::percent(value, 100);
    let points = |value| ACCURACY.unit.write_difference(value);
    let title = format!("Every two models over the parts: {}", found.cuts);
    Table::of(title, &found.pairs)
        .text("better", |pair| found.models[pair.first].model)
        .text("worse", |pair| found.models[pair.second].model)
        .numbers("points", points, |pair| Some(pair.test.mean))
        .cells("95\u{a0}% interval", |pair| {
            let interval = pair.test.interval(Confidence::P95);
            Cell::from(format!(
                "{} to {}",
                points(interval.low),
                points(interval.high)
            ))
        })
        .numbers("p", format::p_value, |pair| pair.adjusted_p)
        .numbers("better by more than the margin", share, |pair| {
            Some(pair.practical.first_higher)
        })
        .numbers("practically equal", share, |pair| {
            Some(pair.practical.equivalent)
        })
        .numbers("worse by more than the margin", share, |pair| {
            Some(pair.practical.first_lower)
        })
        .done()
}
