//! What the kernels compute on: packed weights and a block of images.

use super::tiles::Tiles;

/// Images in a block. 64 of 784 pixels take 200 kB.
pub(crate) const BLOCK: usize = 64;

/// Classes that are multiplied together: at most five, all tiles of the same height.
pub(super) fn classes_together(classes: usize) -> usize {
    classes.div_ceil(classes.div_ceil(5))
}

/// Weights in the layout of the kernels, for bytes instead of pixels in 0..=1.
#[derive(Clone, Debug)]
pub(crate) struct PackedWeights {
    /// Classes × pixels.
    pub(crate) tiles: Tiles,
    /// One for each class.
    pub(crate) biases: Vec<f32>,
}

impl PackedWeights {
    /// All zero.
    pub(crate) fn zeros(classes: usize, pixels: usize) -> Self {
        Self {
            tiles: Tiles::zeros(classes, pixels, classes_together(classes)),
            biases: vec![0.0; classes],
        }
    }
}

/// Intermediate values of a block, allocated once for many blocks.
pub(crate) struct Workspace {
    /// Images × pixels.
    pub(super) pictures: Tiles,
    /// Classes × [`BLOCK`]: scores, then probabilities, then errors.
    pub(super) scores: Vec<f32>,
}

impl Workspace {
    /// For blocks of up to `pictures`.
    pub(crate) fn new(pictures: usize, weights: &PackedWeights) -> Self {
        // Room for whole tiles, which hold more than one image in larger blocks.
        let rows = if pictures < 4 { pictures } else { BLOCK };
        Self {
            pictures: Tiles::zeros(rows, weights.tiles.columns(), 1),
            scores: vec![0.0; weights.biases.len() * BLOCK],
        }
    }
}
