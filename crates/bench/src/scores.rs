//! Are the scores of a record those of its predictions?

use bakeoff_core::{
    Probabilities,
    record::{CorruptionScore, Scores},
};
use bakeoff_metrics::{Predictions, log_loss};

/// Scores in a record that differ by more than this from those of its probabilities are not
/// theirs. Another machine may add in another order, which changes the last bits.
const SCORE_TOLERANCE: f64 = 1e-9;

/// Whether a record's scores are those of its probabilities; an error says what differs.
pub(crate) fn check_scores(
    scores: &Scores,
    labels: &[u16],
    probabilities: &Probabilities,
) -> Result<(), String> {
    let predictions = Predictions::new(labels, probabilities).map_err(|error| error.to_string())?;
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
            return Err(format!(
                "it says that the {name} is {recorded}, but its probabilities give {computed}"
            ));
        }
    }
    Ok(())
}

/// Whether the numbers of correct predictions on corrupted images are those of the predictions; an error says
/// what differs.
pub(crate) fn check_corrupted(
    scores: &[CorruptionScore],
    labels: &[u16],
    predicted: &[u16],
) -> Result<(), String> {
    for (score, predicted) in scores.iter().zip(predicted.chunks(labels.len().max(1))) {
        let answers = predicted.iter().zip(labels);
        let correct = answers.filter(|(answer, label)| answer == label).count() as u64;
        if correct != score.correct {
            return Err(format!(
                "it says that {} predictions are correct under {} in severity {}, but its \
                 predictions give {correct}",
                score.correct, score.corruption, score.severity
            ));
        }
    }
    Ok(())
}
