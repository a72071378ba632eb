//! What a plan and a trial leave behind, as it is written to disk.
//!
//! These types are the file format: a change of meaning raises [`SCHEMA`]. Every
//! number and chart in a report is derived from them (and from the probabilities
//! beside each record) without training.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    EpochMetrics, FitSummary, ImageShape, ModelSpec, Probabilities, Samples, samples::to_hex,
};

/// The version of everything in this module.
pub const SCHEMA: u32 = 1;

/// The data of a trial: which, and how much of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRef {
    /// The name in reports.
    pub name: String,
    /// A built-in name or a path, as the data room understands it.
    pub source: String,
    /// Fingerprint of the whole dataset, before limits.
    pub fingerprint: String,
    /// Use only so many training samples (a seeded stratified part).
    pub limit_train: Option<usize>,
    /// Use only so many test samples (a seeded stratified part).
    pub limit_test: Option<usize>,
}

/// What is held out of the training data for families that choose something by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationSpec {
    /// Share of the training data, 0 for none.
    pub fraction: f64,
    /// Seed of the stratified choice (and of the limits); the same for every trial seed,
    /// so that all of them hold out the same samples.
    pub seed: u64,
}

/// One classifier, one dataset, one split, one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    /// [`SCHEMA`] when it was planned.
    pub schema: u32,
    /// The name the user gave the model, unique within the experiment and dataset.
    pub model: String,
    /// The recipe.
    pub spec: ModelSpec,
    /// The data.
    pub data: DataRef,
    /// What is held out.
    pub validation: ValidationSpec,
    /// Seed of everything random in the fit.
    pub seed: u64,
}

impl TrialSpec {
    /// The trial's name everywhere: the first 16 hexadecimal digits of SHA-256 over
    /// its canonical line. The number of threads is no part of it, because it does not
    /// change the probabilities; nor is the path that the data was read from, because
    /// the fingerprint says it better.
    pub fn id(&self) -> String {
        let mut canonical = self.clone();
        canonical.data.source.clear();
        // Plain data: serialising to memory cannot fail, and BTreeMap sorts the keys.
        let line = serde_json::to_vec(&canonical).unwrap_or_default();
        to_hex(&Sha256::digest(line))[..16].to_owned()
    }
}

/// A line of `plan.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedTrial {
    /// Position in the plan, from 0.
    pub index: usize,
    /// [`TrialSpec::id`].
    pub id: String,
    /// What to run.
    pub trial: TrialSpec,
    /// Where the model is saved: `<dataset>/<model>` below the folder of models.
    pub save_as: SaveName,
    /// Stop the trial after so long and record it as failed.
    pub time_limit_seconds: Option<u64>,
}

/// The two parts of a saved model's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveName {
    /// The dataset, with its limit where it has one (`mnist`, `mnist-6000`).
    pub dataset: String,
    /// The model, with its seed where it is not the experiment's first (`cnn`, `cnn-seed2`).
    pub model: String,
}

/// The machine and the build that a trial ran on. No result depends on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Processor model.
    pub cpu: String,
    /// Logical processors.
    pub logical_cpus: usize,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// Operating system with its version.
    pub os: String,
    /// Processor architecture (`x86_64`).
    pub arch: String,
    /// Instruction sets that our kernels look for and found here.
    pub instruction_sets: Vec<String>,
    /// Threads the trial was given.
    pub threads: usize,
    /// Version of bakeoff.
    pub version: String,
    /// When the trial ended, RFC 3339 in UTC. For people; nothing is ordered by it.
    pub finished_at: String,
}

/// Samples that each stage saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleCounts {
    /// Trained on.
    pub train: usize,
    /// Held out to choose by.
    pub validation: usize,
    /// Reported on.
    pub test: usize,
}

/// Time to answer one picture alone, after warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Timed answers.
    pub calls: usize,
    /// Answers before them that were not timed.
    pub warmup_calls: usize,
    /// Median.
    pub p50_ns: u64,
    /// 95 of 100 were faster.
    pub p95_ns: u64,
    /// 99 of 100 were faster.
    pub p99_ns: u64,
}

/// What a trial cost, each measured apart. METHODOLOGY.md says how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Reading and splitting the dataset, wall clock.
    pub data_load_ns: u64,
    /// `fit`, wall clock.
    pub fit_ns: u64,
    /// `fit`, processor time over all threads; `None` where the system does not tell.
    pub fit_cpu_ns: Option<u64>,
    /// `predict_proba` on the whole test part at once, wall clock, median of the repeats.
    pub predict_ns: u64,
    /// How often the whole test part was answered.
    pub predict_repeats: usize,
    /// Test samples per second in that call.
    pub throughput_per_second: f64,
    /// One picture at a time.
    pub latency: Latency,
    /// Reading the saved model back, wall clock.
    pub model_load_ns: u64,
    /// Size of the saved model in bytes.
    pub model_bytes: u64,
    /// [`crate::FittedModel::parameters`].
    pub parameters: u64,
    /// The largest resident size of the trial's process until it had fitted and
    /// answered, data included; `None` where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
    /// Resident size before the fit, data included.
    pub rss_before_fit_bytes: Option<u64>,
}

/// Headline scores, kept in the record for people and for a second attempt to compare
/// itself with. Reports compute theirs from the probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean negative log probability of the right class, in nats.
    pub log_loss: f64,
}

/// A file beside a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Its name in the folder of the record.
    pub file: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// A step of an optimiser, as kept in a record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IterationPoint {
    /// From 1.
    pub iteration: u64,
    /// The objective.
    pub loss: f64,
}

/// A trial that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Who saw how much.
    pub samples: SampleCounts,
    /// What it cost.
    pub costs: Costs,
    /// How the fit ended.
    pub fit: FitSummary,
    /// Every epoch, for families that have them.
    pub epochs: Vec<EpochMetrics>,
    /// Every iteration whose objective the engine told.
    pub iterations: Vec<IterationPoint>,
    /// Headline scores on the test part.
    pub scores: Scores,
    /// Fingerprint of the test part that was reported on (a key of [`Run::tests`]).
    pub test_fingerprint: String,
    /// The test probabilities of every sample.
    pub probabilities: Sidecar,
}

/// Where a trial stood when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Reading or splitting the data.
    Data,
    /// Training.
    Fit,
    /// Answering.
    Predict,
    /// Saving the model or reading it back.
    Store,
    /// The trial's process ended without a word (out of memory, killed, crashed).
    Process,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Outcome {
    /// With a model and its measurements.
    Ok(Box<Measured>),
    /// Without, and why.
    Failed {
        /// Where it stood.
        stage: Stage,
        /// Why, in words.
        reason: String,
    },
}

/// What a trial leaves behind: `records/<id>.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// [`TrialSpec::id`].
    pub id: String,
    /// What was run.
    pub trial: TrialSpec,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Where it ran.
    pub host: Host,
}

impl Record {
    /// The measurements, or `None` for a trial that failed.
    pub fn measured(&self) -> Option<&Measured> {
        match &self.outcome {
            Outcome::Ok(measured) => Some(measured),
            Outcome::Failed { .. } => None,
        }
    }
}

/// A dataset as a run describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataInfo {
    /// The name in reports.
    pub name: String,
    /// A built-in name or a path.
    pub source: String,
    /// Fingerprint of the whole dataset, before limits.
    pub fingerprint: String,
    /// The shape of one picture.
    pub image: ImageShape,
    /// The names of the classes.
    pub class_names: Vec<String>,
    /// Training samples of each class, after limits.
    pub train_counts: Vec<usize>,
    /// Test samples of each class, after limits.
    pub test_counts: Vec<usize>,
    /// Fingerprint of the test part, after limits.
    pub test_fingerprint: String,
}

/// `run.json`: what a run is about. Written by `plan`, never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// [`SCHEMA`] when it was planned.
    pub schema: u32,
    /// The run's name (its folder).
    pub name: String,
    /// The experiment's name.
    pub experiment: String,
    /// The experiment file as it was read, after nothing was changed in it.
    pub experiment_toml: String,
    /// The command that repeats it.
    pub command: String,
    /// When it was planned, RFC 3339 in UTC.
    pub planned_at: String,
    /// Version of bakeoff.
    pub version: String,
    /// The datasets.
    pub datasets: Vec<DataInfo>,
}

/// A run read into memory: all that a report needs, so that rendering does no I/O.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it is about.
    pub info: RunInfo,
    /// Every trial that was planned, in order.
    pub plan: Vec<PlannedTrial>,
    /// A record for each trial that has one, by trial id.
    pub records: BTreeMap<String, Record>,
    /// The test probabilities of each successful trial, by trial id.
    pub probabilities: BTreeMap<String, Probabilities>,
    /// The test parts, by fingerprint.
    pub tests: BTreeMap<String, Samples>,
}
