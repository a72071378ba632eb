//! The arithmetic of a block of images: scores, softmax, gradient.
//!
//! The bytes of a block are converted to single precision once. Both products and the
//! softmax between them run while the block is in the second-level cache, so each
//! evaluation reads the training set once, as bytes. Two calls of a general matrix product
//! were rejected: ten classes are too few columns for its tiles, and each call would read
//! all images again.
//!
//! Every number is computed by the same operations in the same order, whatever the block
//! that it is in. So an image gets the same bits alone and in a batch.

mod block;
mod cholesky;
mod double;
mod instruction_set;
mod products;
mod single;
mod softmax;
mod tiles;

#[cfg(test)]
mod tests;

pub(crate) use block::{BLOCK, PackedWeights, Workspace};
pub(crate) use cholesky::Cholesky;
pub(crate) use double::LossGradientDouble;
pub(crate) use instruction_set::InstructionSet;
pub(crate) use single::{Gradient, LossGradient, Predict};
pub(crate) use tiles::Tiles;
