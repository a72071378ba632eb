//! Probabilities, loss and gradient of a block of images in single precision.

use pulp::Simd;

use super::{
    block::{BLOCK, PackedWeights, Workspace},
    instruction_set::Kernel,
    products, softmax,
    tiles::Tiles,
};

/// Computes the probabilities of up to [`BLOCK`] images, row by row.
pub(crate) struct Predict<'a> {
    pub(crate) weights: &'a PackedWeights,
    pub(crate) workspace: &'a mut Workspace,
    /// Images × pixels.
    pub(crate) bytes: &'a [u8],
    /// The bytes of the next blocks, which are prefetched; they affect only the speed.
    pub(crate) next: &'a [u8],
    /// Images × classes.
    pub(crate) out: &'a mut [f32],
}

impl Kernel for Predict<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const FUSED: bool>(self, simd: S) {
        let Workspace { pictures, scores } = self.workspace;
        let count = self.bytes.len() / pictures.columns();
        products::scores::<S, FUSED>(simd, self.bytes, self.next, pictures, self.weights, scores);
        let mut sums = [0.0; BLOCK];
        softmax::exponentials(scores, &mut sums, &mut [0.0; BLOCK], count);
        let classes = self.weights.biases.len();
        for (picture, row) in self.out.chunks_exact_mut(classes).enumerate() {
            for (class, value) in row.iter_mut().enumerate() {
                *value = scores[class * BLOCK + picture] / sums[picture];
            }
        }
    }
}

/// The loss and its gradient, summed over images.
pub(crate) struct Gradient {
    /// Classes × pixels, with respect to weights for bytes; not interleaved.
    pub(crate) rows: Tiles,
    /// One for each class.
    pub(crate) biases: Vec<f64>,
    /// Sum of cross-entropies in nats.
    pub(crate) loss: f64,
}

/// Adds the loss and the gradient of up to [`BLOCK`] images.
pub(crate) struct LossGradient<'a> {
    pub(crate) weights: &'a PackedWeights,
    pub(crate) workspace: &'a mut Workspace,
    /// Images × pixels.
    pub(crate) bytes: &'a [u8],
    /// The bytes of the next blocks, which are prefetched; they affect only the speed.
    pub(crate) next: &'a [u8],
    /// One class for each image.
    pub(crate) targets: &'a [u16],
    /// What an image of each class weighs; none where all weigh 1.
    pub(crate) class_weights: &'a [f64],
    pub(crate) gradient: &'a mut Gradient,
}

impl Kernel for LossGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const FUSED: bool>(self, simd: S) {
        let Workspace { pictures, scores } = self.workspace;
        let count = self.targets.len();
        products::scores::<S, FUSED>(simd, self.bytes, self.next, pictures, self.weights, scores);
        self.gradient.loss += match self.class_weights {
            [] => softmax::errors(scores, self.targets),
            weights => softmax::weighted_errors(scores, self.targets, weights),
        };
        let errors = scores.chunks_exact(BLOCK);
        for (sum, errors) in self.gradient.biases.iter_mut().zip(errors) {
            *sum += f64::from(errors[..count].iter().sum::<f32>());
        }
        products::accumulate::<S, FUSED>(simd, pictures, count, scores, &mut self.gradient.rows);
    }
}
