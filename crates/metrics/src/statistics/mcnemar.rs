//! McNemar's test: do two models differ in how often they are right?
//!
//! Exact and mid-p, by the binomial distribution of the samples on which exactly one of
//! them is right. The chi-squared approximation was rejected: it is wrong for good models,
//! which disagree on few samples, and the exact value costs nothing.
//!
//! M. Fagerland, S. Lydersen and P. Laake, "The McNemar test for binary matched-pairs
//! data: mid-p and asymptotic are better than exact conditional", BMC Medical Research
//! Methodology 13:91 (2013).

use serde::{Deserialize, Serialize};

use super::distributions::fair_coins;
use crate::Pair;

/// The outcome of McNemar's test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Samples that only the first model gets right.
    pub only_first: u64,
    /// Samples that only the second model gets right.
    pub only_second: u64,
    /// Two-sided exact p-value: never too small, usually too large.
    pub exact_p: f64,
    /// Two-sided mid-p-value: close to nominal, the one to use.
    pub mid_p: f64,
}

impl McNemar {
    /// Tests the two counts of samples on which exactly one model is right. Without any,
    /// both p-values are 1.
    pub fn new(only_first: u64, only_second: u64) -> Self {
        let fewer = only_first.min(only_second);
        let (exact_p, mid_p) = if only_first + only_second == 0 {
            (1.0, 1.0)
        } else {
            let (at_most, exactly) = fair_coins(fewer, only_first + only_second);
            if only_first == only_second {
                // Every outcome is at least as extreme, this one counted half.
                (1.0, 1.0 - exactly / 2.0)
            } else {
                let exact = (2.0 * at_most).min(1.0);
                (exact, exact - exactly)
            }
        };
        Self {
            only_first,
            only_second,
            exact_p,
            mid_p,
        }
    }
}

impl Pair<'_> {
    /// McNemar's test of the two models' correct predictions.
    pub fn mcnemar(&self) -> McNemar {
        let counts = self.joint_correctness();
        McNemar::new(counts.only_first, counts.only_second)
    }
}
