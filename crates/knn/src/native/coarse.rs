//! A small picture of the training rows, looked at first.
//!
//! Each row's [`Projection`] is packed like the row itself, and goes through the same
//! kernels at a fifteenth of the cost. Only tiles in which some projection is near
//! enough are looked at in full. What "near enough" means is known early: before the
//! rows pass by, the few tiles whose centre is nearest to the query are searched in
//! full, and the k-th best found there is a first upper bound.

use rayon::prelude::*;

use super::{
    NARROW,
    columns::Columns,
    kernel::{Block, Kernel, LANES, Sums, TILE, ones},
    order::side_by_side,
    packed::{Packed, Sum},
    projection::{AXES, Projected, Projection, RowFacts},
    queries::QueryLanes,
};
use crate::best::Best;

/// With fewer rows there is too little to pass over.
const ROWS: usize = 4096;

/// With fewer columns for each direction the projection costs too much beside them.
const COLUMNS_PER_AXIS: usize = 6;

/// Rows projected by one task.
const ROWS_PER_TASK: usize = 512;

/// The training rows' projections.
pub(super) struct Coarse {
    projection: Projection,
    rows: Layer,
    centres: Layer,
}

/// Packed projections and their sums of squares by tile.
struct Layer {
    packed: Packed,
    norms: Vec<[i32; TILE]>,
}

impl Layer {
    fn new(count: usize, write: impl Fn(usize, &mut [u8]) + Sync) -> Self {
        let mut packed = Packed::zeroed(count, AXES, Sum::Dot);
        packed.fill(0, count, &write);
        let mut norms = vec![[0; TILE]; packed.tiles()];
        norms
            .as_flattened_mut()
            .par_iter_mut()
            .take(count)
            .enumerate()
            .for_each_init(
                || [0; AXES],
                |bytes, (position, norm)| {
                    write(position, bytes);
                    *norm = Projection::row_norm(bytes);
                },
            );
        Self { packed, norms }
    }

    fn below(
        &self,
        kernel: Kernel,
        tile: usize,
        queries: &QueryLanes<'_>,
        limits: &[i32; LANES],
        sums: &mut Sums,
    ) -> [u32; LANES] {
        let block = Block {
            rows: self.packed.tile(tile),
            queries: queries.bytes,
            lanes: queries.lanes,
            starts: &self.packed.starts(tile)[0],
        };
        kernel.dot_below(block, &self.norms[tile], limits, sums)
    }
}

impl Coarse {
    /// Whether it is worth its cost for so many rows.
    pub(super) fn pays(rows: usize, columns: &Columns) -> bool {
        rows >= ROWS && columns.varying() >= COLUMNS_PER_AXIS * AXES && columns.total() <= NARROW
    }

    /// Projects `rows`, and gives the order in which they are to be packed. Nothing
    /// where the rows are all the same.
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

        let mut projected = vec![0; count * AXES];
        let facts = projected
            .par_chunks_mut(ROWS_PER_TASK * AXES)
            .zip(rows.par_chunks(ROWS_PER_TASK * total))
            .map_init(
                || vec![0; varying],
                |gathered, (out, rows)| {
                    let rows = rows.chunks_exact(total);
                    let mut facts = RowFacts::NONE;
                    for (out, row) in out.chunks_exact_mut(AXES).zip(rows) {
                        columns.gather(row, gathered);
                        facts = facts.and(projection.row(gathered, out));
                    }
                    facts
                },
            )
            .reduce(|| RowFacts::NONE, RowFacts::and);
        projection.settle(facts);
        let mut order: Vec<u32> = (0..count).map(|row| row as u32).collect();
        side_by_side(&mut order, &projected);

        let row = |position: usize| &projected[order[position] as usize * AXES..][..AXES];
        let coarse = Self {
            projection,
            rows: Layer::new(count, |position, out| out.copy_from_slice(row(position))),
            centres: Layer::new(count.div_ceil(TILE), |tile, out| {
                let mut sums = [0u32; AXES];
                let leaf = tile * TILE..((tile + 1) * TILE).min(count);
                let size = leaf.len() as u32;
                for position in leaf {
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

    /// The projection of a query's packed columns.
    pub(super) fn project(&self, varying: &[u8]) -> Projected {
        self.projection.query(varying)
    }

    /// The limit that stops only rows farther than `squared` from a query whose projection
    /// has this sum of squares and this slack.
    pub(super) fn limit(&self, squared: u64, (norm, slack): (i32, f64)) -> i32 {
        let below = self.projection.bound(squared, slack) + 1 - i64::from(norm);
        i32::try_from(below).unwrap_or(i32::MAX)
    }

    /// For each query, the rows of a tile that its limit lets through, one bit each.
    pub(super) fn through(
        &self,
        kernel: Kernel,
        tile: usize,
        queries: &QueryLanes<'_>,
        limits: &[i32; LANES],
        sums: &mut Sums,
    ) -> [u32; LANES] {
        self.rows.below(kernel, tile, queries, limits, sums)
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
        for tile in 0..self.centres.packed.tiles() {
            let real = self.centres.packed.real(tile);
            let below = self
                .centres
                .below(kernel, tile, queries, &limits, &mut sums);
            let norms = &self.centres.norms[tile];
            for (lane, nearest) in nearest.iter_mut().enumerate().take(queries.lanes) {
                for row in ones(below[lane] & real) {
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
