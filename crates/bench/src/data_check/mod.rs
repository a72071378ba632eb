//! What is wrong with a dataset, as far as a search or a classifier can see it. What one look at every pixel
//! sees is in the crate `data`.

mod drift;
mod near;
#[cfg(test)]
mod tests;

use bakeoff_core::{Images, Samples};

pub use drift::{Drift, drift};
pub use near::{NearDuplicates, NearPair, Place, near_duplicates};

use crate::BenchError;

/// The images of two parts, one after the other.
fn together(train: &Samples, test: &Samples) -> Result<Images, BenchError> {
    let pixels = [train.images().pixels(), test.images().pixels()].concat();
    let images = Images::new(train.images().shape(), pixels);
    images.map_err(|error| BenchError::Request(error.to_string()))
}
