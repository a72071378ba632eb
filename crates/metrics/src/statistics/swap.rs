//! The paired randomisation test of correct predictions: McNemar's, for several fits of a model.
//!
//! If two models were equally good, their answers about a sample could be swapped without
//! anybody noticing. The test takes every way of swapping them, sample by sample, for
//! equally probable, and asks how often the models would then lie at least as far apart as
//! they do. With one fit each that is McNemar's exact test; with several seeds a sample
//! counts by how many fits are right about it, and all fits of a model are swapped
//! together, because they saw the same sample. Where one model has more fits than the other,
//! their shares are not quite exchangeable and the test holds for many samples only.
//!
//! The distribution is computed, not drawn: samples that weigh the same are a binomial
//! variable, and there are few different weights. Drawing permutations was rejected: it
//! needs millions for a small p-value, and another seed gives another one. So was McNemar's
//! test of the fits pooled: it takes the fits' answers about one sample for independent.
//!
//! With one fit each the mid-p-value is the one that M. Fagerland, S. Lydersen and P. Laake
//! recommend, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better
//! than exact conditional", BMC Medical Research Methodology 13:91 (2013).
//!
//! E. Pitman, "Significance tests which may be applied to samples from any populations",
//! Supplement to the Journal of the Royal Statistical Society 4 (1937).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{MetricsError, Pair, Predictions};

/// Outcomes of the samples of one weight that are rarer than this are left out: it saves
/// most of the time where models differ on many samples. A p-value below it may come out
/// as 0.
const NEGLIGIBLE: f64 = 1e-60;

/// The outcome of the paired randomisation test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwapTest {
    /// Accuracy of the first model less that of the second, means over their fits.
    pub difference: f64,
    /// Samples that more of the first model's fits get right (by share).
    pub first_ahead: u64,
    /// Samples that more of the second model's fits get right.
    pub second_ahead: u64,
    /// Two-sided exact p-value: never too small, usually too large. 1 where no sample tells
    /// the models apart.
    pub exact_p: f64,
    /// Two-sided mid-p-value, the observed distance counted half: close to nominal, the one
    /// to use. 1 where no sample tells the models apart.
    pub mid_p: f64,
}

impl SwapTest {
    /// Tests the fits of two models (one for each seed) on the same samples.
    ///
    /// # Errors
    /// When a model has no fit, or as [`Pair::new`] for the first fit and any other.
    pub fn new(
        first: &[&Predictions<'_>],
        second: &[&Predictions<'_>],
    ) -> Result<Self, MetricsError> {
        let (Some(&one), false) = (first.first(), second.is_empty()) else {
            return Err(MetricsError::too_few("fits of a model", 0, 1));
        };
        for other in first.iter().chain(second) {
            Pair::new(one, other)?;
        }
        // Shares of right fits on one scale of whole numbers.
        let (first_fits, second_fits) = (first.len() as i64, second.len() as i64);
        let divisor = greatest_common_divisor(first_fits, second_fits);
        let right = |fits: &[&Predictions<'_>], sample: usize| {
            let label = one.labels()[sample];
            let right = fits.iter().filter(|fit| fit.predicted()[sample] == label);
            right.count() as i64
        };
        let apart: Vec<i64> = (0..one.samples())
            .map(|sample| {
                right(first, sample) * (second_fits / divisor)
                    - right(second, sample) * (first_fits / divisor)
            })
            .collect();
        let unit = first_fits * (second_fits / divisor);
        Ok(Self::of_differences(&apart, unit))
    }

    /// Tests whole numbers, one for each sample: how far the first model is ahead there,
    /// where `unit` is a whole sample.
    pub fn of_differences(apart: &[i64], unit: i64) -> Self {
        let total: i64 = apart.iter().sum();
        let (exact_p, mid_p) = two_sided(apart, total.unsigned_abs());
        let ahead = |sign: i64| apart.iter().filter(|d| d.signum() == sign).count() as u64;
        Self {
            difference: total as f64 / (unit as f64 * apart.len() as f64),
            first_ahead: ahead(1),
            second_ahead: ahead(-1),
            exact_p,
            mid_p,
        }
    }
}

/// P(|S| ≥ `observed`), and the same with P(|S| = `observed`) counted half, of the sum S of
/// all numbers with signs thrown by fair coins.
fn two_sided(apart: &[i64], observed: u64) -> (f64, f64) {
    let mut weights: BTreeMap<u64, usize> = BTreeMap::new();
    // In the order of weights, so that sums have one order.
    for difference in apart.iter().filter(|difference| **difference != 0) {
        *weights.entry(difference.unsigned_abs()).or_default() += 1;
    }
    if weights.is_empty() {
        return (1.0, 1.0);
    }
    // S is the sum of all numbers less twice those with tails: the mass of each such sum.
    let mut mass = vec![1.0];
    let mut sum = 0;
    for (&weight, &count) in &weights {
        let stride = weight as usize;
        let heads = fair_coin_masses(count);
        let mut next = vec![0.0; mass.len() + stride * count];
        for (heads, share) in heads.iter().enumerate() {
            if *share > NEGLIGIBLE {
                for (cell, value) in next[stride * heads..].iter_mut().zip(&mass) {
                    *cell += share * value;
                }
            }
        }
        mass = next;
        sum += weight * count as u64;
    }
    if observed == 0 {
        // Every outcome is at least as far apart; those that are not further count half.
        let exactly = if sum.is_multiple_of(2) {
            mass[sum as usize / 2]
        } else {
            0.0
        };
        return (1.0, 1.0 - exactly / 2.0);
    }
    // Both tails are alike. The sum and what was observed are both odd or both even.
    let last = ((sum - observed) / 2) as usize;
    let beyond: f64 = mass[..last].iter().sum();
    let exactly = mass[last];
    ((2.0 * (beyond + exactly)).min(1.0), 2.0 * beyond + exactly)
}

/// The probabilities of 0 to `count` heads of fair coins. From the middle outwards, where
/// they are largest, so that all have the same relative precision.
fn fair_coin_masses(count: usize) -> Vec<f64> {
    let middle = count / 2;
    let mut masses = vec![0.0; count + 1];
    masses[middle] = 1.0;
    for heads in middle..count {
        masses[heads + 1] = masses[heads] * (count - heads) as f64 / (heads + 1) as f64;
    }
    for heads in (0..middle).rev() {
        masses[heads] = masses[count - heads];
    }
    // The smallest first.
    let tail: f64 = masses[middle + 1..].iter().rev().sum();
    let rest: f64 = masses[..middle].iter().sum();
    let total = tail + rest + 1.0;
    masses.iter_mut().for_each(|mass| *mass /= total);
    masses
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All signs, one after the other.
    fn enumerated(apart: &[i64]) -> (f64, f64) {
        let observed = apart.iter().sum::<i64>().abs();
        let (mut beyond, mut exactly) = (0_u32, 0_u32);
        for signs in 0..1_u32 << apart.len() {
            let sum: i64 = apart
                .iter()
                .enumerate()
                .map(|(place, value)| {
                    if signs >> place & 1 == 1 {
                        -value
                    } else {
                        *value
                    }
                })
                .sum();
            beyond += u32::from(sum.abs() > observed);
            exactly += u32::from(sum.abs() == observed);
        }
        let all = f64::from(1_u32 << apart.len());
        let (beyond, exactly) = (f64::from(beyond) / all, f64::from(exactly) / all);
        (beyond + exactly, beyond + exactly / 2.0)
    }

    proptest! {
        #[test]
        fn the_distribution_is_that_of_all_signs(apart in prop::collection::vec(-4_i64..=4, 1..11)) {
            prop_assume!(apart.iter().any(|d| *d != 0));
            let found = SwapTest::of_differences(&apart, 4);
            let (exact, mid) = enumerated(&apart);
            prop_assert!((found.exact_p - exact).abs() < 1e-12);
            prop_assert!((found.mid_p - mid).abs() < 1e-12);
        }

        #[test]
        fn several_equal_fits_say_what_one_says(apart in prop::collection::vec(-1_i64..=1, 1..60)) {
            let one = SwapTest::of_differences(&apart, 1);
            let thrice: Vec<i64> = apart.iter().map(|d| 3 * d).collect();
            let three = SwapTest::of_differences(&thrice, 3);
            prop_assert_eq!(one, three);
        }
    }

    #[test]
    fn nothing_apart_is_no_difference() {
        let found = SwapTest::of_differences(&[0; 5], 1);
        assert_eq!((found.exact_p, found.mid_p), (1.0, 1.0));
        let even = SwapTest::of_differences(&[1, -1], 1);
        assert_eq!((even.exact_p, even.mid_p), (1.0, 0.75));
    }

    #[test]
    fn many_samples_keep_the_digits_of_small_values() {
        let found = SwapTest::of_differences(&[3; 150], 3);
        assert!((found.exact_p / 2.0_f64.powi(-149) - 1.0).abs() < 1e-9);
        let mut apart = vec![3; 6000];
        apart.extend(vec![-2; 9000]);
        let found = SwapTest::of_differences(&apart, 3);
        assert_eq!((found.difference, found.exact_p), (0.0, 1.0));
    }
}
