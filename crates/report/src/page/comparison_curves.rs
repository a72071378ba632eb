//! The curves of all models of a dataset.

use bakeoff_measures::{
    EXPECTED_CALIBRATION_ERROR, MACRO_AUC, MACRO_AVERAGE_PRECISION, MICRO_AVERAGE_PRECISION,
    Measure, format,
};
use bakeoff_metrics::{Binning, Collinear, OneVsRest, Reliability, RocCurve};

use super::{
    figure::{Figure, Figures},
    models::{examples, seeds_note},
    table::{Cell, Table, TableBuilder},
};
use crate::{
    analysis::{Group, Success},
    charts::{
        ClassRocs, Curve, MOST_PANELS, RocView, class_rocs as draw_class_rocs, precision_recall,
        reliability, roc, roc_height_at,
    },
};

/// False-positive rates whose true-positive rates are in the tables.
const RATES: [f64; 3] = [0.001, 0.01, 0.1];

/// The true-positive rates of ROC curves as columns of a table.
pub(crate) fn true_positive_rates<R>(
    table: TableBuilder<R>,
    curve: impl Fn(&R) -> &RocCurve,
) -> TableBuilder<R> {
    table.each(RATES, |table, rate| {
        table.numbers(format!("TPR at FPR {rate}"), format::score, |row| {
            Some(roc_height_at(curve(row), rate))
        })
    })
}

/// The curve of each model with its score, in the order of the leaderboard.
fn curves<'g, T>(
    group: &'g Group<'_>,
    measure: &Measure,
    curve: fn(&Success<'_>) -> Option<T>,
) -> Vec<Curve<'g, T>> {
    examples(group)
        .into_iter()
        .filter_map(|(entry, success)| {
            Some(Curve {
                label: Some(entry.model),
                series: Some(entry.series),
                score: success.values.get(measure),
                curve: curve(success)?,
            })
        })
        .collect()
}

/// The same, the highest score first.
fn best_first<T>(mut curves: Vec<Curve<'_, T>>) -> Vec<Curve<'_, T>> {
    curves.sort_by(|a, b| b.score.unwrap_or(0.0).total_cmp(&a.score.unwrap_or(0.0)));
    curves
}

/// ROC, whole and enlarged.
pub(super) fn rocs(group: &Group<'_>, charts: &mut Figures<'_>) -> Vec<Figure> {
    let curves = best_first(curves(group, &MACRO_AUC, |s| {
        s.curves.as_ref()?.macro_curve()
    }));
    if curves.is_empty() {
        return Vec::new();
    }
    let table = Table::of(
        "Area under the macro ROC curve, and its true-positive rate (TPR) at some \
         false-positive rates (FPR)",
        &curves,
    )
    .text("model", |curve| curve.label.unwrap_or_default())
    .measure(&MACRO_AUC, 0, |curve| curve.score);
    let table = true_positive_rates(table, |curve| &curve.curve).done();
    let corner = RocView::Corner {
        resolution: resolution(group),
    };
    vec![
        charts.figure(
            "roc-all",
            &roc(&curves, RocView::Whole),
            "ROC of all models",
            format!(
                "One class against the rest, averaged over classes with equal weight (macro). \
                 The number is the area under the curve (AUC); the dashed line is random \
                 guessing.{}",
                seeds_note(group)
            ),
            None,
        ),
        charts.figure(
            "roc-all-corner",
            &roc(&curves, corner),
            "ROC of all models, upper left corner",
            "The same curves with the false-positive rate on a log scale and only the upper \
             part of the true-positive rate: higher and further left is better.",
            Some(table),
        ),
    ]
}

/// The ROC of every class, a small panel each.
pub(super) fn class_rocs(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Figure> {
    let examples: Vec<_> = examples(group)
        .into_iter()
        .filter_map(|(entry, success)| Some((entry, success, success.curves.as_ref()?)))
        .collect();
    let (_, first, _) = examples.first()?;
    let names = first.test.class_names();
    // Of two classes, one against the rest mirrors the other, and the curve of all models
    // shows it.
    if !(3..=MOST_PANELS).contains(&names.len()) {
        return None;
    }
    let panels: Vec<ClassRocs<'_>> = names
        .iter()
        .enumerate()
        .map(|(class, name)| ClassRocs {
            class: name,
            curves: examples
                .iter()
                .filter_map(|(entry, _, curves)| {
                    let ranking = curves.classes().get(class)?;
                    Some((entry.series, ranking.roc_curve(Collinear::Drop)?))
                })
                .collect(),
        })
        .collect();
    let models: Vec<(&str, usize)> = examples
        .iter()
        .map(|(entry, ..)| (entry.model, entry.series))
        .collect();
    let table = Table::of(
        "Area under the ROC curve of each class against the rest",
        names.iter().enumerate(),
    )
    .text("class", |(_, name)| name.as_str())
    .each(&examples, |table, (entry, _, curves)| {
        table.numbers(entry.model, format::auc, |(class, _)| {
            curves.auc().get(*class).copied().flatten()
        })
    });
    Some(charts.figure(
        "roc-by-class",
        &draw_class_rocs(&models, &panels, resolution(group)),
        "ROC by class",
        format!(
            "Each class against the rest, all models: the upper left corner, with the same axes \
             for every class. Higher and further left is better.{}",
            seeds_note(group)
        ),
        Some(table.done()),
    ))
}

/// The smallest false-positive rate above 0: one negative among all.
fn resolution(group: &Group<'_>) -> f64 {
    let examples = examples(group);
    let curves = examples
        .iter()
        .filter_map(|(_, success)| success.curves.as_ref());
    curves.map(smallest_rate).fold(1.0, f64::min)
}

/// The same of one model.
pub(crate) fn smallest_rate(curves: &OneVsRest) -> f64 {
    let negatives = curves.classes().iter().map(|ranking| ranking.negatives());
    1.0 / negatives.max().unwrap_or_default().max(1) as f64
}

/// Precision against recall.
pub(super) fn precisions(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Figure> {
    let curves = best_first(curves(group, &MICRO_AVERAGE_PRECISION, |success| {
        success.curves.as_ref()?.micro().precision_recall_curve()
    }));
    if curves.is_empty() {
        return None;
    }
    let averages = [
        ("micro", &MICRO_AVERAGE_PRECISION),
        ("macro", &MACRO_AVERAGE_PRECISION),
    ];
    let table = Table::of("Average precision", examples(group))
        .text("model", |(entry, _)| entry.model)
        .each(averages, |table, (label, measure)| {
            table.cells(label, |(_, success)| {
                Cell::measure(measure, success.values.get(measure), 0)
            })
        });
    Some(charts.figure(
        "precision-recall-all",
        &precision_recall(&curves),
        "Precision and recall of all models",
        format!(
            "All pairs of an image and a class, ranked by probability (micro average), upper \
             right corner: higher and further right is better.{}",
            seeds_note(group)
        ),
        Some(table.done()),
    ))
}

/// Bins of the probability of the prediction, as in the expected calibration error.
pub(crate) const BINS: Binning = Binning::EqualWidth(15);

/// How often predictions are correct, by their probability.
pub(super) fn calibrations(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Figure> {
    let models = curves(group, &EXPECTED_CALIBRATION_ERROR, |success| {
        success.curves.as_ref()?;
        Some(Reliability::of_confidence(&success.predictions()?, BINS))
    });
    if models.is_empty() {
        return None;
    }
    let bins = models
        .iter()
        .flat_map(|model| model.curve.bins().iter().map(|bin| (model.label, bin)));
    let share = |share: f64| format::percent(share, 100);
    let table = Table::of("Predictions by their probability", bins)
        .text("model", |(model, _)| model.unwrap_or_default())
        .numbers("mean probability", share, |(_, bin)| {
            Some(bin.mean_probability)
        })
        .numbers("correct", share, |(_, bin)| Some(bin.frequency))
        .counts("predictions", |(_, bin)| bin.count);
    Some(charts.figure(
        "calibration-all",
        &reliability(&models),
        "Calibration of all models",
        format!(
            "How often a prediction is correct, by the probability that the model gives it. On \
             the dashed line a model is perfectly calibrated, below it the model is \
             overconfident, above it underconfident. Larger markers stand for more \
             predictions.{}",
            seeds_note(group)
        ),
        Some(table.done()),
    ))
}
