//! The Bayesian signed-rank test: how probable is it that two models differ by more than a margin on
//! most data?
//!
//! The differences over datasets are a sample of a distribution with a Dirichlet process as its
//! prior, of strength 1/2 at no difference. In a draw of it every dataset has a weight, and the
//! mean of two datasets lies below, within or above the margin with the products of their
//! weights; the region that holds the largest share wins the draw.
//!
//! A. Benavoli, G. Corani, F. Mangili, M. Zaffalon and F. Ruggeri, "A Bayesian Wilcoxon signed-rank
//! test based on the Dirichlet process", ICML 2014; A. Benavoli, G. Corani, J. Demšar and M. Zaffalon,
//! "Time for a change: a tutorial for comparing multiple classifiers through Bayesian analysis",
//! Journal of Machine Learning Research 18 (2017), whose `baycomp` it agrees with.

use std::f64::consts::TAU;

use bakeoff_core::derive_seed;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Practical;

/// Draws from the posterior: probabilities have a standard error of at most 0.0023.
const DRAWS: usize = 50_000;

/// The probabilities that the first model is worse than the second by more than `margin`, that they
/// are practically equivalent, and that it is better. `differences` has one number for each dataset,
/// first less second; the sign of `margin` is ignored. The same differences give the same bits.
pub fn practical_signed_rank(differences: &[f64], margin: f64) -> Practical {
    // The prior's place comes first, with the differences in order after it.
    let mut sorted: Vec<(f64, bool)> = differences.iter().map(|d| (*d, false)).collect();
    sorted.push((0.0, true));
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let threshold = 2.0 * margin.abs();
    // For each difference how many of the others give a sum above the threshold, the largest
    // ones; and how many at least reach it. Sums on the threshold count half on each side.
    let reach = |sign: f64| -> Vec<(usize, usize)> {
        let count = |own: f64, enough: fn(f64, f64) -> bool| {
            let sums = sorted.iter().map(|(other, _)| sign * (own + other));
            sums.filter(|sum| enough(*sum, threshold)).count()
        };
        sorted
            .iter()
            .map(|(own, _)| (count(*own, |a, b| a > b), count(*own, |a, b| a >= b)))
            .collect()
    };
    let (above, below) = (reach(1.0), reach(-1.0));
    let mut random = ChaCha8Rng::seed_from_u64(derive_seed(1, "Bayesian signed-rank test"));
    let mut wins = [0_usize; 3];
    let mut cumulative = vec![0.0; sorted.len() + 1];
    for _ in 0..DRAWS {
        for (place, (_, is_prior)) in sorted.iter().enumerate() {
            // A Dirichlet's weights are gamma variables over their sum.
            let exponential = -(1.0 - random.random::<f64>()).ln();
            let weight = if *is_prior {
                exponential * (TAU * random.random::<f64>()).cos().powi(2)
            } else {
                exponential
            };
            cumulative[place + 1] = cumulative[place] + weight;
        }
        let total = cumulative[sorted.len()];
        let share = |reach: &[(usize, usize)], of: &dyn Fn(usize) -> f64| -> f64 {
            let weights = cumulative.windows(2).map(|pair| pair[1] - pair[0]);
            let each = weights.zip(reach);
            each.map(|(own, (beyond, at_least))| own * (of(*beyond) + of(*at_least)) / 2.0)
                .sum::<f64>()
                / (total * total)
        };
        let higher = share(&above, &|count| total - cumulative[sorted.len() - count]);
        let lower = share(&below, &|count| cumulative[count]);
        let equivalent = 1.0 - higher - lower;
        let winner = if lower >= equivalent && lower >= higher {
            0
        } else if equivalent >= higher {
            1
        } else {
            2
        };
        wins[winner] += 1;
    }
    let probability = |region: usize| wins[region] as f64 / DRAWS as f64;
    Practical {
        first_lower: probability(0),
        equivalent: probability(1),
        first_higher: probability(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `baycomp.SignedRankTest.probs(np.zeros(n), d, rope, nsamples=400_000)`, 1.0.3; whose own
    /// error is 0.0008.
    #[test]
    fn probabilities_are_those_of_baycomp() {
        let five = [0.0386, -0.0303, 0.0143, -0.0005, 0.0012];
        let ten = [
            0.0048, -0.0223, 0.0045, -0.005, 0.0578, 0.0114, 0.0027, 0.0038, -0.002, -0.0078,
        ];
        let twenty = [
            0.0021, 0.0152, 0.0044, 0.0224, 0.005, 0.0084, 0.0312, 0.0162, 0.0004, 0.0053, 0.0161,
            0.037, 0.004, 0.0043, 0.023, -0.0053, 0.0036, 0.0212, 0.0167, 0.0094,
        ];
        for (differences, margin, expected) in [
            (&five[..], 0.01, [0.1110, 0.6385, 0.2504]),
            (&ten[..], 0.01, [0.0025, 0.9435, 0.0540]),
            (&twenty[..], 0.005, [0.0, 0.0120, 0.9880]),
        ] {
            let found = practical_signed_rank(differences, margin);
            let found = [found.first_lower, found.equivalent, found.first_higher];
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 0.008, "{found} {expected}");
            }
        }
    }

    #[test]
    fn it_does_not_depend_on_the_order_and_turns_round() {
        let differences = [0.03, -0.01, 0.02, 0.0];
        let found = practical_signed_rank(&differences, 0.01);
        let turned: Vec<f64> = differences.iter().rev().copied().collect();
        assert_eq!(found, practical_signed_rank(&turned, -0.01));
        let other: Vec<f64> = differences.iter().map(|d| -d).collect();
        let other = practical_signed_rank(&other, 0.01);
        assert!((found.first_higher - other.first_lower).abs() < 0.01);
        let none = practical_signed_rank(&[], 0.01);
        assert_eq!(none.equivalent, 1.0);
    }
}
