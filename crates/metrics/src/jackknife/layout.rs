//! Samples put in order of their class.

use std::ops::Range;

use crate::Predictions;

/// The order in which the jackknife keeps the samples: class after class.
pub(super) struct Layout {
    samples: Vec<usize>,
    strata: Vec<Range<usize>>,
}

impl Layout {
    pub(super) fn new(predictions: &Predictions<'_>) -> Self {
        let mut samples: Vec<usize> = (0..predictions.samples()).collect();
        samples.sort_by_key(|&sample| predictions.labels()[sample]);
        let mut start = 0;
        let strata = predictions
            .support()
            .iter()
            .map(|&count| {
                // A count of samples in memory fits.
                let stratum = start..start + count as usize;
                start = stratum.end;
                stratum
            })
            .collect();
        Self { samples, strata }
    }

    /// The samples, class after class.
    pub(super) fn samples(&self) -> &[usize] {
        &self.samples
    }

    /// Where each class lies, K ranges.
    pub(super) fn strata(&self) -> &[Range<usize>] {
        &self.strata
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;

    use super::*;

    #[test]
    fn samples_are_kept_class_after_class() {
        let p = Probabilities::new(4, [0.25; 4].repeat(8)).unwrap();
        let predictions = Predictions::new(&[3, 0, 3, 1, 0, 3, 3, 0], &p).unwrap();
        let layout = Layout::new(&predictions);
        assert_eq!(layout.samples(), [1, 4, 7, 3, 0, 2, 5, 6]);
        assert_eq!(layout.strata(), [0..3, 3..4, 4..4, 4..8]);
    }
}
