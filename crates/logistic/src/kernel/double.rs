//! Loss and gradient in double precision, for small tolerances.
//!
//! Plain loops, one image at a time, with the standard library's functions; several
//! times slower than single precision.

use pulp::Simd;

use super::instruction_set::Kernel;
use crate::vector::{add, dot};

/// Adds the gradient of some images, in double precision throughout; returns their loss.
pub(crate) struct LossGradientDouble<'a> {
    /// Classes × pixels, for bytes.
    pub(crate) weights: &'a [f64],
    /// One for each class.
    pub(crate) biases: &'a [f64],
    /// Images × pixels.
    pub(crate) bytes: &'a [u8],
    /// One class for each image.
    pub(crate) targets: &'a [u16],
    /// What an image of each class weighs; none where all weigh 1.
    pub(crate) class_weights: &'a [f64],
    /// Classes × `stride`: the gradient is added to the first pixels of each.
    pub(crate) gradient: &'a mut [f64],
    /// Numbers from one class's gradient to the next.
    pub(crate) stride: usize,
    /// One for each class.
    pub(crate) bias_gradient: &'a mut [f64],
}

impl Kernel for LossGradientDouble<'_> {
    /// Sum of cross-entropies in nats.
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd, const FUSED: bool>(self, _: S) -> f64 {
        let pixels = self.weights.len() / self.biases.len();
        let mut picture = vec![0.0; pixels];
        let mut scores = vec![0.0; self.biases.len()];
        let mut loss = 0.0;
        for (bytes, &target) in self.bytes.chunks_exact(pixels).zip(self.targets) {
            for (to, &from) in picture.iter_mut().zip(bytes) {
                *to = f64::from(from);
            }
            for ((score, row), bias) in scores
                .iter_mut()
                .zip(self.weights.chunks_exact(pixels))
                .zip(self.biases)
            {
                *score = dot(row, &picture) + bias;
            }
            let target = usize::from(target);
            let entropy = errors(&mut scores, target);
            match self.class_weights.get(target) {
                None => loss += entropy,
                Some(&weight) => {
                    loss += weight * entropy;
                    scores.iter_mut().for_each(|error| *error *= weight);
                }
            }
            for ((&error, row), sum) in scores
                .iter()
                .zip(self.gradient.chunks_exact_mut(self.stride))
                .zip(self.bias_gradient.iter_mut())
            {
                add(&mut row[..pixels], error, &picture);
                *sum += error;
            }
        }
        loss
    }
}

/// Replaces scores by probabilities, minus one for the true class; returns the
/// cross-entropy in nats.
fn errors(scores: &mut [f64], target: usize) -> f64 {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let truth = scores[target];
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - top).exp();
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
    scores[target] -= 1.0;
    sum.ln() + top - truth
}
