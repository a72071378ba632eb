//! What every engine does: find the nearest training pictures.

use bakeoff_core::PredictError;

/// A training picture near the one that was asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its position in the training data, from 0.
    pub index: usize,
    /// How far away it is, in the metric of the model.
    pub distance: f64,
}

/// Training pictures arranged for the search.
pub(crate) trait Search: Send + Sync {
    /// The `k` nearest training pictures of each query: Q×k, nearest first, the lower
    /// index first among equals. `queries` holds Q×D bytes; `k` is from 1 to the
    /// number of training pictures. Uses the threads of the ambient rayon pool.
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError>;

    /// The training pictures as they were given: N×D bytes.
    fn rows(&self) -> Vec<u8>;

    /// The training picture at `index`, one that [`Search::nearest`] named: D bytes.
    fn row(&self, index: usize) -> Vec<u8>;
}
