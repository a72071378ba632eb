//! `bakeoff trial`

use std::{
    ops::ControlFlow,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bakeoff_bench::{RunFolder, TrialEnd, TrialEvent, TrialOptions, run_trial};
use bakeoff_core::{
    FitEvent,
    record::{Outcome, PlannedTrial},
};

use crate::{args::TrialArgs, text};

/// A small network makes thousands of steps a second: whoever reads of them and draws a bar
/// would take the processor from the fit that is being timed.
const PROGRESS_PAUSE: Duration = Duration::from_millis(40);

pub(crate) fn main(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    if args.until_stdin_closes {
        // Some engines tell nothing for hours, so this cannot wait for an event. A trial
        // may end anywhere: its record is written whole or not at all.
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(1);
        });
    }
    let run = RunFolder::open(&args.run)?;
    let plan = run.plan()?;
    let planned = find(&plan, args)?;
    let events = args.events;
    let mut told: Option<Instant> = None;
    let mut on_event = |event: &TrialEvent| {
        let progress = matches!(
            event,
            TrialEvent::Fit {
                fit: FitEvent::Progress { .. }
            }
        );
        if !events || progress && told.is_some_and(|told| told.elapsed() < PROGRESS_PAUSE) {
            return ControlFlow::Continue(());
        }
        if progress {
            told = Some(Instant::now());
        }
        match text::print_json(event) {
            Ok(()) => ControlFlow::Continue(()),
            // Whoever reads the events has gone when they cannot be printed: then nobody
            // wants the trial either, and a killed run leaves no process behind.
            Err(_) => ControlFlow::Break(()),
        }
    };
    let options = TrialOptions {
        models: &args.models_dir,
        threads: args.threads,
        own_process: true,
    };
    let end = run_trial(&run, planned, options, &mut on_event)?;
    if events {
        return Ok(ExitCode::SUCCESS);
    }
    let name = format!("trial {} ({})", planned.index, planned.trial.model);
    let outcome = |record: &bakeoff_core::record::Record| match &record.outcome {
        Outcome::Ok(measured) => {
            format!(
                "accuracy {}",
                text::accuracy(Some(measured.scores.accuracy), measured.samples.test)
            )
        }
        Outcome::Failed { reason, .. } => format!("failed: {reason}"),
    };
    let line = match &end {
        TrialEnd::Ran(record) => format!("{name}: {}", outcome(record)),
        TrialEnd::AlreadyDone(record) => format!("{name}: done already, {}", outcome(record)),
        TrialEnd::CameSecond {
            first,
            agrees: true,
        } => {
            format!(
                "{name}: another attempt was first, with the same probabilities, {}",
                outcome(first)
            )
        }
        TrialEnd::CameSecond {
            first,
            agrees: false,
        } => format!(
            "{name}: another attempt was first, with OTHER probabilities; its record stays, {}",
            outcome(first)
        ),
        TrialEnd::Cancelled => format!("{name}: cancelled"),
    };
    text::print(&format!("{line}\n"))?;
    let failed = end
        .record()
        .is_none_or(|record| record.measured().is_none());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
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
