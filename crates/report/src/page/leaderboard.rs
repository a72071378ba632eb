//! The leaderboard of the page: one row for each model, the mean over its seeds.

use bakeoff_measures::{
    ACCURACY, ERRORS, FIT_TIME, Kind, LOG_LOSS, Measure, Shown, ZERO_PROBABILITIES, format,
    timing::Disturbances,
};
use bakeoff_metrics::{Interval, Metric};

use super::{
    models::{Dataset, Place, missing_reason},
    sections::best_group,
    table::{Cell, Table},
    words::Words,
};
use crate::{
    analysis::{
        EXTERNAL_MARK, Entry, Group, seconds,
        significance::{Interval95, ModelScores},
    },
    caution::{EXTERNAL_LEGEND, has_external},
    charts,
    leaderboard::shown_columns,
    timing::{best_of, cautions},
};

/// The leaderboard of one dataset.
pub(crate) struct Leaderboard {
    /// The name of the dataset, where there are several.
    pub(crate) heading: Option<String>,
    pub(crate) table: Table,
    /// Which model is best, and which are not significantly different from it.
    pub(crate) best: Option<Words>,
    /// Models whose log loss is made of the clipping more than of anything else.
    pub(crate) zeros: Option<String>,
    /// What has to be known of its costs.
    pub(crate) disturbed: Option<Words>,
    /// What the mark of models of other programs means, where there are some.
    pub(crate) external: Option<&'static str>,
    /// Every trial, where models have several.
    pub(crate) trials: Option<Table>,
}

/// What the cells of a model are made of.
struct Row<'g, 'a> {
    entry: &'g Entry<'a>,
    place: &'g Place,
    scores: Option<&'g ModelScores>,
    samples: usize,
}

impl Row<'_, '_> {
    /// The 95 % interval of a headline score, or why it has none.
    fn interval(&self, measure: &Measure) -> Option<Interval95> {
        Some(self.scores?.score(measure.metric?)?.interval)
    }
}

/// The leaderboard of a dataset.
pub(crate) fn leaderboard(dataset: &Dataset<'_, '_>) -> Leaderboard {
    let group = dataset.group;
    let rows: Vec<Row<'_, '_>> = dataset
        .models()
        .enumerate()
        .map(|(index, (entry, place))| Row {
            entry,
            place,
            scores: group.significance.of_entry(index),
            samples: entry.example().map_or(0, |(_, s)| s.evaluation.samples),
        })
        .collect();
    let several_models = group.significance.models.len() > 1;
    let several_seeds = group.entries.iter().any(|entry| entry.trials.len() > 1);
    let intervals = || rows.iter().filter_map(|row| row.interval(&ACCURACY)?.ok());
    let axis = Interval {
        low: intervals().map(|i| i.low).fold(1.0, f64::min),
        high: intervals().map(|i| i.high).fold(0.0, f64::max),
    };
    let errors = rows.iter().filter_map(|row| row.entry.mean_of(&ERRORS));
    let most_errors = errors.fold(1.0, f64::max);
    let caption = format!(
        "Models by {} on the test images of {}{}",
        group.headline.label,
        group.name,
        if several_seeds {
            ", means over seeds"
        } else {
            ""
        }
    );
    let columns = shown_columns(Shown::Page, |measure| {
        rows.iter().any(|row| row.entry.mean_of(measure).is_some())
    });
    let table = Table::of(caption, &rows)
        .class("sortable board")
        .text("model", |row| name_cell(row, several_models))
        .each(columns, |table, measure| {
            let best = best_rows(measure, &rows);
            table.cells(measure.label, |row| {
                value_cell(row, measure, &best, axis, most_errors)
            })
        });
    Leaderboard {
        heading: dataset.heading.clone(),
        table: table.done(),
        best: several_models.then(|| best_group(group)),
        zeros: zeros(group),
        disturbed: cautions(group).map(Words::from),
        external: has_external(group).then_some(EXTERNAL_LEGEND),
        trials: several_seeds.then(|| all_trials(group)),
    }
}

/// Where more than a tenth of a log loss comes from images whose correct class has probability 0.
fn zeros(group: &Group<'_>) -> Option<String> {
    // What such an image counts.
    let clipped = -f64::EPSILON.ln();
    let of_model = group.entries.iter().filter_map(|entry| {
        let zeros = entry.mean_of(&ZERO_PROBABILITIES)?;
        let loss = entry.mean_of(&LOG_LOSS)?;
        let samples = entry.example()?.1.evaluation.samples as f64;
        let share = zeros * clipped / (loss * samples);
        (zeros > 0.0 && share > 0.1).then(|| {
            format!(
                "{} ({} of them, {} of its log loss)",
                entry.model,
                ZERO_PROBABILITIES.write(zeros, 0),
                format::percent(share, 100)
            )
        })
    });
    let found: Vec<String> = of_model.collect();
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    (!found.is_empty()).then(|| {
        format!(
            "Test images whose correct class has probability 0 count {clipped:.2} nats each in the log \
             loss, where probabilities are clipped: {}. For knn, the setting smoothing avoids \
             such zeros.",
            format::list(&found)
        )
    })
}

/// The models with the best value of a column: several where their values differ by no more than
/// the measurement varies, none where that holds for all. Baselines are left out.
fn best_rows<'g>(measure: &Measure, rows: &[Row<'g, '_>]) -> Vec<&'g str> {
    let entries = rows.iter().map(|row| row.entry);
    let entries: Vec<&Entry<'_>> = entries.filter(|entry| !entry.is_baseline()).collect();
    let best = best_of(measure, &entries);
    best.into_iter().map(|entry| entry.model).collect()
}

fn name_cell(row: &Row<'_, '_>, several_models: bool) -> Cell {
    let entry = row.entry;
    let all = entry.trials.len();
    let seeds = match entry.successes().count() {
        0 => String::new(),
        ok if ok < all => format!(" · {ok} of {all} seeds"),
        _ if all == 1 => String::new(),
        _ => format!(" · {all} seeds"),
    };
    let spread = row
        .scores
        .and_then(|scores| scores.score(Metric::Accuracy)?.seeds)
        .map_or_else(String::new, |spread| {
            format!(" ±{:.2}\u{a0}%", 100.0 * spread.deviation)
        });
    let starred = several_models && row.scores.is_some_and(|scores| scores.tied_with_best);
    Cell {
        sort: Some(entry.model.to_owned()),
        small: Some(match entry.external() {
            Some(_) => format!("external{seeds}{spread}"),
            None => format!(
                "{} · {}{}{seeds}{spread}",
                entry.spec().family,
                entry.spec().engine,
                if entry.is_trained_elsewhere() {
                    " · not trained here"
                } else {
                    ""
                }
            ),
        }),
        series: charts::series_class(entry.series),
        link: Some(format!("#{}", row.place.section)),
        star: starred.then_some("best, or not significantly different from it"),
        ..Cell::from(entry.marked())
    }
}

/// The mean of a measure. Accuracy has a drawing of its interval under it, the number of errors
/// a bar.
fn value_cell(
    row: &Row<'_, '_>,
    measure: &Measure,
    best: &[&str],
    axis: Interval,
    most_errors: f64,
) -> Cell {
    if row.entry.example().is_none() {
        return Cell {
            problem: true,
            ..Cell::from(missing_reason(row.entry))
        };
    }
    let value = row.entry.mean_of(measure);
    let interval = row.interval(measure);
    let width = (axis.high - axis.low).max(f64::MIN_POSITIVE);
    let place = |value: f64| (100.0 * (value - axis.low) / width).round() as u32;
    let range = interval
        .and_then(Result::ok)
        .zip(value)
        .filter(|_| *measure == ACCURACY)
        .map(|(interval, value)| (place(interval.low), place(value), place(interval.high)));
    let cell = Cell::with_interval(measure, value, interval, row.samples);
    let given = value.filter(|_| measure.kind == Kind::Cost && row.entry.external().is_some());
    let given = given.map(|_| format!("given\u{a0}{EXTERNAL_MARK}"));
    let small = [cell.small.clone(), timing_remark(row.entry, measure), given];
    let small: Vec<String> = small.into_iter().flatten().collect();
    Cell {
        best: best.contains(&row.entry.model),
        small: (!small.is_empty()).then(|| small.join(" ")),
        bar: value
            .filter(|_| *measure == ERRORS)
            .map(|errors| (100.0 * errors / most_errors).round() as u32),
        range,
        series: charts::series_class(row.entry.series),
        ..cell
    }
}

/// The range over repeated fits, and whether other programs disturbed the time.
fn timing_remark(entry: &Entry<'_>, measure: &Measure) -> Option<String> {
    let costs = || {
        entry
            .successes()
            .map(|(_, success)| &success.measured.costs)
    };
    let mut remarks = Vec::new();
    if *measure == FIT_TIME {
        let seconds = costs()
            .flat_map(|c| &c.fits)
            .map(|fit| seconds(fit.wall_ns));
        let seconds: Vec<f64> = seconds.collect();
        if seconds.len() > 1 {
            let low = seconds.iter().copied().fold(f64::INFINITY, f64::min);
            let high = seconds.iter().copied().fold(0.0, f64::max);
            remarks.push(measure.unit.write_interval(low, high, 0));
        }
    }
    let is_disturbed = |costs| Disturbances::of(costs).of_measure(measure) == Some(true);
    if costs().any(is_disturbed) {
        remarks.push("disturbed".to_owned());
    }
    (!remarks.is_empty()).then(|| remarks.join(" "))
}

/// Every trial on its own.
fn all_trials(group: &Group<'_>) -> Table {
    let trials = group.entries.iter().flat_map(|entry| &entry.trials);
    Table::of(format!("Every trial on {}", group.name), trials)
        .text("model", |trial| trial.planned.trial.model.as_str())
        .cells("seed", |trial| {
            let seed = trial.planned.trial.seed.to_string();
            Cell {
                sort: Some(seed.clone()),
                ..Cell::from(seed)
            }
        })
        .text("status", |trial| trial.fate.status().as_str())
        .each(
            [&ACCURACY, &ERRORS, &LOG_LOSS, &FIT_TIME],
            |table, measure| {
                table.cells(measure.label, |trial| {
                    let success = trial.success();
                    let samples = success.map_or(0, |s| s.evaluation.samples);
                    Cell::measure(
                        measure,
                        success.and_then(|s| s.values.get(measure)),
                        samples,
                    )
                })
            },
        )
        .text("trial", |trial| trial.planned.id.as_str())
        .done()
}
