//! What every engine does: find the nearest training images.

use bakeoff_core::{FitError, PredictError};

use crate::settings::KnnSettings;

/// A training image near a query image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its position in the training data, from 0.
    pub index: usize,
    /// Its distance, in the metric of the model.
    pub distance: f64,
}

/// Training images prepared for the search.
pub(crate) trait Search: Send + Sync {
    /// The `k` nearest training images of each query: Q×k, nearest first, the lower index
    /// first among equals. `queries` holds Q×D bytes; `k` is from 1 to the number of
    /// training images. Uses the threads of the current rayon pool.
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError>;

    /// The training images as they were given: N×D bytes.
    fn rows(&self) -> Vec<u8>;

    /// The training image at `index`, which is below N: D bytes.
    fn row(&self, index: usize) -> Vec<u8>;

    /// The kernel that computes distances, by its instruction set, where the engine has one.
    fn kernel(&self) -> Option<&'static str> {
        None
    }
}

/// Receives the number of training images stored so far; its error stops the work.
pub(crate) type Progress<'a> = dyn FnMut(usize) -> Result<(), FitError> + 'a;

/// Prepares training images, N×`columns` bytes with N ≥ 1, for the search.
pub(crate) type BuildSearch = fn(
    rows: &[u8],
    columns: usize,
    settings: &KnnSettings,
    progress: &mut Progress<'_>,
) -> Result<Box<dyn Search>, FitError>;
