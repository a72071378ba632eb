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
    kernel::{Block, LANES, SEGMENT, Sums, TILE, ones},
    queries::Queries,
    score::{Lanes, QueryFacts, Score},
};
use crate::{Neighbour, best::Best};

/// Queries in a chunk: 1024 MNIST pictures are 740 kB.
const QUERIES_PER_CHUNK: usize = 1024;

/// Neighbours that one chunk holds at most, so that a large `k` takes no more memory.
const NEIGHBOURS_PER_CHUNK: usize = 1 << 18;

/// Tasks to aim at where there are few chunks.
const TASKS: usize = 64;

/// Fewer tiles than this are not worth a task.
const TILES_PER_TASK: usize = 16;

/// The same where most tiles are passed over.
const COARSE_TILES_PER_TASK: usize = 256;

/// Tiles searched for a first bound, beyond those that `k` rows fill.
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
        let nearest = coarse.nearest_centres(index.kernel, &queries.coarse(ids), wanted);
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
    /// By groups of [`LANES`] queries; what is in a lane without a query is never below.
    coarse_limits: Vec<[i32; LANES]>,
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
            coarse_limits: (0..queries.len().div_ceil(LANES))
                .map(|group| {
                    let is_query = |lane| group * LANES + lane < queries.len();
                    std::array::from_fn(|lane| if is_query(lane) { i32::MAX } else { i32::MIN })
                })
                .collect(),
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
            let facts = self.queries.coarse_facts(query);
            self.coarse_limits[query / LANES][query % LANES] = coarse.limit(squared, facts);
        }
    }

    /// Takes in all rows of `tiles`.
    fn pass(&mut self, tiles: Range<usize>) {
        let all: Vec<u32> = (0..self.queries.len()).map(|query| query as u32).collect();
        let index = self.index;
        let Some(coarse) = &index.coarse else {
            for tile in tiles {
                for ids in all.chunks(LANES) {
                    self.look(tile, ids);
                }
            }
            return;
        };
        let groups: Vec<_> = all
            .chunks(LANES)
            .map(|ids| self.queries.coarse(ids))
            .collect();
        let mut near = Vec::with_capacity(all.len());
        for tile in tiles {
            near.clear();
            let real = index.packed.real(tile);
            for (group, queries) in groups.iter().enumerate() {
                let limits = &self.coarse_limits[group];
                let through = coarse.through(index.kernel, tile, queries, limits, &mut self.sums);
                for (lane, through) in through.into_iter().enumerate() {
                    if through & real != 0 {
                        near.push((group * LANES + lane) as u32);
                    }
                }
            }
            for ids in near.chunks(LANES) {
                self.look(tile, ids);
            }
        }
    }

    /// Takes in the rows of one tile for up to [`LANES`] queries.
    fn look(&mut self, tile: usize, ids: &[u32]) {
        if self.index.columns.total() > NARROW {
            self.look_wide(tile, ids);
            return;
        }
        let (index, facts) = (self.index, self.queries.facts());
        let block = self.block(tile, 0, ids);
        let last = ids.len() - 1;
        let query = |lane: usize| ids[lane.min(last)] as usize;
        let lanes = Lanes {
            limits: std::array::from_fn(|lane| self.limits[query(lane)]),
            constants: std::array::from_fn(|lane| facts[query(lane)].constant),
        };
        let through = self
            .score
            .through(index.kernel, tile, block, &lanes, &mut self.sums);
        let real = index.packed.real(tile);
        for (lane, &query) in ids.iter().enumerate() {
            for row in ones(through[lane] & real) {
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
        let rows = index.packed.real(tile).count_ones() as usize;
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
        let query_bytes = queries.bytes[0].len() / packed.groups().max(1);
        Block {
            rows: &packed.tile(tile)[groups.start * row_bytes..groups.end * row_bytes],
            queries: queries
                .bytes
                .map(|query| &query[groups.start * query_bytes..groups.end * query_bytes]),
            lanes: queries.lanes,
            starts: packed.starts(tile).get(segment).unwrap_or(NONE),
        }
    }
}
