//! The search of linfa-nn: linear, k-d tree and ball tree.
//!
//! linfa-nn is a search index, not a classifier, so only the search is the library's;
//! [`crate::library`] settles ties and [`crate::vote`] counts votes.
//!
//! - The index borrows its data. `self_cell` keeps both in one value, which is sound
//!   without `unsafe` here. Rejected: building the index again for every batch (the
//!   time measured would be the building's) and leaking the data (a process that loads
//!   models would grow without end).
//! - Numbers are `f64`. In `f32` squared distances are exact below 2²⁴ only, which two
//!   MNIST digits can exceed; and its sums run one element after the other, so that
//!   narrower floats are hardly faster.

use bakeoff_core::{FitError, PredictError};
use linfa_nn::{
    CommonNearestNeighbour, NearestNeighbour, NearestNeighbourIndex,
    distance::{L1Dist, L2Dist},
};
use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;
use self_cell::self_cell;

use crate::{
    Neighbour,
    family::LINFA_NN,
    library::{key, neighbours, settle},
    search::Search,
    settings::{IndexKind, Metric},
};

type Index<'a> = Box<dyn 'a + Send + Sync + NearestNeighbourIndex<f64>>;

self_cell!(
    struct Indexed {
        owner: Array2<f64>,
        #[covariant]
        dependent: Index,
    }
);

/// Training rows in an index of linfa-nn.
pub(crate) struct LinfaIndex {
    indexed: Indexed,
    metric: Metric,
}

impl LinfaIndex {
    /// Indexes `rows`, N×`columns` bytes.
    pub(crate) fn build(
        rows: &[u8],
        columns: usize,
        metric: Metric,
        kind: IndexKind,
    ) -> Result<Self, FitError> {
        let failed = |error: &dyn std::fmt::Display| FitError::Engine {
            engine: LINFA_NN,
            reason: error.to_string(),
        };
        let algorithm = match kind {
            IndexKind::Linear => CommonNearestNeighbour::LinearSearch,
            IndexKind::KdTree => CommonNearestNeighbour::KdTree,
            IndexKind::BallTree => CommonNearestNeighbour::BallTree,
            IndexKind::CoverTree => return Err(failed(&"there is no cover tree")),
        };
        let floats = rows.iter().copied().map(f64::from).collect();
        let data = Array2::from_shape_vec((rows.len() / columns, columns), floats)
            .map_err(|error| failed(&error))?;
        let indexed = Indexed::try_new(data, |data| match metric {
            Metric::L2 => algorithm.from_batch(data, L2Dist),
            _ => algorithm.from_batch(data, L1Dist),
        })
        .map_err(|error| failed(&error))?;
        Ok(Self { indexed, metric })
    }
}

impl Search for LinfaIndex {
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        let data = self.indexed.borrow_owner();
        let index = self.indexed.borrow_dependent();
        let found: Vec<Vec<Neighbour>> = queries
            .par_chunks(data.ncols())
            .map(|query| {
                let query: Vec<f64> = query.iter().copied().map(f64::from).collect();
                let ask = |wanted| {
                    let found =
                        index
                            .k_nearest(ArrayView1::from(&query), wanted)
                            .map_err(|error| PredictError::Engine {
                                engine: LINFA_NN,
                                reason: error.to_string(),
                            })?;
                    Ok(found.into_iter().map(|(_, row)| row).collect())
                };
                let distance = |row: usize| {
                    let row = data.row(row);
                    key(self.metric, &query, row.as_slice().unwrap_or_default())
                };
                let found = settle(LINFA_NN, data.nrows(), k, ask, distance)?;
                Ok(neighbours(self.metric, found))
            })
            .collect::<Result<_, PredictError>>()?;
        Ok(found.concat())
    }

    fn rows(&self) -> Vec<u8> {
        let data = self.indexed.borrow_owner();
        data.iter().map(|&value| value as u8).collect()
    }

    fn row(&self, index: usize) -> Vec<u8> {
        let data = self.indexed.borrow_owner();
        data.row(index).iter().map(|&value| value as u8).collect()
    }
}
