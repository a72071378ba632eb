//! DeLong's test: do two models differ in their area under the ROC curve?
//!
//! E. DeLong, D. DeLong and D. Clarke-Pearson, "Comparing the areas under two or more
//! correlated receiver operating characteristic curves: a nonparametric approach",
//! Biometrics 44 (1988), with placements by sorting instead of the paper's double sum:
//! X. Sun and W. Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing
//! Letters 21 (2014).

use serde::{Deserialize, Serialize};

use super::distributions::{normal_cdf, normal_quantile};
use crate::{Confidence, Interval, Pair, placements::Placements};

/// The difference of two areas under the ROC curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AucDifference {
    /// Area of the first model.
    pub first: f64,
    /// Area of the second model.
    pub second: f64,
    /// First less second.
    pub difference: f64,
    /// Standard error of the difference.
    pub standard_error: f64,
    /// Difference over standard error; 0 where both are 0, `None` where only the error is,
    /// so that there is no spread to judge by.
    pub z: Option<f64>,
    /// Two-sided p-value by the normal distribution, `None` as `z` is.
    pub p: Option<f64>,
}

impl AucDifference {
    fn new(first: f64, second: f64, difference: f64, variance: f64) -> Self {
        let standard_error = variance.sqrt();
        let z = if standard_error > 0.0 {
            Some(difference / standard_error)
        } else {
            (difference == 0.0).then_some(0.0)
        };
        Self {
            first,
            second,
            difference,
            standard_error,
            z,
            p: z.map(|z| 2.0 * normal_cdf(-z.abs())),
        }
    }

    /// Where the difference lies.
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let reach = self.standard_error * normal_quantile(1.0 - confidence.tail());
        Interval {
            low: self.difference - reach,
            high: self.difference + reach,
        }
    }
}

impl Pair<'_> {
    /// DeLong's test of the two models' areas for one class against the rest. `None` with
    /// fewer than two samples of the class or of the rest. Panics past the last class, as
    /// indexing does.
    pub fn delong(&self, class: usize) -> Option<AucDifference> {
        let first = Placements::new(self.first(), class);
        let second = Placements::new(self.second(), class);
        if first.positives < 2 || first.negatives < 2 {
            return None;
        }
        // The variance of a difference is that of the differences of placements; the
        // paper's three covariances give the same with more rounding.
        let mut strata = [Vec::new(), Vec::new()];
        for (sample, &label) in self.first().labels().iter().enumerate() {
            let positive = usize::from(label) == class;
            let a = first.share(sample, positive);
            let b = second.share(sample, positive);
            strata[usize::from(positive)].push(a - b);
        }
        let variance = strata.iter().map(|of| variance_of_mean(of)).sum();
        let (a, b) = (area(&first), area(&second));
        Some(AucDifference::new(
            a,
            b,
            difference(&first, &second),
            variance,
        ))
    }

    /// The same test of macro AUC, over the classes that have an area.
    ///
    /// A sample takes part in the area of every class, so its placements are added over
    /// the classes first; the samples of each class are one stratum, as positives and
    /// negatives are in DeLong's test, which this is for two classes whose probabilities
    /// sum to one. `None` where no class has an area or a class has exactly one sample.
    pub fn delong_macro(&self) -> Option<AucDifference> {
        let predictions = self.first();
        let labels = predictions.labels();
        if predictions.support().contains(&1) {
            return None;
        }
        let mut classes = 0.0;
        let (mut first, mut second, mut apart) = (0.0, 0.0, 0.0);
        let mut parts = vec![0.0; labels.len()];
        for class in 0..predictions.classes() {
            let a = Placements::new(self.first(), class);
            let b = Placements::new(self.second(), class);
            if !a.defined() {
                continue;
            }
            classes += 1.0;
            first += area(&a);
            second += area(&b);
            apart += difference(&a, &b);
            for (sample, (part, &label)) in parts.iter_mut().zip(labels).enumerate() {
                let positive = usize::from(label) == class;
                // The derivative of the area by the sample's weight, times the samples of
                // its class; what is the same for all of a stratum drops out of variances.
                let scale = if positive {
                    1.0
                } else {
                    predictions.support()[usize::from(label)] as f64 / a.negatives as f64
                };
                *part += scale * (a.share(sample, positive) - b.share(sample, positive));
            }
        }
        if classes == 0.0 {
            return None;
        }
        let mut strata = vec![Vec::new(); predictions.classes()];
        for (part, &label) in parts.iter().zip(labels) {
            strata[usize::from(label)].push(part / classes);
        }
        let variance = strata.iter().map(|of| variance_of_mean(of)).sum();
        Some(AucDifference::new(
            first / classes,
            second / classes,
            apart / classes,
            variance,
        ))
    }
}

fn area(of: &Placements) -> f64 {
    twice_area(of) as f64 / twice_pairs(of)
}

/// Exactly 0 for equal areas, which the difference of two quotients need not be.
fn difference(a: &Placements, b: &Placements) -> f64 {
    let (a_wins, b_wins) = (twice_area(a), twice_area(b));
    let apart = a_wins.abs_diff(b_wins) as f64 / twice_pairs(a);
    if a_wins < b_wins { -apart } else { apart }
}

/// The sum over positives is that over negatives; both together are twice either.
fn twice_area(of: &Placements) -> u128 {
    of.twice_wins
        .iter()
        .map(|&wins| u128::from(wins))
        .sum::<u128>()
        / 2
}

fn twice_pairs(of: &Placements) -> f64 {
    (2 * u128::from(of.positives) * u128::from(of.negatives)) as f64
}

/// Sample variance over number, of samples that were drawn from one group: the estimated
/// variance of the mean.
fn variance_of_mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    if count < 2.0 || values.iter().all(|v| *v == values[0]) {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    squares / (count - 1.0) / count
}
