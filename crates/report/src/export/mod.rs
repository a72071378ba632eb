//! A run for other programs: predictions, metrics and the leaderboard, one exporter for
//! each format, bytes out; and all of it for MLflow.
//!
//! All of it is derived from the records, so that exports and report agree.

mod csv;
mod file;
mod gather;
mod labels;
mod metrics;
mod mlflow;
mod npy;
mod predictions;
mod safetensors;
mod table;

use bakeoff_core::record::Run;

pub use file::{ExportError, ExportedFile};
pub use metrics::{
    AgreementMetrics, ClassMetrics, CostMetrics, DatasetMetrics, DifferenceMetrics,
    ExternalMetrics, MetricsExport, ModelMetrics, PairMetrics, RobustnessMetrics, ScoreMetrics,
    TrialMetrics, VariantMetrics,
};
pub use mlflow::{MLFLOW_RUN_TAG, MlflowExport, mlflow};

use crate::analysis::Analysis;
use predictions::predictions;

/// What a run is exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Every prediction, a file for each trial: `predictions/<dataset>/<trial>.csv`; and the
    /// labels that are probably wrong: `label-issues.csv`.
    Csv,
    /// Probabilities as `f32` N×K and labels as `u16` N, a file for each:
    /// `predictions/<dataset>/<trial>.npy`, `labels.npy`.
    Npy,
    /// The same in one file for each dataset: `predictions/<dataset>.safetensors`.
    Safetensors,
    /// Every score with its interval: `metrics.json`, described by [`metrics_schema`].
    Json,
    /// The leaderboard as a Markdown table: `leaderboard.md`.
    Markdown,
    /// The leaderboard as a LaTeX table: `leaderboard.tex`.
    Latex,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Csv,
        Self::Npy,
        Self::Safetensors,
        Self::Json,
        Self::Markdown,
        Self::Latex,
    ];
}

/// Writes a run in some formats.
///
/// # Errors
/// When a format cannot hold a run's numbers; none such is known.
pub fn export(run: &Run, formats: &[Format]) -> Result<Vec<ExportedFile>, ExportError> {
    let mut files = Vec::new();
    let wants = |format| formats.contains(&format);
    let predictions = predictions(run);
    if wants(Format::Csv) {
        files.extend(csv::files(&predictions)?);
    }
    if wants(Format::Npy) {
        files.extend(npy::files(&predictions));
    }
    if wants(Format::Safetensors) {
        files.extend(safetensors::files(run, &predictions)?);
    }
    if [Format::Csv, Format::Json, Format::Markdown, Format::Latex]
        .into_iter()
        .any(wants)
    {
        let analysis = Analysis::new(run);
        if wants(Format::Csv) {
            files.extend(labels::file(&analysis)?);
        }
        if wants(Format::Json) {
            let mut json = serde_json::to_vec_pretty(&gather::metrics(&analysis))?;
            json.push(b'\n');
            files.push(ExportedFile::new("metrics.json", json));
        }
        if wants(Format::Markdown) {
            let text = table::markdown(&analysis);
            files.push(ExportedFile::new("leaderboard.md", text.into_bytes()));
        }
        if wants(Format::Latex) {
            let text = table::latex(&analysis);
            files.push(ExportedFile::new("leaderboard.tex", text.into_bytes()));
        }
    }
    Ok(files)
}

/// The JSON Schema (2020-12) of `metrics.json`, as text with a newline at its end.
///
/// # Errors
/// When the schema cannot be written, which is not known to happen.
pub fn metrics_schema() -> Result<String, ExportError> {
    let schema = schemars::schema_for!(MetricsExport);
    Ok(format!("{}\n", serde_json::to_string_pretty(&schema)?))
}
