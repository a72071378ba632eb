//! The search itself: every tile of rows against every query.
//!
//! Queries are taken in chunks whose packed bytes stay in the second-level cache while
//! the rows pass by once. Many chunks keep all threads busy; with few of them (one
//! picture, say) the rows are cut in parts as well, and the parts' results are merged.
//! Where the cuts are makes no difference to the result: keys are exact and no two rows
//! share an index, so the k best are the same rows in the same order whoever finds them.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    NARROW, NativeIndex,
    best::Best,
    coarse::Coarse,
    kernel::{Block, LANES, SEGMENT, Sums, TILE},
    queries::Queries,
    score::{QueryFacts, Score},
};
use crate::Neighbour;

/// Queries in a chunk: 256 MNIST pictures are 184 kB.
const QUERIES_PER_CHUNK: usize = 256;

/// Neighbours that one chunk holds at most, so that a large `k` takes no more memory.
const NEIGHBOURS_PER_CHUNK: usize = 1 << 18;

/// Tasks to aim at where there are few chunks.
const TASKS: usize = 64;

/// Fewer tiles than this are not worth a task.
const TILES_PER_TASK: usize = 16;

/// Tiles searched for a first bound, beyond those that `k` rows fill.
const FIRST_TILES: usize = 4;

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
    let part = if chunks >= TASKS / 4 {
        tiles
    } else {
        tiles.div_ceil(TASKS.div_ceil(chunks)).max(TILES_PER_TASK)
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
                    scan.bounded_by(&bounds);
                    scan.pass(tiles);
                    scan.best
                })
                .reduce_with(|left, right| {
                    let pairs = left.into_iter().zip(right);
                    pairs.map(|(left, right)| left.merge(right)).collect()
                })
                .unwrap_or_default();
            best.into_iter()
                .zip(queries.facts())
                .flat_map(|(best, facts)| neighbours(score, best, facts))
                .collect()
        })
        .collect();
    found.concat()
}

fn neighbours<S: Score>(
    score: &S,
    best: Best<S::Key>,
    facts: &QueryFacts,
) -> impl Iterator<Item = Neighbour> {
    best.into_sorted()
        .into_iter()
        .map(move |(key, row)| Neighbour {
            index: row as usize,
            distance: score.distance(key, facts),
        })
}

/// For each query, a key that at least `k` rows do not exceed: the worst of the `k` best
/// rows in the few tiles with the nearest centres.
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
    let ids: Vec<u32> = (0..queries.len()).map(|query| query as u32).collect();
    let mut pairs = Vec::with_capacity(ids.len() * wanted);
    for ids in ids.chunks(LANES) {
        let mut nearest: Vec<Best<i32>> = ids.iter().map(|_| Best::new(wanted)).collect();
        let lanes = ids.len().next_power_of_two();
        coarse.centres(
            index.kernel,
            queries.coarse(ids),
            lanes,
            |tile, distances| {
                for (nearest, distance) in nearest.iter_mut().zip(distances) {
                    nearest.offer(distance, tile as u32);
                }
            },
        );
        for (&query, nearest) in ids.iter().zip(nearest) {
            let tiles = nearest.into_sorted().into_iter();
            pairs.extend(tiles.map(|(_, tile)| (tile, query)));
        }
    }
    // Queries that ask for the same tile go through it together.
    pairs.sort_unstable();
    let mut scan = Scan::new(index, score, queries, k);
    for pairs in pairs.chunk_by(|a, b| a.0 == b.0) {
        let ids: Vec<u32> = pairs.iter().map(|&(_, query)| query).collect();
        for ids in ids.chunks(LANES) {
            scan.look(pairs[0].0 as usize, ids);
        }
    }
    scan.best.iter().map(Best::worst).collect()
}

/// One pass over some tiles for some queries.
struct Scan<'a, S: Score> {
    index: &'a NativeIndex,
    score: &'a S,
    queries: &'a Queries,
    best: Vec<Best<S::Key>>,
    limits: Vec<S::Limit>,
    coarse_limits: Vec<i32>,
    sums: Box<Sums>,
}

impl<'a, S: Score> Scan<'a, S> {
    fn new(index: &'a NativeIndex, score: &'a S, queries: &'a Queries, k: usize) -> Self {
        let facts = queries.facts().iter();
        Self {
            index,
            score,
            queries,
            best: facts.clone().map(|_| Best::new(k)).collect(),
            limits: facts.map(|facts| score.limit(None, facts)).collect(),
            coarse_limits: vec![i32::MAX; queries.len()],
            sums: Box::new(Sums::zero()),
        }
    }

    /// Stops rows that are farther than bounds known from elsewhere.
    fn bounded_by(&mut self, bounds: &[Option<S::Key>]) {
        for (query, bound) in bounds.iter().enumerate() {
            if let Some(bound) = bound {
                self.limit(query, *bound);
            }
        }
    }

    /// Stops rows that are farther than `worst`.
    fn limit(&mut self, query: usize, worst: S::Key) {
        let facts = &self.queries.facts()[query];
        self.limits[query] = self.score.limit(Some(worst), facts);
        if let Some(coarse) = &self.index.coarse
            && let Some(squared) = self.score.squared(worst, facts)
        {
            let norm = self.queries.coarse_norm(query);
            self.coarse_limits[query] = coarse.limit(squared, norm);
        }
    }

    /// Takes in all rows of `tiles`.
    fn pass(&mut self, tiles: Range<usize>) {
        let all: Vec<u32> = (0..self.queries.len()).map(|query| query as u32).collect();
        let mut near = Vec::with_capacity(all.len());
        let index = self.index;
        for tile in tiles {
            let ids = match &index.coarse {
                Some(coarse) => {
                    near.clear();
                    self.near(coarse, tile, &all, &mut near);
                    &near
                }
                None => &all,
            };
            for ids in ids.chunks(LANES) {
                self.look(tile, ids);
            }
        }
    }

    /// The queries for which a tile may hold a row that is near enough.
    fn near(&mut self, coarse: &Coarse, tile: usize, all: &[u32], near: &mut Vec<u32>) {
        let real = self.real(tile);
        for (ids, limits) in all.chunks(LANES).zip(self.coarse_limits.chunks(LANES)) {
            let queries = self.queries.coarse(ids);
            let lanes = ids.len().next_power_of_two();
            let limits = std::array::from_fn(|lane| limits.get(lane).copied().unwrap_or(i32::MIN));
            let through = coarse.through(
                self.index.kernel,
                tile,
                queries,
                lanes,
                &limits,
                &mut self.sums,
            );
            near.extend(
                ids.iter()
                    .zip(through)
                    .filter(|(_, through)| through & real != 0)
                    .map(|(id, _)| *id),
            );
        }
    }

    /// One bit for each row of a tile that is not padding.
    fn real(&self, tile: usize) -> u32 {
        let rows = (self.index.packed.rows() - tile * TILE).min(TILE);
        u32::MAX >> (TILE - rows)
    }

    /// Takes in the rows of one tile for up to [`LANES`] queries.
    fn look(&mut self, tile: usize, ids: &[u32]) {
        if self.index.columns.total() > NARROW {
            self.look_wide(tile, ids);
            return;
        }
        let (index, facts) = (self.index, self.queries.facts());
        let block = self.block(tile, 0, ids);
        index.kernel.sum(index.packed.sum(), block, &mut self.sums);
        let last = ids.len() - 1;
        let lane_facts = std::array::from_fn(|lane| facts[ids[lane.min(last)] as usize]);
        let limits = std::array::from_fn(|lane| self.limits[ids[lane.min(last)] as usize]);
        let through = self
            .score
            .through(index.kernel, tile, &self.sums, &lane_facts, &limits);
        let real = self.real(tile);
        for (lane, &query) in ids.iter().enumerate() {
            let mut rows = through[lane] & real;
            while rows != 0 {
                let row = rows.trailing_zeros() as usize;
                rows &= rows - 1;
                let sum = i64::from(self.sums.0[lane][row]);
                if self.offer(query as usize, tile * TILE + row, sum)
                    && let Some(worst) = self.best[query as usize].worst()
                {
                    self.limit(query as usize, worst);
                }
            }
        }
    }

    fn offer(&mut self, query: usize, position: usize, sum: i64) -> bool {
        let facts = &self.queries.facts()[query];
        let key = self.score.key(&self.index.packed, sum, position, facts);
        self.best[query].offer(key, self.index.order[position])
    }

    /// As [`Scan::look`], with sums in 64 bits over all segments. For pictures so large
    /// that the sums take nearly all of the time, whatever follows them.
    fn look_wide(&mut self, tile: usize, ids: &[u32]) {
        let index = self.index;
        let mut wide = [[0i64; TILE]; LANES];
        for segment in 0..index.packed.segments() {
            let block = self.block(tile, segment, ids);
            index.kernel.sum(index.packed.sum(), block, &mut self.sums);
            let sums = self.sums.0.as_flattened();
            for (wide, sum) in wide.as_flattened_mut().iter_mut().zip(sums) {
                *wide += i64::from(*sum);
            }
        }
        let rows = self.real(tile).count_ones() as usize;
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
        let groups = segment * SEGMENT..((segment + 1) * SEGMENT).min(packed.groups());
        let row_bytes = packed.sum().group() * TILE;
        let queries = self.queries.full(ids);
        let query_bytes = queries[0].len() / packed.groups().max(1);
        Block {
            rows: &packed.tile(tile)[groups.start * row_bytes..groups.end * row_bytes],
            queries: queries
                .map(|query| &query[groups.start * query_bytes..groups.end * query_bytes]),
            lanes: ids.len().next_power_of_two(),
            starts: packed.starts(tile).get(segment).unwrap_or(NONE),
        }
    }
}
