//! Scores of the probabilities themselves: log loss, top-k accuracy. A new score that is a
//! function of [`Predictions`] goes here; a row of `bakeoff_measures` shows it.

use crate::{Predictions, sum::sum};

/// Mean negative log probability of the correct class, in nats.
///
/// As scikit-learn's `log_loss` on the probabilities as `f64`: they are clipped to
/// `[ε, 1 - ε]` with ε = 2⁻⁵² (so that a correct class of probability 0 costs 36.04 nats,
/// not infinity), and rows are not normalised again.
pub fn log_loss(predictions: &Predictions<'_>) -> f64 {
    sum(losses(predictions)) / predictions.samples() as f64
}

/// The log loss of each sample, in nats; [`log_loss`] is their mean.
pub fn sample_log_losses(predictions: &Predictions<'_>) -> Vec<f64> {
    losses(predictions).collect()
}

/// Samples whose correct class has a probability of 0, which the clipping of [`log_loss`] makes
/// cost 36.04 nats each.
pub fn zero_probabilities(predictions: &Predictions<'_>) -> usize {
    let rows = predictions.probabilities().rows();
    let truths = rows.zip(predictions.labels());
    truths
        .filter(|(row, label)| f64::from(row[usize::from(**label)]) < f64::EPSILON)
        .count()
}

fn losses<'p>(predictions: &'p Predictions<'_>) -> impl Iterator<Item = f64> + 'p {
    let rows = predictions.probabilities().rows();
    rows.zip(predictions.labels())
        .map(|(row, &label)| sample_log_loss(row[usize::from(label)]))
}

/// The log loss of one sample whose correct class got this probability.
pub(crate) fn sample_log_loss(probability: f32) -> f64 {
    -f64::from(probability)
        .clamp(f64::EPSILON, 1.0 - f64::EPSILON)
        .ln()
}

/// Share of samples whose correct class is among the `k` most probable ones.
///
/// Among equally probable classes the lowest index comes first, as in
/// [`bakeoff_core::Probabilities::predicted`], so that `k = 1` is accuracy
/// (scikit-learn's `top_k_accuracy_score` puts the highest index first). With `k` of at
/// least the number of classes it is 1, and with `k = 0` it is 0.
pub fn top_k_accuracy(predictions: &Predictions<'_>, k: usize) -> f64 {
    let rows = predictions.probabilities().rows();
    let hits = rows
        .zip(predictions.labels())
        .filter(|&(row, &label)| rank(row, usize::from(label)) < k)
        .count();
    hits as f64 / predictions.samples() as f64
}

/// How many classes come before `class` in its row.
pub(crate) fn rank(row: &[f32], class: usize) -> usize {
    let own = row[class];
    row.iter()
        .enumerate()
        .filter(|&(other, &value)| value > own || (value == own && other < class))
        .count()
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;

    use super::*;

    #[test]
    fn ties_put_the_lowest_index_first() {
        let p = Probabilities::new(4, vec![0.25; 8]).unwrap();
        let predictions = Predictions::new(&[0, 2], &p).unwrap();
        let top = |k| top_k_accuracy(&predictions, k);
        assert_eq!(
            [top(0), top(1), top(2), top(3), top(9)],
            [0.0, 0.5, 0.5, 1.0, 1.0]
        );
    }

    #[test]
    fn certain_and_wrong_costs_a_finite_loss() {
        let p = Probabilities::new(2, vec![1.0, 0.0]).unwrap();
        let wrong = log_loss(&Predictions::new(&[1], &p).unwrap());
        assert!((wrong - 52.0 * std::f64::consts::LN_2).abs() < 1e-12);
        let right = log_loss(&Predictions::new(&[0], &p).unwrap());
        assert!(right > 0.0 && right < 1e-15);
    }
}
