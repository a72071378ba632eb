//! The arithmetic of a block of pictures: scores, softmax, gradient.
//!
//! A block's bytes become single-precision numbers once, and both products and the
//! softmax between them are done while the block is in the second-level cache, so that
//! the training set is read once per evaluation, as bytes. Two calls of a general
//! matrix product were rejected: ten classes are too few columns for their tiles,
//! and each would read all pictures again.
//!
//! Every number is computed by the same operations in the same order whatever the
//! block it is in, so that a picture gets the same bits alone and among others.

mod cholesky;
mod double;
mod lanes;
mod products;
mod softmax;
mod tiles;

pub(crate) use cholesky::Cholesky;
pub(crate) use double::LearnDouble;
pub(crate) use lanes::{Kernel, Lanes};
use pulp::Simd;
pub(crate) use tiles::Tiles;

/// Pictures in a block. 64 of 784 pixels take 200 kB.
pub(crate) const BLOCK: usize = 64;

/// Weights made ready for the kernels: of bytes, not of pixels in 0..=1.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    /// Classes × pixels.
    pub(crate) tiles: Tiles,
    /// One for each class.
    pub(crate) biases: Vec<f32>,
}

impl Weights {
    /// All zero.
    pub(crate) fn zeros(classes: usize, pixels: usize) -> Self {
        Self {
            tiles: Tiles::zeros(classes, pixels, products::classes_together(classes)),
            biases: vec![0.0; classes],
        }
    }
}

/// Numbers that a block needs and leaves, kept from block to block.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Pictures × pixels.
    pictures: Tiles,
    /// Classes × [`BLOCK`]: scores, then probabilities, then their errors.
    scores: Vec<f32>,
}

impl Workspace {
    /// For blocks of up to `pictures`.
    pub(crate) fn new(pictures: usize, weights: &Weights) -> Self {
        // Room for whole tiles, if they are of more than one picture.
        let rows = if pictures < 4 { pictures } else { BLOCK };
        Self {
            pictures: Tiles::zeros(rows, weights.tiles.columns(), 1),
            scores: vec![0.0; weights.biases.len() * BLOCK],
        }
    }
}

/// Probabilities of up to [`BLOCK`] pictures, row by row.
pub(crate) struct Predict<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) workspace: &'a mut Workspace,
    /// Pictures × pixels.
    pub(crate) bytes: &'a [u8],
    /// What will be asked for next; it changes nothing but the speed.
    pub(crate) ahead: &'a [u8],
    /// Pictures × classes.
    pub(crate) out: &'a mut [f32],
}

impl Kernel for Predict<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const FUSED: bool>(self, simd: S) {
        let Workspace { pictures, scores } = self.workspace;
        let count = self.bytes.len() / pictures.columns();
        let (bytes, ahead) = (self.bytes, self.ahead);
        products::scores::<S, FUSED>(simd, bytes, ahead, pictures, self.weights, scores);
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

/// What a stretch of pictures adds to the loss and its gradient.
#[derive(Debug)]
pub(crate) struct Gradient {
    /// Classes × pixels, with respect to weights of bytes; not interleaved.
    pub(crate) rows: Tiles,
    /// One for each class.
    pub(crate) biases: Vec<f64>,
    /// Sum of cross-entropies in nats.
    pub(crate) loss: f64,
}

/// Adds the loss and the gradient of up to [`BLOCK`] pictures.
pub(crate) struct Learn<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) workspace: &'a mut Workspace,
    /// Pictures × pixels.
    pub(crate) bytes: &'a [u8],
    /// What will be asked for next; it changes nothing but the speed.
    pub(crate) ahead: &'a [u8],
    /// One class for each picture.
    pub(crate) targets: &'a [u16],
    pub(crate) gradient: &'a mut Gradient,
}

impl Kernel for Learn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const FUSED: bool>(self, simd: S) {
        let Workspace { pictures, scores } = self.workspace;
        let count = self.bytes.len() / pictures.columns();
        let (bytes, ahead) = (self.bytes, self.ahead);
        products::scores::<S, FUSED>(simd, bytes, ahead, pictures, self.weights, scores);
        self.gradient.loss += softmax::errors(scores, self.targets);
        for (sum, errors) in self
            .gradient
            .biases
            .iter_mut()
            .zip(scores.chunks_exact(BLOCK))
        {
            *sum += f64::from(errors[..count].iter().sum::<f32>());
        }
        products::accumulate::<S, FUSED>(simd, pictures, count, scores, &mut self.gradient.rows);
    }
}

#[cfg(test)]
mod tests;
