//! The charts that show all models of a dataset at once.

use super::{
    compare_curves::{calibrations, class_rocs, precisions, rocs},
    parts::{Cell, Charts, Column, Figure, Table},
};
use crate::{
    ReportError,
    analysis::{Entry, Group, Success, seconds},
    charts::{
        Candidate, ClassErrors, Cost, Course, MOST_CLASSES, class_errors, courses, pareto,
        pareto_front,
    },
    format,
};

/// Charts of one dataset.
pub(crate) struct Comparison {
    /// The dataset's name, where there are several.
    pub(crate) heading: Option<String>,
    pub(crate) figures: Vec<Figure>,
}

/// Every comparison that the trials of a dataset allow.
pub(crate) fn comparison(
    group: &Group<'_>,
    prefix: &str,
    only_dataset: bool,
    charts: &mut Charts,
) -> Result<Comparison, ReportError> {
    let mut figures = Vec::new();
    figures.extend(rocs(group, prefix, charts)?);
    figures.extend(costs(group, prefix, charts)?);
    figures.extend(classes(group, prefix, charts)?);
    figures.extend(class_rocs(group, prefix, charts)?);
    figures.extend(precisions(group, prefix, charts)?);
    figures.extend(calibrations(group, prefix, charts)?);
    figures.extend(learning(group, prefix, charts)?);
    Ok(Comparison {
        heading: (!only_dataset).then(|| group.name.to_owned()),
        figures,
    })
}

/// The models that have results, each with the trial that stands for it.
pub(super) fn examples<'g, 'a>(group: &'g Group<'a>) -> Vec<(&'g Entry<'a>, &'g Success<'a>)> {
    group
        .entries
        .iter()
        .filter_map(|entry| Some((entry, entry.example()?.1)))
        .collect()
}

/// A sentence for models that were fitted with several seeds.
pub(super) fn seeds_note(group: &Group<'_>) -> &'static str {
    if group
        .entries
        .iter()
        .any(|entry| entry.successes().count() > 1)
    {
        " Of a model with several seeds, the first planned one is shown."
    } else {
        ""
    }
}

/// What accuracy can be paid with: file stem, title, axis, in words, unit, value.
type Price = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Cost,
    fn(&Success<'_>) -> f64,
);

const PRICES: [Price; 3] = [
    (
        "accuracy-fit-time",
        "Accuracy against training time",
        "fit, wall clock (log scale)",
        "time to train",
        Cost::Time,
        |s| seconds(s.measured.costs.fit_ns),
    ),
    (
        "accuracy-latency",
        "Accuracy against time to answer",
        "one picture, median (log scale)",
        "time to answer one picture",
        Cost::Time,
        |s| seconds(s.measured.costs.latency.p50_ns),
    ),
    (
        "accuracy-model-size",
        "Accuracy against model size",
        "saved model (log scale)",
        "size of the saved model",
        Cost::Size,
        |s| s.measured.costs.model_bytes as f64,
    ),
];

fn costs(group: &Group<'_>, prefix: &str, charts: &mut Charts) -> Result<Vec<Figure>, ReportError> {
    let mut figures = Vec::new();
    for (stem, title, axis, words, cost, value) in PRICES {
        let mut smallest_error = 0.5_f64;
        let mut candidates = Vec::new();
        for entry in &group.entries {
            for (_, success) in entry.successes() {
                let samples = success.evaluation.samples as f64;
                smallest_error = smallest_error.min(0.5 / samples);
                candidates.push(Candidate {
                    label: entry.model,
                    series: entry.series,
                    cost: value(success),
                    error: success.errors() as f64 / samples,
                });
            }
        }
        if candidates.is_empty() {
            return Ok(figures);
        }
        let pairs: Vec<(f64, f64)> = candidates.iter().map(|c| (c.cost, c.error)).collect();
        let front = pareto_front(&pairs);
        let show = |value: f64| match cost {
            Cost::Time => format::seconds(value),
            Cost::Size => format::bytes(value as u64),
        };
        let table = Table {
            caption: title.to_owned(),
            columns: vec![
                Column::text("model"),
                Column::number("accuracy"),
                Column::number(words),
                Column::text("on the front"),
            ],
            rows: candidates
                .iter()
                .zip(&front)
                .map(|(candidate, on_front)| {
                    vec![
                        Cell::from(candidate.label),
                        Cell::number(Some(1.0 - candidate.error), |a| format::percent(a, 10_000)),
                        Cell::number(Some(candidate.cost), show),
                        Cell::from(if *on_front { "yes" } else { "no" }),
                    ]
                })
                .collect(),
            sortable: true,
            pairs: false,
        };
        let chart = pareto(
            &format!("{prefix}{stem}"),
            &candidates,
            cost,
            axis,
            smallest_error,
        )?;
        figures.push(charts.figure(
            &chart,
            title,
            format!(
                "Up and left is better. A star marks models that no other one beats in both \
                 accuracy and {words} (the Pareto front, dashed)."
            ),
            Some(table),
        ));
    }
    Ok(figures)
}

fn classes(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Figure>, ReportError> {
    let examples = examples(group);
    let Some((_, first)) = examples.first() else {
        return Ok(None);
    };
    let names = first.test.class_names();
    if names.len() > MOST_CLASSES {
        return Ok(None);
    }
    let models: Vec<(&str, Vec<Option<f64>>)> = examples
        .iter()
        .map(|(entry, success)| {
            let wrong = success
                .evaluation
                .per_class
                .iter()
                .map(|class| class.recall.map(|recall| 1.0 - recall));
            (entry.model, wrong.collect())
        })
        .collect();
    let mut columns = vec![Column::text("class")];
    columns.extend(models.iter().map(|(model, _)| Column::number(model)));
    let rows = names
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let mut row = vec![Cell::from(name.as_str())];
            row.extend(models.iter().map(|(_, wrong)| {
                Cell::number(wrong.get(class).copied().flatten(), |share| {
                    format::percent(share, 10_000)
                })
            }));
            row
        })
        .collect();
    let table = Table {
        caption: "Share of each class's test pictures that a model gets wrong".to_owned(),
        columns,
        rows,
        sortable: true,
        pairs: false,
    };
    let chart = class_errors(
        &format!("{prefix}errors-by-class"),
        &ClassErrors {
            classes: names,
            models,
        },
    )?;
    Ok(Some(charts.figure(
        &chart,
        "Errors by class",
        format!(
            "Percent of each class's test pictures that a model gets wrong: the stronger the \
             colour, the more.{}",
            seeds_note(group)
        ),
        Some(table),
    )))
}

/// The validation loss of the models that learn in epochs, if there are at least two.
fn learning(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Figure>, ReportError> {
    let lines: Vec<Course<'_>> = examples(group)
        .into_iter()
        .filter_map(|(entry, success)| {
            let points: Vec<(f64, f64)> = success
                .measured
                .epochs
                .iter()
                .filter_map(|epoch| Some((epoch.epoch as f64, epoch.validation_loss?)))
                .collect();
            (!points.is_empty()).then_some(Course {
                label: entry.model,
                series: Some(entry.series),
                points,
            })
        })
        .collect();
    if lines.len() < 2 {
        return Ok(None);
    }
    let steps = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point.0)
        .fold(0.0, f64::max) as u64;
    let mut columns = vec![Column::number("epoch")];
    columns.extend(lines.iter().map(|line| Column::number(line.label)));
    let rows = (1..=steps)
        .map(|epoch| {
            let mut row = vec![Cell::count(epoch)];
            row.extend(lines.iter().map(|line| {
                let point = line.points.iter().find(|point| point.0 == epoch as f64);
                Cell::number(point.map(|point| point.1), format::score)
            }));
            row
        })
        .collect();
    let table = Table {
        caption: "Validation loss after each epoch".to_owned(),
        columns,
        rows,
        sortable: false,
        pairs: false,
    };
    let chart = courses(
        &format!("{prefix}validation-loss-all"),
        ("epoch", "validation loss, nats"),
        &lines,
        None,
    )?;
    Ok(Some(charts.figure(
        &chart,
        "Validation loss by epoch",
        format!(
            "On pictures held out of the training data, after each epoch: lower is better; a \
             line that rises again is learning by heart.{}",
            seeds_note(group)
        ),
        Some(table),
    )))
}
