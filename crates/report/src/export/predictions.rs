//! The predictions of a run's trials, named for files.

use std::collections::{BTreeMap, BTreeSet};

use bakeoff_core::{
    Probabilities,
    record::{PlannedTrial, Purpose, Run, SplitSpec},
};

use crate::{
    page::Slugs,
    results::{Fate, data, read},
};

/// The predictions of one dataset's trials.
pub(super) struct DatasetPredictions<'a> {
    /// A name that is safe in paths.
    pub(super) slug: String,
    pub(super) class_names: &'a [String],
    pub(super) trials: Vec<TrialPredictions<'a>>,
}

/// The predictions of one trial.
pub(super) struct TrialPredictions<'a> {
    /// A name that is safe in paths, unique in its dataset.
    pub(super) stem: String,
    pub(super) planned: &'a PlannedTrial,
    pub(super) labels: &'a [u16],
    /// The name of its labels: those of the test part, or of a fold.
    pub(super) labels_stem: String,
    /// For folds, the places of the samples in the training part; `None` for the test part,
    /// whose samples are numbered from 0.
    pub(super) places: Option<&'a [u32]>,
    pub(super) probabilities: &'a Probabilities,
    /// Whether only the predicted classes are known: the probabilities are 1 and 0, and are not written.
    pub(super) labels_alone: bool,
}

/// Every trial that has results, by dataset.
pub(super) fn predictions(run: &Run) -> Vec<DatasetPredictions<'_>> {
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
            labels_alone: results.predictions.are_labels_alone(),
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

impl<'a> DatasetPredictions<'a> {
    /// The trials whose probabilities are known.
    pub(super) fn with_probabilities(&self) -> impl Iterator<Item = &TrialPredictions<'a>> {
        self.trials.iter().filter(|trial| !trial.labels_alone)
    }

    /// The different labels, by their stem.
    pub(super) fn labels(&self) -> BTreeMap<&str, &[u16]> {
        self.trials
            .iter()
            .map(|trial| (trial.labels_stem.as_str(), trial.labels))
            .collect()
    }
}
