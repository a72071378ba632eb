//! Dropout whose masks depend on nothing but numbers: seed, step, layer, sample and place.
//!
//! A generator with a state would give other masks for another division of the work among
//! threads; here each mask bit is a hash of where it is, so it need not be stored either: the
//! way back makes it again. The hash is the finaliser of MurmurHash3 (Appleby, public domain),
//! twice, the second time with the key mixed in; "Squares: A Fast Counter-Based RNG" (Widynski,
//! 2020) describes the idea.

use super::simd::{Kernel, Simd};

/// What tells apart all masks of a training run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaskKey {
    pub(crate) seed: u64,
    pub(crate) step: u64,
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

#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

/// Sets a share of `rate` of the values to zero and scales the others by `1 / (1 − rate)`.
///
/// The gradient goes back through the same function with the same key.
pub(crate) struct Dropout<'a> {
    pub(crate) rate: f32,
    pub(crate) key: MaskKey,
    pub(crate) values: &'a mut [f32],
}

impl Kernel for Dropout<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let key = self.key.hash();
        #[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
        let (low, high) = (key as u32, (key >> 32) as u32);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of 2^32, saturating"
        )]
        let dropped = (f64::from(self.rate) * 4_294_967_296.0) as u32;
        let scale = 1.0 / (1.0 - self.rate);
        let mut place = 0_u32;
        for value in self.values {
            let bits = mix(mix(place ^ low).wrapping_add(high));
            *value *= if bits < dropped { 0.0 } else { scale };
            place = place.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Isa;

    const KEY: MaskKey = MaskKey {
        seed: 1,
        step: 2,
        layer: 3,
        sample: 4,
    };

    fn mask(isa: Isa, rate: f32, key: MaskKey) -> Vec<f32> {
        let mut values = vec![1.0; 10_000];
        isa.run(Dropout {
            rate,
            key,
            values: &mut values,
        });
        values
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
