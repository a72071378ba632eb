//! One trial: train, measure, save, leave a record.

mod contract;
mod fitting;
mod importance;
mod measuring;
mod members;
mod memory;
mod programs;
mod robustness;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bakeoff_core::{
    one_line, panic_text,
    record::{Attempt, Cause, Outcome, PlannedTrial, Record, SCHEMA, Stage},
};

pub use self::contract::{TrialEnd, TrialOptions};
use self::{contract::Stop, measuring::measure_trial, programs::ProgramWatch};
use crate::{
    attempt,
    error::BenchError,
    event::OnEvent,
    host::describe_host,
    kernel_kills::KernelKills,
    limits::{limit_memory, memory_limit_reason},
    run_folder::RunFolder,
};

/// Runs one trial and leaves its record. Idempotent: a valid record there means done.
///
/// A trial that fails leaves a record that says why. A trial that is cancelled leaves
/// none.
///
/// # Errors
/// Where there is no answer about the model, and so nothing to record: this program does not know
/// the trial's recipe (another one may, such as one with more engines), the data cannot be read, or a file or folder cannot
/// be written.
pub fn run_trial(
    run: &RunFolder,
    planned: &PlannedTrial,
    options: TrialOptions<'_>,
    on_event: &mut OnEvent<'_>,
) -> Result<TrialEnd, BenchError> {
    if let Some(record) = run.record(&planned.id)? {
        return Ok(TrialEnd::AlreadyDone(Box::new(record)));
    }
    if let Err(error) = bakeoff_zoo::build(&planned.trial.spec) {
        return Err(BenchError::Spec {
            model: planned.trial.model.clone(),
            source: Box::new(error),
        });
    }
    let (attempt, kernel_kills) = (attempt::begin(), KernelKills::now());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|error| BenchError::Request(format!("cannot start threads: {error}")))?;
    // After the threads have their stacks: the limit is the trial's, and none starts with too little.
    if let Some(megabytes) = options.memory_limit_mb {
        limit_memory(megabytes)?;
    }
    let is_program =
        bakeoff_zoo::family(&planned.trial.spec.family).is_ok_and(|family| family.is_program());
    let programs = (is_program && options.own_process)
        .then(|| ProgramWatch::start(options.memory_limit_mb))
        .transpose()
        .map_err(|error| BenchError::Request(format!("cannot start threads: {error}")))?;
    let mut stage = Stage::Data;
    let result = pool.install(|| {
        // Engines catch the panics that they expect; this catches the others.
        catch_unwind(AssertUnwindSafe(|| {
            measure_trial(
                run,
                planned,
                options,
                programs.as_ref(),
                on_event,
                &mut stage,
            )
        }))
        .unwrap_or_else(|panic| {
            Err(Stop::Failed {
                stage,
                reason: format!("it panicked: {}", panic_text(&*panic)),
            })
        })
    });
    let limit = options.memory_limit_mb;
    let exceeded = programs.is_some_and(|watch| watch.exceeded());
    let outcome = match result {
        Ok(measured) => Outcome::Ok(Box::new(measured)),
        Err(Stop::Cancelled) => return Ok(TrialEnd::Cancelled),
        Err(Stop::Run(error)) => return Err(error),
        Err(Stop::Failed { reason, .. } | Stop::Interrupted(reason) | Stop::Signalled(reason))
            if exceeded =>
        {
            Outcome::Failed {
                stage,
                reason: format!(
                    "{}: {reason}",
                    memory_limit_reason(limit.unwrap_or_default())
                ),
                cause: limit.map(|megabytes| Cause::MemoryLimit { megabytes }),
            }
        }
        Err(Stop::Signalled(reason)) if kernel_kills.happened_since() => Outcome::Failed {
            stage,
            reason: format!("out of memory: {reason}, and the kernel counts an out-of-memory kill"),
            cause: Some(Cause::OutOfMemory),
        },
        Err(Stop::Signalled(reason)) => return Err(BenchError::Signalled(reason)),
        Err(Stop::Interrupted(reason)) => return Err(BenchError::Request(reason)),
        Err(Stop::Failed { stage, reason }) if is_program && speaks_of_memory(&reason) => {
            Outcome::Failed {
                stage,
                cause: Some(match limit {
                    Some(megabytes) => Cause::MemoryLimit { megabytes },
                    None => Cause::OutOfMemory,
                }),
                reason: match limit {
                    Some(megabytes) => format!("{}: {reason}", memory_limit_reason(megabytes)),
                    None => format!("out of memory: {reason}"),
                },
            }
        }
        Err(Stop::Failed { stage, reason }) => Outcome::Failed {
            stage,
            reason,
            cause: None,
        },
    };
    finish(run, planned, outcome, pool.current_num_threads(), attempt)
}

/// Whether the last lines of a program say that it was refused memory. The kernel counts what it
/// ends and not what it refuses, and the program's process ends as it likes: so its words are all
/// there is.
fn speaks_of_memory(reason: &str) -> bool {
    let words = [
        "MemoryError",
        "Cannot allocate memory",
        "bad_alloc",
        "memory allocation of ",
        "memory exhausted",
        "out of memory",
        "Out of memory",
        "OutOfMemoryError",
    ];
    words.iter().any(|words| reason.contains(words))
}

/// Writes the record of an outcome, or compares it with the one that is there.
pub(crate) fn finish(
    run: &RunFolder,
    planned: &PlannedTrial,
    mut outcome: Outcome,
    threads: usize,
    attempt: Attempt,
) -> Result<TrialEnd, BenchError> {
    if let Outcome::Failed { reason, .. } = &mut outcome {
        // Libraries and programs say it in any bytes, and tables and pages show it.
        let lines: Vec<String> = reason.lines().map(one_line).collect();
        *reason = lines.join("\n");
    }
    let mut record = Record {
        schema: SCHEMA,
        id: planned.id.clone(),
        trial: planned.trial.clone(),
        outcome,
        host: describe_host(threads),
        attempt: Some(attempt),
        seal: None,
    };
    match run.write_record(&mut record)? {
        None => Ok(TrialEnd::Ran(Box::new(record))),
        Some(first) => Ok(TrialEnd::second(first, &record)),
    }
}
