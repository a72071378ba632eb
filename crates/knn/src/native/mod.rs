//! The engine of this crate: exact search over all training rows, in blocks.
//!
//! For L2 and cosine everything comes from dot products: ‖a−b‖² = ‖a‖² + ‖b‖² − 2a·b.
//! Bytes are multiplied and added as whole numbers, so every distance is exact: in 32
//! bits for pictures of up to [`NARROW`] values (three channels of 104×104, say), beyond
//! that in 64 bits, which keeps exact for every picture that fits in memory.
//!
//! [`columns`] leaves out what does not vary, [`packed`] lays the rest out for the
//! [`kernel`]s, [`score`] turns their sums into an exact order, [`best`] keeps the k
//! nearest, and [`scan`] puts it together and spreads it over the threads.
//!
//! Rejected: trees, because in hundreds of dimensions they end up looking at most rows
//! and lose to looking at all of them in order; distances in floating point, because
//! they are slower here and not exact.

mod best;
mod columns;
mod kernel;
mod packed;
mod scan;
mod score;
#[cfg(test)]
mod tests;

use bakeoff_core::PredictError;

use self::{
    columns::Columns,
    kernel::{Kernel, SEGMENT, TILE},
    packed::{Packed, Sum},
};
use crate::{Neighbour, search::Search, settings::Metric};

/// Values in a picture up to which one segment holds all columns and squared distances
/// fit an `i32`: 32,768 · 255² < 2³¹.
const NARROW: usize = SEGMENT * Sum::Dot.group();

/// Tiles packed between two reports of progress.
const TILES_PER_REPORT: usize = 256;

/// Training rows arranged for exact search.
pub(crate) struct NativeIndex {
    columns: Columns,
    packed: Packed,
    metric: Metric,
    kernel: Kernel,
}

impl NativeIndex {
    /// Packs `rows`, N×`columns` bytes with N ≥ 1. `progress` is told the rows packed
    /// so far; its error stops the work.
    pub(crate) fn build<E>(
        rows: &[u8],
        columns: usize,
        metric: Metric,
        progress: &mut dyn FnMut(usize) -> Result<(), E>,
    ) -> Result<Self, E> {
        Self::with_kernel(rows, columns, metric, Kernel::best(), progress)
    }

    fn with_kernel<E>(
        rows: &[u8],
        columns: usize,
        metric: Metric,
        kernel: Kernel,
        progress: &mut dyn FnMut(usize) -> Result<(), E>,
    ) -> Result<Self, E> {
        progress(0)?;
        let sum = match metric {
            Metric::L2 | Metric::Cosine => Sum::Dot,
            Metric::L1 => Sum::Differences,
        };
        let columns = Columns::of(rows, columns);
        let mut packed = Packed::zeroed(rows.len() / columns.total(), columns.varying(), sum);
        let mut done = 0;
        for (part, rows) in rows
            .chunks(TILES_PER_REPORT * TILE * columns.total())
            .enumerate()
        {
            packed.fill(part * TILES_PER_REPORT, rows, &columns);
            done += rows.len() / columns.total();
            progress(done)?;
        }
        Ok(Self {
            columns,
            packed,
            metric,
            kernel,
        })
    }
}

impl Search for NativeIndex {
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        Ok(match self.metric {
            Metric::L2 => scan::nearest(self, &score::L2::of(self), queries, k),
            Metric::L1 => scan::nearest(self, &score::L1, queries, k),
            Metric::Cosine => scan::nearest(self, &score::Cosine::of(self), queries, k),
        })
    }

    fn rows(&self) -> Vec<u8> {
        let total = self.columns.total();
        let mut rows = vec![0; self.packed.rows() * total];
        let mut varying = vec![0; self.packed.groups() * self.packed.sum().group()];
        for (index, row) in rows.chunks_exact_mut(total).enumerate() {
            self.packed.unpack(index, &mut varying);
            self.columns.scatter(&varying, row);
        }
        rows
    }
}
