//! What each sample adds to a score.

use std::sync::Arc;

use crate::{MetricsError, Predictions};

/// Which samples influences belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    classes: usize,
    labels: Arc<[u16]>,
}

impl Origin {
    pub(super) fn new(predictions: &Predictions<'_>) -> Self {
        Self {
            classes: predictions.classes(),
            labels: predictions.labels().into(),
        }
    }
}

/// A score of one model, or the difference of two, with what each sample adds to it.
#[derive(Clone, Debug)]
pub struct Influence {
    estimate: f64,
    each: Vec<f64>,
    origin: Origin,
}

impl Influence {
    /// From the value without each of the samples.
    pub(super) fn new(estimate: f64, without: &[f64], origin: Origin) -> Self {
        let count = without.len() as f64;
        // Equal numbers are their own mean, which their sum over their number need not be.
        let equal = without.iter().all(|value| *value == without[0]);
        let mean = if equal {
            without.first().copied().unwrap_or(estimate)
        } else {
            without.iter().sum::<f64>() / count
        };
        let scale = ((count - 1.0) / count).sqrt();
        Self {
            estimate,
            each: without.iter().map(|v| scale * (mean - v)).collect(),
            origin,
        }
    }

    /// The score itself.
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// What each sample adds to it, class after class; their squares sum to the jackknife's
    /// variance of samples that are drawn whatever their class.
    pub fn each(&self) -> &[f64] {
        &self.each
    }

    /// The mean of several fits of a model, sample by sample.
    ///
    /// # Errors
    /// When there is none, or when they are of other samples, as [`Influence::minus`].
    pub fn mean(fits: &[&Self]) -> Result<Self, MetricsError> {
        let Some(&first) = fits.first() else {
            return Err(MetricsError::too_few("fits of a model", 0, 1));
        };
        if fits.iter().any(|fit| fit.origin != first.origin) {
            return Err(MetricsError::OtherSamples);
        }
        let count = fits.len() as f64;
        let each = (0..first.each.len())
            .map(|sample| fits.iter().map(|fit| fit.each[sample]).sum::<f64>() / count);
        Ok(Self {
            estimate: fits.iter().map(|fit| fit.estimate).sum::<f64>() / count,
            each: each.collect(),
            origin: first.origin.clone(),
        })
    }

    /// Subtracts another model's score, sample by sample: the difference of two models on the
    /// same samples.
    ///
    /// # Errors
    /// When the other is of samples with other labels.
    pub fn minus(&self, other: &Self) -> Result<Self, MetricsError> {
        if self.origin != other.origin {
            return Err(MetricsError::OtherSamples);
        }
        let each = self.each.iter().zip(&other.each);
        Ok(Self {
            estimate: self.estimate - other.estimate,
            each: each.map(|(a, b)| a - b).collect(),
            origin: self.origin.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn influence(without: &[f64], labels: &[u16]) -> Influence {
        let origin = Origin {
            classes: 2,
            labels: labels.into(),
        };
        Influence::new(0.5, without, origin)
    }

    #[test]
    fn squares_sum_to_the_variance_of_a_mean() {
        // The mean of 1, 0, 0, 1, 0 without each of them.
        let values = [1.0, 0.0, 0.0, 1.0, 0.0];
        let without = values.map(|value| (2.0 - value) / 4.0);
        let found = influence(&without, &[0, 0, 1, 1, 1]);
        let variance: f64 = found.each().iter().map(|d| d * d).sum();
        let spread: f64 = values.iter().map(|v| (v - 0.4_f64).powi(2)).sum();
        assert!((variance - spread / 4.0 / 5.0).abs() < 1e-15);
        assert!(found.each()[0] > 0.0 && found.each()[1] < 0.0);
    }

    #[test]
    fn what_no_sample_moves_has_no_influence_at_all() {
        let found = influence(&[0.1; 7], &[0; 7]);
        assert!(found.each().iter().all(|d| *d == 0.0));
    }

    #[test]
    fn means_and_differences_are_of_the_same_samples() {
        let one = influence(&[0.5, 0.25, 0.75], &[0, 1, 1]);
        let other = influence(&[0.5, 0.5, 0.25], &[0, 1, 1]);
        let mean = Influence::mean(&[&one, &other]).unwrap();
        assert_eq!(mean.each()[2], (one.each()[2] + other.each()[2]) / 2.0);
        let apart = one.minus(&other).unwrap();
        assert_eq!(apart.each()[1], one.each()[1] - other.each()[1]);
        assert_eq!(apart.estimate(), 0.0);
        let elsewhere = influence(&[0.5, 0.25, 0.75], &[1, 1, 1]);
        let refused = Some(MetricsError::OtherSamples);
        assert_eq!(one.minus(&elsewhere).err(), refused);
        assert_eq!(Influence::mean(&[&one, &elsewhere]).err(), refused);
        assert!(Influence::mean(&[]).is_err());
    }
}
