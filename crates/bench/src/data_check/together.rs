//! Two parts as one.

use bakeoff_core::{Images, Samples};

use crate::BenchError;

/// The images of two parts, one after the other.
pub(super) fn together(train: &Samples, test: &Samples) -> Result<Images, BenchError> {
    let pixels = [train.images().pixels(), test.images().pixels()].concat();
    let images = Images::new(train.images().shape(), pixels);
    images.map_err(|error| BenchError::Request(error.to_string()))
}
