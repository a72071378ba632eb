//! Intervals, and Wilson's for a share of samples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::distributions::normal_quantile;
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

/// Wilson's interval for a share of `successes` among `trials`, without continuity
/// correction. Unlike the usual `p ± z·se` it never leaves 0..=1 and has a width at 0 and
/// at 1. Of no trials it is 0..=1.
///
/// E. Wilson, "Probable inference, the law of succession, and statistical inference",
/// Journal of the American Statistical Association 22 (1927).
pub fn wilson(successes: u64, trials: u64, confidence: Confidence) -> Interval {
    if trials == 0 {
        return Interval {
            low: 0.0,
            high: 1.0,
        };
    }
    let n = trials as f64;
    let share = successes.min(trials) as f64 / n;
    let z = normal_quantile(1.0 - confidence.tail());
    let shrink = 1.0 + z * z / n;
    let centre = (share + z * z / (2.0 * n)) / shrink;
    let reach = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt() / shrink;
    Interval {
        low: (centre - reach).max(0.0),
        high: (centre + reach).min(1.0),
    }
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
        let all = wilson(0, 0, Confidence::P95);
        assert_eq!((all.low, all.high), (0.0, 1.0));
    }
}
