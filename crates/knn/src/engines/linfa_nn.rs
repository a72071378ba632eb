//! The search of linfa-nn: linear, k-d tree and ball tree.
//!
//! - The index borrows its data. `self_cell` keeps both in one value, without `unsafe` here.
//!   Rejected: building the index again for every batch (the time measured would be that of
//!   building) and leaking the data (a process that loads models would grow without end).
//! - Numbers are `f64`. In `f32` squared distances are exact below 2²⁴ only, which two
//!   MNIST digits can exceed; and its sums run one element after the other, so that
//!   narrower floats are hardly faster.

use bakeoff_core::FitError;
use linfa_nn::{
    CommonNearestNeighbour, NearestNeighbour, NearestNeighbourIndex,
    distance::{L1Dist, L2Dist},
};
use ndarray::{Array2, ArrayView1};
use self_cell::self_cell;

use super::library::{self, Find};
use crate::{
    search::{Progress, Search},
    settings::{IndexKind, KnnSettings, Metric},
};

/// The engine's name.
pub(super) const NAME: &str = "linfa-nn";

type Index<'a> = Box<dyn 'a + Send + Sync + NearestNeighbourIndex<f64>>;

self_cell!(
    struct Indexed {
        owner: Array2<f64>,
        #[covariant]
        dependent: Index,
    }
);

/// See [`crate::search::BuildSearch`].
pub(super) fn build(
    rows: &[u8],
    columns: usize,
    &KnnSettings { metric, index, .. }: &KnnSettings,
    progress: &mut Progress<'_>,
) -> Result<Box<dyn Search>, FitError> {
    library::build(NAME, rows, columns, metric, progress, || {
        let algorithm = match index {
            IndexKind::Linear => CommonNearestNeighbour::LinearSearch,
            IndexKind::KdTree => CommonNearestNeighbour::KdTree,
            IndexKind::BallTree => CommonNearestNeighbour::BallTree,
            IndexKind::CoverTree => return Err("there is no cover tree".into()),
        };
        let floats = rows.iter().copied().map(f64::from).collect();
        let data = Array2::from_shape_vec((rows.len() / columns, columns), floats)
            .map_err(|error| error.to_string())?;
        let indexed = Indexed::try_new(data, |data| match metric {
            Metric::L1 => algorithm.from_batch(data, L1Dist),
            _ => algorithm.from_batch(data, L2Dist),
        })
        .map_err(|error| error.to_string())?;
        let find: Find = Box::new(move |query, wanted| {
            let query: Vec<f64> = query.iter().copied().map(f64::from).collect();
            let index = indexed.borrow_dependent();
            let found = index.k_nearest(ArrayView1::from(&query), wanted);
            let found = found.map_err(|error| error.to_string())?;
            Ok(found.into_iter().map(|(_, row)| row).collect())
        });
        Ok(find)
    })
}
