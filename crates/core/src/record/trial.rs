//! The specification of a trial, and its line in a plan.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Corruption, ModelSpec, OpenOptions, to_hex};

/// The data of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRef {
    /// The name in reports.
    pub name: String,
    /// A built-in name or a path.
    pub source: String,
    /// Fingerprint of the whole dataset, before limits.
    pub fingerprint: String,
    /// Use only this number of training samples (a seeded stratified part).
    pub limit_train: Option<usize>,
    /// Use only this number of test samples (a seeded stratified part).
    pub limit_test: Option<usize>,
    /// Use only this share of the training samples after the limit, above 0 and below 1: a
    /// seeded stratified part that includes every smaller one. `None` for all of them.
    pub train_fraction: Option<f64>,
    /// How the data are opened.
    #[serde(default, skip_serializing_if = "OpenOptions::is_default")]
    pub options: OpenOptions,
}

impl DataRef {
    /// Where the data come from and how they are opened, as 16 hexadecimal digits: alike for a
    /// dataset whose images have changed, and different for two folders of the same name.
    pub fn origin(&self) -> String {
        origin_of(&self.source, &self.options)
    }
}

/// [`DataRef::origin`] of a built-in name or an absolute path that is opened so.
pub fn origin_of(source: &str, options: &OpenOptions) -> String {
    // Plain data: serialising to memory cannot fail.
    let line = serde_json::to_vec(&(source, options)).unwrap_or_default();
    to_hex(&Sha256::digest(line))[..16].to_owned()
}

/// The samples that a trial is reported on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SplitSpec {
    /// The dataset's own test part.
    #[default]
    Given,
    /// One of several parts that the training part is split into, stratified by class; the
    /// others are trained on. The test part is not used.
    Fold {
        /// Which part, from 1.
        fold: usize,
        /// How many there are.
        folds: usize,
        /// Which repeat, each with another split, from 1.
        repeat: usize,
        /// Seed that every split is derived from.
        seed: u64,
    },
    /// A share of the training part, drawn again for each repeat and stratified by class;
    /// the rest is trained on. The test part is not used.
    Holdout {
        /// Which draw, from 1.
        repeat: usize,
        /// The share that is reported on, above 0 and below 1.
        fraction: f64,
        /// Seed that every draw is derived from.
        seed: u64,
    },
}

impl fmt::Display for SplitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("test part"),
            Self::Fold {
                fold,
                folds,
                repeat: 1,
                ..
            } => write!(f, "fold {fold} of {folds}"),
            Self::Fold {
                fold,
                folds,
                repeat,
                ..
            } => write!(f, "fold {fold} of {folds}, repeat {repeat}"),
            Self::Holdout { repeat, .. } => write!(f, "holdout {repeat}"),
        }
    }
}

/// How the probabilities of a fitted model are calibrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calibration {
    /// One temperature, fitted on the validation part.
    Temperature,
}

impl Calibration {
    /// The name in experiments and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
        }
    }
}

/// The corruptions of the reported images that robustness is measured with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustnessSpec {
    /// Each in every severity, in the order of [`Corruption::ALL`].
    pub corruptions: Vec<Corruption>,
    /// Seed of everything random in them; the same for every model and every seed, so that
    /// all of them get the same images.
    pub seed: u64,
}

/// How it is measured which parts of the images a model looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportanceSpec {
    /// Blocks on the longer side of an image, at most.
    pub blocks: usize,
    /// Reported images that are used, at most.
    pub images: usize,
    /// Seed of the choice of images and of their order, the same for every model.
    pub seed: u64,
}

/// The purpose of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To rank models by: trained on the whole training part, reported on the test part.
    Headline,
    /// To show how much a score depends on the sample of the data: reported on a fold or a
    /// holdout of the training part.
    Resampling,
    /// A point of the learning curve: trained on a share of the training part, reported on
    /// the test part. The last point of the curve is the headline trial.
    DataSize,
}

/// The validation part of the training data, for families that use one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationSpec {
    /// Share of the training data, 0 for none.
    pub fraction: f64,
    /// Seed of the limits, and of the stratified selection unless it has one of its own.
    pub seed: u64,
    /// Seed of the selection for trials of another seed than 1: with the validation part, all
    /// that is random in a recipe changes between its fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_seed: Option<u64>,
}

impl ValidationSpec {
    /// Seed of the stratified selection.
    pub fn selection_seed(&self) -> u64 {
        self.own_seed.unwrap_or(self.seed)
    }
}

/// One classifier, one dataset, one split, one seed.
///
/// [`TrialSpec::purpose`] says which question it helps to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    /// [`super::SCHEMA`] when it was planned.
    pub schema: u32,
    /// The name the user gave the model, unique within the experiment and dataset.
    pub model: String,
    /// The recipe.
    pub spec: ModelSpec,
    /// The data.
    pub data: DataRef,
    /// Which samples it is reported on.
    pub split: SplitSpec,
    /// The validation part.
    pub validation: ValidationSpec,
    /// How its probabilities are calibrated; `None` for no calibration.
    pub calibration: Option<Calibration>,
    /// The corruptions that it is tested with afterwards; `None` for none.
    pub robustness: Option<RobustnessSpec>,
    /// Whether and how it is measured which parts of the images the model looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importance: Option<ImportanceSpec>,
    /// Seed of everything random in the fit.
    pub seed: u64,
}

impl TrialSpec {
    /// The purpose of the trial. Leaderboards, reports and comparisons select by it, so that
    /// a fold is never listed beside a headline trial.
    pub fn purpose(&self) -> Purpose {
        match (self.split, self.data.train_fraction) {
            (SplitSpec::Fold { .. } | SplitSpec::Holdout { .. }, _) => Purpose::Resampling,
            (SplitSpec::Given, Some(_)) => Purpose::DataSize,
            (SplitSpec::Given, None) => Purpose::Headline,
        }
    }

    /// The difference from the headline trial of its model, in words:
    /// `fold 2 of 5`, `3 % of the training data`; `None` for a headline trial.
    pub fn variant(&self) -> Option<String> {
        match self.purpose() {
            Purpose::Headline => None,
            Purpose::Resampling => Some(self.split.to_string()),
            Purpose::DataSize => self
                .data
                .train_fraction
                .map(|share| format!("{} of the training data", percent(share))),
        }
    }

    /// The trial's name everywhere: the first 16 hexadecimal digits of SHA-256 over
    /// its canonical line. It does not include the number of threads, which does not change
    /// the probabilities, nor the path of the data or of a model's file, which fingerprint and hash
    /// identify better.
    pub fn id(&self) -> String {
        let mut canonical = self.clone();
        canonical.data.source.clear();
        if canonical.spec.settings.contains_key("sha256") {
            canonical.spec.settings.remove("path");
        }
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
    /// Where the model is saved: `<dataset>/<model>` below the folder of models. `None` for a
    /// model that is not kept, such as those of folds.
    pub save_as: Option<SaveName>,
    /// Stop the trial after this time and record it as failed.
    pub time_limit_seconds: Option<u64>,
    /// Stop the trial when it needs more memory than this, in millions of bytes, and record it
    /// as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_mb: Option<u64>,
    /// What a scheduler should give it; `None` in plans of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// What a trial should be given. A request to a scheduler and no limit: limits are in
/// [`PlannedTrial`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resources {
    /// Processors.
    pub threads: usize,
    /// Memory in millions of bytes.
    pub memory_mb: u64,
    /// How long it may take; `None` where nothing is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_seconds: Option<u64>,
}

/// The two parts of a saved model's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveName {
    /// The dataset, with its limit if it has one (`mnist`, `mnist-6000`).
    pub dataset: String,
    /// The model, with its seed if it is not the experiment's first (`cnn`, `cnn-seed2`).
    pub model: String,
}

/// A share as a percentage without trailing zeros.
fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SCHEMA;

    fn headline() -> TrialSpec {
        TrialSpec {
            schema: SCHEMA,
            model: "knn".into(),
            spec: ModelSpec {
                family: "knn".into(),
                engine: "native".into(),
                settings: Default::default(),
            },
            data: DataRef {
                name: "mnist".into(),
                source: "mnist".into(),
                fingerprint: "f".into(),
                limit_train: None,
                limit_test: None,
                train_fraction: None,
                options: OpenOptions::default(),
            },
            split: SplitSpec::Given,
            validation: ValidationSpec {
                fraction: 0.1,
                seed: 1,
                own_seed: None,
            },
            calibration: None,
            robustness: None,
            importance: None,
            seed: 1,
        }
    }

    #[test]
    fn a_purpose_follows_from_split_and_size() {
        let trial = headline();
        assert_eq!(
            (trial.purpose(), trial.variant()),
            (Purpose::Headline, None)
        );

        let mut part = headline();
        part.data.train_fraction = Some(0.03);
        assert_eq!(part.purpose(), Purpose::DataSize);
        assert_eq!(part.variant().as_deref(), Some("3 % of the training data"));
        part.data.train_fraction = Some(0.125);
        assert_eq!(
            part.variant().as_deref(),
            Some("12.5 % of the training data")
        );

        let mut fold = headline();
        fold.split = SplitSpec::Fold {
            fold: 2,
            folds: 5,
            repeat: 1,
            seed: 1,
        };
        assert_eq!(fold.purpose(), Purpose::Resampling);
        assert_eq!(fold.variant().as_deref(), Some("fold 2 of 5"));
        let ids = [headline().id(), part.id(), fold.id()];
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    }
}
