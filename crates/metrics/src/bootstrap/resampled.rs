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

    /// The two-sided p-value of the true value being `value`: the interval at a level of one
    /// less it just reaches there.
    ///
    /// The BCa interval turned round, so that interval and p-value never disagree; see T.
    /// DiCiccio and B. Efron, "Bootstrap confidence intervals", Statistical Science 11
    /// (1996). It is never below what the number of resamples can tell (1/1000 of 2,000); 1
    /// where no resample moves off `value`.
    pub fn p_value(&self, value: f64) -> f64 {
        let count = self.values.len() as f64;
        let share_below = |bound: f64| {
            let below = self.values.iter().filter(|&&v| v < bound).count();
            let not_above = self.values.iter().filter(|&&v| v <= bound).count();
            let share = (below + not_above) as f64 / (2.0 * count);
            share.clamp(0.5 / count, 1.0 - 0.5 / count)
        };
        if self.values.iter().all(|&v| v == value) {
            return 1.0;
        }
        let bias = normal_quantile(share_below(self.estimate));
        let reach = normal_quantile(share_below(value)) - bias;
        let pole = 1.0 + self.acceleration() * reach;
        // The tail whose end of the interval lies at `value`, as in `interval`.
        let tail = if pole > 0.0 {
            normal_cdf(reach / pole - bias)
        } else {
            f64::from(u8::from(reach > 0.0))
        };
        (2.0 * tail.min(1.0 - tail)).clamp(2.0 / count, 1.0)
    }

    /// The mean of several fits of a model, resample by resample: what one may expect of a
    /// fit, with its own interval.
    ///
    /// # Errors
    /// When there is none, or when they come from other resamples, as [`Resampled::minus`].
    pub fn mean(fits: &[&Self]) -> Result<Self, MetricsError> {
        let Some(&first) = fits.first() else {
            return Err(MetricsError::too_few("fits of a model", 0, 1));
        };
        if fits.iter().any(|fit| fit.origin != first.origin) {
            return Err(MetricsError::Resamples);
        }
        let count = fits.len() as f64;
        let mean = |of: &dyn Fn(&Self, usize) -> f64, places: usize| -> Vec<f64> {
            (0..places)
                .map(|place| fits.iter().map(|fit| of(fit, place)).sum::<f64>() / count)
                .collect()
        };
        Ok(Self {
            estimate: fits.iter().map(|fit| fit.estimate).sum::<f64>() / count,
            values: mean(&|fit, place| fit.values[place], first.values.len()),
            without: mean(&|fit, place| fit.without[place], first.without.len()),
            strata: first.strata.clone(),
            origin: first.origin.clone(),
        })
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

    /// What each sample adds to the value, class after class, so that the squares sum to the
    /// jackknife's variance of samples that are drawn class by class.
    pub(crate) fn influences(&self) -> Vec<f64> {
        let mut influences = Vec::with_capacity(self.without.len());
        for stratum in &self.strata {
            let without = &self.without[stratum.clone()];
            let count = without.len() as f64;
            let mean = without.iter().sum::<f64>() / count;
            let scale = ((count - 1.0) / count).sqrt();
            influences.extend(without.iter().map(|value| scale * (mean - value)));
        }
        influences
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

    /// A distribution leaning to one side, as of a metric near its bound.
    fn skewed(seed: u64) -> Resampled {
        let without: Vec<f64> = (0..50).map(|i| (i as f64 / 25.0).exp()).collect();
        let values = (0..1000_u64).map(|i| {
            let noise = (i * 7919 + seed * 104_729) % 1009;
            (noise as f64 / 200.0).exp() - 20.0
        });
        Resampled {
            estimate: 3.0,
            values: values.collect(),
            without,
            strata: vec![0..20, 20..50],
            origin: Origin {
                seed: 0,
                resamples: 1000,
                classes: 1,
                labels: Arc::from([0; 50]),
            },
        }
    }

    #[test]
    fn the_p_value_is_where_the_interval_ends() {
        let found = skewed(1);
        for value in [-15.0, -5.0, 0.0, 20.0, 60.0] {
            let p = found.p_value(value);
            if p > 0.99 {
                continue;
            }
            let interval = |level: f64| found.interval(Confidence::new(level).unwrap());
            assert!(!interval(1.0 - p - 0.01).contains(value), "{value} {p}");
            assert!(
                interval(1.0 - p + 0.01_f64.min(p / 2.0)).contains(value),
                "{value} {p}"
            );
        }
        // As little as the resamples can tell.
        assert!(found.p_value(1e9) < 0.05 && found.p_value(-1e9) < 0.05);
        let none = found.minus(&found).unwrap();
        assert_eq!(none.p_value(0.0), 1.0);
        assert_eq!(none.p_value(1.0), 0.002);
    }

    #[test]
    fn the_mean_of_fits_moves_with_all_of_them() {
        let (one, other) = (skewed(1), skewed(2));
        let mean = Resampled::mean(&[&one, &other]).unwrap();
        assert_eq!(mean.values[7], (one.values[7] + other.values[7]) / 2.0);
        assert_eq!(Resampled::mean(&[&one]).unwrap().values, one.values);
        assert!(Resampled::mean(&[]).is_err());
        let elsewhere = Resampled {
            origin: Origin {
                seed: 1,
                ..one.origin.clone()
            },
            ..one.clone()
        };
        assert_eq!(
            Resampled::mean(&[&one, &elsewhere]).unwrap_err(),
            MetricsError::Resamples
        );
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
    }
}
