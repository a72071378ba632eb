//! `bakeoff trial`: by hand it starts the trial as a process of its own and watches it, as
//! `bakeoff run` does; so limits, signals and crashes mean the same in both.

use std::{
    ops::ControlFlow,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bakeoff_bench::{
    Launcher as _, Limits, NO_ANSWER, RunFolder, Subprocess, TrialEnd, TrialEvent, TrialOptions,
    run_trial,
};
use bakeoff_core::{
    FitEvent,
    record::{Outcome, PlannedTrial, Record},
};

use crate::{args::TrialArgs, interrupt, text};

/// A small network makes thousands of steps a second: to print them all would take processor
/// time from the fit that is being measured.
const PROGRESS_PAUSE: Duration = Duration::from_millis(40);

pub(crate) fn main(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    if args.until_stdin_closes {
        return Ok(within(args).unwrap_or_else(|error| {
            // No record was written: the one who started this decides by the code.
            text::note(format_args!("error: {}", text::chain(&error)));
            ExitCode::from(NO_ANSWER)
        }));
    }
    watched(args)
}

/// The trial itself, in the process that was started for it.
fn within(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    // Some engines send no event for hours, so this cannot wait for one. A trial may end
    // anywhere: its record is written whole or not at all.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(NO_ANSWER.into());
    });
    let run = RunFolder::open(&args.run)?;
    let plan = run.plan()?;
    let planned = find(&plan, args)?;
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
        memory_limit_mb: args.memory_limit,
    };
    Ok(match run_trial(&run, planned, options, &mut on_event)? {
        TrialEnd::Cancelled => ExitCode::from(NO_ANSWER),
        _ => ExitCode::SUCCESS,
    })
}

/// Starts the trial and says how it ended.
fn watched(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    let run = RunFolder::open(&args.run)?;
    let mut plan = run.plan()?;
    let limits = Limits {
        time_seconds: args.time_limit,
        memory_mb: args.memory_limit,
    };
    for trial in &mut plan {
        limits.or(trial).applied_to(trial);
    }
    let planned = find(&plan, args)?;
    let again = format!(
        "No record was written; run it again with:\n  {}",
        super::command_line()
    );
    let lock = match run.record(&planned.id)? {
        None => run.lock_for_a_trial()?,
        Some(record) if record.measured().is_some() => {
            return Ok(tell(
                args,
                planned,
                &TrialEnd::AlreadyDone(Box::new(record)),
            ));
        }
        Some(record) => {
            let lock = run.lock_for_a_trial()?;
            let Some(why) = run.put_aside_if_worth_retrying(planned)? else {
                return Ok(tell(
                    args,
                    planned,
                    &TrialEnd::AlreadyDone(Box::new(record)),
                ));
            };
            text::note(format_args!(
                "It failed before, and may succeed now: {why}. That record is put aside."
            ));
            lock
        }
    };
    run.check_folders(&args.models_dir)?;
    interrupt::on_signals(format!("Interrupted. {again}"));
    let mut launcher = Subprocess {
        program: std::env::current_exe().context("cannot find the bakeoff program itself")?,
        models: args.models_dir.to_path_buf(),
        threads: args.threads,
    };
    let mut on_event = |event: &TrialEvent| {
        if args.events {
            text::report_json(event);
        }
        ControlFlow::Continue(())
    };
    let (trial, model) = (planned.index, &planned.trial.model);
    let ends_here = |reason: &str| {
        text::note(format_args!(
            "error: trial {trial} ({model}): {reason}\n{again}"
        ));
    };
    let end = launcher.launch(&run, planned, &mut on_event);
    drop(lock);
    Ok(match end {
        Err(error) => {
            ends_here(&text::chain(&error.into()));
            ExitCode::FAILURE
        }
        Ok(TrialEnd::Interrupted(interruption)) => {
            ends_here(&interruption.reason);
            super::interrupted(&interruption)
        }
        Ok(end) => tell(args, planned, &end),
    })
}

/// Says how a trial ended.
fn tell(args: &TrialArgs, planned: &PlannedTrial, end: &TrialEnd) -> ExitCode {
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
        text::report(&format!(
            "trial {} ({}): {how}{}\n",
            planned.index,
            planned.trial.model,
            outcome.unwrap_or_default()
        ));
    }
    super::exit_code(end.record().and_then(Record::measured).is_some())
}

fn find<'a>(plan: &'a [PlannedTrial], args: &TrialArgs) -> anyhow::Result<&'a PlannedTrial> {
    let found = match (&args.index, &args.id) {
        (Some(index), _) => plan.get(*index),
        (None, Some(id)) => plan.iter().find(|trial| trial.id == *id),
        (None, None) => None,
    };
    found.with_context(|| {
        format!(
            "there is no such trial in {}; it has {}, numbered from 0",
            args.run.display(),
            plan.len()
        )
    })
}
