//! Intervals from resampled values.

use std::{ops::Range, sync::Arc};

use crate::{
    Confidence, Interval, MetricsError, Predictions,
    calibration::quantile_of_sorted,
    statistics::distributions::{normal_cdf, normal_quantile},
};

/// Which resamples values belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    seed: u64,
    resamples: usize,
    classes: usize,
    labels: Arc<[u16]>,
}

impl Origin {
    pub(super) fn new(seed: u64, resamples: usize, predictions: &Predictions<'_>) -> Self {
        Self {
            seed,
            resamples,
            classes: predictions.classes(),
            labels: predictions.labels().into(),
        }
    }
}

/// A metric of one model, or the difference of two, on every resample.
#[derive(Clone, Debug)]
pub struct Resampled {
    estimate: f64,
    values: Vec<f64>,
    /// The value without each of the samples, class after class.
    without: Vec<f64>,
    strata: Vec<Range<usize>>,
    origin: Origin,
}

impl Resampled {
    pub(super) fn new(
        estimate: f64,
        values: Vec<f64>,
        without: Vec<f64>,
        strata: &[Range<usize>],
        origin: Origin,
    ) -> Self {
        Self {
            estimate,
            values,
            without,
            strata: strata.to_vec(),
            origin,
        }
    }

    /// The value on the samples themselves.
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// The value on each resample, in the order they were drawn.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Standard deviation of the values.
    pub fn standard_error(&self) -> f64 {
        let count = self.values.len() as f64;
        let mean = self.values.iter().sum::<f64>() / count;
        let squares: f64 = self.values.iter().map(|v| (v - mean).powi(2)).sum();
        (squares / (count - 1.0)).sqrt()
    }

    /// The bias-corrected and accelerated (BCa) interval.
    ///
    /// B. Efron, "Better bootstrap confidence intervals", Journal of the American
    /// Statistical Association 82 (1987); the acceleration of several groups of samples by
    /// leaving out one sample at a time, as `scipy.stats.bootstrap` computes it. An
    /// estimate beyond all values counts as beyond all but half of one, so that the
    /// correction stays finite. Where all values are equal, so are both ends.
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let below = sorted.partition_point(|&value| value < self.estimate);
        let not_above = sorted.partition_point(|&value| value <= self.estimate);
        let share = (below + not_above) as f64 / (2.0 * count);
        let share = share.clamp(0.5 / count, 1.0 - 0.5 / count);
        let bias = normal_quantile(share);
        let acceleration = self.acceleration();
        let end = |tail: f64| {
            let z = bias + normal_quantile(tail);
            let shrink = 1.0 - acceleration * z;
            let share = if shrink > 0.0 {
                normal_cdf(bias + z / shrink)
            } else {
                // Past the pole of the correction every value is on one side.
                f64::from(u8::from(z > 0.0))
            };
            quantile_of_sorted(&sorted, share)
        };
        Interval {
            low: end(confidence.tail()),
            high: end(1.0 - confidence.tail()),
        }
    }

    /// Subtracts another model's values, resample by resample: the difference of two
    /// models on the same samples, with its own interval.
    ///
    /// # Errors
    /// When the other comes from other resamples: another seed or number of them, or other
    /// labels.
    pub fn minus(&self, other: &Self) -> Result<Self, MetricsError> {
        if self.origin != other.origin {
            return Err(MetricsError::Resamples);
        }
        let subtract = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
        Ok(Self {
            estimate: self.estimate - other.estimate,
            values: subtract(&self.values, &other.values),
            without: subtract(&self.without, &other.without),
            strata: self.strata.clone(),
            origin: self.origin.clone(),
        })
    }

    /// Skewness of what single samples contribute, over six.
    fn acceleration(&self) -> f64 {
        let (mut cubes, mut squares) = (0.0, 0.0);
        for stratum in &self.strata {
            let without = &self.without[stratum.clone()];
            let count = without.len() as f64;
            let mean = without.iter().sum::<f64>() / count;
            for value in without {
                let influence = (count - 1.0) * (mean - value) / count;
                squares += influence.powi(2);
                cubes += influence.powi(3);
            }
        }
        if squares > 0.0 {
            cubes / squares.powf(1.5) / 6.0
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// What scipy makes of the same resamples; `tests/golden/make_statistics.py`.
    const GOLDEN: &str = include_str!("../../tests/golden/statistics.json");

    #[test]
    fn intervals_are_those_of_scipy() {
        let golden: Value = serde_json::from_str(GOLDEN).unwrap();
        let numbers = |value: &Value| -> Vec<f64> {
            let list = value.as_array().unwrap().iter();
            list.map(|v| v.as_f64().unwrap()).collect()
        };
        for case in golden["bca"].as_array().unwrap() {
            let (right, total) = (numbers(&case["right"]), numbers(&case["total"]));
            let (right_all, total_all) = (right.iter().sum::<f64>(), total.iter().sum::<f64>());
            let mut without = Vec::new();
            let mut strata = Vec::new();
            for (&right, &total) in right.iter().zip(&total) {
                let start = without.len();
                for sample in 0..total as usize {
                    let own = f64::from(u8::from((sample as f64) < right));
                    without.push((right_all - own) / (total_all - 1.0));
                }
                strata.push(start..without.len());
            }
            let labels = Arc::from([]);
            let resampled = Resampled {
                estimate: right_all / total_all,
                values: numbers(&case["resamples"]),
                without,
                strata,
                origin: Origin {
                    seed: 0,
                    resamples: 999,
                    classes: total.len(),
                    labels,
                },
            };
            let level = Confidence::new(case["level"].as_f64().unwrap()).unwrap();
            let found = resampled.interval(level);
            let expected = numbers(&case["interval"]);
            assert!(
                (found.low - expected[0]).abs() < 1e-9,
                "{found:?} {expected:?}"
            );
            assert!(
                (found.high - expected[1]).abs() < 1e-9,
                "{found:?} {expected:?}"
            );
        }
    }

    #[test]
    fn values_that_never_move_make_an_interval_of_one_point() {
        let still = Resampled {
            estimate: 1.0,
            values: vec![1.0; 200],
            without: vec![1.0; 5],
            strata: vec![0..2, 2..2, 2..5],
            origin: Origin {
                seed: 0,
                resamples: 200,
                classes: 3,
                labels: Arc::from([0, 0, 2, 2, 2]),
            },
        };
        let found = still.interval(Confidence::P95);
        assert_eq!((found.low, found.high), (1.0, 1.0));
        assert_eq!(still.standard_error(), 0.0);
    }
}
