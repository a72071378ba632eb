//! Area under the ROC curve between every two classes.
//!
//! D. Hand and R. Till, "A simple generalisation of the area under the ROC curve for
//! multiple class classification problems", Machine Learning 45 (2001). Unlike the
//! one-vs-rest area it does not depend on how frequent the classes are.

use rayon::prelude::*;

use crate::{Predictions, ranking::key};

/// How well two classes are told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ClassPair {
    /// Samples of the two.
    samples: u64,
    /// The mean of two areas among the samples of both classes: of the first class ranked
    /// by its probability, and of the second ranked by its own.
    auc: f64,
}

/// The areas between every two classes that have samples.
#[derive(Clone, Debug)]
pub struct OneVsOne {
    pairs: Vec<ClassPair>,
}

impl OneVsOne {
    /// Sorts all samples once for each class: O(K·N log N).
    pub fn new(predictions: &Predictions<'_>) -> Self {
        let support = predictions.support();
        let wins: Vec<Vec<u128>> = (0..predictions.classes())
            .into_par_iter()
            .map(|class| twice_wins(predictions, class))
            .collect();
        let present = |class: &usize| support[*class] > 0;
        let pairs = (0..predictions.classes())
            .filter(present)
            .flat_map(|a| {
                (a + 1..predictions.classes())
                    .filter(present)
                    .map(move |b| (a, b))
            })
            .map(|(a, b)| {
                let both = u128::from(support[a]) * u128::from(support[b]);
                ClassPair {
                    samples: support[a] + support[b],
                    auc: (wins[a][b] + wins[b][a]) as f64 / (4 * both) as f64,
                }
            })
            .collect();
        Self { pairs }
    }

    /// Mean area over the pairs (Hand and Till's M); `None` where fewer than two classes
    /// have samples.
    pub fn macro_auc(&self) -> Option<f64> {
        let sum: f64 = self.pairs.iter().map(|pair| pair.auc).sum();
        (!self.pairs.is_empty()).then(|| sum / self.pairs.len() as f64)
    }

    /// Mean area weighted by the samples of each pair, as scikit-learn weights it.
    pub fn weighted_auc(&self) -> Option<f64> {
        let weight: u64 = self.pairs.iter().map(|pair| pair.samples).sum();
        let sum: f64 = self
            .pairs
            .iter()
            .map(|pair| pair.auc * pair.samples as f64)
            .sum();
        (weight > 0).then(|| sum / weight as f64)
    }
}

/// For each other class, twice the number of pairs in which a sample of `class` has the
/// higher probability of `class`; a tie counts once.
fn twice_wins(predictions: &Predictions<'_>, class: usize) -> Vec<u128> {
    let mut ranked: Vec<(u32, u16)> = predictions
        .probabilities()
        .rows()
        .zip(predictions.labels())
        .map(|(row, &label)| (key(row[class]), label))
        .collect();
    ranked.sort_unstable();
    let mut wins = vec![0; predictions.classes()];
    let mut above = 0_u64;
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let own = |label: u16| usize::from(label) == class;
        let here = tied.iter().filter(|(_, label)| own(*label)).count() as u64;
        for &(_, label) in tied {
            wins[usize::from(label)] += u128::from(2 * above + here);
        }
        above += here;
    }
    wins
}
