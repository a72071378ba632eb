//! The experiment file: what is compared, on which data, with which seeds, and how far
//! the answer is to be trusted.

mod parse;
pub(crate) mod values;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bakeoff_core::{Corruption, ModelSpec, record::Calibration};

pub(crate) use values::{check_folds, check_seeds, check_train_fractions};

/// Experiments inside the binary: name and text.
static BUILTIN: [(&str, &str); 5] = [
    (
        "default",
        include_str!("../../../../experiments/default.toml"),
    ),
    ("quick", include_str!("../../../../experiments/quick.toml")),
    (
        "engines",
        include_str!("../../../../experiments/engines.toml"),
    ),
    ("seeds", include_str!("../../../../experiments/seeds.toml")),
    ("trust", include_str!("../../../../experiments/trust.toml")),
];

/// Names of the experiments inside the binary, the default one first.
pub fn builtin_experiments() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// An experiment inside the binary, by name; `None` if there is none of that name.
///
/// # Errors
/// Never for the files that are shipped; a test checks every one.
pub fn builtin_experiment(name: &str) -> Option<Result<Experiment, ExperimentError>> {
    BUILTIN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(name, text)| Experiment::parse(text, Path::new(&format!("{name}.toml"))))
}

/// Why a file is not an experiment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error(
        "{}:{line}:{column}: {message}\n  {line} | {text}\n  {:pad$} | {:indent$}^",
        path.display(), "", "", pad = line.to_string().len(), indent = column - 1
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
        /// The line itself.
        text: String,
    },
}

/// One model of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// Its name in reports and of the saved model; unique within the experiment.
    pub name: String,
    /// The recipe, resolved.
    pub spec: ModelSpec,
    /// How its probabilities are made honest; `None` to leave them as they are.
    pub calibration: Option<Calibration>,
}

/// Stratified cross-validation on the training part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folds {
    /// Parts that the training part is cut into; each is reported on once.
    pub folds: usize,
    /// How often it is cut anew.
    pub repeats: usize,
}

/// Repeated holdout on the training part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Holdout {
    /// How often a part is drawn anew.
    pub repeats: usize,
    /// The share of the training part that is reported on, above 0 and below 1.
    pub fraction: f64,
}

/// An experiment: datasets × models × seeds, and further trials that say how far their
/// ranking is to be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Its name, part of a run's name.
    pub name: String,
    /// Built-in names or paths.
    pub datasets: Vec<String>,
    /// Seeds of the fits.
    pub seeds: Vec<u64>,
    /// Share of the training data held out for families that choose something by it.
    pub validation_fraction: f64,
    /// Seed of the held-out part and of the limits.
    pub split_seed: u64,
    /// Use only so many training samples.
    pub limit_train: Option<usize>,
    /// Use only so many test samples.
    pub limit_test: Option<usize>,
    /// A trial that takes longer is stopped and recorded as failed.
    pub time_limit_seconds: Option<u64>,
    /// Cross-validation besides the given test part, with the first seed.
    pub folds: Option<Folds>,
    /// Repeated holdout besides the given test part, with the first seed.
    pub holdout: Option<Holdout>,
    /// Further trials on these shares of the training part, each above 0 and below 1,
    /// for every seed. The whole is the headline trial.
    pub train_fractions: Vec<f64>,
    /// What is done to the test pictures afterwards, in the order of
    /// [`Corruption::ALL`].
    pub robustness: Vec<Corruption>,
    /// The model that errors under corruption are measured against; the first one where
    /// none is named.
    pub robustness_baseline: Option<String>,
    /// What is compared.
    pub models: Vec<ModelEntry>,
    /// The text it was read from.
    pub text: String,
}

impl Experiment {
    /// Reads an experiment file.
    ///
    /// # Errors
    /// With line, column, key and what is allowed.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let text = fs::read_to_string(path).map_err(|source| ExperimentError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads an experiment from text; `path` is for messages and the default name.
    ///
    /// # Errors
    /// With line, column, key and what is allowed.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ExperimentError> {
        parse::experiment(text, path)
    }
}

#[cfg(test)]
mod tests;
