//! Experiment → trials.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use bakeoff_core::{
    Dataset, Family, Samples,
    record::{
        DataInfo, DataRef, ImportanceSpec, PlannedTrial, Purpose, Resources, RobustnessSpec,
        RunInfo, SCHEMA, SaveName, SplitSpec, TrialSpec, ValidationSpec,
    },
};
use bakeoff_data::{
    Opened,
    split::{self, Split},
};

use crate::{
    error::BenchError,
    experiment::{Experiment, Holdout, ModelEntry},
    host,
    limits::Limits,
    partition::{cut_indices, holds_out, limited, share_of},
    reported_parts::Parts,
    run_folder::RunFolder,
    run_lock::lock_planning,
    run_name::{claim_folder, runs, trials_hash},
};

/// Blocks on the longer side of an image, and test images, that importance is measured with: coarse and few
/// enough for models that take a millisecond for an image.
const IMPORTANCE_BLOCKS: usize = 7;
const IMPORTANCE_IMAGES: usize = 2000;

/// Resolves an experiment into trials and starts a run for them.
///
/// `out` is the folder of runs. The run is named after the experiment and a hash of its
/// trials, with `-2`, `-3` ... where such a run is there already; with `resume` the
/// latest of these is continued instead. No clock takes part in the name.
///
/// # Errors
/// When this program lacks a model's engine, data cannot be read, or no model fits them: before
/// anything is trained. Where others fit, one that does not will be a failed trial, and a note of
/// the dataset says so.
pub fn plan(
    experiment: &Experiment,
    out: &Path,
    command: &str,
    resume: bool,
) -> Result<RunFolder, BenchError> {
    if experiment.search.is_some() {
        return Err(BenchError::Request(format!(
            "the experiment `{0}` is a search, which finds its models step by step: `bakeoff run {0}`",
            experiment.name
        )));
    }
    if let Some(problem) = experiment.not_built() {
        return Err(BenchError::Request(problem.into()));
    }
    let mut datasets: Vec<DataInfo> = Vec::new();
    let mut parts = Parts::default();
    let mut trials: Vec<(TrialSpec, Option<SaveName>)> = Vec::new();
    let mut misfits = Misfits::default();
    for source in &experiment.datasets {
        let options = experiment.open_options();
        let Opened { dataset, notes } = bakeoff_data::open_with(source, &options)?;
        if datasets.iter().any(|other| other.name == dataset.name()) {
            return Err(BenchError::Request(format!(
                "two datasets are called `{}`; rename one's folder or file",
                dataset.name()
            )));
        }
        let (mut info, of_dataset) = plan_dataset(
            experiment,
            &dataset,
            bakeoff_data::absolute(source),
            &mut parts,
            &mut misfits,
        )?;
        info.notes = notes.iter().map(ToString::to_string).collect();
        info.notes.extend(misfits.notes());
        info.notes.extend(of_given_models(experiment));
        datasets.push(info);
        trials.extend(of_dataset);
    }
    misfits.refuse_if_none_fits()?;
    check_names(&trials)?;
    // Headline trials come first, so that an interrupted run has them; ensembles after their members, which
    // they then need not train again.
    let is_ensemble = |trial: &TrialSpec| trial.spec.family == bakeoff_zoo::ENSEMBLE;
    trials.sort_by_key(|(trial, _)| (trial.purpose(), is_ensemble(trial)));
    let trials: Vec<PlannedTrial> = trials
        .into_iter()
        .enumerate()
        .map(|(index, (trial, save_as))| PlannedTrial {
            index,
            id: trial.id(),
            save_as,
            time_limit_seconds: experiment.time_limit_seconds,
            memory_limit_mb: experiment.memory_limit_mb,
            resources: resources(experiment, &datasets, &trial),
            trial,
        })
        .collect();
    let base = format!("{}-{}", experiment.name, trials_hash(&trials));
    // Two that resume at once make one run: the second finds that of the first.
    let planning = lock_planning(out)?;
    if resume && let Some((_, path)) = runs(out, &base).max() {
        return Ok(RunFolder::open(&path)?.within(Limits {
            time_seconds: experiment.time_limit_seconds,
            memory_mb: experiment.memory_limit_mb,
        }));
    }
    let path = claim_folder(out, &base, planning.is_some())?;
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
        robustness_baseline: experiment.baseline().map(str::to_owned),
        search: experiment.found.clone(),
    };
    RunFolder::create(&path, &info, &trials, &parts)
}

/// What a scheduler should give a trial. Its memory is that of the data as bytes and as numbers of
/// four bytes, which some engines make of them, and of the program; a limit says it exactly.
fn resources(
    experiment: &Experiment,
    datasets: &[DataInfo],
    trial: &TrialSpec,
) -> Option<Resources> {
    /// The program with its threads.
    const PROGRAM_MB: u64 = 200;
    let data = datasets.iter().find(|data| data.name == trial.data.name)?;
    let counts = data.train_counts.iter().chain(&data.test_counts);
    let pixels = (counts.sum::<usize>() * data.image.pixels()) as u64;
    Some(Resources {
        threads: experiment.threads.unwrap_or(1),
        memory_mb: experiment
            .memory_limit_mb
            .unwrap_or(PROGRAM_MB + (5 * pixels).div_ceil(1_000_000)),
        expected_seconds: experiment.time_limit_seconds,
    })
}

/// Refuses a model that cannot be saved under its name, and two that would be saved under the same
/// one, such as `knn-seed2` and the
/// second seed of `knn`. Some systems do not distinguish upper and lower case.
fn check_names(trials: &[TrialToSave]) -> Result<(), BenchError> {
    let mut taken = BTreeSet::new();
    for (trial, save_as) in trials {
        let Some(SaveName { dataset, model }) = save_as else {
            continue;
        };
        for (what, name) in [("dataset", dataset), ("model", model)] {
            bakeoff_store::check_name(name).map_err(|error| {
                BenchError::Request(format!("{what} `{name}`: {error}; rename it"))
            })?;
        }
        if !taken.insert((dataset.to_lowercase(), model.to_lowercase())) {
            return Err(BenchError::Request(format!(
                "two models would be saved as {dataset}/{model}; rename `{}` or the other one",
                trial.model
            )));
        }
    }
    Ok(())
}

/// How a trial differs from the others of its model, apart from the seed.
struct Variation<'a> {
    split: SplitSpec,
    train_fraction: Option<f64>,
    seeds: &'a [u64],
}

/// The headline first.
fn variations(experiment: &Experiment) -> Vec<Variation<'_>> {
    let seeds = experiment.seeds.as_slice();
    let seed = experiment.split_seed;
    let holdouts = |train_fraction, seeds| {
        let holdout = experiment.holdout.into_iter();
        holdout.flat_map(move |Holdout { repeats, fraction }| {
            (1..=repeats).map(move |repeat| Variation {
                split: SplitSpec::Holdout {
                    repeat,
                    fraction,
                    seed,
                },
                train_fraction,
                seeds,
            })
        })
    };
    if let Some(share) = experiment.selection {
        return holdouts(share, seeds).collect();
    }
    let whole = |split, seeds| Variation {
        split,
        train_fraction: None,
        seeds,
    };
    let mut all = vec![whole(SplitSpec::Given, seeds)];
    all.extend(experiment.train_fractions.iter().map(|&share| Variation {
        train_fraction: Some(share),
        ..whole(SplitSpec::Given, seeds)
    }));
    // Folds and holdouts show the effect of the data, so one seed of the fit is enough.
    let one_seed = seeds.get(..1).unwrap_or_default();
    if let Some(folds) = experiment.folds {
        all.extend((1..=experiment.fold_repeats).flat_map(|repeat| {
            (1..=folds).map(move |fold| {
                let split = SplitSpec::Fold {
                    fold,
                    folds,
                    repeat,
                    seed,
                };
                whole(split, one_seed)
            })
        }));
    }
    all.extend(holdouts(None, one_seed));
    all
}

/// Models that do not fit the data.
#[derive(Default)]
struct Misfits {
    errors: Vec<BenchError>,
    /// Of them, those that notes were made of.
    noted: usize,
    one_fits: bool,
}

impl Misfits {
    /// # Errors
    /// Those that are no misfit.
    fn add(&mut self, checked: Result<(), BenchError>) -> Result<(), BenchError> {
        match checked {
            Ok(()) => self.one_fits = true,
            Err(misfit @ BenchError::Misfit { .. }) => self.errors.push(misfit),
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Those that are new since the last call, in words.
    fn notes(&mut self) -> impl Iterator<Item = String> {
        let from = std::mem::replace(&mut self.noted, self.errors.len());
        self.errors[from..]
            .iter()
            .map(|misfit| format!("{misfit}. It will be a failed trial, and the others run"))
    }

    fn refuse_if_none_fits(self) -> Result<(), BenchError> {
        match self.errors.into_iter().next() {
            Some(misfit) if !self.one_fits => Err(misfit),
            _ => Ok(()),
        }
    }
}

type TrialToSave = (TrialSpec, Option<SaveName>);

/// The trials on one dataset and its description; adds the parts that they report on.
fn plan_dataset(
    experiment: &Experiment,
    dataset: &Dataset,
    source: String,
    parts: &mut Parts,
    misfits: &mut Misfits,
) -> Result<(DataInfo, Vec<TrialToSave>), BenchError> {
    let (train, test) = limited(
        [dataset.train().clone(), dataset.test().clone()],
        experiment.limit_train,
        experiment.limit_test,
        experiment.split_seed,
    );
    if train.is_empty() || test.is_empty() {
        return Err(BenchError::Request(format!(
            "dataset `{}` has {} training and {} test samples; both must have some. Of images \
             without parts, a share can be stated for testing, as in --test-fraction 0.2",
            dataset.name(),
            train.len(),
            test.len()
        )));
    }
    // A model trained on a part must not replace a model trained on all.
    let save_dataset = match train.len() < dataset.train().len() {
        true => format!("{}-{}", dataset.name(), train.len()),
        false => dataset.name().into(),
    };
    let mut trials = Vec::new();
    let mut cuts = Vec::new();
    for variation in variations(experiment) {
        let (learned_from, cut) = match cut_indices(&train, variation.split) {
            None => (train.clone(), None),
            Some(indices) => {
                let Split {
                    train: rest,
                    held_out,
                } = split::take_out(train.clone(), &indices);
                if rest.is_empty() || held_out.is_empty() {
                    return Err(BenchError::Request(format!(
                        "dataset `{}`: {} would have no samples, of {} in all; use fewer \
                         folds or another fraction",
                        dataset.name(),
                        variation.split,
                        train.len()
                    )));
                }
                (rest, Some((held_out, indices)))
            }
        };
        for model in &experiment.models {
            let is_headline =
                variation.split == SplitSpec::Given && variation.train_fraction.is_none();
            if !is_headline && is_trained_elsewhere(model) {
                continue;
            }
            for (position, &seed) in variation.seeds.iter().enumerate() {
                let trial = trial_spec(experiment, model, dataset, &source, &variation, seed);
                if position == 0 {
                    let own_validation = dataset.validation().is_some();
                    let checked = check_model(&trial, &learned_from, own_validation);
                    misfits.add(checked)?;
                }
                let save_as = (trial.purpose() == Purpose::Headline).then(|| SaveName {
                    dataset: save_dataset.clone(),
                    model: match position {
                        0 => model.name.clone(),
                        _ => format!("{}-seed{seed}", model.name),
                    },
                });
                trials.push((trial, save_as));
            }
        }
        if let Some((held_out, indices)) = cut {
            cuts.push(parts.add_cut(variation.split, &held_out, &indices)?);
        }
    }
    let info = DataInfo {
        name: dataset.name().into(),
        source,
        fingerprint: dataset.fingerprint().into(),
        image: train.images().shape(),
        class_names: train.class_names().to_vec(),
        train_counts: train.class_counts(),
        test_counts: test.class_counts(),
        repeats: Some(bakeoff_data::repeats(&train, dataset.validation(), &test)),
        values: Some([&train, &test].map(bakeoff_data::pixel_values)),
        test_fingerprint: test.fingerprint(),
        cuts,
        notes: Vec::new(),
        preparation: Some(bakeoff_data::preparation(
            dataset.train().images(),
            &experiment.open_options(),
        )),
    };
    parts.tests.insert(info.test_fingerprint.clone(), test);
    Ok((info, trials))
}

fn is_trained_elsewhere(model: &ModelEntry) -> bool {
    bakeoff_zoo::family(&model.spec.family).is_ok_and(Family::is_trained_elsewhere)
}

/// Which models have no trials on parts of the training data, in words.
fn of_given_models(experiment: &Experiment) -> Option<String> {
    let given = experiment
        .models
        .iter()
        .filter(|model| is_trained_elsewhere(model));
    let names: Vec<&str> = given.map(|model| model.name.as_str()).collect();
    let has_parts = !experiment.train_fractions.is_empty()
        || experiment.folds.is_some()
        || experiment.holdout.is_some();
    (has_parts && !names.is_empty()).then(|| {
        format!(
            "{} {} not trained here: there are no trials on parts of the training data, which may be what \
             {} trained on",
            bakeoff_core::list(&names),
            if names.len() == 1 { "is" } else { "are" },
            if names.len() == 1 { "it was" } else { "they were" },
        )
    })
}

fn trial_spec(
    experiment: &Experiment,
    model: &ModelEntry,
    dataset: &Dataset,
    source: &str,
    variation: &Variation<'_>,
    seed: u64,
) -> TrialSpec {
    let mut spec = model.spec.clone();
    if let Ok(family) = bakeoff_zoo::family(&spec.family) {
        family.adapt_to(&mut spec, dataset.train().images().shape());
    }
    let mut trial = TrialSpec {
        schema: SCHEMA,
        model: model.name.clone(),
        spec,
        data: DataRef {
            name: dataset.name().into(),
            source: source.into(),
            fingerprint: dataset.fingerprint().into(),
            limit_train: experiment.limit_train,
            limit_test: experiment.limit_test,
            train_fraction: variation.train_fraction,
            options: experiment.open_options(),
        },
        split: variation.split,
        validation: ValidationSpec {
            fraction: experiment.validation_fraction,
            seed: experiment.split_seed,
            // Every seed has its own, and seed 1 that of `split_seed`.
            own_seed: (seed != 1).then(|| experiment.split_seed.wrapping_add(seed).wrapping_sub(1)),
        },
        calibration: model.calibration,
        robustness: None,
        importance: None,
        seed,
    };
    if trial.purpose() == Purpose::Headline && !experiment.robustness.is_empty() {
        trial.robustness = Some(RobustnessSpec {
            corruptions: experiment.robustness.clone(),
            seed: experiment.split_seed,
        });
    }
    if trial.purpose() == Purpose::Headline && experiment.importance {
        trial.importance = Some(ImportanceSpec {
            blocks: IMPORTANCE_BLOCKS,
            images: IMPORTANCE_IMAGES,
            seed: experiment.split_seed,
        });
    }
    trial
}

/// An error for a model that does not fit the data, before anything is trained.
/// `learned_from` is the training part without what is reported on.
fn check_model(
    trial: &TrialSpec,
    learned_from: &Samples,
    own_validation: bool,
) -> Result<(), BenchError> {
    let at = |source| BenchError::Spec {
        model: trial.model.clone(),
        source: Box::new(source),
    };
    let family = bakeoff_zoo::family(&trial.spec.family).map_err(at)?;
    let classifier = family.build(&trial.spec).map_err(at)?;
    let misfit = |source| BenchError::Misfit {
        model: trial.model.clone(),
        dataset: match trial.variant() {
            None => trial.data.name.clone(),
            Some(variant) => format!("{} ({variant})", trial.data.name),
        },
        source: Box::new(source),
    };
    let given = share_of(learned_from.clone(), &trial.data, &trial.validation);
    let mut shape = given.data_shape();
    let has_own = own_validation && trial.split == SplitSpec::Given;
    if holds_out(trial, family.uses_validation) && !has_own {
        let validation = &trial.validation;
        let held_out =
            split::hold_out_indices(&given, validation.fraction, validation.selection_seed()).len();
        shape.train -= held_out;
        if held_out == 0 && trial.calibration.is_some() {
            return Err(misfit(trial.spec.bad_data(format!(
                "calibration needs a validation part, and {} samples leave none",
                given.len()
            ))));
        }
    }
    let checked = classifier.check(&shape);
    checked
        .and_then(|()| classifier.check_classes(given.class_names()))
        .map_err(misfit)
}

/// A run of the same trials that was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Its folder.
    pub path: PathBuf,
    /// Trials that have a record.
    pub done: usize,
    /// All of its trials.
    pub trials: usize,
}

/// The previous run of the same trials in the same folder, if it was interrupted: perhaps it
/// should have been resumed.
///
/// # Errors
/// When this run cannot be read.
pub fn unfinished_before(run: &RunFolder) -> Result<Option<Unfinished>, BenchError> {
    let plan = run.plan()?;
    let base = format!("{}-{}", run.info()?.experiment, trials_hash(&plan));
    let out = run.path().parent().unwrap_or(Path::new("."));
    let before = runs(out, &base)
        .filter(|(_, path)| path.file_name() != run.path().file_name())
        .max();
    Ok(before.and_then(|(_, path)| {
        let earlier = RunFolder::open(&path).ok()?;
        let done = plan.iter().filter(|t| earlier.has_record(&t.id)).count();
        (done < plan.len()).then_some(Unfinished {
            path,
            done,
            trials: plan.len(),
        })
    }))
}
