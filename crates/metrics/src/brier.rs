//! The Brier score.
//!
//! G. Brier, "Verification of forecasts expressed in terms of probability", Monthly
//! Weather Review 78 (1950), summed over the classes, so that it lies in 0..=2 for any
//! number of them (scikit-learn halves it for two classes; with `scale_by_half=False` it
//! agrees).

use crate::{Predictions, sum::sum};

/// Mean over the samples of the squared distance between the probabilities and the truth
/// (1 for the correct class, 0 for the others); from 0 to 2.
pub fn brier_score(predictions: &Predictions<'_>) -> f64 {
    let rows = predictions.probabilities().rows();
    let scores = rows
        .zip(predictions.labels())
        .map(|(row, &label)| sample_brier_score(row, label));
    sum(scores) / predictions.samples() as f64
}

/// The Brier score of one sample.
pub(crate) fn sample_brier_score(row: &[f32], label: u16) -> f64 {
    row.iter()
        .enumerate()
        .map(|(class, &p)| {
            let truth = f64::from(u8::from(class == usize::from(label)));
            (f64::from(p) - truth).powi(2)
        })
        .sum()
}
