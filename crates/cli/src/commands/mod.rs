//! One file per command, and what several of them share.

pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod evaluate;
pub(crate) mod models;
pub(crate) mod plan;
pub(crate) mod predict;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod trial;

use std::path::Path;

use bakeoff_bench::{
    Experiment, ExperimentError, Overrides, builtin_experiment, builtin_experiments,
};
use bakeoff_core::record::Calibration;
use bakeoff_report::Leaderboard;

use crate::{
    args::OverrideArgs,
    table::{Align, table},
    text,
};

/// The experiment of that name or file, with the command line's changes.
fn experiment(name: &str, overrides: OverrideArgs) -> anyhow::Result<Experiment> {
    let path = Path::new(name);
    let experiment = match builtin_experiment(name) {
        // A file of that very name is more likely meant than the built-in one.
        Some(builtin) if !path.is_file() => builtin?,
        _ => Experiment::read(path).map_err(|error| match error {
            ExperimentError::Io { .. } => anyhow::anyhow!(
                "{error}; an experiment is a file, or one of: {}",
                builtin_experiments().collect::<Vec<_>>().join(", ")
            ),
            other => other.into(),
        })?,
    };
    Ok(experiment.with(&Overrides {
        models: overrides.models,
        dataset: overrides.dataset,
        epochs: overrides.epochs,
        seeds: overrides.seed,
        limit_train: overrides.limit_train,
        limit_test: overrides.limit_test,
        folds: overrides.folds,
        train_fractions: overrides.train_fractions,
        calibration: overrides.calibrate.then_some(Calibration::Temperature),
        robustness: overrides.robustness,
    })?)
}

/// The command line that was typed, for the report. The program by its plain name,
/// because where it lay is of no use to a reader.
fn command_line() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let quoted = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
    format!("bakeoff {quoted}").trim_end().to_owned()
}

/// The leaderboard for a terminal.
fn leaderboard_text(leaderboard: &Leaderboard) -> String {
    let several = |key: fn(&bakeoff_report::LeaderboardRow) -> String| {
        let mut values: Vec<String> = leaderboard.rows.iter().map(key).collect();
        values.sort();
        values.dedup();
        values.len() > 1
    };
    let datasets = several(|row| row.dataset.clone());
    let seeds = several(|row| row.seed.to_string());
    let mut header = vec![("model", Align::Left), ("engine", Align::Left)];
    if datasets {
        header.push(("dataset", Align::Left));
    }
    if seeds {
        header.push(("seed", Align::Right));
    }
    header.extend([
        ("accuracy", Align::Right),
        ("macro F1", Align::Right),
        ("macro AUC", Align::Right),
        ("log loss", Align::Right),
        ("fit", Align::Right),
        ("one picture", Align::Right),
        ("pictures/s", Align::Right),
        ("peak memory", Align::Right),
        ("model", Align::Right),
    ]);
    let mut rows = Vec::new();
    let mut failures = String::new();
    for row in &leaderboard.rows {
        let mut cells = vec![row.model.clone(), row.engine.clone()];
        if datasets {
            cells.push(row.dataset.clone());
        }
        if seeds {
            cells.push(row.seed.to_string());
        }
        if let Some(reason) = &row.reason {
            failures += &format!("{} {}: {reason}\n", row.model, row.status.as_str());
        }
        cells.extend([
            match row.accuracy {
                None => row.status.as_str().to_owned(),
                some => text::percent(some),
            },
            text::decimal(row.macro_f1),
            // Four decimals would round a good model's to 1.
            row.macro_auc
                .map_or_else(|| "–".into(), |auc| format!("{auc:.5}")),
            text::decimal(row.log_loss),
            text::seconds(row.fit_seconds),
            text::seconds(row.latency_p50_us.map(|us| us / 1e6)),
            row.throughput_per_second
                .map_or_else(|| "–".into(), |rate| text::count(rate as u64)),
            text::bytes(row.peak_rss_bytes),
            text::bytes(row.model_bytes),
        ]);
        rows.push(cells);
    }
    let mut out = table(&header, &rows);
    if !failures.is_empty() {
        out += "\n";
        out += &failures;
    }
    out
}
