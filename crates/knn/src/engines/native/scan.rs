//! The search itself: every tile of rows against every query.
//!
//! Queries come in chunks whose packed bytes stay in the second-level cache during one pass over
//! the rows. Many chunks keep all threads busy; with few chunks (one image, say) the rows are
//! cut into parts as well, and the results of the parts are merged. The cuts do not change the
//! result: keys are exact and no two rows have the same index, so the k best are always the
//! same rows in the same order.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    best::Best,
    index::NativeIndex,
    kernel::block::{Block, LANES, NARROW, QueryLanes, SEGMENT, Sums, TILE, set_bits},
    queries::Queries,
    score::{Limits, Score},
};
use crate::search::Neighbour;

/// Queries in a chunk: 1024 MNIST images are 740 kB.
const QUERIES_PER_CHUNK: usize = 1024;

/// The most neighbours in a chunk, so that a large `k` takes no more memory.
const NEIGHBOURS_PER_CHUNK: usize = 1 << 18;

/// Tasks to aim for if there are few chunks.
const TASKS: usize = 64;

/// With fewer tiles a task does not pay off.
const TILES_PER_TASK: usize = 16;

/// The same if most tiles are skipped.
const COARSE_TILES_PER_TASK: usize = 256;

/// Tiles searched for a first bound, in addition to those that `k` rows fill.
const FIRST_TILES: usize = 2;

/// The `k` nearest rows of each query, Q×`k`, nearest first.
pub(super) fn nearest<S: Score>(
    index: &NativeIndex,
    score: &S,
    queries: &[u8],
    k: usize,
) -> Vec<Neighbour> {
    let columns = index.columns.total();
    let chunk = (NEIGHBOURS_PER_CHUNK / k).clamp(1, QUERIES_PER_CHUNK);
    let chunks = (queries.len() / columns).div_ceil(chunk).max(1);
    let tiles = index.packed.tiles();
    let least = match index.coarse {
        Some(_) => COARSE_TILES_PER_TASK,
        None => TILES_PER_TASK,
    };
    let part = if chunks >= TASKS / 4 {
        tiles
    } else {
        tiles.div_ceil(TASKS.div_ceil(chunks)).max(least)
    };
    let found: Vec<Vec<Neighbour>> = queries
        .par_chunks(chunk * columns)
        .map(|queries| {
            let queries = Queries::prepare(index, queries);
            let bounds = first_bounds(index, score, &queries, k);
            let best = (0..tiles.div_ceil(part))
                .into_par_iter()
                .map(|at| {
                    let tiles = at * part..((at + 1) * part).min(tiles);
                    let mut scan = Scan::new(index, score, &queries, k);
                    for (query, bound) in bounds.iter().enumerate() {
                        if let Some(bound) = *bound {
                            scan.exclude(query, bound);
                        }
                    }
                    scan.scan(tiles);
                    scan.best
                })
                .reduce_with(|left, right| {
                    let pairs = left.into_iter().zip(right);
                    pairs.map(|(left, right)| left.merge(right)).collect()
                })
                .unwrap_or_default();
            best.into_iter()
                .zip(&queries.terms)
                .flat_map(|(best, terms)| {
                    let nearest = best.into_sorted().into_iter();
                    nearest.map(|(key, row)| Neighbour {
                        index: row as usize,
                        distance: score.distance(key, terms),
                    })
                })
                .collect()
        })
        .collect();
    found.concat()
}

/// For each query, a key that at least `k` rows do not exceed: the worst of the `k` best rows
/// in the few tiles with the nearest centres.
fn first_bounds<S: Score>(
    index: &NativeIndex,
    score: &S,
    queries: &Queries,
    k: usize,
) -> Vec<Option<S::Key>> {
    let Some(coarse) = &index.coarse else {
        return vec![None; queries.len()];
    };
    let wanted = k.div_ceil(TILE) + FIRST_TILES;
    let ids = queries.ids();
    let mut pairs = Vec::with_capacity(ids.len() * wanted);
    for ids in ids.chunks(LANES) {
        let nearest = coarse.nearest_centres(index.kernel, &queries.projected.lanes(ids), wanted);
        for (&query, nearest) in ids.iter().zip(nearest) {
            let tiles = nearest.into_sorted().into_iter();
            pairs.extend(tiles.map(|(_, tile)| (tile, query)));
        }
    }
    // Queries with the same tile scan it together.
    pairs.sort_unstable();
    let mut scan = Scan::new(index, score, queries, k);
    for pairs in pairs.chunk_by(|a, b| a.0 == b.0) {
        let ids: Vec<u32> = pairs.iter().map(|&(_, query)| query).collect();
        for ids in ids.chunks(LANES) {
            scan.scan_tile(pairs[0].0 as usize, ids);
        }
    }
    scan.best.iter().map(Best::worst).collect()
}

/// The scan of some tiles for some queries.
struct Scan<'a, S: Score> {
    index: &'a NativeIndex,
    score: &'a S,
    queries: &'a Queries,
    best: Vec<Best<S::Key>>,
    limits: Vec<S::Limit>,
    /// By groups of [`LANES`] queries; nothing is below the limit of a lane without a query.
    coarse_limits: Vec<[i32; LANES]>,
    sums: Box<Sums>,
}

impl<'a, S: Score> Scan<'a, S> {
    fn new(index: &'a NativeIndex, score: &'a S, queries: &'a Queries, k: usize) -> Self {
        let terms = queries.terms.iter();
        Self {
            index,
            score,
            queries,
            best: terms.clone().map(|_| Best::new(k)).collect(),
            limits: terms.map(|terms| score.limit(None, terms)).collect(),
            coarse_limits: (0..queries.len().div_ceil(LANES))
                .map(|group| {
                    let is_query = |lane| group * LANES + lane < queries.len();
                    std::array::from_fn(|lane| if is_query(lane) { i32::MAX } else { i32::MIN })
                })
                .collect(),
            sums: Box::new(Sums::zero()),
        }
    }

    /// Excludes rows that are farther than `worst`.
    fn exclude(&mut self, query: usize, worst: S::Key) {
        let terms = &self.queries.terms[query];
        self.limits[query] = self.score.limit(Some(worst), terms);
        if let Some(coarse) = &self.index.coarse
            && let Some(squared) = self.score.squared(worst, terms)
        {
            let terms = self.queries.projected_terms[query];
            self.coarse_limits[query / LANES][query % LANES] = coarse.limit(squared, terms);
        }
    }

    /// Scans all rows of `tiles`.
    fn scan(&mut self, tiles: Range<usize>) {
        let all = self.queries.ids();
        let index = self.index;
        let Some(coarse) = &index.coarse else {
            for tile in tiles {
                for ids in all.chunks(LANES) {
                    self.scan_tile(tile, ids);
                }
            }
            return;
        };
        let groups: Vec<_> = all
            .chunks(LANES)
            .map(|ids| self.queries.projected.lanes(ids))
            .collect();
        let mut near = Vec::with_capacity(all.len());
        for tile in tiles {
            near.clear();
            let row_mask = index.packed.row_mask(tile);
            for (group, queries) in groups.iter().enumerate() {
                let limits = &self.coarse_limits[group];
                let candidates =
                    coarse
                        .rows
                        .below(index.kernel, tile, queries, limits, &mut self.sums);
                for (lane, candidates) in candidates.into_iter().enumerate() {
                    if candidates & row_mask != 0 {
                        near.push((group * LANES + lane) as u32);
                    }
                }
            }
            for ids in near.chunks(LANES) {
                self.scan_tile(tile, ids);
            }
        }
    }

    /// Scans the rows of one tile for up to [`LANES`] queries.
    fn scan_tile(&mut self, tile: usize, ids: &[u32]) {
        if self.index.columns.total() > NARROW {
            self.scan_wide_tile(tile, ids);
            return;
        }
        let (index, terms) = (self.index, &self.queries.terms);
        let block = self.block(tile, 0, ids);
        let last = ids.len() - 1;
        let query = |lane: usize| ids[lane.min(last)] as usize;
        let limits = Limits {
            limits: std::array::from_fn(|lane| self.limits[query(lane)]),
            constants: std::array::from_fn(|lane| terms[query(lane)].constant),
        };
        let candidates = self
            .score
            .candidates(index.kernel, tile, block, &limits, &mut self.sums);
        let row_mask = index.packed.row_mask(tile);
        for (lane, &query) in ids.iter().enumerate() {
            for row in set_bits(candidates[lane] & row_mask) {
                let sum = i64::from(self.sums.0[lane][row]);
                if self.offer(query as usize, tile * TILE + row, sum)
                    && let Some(worst) = self.best[query as usize].worst()
                {
                    self.exclude(query as usize, worst);
                }
            }
        }
    }

    fn offer(&mut self, query: usize, position: usize, sum: i64) -> bool {
        let terms = &self.queries.terms[query];
        let key = self.score.key(&self.index.packed, sum, position, terms);
        self.best[query].offer(key, self.index.order[position])
    }

    /// As [`Scan::scan_tile`], with sums in 64 bits over all segments. For images so large that
    /// the sums take nearly all of the time.
    fn scan_wide_tile(&mut self, tile: usize, ids: &[u32]) {
        let index = self.index;
        let mut wide = [[0i64; TILE]; LANES];
        for segment in 0..index.packed.segments() {
            let block = self.block(tile, segment, ids);
            index.kernel.sum(index.packed.sum, block, &mut self.sums);
            let sums = self.sums.0.as_flattened();
            for (wide, sum) in wide.as_flattened_mut().iter_mut().zip(sums) {
                *wide += i64::from(*sum);
            }
        }
        let rows = index.packed.row_mask(tile).count_ones() as usize;
        for (&query, sums) in ids.iter().zip(&wide) {
            for (row, &sum) in sums.iter().enumerate().take(rows) {
                self.offer(query as usize, tile * TILE + row, sum);
            }
        }
    }

    /// One segment of a tile and of up to [`LANES`] queries, for the kernel.
    fn block(&self, tile: usize, segment: usize, ids: &[u32]) -> Block<'a> {
        const NONE: &[i32; TILE] = &[0; TILE];
        let packed = &self.index.packed;
        let groups = segment * SEGMENT..((segment + 1) * SEGMENT).min(packed.groups);
        let row_bytes = packed.sum.group() * TILE;
        let queries = self.queries.full.lanes(ids);
        let query_bytes = queries.bytes[0].len() / packed.groups.max(1);
        Block {
            rows: &packed.tile(tile)[groups.start * row_bytes..groups.end * row_bytes],
            queries: QueryLanes {
                bytes: queries
                    .bytes
                    .map(|query| &query[groups.start * query_bytes..groups.end * query_bytes]),
                count: queries.count,
            },
            starts: packed.starts(tile).get(segment).unwrap_or(NONE),
        }
    }
}
