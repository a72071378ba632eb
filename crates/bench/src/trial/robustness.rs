//! Robustness: a model's predictions on corrupted images.
//!
//! Corrupted images are made when they are needed, a block at a time: to read sixty copies
//! of the test part from disk would take longer than to make them.

use bakeoff_core::{
    Corruption, FittedModel, Samples,
    record::{CorruptionScore, RobustnessSpec, Stage},
};
use bakeoff_data::corrupt;
use bakeoff_metrics::{Predictions, log_loss};

use super::contract::Stop;
use crate::{
    event::{OnEvent, TrialEvent},
    sidecars::CorruptedAnswers,
};

/// Bytes of images that are corrupted and predicted at a time. The last bits of a
/// prediction may depend on the batch, so this is part of the method.
const BLOCK_BYTES: usize = 64 << 20;

/// Every corruption in every severity, in the order of the plan.
pub(super) fn measure_robustness(
    model: &dyn FittedModel,
    reported: &Samples,
    spec: &RobustnessSpec,
    on_event: &mut OnEvent<'_>,
) -> Result<(Vec<CorruptionScore>, CorruptedAnswers), Stop> {
    let total = spec.corruptions.len();
    let mut scores = Vec::with_capacity(total * usize::from(Corruption::SEVERITIES));
    let mut answers = CorruptedAnswers::default();
    for (position, &corruption) in spec.corruptions.iter().enumerate() {
        let event = TrialEvent::Corruption {
            corruption,
            position: position + 1,
            total,
        };
        if on_event(&event).is_break() {
            return Err(Stop::Cancelled);
        }
        for severity in 1..=Corruption::SEVERITIES {
            let set = (corruption, severity, spec.seed);
            scores.push(score(model, reported, set, &mut answers)?);
        }
    }
    Ok((scores, answers))
}

fn score(
    model: &dyn FittedModel,
    reported: &Samples,
    (corruption, severity, seed): (Corruption, u8, u64),
    all: &mut CorruptedAnswers,
) -> Result<CorruptionScore, Stop> {
    all.sets += 1;
    let images = reported.images();
    let block = (BLOCK_BYTES / images.shape().pixels()).max(1);
    let (mut correct, mut loss, mut confidence) = (0, 0.0, 0.0);
    for (number, labels) in reported.labels().chunks(block).enumerate() {
        let first = number * block;
        let range = first..first + labels.len();
        let corrupted = corrupt(images, range, corruption, severity, seed)
            .map_err(Stop::failed(Stage::Data))?;
        let probabilities = model
            .predict_proba(&corrupted)
            .map_err(Stop::predict(Stage::Predict))?;
        let predictions =
            Predictions::new(labels, &probabilities).map_err(Stop::failed(Stage::Predict))?;
        let answers = predictions.predicted().iter().zip(labels);
        correct += answers.filter(|(answer, label)| answer == label).count() as u64;
        loss += log_loss(&predictions) * labels.len() as f64;
        let before = all.confidence.len();
        all.push(&predictions);
        let own = all.confidence[before..].iter();
        confidence += own.map(|&confidence| f64::from(confidence)).sum::<f64>();
    }
    let total = reported.len();
    Ok(CorruptionScore {
        corruption,
        severity,
        correct,
        total: total as u64,
        log_loss: loss / total as f64,
        mean_confidence: confidence / total as f64,
    })
}
