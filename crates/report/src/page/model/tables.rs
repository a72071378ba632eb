//! The tables of one model.

use std::cmp::Reverse;

use bakeoff_core::record::{Costs, External, Timing};
use bakeoff_measures::{
    DATA_LOAD_TIME, FIT_CPU_TIME, FIT_TIME, LATENCY_P50, LATENCY_P95, LATENCY_P99, MEMORY,
    MEMORY_BEFORE_FIT, MODEL_LOAD_TIME, MODEL_SIZE, PARAMETERS, PEAK_MEMORY, PREDICT_TIME,
    THROUGHPUT, format,
    timing::{Disturbances, lost_share},
};

use super::super::table::Table;
use crate::{
    analysis::{Entry, Success, mean, seconds},
    setting_text::setting_text,
};

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
    let costs = &success.measured.costs;
    let latency = &costs.latency;
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
        &MEMORY,
        &MEMORY_BEFORE_FIT,
        &PEAK_MEMORY,
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
    rows.extend(conditions(costs));
    Table::pairs("Costs", "measure", rows)
}

/// What is known of a model of another program.
pub(super) fn imported(external: &External, success: &Success<'_>) -> Table {
    let given = [&FIT_TIME, &LATENCY_P50, &MODEL_SIZE, &PARAMETERS].map(|measure| {
        let value = success.values.get(measure);
        let written = match value {
            Some(value) => format!("{}, given by its author", measure.write(value, 0)),
            None => "not given".to_owned(),
        };
        (measure.label, written)
    });
    let file = [
        ("imported from", external.file.clone()),
        ("SHA-256 of that file", external.sha256.clone()),
        (
            "it holds",
            match external.labels_alone {
                true => "predicted classes".to_owned(),
                false => "probabilities".to_owned(),
            },
        ),
    ];
    Table::pairs(
        "A model of another program",
        "property",
        file.into_iter().chain(given),
    )
}

/// Under which conditions the times were measured, as far as it is known.
fn conditions(costs: &Costs) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let walls = || costs.fits.iter().map(|fit| seconds(fit.wall_ns));
    if costs.fits.len() > 1 {
        let (low, high) = (
            walls().fold(f64::INFINITY, f64::min),
            walls().fold(0.0, f64::max),
        );
        let range = FIT_TIME.unit.write_interval(low, high, 0);
        rows.push((
            "fits timed",
            format!("{}, {range}", format::count(costs.fits.len() as u64)),
        ));
    }
    let (wall, cpu) = (
        walls().sum::<f64>(),
        costs.fits.iter().filter_map(|f| f.cpu_ns),
    );
    let cpu = seconds(cpu.sum());
    if cpu > 0.0 {
        rows.push(("fit, processor ÷ wall time", format!("{:.2}", cpu / wall)));
    }
    let waited = |calls: &[Timing]| {
        let shares: Option<Vec<f64>> = calls.iter().map(lost_share).collect();
        Some(format::percent(mean(shares?.into_iter())?, 0))
    };
    let singles: Vec<Timing> = costs.latency.all.into_iter().collect();
    let named = [
        ("waited for a processor, fit", waited(&costs.fits)),
        ("… all test images", waited(&costs.predictions)),
        ("… single images", waited(&singles)),
    ];
    rows.extend(
        named
            .into_iter()
            .filter_map(|(name, share)| Some((name, share?))),
    );
    let disturbed = Disturbances::of(costs).names();
    if !disturbed.is_empty() {
        rows.push(("disturbed by other programs", format::list(&disturbed)));
    }
    if let Some(load) = costs.load {
        rows.push(("load average before", format!("{:.2}", load.average)));
    }
    rows
}

/// How the fit went, and which images it used.
pub(super) fn fit(success: &Success<'_>) -> Table {
    let (samples, fit) = (&success.measured.samples, &success.measured.fit);
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let images = |count: usize| format::counted(count as u64, "image", "images");
    let training = match success.measured.trained_elsewhere {
        true => "not here: the model was read from a file".to_owned(),
        false => images(samples.train),
    };
    let mut rows = vec![
        ("training", training),
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
        .map(|(key, value)| (key.as_str(), setting_text(value)))
        .collect();
    (!rows.is_empty()).then(|| Table::pairs("Settings", "setting", rows))
}
