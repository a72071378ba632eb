//! A search for recipes: which models does this data deserve, within a budget?
//!
//! 1. Every start of every family is tried on a small share of the training images, the families' defaults
//!    first, and the better third on a share three times as large (successive halving: Jamieson and
//!    Talwalkar 2016).
//! 2. Then recipes are drawn where good ones were found (`bakeoff_search::propose`), for the three best
//!    families, a few at a time; those that are among the best of the small share go on to the large one.
//! 3. When the search's part of the budget is used, or its trials are, the best recipe and the defaults and best
//!    recipes of the families become the models of a run of their own, with an ensemble of them where one is
//!    better on held-out images. They alone see the test part.
//!
//! A round is a run like any other, in a folder of the search, whose trials report on images held out of the training part: so
//! every recipe is a recorded trial with its limits, and a search that was killed goes on. What comes
//! next follows from the seed and the records alone, and from times as they are written in `clock`.

mod clock;
mod ensemble;
mod finals;
mod hunt;
mod rounds;
mod scores;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use bakeoff_core::{Settings, StoreError, derive_seed, record::SearchInfo, to_hex};
use bakeoff_data::Opened;
use bakeoff_search::{SPACES, Space, propose, space};
use sha2::{Digest, Sha256};

use self::{
    clock::Clock,
    ensemble::ensemble,
    finals::{Room, choose},
    hunt::{HELD_OUT, Hunt, LEAST_HELD_OUT, MOST_DRAWS, without_report},
    rounds::{RoundEnd, memory_limit_mb},
    scores::{Candidate, Known, better_first, families, score, seen},
};
use crate::{
    error::BenchError,
    experiment::{Experiment, Search},
    runner::{Launcher, RunOutcome},
};

pub use self::hunt::{Round, SearchObserver};

/// The share by which a budget may be exceeded.
const OVERRUN: f64 = 0.05;
/// The smaller share: a ninth of the images, and at least so many.
const SMALL: f64 = 1.0 / 9.0;
const LEAST_IMAGES: f64 = 3000.0;
/// The larger one is so many times as large.
const GROWTH: f64 = 3.0;
/// Recipes that are drawn at a time, by the rank of the family.
const DRAWN: [usize; 6] = [0, 0, 0, 1, 1, 2];
/// Recipes of the small share that go on to the large one, at least.
const LEAST_KEPT: usize = 4;
/// A search without a number of trials or a time ends after so many rounds without a new recipe.
const MOST_EMPTY: usize = 3;

/// How a search ended.
pub enum Searched {
    /// With the experiment to run: the chosen models.
    Found(Box<Experiment>),
    /// Before its end, as its current round did.
    Ended(RunOutcome),
}

/// Searches, and gives the experiment to run. `out` is the folder of runs; with `resume` the latest search
/// of the same kind goes on.
///
/// # Errors
/// When data or a folder cannot be read or written, or no family suits the data.
pub fn search(
    experiment: &Experiment,
    out: &Path,
    (command, resume): (&str, bool),
    launcher: &mut dyn Launcher,
    observer: &mut dyn SearchObserver,
) -> Result<Searched, BenchError> {
    let Some(settings) = &experiment.search else {
        return Ok(Searched::Found(Box::new(experiment.clone())));
    };
    let begun = Instant::now();
    let [source] = experiment.datasets.as_slice() else {
        return Err(BenchError::Request(
            "a search is of one dataset; run it once for each".into(),
        ));
    };
    let options = experiment.open_options();
    let Opened { dataset, .. } = bakeoff_data::open_with(source, &options)?;
    let limit = experiment.limit_train.unwrap_or(usize::MAX);
    let images = dataset.train().len().min(limit);
    let fingerprint = dataset.fingerprint().to_owned();
    drop(dataset);
    let folder = folder(
        experiment,
        settings,
        &fingerprint,
        &out.join("search"),
        resume,
    )?;
    let learned_from = (1.0 - HELD_OUT) * images as f64;
    let small = (learned_from * SMALL).max(LEAST_IMAGES) / learned_from;
    let draws = (LEAST_HELD_OUT / (HELD_OUT * images as f64)).ceil() as usize;
    let draws = draws.clamp(1, MOST_DRAWS);
    let mut hunt = Hunt {
        experiment,
        settings,
        clock: Clock::open(&folder, begun)?,
        folder,
        images,
        command,
        rungs: match small * GROWTH < 1.0 {
            true => [(Some(small), 1), (Some(small * GROWTH), draws)],
            false => [(None, 1), (None, draws)],
        },
        known: Vec::new(),
        held_out: BTreeMap::new(),
        tried: Vec::new(),
        rounds: 0,
        launcher,
        observer,
    };
    if let Some(ended) = hunt.run()? {
        return Ok(Searched::Ended(ended));
    }
    hunt.finish().map(|found| Searched::Found(Box::new(found)))
}

/// The folder of this search: of the latest one of its kind, or a new one.
fn folder(
    experiment: &Experiment,
    settings: &Search,
    fingerprint: &str,
    out: &Path,
    resume: bool,
) -> Result<PathBuf, BenchError> {
    let kind = (
        (settings, fingerprint, experiment.open_options()),
        (&experiment.seeds, experiment.split_seed),
        (experiment.limit_train, experiment.validation_fraction),
    );
    let line = serde_json::to_vec(&kind).unwrap_or_default();
    let base = format!(
        "{}-{}",
        experiment.name,
        &to_hex(&Sha256::digest(line))[..8]
    );
    let path = |number: usize| match number {
        1 => out.join(&base),
        _ => out.join(format!("{base}-{number}")),
    };
    std::fs::create_dir_all(out).map_err(StoreError::io(out))?;
    let there = (1..).take_while(|&number| path(number).is_dir()).count();
    if resume && there > 0 {
        return Ok(path(there));
    }
    let new = path(there + 1);
    std::fs::create_dir(&new).map_err(StoreError::io(&new))?;
    Ok(new)
}

impl Hunt<'_> {
    /// Tries recipes until the search's part of the budget is used; how it ended, if before.
    fn run(&mut self) -> Result<Option<RunOutcome>, BenchError> {
        let mut starts = self.starts();
        if let Some(trials) = self.settings.trials {
            starts.truncate(trials);
        }
        match self.try_small(starts)? {
            RoundEnd::Ended(ended) => return Ok(Some(ended)),
            RoundEnd::OutOfTime => return Ok(None),
            RoundEnd::Done => {}
        }
        let mut empty = 0;
        for turn in 0.. {
            match self.promote(turn == 0)? {
                RoundEnd::Ended(ended) => return Ok(Some(ended)),
                RoundEnd::OutOfTime => break,
                RoundEnd::Done => {}
            }
            let left = match self.settings.trials {
                Some(trials) => trials.saturating_sub(self.known.len()),
                None => usize::MAX,
            };
            let drawn = self.drawn(turn, left);
            empty = if drawn.is_empty() { empty + 1 } else { 0 };
            if left == 0 || empty == MOST_EMPTY || self.is_out_of_time() {
                break;
            }
            match self.try_small(drawn)? {
                RoundEnd::Ended(ended) => return Ok(Some(ended)),
                RoundEnd::OutOfTime => break,
                RoundEnd::Done => {}
            }
        }
        Ok(None)
    }

    /// The spaces of the families that are asked for, in their order.
    fn spaces(&self) -> impl Iterator<Item = &'static Space> + use<'_> {
        let asked = &self.settings.families;
        let is_asked = |space: &&Space| asked.is_empty() || asked.iter().any(|f| f == space.family);
        SPACES.iter().filter(is_asked)
    }

    /// Every family's first start, then the second ones and so on.
    fn starts(&self) -> Vec<Candidate> {
        let starts = |space: &'static Space| space.starts().map(|start| (space, start)).collect();
        let of_families: Vec<Vec<(&Space, Settings)>> = self.spaces().map(starts).collect();
        let longest = of_families.iter().map(Vec::len).max().unwrap_or_default();
        let mut all: Vec<Candidate> = Vec::new();
        for place in 0..longest {
            for starts in &of_families {
                if let Some((space, start)) = starts.get(place)
                    && let Some(candidate) = self.candidate(space, start, &all)
                {
                    all.push(Candidate {
                        is_default: place == 0,
                        ..candidate
                    });
                }
            }
        }
        all
    }

    /// A recipe that was not tried and is not among `others`.
    fn candidate(
        &self,
        space: &Space,
        given: &Settings,
        others: &[Candidate],
    ) -> Option<Candidate> {
        let family = bakeoff_zoo::family(space.family).ok()?;
        let mut given = given.clone();
        if let Some(epochs) = self.settings.epochs
            && family.settings().any(|setting| setting.key == "epochs")
        {
            given.insert("epochs".into(), epochs.into());
        }
        let spec = family.resolve(None, &given).ok()?;
        bakeoff_zoo::build(&spec).ok()?;
        let tried = self.known.iter().map(|known| &known.candidate);
        let mut all = tried.chain(others);
        let of_family = |other: &&Candidate| other.spec.family == space.family;
        let number = 1 + all.clone().filter(of_family).count();
        (!all.any(|other| other.spec == spec)).then(|| Candidate {
            name: format!("{}-{number}", space.family),
            spec,
            is_default: false,
        })
    }

    /// Recipes that are drawn for the best families.
    fn drawn(&self, turn: usize, most: usize) -> Vec<Candidate> {
        let families = families(&self.known);
        let mut drawn: Vec<Candidate> = Vec::new();
        for (number, &rank) in DRAWN.iter().take(most).enumerate() {
            let Some(space) = families.get(rank).and_then(|family| space(family)) else {
                continue;
            };
            let seen = seen(&self.known, space);
            let seed = self.experiment.seeds.first().copied().unwrap_or(1);
            // One that was tried already is drawn again.
            let candidate = (0..8).find_map(|again| {
                let purpose = format!("search turn {turn}, recipe {number}, {again}");
                let settings = propose(space, &seen, derive_seed(seed, &purpose));
                self.candidate(space, &settings, &drawn)
            });
            drawn.extend(candidate);
        }
        drawn
    }

    fn try_small(&mut self, candidates: Vec<Candidate>) -> Result<RoundEnd, BenchError> {
        let (tried, end) = self.round(&candidates, self.rungs[0])?;
        for (candidate, tried) in candidates.into_iter().zip(tried) {
            self.known.push(Known {
                candidate,
                small: Some(tried),
                large: None,
            });
        }
        Ok(end)
    }

    /// Tries recipes that are among the best of the small share on the large one: a third after the
    /// first round, later those among the best few.
    fn promote(&mut self, is_first: bool) -> Result<RoundEnd, BenchError> {
        if self.rungs[0] == self.rungs[1] {
            return Ok(RoundEnd::Done);
        }
        let mut order: Vec<usize> = (0..self.known.len()).collect();
        let small = |at: &usize| self.known[*at].small.as_ref().and_then(score);
        order.retain(|at| small(at).is_some());
        let worst = (0.0, f64::INFINITY);
        order.sort_by(|a, b| better_first(small(a).unwrap_or(worst), small(b).unwrap_or(worst)));
        let kept = match is_first {
            true => (order.len() / 3).max(LEAST_KEPT),
            false => LEAST_KEPT,
        };
        order.truncate(kept);
        order.retain(|&at| self.known[at].large.is_none());
        let growth = match self.rungs {
            [(None, _), (_, draws)] => draws as f64,
            [_, (_, draws)] => GROWTH * draws as f64,
        };
        if let Some(mut left) = self.left_seconds() {
            // What would be stopped half-way is not begun.
            order.retain(|&at| {
                let small = self.known[at].small.as_ref();
                // On the first rung a recipe has one trial.
                let expected = small.map_or(0.0, |small| growth * small.seconds);
                let fits = expected <= left;
                left -= if fits { expected } else { 0.0 };
                fits
            });
        }
        let candidates: Vec<Candidate> = order
            .iter()
            .map(|&at| self.known[at].candidate.clone())
            .collect();
        let (tried, end) = self.round(&candidates, self.rungs[1])?;
        for (at, tried) in order.into_iter().zip(tried) {
            self.known[at].large = Some(tried);
        }
        Ok(end)
    }

    /// The experiment of the chosen models.
    fn finish(self) -> Result<Experiment, BenchError> {
        let left = |budget: u64| without_report(budget as f64) - self.clock.latest();
        let room = Room {
            images: self.images,
            seconds: self.settings.budget_seconds.map(left),
        };
        let mut finals = choose(&self.known, room);
        if finals.models.is_empty() {
            let reason = match self.tried.iter().find_map(|tried| tried.reason.clone()) {
                Some(reason) => format!("the first reason of a failure: {reason}"),
                None => "the budget is too small for one recipe; give it more time".into(),
            };
            return Err(BenchError::Request(format!(
                "the search found no model: {reason}"
            )));
        }
        let ensemble = ensemble(&finals, &self.held_out)?.map(|(entry, info)| {
            finals.models.push(entry);
            info
        });
        let draws = self.rungs[1].1;
        let held_out = (HELD_OUT * self.images as f64).round() as usize * draws;
        let found = SearchInfo {
            budget_seconds: self.settings.budget_seconds,
            seconds: self.clock.latest(),
            held_out,
            draws,
            tried: self.tried,
            chosen: finals.chosen,
            left_out: finals.left_out,
            ensemble,
        };
        let mut experiment = self.experiment.clone();
        (experiment.search, experiment.found) = (None, Some(found));
        experiment.models = finals.models;
        experiment.memory_limit_mb = memory_limit_mb(&experiment);
        // A fit that takes much longer than was expected must not take more than there is.
        let left = self.settings.budget_seconds.map(|budget| {
            let left = budget as f64 - self.clock.latest();
            (left + OVERRUN * budget as f64).max(1.0) as u64
        });
        let limits = [experiment.time_limit_seconds, left];
        experiment.time_limit_seconds = limits.into_iter().flatten().min();
        let calibration = experiment.calibration();
        for model in &mut experiment.models {
            model.calibration = calibration;
        }
        Ok(experiment)
    }
}
