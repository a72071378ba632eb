//! `bakeoff trial`: by hand it starts the trial as a process of its own and watches it, as
//! `bakeoff run` does; so limits, signals and crashes mean the same in both.
//!
//! Its exit codes are a contract with schedulers: docs/scale-out.md.

use std::{
    ops::ControlFlow,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bakeoff_bench::{
    BenchError, Launcher as _, Limits, NEVER, NO_ANSWER, Program, RUNNING, RunFolder, RunLock,
    SIGNALLED as ENDED_BY_SIGNAL, Sent, SharedRun, Stored, Subprocess, TrialEnd, TrialEvent,
    TrialOptions, TrialState, run_trial,
};
use bakeoff_core::{
    FitEvent,
    record::{Outcome, PlannedTrial},
};

use crate::{
    args::TrialArgs,
    indices::Indices,
    interrupt::{self, SIGNALLED},
    text,
};

/// A small network makes thousands of steps a second: to print them all would take processor
/// time from the fit that is being measured.
const PROGRESS_PAUSE: Duration = Duration::from_millis(40);

pub(crate) fn main(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    if args.until_stdin_closes {
        return Ok(within(args).unwrap_or_else(|error| {
            // No record was written: the one who started this decides by the code.
            text::error(format_args!("error: {}", text::chain(&error)));
            let signalled = matches!(error.downcast_ref(), Some(BenchError::Signalled(_)));
            ExitCode::from(if signalled {
                ENDED_BY_SIGNAL
            } else {
                code_of(&error)
            })
        }));
    }
    Ok(watched(args).unwrap_or_else(|error| {
        text::error(format_args!("error: {}", text::chain(&error)));
        ExitCode::from(code_of(&error))
    }))
}

/// The trial itself, in the process that was started for it.
fn within(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    // Some engines send no event for hours, so this cannot wait for one. A trial may end
    // anywhere: its record is written whole or not at all.
    std::thread::Builder::new()
        .spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            // For a row that says more than that it took too long.
            let programs = bakeoff_zoo::running_programs();
            if !programs.is_empty() {
                text::error(format_args!("{RUNNING}{programs}"));
            }
            // The programs end, too.
            bakeoff_bench::end_own_group();
            std::process::exit(NO_ANSWER.into());
        })
        .context("cannot start threads")?;
    let run = RunFolder::open(&args.run)?;
    let trials = chosen(&run, args)?;
    let planned = trials.first().context("no trial was named")?;
    let mut printed: Option<Instant> = None;
    let mut on_event = |event: &TrialEvent| {
        let progress = matches!(
            event,
            TrialEvent::Fit {
                fit: FitEvent::Progress { .. }
            }
        );
        if progress && printed.is_some_and(|at| at.elapsed() < PROGRESS_PAUSE) {
            return ControlFlow::Continue(());
        }
        if progress {
            printed = Some(Instant::now());
        }
        match text::print_json(event) {
            Ok(()) => ControlFlow::Continue(()),
            // The reader of the events is the process that started this one. It has gone, so
            // nobody wants the trial either: a killed run leaves no process behind.
            Err(_) => ControlFlow::Break(()),
        }
    };
    let options = TrialOptions {
        models: &args.models_dir,
        threads: args.threads,
        own_process: true,
        packs: args.packs.as_deref(),
        memory_limit_mb: args.memory_limit,
    };
    Ok(match run_trial(&run, planned, options, &mut on_event)? {
        TrialEnd::Cancelled => ExitCode::from(NO_ANSWER),
        _ => ExitCode::SUCCESS,
    })
}

/// Starts the trials one after the other and says how each ended. The exit code is the worst one:
/// done, failed, worth another attempt, worth none, ended by a signal.
fn watched(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    let (run, shared) = super::run_at(&args.run, &args.cache)?;
    let mut trials = chosen(&run, args)?;
    let limits = Limits {
        time_seconds: args.time_limit,
        memory_mb: args.memory_limit,
    };
    for trial in &mut trials {
        limits.or(trial).applied_to(trial);
    }
    let again = [
        "No record was written; run it again with:".to_owned(),
        format!("  {}", super::command_line()),
    ];
    let mut watch = Watch {
        args,
        run: &run,
        shared: shared.as_ref(),
        trials: &trials,
        again: &again,
        started: None,
    };
    let mut worst = 0;
    for planned in &trials {
        let code = match watch.one(planned) {
            Ok(code) => code,
            Err(error) => {
                watch.ends_here(planned, &text::chain(&error));
                code_of(&error)
            }
        };
        worst = worst.max(code);
        // What is asked to end is the whole bundle.
        if i32::from(code) > SIGNALLED {
            break;
        }
    }
    Ok(ExitCode::from(worst))
}

/// The exit code of an error that says nothing about a model.
pub(super) fn code_of(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<BenchError>() {
        Some(error) if error.is_final() => NEVER,
        _ => NO_ANSWER,
    }
}

/// Trials that are run one after the other.
struct Watch<'a> {
    args: &'a TrialArgs,
    run: &'a RunFolder,
    /// Where records go besides, if the run is in a store.
    shared: Option<&'a SharedRun>,
    trials: &'a [PlannedTrial],
    again: &'a [String; 2],
    /// From the first one that has to run.
    started: Option<(RunLock, Subprocess)>,
}

impl Watch<'_> {
    /// Runs a trial, unless its record is there, and returns its exit code.
    fn one(&mut self, planned: &PlannedTrial) -> anyhow::Result<u8> {
        let stored = match self.shared {
            None => None,
            Some(shared) => Some((shared, shared.receive(self.run, planned)?)),
        };
        let aside = match self.run.state(planned)? {
            TrialState::Recorded(record) => {
                let end = TrialEnd::AlreadyDone(record);
                // An attempt on this machine may have ended before it could send its record.
                let end = match &stored {
                    Some((_, Stored::Whole { .. })) | None => end,
                    Some((shared, stored)) => self.send(shared, planned, stored, end)?,
                };
                return Ok(tell(self.args, planned, &end));
            }
            TrialState::Missing => None,
            TrialState::RunsAgain(why) => Some(why),
        };
        if let Some((shared, stored)) = &stored {
            shared.fetch_data(self.run, &planned.trial.data)?;
            if let Stored::Damaged { reason, .. } = stored {
                text::note(format_args!(
                    "The record of trial {} in the store cannot be used, and is replaced: {reason}",
                    planned.index
                ));
            }
        }
        if self.started.is_none() {
            self.started = Some(self.start()?);
        }
        if let Some(why) = aside {
            self.run.set_aside(&planned.id)?;
            text::note(format_args!(
                "The record of trial {} is put aside: {why}",
                planned.index
            ));
        }
        let Some((_, launcher)) = &mut self.started else {
            return Ok(NO_ANSWER);
        };
        let mut on_event = |event: &TrialEvent| {
            if self.args.events {
                text::report_json(event);
            } else if let TrialEvent::Again { reason } = event {
                text::note(format_args!(
                    "trial {} begins again: {reason}",
                    planned.index
                ));
            }
            ControlFlow::Continue(())
        };
        let end = launcher.launch(self.run, planned, &mut on_event)?;
        let end = match &stored {
            None => end,
            Some((shared, stored)) => self.send(shared, planned, stored, end)?,
        };
        Ok(match end {
            TrialEnd::Interrupted(interruption) => {
                self.ends_here(planned, &interruption.reason);
                let signalled = interruption.signal.map(|signal| SIGNALLED + signal);
                match signalled.and_then(|code| u8::try_from(code).ok()) {
                    Some(code) => code,
                    None if interruption.is_final => NEVER,
                    None => NO_ANSWER,
                }
            }
            end => tell(self.args, planned, &end),
        })
    }

    /// Puts a record into the store; another attempt may have been first.
    fn send(
        &self,
        shared: &SharedRun,
        planned: &PlannedTrial,
        stored: &Stored,
        end: TrialEnd,
    ) -> anyhow::Result<TrialEnd> {
        let Some(record) = end.record() else {
            return Ok(end);
        };
        let models = self.args.with.of(&self.args.models_dir);
        let sent = shared.send(self.run, planned, record, stored, models)?;
        Ok(match sent {
            Sent::First => end,
            Sent::Second(first) => TrialEnd::second(*first, record),
        })
    }

    /// What has to be right before anything is trained.
    fn start(&self) -> anyhow::Result<(RunLock, Subprocess)> {
        let lock = self.run.lock_for_a_trial()?;
        self.run.check_folders(&self.args.models_dir, self.trials)?;
        let [again, command] = self.again;
        super::warn_of_no_trust(self.trials);
        interrupt::on_signals(vec![format!("Interrupted. {again}"), command.clone()]);
        let launcher = Subprocess {
            program: Program::running().context("cannot find the bakeoff program itself")?,
            models: self.args.models_dir.to_path_buf(),
            threads: self.args.threads,
            packs: self.args.packs.clone(),
        };
        Ok((lock, launcher))
    }

    fn ends_here(&self, planned: &PlannedTrial, reason: &str) {
        text::error(format_args!(
            "error: trial {} ({}): {reason}",
            planned.index, planned.trial.model
        ));
        self.again.iter().for_each(text::note);
    }
}

/// Says how a trial ended.
fn tell(args: &TrialArgs, planned: &PlannedTrial, end: &TrialEnd) -> u8 {
    let outcome = end.record().map(|record| match &record.outcome {
        Outcome::Ok(measured) => format!(
            "accuracy {}",
            text::accuracy(Some(measured.scores.accuracy), measured.samples.test)
        ),
        Outcome::Failed { reason, .. } => format!("failed: {reason}"),
    });
    let how = match end {
        TrialEnd::Ran(_) | TrialEnd::Interrupted(_) => "",
        TrialEnd::AlreadyDone(_) => "done already, ",
        TrialEnd::CameSecond { agrees: true, .. } => {
            "another attempt was first, with the same probabilities, "
        }
        TrialEnd::CameSecond { agrees: false, .. } => {
            "another attempt was first, with OTHER probabilities; its record stays, "
        }
        TrialEnd::Cancelled => "cancelled",
    };
    if !args.events {
        text::report_line(format_args!(
            "trial {} ({}): {how}{}",
            planned.index,
            planned.trial.model,
            outcome.unwrap_or_default()
        ));
    }
    match end.record() {
        None => NO_ANSWER,
        Some(record) => u8::from(record.measured().is_none()),
    }
}

fn chosen(run: &RunFolder, args: &TrialArgs) -> anyhow::Result<Vec<PlannedTrial>> {
    if let Some(id) = &args.id {
        let mut plan = run.plan()?;
        let trials = plan.len();
        plan.retain(|trial| trial.id == *id);
        return match plan.is_empty() {
            false => Ok(plan),
            true => Err(BenchError::NoSuchTrial {
                run: args.run.clone(),
                trials,
            }
            .into()),
        };
    }
    let places = match (&args.indices, args.index) {
        (Some(Indices(places)), _) => places.clone(),
        (None, index) => index.into_iter().collect(),
    };
    Ok(run.trials_at(&places)?)
}
