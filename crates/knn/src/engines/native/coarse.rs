//! A coarse search: which tiles can hold a near row at all.
//!
//! The [`Projection`] of each row is packed like the row itself, and goes through the same
//! kernels at a fifteenth of the cost. Only tiles in which some projection is near enough are
//! searched in full. What "near enough" means is known early: first the few tiles whose centre
//! is nearest to the query are searched in full, and the k-th best row found there gives the
//! first bound.

use rayon::prelude::*;

use super::{
    best::Best,
    columns::Columns,
    kernel::{
        Kernel,
        block::{Block, LANES, NARROW, QueryLanes, Sum, Sums, TILE, set_bits},
    },
    order::sort_by_similarity,
    packed::Packed,
    projection::{PROJECTED, Projection, RowsSummary},
};

/// With fewer rows there is too little to skip.
const MIN_ROWS: usize = 4096;

/// With fewer columns the projection costs too much in comparison.
const MIN_COLUMNS: usize = 6 * PROJECTED;

/// Rows projected by one task.
const ROWS_PER_TASK: usize = 512;

/// The training rows' projections.
pub(super) struct Coarse {
    pub(super) projection: Projection,
    pub(super) rows: Layer,
    /// The mean of each tile.
    centres: Layer,
}

/// Packed projections and their sums of squares by tile.
pub(super) struct Layer {
    packed: Packed,
    norms: Vec<[i32; TILE]>,
}

impl Layer {
    fn new(count: usize, write: impl Fn(usize, &mut [u8]) + Sync) -> Self {
        let mut packed = Packed::zeroed(count, PROJECTED, Sum::Dot);
        packed.fill(0, count, &write);
        let mut norms = vec![[0; TILE]; packed.tiles()];
        norms
            .as_flattened_mut()
            .par_iter_mut()
            .take(count)
            .enumerate()
            .for_each_init(
                || [0; PROJECTED],
                |bytes, (position, norm)| {
                    write(position, bytes);
                    *norm = Projection::row_norm(bytes);
                },
            );
        Self { packed, norms }
    }

    /// For each query, the rows of a tile whose distance from it, less the query's own norm, is
    /// below its limit, one bit each; see [`Kernel::dot_below`].
    pub(super) fn below(
        &self,
        kernel: Kernel,
        tile: usize,
        queries: &QueryLanes<'_>,
        limits: &[i32; LANES],
        sums: &mut Sums,
    ) -> [u32; LANES] {
        let block = Block {
            rows: self.packed.tile(tile),
            queries: *queries,
            starts: &self.packed.starts(tile)[0],
        };
        kernel.dot_below(block, &self.norms[tile], limits, sums)
    }
}

impl Coarse {
    /// Whether it saves more than it costs for so many rows.
    pub(super) fn pays_off(rows: usize, columns: &Columns) -> bool {
        rows >= MIN_ROWS && columns.varying() >= MIN_COLUMNS && columns.total() <= NARROW
    }

    /// Projects `rows`, and gives the order in which they are to be packed. `None` if all
    /// rows are the same or black.
    pub(super) fn build(
        rows: &[u8],
        columns: &Columns,
        kernel: Kernel,
    ) -> Option<(Self, Vec<u32>)> {
        let (total, varying) = (columns.total(), columns.varying());
        let count = rows.len() / total;
        if varying == 0 {
            return None;
        }
        let size = Projection::sample_size(varying).min(count);
        let mut sample = vec![0; size * varying];
        for (at, out) in sample.chunks_exact_mut(varying).enumerate() {
            columns.gather(&rows[at * count / size * total..][..total], out);
        }
        let mut projection = Projection::learn(&sample, varying, kernel)?;

        let mut projected = vec![0; count * PROJECTED];
        let summary = projected
            .par_chunks_mut(ROWS_PER_TASK * PROJECTED)
            .zip(rows.par_chunks(ROWS_PER_TASK * total))
            .map_init(
                || vec![0; varying],
                |gathered, (out, rows)| {
                    let rows = rows.chunks_exact(total);
                    let mut summary = RowsSummary::EMPTY;
                    for (out, row) in out.chunks_exact_mut(PROJECTED).zip(rows) {
                        columns.gather(row, gathered);
                        summary = summary.and(projection.row(gathered, out));
                    }
                    summary
                },
            )
            .reduce(|| RowsSummary::EMPTY, RowsSummary::and);
        projection.set_rows(summary);
        let mut order: Vec<u32> = (0..count).map(|row| row as u32).collect();
        sort_by_similarity(&mut order, &projected);

        let row = |position: usize| &projected[order[position] as usize * PROJECTED..][..PROJECTED];
        let coarse = Self {
            projection,
            rows: Layer::new(count, |position, out| out.copy_from_slice(row(position))),
            centres: Layer::new(count.div_ceil(TILE), |tile, out| {
                let mut sums = [0u32; PROJECTED];
                let positions = tile * TILE..((tile + 1) * TILE).min(count);
                let size = positions.len() as u32;
                for position in positions {
                    for (sum, &value) in sums.iter_mut().zip(row(position)) {
                        *sum += u32::from(value);
                    }
                }
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out = ((sum + size / 2) / size) as u8;
                }
            }),
        };
        Some((coarse, order))
    }

    /// The limit that excludes only rows farther than `squared` from a query whose projection
    /// has this sum of squares and this slack.
    pub(super) fn limit(&self, squared: u64, (norm, slack): (i32, f64)) -> i32 {
        let below = self.projection.bound(squared, slack) + 1 - i64::from(norm);
        i32::try_from(below).unwrap_or(i32::MAX)
    }

    /// For each query the `wanted` tiles with the nearest centres.
    pub(super) fn nearest_centres(
        &self,
        kernel: Kernel,
        queries: &QueryLanes<'_>,
        wanted: usize,
    ) -> [Best<i32>; LANES] {
        let mut nearest: [Best<i32>; LANES] = std::array::from_fn(|_| Best::new(wanted));
        let mut limits = [i32::MAX; LANES];
        let mut sums = Sums::zero();
        let Layer { packed, norms } = &self.centres;
        for (tile, norms) in norms.iter().enumerate() {
            let row_mask = packed.row_mask(tile);
            let below = self
                .centres
                .below(kernel, tile, queries, &limits, &mut sums);
            for (lane, nearest) in nearest.iter_mut().enumerate().take(queries.count) {
                for row in set_bits(below[lane] & row_mask) {
                    let distance = norms[row] - 2 * sums.0[lane][row];
                    if nearest.offer(distance, (tile * TILE + row) as u32) {
                        limits[lane] = nearest.worst().unwrap_or(i32::MAX);
                    }
                }
            }
        }
        nearest
    }
}
