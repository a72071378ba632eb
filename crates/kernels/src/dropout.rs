//! Dropout whose masks depend only on numbers: seed, step, layer, sample and place.
//!
//! A generator with a state would give other masks for another division of the work among
//! threads, and a library's own generator is global to the process: two fits at once would
//! disturb each other, and engines could not be compared step by step. Here each mask bit is a
//! hash of where it is. So it need not be stored either: the backward pass computes it again.
//! The native kernels compute masks where they need them, other engines are given them as
//! tensors. The hash is the finaliser of MurmurHash3 (Appleby, public domain),
//! twice, the second time with the key mixed in; "Squares: A Fast Counter-Based RNG" (Widynski,
//! 2020) describes the idea.

use rayon::prelude::*;

use super::geometry::Plane;
use super::simd::{Kernel, Simd};

/// Factors for `samples` images in training step `step` of the fit with this seed: 0 with
/// probability `layer.rate`, otherwise 1 / (1 − rate), so that the expectation stays
/// (inverted dropout, as in Keras and PyTorch). samples × `layer.values` values, each
/// image's in the order channel, row, column.
pub fn dropout_mask(layer: &crate::Dropout, seed: u64, step: u64, samples: usize) -> Vec<f32> {
    let mut factors = vec![0.0; samples * layer.values];
    factors
        .par_chunks_mut(layer.values)
        .enumerate()
        .for_each(|(sample, factors)| {
            let key = MaskKey {
                seed,
                step,
                layer: layer.index,
                sample,
            };
            let mask = Mask::new(key, layer.rate as f32);
            for (place, factor) in (0..).zip(factors) {
                *factor = mask.factor(place);
            }
        });
    factors
}

/// What distinguishes all masks of a training run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaskKey {
    /// Of the run.
    pub(crate) seed: u64,
    /// The step's number, from 0.
    pub(crate) step: u64,
    /// The number of the dropout layer among its kind, from 0.
    pub(crate) layer: usize,
    /// The sample's number in the batch.
    pub(crate) sample: usize,
}

impl MaskKey {
    fn hash(self) -> u64 {
        let mut state = self.seed;
        for word in [self.step, self.layer as u64, self.sample as u64] {
            // SplitMix64's step and finaliser (Steele, Lea and Flood, 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15)
                ^ word.wrapping_mul(0xd134_2543_de82_ef95);
            state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            state ^= state >> 31;
        }
        state
    }
}

/// A key with what follows from it and the rate.
#[derive(Clone, Copy)]
struct Mask {
    low: u32,
    high: u32,
    dropped: u32,
    scale: f32,
}

impl Mask {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "both halves of the hash are used; a share of 2^32, saturating"
    )]
    fn new(key: MaskKey, rate: f32) -> Self {
        let hash = key.hash();
        Self {
            low: hash as u32,
            high: (hash >> 32) as u32,
            dropped: (f64::from(rate) * 4_294_967_296.0) as u32,
            scale: 1.0 / (1.0 - rate),
        }
    }

    #[inline(always)]
    fn factor(self, place: u32) -> f32 {
        let bits = mix(mix(place ^ self.low).wrapping_add(self.high));
        if bits < self.dropped { 0.0 } else { self.scale }
    }
}

#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

/// Multiplies one sample by its mask.
///
/// The gradient is multiplied by the same function with the same key.
pub(crate) struct Dropout<'a> {
    pub(crate) rate: f32,
    pub(crate) key: MaskKey,
    pub(crate) plane: &'a Plane,
    pub(crate) values: &'a mut [f32],
}

impl Kernel for Dropout<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let plane = self.plane;
        let mask = Mask::new(self.key, self.rate);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the network's size is checked before"
        )]
        let area = (plane.height * plane.width) as u32;
        let mut pixel = 0;
        for y in 0..plane.height {
            for x in 0..plane.width {
                let channels = &mut self.values[plane.at(y, x)..][..plane.channels];
                for (channel, value) in (0..).zip(channels) {
                    *value *= mask.factor(pixel + area * channel);
                }
                pixel += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    const KEY: MaskKey = MaskKey {
        seed: 1,
        step: 2,
        layer: 3,
        sample: 4,
    };

    fn mask(isa: Isa, rate: f32, key: MaskKey) -> Vec<f32> {
        let plane = Plane::new(100, 20, 5);
        let mut values = vec![1.0; plane.len()];
        isa.run(Dropout {
            rate,
            key,
            plane: &plane,
            values: &mut values,
        });
        let mut canonical = Vec::new();
        for c in 0..100 {
            for y in 0..20 {
                canonical.extend((0..5).map(|x| values[plane.at(y, x) + c]));
            }
        }
        let layer = crate::Dropout {
            index: key.layer,
            values: 10_000,
            rate: rate.into(),
        };
        let masks = dropout_mask(&layer, key.seed, key.step, key.sample + 1);
        assert_eq!(canonical, masks[key.sample * 10_000..]);
        canonical
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn drops_its_share_and_keeps_the_mean() {
        for rate in [0.0, 0.1, 0.5, 0.9] {
            let values = mask(Isa::detect(), rate, KEY);
            let scale = 1.0 / (1.0 - rate);
            assert!(values.iter().all(|&v| v == 0.0 || v == scale));
            let dropped = values.iter().filter(|&&v| v == 0.0).count() as f32 / 1e4;
            // Four standard deviations.
            assert!(
                (dropped - rate).abs() <= 0.04 * (rate * (1.0 - rate)).sqrt(),
                "{rate}: {dropped}"
            );
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn every_part_of_the_key_matters_and_the_processor_does_not() {
        let first = mask(Isa::detect(), 0.5, KEY);
        for isa in Isa::available() {
            assert_eq!(first, mask(isa, 0.5, KEY));
        }
        let others = [
            MaskKey { seed: 2, ..KEY },
            MaskKey { step: 3, ..KEY },
            MaskKey { layer: 4, ..KEY },
            MaskKey { sample: 5, ..KEY },
        ];
        for key in others {
            let other = mask(Isa::detect(), 0.5, key);
            let equal = first.iter().zip(&other).filter(|(a, b)| a == b).count();
            // Independent masks agree in half of the places; six standard deviations.
            assert!((4_700..5_300).contains(&equal), "{key:?}: {equal}");
        }
    }

    fn layer(rate: f64) -> crate::Dropout {
        crate::Dropout {
            index: 0,
            values: 700,
            rate,
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn the_share_dropped_is_the_rate_and_the_expectation_stays() {
        let mask = dropout_mask(&layer(0.2), 1, 3, 100);
        let dropped = mask.iter().filter(|&&value| value == 0.0).count();
        let share = dropped as f64 / mask.len() as f64;
        assert!((share - 0.2).abs() < 0.01, "{share}");
        assert!(mask.iter().all(|&value| value == 0.0 || value == 1.25));
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn step_layer_sample_and_seed_give_other_masks_and_threads_do_not() {
        let draw = |seed, step, index| {
            let layer = crate::Dropout {
                index,
                ..layer(0.5)
            };
            dropout_mask(&layer, seed, step, 100)
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
