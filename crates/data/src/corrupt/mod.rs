//! Corrupted images, to measure how robust a model is.
//!
//! Twelve corruptions in five severities, after ImageNet-C (D. Hendrycks and T.
//! Dietterich, "Benchmarking neural network robustness to common corruptions and
//! perturbations", ICLR 2019), with those that matter for drawn figures in the place of
//! weather: thicker and thinner strokes, dimmed and inverted images, shifts, rotations and
//! shears. Strengths that are lengths are shares of the image's shorter side, so that
//! images of any size are corrupted in the same way.
//!
//! What is random (a direction, a place, noise) is drawn for each image from the seed,
//! the corruption and the image's place among all, and is the same in every severity:
//! a severity differs from the one before in strength only.
//!
//! Rejected: corrupting once and keeping files (larger than the dataset by a factor of
//! sixty, and slower to read than to make); random strengths (the severities would
//! overlap); the published MNIST-C (fixed to one dataset, no severities).

mod affine;
mod blur;
mod noise;
mod stroke;

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

/// Images that a thread corrupts in one go.
const CHUNK: usize = 64;

/// Shift in 28ths of the shorter side: whole pixels for MNIST.
const SHIFT: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
/// Rotation in degrees.
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

/// Corrupted copies of the images in `range` (places past the end are left out).
///
/// `severity` goes from 1 to [`Corruption::SEVERITIES`]; others count as the nearer end.
/// An image's copy depends on its own bytes, its place in `images` and the other
/// arguments, not on the range or the number of threads.
///
/// # Errors
/// None that images can cause; it passes on what [`Images::new`] says.
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
    let level = usize::from(severity.clamp(1, Corruption::SEVERITIES)) - 1;
    let seed = derive_seed(seed, &format!("corruption {corruption}"));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Stream 0 makes the noise; each image then has a stream of its own.
    let kernel = kernel(corruption, level, shape, &mut rng);
    let mut out = vec![0; pixels.len()];
    out.par_chunks_mut(each * CHUNK)
        .zip(pixels.par_chunks(each * CHUNK))
        .enumerate()
        .for_each(|(chunk, (to, from))| {
            let mut scratch = Vec::new();
            let pictures = to.chunks_exact_mut(each).zip(from.chunks_exact(each));
            for (position, (to, from)) in pictures.enumerate() {
                let index = first + chunk * CHUNK + position;
                let draw = || {
                    let mut rng = rng.clone();
                    rng.set_stream(index as u64 + 1);
                    rng.next_u64()
                };
                kernel(from, to, &draw, &mut scratch);
            }
        });
    Images::new(shape, out)
}

/// What is random for an image; computed only where it is used.
type Draw<'a> = &'a dyn Fn() -> u64;

/// Corrupts one image, or one plane of it: from the first slice into the second. The vector
/// is memory that is used again.
type Kernel = Box<dyn Fn(&[u8], &mut [u8], Draw, &mut Vec<u8>) + Send + Sync>;

/// A corruption in one severity (`level` counts from 0) for images of one shape.
fn kernel(corruption: Corruption, level: usize, shape: ImageShape, rng: &mut ChaCha8Rng) -> Kernel {
    let shorter = shape.height.min(shape.width) as f64;
    // One 28th of the shorter side: a pixel of MNIST.
    let unit = shorter / 28.0;
    match corruption {
        Corruption::Shift => sampled(shape, affine::shifts(shape, SHIFT[level] * unit)),
        Corruption::Rotate => sampled(shape, affine::rotations(shape, ROTATE[level])),
        Corruption::Scale => sampled(shape, affine::scalings(shape, SCALE[level])),
        Corruption::Shear => sampled(shape, affine::shears(shape, SHEAR[level])),
        Corruption::Noise => {
            let noise = GaussianNoise::new(NOISE[level], shape.pixels(), rng);
            Box::new(move |from, to, draw, _| noise.apply(from, to, draw()))
        }
        Corruption::SaltAndPepper => {
            let noise = SaltAndPepper::new(SALT_AND_PEPPER[level], shape.pixels(), rng);
            Box::new(move |from, to, draw, _| noise.apply(from, to, draw()))
        }
        Corruption::Blur => {
            let blur = Blur::new(BLUR[level] * unit);
            plane_by_plane(shape, move |from, to, _, _| {
                blur.apply(from, to, shape.width)
            })
        }
        // Less light: values multiplied.
        Corruption::Dim => toned(|value| value * DIM[level]),
        // Towards the negative; at 1 it is the negative.
        Corruption::Invert => toned(|value| value + INVERT[level] * (255.0 - 2.0 * value)),
        Corruption::Thicken => stroked(shape, Stroke::thicker(level, unit)),
        Corruption::Thin => stroked(shape, Stroke::thinner(level, unit)),
        Corruption::Occlude => occluded(shape, (OCCLUDE[level] * shorter).round() as usize),
    }
}

/// The same for each channel.
fn plane_by_plane(
    shape: ImageShape,
    kernel: impl Fn(&[u8], &mut [u8], Draw, &mut Vec<u8>) + Send + Sync + 'static,
) -> Kernel {
    let length = shape.height * shape.width;
    Box::new(move |from, to, draw, scratch| {
        let planes = from.chunks_exact(length).zip(to.chunks_exact_mut(length));
        for (from, to) in planes {
            kernel(from, to, draw, scratch);
        }
    })
}

/// One of several ways to sample, each as likely.
fn sampled(shape: ImageShape, ways: Vec<Sampling>) -> Kernel {
    plane_by_plane(shape, move |from, to, draw, scratch| {
        let way = (draw() % ways.len().max(1) as u64) as usize;
        if let Some(way) = ways.get(way) {
            way.apply(from, to, scratch);
        }
    })
}

fn stroked(shape: ImageShape, stroke: Stroke) -> Kernel {
    plane_by_plane(shape, move |from, to, _, scratch| {
        stroke.apply(from, to, shape.width, scratch);
    })
}

/// Every value changed by itself.
fn toned(change: impl Fn(f64) -> f64) -> Kernel {
    let table: [u8; 256] =
        std::array::from_fn(|value| change(value as f64).round().clamp(0.0, 255.0) as u8);
    Box::new(move |from, to, _, _| {
        for (value, &from) in to.iter_mut().zip(from) {
            *value = table[usize::from(from)];
        }
    })
}

/// A black square. Its centre may be anywhere, so that parts of it may be outside.
fn occluded(shape: ImageShape, side: usize) -> Kernel {
    let (height, width) = (shape.height, shape.width);
    let span = move |centre: usize, most: usize| {
        let start = (centre + 1).saturating_sub(side.div_ceil(2));
        start..(centre + 1 + side / 2).min(most)
    };
    plane_by_plane(shape, move |from, to, draw, _| {
        let draw = draw();
        let row = (((draw >> 32) * height as u64) >> 32) as usize;
        let column = (((draw & 0xFFFF_FFFF) * width as u64) >> 32) as usize;
        let (rows, columns) = (span(row, height), span(column, width));
        to.copy_from_slice(from);
        for line in to[rows.start * width..rows.end * width].chunks_exact_mut(width) {
            line[columns.clone()].fill(0);
        }
    })
}

#[cfg(test)]
mod tests;
