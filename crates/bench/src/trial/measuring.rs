//! From a planned trial to its measurements.

use std::{ops::ControlFlow, path::Path, time::Instant};

use bakeoff_core::{
    FittedModel, PredictError, Preparation, Samples,
    record::{
        CalibrationResult, Costs, Measured, PlannedTrial, SampleCounts, SaveName, Scores, Stage,
    },
};
use bakeoff_metrics::{Evaluation, FitBound, Temperature};
use bakeoff_store::{ModelFacts, Origin, SavedModel, TestMetrics};

use super::{
    contract::{Stop, TrialOptions},
    fitting::{Fitted, Parts, fit, repeat_is_due},
    importance::measure_importance,
    members::Members,
    memory::Memory,
    programs::ProgramWatch,
    robustness::measure_robustness,
};
use crate::{
    clock::{elapsed_ns, load},
    event::{OnEvent, TrialEvent, TrialStage},
    host,
    measure::{measure_batch, measure_latency},
    packs::planned_dataset,
    partition::{Given, given_samples},
    run_folder::RunFolder,
};

/// This many test images are predicted again by the saved model.
const RELOAD_CHECK: usize = 256;

/// The data of a trial.
struct Loaded {
    given: Given,
    reported: Samples,
    /// How its model has to see other images.
    preparation: Preparation,
    pixel_range: Option<[f64; 2]>,
}

fn load_samples(
    run: &RunFolder,
    planned: &PlannedTrial,
    packs: Option<&Path>,
) -> Result<Loaded, Stop> {
    let trial = &planned.trial;
    // Data that are absent, unreadable or other ones say nothing about a model.
    let dataset = planned_dataset(run, &trial.data, packs).map_err(Stop::Run)?;
    let pixel_range = dataset.pixel_range();
    let preparation = bakeoff_data::preparation(dataset.train().images(), &trial.data.options);
    let (given, reported) = given_samples(dataset, trial);
    Ok(Loaded {
        given,
        reported,
        preparation,
        pixel_range,
    })
}

/// Trains and measures: all of a trial's record, apart from the machine.
pub(super) fn measure_trial(
    run: &RunFolder,
    planned: &PlannedTrial,
    options: TrialOptions<'_>,
    programs: Option<&ProgramWatch>,
    on_event: &mut OnEvent<'_>,
    stage: &mut Stage,
) -> Result<Measured, Stop> {
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
    let family = bakeoff_zoo::family(&trial.spec.family).map_err(Stop::failed(Stage::Data))?;
    let Loaded {
        given,
        reported,
        preparation,
        pixel_range,
    } = load_samples(run, planned, options.packs)?;
    let mut members = Members::of(run, planned, options.models, &given)?;
    let (train, validation) = given.parts(trial, family.uses_validation);
    let parts = Parts { train, validation };
    costs.data_load_ns = elapsed_ns(start);
    let samples = SampleCounts {
        train: match family.is_trained_elsewhere() {
            true => 0,
            false => parts.train.len(),
        },
        validation: parts.validation.as_ref().map_or(0, Samples::len),
        test: reported.len(),
    };
    costs.load = load();
    let mut memory = options.own_process.then(|| Memory::before_fit(programs));

    begin(TrialStage::Fit, Stage::Fit, on_event)?;
    let (fitted, history) = fit(
        trial,
        family,
        &parts,
        members.as_mut(),
        on_event,
        &mut costs,
    )?;
    let model = fitted.model();
    if let Some(memory) = &mut memory {
        memory.after_fit();
    }

    begin(TrialStage::Predict, Stage::Predict, on_event)?;
    if family.is_program() {
        answer_first(model, &reported).map_err(Stop::predict(Stage::Predict))?;
    }
    let answers = measure_batch(model, reported.images()).map_err(Stop::predict(Stage::Predict))?;
    costs.predict_ns = answers.median_ns;
    costs.predict_repeats = answers.repeats.len();
    costs.predictions = answers.repeats;
    costs.throughput_per_second = samples.test as f64 / (answers.median_ns.max(1) as f64 / 1e9);
    let evaluation = Evaluation::new(reported.labels(), &answers.probabilities)
        .map_err(Stop::failed(Stage::Predict))?;

    begin(TrialStage::Latency, Stage::Predict, on_event)?;
    costs.latency =
        measure_latency(model, reported.images()).map_err(Stop::predict(Stage::Predict))?;
    if let Some(memory) = memory {
        memory.after_predictions(&mut costs);
    }
    let repeats = members.is_none() && !family.is_trained_elsewhere();
    if let Some(members) = members {
        members.add_memory(&mut costs);
    }

    // After the memory was measured: it is of one fit.
    if family.is_trained_elsewhere() {
        // It was read, and nothing was fitted but perhaps a temperature.
        (costs.fit_ns, costs.fit_cpu_ns) = (0, None);
        costs.fits.clear();
    }
    while repeats && repeat_is_due(trial, &costs) {
        begin(TrialStage::Repeat, Stage::Fit, on_event)?;
        fit(
            trial,
            family,
            &parts,
            None,
            &mut |_| ControlFlow::Continue(()),
            &mut costs,
        )?;
    }
    let fit_bound = match (&planned.save_as, &parts.validation) {
        (Some(_), Some(held_out)) => fit_bound(fitted.model(), held_out)?,
        _ => None,
    };
    // A model that needs its training data has kept it.
    drop(parts);

    let calibration = match &fitted {
        Fitted::Plain(_) => None,
        Fitted::Calibrated(model, temperature) => Some(calibration_result(
            run,
            &planned.id,
            model.uncalibrated(),
            temperature,
            &reported,
        )?),
    };

    begin(TrialStage::Save, Stage::Store, on_event)?;
    // It replaces an earlier model of its name only after the last check.
    let scratch = run.scratch().map_err(Stop::Run)?;
    let save_as = planned.save_as.clone().unwrap_or_else(|| SaveName {
        dataset: "trial".into(),
        model: "model".into(),
    });
    let mut facts = model_facts(planned, save_as.clone(), &reported, samples, &evaluation);
    facts.preparation = Some(preparation);
    facts.pixel_range = pixel_range;
    facts.fit_bound = fit_bound;
    let (saved, model) = save_and_reload(fitted, facts, &reported, scratch.path(), &mut costs)?;

    let (mut robustness, mut corrupted) = (Vec::new(), None);
    if let Some(spec) = &trial.robustness {
        begin(TrialStage::Robustness, Stage::Predict, on_event)?;
        let start = Instant::now();
        let (scores, answers) = measure_robustness(&*model, &reported, spec, on_event)?;
        costs.robustness_ns = Some(elapsed_ns(start));
        robustness = scores;
        let written = run.write_corrupted(&planned.id, &answers);
        corrupted = Some(written.map_err(Stop::Run)?);
    }
    let mut importance = None;
    if let Some(spec) = &trial.importance {
        begin(TrialStage::Importance, Stage::Predict, on_event)?;
        importance = Some(measure_importance(&*model, &reported, spec, on_event)?);
    }
    let scores = scores(&evaluation);
    let probabilities = run
        .write_probabilities(&planned.id, &answers.probabilities)
        .map_err(Stop::Run)?;
    if planned.save_as.is_some() {
        let placed = bakeoff_store::adopt(options.models, &saved.folder, &save_as.dataset);
        costs.model_bytes = placed.map_err(Stop::store)?.bytes;
        // A model whose program this user's list cannot name asks for consent later, and `run`
        // said so.
        let _ = bakeoff_zoo::remember_commands();
    }
    Ok(Measured {
        samples,
        costs,
        fit: history.summary,
        varies_with_seed: Some(samples.validation > 0 || (family.varies_with_seed)(&trial.spec)),
        is_baseline: family.is_baseline,
        trained_elsewhere: family.is_trained_elsewhere(),
        epochs: history.epochs,
        iterations: history.iterations,
        scores,
        test_fingerprint: reported.fingerprint(),
        probabilities,
        calibration,
        robustness,
        corrupted,
        importance,
        external: None,
    })
}

/// How well images that the model was not trained on fit their classes.
fn fit_bound(model: &dyn FittedModel, held_out: &Samples) -> Result<Option<FitBound>, Stop> {
    let (answers, scores) = model
        .predict_scored(held_out.images())
        .map_err(Stop::failed(Stage::Predict))?;
    Ok(scores.and_then(|scores| FitBound::of(&answers, &scores)))
}

/// The model's predictions without its temperature, and what the temperature changed on the
/// validation part.
fn calibration_result(
    run: &RunFolder,
    id: &str,
    uncalibrated: &dyn FittedModel,
    temperature: &Temperature,
    reported: &Samples,
) -> Result<CalibrationResult, Stop> {
    let probabilities = uncalibrated
        .predict_proba(reported.images())
        .map_err(Stop::predict(Stage::Predict))?;
    let evaluation =
        Evaluation::new(reported.labels(), &probabilities).map_err(Stop::failed(Stage::Predict))?;
    Ok(CalibrationResult {
        temperature: temperature.temperature,
        validation_log_loss_before: temperature.log_loss_before,
        validation_log_loss_after: temperature.log_loss_after,
        at_bound: temperature.at_bound,
        uncalibrated_scores: scores(&evaluation),
        uncalibrated: run
            .write_probabilities(id, &probabilities)
            .map_err(Stop::Run)?,
    })
}

fn scores(evaluation: &Evaluation) -> Scores {
    Scores {
        accuracy: evaluation.accuracy,
        log_loss: evaluation.log_loss,
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
    let partial = save_as.dataset != trial.data.name;
    ModelFacts {
        origin: Some(Origin {
            data: trial.data.origin(),
            saved_at: host::now(),
            partial,
            options: trial.data.options.clone(),
        }),
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
        ..ModelFacts::new(
            save_as.model,
            save_as.dataset,
            trial.spec.clone(),
            test.class_names().to_vec(),
        )
    }
}

/// Saves the model, reads it back as a user would, and checks that it predicts the same bits:
/// a saved model that predicts something else is worse than none. It returns the one that it read,
/// so that a model that keeps its training data is not in memory twice.
fn save_and_reload(
    fitted: Fitted,
    facts: ModelFacts,
    test: &Samples,
    models: &Path,
    costs: &mut Costs,
) -> Result<(SavedModel, Box<dyn FittedModel>), Stop> {
    let few: Vec<usize> = (0..test.len().min(RELOAD_CHECK)).collect();
    let few = test.images().select(&few);
    let answer = |model: &dyn FittedModel| {
        model
            .predict_proba(&few)
            .map_err(Stop::predict(Stage::Store))
    };
    let expected = answer(fitted.model())?;
    let saved = bakeoff_store::save(models, fitted.model(), facts).map_err(Stop::store)?;
    drop(fitted);
    costs.model_bytes = saved.bytes;
    let start = Instant::now();
    let loaded = bakeoff_store::load(&saved.folder, bakeoff_zoo::family).map_err(Stop::store)?;
    let is_program = bakeoff_zoo::family(&loaded.manifest.facts.spec.family)
        .is_ok_and(|family| family.is_program());
    if is_program {
        answer_first(&*loaded.model, test).map_err(Stop::predict(Stage::Store))?;
    }
    costs.model_load_ns = elapsed_ns(start);
    if expected == answer(&*loaded.model)? {
        return Ok((saved, loaded.model));
    }
    Err(Stop::failed(Stage::Store)(match is_program {
        true => format!(
            "the program answers the same images differently when it is started again; an answer \
             must depend on the saved model and the image alone. It is {}",
            bakeoff_zoo::running_programs()
        ),
        false => "the saved model answers differently from the one that was trained; \
                  please report this with the experiment file"
            .into(),
    }))
}

/// Asks about one image, so that the start of a program is no part of what is timed next.
fn answer_first(model: &dyn FittedModel, test: &Samples) -> Result<(), PredictError> {
    let one = test.images().single(0);
    one.map_or(Ok(()), |image| model.predict_proba(&image).map(drop))
}
