//! Families whose fit is a few sums over the training images and at most one matrix to solve.
//!
//! | family | what it takes the pixels of a class for |
//! |---|---|
//! | `nearest-centroid` | spread alike in all directions around the mean |
//! | `naive-bayes` | independent of each other: normal, counts, or on and off |
//! | `lda` | normal, with the same covariance in all classes (Fisher 1936) |
//! | `qda` | normal, each class with a covariance of its own |
//! | `ridge` | nothing: least squares to 1 for an image's class and −1 for the others |
//!
//! Pixels are divided by 255. All sums are of bytes and products of bytes, in whole numbers (`moments`), so
//! that they are exact and the same at any number of threads; equations are solved in double precision.
//! A class without training images has probability 0.
//!
//! Those that come to one weighted sum of the pixels for each class share a model (`linear`), which
//! answers in the page of a report and as an ONNX file like any other model of layers.

mod centroid;
mod covariance;
mod lda;
mod linear;
mod moments;
mod naive_bayes;
mod qda;
mod recipe;
mod ridge;
#[cfg(test)]
mod tests;

use bakeoff_core::{Engine, EngineCode, Family, Origin};

pub use centroid::FAMILY as NEAREST_CENTROID;
pub use lda::FAMILY as LDA;
pub use naive_bayes::FAMILY as NAIVE_BAYES;
pub use qda::FAMILY as QDA;
pub use ridge::FAMILY as RIDGE;

/// Pixels are multiplied by this and nothing else.
const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// The score of a class without training images: no softmax leaves anything of it.
const NEVER: f32 = -1e38;

/// What all rows have in common.
const COMMON: Family = Family {
    name: "",
    title: "",
    summary: "",
    engines: &[],
    settings: &[],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| false,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};

/// The only engine of a family.
const fn native(summary: &'static str, code: EngineCode) -> Engine {
    Engine {
        name: "native",
        summary,
        deterministic: true,
        code: Some(code),
    }
}
