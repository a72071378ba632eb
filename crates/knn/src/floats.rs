//! Exact nearest neighbours of rows of floating-point numbers, by the search that bytes have.
//!
//! Rows are rounded to bytes with one step for all columns, so that distances between bytes are distances between rows
//! but for what was rounded away, whose length is known for each row. The search of bytes proposes a few more
//! neighbours than are asked for; their distances are computed from the numbers themselves; and if no other row can be
//! as near, by the triangle inequality, the answer is proved. Where it is not, more are proposed, and at the end all
//! rows are compared. (The idea is that of vector approximation files: R. Weber, H.-J. Schek and S. Blott, "A
//! Quantitative Analysis and Performance Study for Similarity-Search Methods in High-Dimensional Spaces", VLDB 1998.)

use bakeoff_core::{FitError, PredictError};
use rayon::prelude::*;

use crate::{neighbours::ByteIndex, search::Neighbour};

/// Neighbours that are proposed beyond those that are asked for, at first ...
const MORE: usize = 8;
/// ... and how many times as many where that proves nothing.
const GROWTH: usize = 6;
/// Of many queries, so many of them say first how many must be proposed ...
const PILOTS: usize = 64;
/// ... with so many proposals ...
const PILOT_PROPOSED: usize = 600;
/// ... for this share of the queries to be proved at once.
const PROVED: f64 = 0.95;
/// If more than this part of the rows would be proposed, all are compared.
const MOST: f64 = 0.1;
/// What a distance of sums of squares in f64 may be off by, relative.
const ROUNDING: f64 = 1e-12;

/// A number that rows can consist of.
pub trait Float: Copy + Send + Sync + Into<f64> {}
impl Float for f32 {}
impl Float for f64 {}

/// Rows prepared for the search.
pub struct FloatIndex<T> {
    rows: Vec<T>,
    columns: usize,
    /// A byte `b` of column `j` stands for `lowest[j] + step * b`.
    lowest: Vec<f64>,
    step: f64,
    /// The largest distance between a row and its bytes.
    error: f64,
    search: ByteIndex,
}

impl<T: Float> FloatIndex<T> {
    /// Prepares rows: N×`columns` finite numbers.
    ///
    /// # Errors
    /// [`FitError::Data`] where there is no row, or a number is not finite.
    pub fn new(rows: Vec<T>, columns: usize) -> Result<Self, FitError> {
        if columns == 0 || rows.is_empty() || !rows.len().is_multiple_of(columns) {
            return Err(FitError::Data(
                "there are no whole rows to search in".into(),
            ));
        }
        if rows.iter().any(|&value| !value.into().is_finite()) {
            return Err(FitError::Data("a number is not finite".into()));
        }
        let mut lowest = vec![f64::INFINITY; columns];
        let mut highest = vec![f64::NEG_INFINITY; columns];
        for row in rows.chunks_exact(columns) {
            for ((low, high), &value) in lowest.iter_mut().zip(&mut highest).zip(row) {
                (*low, *high) = (low.min(value.into()), high.max(value.into()));
            }
        }
        let ranges = lowest.iter().zip(&highest).map(|(low, high)| high - low);
        let widest = ranges.fold(0.0, f64::max);
        // Of rows that are all alike any step will do.
        let step = if widest > 0.0 { widest / 255.0 } else { 1.0 };
        let (bytes, errors) = rounded(&rows, columns, &lowest, step);
        Ok(Self {
            search: ByteIndex::new(&bytes, columns)?,
            error: errors.into_iter().fold(0.0, f64::max),
            rows,
            columns,
            lowest,
            step,
        })
    }

    /// How many rows there are, at least one.
    #[expect(clippy::len_without_is_empty, reason = "there always is a row")]
    pub fn len(&self) -> usize {
        self.search.len()
    }

    /// Numbers of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The `k` nearest rows of each query by Euclidean distance, exactly: Q×min(`k`, N), nearest first, of
    /// equals the first one first. `queries` are Q×columns finite numbers. Uses the threads of the current rayon
    /// pool.
    ///
    /// # Errors
    /// Those of the search.
    pub fn nearest(&self, queries: &[T], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        let (count, k) = (queries.len() / self.columns, k.min(self.len()));
        let none = Neighbour {
            index: 0,
            distance: f64::INFINITY,
        };
        let mut found = vec![none; count * k];
        if k == 0 {
            return Ok(found);
        }
        let (bytes, errors) = rounded(queries, self.columns, &self.lowest, self.step);
        let mut open: Vec<usize> = (0..count).collect();
        let mut proposed = k + match count > 4 * PILOTS {
            true => self.needed(queries, &bytes, &errors, k)?,
            false => MORE,
        };
        while !open.is_empty() && (proposed as f64) < MOST * self.len() as f64 {
            let asked: Vec<u8> = open
                .iter()
                .flat_map(|&query| self.row_of(&bytes, query))
                .copied()
                .collect();
            let near = self.search.nearest(&asked, proposed)?;
            let proved: Vec<Option<Vec<Neighbour>>> = open
                .par_iter()
                .zip(near.par_chunks_exact(proposed))
                .map(|(&query, near)| {
                    let own = self.row_of(queries, query);
                    let slack = self.error + errors[query];
                    self.proved(own, near, k, slack)
                })
                .collect();
            let mut left = Vec::new();
            for (&query, proved) in open.iter().zip(proved) {
                match proved {
                    Some(proved) => found[query * k..][..k].copy_from_slice(&proved),
                    None => left.push(query),
                }
            }
            open = left;
            proposed *= GROWTH;
        }
        let compared: Vec<Vec<Neighbour>> = open
            .par_iter()
            .map(|&query| self.compared(self.row_of(queries, query), 0..self.len(), k))
            .collect();
        for (query, compared) in open.into_iter().zip(compared) {
            found[query * k..][..k].copy_from_slice(&compared);
        }
        Ok(found)
    }

    /// How many must be proposed beyond `k` so that most queries are proved, judged by some of them, evenly over all.
    fn needed(
        &self,
        queries: &[T],
        bytes: &[u8],
        errors: &[f64],
        k: usize,
    ) -> Result<usize, PredictError> {
        let most = (MOST * self.len() as f64) as usize;
        let proposed = (k + PILOT_PROPOSED).min(most);
        if proposed <= k + MORE {
            return Ok(MORE);
        }
        let every = errors.len() / PILOTS;
        let pilots: Vec<usize> = (0..PILOTS).map(|at| at * every).collect();
        let asked: Vec<u8> = pilots
            .iter()
            .flat_map(|&query| self.row_of(bytes, query))
            .copied()
            .collect();
        let near = self.search.nearest(&asked, proposed)?;
        let mut needed: Vec<usize> = pilots
            .par_iter()
            .zip(near.par_chunks_exact(proposed))
            .map(|(&query, near)| {
                let own = self.row_of(queries, query);
                let found = self.compared(own, near.iter().map(|one| one.index), k);
                let last = found.last().map_or(0.0, |one| one.distance);
                let bound = (last * (1.0 + ROUNDING) + self.error + errors[query]) / self.step;
                1 + near.partition_point(|one| one.distance <= bound)
            })
            .collect();
        needed.sort_unstable();
        let enough = needed[(PROVED * (PILOTS - 1) as f64) as usize];
        // A few more cost little.
        Ok((enough + enough / 8).saturating_sub(k).max(MORE))
    }

    fn row_of<'a, V>(&self, rows: &'a [V], index: usize) -> &'a [V] {
        &rows[index * self.columns..][..self.columns]
    }

    /// The `k` nearest of some rows.
    fn compared(
        &self,
        query: &[T],
        candidates: impl Iterator<Item = usize>,
        k: usize,
    ) -> Vec<Neighbour> {
        let neighbour = |index| Neighbour {
            index,
            distance: squared_distance(query, self.row_of(&self.rows, index)),
        };
        let mut all: Vec<Neighbour> = candidates.map(neighbour).collect();
        let nearer = |a: &Neighbour, b: &Neighbour| {
            a.distance
                .total_cmp(&b.distance)
                .then(a.index.cmp(&b.index))
        };
        if k < all.len() {
            all.select_nth_unstable_by(k - 1, nearer);
            all.truncate(k);
        }
        all.sort_unstable_by(nearer);
        for neighbour in &mut all {
            neighbour.distance = neighbour.distance.sqrt();
        }
        all
    }

    /// The `k` nearest rows, if they must be among `near`, the nearest ones by their bytes; `slack` is the most that
    /// bytes make a distance longer.
    fn proved(
        &self,
        query: &[T],
        near: &[Neighbour],
        k: usize,
        slack: f64,
    ) -> Option<Vec<Neighbour>> {
        let farthest = near.last()?.distance * self.step;
        let found = self.compared(query, near.iter().map(|one| one.index), k);
        // Every other row is at least so far away.
        let others = (farthest - slack) * (1.0 - ROUNDING);
        (found.last()?.distance * (1.0 + ROUNDING) < others).then_some(found)
    }
}

/// Rows as bytes, and the distance of each row to its bytes.
fn rounded<T: Float>(rows: &[T], columns: usize, lowest: &[f64], step: f64) -> (Vec<u8>, Vec<f64>) {
    let mut bytes = vec![0; rows.len()];
    let errors = rows
        .par_chunks_exact(columns)
        .zip(bytes.par_chunks_exact_mut(columns))
        .map(|(row, bytes)| {
            let mut squares = 0.0;
            for ((byte, &value), &low) in bytes.iter_mut().zip(row).zip(lowest) {
                let value = value.into() - low;
                // Beyond the rows' own range it is cut off, and the error says so.
                *byte = (value / step).round().clamp(0.0, 255.0) as u8;
                let error = value - step * f64::from(*byte);
                squares += error * error;
            }
            squares.sqrt() * (1.0 + ROUNDING)
        })
        .collect();
    (bytes, errors)
}

/// Σ (a − b)², in eight sums so that processors with vectors use them.
fn squared_distance<T: Float>(a: &[T], b: &[T]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_parts, a_rest) = a.as_chunks::<LANES>();
    let (b_parts, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_parts.iter().zip(b_parts) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            let difference = a.into() - b.into();
            *sum += difference * difference;
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(&a, &b)| {
        let difference = a.into() - b.into();
        difference * difference
    });
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All distances, sorted.
    fn plain(rows: &[f32], queries: &[f32], columns: usize, k: usize) -> Vec<Neighbour> {
        let each = queries.chunks_exact(columns).flat_map(|query| {
            let mut all: Vec<Neighbour> = rows
                .chunks_exact(columns)
                .enumerate()
                .map(|(index, row)| Neighbour {
                    index,
                    distance: squared_distance(row, query).sqrt(),
                })
                .collect();
            all.sort_by(|a, b| {
                a.distance
                    .total_cmp(&b.distance)
                    .then(a.index.cmp(&b.index))
            });
            all.truncate(k);
            all
        });
        each.collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn neighbours_are_those_of_all_distances(
            columns in 1..12_usize,
            values in proptest::collection::vec(
                prop_oneof![-3.0_f32..3.0, -3.0_f32..3.0, Just(0.5), -300.0_f32..300.0], 2400..4800),
            asked in proptest::collection::vec(-4.0_f32..4.0, 60),
            k in 1..20_usize,
        ) {
            let rows: Vec<f32> = values[..values.len() / columns * columns].to_vec();
            let count = rows.len() / columns;
            let mut queries = asked[..asked.len() / columns * columns].to_vec();
            // A row itself is asked about, too.
            queries.extend_from_slice(&rows[..columns]);
            let index = FloatIndex::new(rows.clone(), columns).unwrap();
            let found = index.nearest(&queries, k).unwrap();
            let expected = plain(&rows, &queries, columns, k.min(count));
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert_eq!(found.index, expected.index);
                prop_assert!((found.distance - expected.distance).abs() <= 1e-9 * expected.distance.max(1.0));
            }
            prop_assert_eq!(found.len(), expected.len());
        }
    }

    #[test]
    fn many_queries_are_answered_alike() {
        // Knuth's linear congruential generator.
        let mut state = 1_u64;
        let mut drawn = |count: usize| -> Vec<f32> {
            let next = |_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 40) as f32 / (1 << 24) as f32
            };
            (0..count).map(next).collect()
        };
        let columns = 40;
        let (rows, queries) = (drawn(3000 * columns), drawn(300 * columns));
        let index = FloatIndex::new(rows.clone(), columns).unwrap();
        let found = index.nearest(&queries, 4).unwrap();
        let expected = plain(&rows, &queries, columns, 4);
        assert_eq!(found, expected);
    }

    #[test]
    fn distances_are_euclidean() {
        let a: Vec<f32> = (0..19).map(|at| at as f32 / 4.0).collect();
        let b: Vec<f32> = (0..19).map(|at| (at * at % 7) as f32).collect();
        let squares = a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2));
        assert_eq!(squared_distance(&a, &b), squares.sum::<f64>());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(FloatIndex::new(vec![1.0, f32::NAN], 1).is_err());
        assert!(FloatIndex::<f64>::new(Vec::new(), 3).is_err());
        assert!(FloatIndex::new(vec![1.0_f32; 4], 3).is_err());
        let alike = FloatIndex::new(vec![2.5_f64; 40], 2).unwrap();
        let found = alike.nearest(&[2.5, 2.5], 3).unwrap();
        let places: Vec<usize> = found.iter().map(|one| one.index).collect();
        assert_eq!(places, [0, 1, 2]);
    }
}
