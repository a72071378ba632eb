//! The engine of this crate: exact search over all training rows, in blocks.
//!
//! For L2 and cosine everything comes from dot products: ‖a−b‖² = ‖a‖² + ‖b‖² − 2a·b.
//! Bytes are multiplied and added as whole numbers, so every distance is exact: in 32
//! bits for pictures of up to [`NARROW`] values (three channels of 104×104, say), beyond
//! that in 64 bits, which keeps exact for every picture that fits in memory.
//!
//! [`columns`] leaves out what does not vary, [`packed`] lays the rest out for the
//! [`kernel`]s, [`score`] turns their sums into an exact order, [`crate::best`] keeps the
//! k nearest, and [`scan`] puts it together and spreads it over the threads. For L2 over
//! many rows, [`coarse`] first passes over tiles of rows that are certainly too far, by
//! bounds from [`projection`]s, and [`order`] puts similar rows in one tile.
//!
//! Rejected: trees over whole rows, because in hundreds of dimensions they end up looking
//! at most rows and lose to looking at all of them in order; distances in floating
//! point, because they are slower here and not exact.

mod coarse;
mod columns;
mod directions;
mod kernel;
mod order;
mod packed;
mod projection;
mod queries;
mod scan;
mod score;
#[cfg(test)]
mod tests;

use bakeoff_core::PredictError;

use self::{
    coarse::Coarse,
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
    /// The row at each position of `packed`.
    order: Vec<u32>,
    coarse: Option<Coarse>,
    metric: Metric,
    score: AnyScore,
    kernel: Kernel,
}

/// The order of the metric, with what it knows of each row.
enum AnyScore {
    L2(score::L2),
    L1(score::L1),
    Cosine(score::Cosine),
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
        Self::with(
            rows,
            columns,
            metric,
            Kernel::best(),
            Coarse::pays,
            progress,
        )
    }

    fn with<E>(
        rows: &[u8],
        columns: usize,
        metric: Metric,
        kernel: Kernel,
        pays: impl Fn(usize, &Columns) -> bool,
        progress: &mut dyn FnMut(usize) -> Result<(), E>,
    ) -> Result<Self, E> {
        progress(0)?;
        let sum = match metric {
            Metric::L2 | Metric::Cosine => Sum::Dot,
            Metric::L1 => Sum::Differences,
        };
        let columns = Columns::of(rows, columns);
        let total = columns.total();
        let count = rows.len() / total;
        let coarse = if metric == Metric::L2 && pays(count, &columns) {
            Coarse::build(rows, &columns, kernel)
        } else {
            None
        };
        let (coarse, order) = coarse.map_or_else(
            || (None, (0..count).map(|row| row as u32).collect()),
            |(coarse, order)| (Some(coarse), order),
        );
        let mut packed = Packed::zeroed(count, columns.varying(), sum);
        for first in (0..count).step_by(TILES_PER_REPORT * TILE) {
            let part = (count - first).min(TILES_PER_REPORT * TILE);
            packed.fill(first / TILE, part, |position, out| {
                let row = order[position] as usize * total;
                columns.gather(&rows[row..row + total], out);
            });
            progress(first + part)?;
        }
        let score = match metric {
            Metric::L2 => AnyScore::L2(score::L2::new(&packed)),
            Metric::L1 => AnyScore::L1(score::L1),
            Metric::Cosine => AnyScore::Cosine(score::Cosine::new(&packed, &columns)),
        };
        Ok(Self {
            columns,
            packed,
            order,
            coarse,
            metric,
            score,
            kernel,
        })
    }
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
        let total = self.columns.total();
        let mut rows = vec![0; self.packed.rows() * total];
        let mut varying = vec![0; self.packed.groups() * self.packed.sum().group()];
        for (position, &row) in self.order.iter().enumerate() {
            self.packed.unpack(position, &mut varying);
            let row = row as usize * total;
            self.columns.scatter(&varying, &mut rows[row..row + total]);
        }
        rows
    }

    fn row(&self, index: usize) -> Vec<u8> {
        let mut row = vec![0; self.columns.total()];
        // Asked for a handful of rows at a time: a table for the way back would cost
        // more memory than this search costs time.
        let place = self.order.iter().position(|&row| row as usize == index);
        if let Some(position) = place {
            let mut varying = vec![0; self.packed.groups() * self.packed.sum().group()];
            self.packed.unpack(position, &mut varying);
            self.columns.scatter(&varying, &mut row);
        }
        row
    }
}
