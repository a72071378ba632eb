//! A run for other programs: predictions, metrics and the leaderboard, one exporter for
//! each format, bytes out.
//!
//! All of it is derived from the records, so that exports and report agree.

mod csv;
mod metrics;
mod npy;
mod safetensors;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use bakeoff_core::{
    Probabilities,
    record::{PlannedTrial, Purpose, Run, SplitSpec},
};

pub use metrics::{
    AgreementMetrics, ClassMetrics, CostMetrics, DatasetMetrics, DifferenceMetrics, MetricsExport,
    ModelMetrics, PairMetrics, RobustnessMetrics, ScoreMetrics, TrialMetrics, VariantMetrics,
};

use crate::{
    analysis::Analysis,
    page::Slugs,
    results::{Fate, data, read},
};

/// Why a run could not be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The predictions could not be written as CSV.
    #[error("predictions could not be written as CSV: {0}")]
    Csv(#[from] ::csv::Error),
    /// The metrics could not be written as JSON.
    #[error("metrics could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An array could not be written for NumPy.
    #[error("{file} could not be written for NumPy: {source}")]
    Npy {
        /// The file.
        file: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Tensors could not be written.
    #[error("{file} could not be written as safetensors: {reason}")]
    Safetensors {
        /// The file.
        file: String,
        /// What the library said.
        reason: String,
    },
}

/// What a run is exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Every prediction, a file for each trial: `predictions/<dataset>/<trial>.csv`.
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

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its path, with `/` between folders.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl ExportedFile {
    fn new(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            path: path.into(),
            bytes,
        }
    }
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
        files.extend(npy::files(&predictions)?);
    }
    if wants(Format::Safetensors) {
        files.extend(safetensors::files(run, &predictions)?);
    }
    if [Format::Json, Format::Markdown, Format::Latex]
        .into_iter()
        .any(wants)
    {
        let analysis = Analysis::new(run);
        if wants(Format::Json) {
            let mut json = serde_json::to_vec_pretty(&MetricsExport::new(&analysis))?;
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

/// The predictions of one dataset's trials.
struct DatasetPredictions<'a> {
    /// A name that is safe in paths.
    slug: String,
    class_names: &'a [String],
    trials: Vec<TrialPredictions<'a>>,
}

/// The predictions of one trial.
struct TrialPredictions<'a> {
    /// A name that is safe in paths, unique in its dataset.
    stem: String,
    planned: &'a PlannedTrial,
    labels: &'a [u16],
    /// The name of its labels: those of the test part, or of a fold.
    labels_stem: String,
    /// For folds, the places of the samples in the training part; `None` for the test part,
    /// whose samples are numbered from 0.
    places: Option<&'a [u32]>,
    probabilities: &'a Probabilities,
}

/// Every trial that has results, by dataset.
fn predictions(run: &Run) -> Vec<DatasetPredictions<'_>> {
    let mut datasets: Vec<(&str, Slugs, DatasetPredictions<'_>)> = Vec::new();
    let mut names = Slugs::default();
    let several_seeds = |planned: &PlannedTrial| {
        run.plan.iter().any(|other| {
            let same = (&other.trial.model, &other.trial.data.name);
            same == (&planned.trial.model, &planned.trial.data.name)
                && other.trial.seed != planned.trial.seed
        })
    };
    for planned in &run.plan {
        let trial = &planned.trial;
        let (Some(data), Fate::Ok(results)) = (data(run, &trial.data.name), read(run, planned))
        else {
            continue;
        };
        let place = match datasets.iter().position(|(name, _, _)| *name == data.name) {
            Some(place) => place,
            None => {
                let mut taken = Slugs::default();
                // Names of labels, which a model may have too.
                taken.new_slug("labels");
                let all = run.plan.iter().filter(|p| p.trial.data.name == data.name);
                let parts = all.filter(|p| p.trial.purpose() == Purpose::Resampling);
                let stems: BTreeSet<String> = parts.map(|p| labels_of(p.trial.split)).collect();
                for stem in &stems {
                    taken.new_slug(stem);
                }
                let dataset = DatasetPredictions {
                    slug: names.new_slug(&data.name),
                    class_names: &data.class_names,
                    trials: Vec::new(),
                };
                datasets.push((&data.name, taken, dataset));
                datasets.len() - 1
            }
        };
        let (_, taken, dataset) = &mut datasets[place];
        let mut name = trial.model.clone();
        if several_seeds(planned) {
            name += &format!("-seed{}", trial.seed);
        }
        if let Some(variant) = trial.variant() {
            name += &format!("-{}", variant.replace('%', "percent"));
        }
        let labels_stem = match (trial.purpose(), trial.split) {
            (Purpose::Resampling, split) => labels_of(split),
            _ => "labels".to_owned(),
        };
        dataset.trials.push(TrialPredictions {
            stem: taken.new_slug(&name),
            planned,
            labels: results.predictions.labels(),
            labels_stem,
            places: run
                .cuts
                .get(&results.measured.test_fingerprint)
                .map(|cut| cut.indices.as_slice()),
            probabilities: results.predictions.probabilities(),
        });
    }
    datasets
        .into_iter()
        .map(|(_, _, dataset)| dataset)
        .collect()
}

/// The name of the labels of a fold or holdout.
fn labels_of(split: SplitSpec) -> String {
    let words = split.to_string().replace([' ', ','], "-");
    format!("labels-{}", words.replace("--", "-"))
}

impl DatasetPredictions<'_> {
    /// The different labels, by their stem.
    fn labels(&self) -> BTreeMap<&str, &[u16]> {
        self.trials
            .iter()
            .map(|trial| (trial.labels_stem.as_str(), trial.labels))
            .collect()
    }
}
