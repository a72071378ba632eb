//! Importing predictions, and taking them out again.

use std::{ffi::OsStr, fs, path::Path};

use bakeoff_core::{
    FitSummary, ModelSpec, StoreError, did_you_mean,
    record::{
        Costs, DataInfo, External, Host, Measured, Outcome, PlannedTrial, Purpose, Record, SCHEMA,
        SampleCounts, Scores, SplitSpec, TrialSpec, ValidationSpec,
    },
};
use bakeoff_metrics::{Predictions, log_loss};
use bakeoff_store::NAME_RULE;

use super::{
    check::{Checked, check},
    options::{ImportOptions, ImportedName},
};
use crate::{
    error::BenchError,
    files::{read_sealed, sealed_json, sha256, write_whole},
    host,
    reported_parts::read_test,
    run_folder::RunFolder,
};

/// The seed of an import whose seed is not given.
const FIRST_SEED: u64 = 1;
/// What reports put behind the name of an imported model.
const EXTERNAL_MARK: char = '†';
/// The family and the engine of imported models.
const FAMILY: &str = "external";
const ENGINE: &str = "import";

/// What was imported.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The dataset.
    pub dataset: String,
    /// Number of test images.
    pub samples: usize,
    /// The scores; of labels alone only the accuracy means something.
    pub scores: Scores,
    /// What is recorded of it.
    pub external: External,
    /// Whether it replaced an earlier import.
    pub replaced: bool,
}

impl RunFolder {
    /// Records the predictions of a model of another program on the test images of a dataset of this
    /// run.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit the test images and classes, the name is taken, or
    /// the disk refuses.
    pub fn import(
        &self,
        predictions: &Path,
        name: ImportedName<'_>,
        options: &ImportOptions,
    ) -> Result<Imported, BenchError> {
        let _lock = self.lock_for_a_trial()?;
        let plan = self.plan()?;
        let info = self.info()?;
        let data = dataset(&info.datasets, name.dataset)?;
        check_name(&plan, &data.name, name.model)?;
        let trial = trial_spec(&plan, &data.name, name)?;
        let id = trial.id();
        let own = self.external();
        let known = own.record_path(&id).exists();
        if known && !options.replace {
            return Err(BenchError::Request(format!(
                "`{}` was imported already for {} with the seed {}: replace it with --replace, choose another \
                 --name, or another --seed for another fit of the same model",
                name.model, data.name, name.seed
            )));
        }
        let test = read_test(self.path(), data)?;
        let array = options.array.as_deref();
        let file = bakeoff_data::answers_file(predictions)?;
        let answers = bakeoff_data::open_answers(&file, &data.class_names, array)?;
        let Checked {
            probabilities,
            labels_alone,
            remarks,
            warnings,
        } = check(&data.name, &test, &answers, options.logits)?;
        let found = Predictions::new(test.labels(), &probabilities)
            .map_err(|error| BenchError::Request(error.to_string()))?;
        let correct = found.predicted().iter().zip(test.labels());
        let correct = correct.filter(|(answer, label)| answer == label).count();
        let scores = Scores {
            accuracy: correct as f64 / test.len().max(1) as f64,
            log_loss: log_loss(&found),
        };
        let bytes = fs::read(&file).map_err(StoreError::io(&file))?;
        let external = External {
            file: file
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            sha256: sha256(&bytes),
            labels_alone,
            given: options.given,
            notes: options.notes.clone(),
            remarks,
            warnings,
        };
        let records = own.records();
        fs::create_dir_all(&records).map_err(StoreError::io(&records))?;
        let measured = Measured {
            samples: SampleCounts {
                test: test.len(),
                ..SampleCounts::default()
            },
            costs: Costs::default(),
            fit: FitSummary::default(),
            varies_with_seed: Some(true),
            is_baseline: false,
            trained_elsewhere: false,
            epochs: Vec::new(),
            iterations: Vec::new(),
            scores,
            test_fingerprint: data.test_fingerprint.clone(),
            probabilities: own.write_probabilities(&id, &probabilities)?,
            calibration: None,
            robustness: Vec::new(),
            corrupted: None,
            importance: None,
            external: Some(external.clone()),
        };
        let mut record = Record {
            schema: SCHEMA,
            id: id.clone(),
            trial,
            outcome: Outcome::Ok(Box::new(measured)),
            host: Host {
                version: env!("CARGO_PKG_VERSION").into(),
                finished_at: host::now(),
                ..Host::default()
            },
            attempt: None,
            seal: None,
        };
        let path = own.record_path(&id);
        if options.replace {
            write_whole(&path, &sealed_json(&mut record)?)?;
        } else if own.write_record(&mut record)?.is_some() {
            return Err(BenchError::Request(format!(
                "another process has just imported `{}`: replace it with --replace",
                name.model
            )));
        }
        own.remove_unnamed_files();
        Ok(Imported {
            dataset: data.name.clone(),
            samples: test.len(),
            scores,
            external,
            replaced: known,
        })
    }

    /// Takes an imported model out: all of its seeds and datasets, unless one is named. Returns how many
    /// imports that were.
    ///
    /// # Errors
    /// When there is none of that name, or the disk refuses.
    pub fn remove_imported(
        &self,
        model: &str,
        only_dataset: Option<&str>,
        only_seed: Option<u64>,
    ) -> Result<usize, BenchError> {
        let _lock = self.lock_for_a_trial()?;
        let own = self.external();
        let (plan, info) = (self.plan()?, self.info()?);
        let datasets = info.datasets.iter().map(|data| &data.name);
        let datasets = datasets.filter(|name| only_dataset.is_none_or(|only| only == *name));
        let ids: Vec<String> = datasets
            .filter_map(|dataset| {
                let seed = only_seed.unwrap_or(FIRST_SEED);
                let name = ImportedName {
                    model,
                    dataset: Some(dataset),
                    seed,
                };
                Some(trial_spec(&plan, dataset, name).ok()?.id())
            })
            .collect();
        let mut names: Vec<String> = Vec::new();
        let mut unreadable = None;
        let mut removed = 0;
        for path in own.record_files()? {
            let is_own_name = || {
                let stem = path.file_stem().map(|stem| stem.to_string_lossy());
                stem.is_some_and(|stem| ids.iter().any(|id| *id == stem))
            };
            // A damaged one is taken out by its name, or by the name of its file where that cannot be read.
            let trial = match read_sealed(&path, own.remedy) {
                Ok(record) => record.trial,
                Err(error) => match trial_of_damaged(&path) {
                    Some(trial) => trial,
                    None if is_own_name() => {
                        fs::remove_file(&path).map_err(StoreError::io(&path))?;
                        removed += 1;
                        continue;
                    }
                    None => {
                        unreadable.get_or_insert(error);
                        continue;
                    }
                },
            };
            let is_meant = trial.model == model
                && only_dataset.is_none_or(|dataset| trial.data.name == dataset)
                && only_seed.is_none_or(|seed| trial.seed == seed);
            if is_meant {
                fs::remove_file(&path).map_err(StoreError::io(&path))?;
                removed += 1;
            } else if !names.contains(&trial.model) {
                names.push(trial.model);
            }
        }
        if let (0, Some(error)) = (removed, unreadable) {
            return Err(error.into());
        }
        if removed == 0 {
            let there = match names.is_empty() {
                true => "nothing is".to_owned(),
                false => names.join(", "),
            };
            return Err(BenchError::Request(format!(
                "no such import of `{model}` is in {}{}; imported: {there}",
                self.path().display(),
                did_you_mean(model, &names)
            )));
        }
        own.remove_unnamed_files();
        Ok(removed)
    }

    /// How many predictions of other programs were imported.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn count_imported(&self) -> Result<usize, BenchError> {
        Ok(self.external().record_files()?.len())
    }

    /// The records of imported models, by dataset, name and seed. This is the folder `external`.
    pub(crate) fn imported(&self) -> Result<Vec<Record>, BenchError> {
        let mut records = Vec::new();
        for path in self.record_files()? {
            let id = path.file_stem().map(|stem| stem.to_string_lossy());
            let record = self.record(&id.unwrap_or_default())?;
            // Another process may have taken it out since the folder was listed.
            let Some(record) = record else { continue };
            if record
                .measured()
                .is_none_or(|measured| measured.external.is_none())
            {
                return Err(StoreError::damaged(&path, "it is no import: remove it").into());
            }
            records.push(record);
        }
        records.sort_by(|a, b| key(&a.trial).cmp(&key(&b.trial)));
        Ok(records)
    }

    /// The files of the records of a folder `external`; none where there is no such folder.
    fn record_files(&self) -> Result<Vec<std::path::PathBuf>, BenchError> {
        let folder = self.records();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(StoreError::io(&folder))?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(StoreError::io(&folder))?.path();
            let is_hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.extension() == Some(OsStr::new("json")) && !is_hidden {
                files.push(path);
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// Removes probabilities that no record names any more, and what killed imports left half-written.
    /// One that stays only takes space.
    fn remove_unnamed_files(&self) {
        self.remove_temporaries();
        let Ok(files) = self.record_files() else {
            return;
        };
        let mut named = Vec::new();
        for path in files {
            // What a damaged record names is not known.
            let Ok(record) = read_sealed(&path, self.remedy) else {
                return;
            };
            named.extend(
                record
                    .measured()
                    .map(|measured| measured.probabilities.file.clone()),
            );
        }
        for entry in fs::read_dir(self.records()).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".safetensors") && !named.contains(&name) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn key(trial: &TrialSpec) -> (&str, &str, u64) {
    (&trial.data.name, &trial.model, trial.seed)
}

/// The specification in a record whose seal does not match.
fn trial_of_damaged(path: &Path) -> Option<TrialSpec> {
    let value: serde_json::Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    serde_json::from_value(value["trial"].clone()).ok()
}

/// The dataset of that name, or the only one.
fn dataset<'a>(datasets: &'a [DataInfo], wanted: Option<&str>) -> Result<&'a DataInfo, BenchError> {
    let names: Vec<&str> = datasets.iter().map(|data| data.name.as_str()).collect();
    match (wanted, datasets) {
        (None, [only]) => Ok(only),
        (None, _) => Err(BenchError::Request(format!(
            "the run has several datasets: say with --dataset which one was predicted ({})",
            names.join(", ")
        ))),
        (Some(wanted), _) => datasets
            .iter()
            .find(|data| data.name == wanted)
            .ok_or_else(|| {
                BenchError::Request(format!(
                    "the run has no dataset `{wanted}`{}; it has {}",
                    did_you_mean(wanted, &names),
                    names.join(", ")
                ))
            }),
    }
}

/// Refuses names that files cannot have, and those of the run's own models.
fn check_name(plan: &[PlannedTrial], dataset: &str, model: &str) -> Result<(), BenchError> {
    if bakeoff_store::check_name(model).is_err() {
        return Err(BenchError::Request(format!(
            "--name `{}`: {NAME_RULE}",
            model.escape_debug()
        )));
    }
    if model.contains(EXTERNAL_MARK) {
        return Err(BenchError::Request(format!(
            "--name `{model}`: {EXTERNAL_MARK} is what reports put behind every imported model"
        )));
    }
    let lower = model.to_lowercase();
    let own = plan.iter().find(|planned| {
        planned.trial.data.name == dataset && planned.trial.model.to_lowercase() == lower
    });
    match own {
        None => Ok(()),
        Some(planned) => Err(BenchError::Request(format!(
            "`{}` is a model of the run's own plan: choose another --name",
            planned.trial.model
        ))),
    }
}

/// The specification: that of a headline trial of the dataset, with nothing of its recipe.
fn trial_spec(
    plan: &[PlannedTrial],
    dataset: &str,
    name: ImportedName<'_>,
) -> Result<TrialSpec, BenchError> {
    let headline = plan
        .iter()
        .map(|planned| &planned.trial)
        .find(|trial| trial.purpose() == Purpose::Headline && trial.data.name == dataset);
    let headline = headline.ok_or_else(|| {
        BenchError::Request(format!(
            "the run has no trial on the test images of {dataset}"
        ))
    })?;
    Ok(TrialSpec {
        schema: SCHEMA,
        model: name.model.to_owned(),
        spec: ModelSpec {
            family: FAMILY.into(),
            engine: ENGINE.into(),
            settings: Default::default(),
        },
        data: headline.data.clone(),
        split: SplitSpec::Given,
        validation: ValidationSpec {
            fraction: 0.0,
            seed: headline.validation.seed,
            own_seed: None,
        },
        calibration: None,
        robustness: None,
        importance: None,
        seed: name.seed,
    })
}
