//! Everything that views show of a run, computed once, so that they cannot disagree.
//!
//! Trials are grouped by dataset, then by model: the seeds of one model belong together.
//! Models are ranked by their headline trials; folds and smaller training parts are apart
//! ([`variants`]).

pub(crate) mod calibration;
pub(crate) mod constant;
pub(crate) mod falling;
pub(crate) mod label_checks;
pub(crate) mod ranks;
pub(crate) mod resampling;
pub(crate) mod robustness;
pub(crate) mod significance;
mod trial;
pub(crate) mod variants;

use std::cmp::Ordering;

use bakeoff_core::record::{DataInfo, PlannedTrial, Purpose, Run};
use bakeoff_measures::Measure;

use self::{
    constant::{Constant, headline_metric},
    label_checks::{LabelCheck, label_checks},
    robustness::Robustness,
    significance::Significance,
    variants::Variants,
};
pub(crate) use crate::results::Fate;
use crate::results::data;
pub(crate) use trial::{EXTERNAL_MARK, Entry, Success, Trial, mean, seconds};

/// A run with everything derived from it.
pub(crate) struct Analysis<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// One group per dataset, in the order of the run.
    pub(crate) groups: Vec<Group<'a>>,
}

/// The trials on one dataset.
pub(crate) struct Group<'a> {
    /// The dataset's name.
    pub(crate) name: &'a str,
    /// What the run says of it.
    pub(crate) data: Option<&'a DataInfo>,
    /// Its models, the best first, those without a successful trial last.
    pub(crate) entries: Vec<Entry<'a>>,
    /// The score that its models are ranked and compared by.
    pub(crate) headline: &'static Measure,
    /// What always giving the same answer reaches; `None` without results.
    pub(crate) constant: Option<Constant>,
    /// How certain their scores are, and which models differ.
    pub(crate) significance: Significance,
    /// Their robustness to corrupted images, where the experiment asks for it.
    pub(crate) robustness: Option<Robustness>,
    /// Its trials that models are not ranked by.
    pub(crate) variants: Variants<'a>,
    /// Labels that are probably wrong.
    pub(crate) label_checks: Vec<LabelCheck<'a>>,
}

impl<'a> Analysis<'a> {
    /// Joins and computes. Never fails: what is wrong with a trial becomes its fate.
    pub(crate) fn new(run: &'a Run) -> Self {
        let headline: Vec<&PlannedTrial> = run
            .plan
            .iter()
            .filter(|planned| planned.trial.purpose() == Purpose::Headline)
            .collect();
        let mut names: Vec<&str> = Vec::new();
        let mut models: Vec<&str> = Vec::new();
        for data in &run.info.datasets {
            push_new(&mut names, &data.name);
        }
        for planned in &headline {
            push_new(&mut names, &planned.trial.data.name);
            push_new(&mut models, &planned.trial.model);
        }
        let group = |name: &'a str| {
            let mut entries: Vec<Entry<'a>> = Vec::new();
            for planned in headline.iter().filter(|p| p.trial.data.name == name) {
                let trial = Trial::new(run, planned);
                let model = planned.trial.model.as_str();
                match entries.iter_mut().find(|entry| entry.model == model) {
                    Some(entry) => entry.trials.push(trial),
                    None => entries.push(Entry {
                        model,
                        series: models.iter().position(|m| *m == model).unwrap_or_default(),
                        trials: vec![trial],
                    }),
                }
            }
            let metric = headline_metric(data(run, name));
            // A stable sort: equals stay in the order of the plan. What does not look at the image
            // is shown, and wins nothing.
            entries.sort_by(|a, b| {
                a.is_baseline()
                    .cmp(&b.is_baseline())
                    .then(descending(a.mean_metric(metric), b.mean_metric(metric)))
            });
            Group {
                name,
                data: data(run, name),
                constant: data(run, name).and_then(|data| Constant::new(data, &entries)),
                headline: Measure::of(metric),
                significance: Significance::new(&entries, metric),
                robustness: Robustness::new(run, &entries),
                label_checks: label_checks(run, name, &entries),
                entries,
                variants: Variants::new(run, name),
            }
        };
        Self {
            run,
            groups: names.into_iter().map(group).collect(),
        }
    }

    /// Every trial, by dataset, then by model, then in the order of the plan.
    pub(crate) fn trials(&self) -> impl Iterator<Item = &Trial<'a>> {
        self.groups
            .iter()
            .flat_map(|group| &group.entries)
            .flat_map(|entry| &entry.trials)
    }
}

impl Group<'_> {
    /// The place of a model among all models of the run, by its name.
    pub(crate) fn series(&self, model: &str) -> usize {
        let entry = self.entries.iter().find(|entry| entry.model == model);
        entry.map_or(0, |entry| entry.series)
    }
}

fn push_new<'a>(list: &mut Vec<&'a str>, item: &'a str) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Larger first; what is undefined last.
pub(crate) fn descending(a: Option<f64>, b: Option<f64>) -> Ordering {
    let key = |x: Option<f64>| x.unwrap_or(f64::NEG_INFINITY);
    key(b).total_cmp(&key(a))
}
