//! A search for recipes: which models does this data deserve, within a budget?
//!
//! 1. Every start of every family is tried on a small share of the training images, the families' defaults
//!    first, and the better third on a share three times as large (successive halving: Jamieson and
//!    Talwalkar 2016).
//! 2. Then recipes are drawn where good ones were found (`bakeoff_search::propose`), for the three best
//!    families, a few at a time; those that are among the best of the small share go on to the large one.
//! 3. When the search's part of the budget is used, or its trials are, the best recipe and the defaults and best
//!    recipes of the families become the models of a run of their own. They alone see the test part.
//!
//! A round is a run like any other, in a folder of the search, whose trials report on images held out of the training part: so
//! every recipe is a recorded trial with its limits, and a search that was killed goes on. What comes
//! next follows from the seed and the records alone, and from times as they are written in `clock`.

mod clock;
mod finals;
mod scores;

use std::path::{Path, PathBuf};

use bakeoff_core::{
    Settings, StoreError, derive_seed,
    record::{Outcome, PlannedTrial, SearchInfo, Tried},
    to_hex,
};
use bakeoff_data::Opened;
use bakeoff_search::{SPACES, Space, propose, space};
use sha2::{Digest, Sha256};

use self::{
    clock::Clock,
    finals::{Room, all_seconds, choose},
    scores::{Candidate, Known, better_first, families, ranked, score, seen},
};
use crate::{
    error::BenchError,
    event::OnEvent,
    experiment::{Experiment, Holdout, ModelEntry, Search},
    host::describe_host,
    plan::plan,
    run_folder::RunFolder,
    runner::{Launcher, Observer, RunOutcome, Runner},
    trial::TrialEnd,
};

/// Share of the budget that recipes are tried in at least; the rest is for the fits of the chosen ones.
const SEARCH_SHARE: f64 = 0.42;
/// What is left of a budget for the report, and at most which share of it.
const REPORT_SECONDS: f64 = 8.0;
const REPORT_SHARE: f64 = 0.1;
/// Share of the training images that scores are of, and how many images that must be over all draws,
/// where the data have them.
const HELD_OUT: f64 = 0.15;
const LEAST_HELD_OUT: f64 = 1500.0;
const MOST_DRAWS: usize = 5;
/// The smaller share: a ninth of the images, and at least so many.
const SMALL: f64 = 1.0 / 9.0;
const LEAST_IMAGES: f64 = 3000.0;
/// The larger one is so many times as large.
const GROWTH: f64 = 3.0;
/// A trial may take so long, however little is left.
const LEAST_SECONDS: f64 = 10.0;
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
        clock: Clock::open(&folder)?,
        folder,
        images,
        command,
        rungs: match small * GROWTH < 1.0 {
            true => [(Some(small), 1), (Some(small * GROWTH), draws)],
            false => [(None, 1), (None, draws)],
        },
        known: Vec::new(),
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

/// How a round ended.
enum RoundEnd {
    Done,
    OutOfTime,
    Ended(RunOutcome),
}

struct Hunt<'a> {
    experiment: &'a Experiment,
    settings: &'a Search,
    clock: Clock,
    folder: PathBuf,
    /// Training images in all.
    images: usize,
    command: &'a str,
    /// The first trial of a recipe, and that of the better ones: the share of what is not held out that it is trained on
    /// (`None` for all of it, where the images are few), and how often.
    rungs: [(Option<f64>, usize); 2],
    known: Vec<Known>,
    tried: Vec<Tried>,
    rounds: usize,
    launcher: &'a mut dyn Launcher,
    observer: &'a mut dyn SearchObserver,
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

    /// The part of the budget that recipes are tried in: all that the fits of the chosen ones leave, and a fixed
    /// share at least.
    fn search_seconds(&self) -> Option<f64> {
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
    fn left_seconds(&self) -> Option<f64> {
        Some((self.search_seconds()? - self.clock.latest()).max(0.0))
    }

    fn is_out_of_time(&self) -> bool {
        self.left_seconds() == Some(0.0)
    }

    /// Trains recipes on a share and scores them on what is held out: those that had their turn.
    fn round(
        &mut self,
        candidates: &[Candidate],
        (share, draws): (Option<f64>, usize),
    ) -> Result<(Vec<Tried>, RoundEnd), BenchError> {
        if candidates.is_empty() {
            return Ok((Vec::new(), RoundEnd::Done));
        }
        self.rounds += 1;
        let learned_from = (1.0 - HELD_OUT) * self.images as f64;
        let best = ranked(&self.known).first().and_then(|known| {
            let accuracy = known.last()?.accuracy?;
            Some((known.candidate.name.as_str(), accuracy))
        });
        self.observer.round(&Round {
            number: self.rounds,
            recipes: candidates.len(),
            images: (share.unwrap_or(1.0) * learned_from).round() as usize,
            best,
            seconds: self.clock.latest(),
        });
        let experiment = self.round_experiment(candidates, share, draws);
        let run = match plan(&experiment, &self.folder, self.command, true) {
            // None of them suits the data.
            Err(BenchError::Misfit { source, .. }) => {
                let reason = source.to_string();
                let tried = candidates
                    .iter()
                    .map(|candidate| self.failed(candidate, &reason));
                let tried: Vec<Tried> = tried.collect();
                self.tried.extend(tried.iter().cloned());
                return Ok((tried, RoundEnd::Done));
            }
            planned => planned?,
        };
        let lock = run.lock()?;
        let trials = run.plan()?;
        for trial in &trials {
            if run.has_record(&trial.id) {
                self.clock.ended(&trial.id)?;
            }
        }
        let mut inner = self.observer.trials(&trials);
        let deadline = self.search_seconds();
        let mut watched = Watched {
            clock: &mut self.clock,
            launcher: &mut *self.launcher,
            deadline,
            out_of_time: false,
        };
        let outcome = Runner {
            run: &run,
            retry_failed: false,
        }
        .run(&lock, &mut watched, &mut *inner)?;
        let end = match watched.out_of_time {
            true => RoundEnd::OutOfTime,
            false if outcome.cancelled || outcome.interrupted.is_some() => {
                return Ok((Vec::new(), RoundEnd::Ended(outcome)));
            }
            false => RoundEnd::Done,
        };
        let tried = self.scored(&run, &trials, candidates, draws)?;
        self.tried.extend(tried.iter().cloned());
        Ok((tried, end))
    }

    /// The experiment of a round.
    fn round_experiment(
        &self,
        candidates: &[Candidate],
        share: Option<f64>,
        draws: usize,
    ) -> Experiment {
        let entry = |candidate: &Candidate| ModelEntry {
            name: candidate.name.clone(),
            spec: candidate.spec.clone(),
            calibration: None,
        };
        let memory = describe_host(0).memory_bytes / 1_000_000;
        // The system, and this program, need some of it; only Linux limits it.
        let memory = (cfg!(target_os = "linux") && memory > 0).then_some(memory * 8 / 10);
        let left = self
            .left_seconds()
            .map(|left| left.max(LEAST_SECONDS) as u64);
        let mut round = self.experiment.clone();
        round.name = format!("round-{:02}", self.rounds);
        round.models = candidates.iter().map(entry).collect();
        round.selection = Some(share);
        round.holdout = Some(Holdout {
            repeats: draws,
            fraction: HELD_OUT,
        });
        round.seeds.truncate(1);
        let limit = [round.time_limit_seconds, left].into_iter().flatten().min();
        round.time_limit_seconds = limit;
        round.memory_limit_mb = round.memory_limit_mb.or(memory);
        // What a round does not measure.
        (round.search, round.folds, round.importance) = (None, None, false);
        round.train_fractions.clear();
        round.robustness.clear();
        round
    }

    /// A recipe that could not be tried.
    fn failed(&self, candidate: &Candidate, reason: &str) -> Tried {
        Tried {
            model: candidate.name.clone(),
            spec: candidate.spec.clone(),
            train_samples: 0,
            accuracy: None,
            log_loss: None,
            trials: 0,
            seconds: 0.0,
            peak_rss_bytes: None,
            ended_at_seconds: self.clock.latest(),
            reason: Some(reason.to_owned()),
        }
    }

    /// What the records of a round say of its recipes, up to the first that was not run.
    fn scored(
        &self,
        run: &RunFolder,
        trials: &[PlannedTrial],
        candidates: &[Candidate],
        draws: usize,
    ) -> Result<Vec<Tried>, BenchError> {
        // Draw follows draw: of the last one that was begun, only the recipes at the front may have a trial. All
        // are scored by the draws that all have, or by the first.
        let done = trials
            .iter()
            .take_while(|trial| run.has_record(&trial.id))
            .count();
        let whole = (done / candidates.len()).clamp(1, draws);
        let mut all = Vec::new();
        for candidate in candidates {
            let mut tried = Tried {
                trials: whole,
                reason: None,
                ..self.failed(candidate, "")
            };
            let (mut accuracy, mut log_loss) = (0.0, 0.0);
            let own = trials
                .iter()
                .filter(|trial| trial.trial.model == candidate.name);
            for planned in own.take(whole) {
                let Some(record) = run.record(&planned.id)? else {
                    return Ok(all);
                };
                let (end, took) = self.clock.of(&planned.id);
                tried.ended_at_seconds = end;
                tried.seconds += took;
                match record.outcome {
                    Outcome::Failed { reason, .. } => tried.reason = Some(reason),
                    Outcome::Ok(measured) => {
                        accuracy += measured.scores.accuracy / whole as f64;
                        log_loss += measured.scores.log_loss / whole as f64;
                        tried.train_samples = measured.samples.train + measured.samples.validation;
                        tried.peak_rss_bytes =
                            tried.peak_rss_bytes.max(measured.costs.peak_rss_bytes);
                    }
                }
            }
            if tried.reason.is_none() {
                (tried.accuracy, tried.log_loss) = (Some(accuracy), Some(log_loss));
            }
            all.push(tried);
        }
        Ok(all)
    }

    /// The experiment of the chosen models.
    fn finish(self) -> Result<Experiment, BenchError> {
        let left = |budget: u64| without_report(budget as f64) - self.clock.latest();
        let room = Room {
            images: self.images,
            seconds: self.settings.budget_seconds.map(left),
        };
        let finals = choose(&self.known, room);
        if finals.models.is_empty() {
            let reason = match self.tried.iter().find_map(|tried| tried.reason.clone()) {
                Some(reason) => format!("the first reason of a failure: {reason}"),
                None => "the budget is too small for one recipe; give it more time".into(),
            };
            return Err(BenchError::Request(format!(
                "the search found no model: {reason}"
            )));
        }
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
        };
        let mut experiment = self.experiment.clone();
        (experiment.search, experiment.found) = (None, Some(found));
        experiment.models = finals.models;
        let calibration = experiment.calibration();
        for model in &mut experiment.models {
            model.calibration = calibration;
        }
        Ok(experiment)
    }
}

/// What a budget leaves for all but the report.
fn without_report(budget: f64) -> f64 {
    budget - REPORT_SECONDS.min(REPORT_SHARE * budget)
}

/// A launcher that looks at the clock before a trial and writes down when it ended.
struct Watched<'a> {
    clock: &'a mut Clock,
    launcher: &'a mut dyn Launcher,
    deadline: Option<f64>,
    out_of_time: bool,
}

impl Launcher for Watched<'_> {
    fn launch(
        &mut self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut OnEvent<'_>,
    ) -> Result<TrialEnd, BenchError> {
        if self
            .deadline
            .is_some_and(|deadline| self.clock.latest() >= deadline)
        {
            self.out_of_time = true;
            return Ok(TrialEnd::Cancelled);
        }
        let end = self.launcher.launch(run, trial, on_event)?;
        if end.record().is_some() {
            self.clock.ended(&trial.id)?;
        }
        Ok(end)
    }
}
