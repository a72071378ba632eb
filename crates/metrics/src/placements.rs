//! What each sample adds to the area under a ROC curve.
//!
//! An area is the share of pairs of a positive and a negative in the right order. The
//! number of such pairs that one sample takes part in is its placement: DeLong's variance
//! is a sum over them.

use crate::{Predictions, ranking::key};

/// Placements of all samples for one class against the rest.
#[derive(Clone, Debug)]
pub(crate) struct Placements {
    /// Twice the number of samples of the other kind that the sample is in the right order
    /// with, a tie counting once; in the order of the samples.
    pub(crate) twice_wins: Vec<u64>,
    /// Samples of the class.
    pub(crate) positives: u64,
    /// Samples of other classes.
    pub(crate) negatives: u64,
}

impl Placements {
    /// O(N log N).
    pub(crate) fn new(predictions: &Predictions<'_>, class: usize) -> Self {
        let mut ranked: Vec<(u32, usize)> = predictions
            .probabilities()
            .rows()
            .map(|row| key(row[class]))
            .zip(0..)
            .collect();
        ranked.sort_unstable();
        let positive = |sample: usize| usize::from(predictions.labels()[sample]) == class;
        let positives = predictions.support()[class];
        let negatives = predictions.samples() as u64 - positives;
        let mut twice_wins = vec![0; predictions.samples()];
        let (mut positives_above, mut negatives_above) = (0, 0);
        for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
            let own = tied.iter().filter(|(_, sample)| positive(*sample)).count() as u64;
            let others = tied.len() as u64 - own;
            for &(_, sample) in tied {
                twice_wins[sample] = if positive(sample) {
                    2 * (negatives - negatives_above - others) + others
                } else {
                    2 * positives_above + own
                };
            }
            positives_above += own;
            negatives_above += others;
        }
        Self {
            twice_wins,
            positives,
            negatives,
        }
    }

    /// Whether there is an area: samples of both kinds.
    pub(crate) fn defined(&self) -> bool {
        self.positives > 0 && self.negatives > 0
    }

    /// The share of the other kind that a sample is in the right order with.
    pub(crate) fn share(&self, sample: usize, positive: bool) -> f64 {
        let others = if positive {
            self.negatives
        } else {
            self.positives
        };
        self.twice_wins[sample] as f64 / (2 * others) as f64
    }
}
