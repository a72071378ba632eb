//! Whether the ranking depends on the draw of the data: folds and holdouts.

use super::{
    parts::{Cell, Charts, Column, Figure, Table, Words},
    sections::Part,
    significance::{p_text, p_value},
};
use crate::{
    ReportError,
    analysis::{
        Group,
        ranks::Ranks,
        resampling::{CutsPair, OverCuts, PRACTICAL_MARGIN, Resampling},
        significance::ALPHA,
    },
    charts::{Ranked, Rated, intervals, ranks},
    format,
};

/// What one dataset says.
///
/// # Errors
/// When a chart cannot be drawn.
pub(super) fn part(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Part>, ReportError> {
    let found = Resampling::all(group);
    let Some(first) = found.first() else {
        return Ok(None);
    };
    let mut part = Part {
        lead: lead(first),
        notes: vec![format!(
            "Training parts overlap, so the plain t-test would find winners by chance: the \
             variance is widened by the ratio of test to training pictures (Nadeau and Bengio), \
             p-values are corrected for all pairs (Holm). Practically equal means within {:.0} \
             point of accuracy (Bayesian correlated t-test, which assumes both models equal at \
             first).",
            100.0 * PRACTICAL_MARGIN
        )],
        ..Part::default()
    };
    for (place, found) in found.iter().enumerate() {
        // Folds come first; holdouts beside them need names of their own.
        let ending = if place == 0 { "" } else { "-holdouts" };
        let stem = format!("{prefix}resampling{ending}");
        let with_best = found.pairs.iter().filter(|pair| pair.first == 0);
        part.sentences
            .extend(with_best.map(|pair| words(found, pair)));
        part.figures.push(accuracies(group, found, &stem, charts)?);
        part.tables
            .extend([models_table(found), pairs_table(found)]);
        if !found.left_out.is_empty() {
            let names: Vec<String> = found.left_out.iter().map(|n| (*n).to_owned()).collect();
            part.notes.push(format!(
                "Left out of the {}, because not every part has a result: {}.",
                found.cuts,
                format::list(&names)
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
                .push(rank_figure(&stem, &models, ranked, "parts", charts)?);
            part.notes.push(
                "Ranks over parts of one dataset say nothing about other datasets, and parts \
                 share training pictures: take their p-value for a hint."
                    .to_owned(),
            );
        }
    }
    Ok(Some(part))
}

/// Every model on every part.
fn accuracies(
    group: &Group<'_>,
    found: &Resampling<'_>,
    stem: &str,
    charts: &mut Charts,
) -> Result<Figure, ReportError> {
    let rows: Vec<Rated<'_>> = found
        .models
        .iter()
        .map(|model| Rated {
            label: model.model,
            series: group.series(model.model),
            value: model.mean,
            interval: None,
            points: model.accuracy.clone(),
            text: format::percent(model.mean, 10_000),
            marked: false,
        })
        .collect();
    let chart = intervals(stem, "accuracy", &rows)?;
    Ok(charts.figure(
        &chart,
        &format!("Accuracy in {}", found.cuts),
        "Each small dot is a part of the training pictures that the model was not trained on; \
         the mark is their mean.",
        None,
    ))
}

/// The critical-difference diagram with what it says.
///
/// # Errors
/// When it cannot be drawn.
pub(super) fn rank_figure(
    stem: &str,
    models: &[(&str, usize)],
    found: &Ranks,
    what: &str,
    charts: &mut Charts,
) -> Result<Figure, ReportError> {
    let rows: Vec<Ranked<'_>> = models
        .iter()
        .zip(&found.friedman.mean_ranks)
        .map(|(&(label, series), &rank)| Ranked {
            label,
            series,
            rank,
        })
        .collect();
    let chart = ranks(
        stem,
        &rows,
        found.nemenyi.critical_difference,
        &found.nemenyi.groups,
    )?;
    Ok(charts.figure(
        &chart,
        "Mean ranks",
        format!(
            "Mean rank of each model over {} {what}, 1 is best. Models under one bar cannot be \
             told apart (Nemenyi, 95 %). Friedman's test that all are alike: {}.",
            found.friedman.blocks,
            p_text(found.friedman.f_p)
        ),
        None,
    ))
}

fn lead(found: &Resampling<'_>) -> Words {
    let words = Words::default().plain(format!("In {}, ", found.cuts));
    match found.models.as_slice() {
        [] => words,
        [best, others @ ..] => {
            let tied = others.iter().take_while(|other| other.mean == best.mean);
            let names: Vec<String> = std::iter::once(best)
                .chain(tied)
                .map(|model| model.model.to_owned())
                .collect();
            let is = match (names.len(), others.is_empty()) {
                (1, true) => "reaches",
                (1, false) => "is the most accurate:",
                _ => "are equally accurate:",
            };
            words.strong(format::list(&names)).plain(format!(
                " {is} {} ± {:.2} points (standard deviation over the parts).",
                format::percent(best.mean, 10_000),
                100.0 * best.deviation
            ))
        }
    }
}

fn words(found: &Resampling<'_>, pair: &CutsPair) -> Words {
    let (first, second) = (&found.models[pair.first], &found.models[pair.second]);
    let points = format!("{:.2}", 100.0 * pair.test.mean);
    let chance = |share: f64| {
        if share > 0.9995 {
            "is almost certain".to_owned()
        } else {
            format!("has a probability of {}", format::percent(share, 999))
        }
    };
    let practical = if pair.practical.equivalent >= 0.5 {
        format!(
            " That they are practically equal {}.",
            chance(pair.practical.equivalent)
        )
    } else {
        format!(
            " That {} is better by more than {:.0} point {}.",
            first.model,
            100.0 * PRACTICAL_MARGIN,
            chance(pair.practical.first_higher)
        )
    };
    match pair.adjusted_p {
        Some(p) if p <= ALPHA => Words::default()
            .strong(format!("{} is better than {}", first.model, second.model))
            .plain(format!(
                " by {points} points; another draw of the data would hardly change that ({}).{practical}",
                p_text(p)
            )),
        Some(p) => Words::default()
            .strong(format!("{} and {} cannot be told apart", first.model, second.model))
            .plain(format!(
                ": {points} points between them could be the draw of the data ({}).{practical}",
                p_text(p)
            )),
        None if pair.test.mean == 0.0 => Words::default().plain(format!(
            "{} and {} are equally accurate on every part.",
            first.model, second.model
        )),
        None => Words::default().plain(format!(
            "{} is {points} points ahead of {} on every part alike, so there is no spread to \
             judge by.",
            first.model, second.model
        )),
    }
}

fn models_table(found: &Resampling<'_>) -> Table {
    let row = |model: &OverCuts<'_>| {
        let share = |value: f64| format::percent(value, 10_000);
        let low = model.accuracy.iter().copied().fold(1.0, f64::min);
        let high = model.accuracy.iter().copied().fold(0.0, f64::max);
        vec![
            Cell::from(model.model),
            Cell::number(Some(model.mean), share),
            Cell::number(Some(model.deviation), |d| format!("±{:.2}", 100.0 * d)),
            Cell::number(Some(low), share),
            Cell::number(Some(high), share),
            Cell::number(Some(model.macro_f1), format::score),
            Cell::number(Some(model.log_loss), format::score),
        ]
    };
    Table {
        caption: format!("Means over the parts: {}", found.cuts),
        columns: vec![
            Column::text("model"),
            Column::number("accuracy"),
            Column::number("standard deviation, points"),
            Column::number("lowest"),
            Column::number("highest"),
            Column::number("macro F1"),
            Column::number("log loss"),
        ],
        rows: found.models.iter().map(row).collect(),
        sortable: true,
        pairs: false,
    }
}

fn pairs_table(found: &Resampling<'_>) -> Table {
    let share = |value: f64| format::percent(value, 999);
    Table {
        caption: "Every two models over the parts".to_owned(),
        columns: vec![
            Column::text("better"),
            Column::text("worse"),
            Column::number("points"),
            Column::number("95\u{a0}% interval"),
            Column::number("p"),
            Column::number("better by more than the margin"),
            Column::number("practically equal"),
            Column::number("worse by more than the margin"),
        ],
        rows: found
            .pairs
            .iter()
            .map(|pair| {
                let interval = pair.test.interval(bakeoff_metrics::Confidence::P95);
                vec![
                    Cell::from(found.models[pair.first].model),
                    Cell::from(found.models[pair.second].model),
                    Cell::number(Some(100.0 * pair.test.mean), signed_points),
                    Cell::from(format!(
                        "{} to {}",
                        signed_points(100.0 * interval.low),
                        signed_points(100.0 * interval.high)
                    )),
                    Cell::number(pair.adjusted_p, p_value),
                    Cell::number(Some(pair.practical.first_higher), share),
                    Cell::number(Some(pair.practical.equivalent), share),
                    Cell::number(Some(pair.practical.first_lower), share),
                ]
            })
            .collect(),
        sortable: true,
        pairs: false,
    }
}

/// `+5.17`, `−9.48`.
fn signed_points(points: f64) -> String {
    format!("{points:+.2}").replace('-', "−")
}
