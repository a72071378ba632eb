//! A round of a search: a run of its own, watched by the clock.

use bakeoff_core::record::{Outcome, PlannedTrial, Tried};

use super::{
    clock::Clock,
    ensemble::HeldOut,
    hunt::{HELD_OUT, Hunt, LEAST_SECONDS, Round},
    scores::{Candidate, ranked},
};
use crate::{
    error::BenchError,
    event::OnEvent,
    experiment::{Experiment, Holdout, ModelEntry},
    host::describe_host,
    plan::plan,
    run_folder::RunFolder,
    runner::{Launcher, RunOutcome, Runner},
    trial::TrialEnd,
};

/// How a round ended.
pub(super) enum RoundEnd {
    Done,
    OutOfTime,
    Ended(RunOutcome),
}

impl Hunt<'_> {
    /// Trains recipes on a share and scores them on what is held out: those that had their turn.
    pub(super) fn round(
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
        if (share, draws) == self.rungs[1] {
            for tried in tried.iter().filter(|tried| tried.reason.is_none()) {
                let own = trials
                    .iter()
                    .filter(|trial| trial.trial.model == tried.model);
                let held_out = HeldOut {
                    run: run.path().to_owned(),
                    trials: own
                        .take(tried.trials)
                        .map(|trial| trial.id.clone())
                        .collect(),
                };
                self.held_out.insert(tried.model.clone(), held_out);
            }
        }
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
        round.memory_limit_mb = memory_limit_mb(&round);
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
}

/// The memory that a trial of a search or of what it found may use: what the experiment says, or most of the
/// machine's. The system, and this program, need some of it; only Linux limits it.
pub(super) fn memory_limit_mb(experiment: &Experiment) -> Option<u64> {
    experiment.memory_limit_mb.or_else(|| {
        let memory = describe_host(0).memory_bytes / 1_000_000;
        (cfg!(target_os = "linux") && memory > 0).then_some(memory * 8 / 10)
    })
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
