//! The curves of all models of a dataset.

use bakeoff_metrics::{Binning, Collinear, Predictions, Reliability};

use super::{
    compare::{examples, seeds_note},
    parts::{Cell, Charts, Column, Figure, Table},
};
use crate::{
    ReportError,
    analysis::Group,
    charts::{
        Calibration, ClassPanel, Curve, MOST_PANELS, Precision, RocView, class_panels,
        precision_recall, reliability, roc, roc_height_at,
    },
    format,
};

/// False-positive rates whose true-positive rates are in the tables.
pub(crate) const RATES: [f64; 3] = [0.001, 0.01, 0.1];

/// ROC, whole and enlarged.
pub(super) fn rocs(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Vec<Figure>, ReportError> {
    let mut curves: Vec<Curve<'_>> = examples(group)
        .into_iter()
        .filter_map(|(entry, success)| {
            Some(Curve {
                label: Some(entry.model),
                series: Some(entry.series),
                auc: success.evaluation.macro_auc,
                curve: success.curves.macro_curve()?,
            })
        })
        .collect();
    if curves.is_empty() {
        return Ok(Vec::new());
    }
    curves.sort_by(|a, b| b.auc.unwrap_or(0.0).total_cmp(&a.auc.unwrap_or(0.0)));
    let rows =
        curves
            .iter()
            .map(|curve| {
                let mut row = vec![
                    Cell::from(curve.label.unwrap_or_default()),
                    Cell::number(curve.auc, format::auc),
                ];
                row.extend(RATES.map(|rate| {
                    Cell::number(Some(roc_height_at(&curve.curve, rate)), format::score)
                }));
                row
            })
            .collect();
    let mut columns = vec![Column::text("model"), Column::number("macro AUC")];
    columns.extend(RATES.map(|rate| Column::number(&format!("TPR at FPR {rate}"))));
    let table = Table {
        caption: "Area under the macro ROC curve, and its true-positive rate (TPR) at some \
                  false-positive rates (FPR)"
            .to_owned(),
        columns,
        rows,
        sortable: true,
        pairs: false,
    };
    let note = seeds_note(group);
    let whole = roc(&format!("{prefix}roc-all"), &curves, RocView::Whole)?;
    let corner = roc(
        &format!("{prefix}roc-all-corner"),
        &curves,
        RocView::Corner {
            resolution: resolution(group),
        },
    )?;
    Ok(vec![
        charts.figure(
            &whole,
            "ROC of all models",
            format!(
                "One class against the rest, averaged over classes with equal weight (macro). \
                 The number is the area under the curve; the dashed line is guessing.{note}"
            ),
            None,
        ),
        charts.figure(
            &corner,
            "ROC of all models, upper left corner",
            "The same curves with the false-positive rate on a log scale and only the upper \
             part of the true-positive rate: higher and further left is better.",
            Some(table),
        ),
    ])
}

/// The ROC of every class, a small panel each.
pub(super) fn class_rocs(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Figure>, ReportError> {
    let examples = examples(group);
    let Some((_, first)) = examples.first() else {
        return Ok(None);
    };
    let names = first.test.class_names();
    // Of two classes, one against the rest is the other's mirror image, and the curve of
    // all models shows it.
    if !(3..=MOST_PANELS).contains(&names.len()) {
        return Ok(None);
    }
    let panels: Vec<ClassPanel<'_>> = names
        .iter()
        .enumerate()
        .map(|(class, name)| ClassPanel {
            class: name,
            curves: examples
                .iter()
                .filter_map(|(entry, success)| {
                    let ranking = success.curves.classes().get(class)?;
                    Some((entry.series, ranking.roc_curve(Collinear::Drop)?))
                })
                .collect(),
        })
        .collect();
    let models: Vec<(&str, usize)> = examples
        .iter()
        .map(|(entry, _)| (entry.model, entry.series))
        .collect();
    let mut columns = vec![Column::text("class")];
    columns.extend(models.iter().map(|(model, _)| Column::number(model)));
    let rows = names
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let mut row = vec![Cell::from(name.as_str())];
            row.extend(examples.iter().map(|(_, success)| {
                let auc = success.curves.auc().get(class).copied().flatten();
                Cell::number(auc, format::auc)
            }));
            row
        })
        .collect();
    let table = Table {
        caption: "Area under the ROC curve of each class against the rest".to_owned(),
        columns,
        rows,
        sortable: true,
        pairs: false,
    };
    let chart = class_panels(
        &format!("{prefix}roc-by-class"),
        &panels,
        &models,
        resolution(group),
    )?;
    Ok(Some(charts.figure(
        &chart,
        "ROC by class",
        format!(
            "Each class against the rest, all models: the upper left corner, the same for every \
             class. Higher and further left is better.{}",
            seeds_note(group)
        ),
        Some(table),
    )))
}

/// The smallest false-positive rate that can be told from 0: one negative among all.
fn resolution(group: &Group<'_>) -> f64 {
    let negatives = examples(group)
        .iter()
        .flat_map(|(_, success)| success.curves.classes())
        .map(|ranking| ranking.negatives())
        .max()
        .unwrap_or(1);
    1.0 / negatives.max(1) as f64
}

/// Precision against recall.
pub(super) fn precisions(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Figure>, ReportError> {
    let mut curves: Vec<Precision<'_>> = examples(group)
        .into_iter()
        .filter_map(|(entry, success)| {
            Some(Precision {
                label: entry.model,
                series: entry.series,
                average: success.evaluation.micro_average_precision,
                curve: success.curves.micro().precision_recall_curve()?,
            })
        })
        .collect();
    if curves.is_empty() {
        return Ok(None);
    }
    curves.sort_by(|a, b| {
        let key = |curve: &Precision<'_>| curve.average.unwrap_or(0.0);
        key(b).total_cmp(&key(a))
    });
    let rows = examples(group)
        .into_iter()
        .map(|(entry, success)| {
            let evaluation = &success.evaluation;
            vec![
                Cell::from(entry.model),
                Cell::number(evaluation.micro_average_precision, format::auc),
                Cell::number(evaluation.macro_average_precision, format::auc),
            ]
        })
        .collect();
    let table = Table {
        caption: "Average precision".to_owned(),
        columns: vec![
            Column::text("model"),
            Column::number("micro"),
            Column::number("macro"),
        ],
        rows,
        sortable: true,
        pairs: false,
    };
    let chart = precision_recall(&format!("{prefix}precision-recall-all"), &curves)?;
    Ok(Some(charts.figure(
        &chart,
        "Precision and recall of all models",
        format!(
            "Every pair of a picture and a class, ranked by probability (micro), in the corner \
             that matters: higher and further right is better.{}",
            seeds_note(group)
        ),
        Some(table),
    )))
}

/// Bins of confidence, as in the calibration error of `bakeoff-metrics`.
const BINS: usize = 15;

/// Whether models are right as often as they are sure.
pub(super) fn calibrations(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Figure>, ReportError> {
    let models: Vec<Calibration<'_>> = examples(group)
        .into_iter()
        .filter_map(|(entry, success)| {
            let predictions =
                Predictions::new(success.test.labels(), success.probabilities).ok()?;
            Some(Calibration {
                label: entry.model,
                series: entry.series,
                error: success.evaluation.expected_calibration_error,
                reliability: Reliability::of_confidence(&predictions, Binning::EqualWidth(BINS)),
            })
        })
        .collect();
    if models.is_empty() {
        return Ok(None);
    }
    let rows = models
        .iter()
        .flat_map(|model| {
            model.reliability.bins().iter().map(|bin| {
                let share = |share| format!("{:.1}\u{a0}%", 100.0 * share);
                vec![
                    Cell::from(model.label),
                    Cell::number(Some(bin.mean_probability), share),
                    Cell::number(Some(bin.frequency), share),
                    Cell::count(bin.count),
                ]
            })
        })
        .collect();
    let table = Table {
        caption: "Answers by their probability".to_owned(),
        columns: vec![
            Column::text("model"),
            Column::number("mean probability"),
            Column::number("right"),
            Column::number("answers"),
        ],
        rows,
        sortable: true,
        pairs: false,
    };
    let chart = reliability(&format!("{prefix}calibration-all"), &models)?;
    Ok(Some(charts.figure(
        &chart,
        "Calibration of all models",
        format!(
            "How often an answer is right, by the probability that the model gives it: on the \
             dashed line it means what it says, below it is too sure. Larger marks stand for \
             more answers.{}",
            seeds_note(group)
        ),
        Some(table),
    )))
}
