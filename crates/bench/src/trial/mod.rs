//! One trial: train, measure, save, leave a record.

mod contract;
mod fitting;
mod measuring;
mod memory;
mod robustness;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bakeoff_core::{
    panic_text,
    record::{Attempt, Outcome, PlannedTrial, Record, SCHEMA, Stage},
};

pub use self::contract::{TrialEnd, TrialOptions};
use self::{contract::Stop, measuring::measure_trial};
use crate::{
    attempt, error::BenchError, event::OnEvent, host::describe_host, limits::limit_memory,
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
    let attempt = attempt::begin();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|error| BenchError::Request(format!("cannot start threads: {error}")))?;
    // After the threads have their stacks: the limit is the trial's, and none starts with too little.
    if let Some(megabytes) = options.memory_limit_mb {
        limit_memory(megabytes)?;
    }
    let result = pool.install(|| {
        // Engines catch the panics that they expect; this catches the others.
        let mut stage = Stage::Data;
        catch_unwind(AssertUnwindSafe(|| {
            measure_trial(run, planned, options, on_event, &mut stage)
        }))
        .unwrap_or_else(|panic| {
            Err(Stop::Failed {
                stage,
                reason: format!("it panicked: {}", panic_text(&*panic)),
            })
        })
    });
    let outcome = match result {
        Ok(measured) => Outcome::Ok(Box::new(measured)),
        Err(Stop::Cancelled) => return Ok(TrialEnd::Cancelled),
        Err(Stop::Run(error)) => return Err(error),
        Err(Stop::Failed { stage, reason }) => Outcome::Failed {
            stage,
            reason,
            cause: None,
        },
    };
    finish(run, planned, outcome, pool.current_num_threads(), attempt)
}

/// Writes the record of an outcome, or compares it with the one that is there.
pub(crate) fn finish(
    run: &RunFolder,
    planned: &PlannedTrial,
    outcome: Outcome,
    threads: usize,
    attempt: Attempt,
) -> Result<TrialEnd, BenchError> {
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
