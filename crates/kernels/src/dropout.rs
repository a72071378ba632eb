//! Dropout whose masks depend on nothing but numbers: seed, step, layer, sample and place.
//!
//! A generator with a state would give other masks for another division of the work among
//! threads; here each mask bit is a hash of where it is, so it need not be stored either: the
//! way back makes it again. The hash is the finaliser of MurmurHash3 (Appleby, public domain),
//! twice, the second time with the key mixed in; "Squares: A Fast Counter-Based RNG" (Widynski,
//! 2020) describes the idea.

use super::geometry::Plane;
use super::simd::{Kernel, Simd};

/// What tells apart all masks of a training run.
#[derive(Debug, Clone, Copy)]
pub struct MaskKey {
    /// Of the run.
    pub seed: u64,
    /// The step's number, from 0.
    pub step: u64,
    /// The number of the dropout layer among its kind, from 0.
    pub layer: usize,
    /// The sample's number in the batch.
    pub sample: usize,
}

impl MaskKey {
    /// Fills `mask` with the factors of one sample's values in the order channel, row, column:
    /// zero with probability `rate`, elsewhere `1 / (1 − rate)`.
    pub fn fill(self, rate: f32, mask: &mut [f32]) {
        let mask_of = Mask::new(self, rate);
        for (place, factor) in (0..).zip(mask) {
            *factor = mask_of.factor(place);
        }
    }

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

/// A key made ready.
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
/// The gradient goes back through the same function with the same key.
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
        let mut filled = vec![7.0; 10_000];
        key.fill(rate, &mut filled);
        assert_eq!(canonical, filled);
        canonical
    }

    #[test]
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
}
