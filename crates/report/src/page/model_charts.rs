//! The charts of one model.

use bakeoff_core::record::Measured;
use bakeoff_metrics::{Collinear, Normalise, RocCurve};

use super::{
    compare_curves::RATES,
    parts::{Cell, Charts, Column, Figure, Table},
};
use crate::{
    ReportError,
    analysis::{Entry, Success},
    charts::{
        Course, Curve, MOST_CLASSES, Matrix, RocView, Shown, confusion, courses, roc, roc_height_at,
    },
    format,
};

/// The confusion matrix three times: counts, by row, by column.
pub(super) fn confusions(
    entry: &Entry<'_>,
    success: &Success<'_>,
    stem: &str,
    charts: &mut Charts,
) -> Result<Vec<(&'static str, Figure)>, ReportError> {
    let names = success.test.class_names();
    if names.len() > MOST_CLASSES {
        return Ok(Vec::new());
    }
    let matrix = &success.evaluation.confusion;
    let counts: Vec<Option<f64>> = matrix.counts().iter().map(|&n| Some(n as f64)).collect();
    let views = [
        (
            "Pictures",
            "confusion",
            "Confusion matrix",
            "Test pictures by actual class (rows) and predicted class (columns).",
            Shown::Counts,
            counts,
        ),
        (
            "% of actual",
            "confusion-by-actual",
            "Of each actual class, percent",
            "Every row sums to 100; the diagonal is recall.",
            Shown::ByActual,
            matrix.normalised(Normalise::Row),
        ),
        (
            "% of predicted",
            "confusion-by-predicted",
            "Of each predicted class, percent",
            "Every column sums to 100; the diagonal is precision.",
            Shown::ByPredicted,
            matrix.normalised(Normalise::Column),
        ),
    ];
    views
        .into_iter()
        .map(|(tab, name, title, caption, shown, values)| {
            let chart = confusion(
                &format!("{stem}-{name}"),
                &Matrix {
                    classes: names,
                    values: &values,
                    shown,
                },
            )?;
            let table = (shown == Shown::Counts).then(|| confusion_table(entry, success));
            Ok((tab, charts.figure(&chart, title, caption, table)))
        })
        .collect()
}

/// The counts behind all three matrices.
fn confusion_table(entry: &Entry<'_>, success: &Success<'_>) -> Table {
    let names = success.test.class_names();
    let matrix = &success.evaluation.confusion;
    let mut columns = vec![Column::text("actual \\ predicted")];
    columns.extend(names.iter().map(|name| Column::number(name)));
    let rows = names
        .iter()
        .enumerate()
        .map(|(actual, name)| {
            let mut row = vec![Cell::from(name.as_str())];
            row.extend((0..names.len()).map(|predicted| Cell {
                sort: None,
                ..Cell::count(matrix.count(actual, predicted))
            }));
            row
        })
        .collect();
    Table {
        caption: format!(
            "Test pictures by actual and predicted class, {}",
            entry.model
        ),
        columns,
        rows,
        sortable: false,
        pairs: false,
    }
}

/// How many classes are named in a chart of all classes.
const NAMED_CLASSES: usize = 3;

/// All classes on one ROC.
pub(super) fn class_rocs(
    entry: &Entry<'_>,
    success: &Success<'_>,
    stem: &str,
    charts: &mut Charts,
) -> Result<Figure, ReportError> {
    let names = success.test.class_names();
    let mut classes: Vec<(usize, f64, RocCurve)> = success
        .curves
        .classes()
        .iter()
        .zip(success.curves.auc())
        .enumerate()
        .filter_map(|(class, (ranking, auc))| {
            Some((class, (*auc)?, ranking.roc_curve(Collinear::Drop)?))
        })
        .collect();
    classes.sort_by(|a, b| a.1.total_cmp(&b.1));
    let resolution = success
        .curves
        .classes()
        .iter()
        .map(|ranking| ranking.negatives())
        .max()
        .map_or(0.01, |negatives| 1.0 / negatives.max(1) as f64);
    let rows = classes
        .iter()
        .map(|(class, auc, curve)| {
            let mut row = vec![
                Cell::from(names[*class].as_str()),
                Cell::number(Some(*auc), format::auc),
            ];
            row.extend(
                RATES.map(|rate| Cell::number(Some(roc_height_at(curve, rate)), format::score)),
            );
            row
        })
        .collect();
    let mut columns = vec![Column::text("class"), Column::number("AUC")];
    columns.extend(RATES.map(|rate| Column::number(&format!("TPR at FPR {rate}"))));
    let table = Table {
        caption: format!("One-vs-rest ROC of each class, {}", entry.model),
        columns,
        rows,
        sortable: true,
        pairs: false,
    };
    let mut curves: Vec<Curve<'_>> = success
        .curves
        .macro_curve()
        .map(|curve| Curve {
            label: Some("all classes, macro"),
            series: Some(entry.series),
            auc: success.evaluation.macro_auc,
            curve,
        })
        .into_iter()
        .collect();
    // With few classes each has a name and a colour, else only the worst.
    let named = if classes.len() <= NAMED_CLASSES + 1 {
        classes.len()
    } else {
        NAMED_CLASSES
    };
    for (rank, (class, auc, curve)) in classes.into_iter().take(MOST_CLASSES).enumerate() {
        curves.push(Curve {
            label: (rank < named).then_some(names[class].as_str()),
            // Colours that are not the model's own.
            series: (rank < named).then_some((entry.series % 12 + 1 + rank) % 12),
            auc: Some(auc),
            curve,
        });
    }
    let shown = if named < names.len() {
        format!("The {named} classes with the smallest areas are named, the others are grey.")
    } else {
        String::new()
    };
    let chart = roc(
        &format!("{stem}-roc-classes"),
        &curves,
        RocView::Corner { resolution },
    )?;
    Ok(charts.figure(
        &chart,
        "ROC of each class",
        format!(
            "Each class against the rest, the false-positive rate on a log scale. {shown} Colours \
             here are of classes, not of models."
        ),
        Some(table),
    ))
}

/// Loss and accuracy by epoch, or the objective by iteration; nothing for families that
/// have neither.
pub(super) fn learning(
    entry: &Entry<'_>,
    success: &Success<'_>,
    stem: &str,
    charts: &mut Charts,
) -> Result<Vec<Figure>, ReportError> {
    let measured = success.measured;
    if measured.epochs.is_empty() {
        return Ok(iterations(entry, measured, stem, charts)?
            .into_iter()
            .collect());
    }
    let kept = measured.fit.best_epoch.map(|epoch| epoch as f64);
    let line = |label, series, value: &dyn Fn(usize) -> Option<f64>| Course {
        label,
        series,
        points: measured
            .epochs
            .iter()
            .enumerate()
            .filter_map(|(index, epoch)| Some((epoch.epoch as f64, value(index)?)))
            .collect(),
    };
    let both = |train: Course<'static>, validation: Course<'static>| {
        [train, validation]
            .into_iter()
            .filter(|line| !line.points.is_empty())
            .collect::<Vec<_>>()
    };
    let epochs = &measured.epochs;
    let losses = both(
        line("train", None, &|i| Some(epochs[i].train_loss)),
        line("validation", Some(entry.series), &|i| {
            epochs[i].validation_loss
        }),
    );
    let accuracies = both(
        line("train", None, &|i| Some(epochs[i].train_accuracy)),
        line("validation", Some(entry.series), &|i| {
            epochs[i].validation_accuracy
        }),
    );
    let table = Table {
        caption: format!("Training of {} by epoch", entry.model),
        columns: [
            "epoch",
            "train loss",
            "validation loss",
            "train accuracy",
            "validation accuracy",
            "learning rate",
        ]
        .map(Column::number)
        .to_vec(),
        rows: epochs
            .iter()
            .map(|epoch| {
                let share = |share| format::percent(share, 10_000);
                vec![
                    Cell::count(epoch.epoch),
                    Cell::number(Some(epoch.train_loss), format::score),
                    Cell::number(epoch.validation_loss, format::score),
                    Cell::number(Some(epoch.train_accuracy), share),
                    Cell::number(epoch.validation_accuracy, share),
                    Cell::number(Some(epoch.learning_rate), format::significant),
                ]
            })
            .collect(),
        sortable: false,
        pairs: false,
    };
    let loss = courses(
        &format!("{stem}-loss"),
        ("epoch", "loss, nats"),
        &losses,
        kept,
    )?;
    let accuracy = courses(
        &format!("{stem}-accuracy"),
        ("epoch", "accuracy"),
        &accuracies,
        kept,
    )?;
    Ok(vec![
        charts.figure(
            &loss,
            "Loss by epoch",
            "Mean cross-entropy: over the epoch's batches as trained, with dropout and \
             augmentation on, and on the validation part after it.",
            Some(table),
        ),
        charts.figure(
            &accuracy,
            "Accuracy by epoch",
            "Share of right answers on the same pictures.",
            None,
        ),
    ])
}

fn iterations(
    entry: &Entry<'_>,
    measured: &Measured,
    stem: &str,
    charts: &mut Charts,
) -> Result<Option<Figure>, ReportError> {
    if measured.iterations.is_empty() {
        return Ok(None);
    }
    let line = Course {
        label: "objective",
        series: Some(entry.series),
        points: measured
            .iterations
            .iter()
            .map(|point| (point.iteration as f64, point.loss))
            .collect(),
    };
    // A solver may need thousands: a table of all of them helps nobody.
    let every = measured.iterations.len().div_ceil(50);
    let table = Table {
        caption: format!(
            "Objective of {} by iteration{}",
            entry.model,
            if every > 1 {
                format!(", one in {every}")
            } else {
                String::new()
            }
        ),
        columns: vec![Column::number("iteration"), Column::number("objective")],
        rows: measured
            .iterations
            .iter()
            .enumerate()
            .filter(|(index, _)| {
                index.is_multiple_of(every) || index + 1 == measured.iterations.len()
            })
            .map(|(_, point)| {
                vec![
                    Cell::count(point.iteration),
                    Cell::number(Some(point.loss), format::significant),
                ]
            })
            .collect(),
        sortable: false,
        pairs: false,
    };
    let chart = courses(
        &format!("{stem}-iterations"),
        ("iteration", "training objective"),
        &[line],
        None,
    )?;
    Ok(Some(charts.figure(
        &chart,
        "Training objective by iteration",
        "What the solver minimises, as the engine tells it: cross-entropy with its penalty.",
        Some(table),
    )))
}
