//! Experiment → trials.

use std::path::{Path, PathBuf};

use bakeoff_core::{
    Dataset, Samples, Settings, SpecError,
    record::{
        DataInfo, DataRef, PlannedTrial, RunInfo, SCHEMA, SaveName, SplitSpec, TrialSpec,
        ValidationSpec,
    },
    to_hex,
};
use bakeoff_data::split;
use sha2::{Digest, Sha256};

use crate::{
    error::BenchError,
    experiment::{Experiment, ModelEntry},
    host,
    reported_parts::Parts,
    run_folder::RunFolder,
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
    /// One seed instead of the experiment's.
    pub seed: Option<u64>,
    /// Use only so many training samples.
    pub limit_train: Option<usize>,
    /// Use only so many test samples.
    pub limit_test: Option<usize>,
}

impl Experiment {
    /// The experiment with the command line's changes.
    ///
    /// # Errors
    /// When a model that is asked for is not in it, or epochs are out of range.
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
        if let Some(seed) = overrides.seed {
            self.seeds = vec![seed];
        }
        self.limit_train = overrides.limit_train.or(self.limit_train);
        self.limit_test = overrides.limit_test.or(self.limit_test);
        Ok(self)
    }
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

fn spec_error(model: &str, source: SpecError) -> BenchError {
    BenchError::Spec {
        model: model.into(),
        source: Box::new(source),
    }
}

/// The samples of one dataset as trials see them.
pub(crate) struct PreparedData {
    /// For families that choose nothing: all of the training part.
    pub(crate) train: Samples,
    /// The test part.
    pub(crate) test: Samples,
}

/// Applies an experiment's limits to a dataset.
pub(crate) fn apply_limits(
    dataset: &Dataset,
    limit_train: Option<usize>,
    limit_test: Option<usize>,
    seed: u64,
) -> PreparedData {
    let limited = |samples: &Samples, limit: Option<usize>| match limit {
        Some(count) if count < samples.len() => split::limit(samples, count, seed),
        _ => samples.clone(),
    };
    PreparedData {
        train: limited(dataset.train(), limit_train),
        test: limited(dataset.test(), limit_test),
    }
}

/// Resolves an experiment into trials and starts a run for them.
///
/// `out` is the folder of runs. The run is named after the experiment and a hash of its
/// trials, with `-2`, `-3` ... where such a run is there already; with `resume` the
/// latest of these is continued instead. No clock takes part in the name.
///
/// # Errors
/// When data cannot be had, or a recipe does not fit it: before anything is trained.
pub fn plan(
    experiment: &Experiment,
    out: &Path,
    command: &str,
    resume: bool,
) -> Result<RunFolder, BenchError> {
    let mut datasets = Vec::new();
    let mut parts = Parts::default();
    let mut trials: Vec<PlannedTrial> = Vec::new();
    for source in &experiment.datasets {
        let dataset = bakeoff_data::open(source)?;
        if datasets
            .iter()
            .any(|other: &DataInfo| other.name == dataset.name())
        {
            return Err(BenchError::Request(format!(
                "two datasets are called `{}`; rename one's folder",
                dataset.name()
            )));
        }
        let source = absolute(source);
        let prepared = apply_limits(
            &dataset,
            experiment.limit_train,
            experiment.limit_test,
            experiment.split_seed,
        );
        if prepared.train.is_empty() || prepared.test.is_empty() {
            return Err(BenchError::Request(format!(
                "dataset `{}` has {} training and {} test samples; both must have some",
                dataset.name(),
                prepared.train.len(),
                prepared.test.len()
            )));
        }
        let limited = prepared.train.len() < dataset.train().len();
        for model in &experiment.models {
            check_model(model, dataset.name(), &prepared.train, experiment)?;
            for (position, &seed) in experiment.seeds.iter().enumerate() {
                let trial = TrialSpec {
                    schema: SCHEMA,
                    model: model.name.clone(),
                    spec: model.spec.clone(),
                    data: DataRef {
                        name: dataset.name().into(),
                        source: source.clone(),
                        fingerprint: dataset.fingerprint().into(),
                        limit_train: experiment.limit_train,
                        limit_test: experiment.limit_test,
                        train_fraction: None,
                    },
                    split: SplitSpec::Given,
                    validation: ValidationSpec {
                        fraction: experiment.validation_fraction,
                        seed: experiment.split_seed,
                    },
                    calibration: None,
                    robustness: None,
                    seed,
                };
                trials.push(PlannedTrial {
                    index: trials.len(),
                    id: trial.id(),
                    save_as: Some(SaveName {
                        // A model trained on a part must not replace one trained on all.
                        dataset: match limited {
                            true => format!("{}-{}", dataset.name(), prepared.train.len()),
                            false => dataset.name().into(),
                        },
                        model: match position {
                            0 => model.name.clone(),
                            _ => format!("{}-seed{seed}", model.name),
                        },
                    }),
                    time_limit_seconds: experiment.time_limit_seconds,
                    trial,
                });
            }
        }
        let test_fingerprint = prepared.test.fingerprint();
        datasets.push(DataInfo {
            name: dataset.name().into(),
            source,
            fingerprint: dataset.fingerprint().into(),
            image: prepared.train.images().shape(),
            class_names: prepared.train.class_names().to_vec(),
            train_counts: prepared.train.class_counts(),
            test_counts: prepared.test.class_counts(),
            test_fingerprint: test_fingerprint.clone(),
            cuts: Vec::new(),
        });
        parts.tests.insert(test_fingerprint, prepared.test);
    }
    let base = format!("{}-{}", experiment.name, trials_hash(&trials));
    if resume && let Some((_, path)) = latest_run(out, &base) {
        return RunFolder::open(&path);
    }
    let path = claim_folder(out, &base)?;
    let info = RunInfo {
        schema: SCHEMA,
        name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        experiment: experiment.name.clone(),
        experiment_toml: experiment.text.clone(),
        command: command.into(),
        planned_at: host::now(),
        version: env!("CARGO_PKG_VERSION").into(),
        datasets,
        robustness_baseline: None,
    };
    RunFolder::create(&path, &info, &trials, &parts)
}

/// Refuses a recipe that does not fit the data.
fn check_model(
    model: &ModelEntry,
    dataset: &str,
    train: &Samples,
    experiment: &Experiment,
) -> Result<(), BenchError> {
    let at = |source| spec_error(&model.name, source);
    let family = bakeoff_zoo::family(&model.spec.family).map_err(at)?;
    let classifier = (family.build)(&model.spec).map_err(at)?;
    let mut shape = train.data_shape();
    if family.uses_validation {
        let held_out = (shape.train as f64 * experiment.validation_fraction).round();
        shape.train -= held_out as usize;
    }
    classifier
        .check(&shape)
        .map_err(|source| BenchError::Misfit {
            model: model.name.clone(),
            dataset: dataset.into(),
            source: Box::new(source),
        })
}

/// Built-in names stay; paths are made absolute, so that a trial can be run from anywhere.
fn absolute(source: &str) -> String {
    let builtin = bakeoff_data::builtins()
        .iter()
        .any(|builtin| builtin.name == source);
    if builtin {
        return source.into();
    }
    std::path::absolute(source).map_or_else(
        |_| source.into(),
        |path| path.to_string_lossy().into_owned(),
    )
}

/// The part of a run's name that says which trials it has: the first 8 hexadecimal
/// digits of SHA-256 over their ids.
pub(crate) fn trials_hash(trials: &[PlannedTrial]) -> String {
    let mut hasher = Sha256::new();
    for trial in trials {
        hasher.update(&trial.id);
    }
    to_hex(&hasher.finalize()[..4])
}

/// The run `base` or `base-N` with the highest number, if there is any.
fn latest_run(out: &Path, base: &str) -> Option<(u64, PathBuf)> {
    std::fs::read_dir(out)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("run.json").is_file())
        .filter_map(|entry| {
            let name = entry.file_name();
            let rest = name.to_str()?.strip_prefix(base)?;
            let number = match rest.strip_prefix('-') {
                None => rest.is_empty().then_some(1)?,
                Some(number) => number.parse().ok()?,
            };
            Some((number, entry.path()))
        })
        .max()
}

/// Makes the first of `base`, `base-2` ... that is not there. Making the folder is the
/// claim, so that two runs that start at once never share one.
fn claim_folder(out: &Path, base: &str) -> Result<PathBuf, BenchError> {
    std::fs::create_dir_all(out).map_err(BenchError::io(out))?;
    let mut number = latest_run(out, base).map_or(1, |(number, _)| number + 1);
    loop {
        let path = match number {
            1 => out.join(base),
            _ => out.join(format!("{base}-{number}")),
        };
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(BenchError::io(&path)(error)),
        }
    }
}
