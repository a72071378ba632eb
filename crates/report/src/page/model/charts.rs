//! The charts of one model.

use bakeoff_core::EpochMetrics;
use bakeoff_measures::{ACCURACY, LOG_LOSS, format};
use bakeoff_metrics::{Collinear, Normalise, RocCurve};

use super::super::{
    comparison_curves::{smallest_rate, true_positive_rates},
    figure::{Figure, Figures},
    table::{Cell, Table},
};
use crate::{
    analysis::{Entry, Success},
    charts::{
        Curve, Line, MOST_CLASSES, Quantity, RocView, Shown, confusion, roc, training_curves,
    },
};

/// The confusion matrix three times: counts, by row, by column.
pub(super) fn confusions(
    entry: &Entry<'_>,
    success: &Success<'_>,
    charts: &mut Figures<'_>,
) -> Vec<(&'static str, Figure)> {
    let names = success.test.class_names();
    if names.len() > MOST_CLASSES {
        return Vec::new();
    }
    let matrix = &success.evaluation.confusion;
    let counts: Vec<Option<f64>> = matrix.counts().iter().map(|&n| Some(n as f64)).collect();
    let mut figure = |stem, values: &[_], shown, title, caption, table| {
        charts.figure(
            stem,
            &confusion(names, values, shown),
            title,
            caption,
            table,
        )
    };
    vec![
        (
            "Images",
            figure(
                "confusion",
                &counts,
                Shown::Counts,
                "Confusion matrix",
                "Test images by actual class (rows) and predicted class (columns).",
                Some(confusion_table(entry, success)),
            ),
        ),
        (
            "% of actual",
            figure(
                "confusion-by-actual",
                &matrix.normalised(Normalise::Row),
                Shown::Shares,
                "Confusion matrix, percent of each actual class",
                "Every row sums to 100; the diagonal is recall.",
                None,
            ),
        ),
        (
            "% of predicted",
            figure(
                "confusion-by-predicted",
                &matrix.normalised(Normalise::Column),
                Shown::Shares,
                "Confusion matrix, percent of each predicted class",
                "Every column sums to 100; the diagonal is precision.",
                None,
            ),
        ),
    ]
}

/// The counts behind all three matrices.
fn confusion_table(entry: &Entry<'_>, success: &Success<'_>) -> Table {
    let names = success.test.class_names();
    let matrix = &success.evaluation.confusion;
    Table::of(
        format!("Test images by actual and predicted class, {}", entry.model),
        names.iter().enumerate(),
    )
    .in_order()
    .text("actual \\ predicted", |(_, name)| name.as_str())
    .each(names.iter().enumerate(), |table, (predicted, name)| {
        table.cells(name, |(actual, _)| Cell {
            sort: None,
            ..Cell::count(matrix.count(*actual, predicted))
        })
    })
    .done()
}

/// How many classes are named in a chart of all classes.
const NAMED_CLASSES: usize = 3;

/// All classes on one ROC; nothing where only predicted classes are known.
pub(super) fn class_rocs(
    entry: &Entry<'_>,
    success: &Success<'_>,
    charts: &mut Figures<'_>,
) -> Option<Figure> {
    let curves = success.curves.as_ref()?;
    let names = success.test.class_names();
    let mut classes: Vec<(&String, f64, RocCurve)> = curves
        .classes()
        .iter()
        .zip(curves.auc())
        .zip(names)
        .filter_map(|((ranking, auc), name)| {
            Some((name, (*auc)?, ranking.roc_curve(Collinear::Drop)?))
        })
        .collect();
    classes.sort_by(|a, b| a.1.total_cmp(&b.1));
    let resolution = smallest_rate(curves);
    let table = Table::of(
        format!("One-vs-rest ROC of each class, {}", entry.model),
        &classes,
    )
    .text("class", |(name, ..)| name.as_str())
    .numbers("AUC", format::auc, |(_, auc, _)| Some(*auc));
    let table = true_positive_rates(table, |(.., curve)| curve).done();
    let macro_curve = curves.macro_curve().map(|curve| Curve {
        label: Some("all classes, macro"),
        series: Some(entry.series),
        score: success.evaluation.macro_auc,
        curve,
    });
    // With few classes each has a name and a colour, else only the worst.
    let named = if classes.len() <= NAMED_CLASSES + 1 {
        classes.len()
    } else {
        NAMED_CLASSES
    };
    let of_classes = classes.iter().take(MOST_CLASSES).enumerate();
    let drawn: Vec<Curve<'_, RocCurve>> = macro_curve
        .into_iter()
        .chain(of_classes.map(|(rank, (name, auc, curve))| Curve {
            label: (rank < named).then_some(name.as_str()),
            // Colours that are not the model's own.
            series: (rank < named).then_some((entry.series % 12 + 1 + rank) % 12),
            score: Some(*auc),
            curve: curve.clone(),
        }))
        .collect();
    let shown = if named < names.len() {
        format!("The {named} classes with the smallest areas are named, the others are grey. ")
    } else {
        String::new()
    };
    Some(charts.figure(
        "roc-classes",
        &roc(&drawn, RocView::Corner { resolution }),
        "ROC of each class",
        format!(
            "Each class against the rest, with the false-positive rate on a log scale. {shown}\
             Colours stand for classes here, not for models."
        ),
        Some(table),
    ))
}

/// Loss and accuracy by epoch, or the objective by iteration; nothing for families that
/// have neither.
pub(super) fn learning(
    entry: &Entry<'_>,
    success: &Success<'_>,
    charts: &mut Figures<'_>,
) -> Vec<Figure> {
    let epochs = &success.measured.epochs;
    if epochs.is_empty() {
        return iterations(entry, success, charts).into_iter().collect();
    }
    let kept = success.measured.fit.best_epoch.map(|epoch| epoch as f64);
    let line = |label, series, value: fn(&EpochMetrics) -> Option<f64>| Line {
        label,
        series,
        points: epochs
            .iter()
            .filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?)))
            .collect(),
    };
    let chart = |title, quantity, train, validation| {
        let lines: Vec<Line<'_>> = [
            line("training", None, train),
            line("validation", Some(entry.series), validation),
        ]
        .into_iter()
        .filter(|line| !line.points.is_empty())
        .collect();
        training_curves(&lines, ("epoch", title), quantity, kept)
    };
    let losses = chart(
        "loss, nats",
        Quantity::Loss,
        |epoch| Some(epoch.train_loss),
        |epoch| epoch.validation_loss,
    );
    let accuracies = chart(
        "accuracy",
        Quantity::Accuracy,
        |epoch| Some(epoch.train_accuracy),
        |epoch| epoch.validation_accuracy,
    );
    let loss = |loss| LOG_LOSS.write(loss, 0);
    let accuracy = |accuracy| ACCURACY.write(accuracy, usize::MAX);
    let table = Table::of(format!("Training of {} by epoch", entry.model), epochs)
        .in_order()
        .counts("epoch", |epoch| epoch.epoch)
        .numbers("training loss", loss, |epoch| Some(epoch.train_loss))
        .numbers("validation loss", loss, |epoch| epoch.validation_loss)
        .numbers("training accuracy", accuracy, |epoch| {
            Some(epoch.train_accuracy)
        })
        .numbers("validation accuracy", accuracy, |epoch| {
            epoch.validation_accuracy
        })
        .numbers("learning rate", format::significant, |epoch| {
            Some(epoch.learning_rate)
        })
        .done();
    vec![
        charts.figure(
            "loss",
            &losses,
            "Loss by epoch",
            "Mean cross-entropy: over the batches of the epoch during training, with dropout and \
             augmentation, and on the validation part after the epoch.",
            Some(table),
        ),
        charts.figure(
            "accuracy",
            &accuracies,
            "Accuracy by epoch",
            "Share of correct predictions on the same images.",
            None,
        ),
    ]
}

fn iterations(
    entry: &Entry<'_>,
    success: &Success<'_>,
    charts: &mut Figures<'_>,
) -> Option<Figure> {
    let iterations = &success.measured.iterations;
    if iterations.is_empty() {
        return None;
    }
    let line = Line {
        label: "objective",
        series: Some(entry.series),
        points: iterations
            .iter()
            .map(|point| (point.iteration as f64, point.loss))
            .collect(),
    };
    // A solver may need thousands: nobody reads a table of all of them.
    let every = iterations.len().div_ceil(50);
    let some = iterations
        .iter()
        .enumerate()
        .filter(|(index, _)| index.is_multiple_of(every) || index + 1 == iterations.len());
    let which = if every > 1 {
        format!(", one in {every}")
    } else {
        String::new()
    };
    let table = Table::of(
        format!("Objective of {} by iteration{which}", entry.model),
        some,
    )
    .in_order()
    .counts("iteration", |(_, point)| point.iteration)
    .numbers("objective", format::significant, |(_, point)| {
        Some(point.loss)
    })
    .done();
    Some(charts.figure(
        "iterations",
        &training_curves(
            &[line],
            ("iteration", "training objective"),
            Quantity::Loss,
            None,
        ),
        "Training objective by iteration",
        "What the solver minimises, as the engine reports it: cross-entropy with its penalty.",
        Some(table),
    ))
}
