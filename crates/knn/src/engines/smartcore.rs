//! The search of smartcore: linear and cover tree.
//!
//! Pixels are `f32`, which hold them and the squares of their differences exactly; smartcore
//! adds those up in `f64`. Its cosine distance is not offered: it puts a black image at an
//! infinite distance from every other instead of at 1, and would not find the same neighbours.

use bakeoff_core::{DataShape, FitError};
use smartcore::{
    algorithm::neighbour::{cover_tree::CoverTree, linear_search::LinearKNNSearch},
    metrics::distance::{Distance, euclidian::Euclidian, manhattan::Manhattan},
};

use super::library::{self, Find};
use crate::{
    search::{Progress, Search},
    settings::{IndexKind, KnnSettings, Metric},
};

/// The engine's name.
pub(super) const NAME: &str = "smartcore";

/// Why the engine cannot be trained on such data, if it cannot.
pub(super) fn refuses(settings: &KnnSettings, data: &DataShape) -> Option<String> {
    (settings.index == IndexKind::CoverTree && data.train < 2).then(|| {
        "smartcore's cover tree cannot hold a single image; \
         use index = \"linear\" or more training data"
            .into()
    })
}

/// See [`crate::search::BuildSearch`].
pub(super) fn build(
    rows: &[u8],
    columns: usize,
    &KnnSettings { metric, index, .. }: &KnnSettings,
    progress: &mut Progress<'_>,
) -> Result<Box<dyn Search>, FitError> {
    library::build(NAME, rows, columns, metric, progress, || {
        let rows = rows.chunks_exact(columns).map(floats).collect();
        match metric {
            Metric::L1 => search(rows, index, Manhattan::new()),
            _ => search(rows, index, Euclidian::new()),
        }
    })
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().copied().map(f32::from).collect()
}

/// Indexes `rows`.
fn search<D: Distance<Vec<f32>> + Send + Sync + 'static>(
    rows: Vec<Vec<f32>>,
    index: IndexKind,
    distance: D,
) -> Result<Find, String> {
    // The two kinds have no trait in common.
    macro_rules! find {
        ($kind:ident) => {{
            let index = $kind::new(rows, distance).map_err(|error| error.to_string())?;
            Ok(Box::new(move |query, wanted| {
                let found = index.find(&floats(query), wanted);
                let found = found.map_err(|error| error.to_string())?;
                Ok(found.into_iter().map(|(row, _, _)| row).collect())
            }))
        }};
    }
    match index {
        IndexKind::CoverTree => find!(CoverTree),
        _ => find!(LinearKNNSearch),
    }
}
