//! The tables of one model.

use std::cmp::Reverse;

use bakeoff_measures::{
    DATA_LOAD_TIME, FIT_CPU_TIME, FIT_TIME, LATENCY_P50, LATENCY_P95, LATENCY_P99,
    MEMORY_BEFORE_FIT, MODEL_LOAD_TIME, MODEL_SIZE, PARAMETERS, PEAK_MEMORY, PREDICT_TIME,
    THROUGHPUT, format,
};

use super::super::table::Table;
use crate::analysis::{Entry, Success};

/// Every class against the rest.
pub(super) fn per_class(success: &Success<'_>) -> Table {
    let names = success.test.class_names();
    Table::of(
        "Scores of each class against the rest",
        &success.evaluation.per_class,
    )
    .text("class", |class| names[class.class].as_str())
    .numbers("precision", format::score, |class| class.precision)
    .numbers("recall", format::score, |class| class.recall)
    .numbers("F1", format::score, |class| class.f1)
    .numbers("AUC", format::auc, |class| class.auc)
    .counts("images", |class| class.support)
    .counts("predicted", |class| class.predicted)
    .done()
}

/// The cells off the diagonal with the highest counts.
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
    let share = |share| format::percent(share, 100);
    (!cells.is_empty()).then(|| {
        Table::of("Most common mistakes", &cells)
            .in_order()
            .text("actual → predicted", |(_, actual, predicted)| {
                format!("{} → {}", names[*actual], names[*predicted])
            })
            .counts("images", |cell| cell.0)
            .numbers("of the class", share, |(count, actual, _)| {
                Some(*count as f64 / matrix.row_sum(*actual) as f64)
            })
            .done()
    })
}

/// Each cost, measured separately.
pub(super) fn costs(success: &Success<'_>) -> Table {
    let latency = &success.measured.costs.latency;
    let mut rows: Vec<(&str, String)> = [
        &FIT_TIME,
        &FIT_CPU_TIME,
        &DATA_LOAD_TIME,
        &MODEL_LOAD_TIME,
        &PREDICT_TIME,
        &THROUGHPUT,
        &LATENCY_P50,
        &LATENCY_P95,
        &LATENCY_P99,
        &PEAK_MEMORY,
        &MEMORY_BEFORE_FIT,
        &MODEL_SIZE,
        &PARAMETERS,
    ]
    .map(|measure| {
        (
            measure.label,
            measure.write_or_dash(success.values.get(measure), 0),
        )
    })
    .to_vec();
    rows.push((
        "single predictions timed",
        format!(
            "{} after {} to warm up",
            format::count(latency.calls as u64),
            format::count(latency.warmup_calls as u64)
        ),
    ));
    Table::pairs("Costs", "measure", rows)
}

/// How the fit went, and which images it used.
pub(super) fn fit(success: &Success<'_>) -> Table {
    let (samples, fit) = (&success.measured.samples, &success.measured.fit);
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let images = |count: usize| format::counted(count as u64, "image", "images");
    let mut rows = vec![
        ("training", images(samples.train)),
        (
            "validation",
            match samples.validation {
                0 => "none: this family does not need it".to_owned(),
                count => images(count),
            },
        ),
        ("test", images(samples.test)),
        ("steps", format::count(fit.steps)),
    ];
    if let Some(converged) = fit.converged {
        rows.push(("converged", yes_no(converged)));
    }
    if let Some(epoch) = fit.best_epoch {
        rows.push(("weights kept from epoch", format::count(epoch)));
        rows.push(("stopped early", yes_no(fit.stopped_early)));
    }
    if let Some(loss) = fit.final_loss {
        rows.push(("final objective", format::significant(loss)));
    }
    Table::pairs("Training", "property", rows)
}

/// Every setting, defaults included.
pub(super) fn settings(entry: &Entry<'_>) -> Option<Table> {
    let rows: Vec<(&str, String)> = entry
        .spec()
        .settings
        .iter()
        .map(|(key, value)| {
            // Texts without their quotes.
            let text = value.as_str().map(str::to_owned);
            (key.as_str(), text.unwrap_or_else(|| value.to_string()))
        })
        .collect();
    (!rows.is_empty()).then(|| Table::pairs("Settings", "setting", rows))
}
