//! Pictures worse than those a model was trained on, to see how it bears them.
//!
//! Twelve corruptions in five severities, after ImageNet-C (D. Hendrycks and T.
//! Dietterich, "Benchmarking neural network robustness to common corruptions and
//! perturbations", ICLR 2019), with those that matter for drawn figures in the place of
//! weather: thicker and thinner strokes, dimmed and inverted pictures, shifts, turns and
//! slants. Strengths count in shares of the picture's shorter side where they have a
//! length, so that pictures of any size are corrupted alike.
//!
//! What is random (a direction, a place, noise) is drawn for each picture from the seed,
//! the corruption and the picture's place among all, and is the same in every severity:
//! a severity differs from the one before in strength only.
//!
//! Rejected: corrupting once and keeping files (larger than the dataset by a factor of
//! sixty, and slower to read than to make); random strengths (the severities would
//! overlap); the published MNIST-C (fixed to one dataset, no severities).

mod affine;
mod blur;
mod noise;
mod stroke;
mod tone;

use std::ops::Range;

use bakeoff_core::{Corruption, ImageShape, Images, ImagesError, derive_seed};
use rand::{Rng as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::{
    affine::Sampling,
    blur::Blur,
    noise::{GaussianNoise, SaltAndPepper},
    stroke::Stroke,
};

/// Pictures that a thread corrupts in one go.
const CHUNK: usize = 64;

/// Shift in 28ths of the shorter side: whole pixels for MNIST.
const SHIFT: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
/// Turn in degrees.
const ROTATE: [f64; 5] = [10.0, 20.0, 30.0, 40.0, 50.0];
/// Enlarged by this factor, or shrunk by it.
const SCALE: [f64; 5] = [1.1, 1.2, 1.3, 1.45, 1.6];
/// Columns moved for each row away from the centre.
const SHEAR: [f64; 5] = [0.15, 0.3, 0.45, 0.6, 0.75];
/// Standard deviation as a share of the range of values, as in ImageNet-C.
const NOISE: [f64; 5] = [0.08, 0.12, 0.18, 0.26, 0.38];
/// Share of the values that are lost, as in ImageNet-C.
const SALT_AND_PEPPER: [f64; 5] = [0.03, 0.06, 0.09, 0.17, 0.27];
/// Standard deviation of the blur in 28ths of the shorter side.
const BLUR: [f64; 5] = [0.5, 0.75, 1.0, 1.5, 2.0];
/// What is left of the light.
const DIM: [f64; 5] = [0.75, 0.5, 0.35, 0.2, 0.1];
/// How far towards the negative.
const INVERT: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];
/// Side of the square as a share of the shorter side.
const OCCLUDE: [f64; 5] = [0.2, 0.3, 0.4, 0.5, 0.6];

/// Corrupted copies of the pictures in `range` (places past the end are left out).
///
/// `severity` goes from 1 to [`Corruption::SEVERITIES`]; others count as the nearer end.
/// A picture's copy depends on its own bytes, its place in `images` and the other
/// arguments, not on the range or the number of threads.
///
/// # Errors
/// None that pictures can cause; it passes on what [`Images::new`] says.
pub fn corrupt(
    images: &Images,
    range: Range<usize>,
    corruption: Corruption,
    severity: u8,
    seed: u64,
) -> Result<Images, ImagesError> {
    let shape = images.shape();
    let each = shape.pixels();
    let first = range.start.min(images.len());
    let end = range.end.clamp(first, images.len());
    let pixels = &images.pixels()[first * each..end * each];
    let work = Work::new(corruption, severity, shape, seed);
    let mut out = vec![0; pixels.len()];
    out.par_chunks_mut(each * CHUNK)
        .zip(pixels.par_chunks(each * CHUNK))
        .enumerate()
        .for_each(|(chunk, (to, from))| {
            let mut scratch = Vec::new();
            let pictures = to.chunks_exact_mut(each).zip(from.chunks_exact(each));
            for (position, (to, from)) in pictures.enumerate() {
                let draw = work.draw(first + chunk * CHUNK + position);
                work.apply(from, to, draw, &mut scratch);
            }
        });
    Images::new(shape, out)
}

/// A corruption in one severity, ready for pictures of one shape.
struct Work {
    shape: ImageShape,
    rng: ChaCha8Rng,
    kind: Kind,
}

enum Kind {
    /// One of several ways to sample, each as likely.
    Affine(Vec<Sampling>),
    Noise(GaussianNoise),
    SaltAndPepper(SaltAndPepper),
    Blur(Blur),
    Tone(Box<[u8; 256]>),
    Stroke(Stroke),
    Occlude {
        side: usize,
    },
}

impl Work {
    fn new(corruption: Corruption, severity: u8, shape: ImageShape, seed: u64) -> Self {
        let level = usize::from(severity.clamp(1, Corruption::SEVERITIES)) - 1;
        let seed = derive_seed(seed, &format!("corruption {corruption}"));
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let shorter = shape.height.min(shape.width) as f64;
        // One 28th of the shorter side: a pixel of MNIST.
        let unit = shorter / 28.0;
        let kind = match corruption {
            Corruption::Shift => Kind::Affine(affine::shifts(shape, SHIFT[level] * unit)),
            Corruption::Rotate => Kind::Affine(affine::rotations(shape, ROTATE[level])),
            Corruption::Scale => Kind::Affine(affine::scalings(shape, SCALE[level])),
            Corruption::Shear => Kind::Affine(affine::shears(shape, SHEAR[level])),
            Corruption::Noise => {
                Kind::Noise(GaussianNoise::new(NOISE[level], shape.pixels(), &mut rng))
            }
            Corruption::SaltAndPepper => Kind::SaltAndPepper(SaltAndPepper::new(
                SALT_AND_PEPPER[level],
                shape.pixels(),
                &mut rng,
            )),
            Corruption::Blur => Kind::Blur(Blur::new(BLUR[level] * unit)),
            Corruption::Dim => Kind::Tone(Box::new(tone::dimmed(DIM[level]))),
            Corruption::Invert => Kind::Tone(Box::new(tone::inverted(INVERT[level]))),
            Corruption::Thicken => Kind::Stroke(Stroke::thicker(level, unit)),
            Corruption::Thin => Kind::Stroke(Stroke::thinner(level, unit)),
            Corruption::Occlude => Kind::Occlude {
                side: (OCCLUDE[level] * shorter).round() as usize,
            },
        };
        Self { shape, rng, kind }
    }

    /// What is random for the picture at `index`.
    fn draw(&self, index: usize) -> u64 {
        if matches!(self.kind, Kind::Blur(_) | Kind::Tone(_) | Kind::Stroke(_)) {
            return 0;
        }
        let mut rng = self.rng.clone();
        // Stream 0 has made the noise.
        rng.set_stream(index as u64 + 1);
        rng.next_u64()
    }

    /// Corrupts one picture, C×H×W.
    fn apply(&self, from: &[u8], to: &mut [u8], draw: u64, scratch: &mut Vec<u8>) {
        let (height, width) = (self.shape.height, self.shape.width);
        let planes = || from.chunks_exact(height * width);
        match &self.kind {
            Kind::Affine(ways) => {
                let Some(way) = ways.get((draw % ways.len().max(1) as u64) as usize) else {
                    return;
                };
                for (from, to) in planes().zip(to.chunks_exact_mut(height * width)) {
                    way.apply(from, to, scratch);
                }
            }
            Kind::Noise(noise) => noise.apply(from, to, draw),
            Kind::SaltAndPepper(noise) => noise.apply(from, to, draw),
            Kind::Blur(blur) => {
                for (from, to) in planes().zip(to.chunks_exact_mut(height * width)) {
                    blur.apply(from, to, width);
                }
            }
            Kind::Tone(table) => tone::apply(table, from, to),
            Kind::Stroke(stroke) => {
                for (from, to) in planes().zip(to.chunks_exact_mut(height * width)) {
                    stroke.apply(from, to, width, scratch);
                }
            }
            Kind::Occlude { side } => {
                to.copy_from_slice(from);
                // The centre may lie anywhere, so that parts of the square lie outside.
                let row = (((draw >> 32) * height as u64) >> 32) as usize;
                let column = (((draw & 0xFFFF_FFFF) * width as u64) >> 32) as usize;
                let span = |centre: usize, most: usize| {
                    let start = (centre + 1).saturating_sub(side.div_ceil(2));
                    start..(centre + 1 + side / 2).min(most)
                };
                let (rows, columns) = (span(row, height), span(column, width));
                for plane in to.chunks_exact_mut(height * width) {
                    for line in plane[rows.start * width..rows.end * width].chunks_exact_mut(width)
                    {
                        line[columns.clone()].fill(0);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
