//! One trial: train, measure, save, leave a record.

use std::{
    any::Any,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Instant,
};

use bakeoff_core::{
    FitContext, FitError, FitEvent, FittedModel, Probabilities, Samples,
    record::{
        Costs, IterationPoint, Measured, Outcome, PlannedTrial, Record, SCHEMA, SampleCounts,
        SaveName, Scores, Stage,
    },
};
use bakeoff_data::split;
use bakeoff_metrics::Evaluation;
use bakeoff_zoo::{ModelFacts, TestMetrics};

use crate::{
    clock::{current_rss_bytes, elapsed_ns, peak_rss_bytes, process_cpu_ns},
    error::BenchError,
    event::{TrialEvent, TrialStage},
    host::describe_host,
    measure::{measure_batch, measure_latency},
    plan::apply_limits,
    run_folder::RunFolder,
    runner::TrialEnd,
};

/// So many test pictures are answered again by the model as it was read back.
const RELOAD_CHECK: usize = 256;

/// What a trial is given besides its plan.
#[derive(Clone, Copy, Debug)]
pub struct TrialOptions<'a> {
    /// Where models are saved.
    pub models: &'a Path,
    /// Threads for everything in the trial; 0 for as many as there are processors.
    pub threads: usize,
    /// Whether this process runs nothing but this trial. Only then is the process's
    /// largest size the trial's.
    pub own_process: bool,
}

/// Told what happens; `Break` cancels the trial at the next event.
pub(crate) type OnEvent<'a> = dyn FnMut(&TrialEvent) -> ControlFlow<()> + Send + 'a;

/// Why a trial gave no measurements.
enum Stop {
    Cancelled,
    Failed { stage: Stage, reason: String },
}

impl Stop {
    fn failed<E: std::fmt::Display>(stage: Stage) -> impl FnOnce(E) -> Self {
        move |error| Self::Failed {
            stage,
            reason: error.to_string(),
        }
    }
}

/// Runs one trial and leaves its record. Idempotent: a valid record there means done.
///
/// A trial that fails leaves a record that says why. A trial that is cancelled leaves
/// none.
///
/// # Errors
/// Only when the run's folder itself cannot be read or written.
pub fn run_trial(
    run: &RunFolder,
    planned: &PlannedTrial,
    options: TrialOptions<'_>,
    on_event: &mut OnEvent<'_>,
) -> Result<TrialEnd, BenchError> {
    if let Some(record) = run.record(&planned.id)? {
        return Ok(TrialEnd::AlreadyDone(Box::new(record)));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|error| BenchError::Request(format!("cannot start threads: {error}")))?;
    let result = pool.install(|| {
        // Engines wrap what they know to panic; this is for what they do not.
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
        Ok((mut measured, probabilities)) => {
            measured.probabilities = run.write_probabilities(&planned.id, &probabilities)?;
            Outcome::Ok(Box::new(measured))
        }
        Err(Stop::Cancelled) => return Ok(TrialEnd::Cancelled),
        Err(Stop::Failed { stage, reason }) => Outcome::Failed { stage, reason },
    };
    finish(run, planned, outcome, pool.current_num_threads())
}

/// Writes the record of an outcome, or compares with the one that came first.
pub(crate) fn finish(
    run: &RunFolder,
    planned: &PlannedTrial,
    outcome: Outcome,
    threads: usize,
) -> Result<TrialEnd, BenchError> {
    let record = Record {
        schema: SCHEMA,
        id: planned.id.clone(),
        trial: planned.trial.clone(),
        outcome,
        host: describe_host(threads),
    };
    match run.write_record(&record)? {
        None => Ok(TrialEnd::Ran(Box::new(record))),
        Some(first) => {
            let hash = |record: &Record| record.measured().map(|m| m.probabilities.sha256.clone());
            Ok(TrialEnd::CameSecond {
                agrees: hash(&first) == hash(&record),
                first: Box::new(first),
            })
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// The training and validation parts that a trial's family sees, and the test part.
struct Parts {
    train: Samples,
    validation: Option<Samples>,
    test: Samples,
}

fn load_parts(planned: &PlannedTrial) -> Result<Parts, Stop> {
    let trial = &planned.trial;
    let failed = |reason: String| Stop::Failed {
        stage: Stage::Data,
        reason,
    };
    let dataset =
        bakeoff_data::open(&trial.data.source).map_err(|error| failed(error.to_string()))?;
    if dataset.fingerprint() != trial.data.fingerprint {
        return Err(failed(format!(
            "`{}` has changed since the run was planned; plan it again",
            trial.data.source
        )));
    }
    let family =
        bakeoff_zoo::family(&trial.spec.family).map_err(|error| failed(error.to_string()))?;
    let prepared = apply_limits(
        &dataset,
        trial.data.limit_train,
        trial.data.limit_test,
        trial.validation.seed,
    );
    drop(dataset);
    let hold_out = family.uses_validation && trial.validation.fraction > 0.0;
    if !hold_out {
        return Ok(Parts {
            train: prepared.train,
            validation: None,
            test: prepared.test,
        });
    }
    let split = split::hold_out(
        &prepared.train,
        trial.validation.fraction,
        trial.validation.seed,
    );
    Ok(Parts {
        train: split.train,
        validation: Some(split.held_out).filter(|samples| !samples.is_empty()),
        test: prepared.test,
    })
}

fn measure_trial(
    run: &RunFolder,
    planned: &PlannedTrial,
    options: TrialOptions<'_>,
    on_event: &mut OnEvent<'_>,
    stage: &mut Stage,
) -> Result<(Measured, Probabilities), Stop> {
    let mut begin = |now: TrialStage, as_stage: Stage, on_event: &mut OnEvent<'_>| {
        *stage = as_stage;
        match on_event(&TrialEvent::Stage { stage: now }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Cancelled),
        }
    };
    let trial = &planned.trial;
    let mut costs = Costs::default();

    begin(TrialStage::Data, Stage::Data, on_event)?;
    let start = Instant::now();
    let parts = load_parts(planned)?;
    costs.data_load_ns = elapsed_ns(start);
    let samples = SampleCounts {
        train: parts.train.len(),
        validation: parts.validation.as_ref().map_or(0, Samples::len),
        test: parts.test.len(),
    };
    if options.own_process {
        costs.rss_before_fit_bytes = current_rss_bytes();
    }

    begin(TrialStage::Fit, Stage::Fit, on_event)?;
    let classifier = bakeoff_zoo::build(&trial.spec).map_err(Stop::failed(Stage::Fit))?;
    let mut history = History::default();
    let mut progress = |event: &FitEvent| {
        history.note(event);
        on_event(&TrialEvent::Fit { fit: event.clone() })
    };
    let mut context = FitContext {
        seed: trial.seed,
        validation: parts.validation.as_ref(),
        progress: &mut progress,
    };
    let cpu_before = process_cpu_ns();
    let start = Instant::now();
    let model = classifier
        .fit(&parts.train, &mut context)
        .map_err(|error| match error {
            FitError::Cancelled => Stop::Cancelled,
            other => Stop::failed(Stage::Fit)(other),
        })?;
    costs.fit_ns = elapsed_ns(start);
    costs.fit_cpu_ns = process_cpu_ns()
        .zip(cpu_before)
        .map(|(after, before)| after.saturating_sub(before));
    costs.parameters = model.parameters();
    // A model that wants its training data has kept it.
    drop((parts.train, parts.validation));

    begin(TrialStage::Predict, Stage::Predict, on_event)?;
    let answers =
        measure_batch(&*model, parts.test.images()).map_err(Stop::failed(Stage::Predict))?;
    costs.predict_ns = answers.median_ns;
    costs.predict_repeats = answers.repeats;
    costs.throughput_per_second = samples.test as f64 / (answers.median_ns.max(1) as f64 / 1e9);
    let probabilities = answers.probabilities;

    begin(TrialStage::Latency, Stage::Predict, on_event)?;
    costs.latency =
        measure_latency(&*model, parts.test.images()).map_err(Stop::failed(Stage::Predict))?;
    if options.own_process {
        costs.peak_rss_bytes = peak_rss_bytes();
    }

    begin(TrialStage::Save, Stage::Store, on_event)?;
    let evaluation = Evaluation::new(parts.test.labels(), &probabilities)
        .map_err(Stop::failed(Stage::Predict))?;
    let (models, save_as, scratch) = match &planned.save_as {
        Some(save_as) => (options.models.to_owned(), save_as.clone(), None),
        None => {
            let scratch = run.scratch().map_err(Stop::failed(Stage::Store))?;
            (scratch.path().to_owned(), unkept(), Some(scratch))
        }
    };
    let facts = model_facts(planned, save_as, &parts.test, samples, &evaluation);
    save_and_reload(&*model, facts, &parts.test, &models, &mut costs)?;
    drop(scratch);

    Ok((
        Measured {
            samples,
            costs,
            fit: history.summary,
            epochs: history.epochs,
            iterations: history.iterations,
            scores: Scores {
                accuracy: evaluation.accuracy,
                log_loss: evaluation.log_loss,
            },
            test_fingerprint: parts.test.fingerprint(),
            // The caller writes the file and fills this in.
            probabilities: bakeoff_core::record::Sidecar {
                file: String::new(),
                sha256: String::new(),
            },
            calibration: None,
            robustness: Vec::new(),
        },
        probabilities,
    ))
}

/// What a model is called that is measured on disk and not kept.
fn unkept() -> SaveName {
    SaveName {
        dataset: "trial".into(),
        model: "model".into(),
    }
}

fn model_facts(
    planned: &PlannedTrial,
    save_as: SaveName,
    test: &Samples,
    samples: SampleCounts,
    evaluation: &Evaluation,
) -> ModelFacts {
    let trial = &planned.trial;
    ModelFacts {
        name: save_as.model,
        dataset: save_as.dataset,
        spec: trial.spec.clone(),
        class_names: test.class_names().to_vec(),
        data_fingerprint: trial.data.fingerprint.clone(),
        train_samples: samples.train,
        validation_samples: samples.validation,
        seed: trial.seed,
        trial: planned.id.clone(),
        test: TestMetrics {
            samples: samples.test,
            accuracy: evaluation.accuracy,
            macro_f1: evaluation.macro_f1,
            macro_auc: evaluation.macro_auc,
            log_loss: evaluation.log_loss,
        },
    }
}

/// Saves the model, reads it back as a user would, and makes sure that it answers with
/// the same bits: a saved model that answers differently is worse than none.
fn save_and_reload(
    model: &dyn FittedModel,
    facts: ModelFacts,
    test: &Samples,
    models: &Path,
    costs: &mut Costs,
) -> Result<(), Stop> {
    let saved = bakeoff_zoo::save(models, model, facts).map_err(Stop::failed(Stage::Store))?;
    costs.model_bytes = saved.bytes;
    let start = Instant::now();
    let loaded = bakeoff_zoo::load(&saved.folder).map_err(Stop::failed(Stage::Store))?;
    costs.model_load_ns = elapsed_ns(start);
    let few: Vec<usize> = (0..test.len().min(RELOAD_CHECK)).collect();
    let few = test.images().select(&few);
    let answer = |model: &dyn FittedModel| {
        model
            .predict_proba(&few)
            .map_err(Stop::failed(Stage::Store))
    };
    if answer(model)? == answer(&*loaded.model)? {
        Ok(())
    } else {
        Err(Stop::Failed {
            stage: Stage::Store,
            reason: "the saved model answers differently from the one that was trained; \
                     please report this with the experiment file"
                .into(),
        })
    }
}

/// What a fit tells, kept for the record.
#[derive(Default)]
struct History {
    epochs: Vec<bakeoff_core::EpochMetrics>,
    iterations: Vec<IterationPoint>,
    summary: bakeoff_core::FitSummary,
}

impl History {
    fn note(&mut self, event: &FitEvent) {
        match event {
            FitEvent::Epoch(epoch) => self.epochs.push(epoch.clone()),
            FitEvent::Iteration {
                iteration,
                loss: Some(loss),
            } => self.iterations.push(IterationPoint {
                iteration: *iteration,
                loss: *loss,
            }),
            FitEvent::Finished(summary) => self.summary = summary.clone(),
            FitEvent::Started { .. }
            | FitEvent::Progress { .. }
            | FitEvent::Iteration { loss: None, .. } => {}
        }
    }
}
