//! A run as a whole: its description, and all of it in memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{PlannedTrial, Record, SearchInfo, SplitSpec};
use crate::{ImageShape, Preparation, Probabilities, Samples};

/// A part that was cut from the training part to report on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CutInfo {
    /// How it was cut; never [`SplitSpec::Given`].
    pub split: SplitSpec,
    /// Fingerprint of its samples (a key of [`Run::cuts`]).
    pub fingerprint: String,
    /// How many samples it has.
    pub samples: usize,
    /// SHA-256 of the file of labels and positions, uncompressed, hexadecimal. The
    /// fingerprint is no check of that file, because it includes the images.
    pub sha256: String,
}

/// Images of a dataset that are there more than once, to the last pixel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeats {
    /// Training images that repeat an earlier one.
    pub in_train: usize,
    /// Test images that repeat an earlier one and no training image.
    pub in_test: usize,
    /// Images that occur with more than one label.
    pub conflicting: usize,
    /// Validation images that are training images too, where the data have a validation part.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub validation_in_train: usize,
    /// Test images that are validation images too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub test_in_validation: usize,
    /// The positions of the test images that are training images too, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<u32>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The pixel values of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelValues {
    /// The lowest of all.
    pub lowest: u8,
    /// The highest of all.
    pub highest: u8,
    /// Images that have one value only.
    pub blank: usize,
}

/// The description of a dataset in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataInfo {
    /// The name in reports.
    pub name: String,
    /// A built-in name or a path.
    pub source: String,
    /// Fingerprint of the whole dataset, before limits.
    pub fingerprint: String,
    /// The shape of one image.
    pub image: ImageShape,
    /// How images from elsewhere are prepared for its models; `None` in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
    /// The names of the classes.
    pub class_names: Vec<String>,
    /// Training samples of each class, after limits.
    pub train_counts: Vec<usize>,
    /// Test samples of each class, after limits.
    pub test_counts: Vec<usize>,
    /// Images that repeat, after limits; `None` in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// The pixel values of the training and of the test part, after limits; `None` in runs of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<[PixelValues; 2]>,
    /// Fingerprint of the test part, after limits.
    pub test_fingerprint: String,
    /// The folds and holdouts of the training part, in the order of the plan.
    pub cuts: Vec<CutInfo>,
    /// What was skipped, assumed or converted when it was opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// `run.json`: the description of a run. `plan` writes it, and nothing changes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// [`super::SCHEMA`] when it was planned.
    pub schema: u32,
    /// The run's name (its folder).
    pub name: String,
    /// The experiment's name.
    pub experiment: String,
    /// The experiment file, unchanged.
    pub experiment_toml: String,
    /// The command that repeats it.
    pub command: String,
    /// When it was planned, RFC 3339 in UTC.
    pub planned_at: String,
    /// Version of bakeoff.
    pub version: String,
    /// The datasets.
    pub datasets: Vec<DataInfo>,
    /// The model that errors under corruption are measured against; `None` if the
    /// experiment does not measure robustness.
    pub robustness_baseline: Option<String>,
    /// How the models were found, if a search chose them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchInfo>,
}

/// A fold or holdout as a run stores it: without its images, which are in the dataset's
/// training part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The class of each sample.
    pub labels: Vec<u16>,
    /// Its position in the training part (after `limit_train`), ascending.
    pub indices: Vec<u32>,
    /// The file of each image, where each has one of its own.
    pub files: Option<Vec<String>>,
}

/// A run in memory, with all that a report needs, so that rendering does no I/O.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its description.
    pub info: RunInfo,
    /// All planned trials, in order.
    pub plan: Vec<PlannedTrial>,
    /// A record for each trial that has one, by trial id.
    pub records: BTreeMap<String, Record>,
    /// The probabilities of each successful trial on its reported part, by trial id.
    pub probabilities: BTreeMap<String, Probabilities>,
    /// The same without calibration, of each successful trial that was calibrated.
    pub uncalibrated: BTreeMap<String, Probabilities>,
    /// The predicted classes on the corrupted images, set by set in the order of the record, of
    /// each successful trial that has them.
    pub corrupted: BTreeMap<String, Vec<u16>>,
    /// The test parts, by fingerprint.
    pub tests: BTreeMap<String, Samples>,
    /// Folds and holdouts, by fingerprint.
    pub cuts: BTreeMap<String, Cut>,
}

impl Run {
    /// The labels of a reported part, whether it is a test part, a fold or a holdout.
    pub fn labels(&self, fingerprint: &str) -> Option<&[u16]> {
        self.tests
            .get(fingerprint)
            .map(Samples::labels)
            .or_else(|| self.cuts.get(fingerprint).map(|cut| cut.labels.as_slice()))
    }
}
