//! k nearest neighbours: several engines behind one classifier.
//!
//! An image gets the labels of the `k` training images that are nearest to it. All engines
//! find the same neighbours:
//!
//! - Distances are exact, because pixels are bytes and sums of their squares are whole numbers.
//! - Of training images at the same distance, the one that comes first in the training data
//!   counts as the nearer (the *lower index* rule). So the k neighbours of an image do not
//!   depend on the engine, the processor or the number of threads.
//!
//! `engines` is the table of engines; `recipe` and `model` are the same for all of them.
//!
//! Rejected alternatives: approximate search (HNSW, IVF), because a comparison of families
//! needs the exact answer of the family, and exact search over 60,000 images takes far less
//! than a millisecond per image; and the classifiers of the libraries, because linfa has none
//! and smartcore's gives no probabilities. Only the search comes from the libraries; votes are
//! counted in one place for all engines.

mod engines;
mod family;
mod floats;
mod model;
mod neighbours;
mod recipe;
mod search;
mod settings;
mod tangent;
#[cfg(test)]
mod tests;
mod vote;

pub use family::FAMILY;
pub use floats::{Float, FloatIndex};
pub use neighbours::{ByteIndex, nearest};
pub use search::Neighbour;
