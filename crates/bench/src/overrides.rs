//! What the command line changes in an experiment.

use bakeoff_core::{Corruption, Settings, record::Calibration};

use crate::{
    error::BenchError,
    experiment::{
        Experiment, Folds, ModelEntry, check_folds, check_seeds, check_train_fractions, values,
    },
    plan::spec_error,
};

/// What the command line changes in an experiment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Only these models, by name.
    pub models: Option<Vec<String>>,
    /// Only this dataset, by name or path.
    pub dataset: Option<String>,
    /// Epochs of every model that has them.
    pub epochs: Option<u64>,
    /// These seeds instead of the experiment's.
    pub seeds: Option<Vec<u64>>,
    /// Use only so many training samples.
    pub limit_train: Option<usize>,
    /// Use only so many test samples.
    pub limit_test: Option<usize>,
    /// Cross-validate in so many folds.
    pub folds: Option<usize>,
    /// Further trials on these shares of the training part.
    pub train_fractions: Option<Vec<f64>>,
    /// Calibrate every model.
    pub calibration: Option<Calibration>,
    /// Corrupt the test pictures in every way.
    pub robustness: bool,
}

impl Experiment {
    /// The experiment with the command line's changes.
    ///
    /// # Errors
    /// When a model that is asked for is not in it, or a value is out of range.
    pub fn with(mut self, overrides: &Overrides) -> Result<Self, BenchError> {
        if let Some(names) = &overrides.models {
            let there: Vec<&str> = self.models.iter().map(|m| m.name.as_str()).collect();
            if let Some(name) = names.iter().find(|name| !there.contains(&name.as_str())) {
                let hint = bakeoff_core::nearest_name(name, there.iter().copied())
                    .map(|near| format!(" (did you mean `{near}`?)"))
                    .unwrap_or_default();
                return Err(BenchError::Request(format!(
                    "the experiment `{}` has no model `{name}`{hint}; it has: {}",
                    self.name,
                    there.join(", ")
                )));
            }
            self.models.retain(|model| names.contains(&model.name));
        }
        if let Some(dataset) = &overrides.dataset {
            self.datasets = vec![dataset.clone()];
        }
        if let Some(epochs) = overrides.epochs {
            for model in &mut self.models {
                set_epochs(model, epochs)?;
            }
        }
        if let Some(seeds) = &overrides.seeds {
            if !check_seeds(seeds) {
                return Err(not_allowed("seeds", seeds, values::SEEDS));
            }
            self.seeds.clone_from(seeds);
        }
        if let Some(folds) = overrides.folds {
            if !check_folds(folds) {
                return Err(not_allowed("folds", &folds, values::FOLDS));
            }
            let repeats = self.folds.map_or(1, |folds| folds.repeats);
            self.folds = Some(Folds { folds, repeats });
        }
        if let Some(shares) = &overrides.train_fractions {
            if !check_train_fractions(shares) {
                let rule = values::TRAIN_FRACTIONS;
                return Err(not_allowed("train_fractions", shares, rule));
            }
            // The whole is the headline trial.
            self.train_fractions = shares.iter().copied().filter(|&x| x < 1.0).collect();
        }
        if let Some(calibration) = overrides.calibration {
            if self.validation_fraction == 0.0 {
                return Err(BenchError::Request(format!(
                    "calibration needs a validation part, and `validation_fraction` is 0 in \
                     the experiment `{}`",
                    self.name
                )));
            }
            for model in &mut self.models {
                model.calibration = Some(calibration);
            }
        }
        if overrides.robustness {
            self.robustness = Corruption::ALL.to_vec();
        }
        self.limit_train = overrides.limit_train.or(self.limit_train);
        self.limit_test = overrides.limit_test.or(self.limit_test);
        Ok(self)
    }
}

fn not_allowed(key: &str, got: &impl std::fmt::Debug, allowed: &str) -> BenchError {
    BenchError::Request(format!("`{key}` is {got:?}; allowed: {allowed}"))
}

fn set_epochs(model: &mut ModelEntry, epochs: u64) -> Result<(), BenchError> {
    if !model.spec.settings.contains_key("epochs") {
        return Ok(());
    }
    let mut settings: Settings = model.spec.settings.clone();
    settings.insert("epochs".into(), epochs.into());
    let resolved = bakeoff_zoo::family(&model.spec.family)
        .and_then(|family| family.resolve(Some(&model.spec.engine), &settings))
        .and_then(|spec| bakeoff_zoo::build(&spec).map(|_| spec));
    model.spec = resolved.map_err(|source| spec_error(&model.name, source))?;
    Ok(())
}
