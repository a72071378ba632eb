//! The tables of one model.

use std::cmp::Reverse;

use bakeoff_core::record::Measured;

use super::parts::{Cell, Column, Table};
use crate::{
    analysis::{Entry, Success, seconds},
    format,
};

/// Every class against the rest.
pub(super) fn per_class(success: &Success<'_>) -> Table {
    let names = success.test.class_names();
    let score = |value: Option<f64>| Cell::number(value, format::score);
    Table {
        caption: "Scores of each class against the rest".to_owned(),
        columns: vec![
            Column::text("class"),
            Column::number("precision"),
            Column::number("recall"),
            Column::number("F1"),
            Column::number("AUC"),
            Column::number("pictures"),
            Column::number("predicted"),
        ],
        rows: success
            .evaluation
            .per_class
            .iter()
            .map(|class| {
                vec![
                    Cell::from(names[class.class].as_str()),
                    score(class.precision),
                    score(class.recall),
                    score(class.f1),
                    Cell::number(class.auc, format::auc),
                    Cell::count(class.support),
                    Cell::count(class.predicted),
                ]
            })
            .collect(),
        sortable: true,
        pairs: false,
    }
}

/// The cells off the diagonal that hold most.
pub(super) fn common_mistakes(success: &Success<'_>) -> Option<Table> {
    let names = success.test.class_names();
    let matrix = &success.evaluation.confusion;
    let mut cells: Vec<(u64, usize, usize)> = (0..names.len())
        .flat_map(|actual| (0..names.len()).map(move |predicted| (actual, predicted)))
        .filter(|(actual, predicted)| actual != predicted)
        .map(|(actual, predicted)| (matrix.count(actual, predicted), actual, predicted))
        .filter(|cell| cell.0 > 0)
        .collect();
    cells.sort_by_key(|&(count, actual, predicted)| (Reverse(count), actual, predicted));
    cells.truncate(8);
    (!cells.is_empty()).then(|| Table {
        caption: "Most common mistakes".to_owned(),
        columns: vec![
            Column::text("actual → predicted"),
            Column::number("pictures"),
            Column::number("of the class"),
        ],
        rows: cells
            .into_iter()
            .map(|(count, actual, predicted)| {
                let share = count as f64 / matrix.row_sum(actual) as f64;
                vec![
                    Cell::from(format!("{} → {}", names[actual], names[predicted])),
                    Cell::count(count),
                    Cell::number(Some(share), |share| format!("{:.1}\u{a0}%", 100.0 * share)),
                ]
            })
            .collect(),
        sortable: false,
        pairs: false,
    })
}

/// Each cost, measured apart.
pub(super) fn costs(measured: &Measured) -> Table {
    let costs = &measured.costs;
    let time = |ns: u64| format::seconds(seconds(ns));
    let latency = &costs.latency;
    let rows = vec![
        ("fit, wall clock", time(costs.fit_ns)),
        (
            "fit, processor time",
            format::or_nothing(costs.fit_cpu_ns, time),
        ),
        ("reading the data", time(costs.data_load_ns)),
        ("reading the saved model", time(costs.model_load_ns)),
        (
            "all test pictures at once",
            format!(
                "{} ({} per second)",
                time(costs.predict_ns),
                format::significant(costs.throughput_per_second)
            ),
        ),
        ("one picture, p50", time(latency.p50_ns)),
        ("one picture, p95", time(latency.p95_ns)),
        ("one picture, p99", time(latency.p99_ns)),
        (
            "timed single answers",
            format!(
                "{} after {} to warm up",
                format::count(latency.calls as u64),
                format::count(latency.warmup_calls as u64)
            ),
        ),
        (
            "peak memory, data included",
            format::or_nothing(costs.peak_rss_bytes, format::bytes),
        ),
        (
            "memory before the fit",
            format::or_nothing(costs.rss_before_fit_bytes, format::bytes),
        ),
        ("saved model", format::bytes(costs.model_bytes)),
        ("parameters", format::count(costs.parameters)),
    ];
    Table::pairs(
        "Costs",
        ("measured", "value"),
        rows.into_iter()
            .map(|(name, value)| vec![Cell::from(name), Cell::from(value)])
            .collect(),
    )
}

/// How the fit went, and who saw what.
pub(super) fn fit(measured: &Measured) -> Table {
    let (samples, fit) = (&measured.samples, &measured.fit);
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let count = |count: usize| format::count(count as u64);
    let mut rows = vec![
        ("trained on", format!("{} pictures", count(samples.train))),
        (
            "chose by (validation)",
            match samples.validation {
                0 => "nothing: this family needs none".to_owned(),
                pictures => format!("{} pictures", count(pictures)),
            },
        ),
        (
            "reported on (test)",
            format!("{} pictures", count(samples.test)),
        ),
        ("steps", format::count(fit.steps)),
    ];
    if let Some(converged) = fit.converged {
        rows.push(("converged", yes_no(converged)));
    }
    if let Some(epoch) = fit.best_epoch {
        rows.push(("weights kept of epoch", format::count(epoch)));
        rows.push(("stopped early", yes_no(fit.stopped_early)));
    }
    if let Some(loss) = fit.final_loss {
        rows.push(("objective at the end", format::significant(loss)));
    }
    Table::pairs(
        "Training",
        ("what", "value"),
        rows.into_iter()
            .map(|(name, value)| vec![Cell::from(name), Cell::from(value)])
            .collect(),
    )
}

/// Every setting, defaults included.
pub(super) fn settings(entry: &Entry<'_>) -> Option<Table> {
    let spec = &entry.trials.first()?.planned.trial.spec;
    (!spec.settings.is_empty()).then(|| {
        Table::pairs(
            "Settings",
            ("setting", "value"),
            spec.settings
                .iter()
                .map(|(key, value)| {
                    // Texts without their quotes.
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    vec![Cell::from(key.as_str()), Cell::from(value)]
                })
                .collect(),
        )
    })
}
