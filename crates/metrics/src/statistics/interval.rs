//! Intervals, and the exact one of a share of samples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MetricsError;

/// A confidence level strictly between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence(f64);

impl Confidence {
    /// 95 %.
    pub const P95: Self = Self(0.95);

    /// Checks a level.
    ///
    /// # Errors
    /// When it does not lie strictly between 0 and 1.
    pub fn new(level: f64) -> Result<Self, MetricsError> {
        if level > 0.0 && level < 1.0 {
            Ok(Self(level))
        } else {
            Err(MetricsError::Confidence(level))
        }
    }

    /// The level.
    pub fn level(self) -> f64 {
        self.0
    }

    /// What is left out below and above, each.
    pub(crate) fn tail(self) -> f64 {
        (1.0 - self.0) / 2.0
    }
}

/// An interval, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies in it.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The mid-p interval of a share of `successes` among `trials`: the shares at which what was
/// found, counted half, and what is further away have at least the probability of a tail. Never
/// leaves 0..=1 and has a width at 0 and at 1. Of no trials it is 0..=1.
///
/// H. Lancaster, "Significance tests in discrete distributions", Journal of the American
/// Statistical Association 56 (1961); G. Berry and P. Armitage, "Mid-P confidence intervals: a
/// brief review", The Statistician 44 (1995). Wilson's interval was rejected: it covers 90 to
/// 92 % where about one error is expected.
pub fn mid_p(successes: u64, trials: u64, confidence: Confidence) -> Interval {
    let successes = successes.min(trials);
    Interval {
        low: lower_end(successes, trials, confidence.tail()),
        high: 1.0 - lower_end(trials - successes, trials, confidence.tail()),
    }
}

/// The share at which so many successes, counted half, or more have the probability `tail`.
fn lower_end(successes: u64, trials: u64, tail: f64) -> f64 {
    if successes == 0 {
        return 0.0;
    }
    // The probability grows with the share.
    let (mut low, mut high) = (0.0, 1.0);
    // Halved until the ends are neighbours.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if at_least_mid(successes, trials, middle) < tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// P(X ≥ k) − P(X = k)/2 for a binomial X with 0 < share < 1. Summed away from k on the side
/// where terms shrink, because the incomplete beta function of `statrs` stops converging from
/// some ten thousand trials on.
fn at_least_mid(k: u64, trials: u64, share: f64) -> f64 {
    let (n, x) = (trials as f64, k as f64);
    let odds = share / (1.0 - share);
    let choose = libm::lgamma(n + 1.0) - libm::lgamma(x + 1.0) - libm::lgamma(n - x + 1.0);
    let at_k = (choose + x * share.ln() + (n - x) * (-share).ln_1p()).exp();
    let mut sum = at_k / 2.0;
    let mut term = at_k;
    let above = x >= n * share;
    let mut place = x;
    loop {
        if above {
            term *= (n - place) / (place + 1.0) * odds;
            place += 1.0;
        } else {
            term *= place / (n - place + 1.0) / odds;
            place -= 1.0;
        }
        // Also past the last one, where a term is 0.
        if term <= sum * 1e-18 {
            break;
        }
        sum += term;
    }
    if above { sum } else { 1.0 - sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_outside_are_refused() {
        for level in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
            assert!(Confidence::new(level).is_err(), "{level}");
        }
        assert_eq!(Confidence::new(0.95), Ok(Confidence::P95));
    }

    #[test]
    fn nothing_tried_says_nothing() {
        let all = mid_p(0, 0, Confidence::P95);
        assert_eq!((all.low, all.high), (0.0, 1.0));
    }

    #[test]
    fn without_errors_it_is_the_rule_of_three() {
        let found = mid_p(100, 100, Confidence::P95);
        // Half of the probability of no error is 0.025.
        assert!((found.low - 0.05_f64.powf(0.01)).abs() < 1e-12);
        assert_eq!(found.high, 1.0);
        let turned = mid_p(0, 100, Confidence::P95);
        assert!((turned.high + found.low - 1.0).abs() < 1e-15);
    }
}
