//! Wilcoxon's signed-rank test: do two models differ over several datasets?
//!
//! The differences are ranked by size, and under no difference each is as likely to be for the
//! first model as for the second. Datasets without a difference are left out, equal sizes share
//! their ranks, and the distribution is exact ([`SwapTest`] of the signed ranks).
//!
//! F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1 (1945);
//! recommended for two models over datasets by J. Demšar, Journal of Machine Learning Research 7
//! (2006), and for every pair of several (with Holm's correction) by A. Benavoli, G. Corani and
//! F. Mangili, "Should we really use post-hoc tests based on mean-ranks?", Journal of Machine
//! Learning Research 17 (2016): Nemenyi's result for two models depends on all others.

use super::SwapTest;

/// The exact two-sided p-value of no difference; 1 where nothing differs. `differences` has one
/// number for each dataset.
pub fn signed_rank_p(differences: &[f64]) -> f64 {
    let mut apart: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    apart.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let mut ranks: Vec<i64> = Vec::with_capacity(apart.len());
    for equal in apart.chunk_by(|a, b| a.abs() == b.abs()) {
        // Twice the mean of the ranks that they share, so that it is whole.
        let shared = (2 * ranks.len() + equal.len() + 1) as i64;
        ranks.extend(
            equal
                .iter()
                .map(|d| if *d > 0.0 { shared } else { -shared }),
        );
    }
    SwapTest::of_differences(&ranks, 1).exact_p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_exact_distribution() {
        // scipy.stats.wilcoxon(d, method="exact"): 2/32, 4/64, 0.15625, 0.8438.
        for (differences, p) in [
            (vec![1.0, 2.0, 3.0, 4.0, 5.0], 0.0625),
            (vec![-1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.0625),
            (vec![-1.0, -2.0, 3.0, 4.0, 5.0, 6.0], 0.15625),
            (vec![1.0, -2.0, 3.0, -4.0, 5.0, -6.0], 0.84375),
            // A zero is left out; equal sizes share their ranks.
            (vec![0.0, 1.0, 1.0, 1.0], 0.25),
            (vec![0.0, 0.0], 1.0),
            (vec![], 1.0),
        ] {
            assert!(
                (signed_rank_p(&differences) - p).abs() < 1e-12,
                "{differences:?}"
            );
        }
    }
}
