//! The engine of this crate: exact search over all training rows, in blocks.
//!
//! For L2 and cosine everything comes from dot products: ‖a−b‖² = ‖a‖² + ‖b‖² − 2a·b.
//! Bytes are multiplied and added as whole numbers, so every distance is exact: in 32 bits
//! for images of up to [`NARROW`](kernel::block::NARROW) values (three channels of 104×104,
//! say), above that in 64 bits, which is enough for every image that fits in memory.
//!
//! [`columns`] leaves out columns that do not vary, [`packed`] lays the others out for the
//! [`kernel`]s, [`score`] turns the kernels' sums into an exact order, [`best`] keeps the k
//! nearest, and [`scan`] does the search on all threads. For L2 over many rows, [`coarse`]
//! first skips tiles of rows that are certainly too far, by bounds from [`projection`]s, and
//! [`order`] puts similar rows into one tile. [`index`] holds all of it.
//!
//! Rejected: trees over whole rows, because in hundreds of dimensions they visit most rows
//! and are slower than visiting all of them in order; and distances in floating point,
//! because they are slower here and not exact.

mod best;
mod coarse;
mod columns;
mod directions;
mod index;
mod kernel;
mod order;
mod packed;
mod projection;
mod queries;
mod scan;
mod score;
#[cfg(test)]
mod tests;

use bakeoff_core::{DataShape, FitError, PredictError};

use self::{
    coarse::Coarse,
    index::{AnyScore, NativeIndex},
    kernel::Kernel,
};
use crate::{
    search::{Neighbour, Progress, Search},
    settings::{KnnSettings, Metric},
};

/// Values in an image up to which cosines compare without rounding: dot products are below
/// 2⁴², so that dot² · ‖row‖² is below 2¹²⁸.
const MAX_COSINE_COLUMNS: usize = 1 << 26;

/// Why the engine cannot be trained on such data, if it cannot.
pub(super) fn refuses(settings: &KnnSettings, data: &DataShape) -> Option<String> {
    let columns = data.image.pixels();
    (settings.metric == Metric::Cosine && columns > MAX_COSINE_COLUMNS).then(|| {
        format!(
            "images of {columns} values are too large for exact cosine distances \
             ({MAX_COSINE_COLUMNS} at most); use metric = \"l2\" or smaller images"
        )
    })
}

/// See [`crate::search::BuildSearch`].
pub(super) fn build(
    rows: &[u8],
    columns: usize,
    settings: &KnnSettings,
    progress: &mut Progress<'_>,
) -> Result<Box<dyn Search>, FitError> {
    let (metric, kernel) = (settings.metric, Kernel::best());
    let index = NativeIndex::build(rows, columns, metric, kernel, Coarse::pays_off, progress)?;
    Ok(Box::new(index))
}

impl Search for NativeIndex {
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        Ok(match &self.score {
            AnyScore::L2(score) => scan::nearest(self, score, queries, k),
            AnyScore::L1(score) => scan::nearest(self, score, queries, k),
            AnyScore::Cosine(score) => scan::nearest(self, score, queries, k),
        })
    }

    fn rows(&self) -> Vec<u8> {
        let mut rows = vec![0; self.packed.rows * self.columns.total()];
        for (position, &row) in self.order.iter().enumerate() {
            let row = row as usize * self.columns.total();
            self.unpack(position, &mut rows[row..][..self.columns.total()]);
        }
        rows
    }

    fn row(&self, index: usize) -> Vec<u8> {
        let mut row = vec![0; self.columns.total()];
        // Called for a few rows at a time: a table of positions would cost more memory than
        // this search costs time.
        if let Some(position) = self.order.iter().position(|&row| row as usize == index) {
            self.unpack(position, &mut row);
        }
        row
    }

    fn kernel(&self) -> Option<&'static str> {
        Some(self.kernel.name())
    }
}
