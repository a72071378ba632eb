//! The loop with a scripted engine: what it does, apart from what a network learns.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use bakeoff_core::{ImageShape, Images};
use serde_json::json;

use super::*;
use bakeoff_kernels::{Blueprint, NormPlace, Step};

use crate::{engine::StepOutcome, stopping::KeptEpoch};

/// What a [`Scripted`] engine was called for.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    Step {
        step: u64,
        pixels: Vec<u8>,
        labels: Vec<u16>,
        rate: f64,
    },
    Scores,
}

/// Answers the validation pass of epoch e with the e-th confidence for class 0, and
/// returns weights that say after how many steps they were taken.
#[derive(Clone, Default)]
struct Scripted {
    confidence: Vec<f32>,
    diverge_at: Option<u64>,
    calls: Arc<Mutex<Vec<Call>>>,
}

struct ScriptedLearner {
    script: Scripted,
    network: Network,
    steps: u64,
    scored: usize,
}

impl Scripted {
    fn learner(&self, start: &Start<'_>) -> Box<dyn Learner> {
        Box::new(ScriptedLearner {
            script: self.clone(),
            network: start.network.clone(),
            steps: 0,
            scored: 0,
        })
    }
}

impl Learner for ScriptedLearner {
    fn step(&mut self, batch: &Batch<'_>) -> Result<StepOutcome, EngineError> {
        self.steps += 1;
        let (pixels, labels) = batch.gather();
        let count = labels.len();
        self.script.calls.lock().unwrap().push(Call::Step {
            step: batch.step,
            pixels: pixels.into_owned(),
            labels: labels.into_owned(),
            rate: batch.rate,
        });
        let bad = self.script.diverge_at == Some(batch.step);
        let score = if bad { f32::NAN } else { 0.0 };
        Ok(StepOutcome {
            scores: vec![score; count * self.network.classes()],
            score: None,
        })
    }

    fn scores(&mut self, pixels: &[u8]) -> Result<Vec<f32>, EngineError> {
        self.script.calls.lock().unwrap().push(Call::Scores);
        let confidence = self.script.confidence[self.scored];
        self.scored += 1;
        let count = pixels.len() / self.network.input().pixels();
        Ok([confidence, 0.0].repeat(count))
    }

    fn weights(&mut self) -> Result<Weights, EngineError> {
        let values = self
            .network
            .tensors()
            .iter()
            .map(|spec| vec![self.steps as f32; spec.shape.iter().product()])
            .collect();
        Ok(Weights::from_values(&self.network, values).unwrap())
    }
}

fn training(given: serde_json::Value) -> Training {
    let mut settings: serde_json::Map<_, _> = Training::TABLE
        .iter()
        .map(|setting| (setting.key.to_owned(), (setting.default)()))
        .collect();
    settings.extend(given.as_object().unwrap().clone());
    serde_json::from_value(settings.into()).unwrap()
}

/// Images of one pixel, which is their number; labels 0, 1, 0, 1, …
fn samples(count: u8) -> Samples {
    let images = Images::new(ImageShape::new(1, 1, 1), (0..count).collect::<Vec<_>>()).unwrap();
    let labels: Vec<u16> = (0..count).map(|index| u16::from(index % 2)).collect();
    Samples::new(images, labels, ["a".to_string(), "b".into()]).unwrap()
}

fn network(norm: Option<NormPlace>) -> Network {
    let blueprint = Blueprint {
        steps: vec![Step::Dense { units: 1 }],
        norm,
    };
    Network::new(&blueprint, ImageShape::new(1, 1, 1), 2).unwrap()
}

struct Outcome {
    result: Result<Weights, FitError>,
    events: Vec<FitEvent>,
    calls: Vec<Call>,
}

/// Fits, breaking off at the event number `cancel_at`.
fn fit(
    script: &Scripted,
    given: serde_json::Value,
    count: u8,
    validation: Option<&Samples>,
    cancel_at: usize,
) -> Outcome {
    let mut events = Vec::new();
    let result = train(
        "scripted",
        &|start| Ok(script.learner(start)),
        &network(None),
        &training(given),
        &samples(count),
        &mut FitContext {
            seed: 7,
            validation,
            progress: &mut |event| {
                events.push(event.clone());
                if events.len() > cancel_at {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        },
    );
    let calls = script.calls.lock().unwrap().clone();
    Outcome {
        result: result.map(|mut members| members.remove(0)),
        events,
        calls,
    }
}

fn finished(outcome: &Outcome) -> &FitSummary {
    match outcome.events.last() {
        Some(FitEvent::Finished(summary)) => summary,
        other => panic!("not finished but {other:?}"),
    }
}

fn taken_after(outcome: &Outcome) -> f32 {
    outcome.result.as_ref().unwrap().values()[0][0]
}

/// Validation images all of class 0: the higher the confidence, the lower the loss.
fn validation() -> Samples {
    samples(1)
}

#[test]
fn the_best_weights_are_restored_when_patience_runs_out() {
    let script = Scripted {
        confidence: vec![0.1, 2.0, 1.0, 1.5, 3.0],
        ..Scripted::default()
    };
    let given = json!({"epochs": 5, "batch_size": 100, "patience": 2});
    let outcome = fit(&script, given, 10, Some(&validation()), usize::MAX);
    // One step an epoch, so the second epoch's weights were taken after two steps.
    assert_eq!(taken_after(&outcome), 2.0);
    let summary = finished(&outcome);
    assert_eq!(summary.best_epoch, Some(2));
    assert_eq!(summary.steps, 4);
    assert!(summary.stopped_early);
}

#[test]
fn without_patience_all_epochs_run_and_keep_decides() {
    for (keep, expected) in [(KeptEpoch::BestLoss, 2.0), (KeptEpoch::Last, 3.0)] {
        let script = Scripted {
            confidence: vec![0.1, 2.0, 1.0],
            ..Scripted::default()
        };
        let word = match keep {
            KeptEpoch::BestLoss => "best-loss",
            _ => "last",
        };
        let given = json!({"epochs": 3, "batch_size": 100, "keep": word});
        let outcome = fit(&script, given, 10, Some(&validation()), usize::MAX);
        assert_eq!(taken_after(&outcome), expected);
        let summary = finished(&outcome);
        assert_eq!((summary.steps, summary.stopped_early), (3, false));
        assert_eq!(
            summary.best_epoch,
            (keep == KeptEpoch::BestLoss).then_some(2)
        );
    }
}

#[test]
fn members_have_epochs_and_a_choice_of_their_own() {
    let script = Scripted {
        confidence: vec![1.0, 2.0, 0.5],
        ..Scripted::default()
    };
    let given = json!({"epochs": 3, "batch_size": 100, "members": 2, "patience": 1});
    let outcome = fit(&script, given, 10, Some(&validation()), usize::MAX);
    // Each stops after its third epoch, and keeps the second.
    assert_eq!(taken_after(&outcome), 2.0);
    let epochs: Vec<_> = outcome
        .events
        .iter()
        .filter_map(|event| match event {
            FitEvent::Epoch(epoch) => Some((epoch.epoch, epoch.epochs)),
            _ => None,
        })
        .collect();
    assert_eq!(epochs, [1, 2, 3, 4, 5, 6].map(|epoch| (epoch, 6)));
    let first = FitEvent::Started {
        unit: StepUnit::Epoch,
        total: Some(6),
    };
    assert_eq!(outcome.events[0], first);
    let summary = finished(&outcome);
    assert_eq!((summary.steps, summary.best_epoch), (6, None));
    let steps = |call: &&Call| matches!(call, Call::Step { .. });
    let calls: Vec<_> = outcome.calls.iter().filter(steps).collect();
    assert_ne!(calls[0], calls[3], "both see the images in one order");
}

#[test]
fn events_come_in_order_and_say_what_happened() {
    let script = Scripted {
        confidence: vec![0.0, 1.0],
        ..Scripted::default()
    };
    let given = json!({
        "epochs": 2, "batch_size": 4, "learning_rate": 0.5, "schedule": "constant",
    });
    let outcome = fit(&script, given, 10, Some(&validation()), usize::MAX);
    let progress = FitEvent::Progress {
        samples: 10,
        total: 10,
    };
    let epoch = |epoch, validation_loss| {
        FitEvent::Epoch(EpochMetrics {
            epoch,
            epochs: 2,
            train_loss: 2f64.ln(),
            train_accuracy: 0.5,
            validation_loss: Some(validation_loss),
            validation_accuracy: Some(1.0),
            learning_rate: 0.5,
        })
    };
    // Both batch and validation end with the same count.
    let expected = [
        FitEvent::Started {
            unit: StepUnit::Epoch,
            total: Some(2),
        },
        progress.clone(),
        progress.clone(),
        epoch(1, 2f64.ln()),
        progress.clone(),
        progress,
        // Of the scores 1 and 0, as the loop sums it.
        epoch(2, (1.0 + f64::from((-1f32).exp())).ln() + 1.0 - 1.0),
        FitEvent::Finished(FitSummary {
            steps: 2,
            converged: None,
            best_epoch: Some(2),
            stopped_early: false,
            final_loss: Some(2f64.ln()),
            kernel: None,
        }),
    ];
    assert_eq!(outcome.events, expected);
}

#[test]
fn every_sample_is_used_once_an_epoch_with_its_label_in_a_new_order() {
    let outcome = fit(
        &Scripted::default(),
        json!({"epochs": 2, "batch_size": 4}),
        10,
        None,
        usize::MAX,
    );
    let mut sizes = Vec::new();
    let mut orders = vec![Vec::new(), Vec::new()];
    for (index, call) in outcome.calls.iter().enumerate() {
        let Call::Step {
            step,
            pixels,
            labels,
            ..
        } = call
        else {
            panic!("nothing is scored without a validation part")
        };
        assert_eq!(*step, index as u64);
        sizes.push(pixels.len());
        for (pixel, label) in pixels.iter().zip(labels) {
            assert_eq!(u16::from(pixel % 2), *label);
        }
        orders[index / 3].extend_from_slice(pixels);
    }
    assert_eq!(sizes, [4, 4, 2, 4, 4, 2]);
    assert_ne!(orders[0], orders[1]);
    for mut order in orders {
        assert_ne!(order, (0..10).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..10).collect::<Vec<_>>());
    }
}

#[test]
fn the_schedule_sets_the_rate_of_each_step() {
    let given = json!({
        "epochs": 2, "batch_size": 4, "learning_rate": 0.001, "schedule": "step",
        "step_every": 1, "step_factor": 0.5,
    });
    let outcome = fit(&Scripted::default(), given, 10, None, usize::MAX);
    let rates: Vec<_> = outcome
        .calls
        .iter()
        .filter_map(|call| match call {
            Call::Step { rate, .. } => Some(*rate),
            Call::Scores => None,
        })
        .collect();
    assert_eq!(rates, [0.001, 0.001, 0.001, 0.0005, 0.0005, 0.0005]);
}

#[test]
fn a_cancelled_fit_ends_at_the_next_event_without_finishing() {
    let given = json!({"epochs": 3, "batch_size": 1});
    for cancel_at in 0..5 {
        let outcome = fit(&Scripted::default(), given.clone(), 250, None, cancel_at);
        assert!(matches!(outcome.result, Err(FitError::Cancelled)));
        assert_eq!(outcome.events.len(), cancel_at + 1);
        // An event every 128 samples and at the end of an epoch.
        let steps = [0, 128, 250, 250, 378][cancel_at];
        assert_eq!(outcome.calls.len(), steps);
    }
}

#[test]
fn a_loss_that_is_not_finite_ends_the_fit_by_its_place() {
    let script = Scripted {
        diverge_at: Some(4),
        ..Scripted::default()
    };
    let outcome = fit(
        &script,
        json!({"epochs": 2, "batch_size": 4}),
        10,
        None,
        usize::MAX,
    );
    let Err(FitError::Diverged(reason)) = outcome.result else {
        panic!("it did not diverge")
    };
    assert!(reason.contains("epoch 2, batch 2 of 3"), "{reason}");
    let script = Scripted {
        confidence: vec![f32::INFINITY],
        ..Scripted::default()
    };
    let given = json!({"epochs": 1});
    let outcome = fit(&script, given, 10, Some(&validation()), usize::MAX);
    assert!(matches!(outcome.result, Err(FitError::Diverged(_))));
}

#[test]
fn too_little_data_is_refused() {
    let empty = fit(&Scripted::default(), json!({}), 0, None, usize::MAX);
    assert!(matches!(empty.result, Err(FitError::Data(_))));
    assert!(empty.events.is_empty());
    let given = json!({"patience": 1});
    let blind = fit(&Scripted::default(), given, 10, None, usize::MAX);
    assert!(matches!(blind.result, Err(FitError::Data(_))));
}

#[test]
fn augmentation_changes_what_is_trained_on_and_nothing_else() {
    // One pixel shifted by up to one pixel stays with probability 1/9.
    let outcome = fit(
        &Scripted::default(),
        json!({"epochs": 1, "batch_size": 100, "shift": 1}),
        100,
        None,
        usize::MAX,
    );
    let Call::Step { pixels, labels, .. } = &outcome.calls[0] else {
        panic!("no step")
    };
    let kept = pixels.iter().filter(|&&pixel| pixel > 0).count();
    assert!((2..30).contains(&kept), "{kept}");
    for (pixel, label) in pixels.iter().zip(labels) {
        assert!(*pixel == 0 || u16::from(pixel % 2) == *label);
    }
}

#[test]
fn a_single_last_picture_joins_the_batch_before_it_under_batch_norm() {
    let sizes = |samples, size, norm| {
        Batches::new(samples, size, norm)
            .map(|batches| {
                (0..batches.count)
                    .map(|batch| batches.range(batch).len())
                    .collect::<Vec<_>>()
            })
            .ok()
    };
    assert_eq!(sizes(9, 4, false), Some(vec![4, 4, 1]));
    assert_eq!(sizes(9, 4, true), Some(vec![4, 5]));
    assert_eq!(sizes(8, 4, true), Some(vec![4, 4]));
    assert_eq!(sizes(10, 4, true), Some(vec![4, 4, 2]));
    assert_eq!(sizes(3, 4, true), Some(vec![3]));
    assert_eq!(sizes(1, 4, true), None);
    assert_eq!(sizes(1, 4, false), Some(vec![1]));
    assert_eq!(sizes(0, 4, false), None);
}
