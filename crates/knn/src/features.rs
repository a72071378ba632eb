//! Search over real-valued features (embeddings, say), where rows are not pictures.
//!
//! Distances are Euclidean, and as exact as 64-bit sums of squared differences are. Most
//! rows never get that far: a blocked product of 32-bit matrices gives every
//! ‖a−b‖² = ‖a‖² + ‖b‖² − 2a·b up to an error that is known (Higham, *Accuracy and
//! Stability of Numerical Algorithms*, 2nd edition, §3.5: a product of D terms is off by
//! at most about D·2⁻²⁴·‖a‖‖b‖ in any order of summation), and only rows that may be near
//! enough despite it are compared in 64 bits.
//!
//! The product is `ndarray`'s, which is blocked and chooses AVX and FMA at run time.
//! Rejected: trusting the 32-bit distances, whose cancellation puts equal rows at a
//! distance from each other; and integer kernels on scaled features, which round them.

use ndarray::{ArrayView2, linalg::general_mat_mul};
use rayon::prelude::*;

use crate::{Neighbour, best::Best};

/// Queries that go through the rows together.
const QUERIES_PER_CHUNK: usize = 128;

/// Rows in a block of the product: with the queries above, 512 kB of sums.
const ROWS_PER_BLOCK: usize = 1024;

/// Half the distance from 1 to the next `f32`.
const UNIT_ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;

/// Why features cannot be searched.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum FeaturesError {
    /// Rows without values.
    #[error("rows have no columns; give each at least one feature")]
    NoColumns,
    /// Not a whole number of rows.
    #[error("{values} values are not a whole number of rows of {columns}")]
    Length {
        /// Number of values.
        values: usize,
        /// Values in one row.
        columns: usize,
    },
    /// More rows than 32 bits can number.
    #[error("{rows} rows are more than the {} that can be searched", u32::MAX)]
    TooMany {
        /// Number of rows.
        rows: usize,
    },
    /// NaN or infinite.
    #[error("row {row}, column {column} is {value}; features must be finite")]
    Value {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value found there.
        value: f32,
    },
}

/// Rows of real-valued features, ready to be searched.
pub struct FeatureIndex {
    rows: Features,
}

/// Checked rows and their lengths.
struct Features {
    values: Vec<f32>,
    columns: usize,
    /// Euclidean norms.
    norms: Vec<f64>,
}

impl Features {
    fn new(values: Vec<f32>, columns: usize) -> Result<Self, FeaturesError> {
        if columns == 0 {
            return Err(FeaturesError::NoColumns);
        }
        if !values.len().is_multiple_of(columns) {
            return Err(FeaturesError::Length {
                values: values.len(),
                columns,
            });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(FeaturesError::Value {
                row: at / columns,
                column: at % columns,
                value: values[at],
            });
        }
        let norm = |row: &[f32]| {
            row.iter()
                .map(|&x| f64::from(x).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        Ok(Self {
            norms: values.par_chunks(columns).map(norm).collect(),
            values,
            columns,
        })
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    fn len(&self) -> usize {
        self.norms.len()
    }

    /// Rows from `first` on, as a matrix.
    fn block(&self, first: usize, rows: usize) -> Option<ArrayView2<'_, f32>> {
        let values = &self.values[first * self.columns..][..rows * self.columns];
        ArrayView2::from_shape((rows, self.columns), values).ok()
    }
}

impl FeatureIndex {
    /// Takes N×`columns` values, row by row.
    ///
    /// # Errors
    /// When `columns` is 0, the values are not whole rows, there are 2³² rows or more, or
    /// a value is not finite.
    pub fn new(rows: Vec<f32>, columns: usize) -> Result<Self, FeaturesError> {
        let rows = Features::new(rows, columns)?;
        if u32::try_from(rows.len()).is_err() {
            return Err(FeaturesError::TooMany { rows: rows.len() });
        }
        Ok(Self { rows })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// The `k` rows nearest to each query by Euclidean distance, nearest first, the lower
    /// index first among equals; all rows where there are fewer. `queries` holds Q rows of
    /// as many columns. Uses the threads of the ambient rayon pool; their number changes
    /// nothing in the result.
    ///
    /// # Errors
    /// When the queries are not whole rows, or a value is not finite.
    pub fn nearest(
        &self,
        queries: Vec<f32>,
        k: usize,
    ) -> Result<Vec<Vec<Neighbour>>, FeaturesError> {
        let queries = Features::new(queries, self.rows.columns)?;
        let k = k.min(self.len());
        if k == 0 {
            return Ok(vec![Vec::new(); queries.len()]);
        }
        let chunks = queries.len().div_ceil(QUERIES_PER_CHUNK);
        let found: Vec<Vec<Vec<Neighbour>>> = (0..chunks)
            .into_par_iter()
            .map(|chunk| {
                let first = chunk * QUERIES_PER_CHUNK;
                let count = (queries.len() - first).min(QUERIES_PER_CHUNK);
                self.scan(&queries, first, count, k)
            })
            .collect();
        Ok(found.into_iter().flatten().collect())
    }

    /// `count` queries from `first` on against all rows.
    fn scan(
        &self,
        queries: &Features,
        first: usize,
        count: usize,
        k: usize,
    ) -> Vec<Vec<Neighbour>> {
        let columns = self.rows.columns;
        // Twice the relative error of a product, with room for the roundings below.
        let slack = 2.0 * (columns as f64 + 8.0) * UNIT_ROUNDOFF * 1.01;
        // Terms too small for normal 32-bit numbers may be lost altogether.
        let underflow = 2.0 * columns as f64 * f64::from(f32::MIN_POSITIVE);
        let mut best: Vec<Best<u64>> = (0..count).map(|_| Best::new(k)).collect();
        let mut products = ndarray::Array2::zeros((count, ROWS_PER_BLOCK));
        for block in (0..self.len()).step_by(ROWS_PER_BLOCK) {
            let rows = (self.len() - block).min(ROWS_PER_BLOCK);
            let mut products = products.slice_mut(ndarray::s![.., ..rows]);
            if let (Some(a), Some(b)) = (queries.block(first, count), self.rows.block(block, rows))
            {
                general_mat_mul(1.0, &a, &b.t(), 0.0, &mut products);
            }
            for (query, (best, products)) in best.iter_mut().zip(products.rows()).enumerate() {
                let norm = queries.norms[first + query];
                let mut limit = limit(best);
                let norms = &self.rows.norms[block..][..rows];
                for ((row, &product), &other) in products.iter().enumerate().zip(norms) {
                    let least = norm * norm + other * other
                        - 2.0 * f64::from(product)
                        - slack * (norm * other + norm * norm + other * other)
                        - underflow;
                    // Nothing is known of a product that overflowed on the way.
                    if product.is_finite() && least > limit {
                        continue;
                    }
                    let row = block + row;
                    let squared = squared(queries.row(first + query), self.rows.row(row));
                    if best.offer(squared.to_bits(), row as u32) {
                        limit = self::limit(best);
                    }
                }
            }
        }
        best.into_iter().map(neighbours).collect()
    }
}

/// The squared distance above which rows need not be looked at.
fn limit(best: &Best<u64>) -> f64 {
    best.worst().map_or(f64::INFINITY, f64::from_bits)
}

/// Numbers that are not negative order as their bits do, so that bits serve as keys.
fn neighbours(best: Best<u64>) -> Vec<Neighbour> {
    best.into_sorted()
        .into_iter()
        .map(|(bits, row)| Neighbour {
            index: row as usize,
            distance: f64::from_bits(bits).sqrt(),
        })
        .collect()
}

fn squared(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reference::with_threads;

    fn plain(rows: &[f32], queries: &[f32], columns: usize, k: usize) -> Vec<Vec<Neighbour>> {
        queries
            .chunks_exact(columns)
            .map(|query| {
                let rows = rows.chunks_exact(columns);
                let mut all: Vec<_> = rows.map(|row| squared(query, row)).enumerate().collect();
                // The sort is stable: equal rows stay in the order of their indices.
                all.sort_by(|(_, a), (_, b)| a.total_cmp(b));
                all.truncate(k);
                all.into_iter()
                    .map(|(index, squared)| Neighbour {
                        index,
                        distance: squared.sqrt(),
                    })
                    .collect()
            })
            .collect()
    }

    proptest! {
        #[test]
        fn neighbours_are_those_of_a_plain_search(
            columns in 1usize..40,
            rows in 1usize..80,
            queries in 0usize..6,
            k in 0usize..12,
            // Far from the origin, where 32-bit distances cancel to nothing; and so
            // small or large that products of 32 bits vanish or overflow.
            offset in prop::sample::select(vec![0.0f32, 1.0, 1e4, 1e7]),
            scale in prop::sample::select(vec![1.0f32, 1e-22, 1e30]),
            seed in any::<u64>(),
        ) {
            let values = |seed, count| -> Vec<f32> {
                crate::reference::random_bytes(seed, count)
                    .into_iter()
                    .map(|byte| (offset + f32::from(byte.cast_signed()) / 64.0) * scale)
                    .collect()
            };
            let (data, asked) = (values(seed, rows * columns), values(!seed, queries * columns));
            let index = FeatureIndex::new(data.clone(), columns).expect("an index");
            let found = index.nearest(asked.clone(), k).expect("neighbours");
            prop_assert_eq!(found, plain(&data, &asked, columns, k));
        }
    }

    #[test]
    fn more_rows_than_a_block_and_any_number_of_threads() {
        let values = |seed, count| -> Vec<f32> {
            crate::reference::random_bytes(seed, count)
                .into_iter()
                .map(|byte| f32::from(byte.cast_signed()))
                .collect()
        };
        let (data, asked) = (values(1, 2500 * 7), values(2, 300 * 7));
        let index = FeatureIndex::new(data.clone(), 7).expect("an index");
        let run = |threads| {
            with_threads(threads, || {
                index.nearest(asked.clone(), 5).expect("neighbours")
            })
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), plain(&data, &asked, 7, 5));
        assert_eq!((index.len(), index.is_empty()), (2500, false));
    }

    #[test]
    fn huge_values_are_searched_too() {
        let rows = vec![f32::MAX, 0.0, -f32::MAX, f32::MAX / 2.0];
        let index = FeatureIndex::new(rows, 1).expect("an index");
        let found = index.nearest(vec![f32::MAX], 4).expect("neighbours");
        let order: Vec<usize> = found[0].iter().map(|n| n.index).collect();
        assert_eq!(order, [0, 3, 1, 2]);
    }

    #[test]
    fn what_is_not_a_matrix_of_numbers_is_refused() {
        let refused = |rows, columns| FeatureIndex::new(rows, columns).err();
        assert_eq!(refused(vec![], 0), Some(FeaturesError::NoColumns));
        let length = FeaturesError::Length {
            values: 5,
            columns: 2,
        };
        assert_eq!(refused(vec![0.0; 5], 2), Some(length));
        let error = refused(vec![0.0, 1.0, 2.0, f32::INFINITY], 2).expect("not finite");
        assert_eq!(
            error.to_string(),
            "row 1, column 1 is inf; features must be finite"
        );
        let index = FeatureIndex::new(vec![1.0, 2.0], 1).expect("an index");
        assert!(index.nearest(vec![f32::NAN], 1).is_err());
    }
}
