//! `bakeoff run`

use std::process::ExitCode;

use anyhow::Context as _;
use bakeoff_ask::models_dir_flag;
use bakeoff_bench::{Program, RunOutcome, Runner, Searched, Subprocess};
use bakeoff_report::terminal::{self, Lines};
use serde_json::json;

use super::search::{self, Rounds};
use crate::{args::RunArgs, interrupt, progress, text};

const GO_ON: &str = "Finished trials are kept; continue with:";

/// Says why a run ends before its end, and how it goes on.
fn ends_here(reason: &str) {
    text::error(format_args!("error: the run ends here: {reason}"));
    text::note(GO_ON);
    text::note(format_args!("  {}", resume_command()));
}

pub(crate) fn main(args: &RunArgs) -> anyhow::Result<ExitCode> {
    interrupt::on_signals(vec![
        format!("Interrupted. {GO_ON}"),
        format!("  {}", resume_command()),
    ]);
    let experiment = super::experiment(&args.experiment, &args.overrides)?;
    // Before hours of training, not after them.
    std::fs::create_dir_all(&*args.models_dir)
        .with_context(|| format!("--models-dir: cannot use {}", args.models_dir.display()))?;
    let mut launcher = Subprocess {
        program: Program::running().context("cannot find the bakeoff program itself")?,
        models: args.models_dir.to_path_buf(),
        threads: args.threads,
        packs: None,
    };
    let mut rounds = Rounds {
        args,
        budget_seconds: experiment
            .search
            .as_ref()
            .and_then(|search| search.budget_seconds),
    };
    let command = super::command_line();
    let searched = bakeoff_bench::search(
        &experiment,
        &args.out,
        (&command, args.resume),
        &mut launcher,
        &mut rounds,
    )?;
    let experiment = match searched {
        Searched::Found(experiment) => *experiment,
        Searched::Ended(outcome) => {
            let Some(interruption) = &outcome.interrupted else {
                return Ok(ExitCode::FAILURE);
            };
            ends_here(&interruption.reason);
            return Ok(super::interrupted(interruption));
        }
    };
    if let Some(found) = experiment
        .found
        .as_ref()
        .filter(|_| !args.quiet && !args.json)
    {
        search::say(found);
    }
    let run = bakeoff_bench::plan(&experiment, &args.out, &command, args.resume)?;
    let lock = run.lock()?;
    let plan = run.plan()?;
    run.check_folders(&args.models_dir, &plan)?;
    if !args.resume
        && !args.quiet
        && let Some(earlier) = bakeoff_bench::unfinished_before(&run)?
    {
        text::note(format_args!(
            "An earlier run of the same trials, {}, was interrupted: {} of {} have a record. \
             This is a new run; with --resume that one is continued instead.",
            earlier.path.display(),
            earlier.done,
            earlier.trials
        ));
    }
    if !args.quiet {
        super::notes(&run)?;
        if let Some(warning) = run.memory_warning(&plan) {
            text::note(format_args!("warning: {warning}"));
        }
    }
    super::warn_of_no_trust(&plan);
    if args.resume && !args.quiet {
        // The one part of a plan that changes no trial, so that the run is the same.
        let planned = run.info()?.robustness_baseline;
        if planned.as_deref() != experiment.baseline() {
            text::note(format_args!(
                "The resumed run was planned with {} as the baseline of robustness and keeps it; \
                 to use {}, start a new run.",
                planned.as_deref().unwrap_or("none"),
                experiment.baseline().unwrap_or("none")
            ));
        }
    }
    let mut observer = progress::observer(args.quiet, args.json, &plan);
    let outcome = Runner {
        run: &run,
        retry_failed: args.retry_failed,
    }
    .run(&lock, &mut launcher, &mut *observer);
    drop(observer);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            ends_here(&text::chain(&error.into()));
            return Ok(ExitCode::FAILURE);
        }
    };
    if let Some(interruption) = &outcome.interrupted {
        ends_here(&interruption.reason);
        return Ok(super::interrupted(interruption));
    }
    if args.resume && !args.quiet {
        say_what_is_left(&outcome);
    }
    let leaderboard = bakeoff::render(&run, args.page.models(&args.models_dir))?;
    let index = bakeoff::write_index(&args.out)?;
    let report = run.path().join("report.html");
    if args.json {
        text::report_json(&json!({
            "kind": "finished",
            "run": run.path(),
            "report": report,
            "index": index,
            "models": &*args.models_dir,
            "failed": outcome.failed,
            "leaderboard": leaderboard.rows,
        }));
    } else if !args.quiet {
        let mut out = Lines::new();
        out.blank();
        out.append(&terminal::leaderboard(&leaderboard));
        out.blank();
        out.line(format_args!("Report: {}", report.display()));
        if let Some(index) = index {
            out.line(format_args!("All runs: {}", index.display()));
        }
        out.line(format_args!(
            "Models: {} (try `bakeoff predict --model NAME{} IMAGE.png`)",
            args.models_dir.display(),
            models_dir_flag(&args.models_dir),
        ));
        text::report(&out);
    }
    Ok(super::exit_code(outcome.failed == 0 && !outcome.cancelled))
}

/// Names the failed trials that a resumed run leaves as they are.
fn say_what_is_left(outcome: &RunOutcome) {
    if outcome.left_failed.is_empty() {
        return;
    }
    text::note(
        "Failed trials that stay as they are, because another attempt would end in the same way \
         (--retry-failed runs them again):",
    );
    for (trial, reason) in &outcome.left_failed {
        text::error(format_args!(
            "  {} on {}: {reason}",
            trial.trial.model, trial.trial.data.name
        ));
    }
}

/// The command that was typed, to continue where it was interrupted.
fn resume_command() -> String {
    let typed = super::command_line();
    match typed.split(' ').any(|word| word == "--resume") {
        true => typed,
        false => format!("{typed} --resume"),
    }
}
