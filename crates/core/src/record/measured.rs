//! The record of a trial.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Costs, External, TrialSpec};
use crate::{Corruption, EpochMetrics, FitSummary};

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
    /// Those of the instruction sets that our kernels can use which this processor has.
    pub instruction_sets: Vec<String>,
    /// Number of threads of the trial.
    pub threads: usize,
    /// Version of bakeoff.
    pub version: String,
    /// When the trial ended, RFC 3339 in UTC. For people; nothing is ordered by it.
    pub finished_at: String,
}

/// The attempt at a trial that left its record: a trial may be tried several times, on several
/// machines, also at once. No result depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Machine, process and start: different for every attempt.
    pub id: String,
    /// The machine's name.
    pub machine: String,
    /// The process's number on it.
    pub process: u32,
    /// When it started, RFC 3339 in UTC. For people; nothing is ordered by it.
    pub started_at: String,
    /// What a scheduler says of its job in the environment (`SLURM_JOB_ID` and others).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scheduler: BTreeMap<String, String>,
}

/// Number of samples in each part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleCounts {
    /// Trained on.
    pub train: usize,
    /// Used for validation.
    pub validation: usize,
    /// Reported on.
    pub test: usize,
}

/// The main scores, kept in the record for people and for comparison with a second attempt.
/// Reports compute theirs from the probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Share of correct predictions.
    pub accuracy: f64,
    /// Mean negative log probability of the correct class, in nats.
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

/// The effect of calibration, measured on the validation part that it was fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationResult {
    /// The logits are divided by it: above 1 the model was overconfident.
    pub temperature: f64,
    /// Mean negative log probability on the validation part before, in nats.
    pub validation_log_loss_before: f64,
    /// Mean negative log probability on the validation part after, in nats.
    pub validation_log_loss_after: f64,
    /// Whether the search ended at its bound (0.01 or 100).
    pub at_bound: bool,
    /// The main scores on the reported part without calibration.
    pub uncalibrated_scores: Scores,
    /// The probabilities of every reported sample without calibration.
    pub uncalibrated: Sidecar,
}

/// Scores under one corruption in one severity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorruptionScore {
    /// The corruption of the images.
    pub corruption: Corruption,
    /// From 1 to [`Corruption::SEVERITIES`].
    pub severity: u8,
    /// Number of correct predictions.
    pub correct: u64,
    /// Number of images.
    pub total: u64,
    /// Mean negative log probability of the correct class, in nats.
    pub log_loss: f64,
    /// Mean probability of the predicted class, correct or not: an overconfident model keeps
    /// its confidence when its accuracy falls.
    pub mean_confidence: f64,
}

impl CorruptionScore {
    /// Share of correct predictions.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.total.max(1) as f64
    }
}

/// What a model loses when a block of its images is that of other images: its permutation importance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Rows and columns of blocks.
    pub grid: [usize; 2],
    /// Height and width of a block in pixels; blocks at the lower and the right edge may be smaller.
    pub block: [usize; 2],
    /// Number of images.
    pub images: u64,
    /// Number of correct predictions on the images as they are.
    pub correct: u64,
    /// Mean negative log probability of the correct class on them, in nats.
    pub log_loss: f64,
    /// For each block, row by row, both of the images with that block of another image.
    pub blocks: Vec<BlockScore>,
}

/// The scores of images with a block of other images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockScore {
    /// Number of correct predictions.
    pub correct: u64,
    /// Mean negative log probability of the correct class, in nats.
    pub log_loss: f64,
}

impl Importance {
    /// For each block, row by row, the accuracy that is lost without it; below 0 where accuracy is higher.
    pub fn losses(&self) -> Vec<f64> {
        let lost = |block: &BlockScore| self.correct as f64 - block.correct as f64;
        let images = self.images.max(1) as f64;
        self.blocks
            .iter()
            .map(|block| lost(block) / images)
            .collect()
    }
}

/// A trial that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Samples of each part.
    pub samples: SampleCounts,
    /// Its costs.
    pub costs: Costs,
    /// How the fit ended.
    pub fit: FitSummary,
    /// Whether another seed gives another model; `None` in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub varies_with_seed: Option<bool>,
    /// Whether the model answers without looking at the image; it is shown and wins nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_baseline: bool,
    /// Whether the model was read from a file and not trained here: there are no times of fits, and
    /// nobody knows which images it has seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trained_elsewhere: bool,
    /// Every epoch, for families that have them.
    pub epochs: Vec<EpochMetrics>,
    /// Every iteration whose objective the engine reported.
    pub iterations: Vec<IterationPoint>,
    /// Scores on the reported part.
    pub scores: Scores,
    /// Fingerprint of the part that was reported on: a key of [`super::Run::tests`] or,
    /// for folds and holdouts, of [`super::Run::cuts`].
    pub test_fingerprint: String,
    /// The probabilities of every reported sample, as the saved model gives them.
    pub probabilities: Sidecar,
    /// The effect of calibration, if the experiment asks for it.
    pub calibration: Option<CalibrationResult>,
    /// Each corruption in each severity, in the order of the plan; empty if the experiment
    /// has none.
    pub robustness: Vec<CorruptionScore>,
    /// The predictions on the corrupted images, set by set in the order of `robustness`; `None`
    /// if the experiment has none, and in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupted: Option<Sidecar>,
    /// Which parts of the images it looks at, if the experiment asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importance: Option<Importance>,
    /// Of a model of another program; `None` for one that was trained here. Then there are no
    /// [`Costs`], and nothing is known of the training samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,
}

impl Measured {
    /// Every file beside the record that belongs to it.
    pub fn sidecars(&self) -> impl Iterator<Item = &Sidecar> {
        let calibration = self.calibration.as_ref();
        std::iter::once(&self.probabilities)
            .chain(calibration.map(|calibration| &calibration.uncalibrated))
            .chain(&self.corrupted)
    }

    /// Whether another seed gives another model. Of the families of earlier versions those
    /// that train in epochs, and every model that held out a validation part, do.
    pub fn varies_with_seed(&self) -> bool {
        self.varies_with_seed
            .unwrap_or(!self.epochs.is_empty() || self.samples.validation > 0)
    }
}

/// The stage in which a trial failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Reading or splitting the data.
    Data,
    /// Training.
    Fit,
    /// Predicting.
    Predict,
    /// Saving the model or reading it.
    Store,
    /// The trial's process ended without a message (out of memory, killed, crashed).
    Process,
}

impl Stage {
    /// The name in records and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Fit => "fit",
            Self::Predict => "predict",
            Self::Store => "store",
            Self::Process => "process",
        }
    }
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Outcome {
    /// With a model and its measurements.
    Ok(Box<Measured>),
    /// Without, and why.
    Failed {
        /// The stage.
        stage: Stage,
        /// Why, in words.
        reason: String,
        /// What ended it, where a limit or the system did; `None` where the trial itself said
        /// why it failed, and in records of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
}

/// What ended a trial's process that left no record of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Cause {
    /// The system had no more memory for it.
    OutOfMemory,
    /// It needed more memory than the experiment allows.
    MemoryLimit {
        /// The limit, in millions of bytes.
        megabytes: u64,
    },
    /// It took longer than the experiment allows.
    TimeLimit {
        /// The limit.
        seconds: u64,
    },
    /// It crashed: a signal for a fault of its own, or an exit without a record.
    Crash,
}

/// The record of a trial: `records/<id>.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`super::SCHEMA`] when it was written.
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
    /// Which attempt this is of; `None` in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// SHA-256 of the file that it was written to, with 64 zeros in the place of this: whoever
    /// reads the file notices that it was altered or torn. `None` in memory before it is
    /// written, and in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
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
