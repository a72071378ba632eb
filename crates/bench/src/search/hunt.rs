//! A search in progress: what it knows, and what is left of its time.

use std::{collections::BTreeMap, path::PathBuf};

use bakeoff_core::record::{PlannedTrial, Tried};

use super::{clock::Clock, ensemble::HeldOut, finals::all_seconds, scores::Known};
use crate::{
    experiment::{Experiment, Search},
    runner::{Launcher, Observer},
};

/// Share of the budget that recipes are tried in at least; the rest is for the fits of the chosen ones.
const SEARCH_SHARE: f64 = 0.42;
/// What is left of a budget for the ensemble and the report, and at most which share of it.
const REPORT_SECONDS: f64 = 12.0;
const REPORT_SHARE: f64 = 0.1;
/// Share of the training images that scores are of, and how many images that must be over all draws,
/// where the data have them.
pub(super) const HELD_OUT: f64 = 0.15;
pub(super) const LEAST_HELD_OUT: f64 = 1500.0;
pub(super) const MOST_DRAWS: usize = 5;
/// A trial may take so long, however little is left.
pub(super) const LEAST_SECONDS: f64 = 10.0;

/// What a search says of its next round.
#[derive(Clone, Debug)]
pub struct Round<'a> {
    /// From 1.
    pub number: usize,
    /// Recipes in it.
    pub recipes: usize,
    /// Images that each is trained on.
    pub images: usize,
    /// The best recipe so far with its accuracy.
    pub best: Option<(&'a str, f64)>,
    /// Seconds of the search so far.
    pub seconds: f64,
}

/// Gets what happens in a search.
pub trait SearchObserver {
    /// A round begins.
    fn round(&mut self, round: &Round<'_>);
    /// Who gets the events of its trials.
    fn trials(&mut self, plan: &[PlannedTrial]) -> Box<dyn Observer>;
}

/// A search in progress.
pub(super) struct Hunt<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) settings: &'a Search,
    pub(super) clock: Clock,
    pub(super) folder: PathBuf,
    /// Training images in all.
    pub(super) images: usize,
    pub(super) command: &'a str,
    /// The first trial of a recipe, and that of the better ones: the share of what is not held out that it is trained on
    /// (`None` for all of it, where the images are few), and how often.
    pub(super) rungs: [(Option<f64>, usize); 2],
    pub(super) known: Vec<Known>,
    /// Of the candidates with a trial on the larger share, by name.
    pub(super) held_out: BTreeMap<String, HeldOut>,
    pub(super) tried: Vec<Tried>,
    pub(super) rounds: usize,
    pub(super) launcher: &'a mut dyn Launcher,
    pub(super) observer: &'a mut dyn SearchObserver,
}

impl Hunt<'_> {
    /// The part of the budget that recipes are tried in: all that the fits of the chosen ones leave, and a fixed
    /// share at least.
    pub(super) fn search_seconds(&self) -> Option<f64> {
        let budget = self.settings.budget_seconds? as f64;
        let share = SEARCH_SHARE * budget;
        // Of what was not yet tried nobody knows what its fit takes.
        if self.rounds < 2 {
            return Some(share);
        }
        let fits = all_seconds(&self.known, self.images);
        Some(share.max(without_report(budget) - fits))
    }

    /// What is left of that.
    pub(super) fn left_seconds(&self) -> Option<f64> {
        Some((self.search_seconds()? - self.clock.latest()).max(0.0))
    }

    pub(super) fn is_out_of_time(&self) -> bool {
        self.left_seconds() == Some(0.0)
    }
}

/// What a budget leaves for all but the ensemble and the report.
pub(super) fn without_report(budget: f64) -> f64 {
    budget - REPORT_SECONDS.min(REPORT_SHARE * budget)
}
