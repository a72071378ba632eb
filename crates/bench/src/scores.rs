//! Are the scores of a record those of its predictions?

use std::path::Path;

use bakeoff_core::{
    Probabilities, StoreError,
    record::{CorruptionScore, Scores},
};
use bakeoff_metrics::{Predictions, log_loss};

use crate::files::RUN_AGAIN;

/// Scores in a record that differ by more than this from those of its probabilities are not
/// theirs. Another machine may add in another order, which changes the last bits.
const SCORE_TOLERANCE: f64 = 1e-9;

/// Whether a record's scores are those of its probabilities.
pub(crate) fn check_scores(
    path: &Path,
    scores: &Scores,
    labels: &[u16],
    probabilities: &Probabilities,
) -> Result<(), StoreError> {
    let predictions = Predictions::new(labels, probabilities)
        .map_err(|error| StoreError::damaged(path, error.to_string()))?;
    let answers = predictions.predicted().iter().zip(labels);
    let correct = answers.filter(|(answer, label)| answer == label).count();
    let own = [
        (
            "accuracy",
            scores.accuracy,
            correct as f64 / labels.len().max(1) as f64,
        ),
        ("log loss", scores.log_loss, log_loss(&predictions)),
    ];
    for (name, recorded, computed) in own {
        let largest = recorded.abs().max(computed.abs()).max(1.0);
        // Nothing is close to what is not a number.
        let is_close = (recorded - computed).abs() <= SCORE_TOLERANCE * largest;
        if !is_close {
            return Err(StoreError::damaged(
                path,
                format!(
                    "it says that the {name} is {recorded}, but its probabilities give \
                     {computed}; {RUN_AGAIN}"
                ),
            ));
        }
    }
    Ok(())
}

/// Whether the numbers of correct predictions on corrupted images are those of the predictions.
pub(crate) fn check_corrupted(
    path: &Path,
    scores: &[CorruptionScore],
    labels: &[u16],
    predicted: &[u16],
) -> Result<(), StoreError> {
    for (score, predicted) in scores.iter().zip(predicted.chunks(labels.len().max(1))) {
        let answers = predicted.iter().zip(labels);
        let correct = answers.filter(|(answer, label)| answer == label).count() as u64;
        if correct != score.correct {
            return Err(StoreError::damaged(
                path,
                format!(
                    "it says that {} predictions are correct under {} in severity {}, but its \
                     predictions give {correct}; {RUN_AGAIN}",
                    score.correct, score.corruption, score.severity
                ),
            ));
        }
    }
    Ok(())
}
