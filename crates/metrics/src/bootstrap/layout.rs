//! Samples put in order of their class, and drawn again class by class.

use std::ops::Range;

use rand::{Rng, distr::Distribution, distr::Uniform};

use crate::Predictions;

/// The order in which a bootstrap keeps the samples: class after class.
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

    /// Draws as many samples of each class as there are, with replacement, and counts how
    /// often each was drawn.
    pub(super) fn draw(&self, random: &mut impl Rng, copies: &mut Vec<u16>) {
        copies.clear();
        copies.resize(self.samples.len(), 0);
        for stratum in &self.strata {
            let copies = &mut copies[stratum.clone()];
            // Refused for an empty class, of which nothing is drawn.
            let Ok(place) = Uniform::new(0, copies.len() as u32) else {
                continue;
            };
            for _ in 0..copies.len() {
                let drawn = &mut copies[place.sample(random) as usize];
                // 65,536 copies of one sample: not in the age of the universe.
                *drawn = drawn.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn every_class_keeps_its_size_and_every_sample_its_chance() {
        let p = Probabilities::new(4, [0.25; 4].repeat(8)).unwrap();
        let predictions = Predictions::new(&[3, 0, 3, 1, 0, 3, 3, 0], &p).unwrap();
        let layout = Layout::new(&predictions);
        assert_eq!(layout.samples(), [1, 4, 7, 3, 0, 2, 5, 6]);
        assert_eq!(layout.strata(), [0..3, 3..4, 4..4, 4..8]);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut copies = Vec::new();
        let mut total = [0_u32; 8];
        for _ in 0..3000 {
            layout.draw(&mut random, &mut copies);
            for stratum in layout.strata() {
                let drawn: u16 = copies[stratum.clone()].iter().sum();
                assert_eq!(usize::from(drawn), stratum.len());
            }
            for (total, &copies) in total.iter_mut().zip(&copies) {
                *total += u32::from(copies);
            }
        }
        assert_eq!(
            total[3], 3000,
            "a class of one sample is always that sample"
        );
        // The variance of a sample's copies is below 1: 5 standard deviations.
        for count in total {
            assert!((f64::from(count) - 3000.0).abs() < 5.0 * 3000.0_f64.sqrt());
        }
    }
}
