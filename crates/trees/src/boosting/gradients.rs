//! Scores of the training images, and the gradients of their cross-entropy.

use bakeoff_kernels::histogram::{Gradients, LANES, OUTPUTS};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Images whose sums are taken together: pieces have one size at any number of threads.
pub(crate) const PIECE: usize = 4096;

/// The largest rounded gradient. The smaller it is, the more images round to nothing and cost nothing: on MNIST
/// 15 made rounds no faster than 63, and the loss of held-out images 3 % higher.
const LARGEST: f32 = 63.0;

/// The images that a split is searched with: those whose rounded gradients are not all zero.
#[derive(Default)]
pub(crate) struct Active {
    /// Their places among all, in order.
    pub(crate) images: Vec<u32>,
    pub(crate) gradients: Vec<Gradients>,
}

/// What the trees so far say of the training images.
pub(crate) struct Scores {
    classes: usize,
    labels: Vec<u16>,
    /// N×K scores before the softmax.
    scores: Vec<f32>,
    /// N×K probabilities.
    pub(crate) probabilities: Vec<f32>,
}

/// The first derivative of each class, and the weight of an image, which follows from their second ones.
struct Slopes<'a> {
    probabilities: &'a [f32],
    label: usize,
}

impl Slopes<'_> {
    fn gradient(&self, class: usize) -> f32 {
        self.probabilities[class] - f32::from(u8::from(class == self.label))
    }

    /// Σ p (1 − p), which is the mean of the second derivatives but for a factor.
    fn weight(&self) -> f32 {
        let sum: f32 = self.probabilities.iter().map(|p| p * (1.0 - p)).sum();
        sum.max(0.0)
    }
}

impl Scores {
    /// Of a model that gives each class its share in the training images.
    pub(crate) fn new(labels: &[u16], base: &[f32]) -> Self {
        let scores = base.repeat(labels.len());
        let mut new = Self {
            classes: base.len(),
            labels: labels.to_vec(),
            probabilities: vec![0.0; scores.len()],
            scores,
        };
        new.add(&vec![0; labels.len()], &vec![0.0; base.len()]);
        new
    }

    /// Adds to the scores of each image the row of values of its leaf; the mean cross-entropy after it.
    pub(crate) fn add(&mut self, leaves: &[u16], values: &[f32]) -> f64 {
        let classes = self.classes;
        let rows = self.scores.par_chunks_mut(PIECE * classes);
        let rows = rows.zip(self.probabilities.par_chunks_mut(PIECE * classes));
        let images = leaves.par_chunks(PIECE).zip(self.labels.par_chunks(PIECE));
        let losses: Vec<f64> = rows
            .zip(images)
            .map(|((scores, probabilities), (leaves, labels))| {
                let rows = scores
                    .chunks_exact_mut(classes)
                    .zip(probabilities.chunks_exact_mut(classes));
                let mut loss = 0.0;
                for ((scores, probabilities), (&leaf, &label)) in
                    rows.zip(leaves.iter().zip(labels))
                {
                    let values = &values[usize::from(leaf) * classes..][..classes];
                    scores
                        .iter_mut()
                        .zip(values)
                        .for_each(|(sum, value)| *sum += value);
                    probabilities.copy_from_slice(scores);
                    softmax(probabilities);
                    loss -=
                        f64::from(probabilities[usize::from(label)].max(f32::MIN_POSITIVE)).ln();
                }
                loss
            })
            .collect();
        losses.iter().sum::<f64>() / self.labels.len() as f64
    }

    fn slopes(&self, image: usize) -> Slopes<'_> {
        Slopes {
            probabilities: &self.probabilities[image * self.classes..][..self.classes],
            label: usize::from(self.labels[image]),
        }
    }

    /// The gradients, rounded at random, of the images where something is left of them, and the factor that they
    /// were multiplied by.
    pub(crate) fn rounded(&self, seed: u64) -> (Active, f32) {
        let projection = (self.classes > OUTPUTS).then(|| projection(self.classes, seed));
        let images = self.labels.len();
        let outputs = |image: usize| -> [f32; LANES] {
            let slopes = self.slopes(image);
            let mut lanes = [0.0; LANES];
            match &projection {
                None => {
                    for (class, lane) in lanes.iter_mut().enumerate().take(self.classes) {
                        *lane = slopes.gradient(class);
                    }
                }
                Some(rows) => {
                    for (class, row) in rows.iter().enumerate() {
                        let gradient = slopes.gradient(class);
                        for (lane, factor) in lanes.iter_mut().zip(row) {
                            *lane += gradient * factor;
                        }
                    }
                }
            }
            lanes[OUTPUTS] = slopes.weight();
            lanes
        };
        let largest = (0..images)
            .into_par_iter()
            .with_min_len(PIECE)
            .map(|image| {
                let lanes = outputs(image);
                lanes
                    .iter()
                    .fold(0.0_f32, |largest, lane| largest.max(lane.abs()))
            })
            .reduce(|| 0.0, f32::max);
        let factor = LARGEST / largest.max(f32::MIN_POSITIVE);
        let rounded = |image: usize| {
            let lanes = outputs(image);
            let noise = noise(seed, image as u64);
            Gradients(std::array::from_fn(|lane| {
                // Rounded down: the sum is positive. Above the last bit of a byte nothing can be.
                let value = lanes[lane] * factor + noise[lane] + 256.0;
                (value as i32 - 256).clamp(-127, 127) as i8
            }))
        };
        let pieces: Vec<usize> = (0..images).step_by(PIECE).collect();
        let pieces: Vec<Active> = pieces
            .par_iter()
            .map(|&start| {
                let mut active = Active::default();
                for image in start..(start + PIECE).min(images) {
                    let mut gradients = rounded(image);
                    if gradients != Gradients::default() {
                        gradients.0[LANES - 1] = 1;
                        active.images.push(image as u32);
                        active.gradients.push(gradients);
                    }
                }
                active
            })
            .collect();
        let mut all = Active::default();
        for piece in pieces {
            all.images.extend(piece.images);
            all.gradients.extend(piece.gradients);
        }
        (all, factor)
    }

    /// For each leaf the Newton step of each class, times `rate`. The second derivative of a class is
    /// K / (K − 1) · p (1 − p), as in LightGBM: that of scores whose sum does not change.
    pub(crate) fn steps(&self, leaves: &[u16], count: usize, l2: f64, rate: f64) -> Vec<f32> {
        let classes = self.classes;
        let share = classes as f64 / (classes as f64 - 1.0).max(1.0);
        let sums: Vec<Vec<f64>> = leaves
            .par_chunks(PIECE)
            .enumerate()
            .map(|(piece, leaves)| {
                let mut sums = vec![0.0; 2 * classes * count];
                for (at, &leaf) in leaves.iter().enumerate() {
                    let slopes = self.slopes(piece * PIECE + at);
                    let sums = &mut sums[usize::from(leaf) * 2 * classes..][..2 * classes];
                    let (first, second) = sums.split_at_mut(classes);
                    for (class, (first, second)) in first.iter_mut().zip(second).enumerate() {
                        let p = f64::from(slopes.probabilities[class]);
                        *first += f64::from(slopes.gradient(class));
                        *second += p * (1.0 - p);
                    }
                }
                sums
            })
            .collect();
        let mut total = vec![0.0; 2 * classes * count];
        for sums in sums {
            total
                .iter_mut()
                .zip(sums)
                .for_each(|(total, sum)| *total += sum);
        }
        let mut values = Vec::with_capacity(classes * count);
        for sums in total.chunks_exact(2 * classes) {
            let (first, second) = sums.split_at(classes);
            let steps = first.iter().zip(second);
            // A leaf of no images, or of images that are all right, does not move.
            let step = |(first, second): (&f64, &f64)| match second * share + l2 {
                0.0 => 0.0,
                slope => (-rate * first / slope) as f32,
            };
            values.extend(steps.map(step));
        }
        values
    }
}

/// Scores become probabilities.
pub(crate) fn softmax(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    row.iter_mut().for_each(|value| *value /= sum);
}

/// A row of factors for each class: signs at random, so that products of gradients keep their mean
/// (Achlioptas 2003).
fn projection(classes: usize, seed: u64) -> Vec<[f32; OUTPUTS]> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut sign = || if random.random::<bool>() { 1.0 } else { -1.0 };
    (0..classes)
        .map(|_| std::array::from_fn(|_| sign()))
        .collect()
}

/// Sixteen numbers from 0 to 1 for an image.
fn noise(seed: u64, image: u64) -> [f32; LANES] {
    let start = seed ^ image.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (low, high) = (start as u32, (start >> 32) as u32);
    std::array::from_fn(|lane| {
        // The finaliser of MurmurHash3, of both halves and the lane.
        let mut bits = low ^ (lane as u32).wrapping_mul(0x9e37_79b9);
        bits = (bits ^ bits >> 16).wrapping_mul(0x85eb_ca6b) ^ high;
        bits = (bits ^ bits >> 13).wrapping_mul(0xc2b2_ae35);
        bits ^= bits >> 16;
        (bits >> 8) as f32 * 2_f32.powi(-24)
    })
}

/// Some of the places from 0, in order.
pub(crate) fn drawn(count: usize, of: usize, random: &mut impl Rng) -> Vec<usize> {
    let mut places = rand::seq::index::sample(random, of, count).into_vec();
    places.sort_unstable();
    places
}
