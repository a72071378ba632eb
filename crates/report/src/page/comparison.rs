//! The charts that show all models of a dataset at once.

use bakeoff_measures::{ACCURACY, FIT_TIME, LATENCY_P50, LOG_LOSS, MODEL_SIZE, Measure};

use super::{
    comparison_curves::{calibrations, class_rocs, precisions, rocs},
    figure::{Figure, Figures},
    models::{Dataset, examples, seeds_note, test_images},
    table::{Cell, Table},
};
use crate::{
    analysis::{Entry, Group},
    caution::has_external,
    charts::{
        Candidate, ClassErrors, Line, MOST_CLASSES, Quantity, class_errors, pareto,
        training_curves, unbeaten,
    },
    timing::are_comparable,
};

/// Charts of one dataset.
pub(crate) struct Comparison {
    /// The name of the dataset, where there are several.
    pub(crate) heading: Option<String>,
    pub(crate) figures: Vec<Figure>,
}

/// Every comparison that the trials of a dataset allow.
pub(crate) fn comparison(dataset: &Dataset<'_, '_>, charts: &mut Figures<'_>) -> Comparison {
    let group = dataset.group;
    let mut figures = rocs(group, charts);
    figures.extend(
        COSTS
            .iter()
            .filter_map(|cost| accuracy_against(cost, group, charts)),
    );
    figures.extend(errors_by_class(group, charts));
    figures.extend(class_rocs(group, charts));
    figures.extend(precisions(group, charts));
    figures.extend(calibrations(group, charts));
    figures.extend(validation_losses(group, charts));
    Comparison {
        heading: dataset.heading.clone(),
        figures,
    }
}

/// A cost that accuracy is drawn against.
struct Cost {
    stem: &'static str,
    title: &'static str,
    axis: &'static str,
    measure: &'static Measure,
}

const COSTS: [Cost; 3] = [
    Cost {
        stem: "accuracy-fit-time",
        title: "Accuracy against training time",
        axis: "fit time, wall clock (log scale)",
        measure: &FIT_TIME,
    },
    Cost {
        stem: "accuracy-latency",
        title: "Accuracy against latency",
        axis: "latency p50, one image (log scale)",
        measure: &LATENCY_P50,
    },
    Cost {
        stem: "accuracy-model-size",
        title: "Accuracy against model size",
        axis: "saved model (log scale)",
        measure: &MODEL_SIZE,
    },
];

fn accuracy_against(cost: &Cost, group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Figure> {
    let measure = cost.measure;
    let entries: Vec<_> = group.entries.iter().collect();
    if !are_comparable(measure, &entries) {
        return None;
    }
    let mut smallest_error = 0.5_f64;
    let mut candidates = Vec::new();
    let measured_here = |entry: &&Entry<'_>| entry.external().is_none();
    for entry in group.entries.iter().filter(measured_here) {
        for (_, success) in entry.successes() {
            let samples = success.evaluation.samples as f64;
            smallest_error = smallest_error.min(0.5 / samples);
            let value = success.values.get(measure)?;
            let range = success.range_of(measure);
            candidates.push(Candidate {
                label: entry.model,
                series: entry.series,
                cost: value,
                cost_range: range.map_or((value, value), |range| (range.low, range.high)),
                error: success.errors() as f64 / samples,
            });
        }
    }
    if candidates.is_empty() {
        return None;
    }
    let rows = candidates.iter().zip(unbeaten(&candidates));
    let table = Table::of(cost.title, rows)
        .text("model", |(candidate, _)| candidate.label)
        .measure(&ACCURACY, test_images(group), |(candidate, _)| {
            Some(1.0 - candidate.error)
        })
        .measure(measure, 0, |(candidate, _)| Some(candidate.cost))
        .text("beaten by none in both", |(_, is_unbeaten)| {
            if *is_unbeaten { "yes" } else { "no" }
        })
        .done();
    let chart = pareto(&candidates, cost.axis, measure.unit, smallest_error);
    let caption = format!(
        "Up and left is better. A star marks the models that no other model beats in both \
         accuracy and {}{}. The dashed line is the Pareto front of the values as they were measured.",
        measure.label,
        if candidates.iter().any(|c| c.cost_range.0 < c.cost_range.1) {
            " beyond what a time differs from run to run"
        } else {
            ""
        }
    );
    let caption = match has_external(group) {
        true => format!(
            "{caption} Models of other programs are left out: their costs were not measured here."
        ),
        false => caption,
    };
    Some(charts.figure(cost.stem, &chart, cost.title, caption, Some(table)))
}

fn errors_by_class(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Figure> {
    let examples = examples(group);
    let (_, first) = examples.first()?;
    let names = first.test.class_names();
    if names.len() > MOST_CLASSES {
        return None;
    }
    let models: Vec<ClassErrors<'_>> = examples
        .iter()
        .map(|(entry, success)| {
            let classes = success.evaluation.per_class.iter();
            let wrong = classes.map(|class| class.recall.map(|recall| 1.0 - recall));
            (entry.model, wrong.collect())
        })
        .collect();
    let share = |share: f64| crate::format::percent(share, test_images(group));
    let table = Table::of(
        "Share of the test images of each class that a model classifies wrong",
        names.iter().enumerate(),
    )
    .text("class", |(_, name)| name.as_str())
    .each(&models, |table, (model, wrong)| {
        table.numbers(*model, share, |(class, _)| {
            wrong.get(*class).copied().flatten()
        })
    });
    Some(charts.figure(
        "errors-by-class",
        &class_errors(names, &models),
        "Errors by class",
        format!(
            "Percentage of the test images of each class that a model classifies wrong: the \
             darker, the more.{}",
            seeds_note(group)
        ),
        Some(table.done()),
    ))
}

/// The validation loss of the models that train in epochs, if there are at least two.
fn validation_losses(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Figure> {
    let lines: Vec<Line<'_>> = examples(group)
        .into_iter()
        .map(|(entry, success)| Line {
            label: entry.model,
            series: Some(entry.series),
            points: success
                .measured
                .epochs
                .iter()
                .filter_map(|epoch| Some((epoch.epoch as f64, epoch.validation_loss?)))
                .collect(),
        })
        .filter(|line| !line.points.is_empty())
        .collect();
    if lines.len() < 2 {
        return None;
    }
    let points = lines.iter().flat_map(|line| &line.points);
    let last = points.map(|point| point.0).fold(0.0, f64::max) as u64;
    let table = Table::of("Validation loss after each epoch", 1..=last)
        .in_order()
        .counts("epoch", |epoch| *epoch)
        .each(&lines, |table, line| {
            table.cells(line.label, |epoch| {
                let mut points = line.points.iter();
                let point = points.find(|point| point.0 == *epoch as f64);
                Cell::measure(&LOG_LOSS, point.map(|point| point.1), 0)
            })
        });
    Some(charts.figure(
        "validation-loss-all",
        &training_curves(
            &lines,
            ("epoch", "validation loss, nats"),
            Quantity::Loss,
            None,
        ),
        "Validation loss by epoch",
        format!(
            "On images held out of the training data, after each epoch: lower is better; a line \
             that rises again shows overfitting.{}",
            seeds_note(group)
        ),
        Some(table.done()),
    ))
}
