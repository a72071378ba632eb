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
    record::{Outcome, PlannedTrial, Record},
};

use crate::{args::TrialArgs, text};

/// A small network makes thousands of steps a second: to print them all would take processor
/// time from the fit that is being measured.
const PROGRESS_PAUSE: Duration = Duration::from_millis(40);

pub(crate) fn main(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    if args.until_stdin_closes {
        // Some engines send no event for hours, so this cannot wait for one. A trial may end
        // anywhere: its record is written whole or not at all.
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(1);
        });
    }
    let run = RunFolder::open(&args.run)?;
    let plan = run.plan()?;
    let planned = find(&plan, args)?;
    let events = args.events;
    let mut printed: Option<Instant> = None;
    let mut on_event = |event: &TrialEvent| {
        let progress = matches!(
            event,
            TrialEvent::Fit {
                fit: FitEvent::Progress { .. }
            }
        );
        if !events || progress && printed.is_some_and(|at| at.elapsed() < PROGRESS_PAUSE) {
            return ControlFlow::Continue(());
        }
        if progress {
            printed = Some(Instant::now());
        }
        match text::print_json(event) {
            Ok(()) => ControlFlow::Continue(()),
            // The reader of the events has gone, so nobody wants the trial either. A killed
            // run leaves no process behind.
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
    let outcome = end.record().map(|record| match &record.outcome {
        Outcome::Ok(measured) => format!(
            "accuracy {}",
            text::accuracy(Some(measured.scores.accuracy), measured.samples.test)
        ),
        Outcome::Failed { reason, .. } => format!("failed: {reason}"),
    });
    let how = match &end {
        TrialEnd::Ran(_) => "",
        TrialEnd::AlreadyDone(_) => "done already, ",
        TrialEnd::CameSecond { agrees: true, .. } => {
            "another attempt was first, with the same probabilities, "
        }
        TrialEnd::CameSecond { agrees: false, .. } => {
            "another attempt was first, with OTHER probabilities; its record stays, "
        }
        TrialEnd::Cancelled => "cancelled",
    };
    text::print(&format!(
        "trial {} ({}): {how}{}\n",
        planned.index,
        planned.trial.model,
        outcome.unwrap_or_default()
    ))?;
    let succeeded = end.record().and_then(Record::measured).is_some();
    Ok(super::exit_code(succeeded))
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
