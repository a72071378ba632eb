//! The search without a classifier, for looking at the data themselves.

use bakeoff_core::{FitError, Images, PredictError, Settings};

use crate::{
    FAMILY,
    engines::KnnEngine,
    search::{Neighbour, Search},
};

/// Rows of bytes prepared for the search, by the default engine.
pub struct ByteIndex {
    search: Box<dyn Search>,
    rows: usize,
    columns: usize,
}

impl ByteIndex {
    /// Prepares rows: N×`columns` bytes.
    ///
    /// # Errors
    /// [`FitError::Data`] where there is no row, and those of the engine.
    pub fn new(rows: &[u8], columns: usize) -> Result<Self, FitError> {
        if columns == 0 || rows.is_empty() || !rows.len().is_multiple_of(columns) {
            return Err(FitError::Data(
                "there are no whole rows to search in".into(),
            ));
        }
        let spec = FAMILY.resolve(None, &Settings::default())?;
        let (engine, settings) = KnnEngine::of(&spec)?;
        Ok(Self {
            search: (engine.build)(rows, columns, &settings, &mut |_| Ok(()))?,
            rows: rows.len() / columns,
            columns,
        })
    }

    /// How many rows there are, at least one.
    #[expect(clippy::len_without_is_empty, reason = "there always is a row")]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Bytes of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The `k` nearest rows of each query by Euclidean distance, exactly: Q×min(`k`, N), nearest first, of
    /// equals the first one first. `queries` are Q×columns bytes. Uses the threads of the current rayon pool.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        let k = k.min(self.rows);
        match k == 0 || queries.is_empty() {
            true => Ok(Vec::new()),
            false => self.search.nearest(queries, k),
        }
    }
}

/// The `k` of N images that are nearest to each of Q others by Euclidean distance, exactly:
/// Q×min(`k`, N), nearest first, of equals the first one first. By the default engine, on the threads of
/// the current rayon pool.
///
/// # Errors
/// [`FitError::Data`] where the shapes differ, and those of the engine.
pub fn nearest(images: &Images, others: &Images, k: usize) -> Result<Vec<Neighbour>, FitError> {
    let (shape, other) = (images.shape(), others.shape());
    if shape != other {
        return Err(FitError::Data(format!(
            "images of {shape} and of {other} have no distance"
        )));
    }
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error: PredictError| FitError::Engine {
        engine: "native",
        reason: error.to_string(),
    };
    ByteIndex::new(images.pixels(), shape.pixels())?
        .nearest(others.pixels(), k)
        .map_err(failed)
}
