//! Two models compared over folds or repeated splits of the same data.
//!
//! The folds' training parts overlap, so the plain t-test takes their differences for more
//! independent than they are and finds winners by chance. C. Nadeau and Y. Bengio,
//! "Inference for the generalization error", Machine Learning 52 (2003), widen the
//! variance by the ratio of test to training samples; G. Corani and A. Benavoli, "A
//! Bayesian approach for comparing cross-validated algorithms on multiple data sets",
//! Machine Learning 100 (2015), show that the same Student's T is the posterior of the
//! difference.

use serde::{Deserialize, Serialize};

use super::distributions::{student_t_cdf, student_t_quantile, student_t_two_sided};
use crate::{Confidence, Interval, MetricsError};

/// The corrected resampled t-test of the differences of two models over folds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResampledT {
    /// Mean difference, first model less second.
    pub mean: f64,
    /// Standard error of the mean, corrected for overlapping training parts.
    pub standard_error: f64,
    /// Folds less one.
    pub degrees_of_freedom: u32,
    /// Mean over standard error; `None` where all differences are equal and not 0.
    pub t: Option<f64>,
    /// Two-sided p-value; 1 where all differences are 0, `None` where all are equal but not
    /// 0, so that there is no spread to judge by.
    pub p: Option<f64>,
}

/// How probable it is that a difference matters, given what is too small to matter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Practical {
    /// The first model's score is lower by more than the margin.
    pub first_lower: f64,
    /// They differ by no more than the margin: practically equivalent.
    pub equivalent: f64,
    /// The first model's score is higher by more than the margin.
    pub first_higher: f64,
}

impl ResampledT {
    /// Tests the differences (first model less second), one for each fold; `train` and
    /// `test` are the samples of one fold's two parts.
    ///
    /// # Errors
    /// When there are fewer than two differences, when one is not finite, or when a part is
    /// empty.
    pub fn new(differences: &[f64], train: usize, test: usize) -> Result<Self, MetricsError> {
        if differences.len() < 2 {
            return Err(MetricsError::too_few("folds", differences.len(), 2));
        }
        if let Some(index) = differences.iter().position(|d| !d.is_finite()) {
            return Err(MetricsError::NotFinite {
                what: "difference",
                index,
                value: differences[index],
            });
        }
        if train == 0 || test == 0 {
            return Err(MetricsError::Split { train, test });
        }
        let count = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / count;
        // Equal differences have no spread, though their mean may round.
        let equal = differences.iter().all(|d| *d == differences[0]);
        let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
        let variance = if equal { 0.0 } else { squares / (count - 1.0) };
        let standard_error = (variance * (1.0 / count + test as f64 / train as f64)).sqrt();
        let degrees_of_freedom = u32::try_from(differences.len() - 1).unwrap_or(u32::MAX);
        let t = if standard_error > 0.0 {
            Some(mean / standard_error)
        } else {
            (mean == 0.0).then_some(0.0)
        };
        Ok(Self {
            mean,
            standard_error,
            degrees_of_freedom,
            t,
            p: t.map(|t| student_t_two_sided(t, f64::from(degrees_of_freedom))),
        })
    }

    /// Where the difference lies.
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let freedom = f64::from(self.degrees_of_freedom);
        let reach = self.standard_error * student_t_quantile(1.0 - confidence.tail(), freedom);
        Interval {
            low: self.mean - reach,
            high: self.mean + reach,
        }
    }

    /// The Bayesian correlated t-test: probabilities of a difference beyond `margin`, the
    /// half-width of the region of practical equivalence (its sign is ignored).
    pub fn practical(&self, margin: f64) -> Practical {
        let margin = margin.abs();
        let freedom = f64::from(self.degrees_of_freedom);
        let chance_within = |distance: f64| {
            if self.standard_error > 0.0 {
                student_t_cdf(distance / self.standard_error, freedom)
            } else {
                f64::from(u8::from(distance > 0.0))
            }
        };
        // The upper tail by symmetry, so that a small one keeps its digits.
        let first_lower = chance_within(-margin - self.mean);
        let first_higher = chance_within(self.mean - margin);
        Practical {
            first_lower,
            equivalent: (1.0 - first_lower - first_higher).max(0.0),
            first_higher,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_by_place() {
        assert!(matches!(
            ResampledT::new(&[0.1], 9, 1),
            Err(MetricsError::TooFew { found: 1, .. })
        ));
        assert!(matches!(
            ResampledT::new(&[0.1, f64::NAN], 9, 1),
            Err(MetricsError::NotFinite { index: 1, .. })
        ));
        assert!(ResampledT::new(&[0.1, 0.2], 0, 1).is_err());
    }

    #[test]
    fn without_spread_there_is_no_statistic_unless_nothing_differs() {
        let equal = ResampledT::new(&[0.1; 10], 9, 1).unwrap();
        assert_eq!((equal.t, equal.p), (None, None));
        assert_eq!(equal.practical(0.05).first_higher, 1.0);
        let none = ResampledT::new(&[0.0; 10], 9, 1).unwrap();
        assert_eq!((none.t, none.p), (Some(0.0), Some(1.0)));
        assert_eq!(none.practical(0.01).equivalent, 1.0);
    }
}
