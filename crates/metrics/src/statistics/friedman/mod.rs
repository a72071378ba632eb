//! Several models over several datasets, folds or seeds: Friedman's test of their ranks,
//! and Nemenyi's of every two of them.
//!
//! J. Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of
//! Machine Learning Research 7 (2006). Parametric ANOVA was rejected there and here: scores
//! on different datasets are neither commensurable nor normal.

mod exact;

use super::{
    distributions::{chi_squared_sf, f_sf},
    studentized_range::{studentized_range_cdf, studentized_range_quantile},
};
use crate::{Confidence, MetricsError};

/// Friedman's test: do the models differ at all?
#[derive(Clone, Debug, PartialEq)]
pub struct Friedman {
    /// Number of blocks (datasets, folds or seeds), N.
    pub blocks: usize,
    /// Mean rank of each model over the blocks; 1 is best, ties share their ranks.
    pub mean_ranks: Vec<f64>,
    /// Friedman's statistic, corrected for ties; `None` where every block is one tie.
    pub chi_squared: Option<f64>,
    /// Its p-value by the chi-squared distribution; 1 where every block is one tie.
    pub p: f64,
    /// The statistic of Iman and Davenport, less conservative; infinite where all blocks
    /// rank the models alike, `None` where every block is one tie.
    pub f: Option<f64>,
    /// Its p-value by the F distribution; 1 where every block is one tie.
    pub f_p: f64,
    /// The p-value of the exact distribution; `None` where there are too many blocks and models
    /// to add it up, and the approximations hold.
    pub exact_p: Option<f64>,
}

/// Mean rank of each model over the blocks, which have a score for each model; 1 is best,
/// ties share their ranks.
pub fn mean_ranks(scores: &[Vec<f64>], higher_is_better: bool) -> Vec<f64> {
    let mut sums = vec![0.0; scores.first().map_or(0, Vec::len)];
    for block in scores {
        add_ranks(block, higher_is_better, &mut sums);
    }
    sums.iter().map(|sum| sum / scores.len() as f64).collect()
}

/// Nemenyi's test: which models differ?
#[derive(Clone, Debug, PartialEq)]
pub struct Nemenyi {
    /// Models whose mean ranks differ by at least this are significantly different.
    pub critical_difference: f64,
    /// p-values of every two models, k×k, row by row; 1 on the diagonal.
    pub p: Vec<f64>,
    /// The groups of models that are not significantly different, as a critical-difference diagram
    /// draws them: models by mean rank, best first. A group within another is left out, and
    /// so are models alone.
    pub groups: Vec<Vec<usize>>,
}

impl Friedman {
    /// Ranks the models in every block. `scores` has one row for each block and in it one
    /// score for each model.
    ///
    /// # Errors
    /// When there are fewer than two blocks or models, when rows differ in length, or when a
    /// score is not finite.
    pub fn new(scores: &[Vec<f64>], higher_is_better: bool) -> Result<Self, MetricsError> {
        let models = scores.first().map_or(0, Vec::len);
        for (what, found) in [("blocks", scores.len()), ("models", models)] {
            if found < 2 {
                return Err(MetricsError::too_few(what, found, 2));
            }
        }
        let mut sums = vec![0.0; models];
        let mut ties = 0.0;
        let mut doubled = Vec::with_capacity(scores.len());
        for (row, block) in scores.iter().enumerate() {
            if block.len() != models {
                return Err(MetricsError::Ragged {
                    row,
                    found: block.len(),
                    expected: models,
                });
            }
            if let Some(index) = block.iter().position(|score| !score.is_finite()) {
                return Err(MetricsError::NotFinite {
                    what: "score of model",
                    index,
                    value: block[index],
                });
            }
            let mut ranks = vec![0.0; models];
            ties += add_ranks(block, higher_is_better, &mut ranks);
            sums.iter_mut()
                .zip(&ranks)
                .for_each(|(sum, rank)| *sum += rank);
            // Ranks are whole or halves.
            doubled.push(ranks.iter().map(|rank| (2.0 * rank) as u32).collect());
        }

        let (n, k) = (scores.len() as f64, models as f64);
        let mean_ranks: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
        let middle = (k + 1.0) / 2.0;
        let spread: f64 = mean_ranks.iter().map(|r| (r - middle).powi(2)).sum();
        let correction = 1.0 - ties / (n * k * (k * k - 1.0));
        let chi_squared =
            (correction > 0.0).then(|| 12.0 * n / (k * (k + 1.0)) * spread / correction);
        let most = n * (k - 1.0);
        // At most `most`, but for rounding.
        let f = chi_squared.map(|x| (n - 1.0) * x / (most - x).max(0.0));
        Ok(Self {
            blocks: scores.len(),
            mean_ranks,
            chi_squared,
            p: chi_squared.map_or(1.0, |x| chi_squared_sf(x, k - 1.0)),
            f,
            f_p: f.map_or(1.0, |f| f_sf(f, (k - 1.0, (k - 1.0) * (n - 1.0)))),
            exact_p: exact::p_value(&doubled),
        })
    }

    /// The p-value to use: the exact one, or that of Iman and Davenport.
    pub fn best_p(&self) -> f64 {
        self.exact_p.unwrap_or(self.f_p)
    }

    /// Compares every two models by their mean ranks.
    pub fn nemenyi(&self, confidence: Confidence) -> Nemenyi {
        let models = self.mean_ranks.len();
        let groups = u32::try_from(models).unwrap_or(u32::MAX);
        let k = models as f64;
        let unit = (k * (k + 1.0) / (6.0 * self.blocks as f64)).sqrt();
        let critical = studentized_range_quantile(confidence.level(), groups);
        let critical_difference = critical / std::f64::consts::SQRT_2 * unit;
        let p = (0..models * models)
            .map(|place| {
                let (a, b) = (place / models, place % models);
                if a == b {
                    return 1.0;
                }
                let apart = (self.mean_ranks[a] - self.mean_ranks[b]).abs();
                let range = apart / unit * std::f64::consts::SQRT_2;
                1.0 - studentized_range_cdf(range, groups)
            })
            .collect();
        Nemenyi {
            critical_difference,
            p,
            groups: self.groups_within(critical_difference),
        }
    }

    /// The longest runs of models by rank that lie within `distance` of each other.
    fn groups_within(&self, distance: f64) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.mean_ranks.len()).collect();
        order.sort_by(|&a, &b| self.mean_ranks[a].total_cmp(&self.mean_ranks[b]));
        let rank = |place: usize| self.mean_ranks[order[place]];
        let mut groups = Vec::new();
        let mut reached = 0;
        for start in 0..order.len() {
            let end = (start..order.len())
                .take_while(|&place| rank(place) - rank(start) < distance)
                .last()
                .map_or(start, |place| place + 1);
            if end > reached && end - start > 1 {
                groups.push(order[start..end].to_vec());
            }
            reached = reached.max(end);
        }
        groups
    }
}

/// Adds the ranks of one block, 1 for the best, equal scores sharing the mean of theirs.
/// Returns the sum of t³ - t over the groups of t equal scores.
fn add_ranks(block: &[f64], higher_is_better: bool, sums: &mut [f64]) -> f64 {
    let mut order: Vec<usize> = (0..block.len()).collect();
    order.sort_by(|&a, &b| {
        let ascending = block[a].total_cmp(&block[b]);
        if higher_is_better {
            ascending.reverse()
        } else {
            ascending
        }
    });
    let mut ties = 0.0;
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| block[a] == block[b]) {
        let count = tied.len() as f64;
        let rank = before as f64 + (count + 1.0) / 2.0;
        for &model in tied {
            sums[model] += rank;
        }
        ties += count.powi(3) - count;
        before += tied.len();
    }
    ties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_score_has_rank_one_and_ties_share() {
        let scores = [vec![0.9, 0.8, 0.8], vec![0.9, 0.7, 0.9]];
        let high = Friedman::new(&scores, true).unwrap();
        assert_eq!(high.mean_ranks, [1.25, 2.75, 2.0]);
        let low = Friedman::new(&scores, false).unwrap();
        assert_eq!(low.mean_ranks, [2.75, 1.25, 2.0]);
    }

    #[test]
    fn one_tie_everywhere_says_nothing() {
        let found = Friedman::new(&[vec![0.5; 3], vec![0.6; 3]], true).unwrap();
        assert_eq!((found.chi_squared, found.p), (None, 1.0));
        assert_eq!((found.f, found.f_p), (None, 1.0));
        let nemenyi = found.nemenyi(Confidence::P95);
        assert_eq!(nemenyi.groups, [[0, 1, 2]]);
    }

    #[test]
    fn one_order_everywhere_is_as_clear_as_it_gets() {
        let found = Friedman::new(&vec![vec![3.0, 2.0, 1.0]; 8], true).unwrap();
        assert_eq!(found.f, Some(f64::INFINITY));
        assert_eq!(found.f_p, 0.0);
        let exact = 1.0 / 6.0_f64.powi(7);
        assert!((found.best_p() / exact - 1.0).abs() < 1e-9);
    }

    #[test]
    fn groups_overlap_but_none_holds_another() {
        let found = Friedman {
            blocks: 10,
            mean_ranks: vec![4.0, 1.0, 2.0, 2.5],
            chi_squared: None,
            p: 1.0,
            f: None,
            f_p: 1.0,
            exact_p: None,
        };
        assert_eq!(found.groups_within(1.6), [vec![1, 2, 3], vec![3, 0]]);
        assert_eq!(found.groups_within(0.1), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn bad_tables_are_refused_by_place() {
        let refusal = |scores: &[Vec<f64>]| Friedman::new(scores, true).unwrap_err();
        assert!(matches!(
            refusal(&[]),
            MetricsError::TooFew { what: "blocks", .. }
        ));
        assert!(matches!(
            refusal(&[vec![1.0], vec![2.0]]),
            MetricsError::TooFew { what: "models", .. }
        ));
        assert!(matches!(
            refusal(&[vec![1.0, 2.0], vec![2.0]]),
            MetricsError::Ragged { row: 1, .. }
        ));
        assert!(matches!(
            refusal(&[vec![1.0, 2.0], vec![2.0, f64::NAN]]),
            MetricsError::NotFinite { index: 1, .. }
        ));
    }
}
