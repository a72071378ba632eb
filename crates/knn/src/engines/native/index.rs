//! The training rows and everything that is known of them before the search.

use bakeoff_core::FitError;

use super::{
    coarse::Coarse,
    columns::Columns,
    kernel::{
        Kernel,
        block::{Sum, TILE},
    },
    packed::Packed,
    score::{Cosine, L1, L2},
};
use crate::{search::Progress, settings::Metric};

/// Tiles packed between two calls of the progress function.
pub(super) const TILES_PER_REPORT: usize = 256;

/// Training rows prepared for exact search.
pub(super) struct NativeIndex {
    pub(super) columns: Columns,
    pub(super) packed: Packed,
    /// The row at each position of `packed`.
    pub(super) order: Vec<u32>,
    pub(super) coarse: Option<Coarse>,
    pub(super) metric: Metric,
    pub(super) score: AnyScore,
    pub(super) kernel: Kernel,
}

/// The score of the metric.
pub(super) enum AnyScore {
    L2(L2),
    L1(L1),
    Cosine(Cosine),
}

impl NativeIndex {
    /// Packs `rows`, N×`columns` bytes with N ≥ 1, for this kernel, and with a coarse search
    /// first if `pays_off` says so for the number of rows and their columns.
    pub(super) fn build(
        rows: &[u8],
        columns: usize,
        metric: Metric,
        kernel: Kernel,
        pays_off: impl Fn(usize, &Columns) -> bool,
        progress: &mut Progress<'_>,
    ) -> Result<Self, FitError> {
        progress(0)?;
        let columns = Columns::of(rows, columns);
        let total = columns.total();
        let count = rows.len() / total;
        let (coarse, order) = (metric == Metric::L2 && pays_off(count, &columns))
            .then(|| Coarse::build(rows, &columns, kernel))
            .flatten()
            .map_or_else(
                || (None, (0..count).map(|row| row as u32).collect()),
                |(coarse, order)| (Some(coarse), order),
            );
        let sum = match metric {
            Metric::L2 | Metric::Cosine => Sum::Dot,
            Metric::L1 => Sum::Differences,
        };
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
            Metric::L2 => AnyScore::L2(L2::new(&packed)),
            Metric::L1 => AnyScore::L1(L1),
            Metric::Cosine => AnyScore::Cosine(Cosine::new(&packed, &columns)),
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

    /// Restores the row at `position` of `packed`.
    pub(super) fn unpack(&self, position: usize, row: &mut [u8]) {
        let mut varying = vec![0; self.packed.padded_columns()];
        self.packed.unpack(position, &mut varying);
        self.columns.scatter(&varying, row);
    }
}
