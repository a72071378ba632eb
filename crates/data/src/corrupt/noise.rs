//! Noise: a long strip of it is made once, and every image gets a segment that begins
//! at a position of its own. Fresh noise for every image would cost more than some models
//! take to answer.

use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;

/// Positions at which a segment may begin.
const STARTS: usize = 1 << 16;

/// Where the segment of an image begins.
fn start(draw: u64) -> usize {
    (draw % STARTS as u64) as usize
}

/// Normally distributed noise, added to every value.
pub(super) struct GaussianNoise {
    strip: Vec<i16>,
}

impl GaussianNoise {
    /// `deviation` is a share of the range of values.
    pub(super) fn new(deviation: f64, pixels: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut strip = Vec::with_capacity(STARTS + pixels + 1);
        while strip.len() < STARTS + pixels {
            // Box and Muller (1958): two normal values from two uniform ones, the first
            // of which is above 0.
            let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
            strip.extend([cos, sin].map(|part| (deviation * 255.0 * radius * part).round() as i16));
        }
        Self { strip }
    }

    pub(super) fn apply(&self, from: &[u8], to: &mut [u8], draw: u64) {
        let noise = &self.strip[start(draw)..];
        for ((value, &from), &noise) in to.iter_mut().zip(from).zip(noise) {
            *value = (i16::from(from) + noise).clamp(0, 255) as u8;
        }
    }
}

/// Single values lost to black or white.
pub(super) struct SaltAndPepper {
    strip: Vec<u16>,
    below: u16,
}

impl SaltAndPepper {
    pub(super) fn new(share: f64, pixels: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut strip = vec![0_u16; STARTS + pixels];
        for pair in strip.chunks_mut(2) {
            let bits = rng.next_u32();
            for (value, bits) in pair.iter_mut().zip([bits as u16, (bits >> 16) as u16]) {
                *value = bits;
            }
        }
        Self {
            strip,
            below: (share * 65536.0).round() as u16,
        }
    }

    pub(super) fn apply(&self, from: &[u8], to: &mut [u8], draw: u64) {
        let noise = &self.strip[start(draw)..];
        for ((value, &from), &noise) in to.iter_mut().zip(from).zip(noise) {
            // The last bit says which, so that a value lost in one severity is lost to
            // the same side in the next.
            let lost = if noise & 1 == 1 { 255 } else { 0 };
            *value = if noise < self.below { lost } else { from };
        }
    }
}
