//! All trials of a run, one after the other.

use std::{ops::ControlFlow, path::PathBuf};

use bakeoff_core::record::{Outcome, PlannedTrial, Record};

use crate::{
    error::BenchError,
    event::{OnEvent, TrialEvent},
    process_end::Interruption,
    run_folder::RunFolder,
    run_lock::RunLock,
    state::TrialState,
    trial::{TrialEnd, TrialOptions, run_trial},
};

/// Gets the events of a run: draws bars, prints lines, or does nothing, as without methods.
pub trait Observer: Send {
    /// A trial begins.
    fn started(&mut self, trial: &PlannedTrial) {
        let _ = trial;
    }
    /// Something happened in it; `Break` cancels it and the run.
    fn event(&mut self, trial: &PlannedTrial, event: &TrialEvent) -> ControlFlow<()> {
        let _ = (trial, event);
        ControlFlow::Continue(())
    }
    /// It ended.
    fn ended(&mut self, trial: &PlannedTrial, end: &TrialEnd) {
        let _ = (trial, end);
    }
    /// A record was put aside, and its trial runs again: it is damaged, or says "failed" for a
    /// reason that may be gone.
    fn set_aside(&mut self, trial: &PlannedTrial, reason: &str) {
        let _ = (trial, reason);
    }
}

/// How a trial is run: here, or in a process of its own.
pub trait Launcher {
    /// Runs it until it has left a record, was cancelled, or ended without an answer about its
    /// model.
    ///
    /// # Errors
    /// When the run's folder cannot be read or written. A trial that fails is no error.
    fn launch(
        &mut self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut OnEvent<'_>,
    ) -> Result<TrialEnd, BenchError>;
}

/// Trials in this process: for tests, and for programs that embed the harness.
#[derive(Clone, Debug)]
pub struct InProcess {
    /// Where models are saved.
    pub models: PathBuf,
    /// Threads of each trial; 0 for as many as there are processors.
    pub threads: usize,
}

impl Launcher for InProcess {
    fn launch(
        &mut self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut OnEvent<'_>,
    ) -> Result<TrialEnd, BenchError> {
        let options = TrialOptions {
            models: &self.models,
            threads: self.threads,
            own_process: false,
            packs: None,
            memory_limit_mb: None,
        };
        run_trial(run, trial, options, on_event)
    }
}

/// How a run's trials ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunOutcome {
    /// Trials that ran now and succeeded.
    pub ran: usize,
    /// Trials that had a record already.
    pub already_done: usize,
    /// Trials, of both kinds, whose record says that they failed.
    pub failed: usize,
    /// Failed trials that had their record already and keep it, with their reasons: another
    /// attempt would end in the same way.
    pub left_failed: Vec<(PlannedTrial, String)>,
    /// Whether the run was cancelled before its last trial.
    pub cancelled: bool,
    /// Why the run ended before its last trial, where something from outside ended a trial
    /// without an answer about its model.
    pub interrupted: Option<Interruption>,
}

/// Runs the trials of a run that have no record yet, in order.
pub struct Runner<'a> {
    /// The run.
    pub run: &'a RunFolder,
    /// Runs failed trials again instead of keeping their records.
    pub retry_failed: bool,
}

impl Runner<'_> {
    /// Runs what is missing, and what failed for a reason that may be gone. The lock says that no
    /// other process does.
    ///
    /// # Errors
    /// When the run's folder cannot be read or written. A trial that fails is no error.
    pub fn run(
        &self,
        _lock: &RunLock,
        launcher: &mut dyn Launcher,
        observer: &mut dyn Observer,
    ) -> Result<RunOutcome, BenchError> {
        self.run.remove_temporaries();
        let mut outcome = RunOutcome::default();
        for trial in self.run.plan()? {
            let end = match self.valid_record(&trial, observer)? {
                Some(record) => TrialEnd::AlreadyDone(Box::new(record)),
                None => {
                    observer.started(&trial);
                    let mut on_event = |event: &TrialEvent| observer.event(&trial, event);
                    launcher.launch(self.run, &trial, &mut on_event)?
                }
            };
            observer.ended(&trial, &end);
            let failed = end
                .record()
                .is_some_and(|record| record.measured().is_none());
            outcome.failed += usize::from(failed);
            match end {
                TrialEnd::AlreadyDone(record) => {
                    outcome.already_done += 1;
                    if let Outcome::Failed { reason, .. } = record.outcome {
                        outcome.left_failed.push((trial, reason));
                    }
                }
                TrialEnd::CameSecond { .. } => outcome.already_done += 1,
                TrialEnd::Ran(_) => outcome.ran += usize::from(!failed),
                TrialEnd::Cancelled => {
                    outcome.cancelled = true;
                    break;
                }
                TrialEnd::Interrupted(interruption) => {
                    outcome.interrupted = Some(interruption);
                    break;
                }
            }
        }
        Ok(outcome)
    }

    /// The record that makes a trial done, if it is there and to be kept.
    fn valid_record(
        &self,
        trial: &PlannedTrial,
        observer: &mut dyn Observer,
    ) -> Result<Option<Record>, BenchError> {
        let reason = match self.run.state(trial)? {
            TrialState::Recorded(record) if self.retry_failed && record.measured().is_none() => {
                "it failed, and failed trials run again".to_owned()
            }
            TrialState::Recorded(record) => return Ok(Some(*record)),
            TrialState::Missing => return Ok(None),
            TrialState::RunsAgain(reason) => reason,
        };
        self.run.set_aside(&trial.id)?;
        observer.set_aside(trial, &reason);
        Ok(None)
    }
}
