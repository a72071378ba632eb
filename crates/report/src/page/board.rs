//! The leaderboard for people: one row for each model, the mean over its seeds.

use bakeoff_metrics::{Interval, Metric};

use super::{
    Place,
    parts::{Cell, Column, Table, Words},
    significance::{best_group, interval_text},
    verdict,
};
use crate::{
    analysis::{Entry, Fate, Group, Success, seconds, significance::ModelScores},
    charts, format,
};

/// The leaderboard of one dataset.
pub(crate) struct Board {
    /// The dataset's name, where there are several.
    pub(crate) heading: Option<String>,
    pub(crate) caption: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    /// Who is best, and who cannot be told from it.
    pub(crate) best: Option<Words>,
    /// Every trial, where models have several.
    pub(crate) trials: Option<Table>,
}

/// A model.
pub(crate) struct Row {
    pub(crate) series: &'static str,
    pub(crate) name: String,
    pub(crate) href: String,
    /// Whether it is the best of several, or not distinguishable from it.
    pub(crate) tied_with_best: bool,
    /// Family, engine, seeds.
    pub(crate) about: String,
    /// Empty for a model without results.
    pub(crate) cells: Vec<Cell>,
    /// Why there are no results.
    pub(crate) reason: Option<String>,
}

/// Which values of a column are good.
#[derive(Clone, Copy, PartialEq)]
enum Better {
    Higher,
    Lower,
}

type Value = fn(&Success<'_>) -> Option<f64>;

/// A measure that has a column.
struct Measure {
    label: &'static str,
    value: Value,
    better: Better,
    show: fn(f64) -> String,
    /// The score whose interval stands under it.
    interval: Option<Metric>,
}

fn measures() -> Vec<Measure> {
    use Better::{Higher, Lower};
    let measure = |label, value: Value, better, show| Measure {
        label,
        value,
        better,
        show,
        interval: None,
    };
    let score = |metric: Metric, value: Value, better, show| Measure {
        interval: Some(metric),
        ..measure(metric.label(), value, better, show)
    };
    let bytes: fn(f64) -> String = |bytes| format::bytes(bytes as u64);
    let count: fn(f64) -> String = |count| format::count(count.round() as u64);
    vec![
        score(
            Metric::MacroF1,
            |s| Some(s.evaluation.macro_f1),
            Higher,
            format::score,
        ),
        score(
            Metric::MacroAuc,
            |s| s.evaluation.macro_auc,
            Higher,
            format::auc,
        ),
        score(
            Metric::LogLoss,
            |s| Some(s.evaluation.log_loss),
            Lower,
            format::score,
        ),
        measure(
            "fit",
            |s| Some(seconds(s.measured.costs.fit_ns)),
            Lower,
            format::seconds,
        ),
        measure(
            "answer p50",
            |s| Some(seconds(s.measured.costs.latency.p50_ns)),
            Lower,
            format::seconds,
        ),
        measure(
            "answer p99",
            |s| Some(seconds(s.measured.costs.latency.p99_ns)),
            Lower,
            format::seconds,
        ),
        measure(
            "answers / s",
            |s| Some(s.measured.costs.throughput_per_second),
            Higher,
            format::significant,
        ),
        measure(
            "peak memory",
            |s| s.measured.costs.peak_rss_bytes.map(|bytes| bytes as f64),
            Lower,
            bytes,
        ),
        measure(
            "model size",
            |s| Some(s.measured.costs.model_bytes as f64),
            Lower,
            bytes,
        ),
        measure(
            "parameters",
            |s| Some(s.measured.costs.parameters as f64),
            Lower,
            count,
        ),
    ]
}

/// The mean over a model's seeds; `None` as soon as one of them lacks it.
fn mean(entry: &Entry<'_>, value: Value) -> Option<f64> {
    let values: Option<Vec<f64>> = entry.successes().map(|(_, s)| value(s)).collect();
    let values = values.filter(|values| !values.is_empty())?;
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// The leaderboard of a dataset; `places` are those of its entries, in the same order.
pub(crate) fn board(group: &Group<'_>, places: &[Place], only_dataset: bool) -> Board {
    let measures = measures();
    let columns = ["accuracy", "errors"]
        .into_iter()
        .chain(measures.iter().map(|measure| measure.label))
        .map(Column::number)
        .collect();
    let intervals: Vec<Interval> = group
        .entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| Some(range(entry, group.significance.of_entry(index))?.0))
        .collect();
    let several_models = group.significance.models.len() > 1;
    let scale = Interval {
        low: intervals.iter().map(|i| i.low).fold(1.0, f64::min),
        high: intervals.iter().map(|i| i.high).fold(0.0, f64::max),
    };
    let most_errors = group
        .entries
        .iter()
        .filter_map(|entry| entry.mean(|s| s.errors() as f64))
        .fold(1.0, f64::max);
    let mut rows: Vec<Row> = group
        .entries
        .iter()
        .zip(places)
        .enumerate()
        .map(|(index, (entry, place))| {
            let scores = group.significance.of_entry(index);
            let row = row(entry, place, scores, &measures, most_errors, scale);
            Row {
                tied_with_best: several_models
                    && scores.is_some_and(|scores| scores.tied_with_best),
                ..row
            }
        })
        .collect();
    mark_best(&mut rows, &group.entries, &measures);
    let several_seeds = group.entries.iter().any(|entry| entry.trials.len() > 1);
    Board {
        heading: (!only_dataset).then(|| group.name.to_owned()),
        caption: format!(
            "Models by accuracy on the test pictures of {}{}",
            group.name,
            if several_seeds {
                ", means over seeds"
            } else {
                ""
            }
        ),
        columns,
        rows,
        best: several_models.then(|| best_group(group)),
        trials: several_seeds.then(|| all_trials(group)),
    }
}

/// The 95 % interval of a model's accuracy, with words.
fn range(entry: &Entry<'_>, scores: Option<&ModelScores>) -> Option<(Interval, String)> {
    let (_, success) = entry.example()?;
    let interval = scores?.score(Metric::Accuracy)?.interval?;
    let samples = success.evaluation.samples;
    Some((interval, interval_text(Metric::Accuracy, interval, samples)))
}

fn row(
    entry: &Entry<'_>,
    place: &Place,
    scores: Option<&ModelScores>,
    measures: &[Measure],
    most_errors: f64,
    scale: Interval,
) -> Row {
    let spec = entry.trials.first().map(|trial| &trial.planned.trial.spec);
    let ok = entry.successes().count();
    let seeds = match (ok, entry.trials.len()) {
        (1, 1) | (0, _) => String::new(),
        (ok, all) if ok == all => format!(" · {all} seeds"),
        (ok, all) => format!(" · {ok} of {all} seeds"),
    };
    let spread = scores.and_then(|scores| scores.score(Metric::Accuracy)?.seeds);
    let seeds = match spread {
        Some(spread) => format!("{seeds} ±{:.2}\u{a0}%", 100.0 * spread.deviation),
        None => seeds,
    };
    let samples = entry.example().map_or(0, |(_, s)| s.evaluation.samples);
    let cells = if ok == 0 {
        Vec::new()
    } else {
        let errors = entry.mean(|s| s.errors() as f64);
        let mut cells = vec![
            accuracy(entry, scores, samples, scale),
            Cell {
                bar: errors.map(|errors| (100.0 * errors / most_errors).round() as u32),
                ..Cell::number(errors, |errors| {
                    if errors.fract() == 0.0 {
                        format::count(errors as u64)
                    } else {
                        format!("{errors:.1}")
                    }
                })
            },
        ];
        cells.extend(measures.iter().map(|measure| Cell {
            small: measure.interval.and_then(|metric| {
                let interval = scores?.score(metric)?.interval?;
                Some(interval_text(metric, interval, samples))
            }),
            ..Cell::number(mean(entry, measure.value), measure.show)
        }));
        cells
    };
    Row {
        series: charts::series_class(entry.series),
        name: entry.model.to_owned(),
        href: format!("#{}", place.section),
        about: spec.map_or_else(String::new, |spec| {
            format!("{} · {}{seeds}", spec.family, spec.engine)
        }),
        tied_with_best: false,
        reason: (ok == 0).then(|| reason(entry)),
        cells,
    }
}

fn accuracy(
    entry: &Entry<'_>,
    scores: Option<&ModelScores>,
    samples: usize,
    scale: Interval,
) -> Cell {
    let mean = entry.mean_accuracy();
    let range = range(entry, scores);
    let place = |value: f64| {
        let width = (scale.high - scale.low).max(f64::MIN_POSITIVE);
        (100.0 * (value - scale.low) / width).round() as u32
    };
    Cell {
        range: range
            .as_ref()
            .zip(mean)
            .map(|((range, _), mean)| (place(range.low), place(mean), place(range.high))),
        small: range.map(|(_, words)| words),
        ..Cell::number(mean, |a| format::percent(a, samples))
    }
}

/// Why a model has no results.
pub(crate) fn reason(entry: &Entry<'_>) -> String {
    entry
        .trials
        .iter()
        .find_map(|trial| match &trial.fate {
            Fate::Failed { reason, .. } => Some(format!("failed: {reason}")),
            Fate::Ok(_) | Fate::Missing => None,
        })
        .unwrap_or_else(|| "planned, but there is no record of it".to_owned())
}

/// Marks the best of each column; with one model there is nothing to mark.
fn mark_best(rows: &mut [Row], entries: &[Entry<'_>], measures: &[Measure]) {
    let accuracy: Value = |s| Some(s.evaluation.accuracy);
    let errors: Value = |s| Some(s.errors() as f64);
    let columns = [(accuracy, Better::Higher), (errors, Better::Lower)]
        .into_iter()
        .chain(measures.iter().map(|m| (m.value, m.better)));
    for (column, (value, better)) in columns.enumerate() {
        let values: Vec<Option<f64>> = entries.iter().map(|entry| mean(entry, value)).collect();
        let known = values.iter().flatten().copied();
        if known.clone().count() < 2 {
            continue;
        }
        let high = known.clone().fold(f64::NEG_INFINITY, f64::max);
        let low = known.fold(f64::INFINITY, f64::min);
        if high == low {
            continue;
        }
        let best = match better {
            Better::Higher => high,
            Better::Lower => low,
        };
        for (row, value) in rows.iter_mut().zip(values) {
            if let (Some(cell), Some(value)) = (row.cells.get_mut(column), value) {
                cell.best = value == best;
            }
        }
    }
}

/// Every trial on its own.
fn all_trials(group: &Group<'_>) -> Table {
    let columns = vec![
        Column::text("model"),
        Column::number("seed"),
        Column::text("status"),
        Column::number("accuracy"),
        Column::number("errors"),
        Column::number("log loss"),
        Column::number("fit"),
        Column::text("trial"),
    ];
    let rows = group
        .entries
        .iter()
        .flat_map(|entry| &entry.trials)
        .map(|trial| {
            let success = trial.success();
            let samples = success.map_or(0, |s| s.evaluation.samples);
            vec![
                Cell::from(trial.planned.trial.model.as_str()),
                Cell {
                    sort: Some(trial.planned.trial.seed.to_string()),
                    ..Cell::from(trial.planned.trial.seed.to_string())
                },
                Cell::from(trial.status().as_str()),
                Cell::number(success.map(|s| s.evaluation.accuracy), |a| {
                    format::percent(a, samples)
                }),
                Cell::number(success.map(|s| s.errors() as f64), |errors| {
                    format::count(errors as u64)
                }),
                Cell::number(success.map(|s| s.evaluation.log_loss), format::score),
                Cell::number(
                    success.map(|s| seconds(s.measured.costs.fit_ns)),
                    format::seconds,
                ),
                Cell::from(trial.planned.id.as_str()),
            ]
        })
        .collect();
    Table {
        caption: format!("Every trial on {}", group.name),
        columns,
        rows,
        sortable: true,
        pairs: false,
    }
}

/// A model's seeds beside each other, where it has several.
pub(crate) fn seeds(entry: &Entry<'_>) -> Option<String> {
    let samples = entry.example()?.1.evaluation.samples;
    verdict::spread(entry, samples)
}
