//! The search itself: every tile of rows against every group of queries.
//!
//! Queries are taken in chunks whose packed bytes stay in the second-level cache while
//! the rows pass by once. Many chunks keep all threads busy; with few of them (one
//! picture, say) the rows are cut in parts as well, and the parts' results are merged.
//! Where the cuts are makes no difference to the result: keys are exact and no two rows
//! share an index, so the k best are the same set in the same order whoever finds them.

use rayon::prelude::*;

use super::{
    NARROW, NativeIndex,
    best::Best,
    kernel::{Block, LANES, SEGMENT, Sums, TILE},
    score::{QueryFacts, Score},
};
use crate::{Neighbour, settings::Metric};

/// Queries in a chunk: 256 MNIST pictures are 184 kB.
const QUERIES_PER_CHUNK: usize = 256;

/// Neighbours that one chunk holds at most, so that a large `k` takes no more memory.
const NEIGHBOURS_PER_CHUNK: usize = 1 << 18;

/// Tasks to aim at where there are few chunks.
const TASKS: usize = 64;

/// Fewer tiles than this are not worth a task.
const TILES_PER_TASK: usize = 16;

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
    let part = tiles.div_ceil(TASKS.div_ceil(chunks)).max(TILES_PER_TASK);
    let parts = if chunks >= TASKS / 4 {
        1
    } else {
        tiles.div_ceil(part)
    };
    let part = tiles.div_ceil(parts.max(1));
    let found: Vec<Vec<Neighbour>> = queries
        .par_chunks(chunk * columns)
        .map(|queries| {
            let prepared: Vec<Group> = queries
                .chunks(LANES * columns)
                .map(|queries| Group::prepare(index, queries))
                .collect();
            let best = (0..parts)
                .into_par_iter()
                .map(|at| {
                    let tiles = at * part..((at + 1) * part).min(tiles);
                    scan(index, score, &prepared, k, tiles)
                })
                .reduce_with(|left, right| {
                    left.into_iter()
                        .zip(right)
                        .map(|(left, right)| left.merge(right))
                        .collect()
                })
                .unwrap_or_default();
            let facts = prepared.iter().flat_map(Group::facts);
            best.into_iter()
                .zip(facts)
                .flat_map(|(best, facts)| {
                    best.into_sorted()
                        .into_iter()
                        .map(move |(key, row)| Neighbour {
                            index: row as usize,
                            distance: score.distance(key, facts),
                        })
                })
                .collect()
        })
        .collect();
    found.concat()
}

/// A few queries in the order in which the kernel reads them.
struct Group {
    bytes: Vec<u8>,
    /// How many queries there are room for: 1, 2, 4 or [`LANES`].
    lanes: usize,
    /// How many there are.
    queries: usize,
    facts: [QueryFacts; LANES],
}

impl Group {
    /// Up to [`LANES`] whole queries.
    fn prepare(index: &NativeIndex, queries: &[u8]) -> Self {
        let sum = index.packed.sum();
        let (group, groups) = (sum.group(), index.packed.groups());
        let form = index.kernel.query_form(sum);
        let columns = index.columns.total();
        let count = queries.len() / columns;
        let lanes = count.next_power_of_two();
        let mut gathered = vec![0; lanes * groups * group];
        let mut facts = [QueryFacts::default(); LANES];
        for (lane, query) in queries.chunks_exact(columns).enumerate() {
            let varying = &mut gathered[lane * groups * group..][..groups * group];
            index.columns.gather(query, varying);
            let counted = match index.metric {
                // The cosine divides by the norm of the whole query.
                Metric::Cosine => query,
                Metric::L2 | Metric::L1 => varying,
            };
            facts[lane] = QueryFacts {
                constant: index.columns.constant_share(query, index.metric),
                norm: counted.iter().map(|&b| u64::from(b) * u64::from(b)).sum(),
            };
        }
        let mut bytes = Vec::with_capacity(2 * gathered.len());
        for at in 0..groups {
            for lane in 0..lanes {
                form.push(
                    &gathered[(lane * groups + at) * group..][..group],
                    &mut bytes,
                );
            }
        }
        Self {
            bytes,
            lanes,
            queries: count,
            facts,
        }
    }

    fn facts(&self) -> &[QueryFacts] {
        &self.facts[..self.queries]
    }

    /// The bytes of one segment of columns, in bytes per group as the kernel wants them.
    fn segment(&self, at: usize, groups: usize) -> &[u8] {
        let group = self.bytes.len() / groups.max(1);
        let end = ((at + 1) * SEGMENT).min(groups) * group;
        &self.bytes[at * SEGMENT * group..end]
    }
}

/// The `k` best rows of `tiles` for each query, in the order of the queries.
fn scan<S: Score>(
    index: &NativeIndex,
    score: &S,
    prepared: &[Group],
    k: usize,
    tiles: std::ops::Range<usize>,
) -> Vec<Best<S::Key>> {
    let mut best: Vec<Best<S::Key>> = prepared
        .iter()
        .flat_map(|group| group.facts())
        .map(|_| Best::new(k))
        .collect();
    let mut limits: Vec<[S::Limit; LANES]> = prepared
        .iter()
        .map(|group| group.facts.map(|facts| score.limit(None, &facts)))
        .collect();
    let narrow = index.columns.total() <= NARROW;
    let mut sums = Sums::zero();
    for tile in tiles {
        let rows = (index.packed.rows() - tile * TILE).min(TILE);
        let real = u32::MAX >> (TILE - rows);
        let groups = prepared.iter().zip(&mut limits);
        for ((group, limits), best) in groups.zip(best.chunks_mut(LANES)) {
            if !narrow {
                offer_wide(index, score, group, best, tile, rows);
                continue;
            }
            let block = block(index, group, tile, 0);
            index.kernel.sum(index.packed.sum(), block, &mut sums);
            let through = score.through(index.kernel, tile, &sums, &group.facts, limits);
            for (lane, best) in best.iter_mut().enumerate() {
                let mut rows = through[lane] & real;
                let facts = &group.facts[lane];
                while rows != 0 {
                    let lane_row = rows.trailing_zeros() as usize;
                    rows &= rows - 1;
                    let row = tile * TILE + lane_row;
                    let sum = i64::from(sums.0[lane][lane_row]);
                    let key = score.key(&index.packed, sum, row, facts);
                    if best.offer(key, row as u32) {
                        limits[lane] = score.limit(best.worst(), facts);
                    }
                }
            }
        }
    }
    best
}

/// One segment of a tile for the kernel.
fn block<'a>(index: &'a NativeIndex, group: &'a Group, tile: usize, segment: usize) -> Block<'a> {
    const NONE: &[i32; TILE] = &[0; TILE];
    let packed = &index.packed;
    let bytes = SEGMENT * packed.sum().group() * TILE;
    let rows = packed.tile(tile);
    let end = rows.len().min((segment + 1) * bytes);
    Block {
        rows: &rows[segment * bytes..end],
        queries: group.segment(segment, packed.groups()),
        lanes: group.lanes,
        starts: packed.starts(tile).get(segment).unwrap_or(NONE),
    }
}

/// Offers every row of a tile, with sums in 64 bits over all segments. For pictures so
/// large that the sums take nearly all of the time, whatever follows them.
fn offer_wide<S: Score>(
    index: &NativeIndex,
    score: &S,
    group: &Group,
    best: &mut [Best<S::Key>],
    tile: usize,
    rows: usize,
) {
    let mut wide = [[0i64; TILE]; LANES];
    let mut sums = Sums::zero();
    for segment in 0..index.packed.segments() {
        let block = block(index, group, tile, segment);
        index.kernel.sum(index.packed.sum(), block, &mut sums);
        for (wide, sums) in wide
            .as_flattened_mut()
            .iter_mut()
            .zip(sums.0.as_flattened())
        {
            *wide += i64::from(*sums);
        }
    }
    for ((best, facts), wide) in best.iter_mut().zip(&group.facts).zip(&wide) {
        for (lane_row, &sum) in wide.iter().enumerate().take(rows) {
            let row = tile * TILE + lane_row;
            let key = score.key(&index.packed, sum, row, facts);
            best.offer(key, row as u32);
        }
    }
}
