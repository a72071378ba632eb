//! Dropout masks that depend on the seed, the step and the place, and on nothing else.
//!
//! Burn's own dropout draws from a generator that is global to the process: two
//! fits at once would disturb each other, and engines could not be compared step by
//! step. Here a mask is a pure function, the same for every engine: the native kernels
//! compute it where they need it, the others are given it as a tensor.

use rayon::prelude::*;

use crate::Dropout;
use bakeoff_kernels::MaskKey;

/// The source of all dropout masks of one fit.
#[derive(Clone, Copy, Debug)]
pub struct DropoutMasks {
    seed: u64,
}

impl DropoutMasks {
    /// Masks that follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// What the masks follow from, for an engine that computes them itself.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// Factors for `samples` pictures in one training step: 0 with probability
    /// `layer.rate`, otherwise 1 / (1 − rate), so that the expectation stays
    /// (inverted dropout, as in Keras and PyTorch). samples × `layer.values` values.
    pub fn draw(self, layer: &Dropout, step: u64, samples: usize) -> Vec<f32> {
        let mut mask = vec![0.0; samples * layer.values];
        mask.par_chunks_mut(layer.values)
            .enumerate()
            .for_each(|(sample, values)| {
                let key = MaskKey {
                    seed: self.seed,
                    step,
                    layer: layer.index,
                    sample,
                };
                key.fill(layer.rate as f32, values);
            });
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(rate: f64) -> Dropout {
        Dropout {
            index: 0,
            values: 700,
            rate,
        }
    }

    #[test]
    fn the_share_dropped_is_the_rate_and_the_expectation_stays() {
        let mask = DropoutMasks::new(1).draw(&layer(0.2), 3, 100);
        let dropped = mask.iter().filter(|&&value| value == 0.0).count();
        let share = dropped as f64 / mask.len() as f64;
        assert!((share - 0.2).abs() < 0.01, "{share}");
        assert!(mask.iter().all(|&value| value == 0.0 || value == 1.25));
    }

    #[test]
    fn step_layer_sample_and_seed_give_other_masks_and_threads_do_not() {
        let draw = |seed, step, index| {
            let layer = Dropout {
                index,
                ..layer(0.5)
            };
            DropoutMasks::new(seed).draw(&layer, step, 100)
        };
        let mask = draw(1, 1, 0);
        assert_ne!(mask, draw(2, 1, 0));
        assert_ne!(mask, draw(1, 2, 0));
        assert_ne!(mask, draw(1, 1, 1));
        assert_ne!(mask[..700], mask[700..1400]);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            assert_eq!(mask, pool.install(|| draw(1, 1, 0)));
        }
    }
}
