//! Columns in which the training rows differ, and the others.
//!
//! A pixel that has one value in every training row (the border of a digit, say) adds the same
//! to the distance from a query to every row. Such columns are left out of the search, and their
//! share is added once per query, which is exact. For MNIST 717 of 784 columns stay.

use std::ops::Range;

use rayon::prelude::*;

use crate::settings::Metric;

/// Rows compared by one task.
const ROWS_PER_TASK: usize = 2048;

/// Which columns differ between rows, and the value of the others.
pub(super) struct Columns {
    /// The first row; it holds the value of every column that does not vary.
    template: Vec<u8>,
    varying: Vec<Range<usize>>,
    constant: Vec<Range<usize>>,
    varying_len: usize,
}

impl Columns {
    /// Compares all `rows`, N×`total` bytes, N ≥ 1.
    pub(super) fn of(rows: &[u8], total: usize) -> Self {
        let template = rows.get(..total).unwrap_or_default().to_vec();
        let differs = rows
            .par_chunks(total * ROWS_PER_TASK)
            .fold(
                || vec![0u8; total],
                |mut differs, rows| {
                    for row in rows.chunks_exact(total) {
                        for ((seen, value), first) in differs.iter_mut().zip(row).zip(&template) {
                            *seen |= value ^ first;
                        }
                    }
                    differs
                },
            )
            .reduce(
                || vec![0u8; total],
                |mut left, right| {
                    for (left, right) in left.iter_mut().zip(right) {
                        *left |= right;
                    }
                    left
                },
            );
        let (mut varying, mut constant) = (Vec::new(), Vec::new());
        let mut start = 0;
        for run in differs.chunk_by(|a, b| (*a == 0) == (*b == 0)) {
            let range = start..start + run.len();
            start = range.end;
            if run[0] == 0 {
                constant.push(range);
            } else {
                varying.push(range);
            }
        }
        Self {
            template,
            varying_len: varying.iter().map(Range::len).sum(),
            varying,
            constant,
        }
    }

    /// Number of columns.
    pub(super) fn total(&self) -> usize {
        self.template.len()
    }

    /// Number of columns that vary.
    pub(super) fn varying(&self) -> usize {
        self.varying_len
    }

    /// Copies the varying columns of `row` to the start of `out`.
    pub(super) fn gather(&self, row: &[u8], out: &mut [u8]) {
        let mut start = 0;
        for run in &self.varying {
            out[start..start + run.len()].copy_from_slice(&row[run.clone()]);
            start += run.len();
        }
    }

    /// The reverse of [`Columns::gather`]: a whole row from its varying columns.
    pub(super) fn scatter(&self, varying: &[u8], row: &mut [u8]) {
        row.copy_from_slice(&self.template);
        let mut start = 0;
        for run in &self.varying {
            row[run.clone()].copy_from_slice(&varying[start..start + run.len()]);
            start += run.len();
        }
    }

    /// The share of the constant columns: squared or absolute differences between `query` and
    /// any training row, or their dot product.
    pub(super) fn constant_share(&self, query: &[u8], metric: Metric) -> u64 {
        let pairs = self
            .constant
            .iter()
            .flat_map(|run| query[run.clone()].iter().zip(&self.template[run.clone()]));
        pairs
            .map(|(&a, &b)| match metric {
                Metric::L2 => u64::from(a.abs_diff(b)).pow(2),
                Metric::L1 => u64::from(a.abs_diff(b)),
                Metric::Cosine => u64::from(a) * u64::from(b),
            })
            .sum()
    }

    /// Sum of squares of the constant columns, the same in every training row.
    pub(super) fn constant_norm(&self) -> u64 {
        self.constant_share(&self.template, Metric::Cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_and_rows_come_back() {
        let rows = [7, 0, 1, 9, 3, 7, 0, 2, 9, 4, 7, 0, 1, 9, 5];
        let columns = Columns::of(&rows, 5);
        assert_eq!((columns.total(), columns.varying()), (5, 2));
        let mut varying = [0; 4];
        columns.gather(&rows[5..10], &mut varying);
        assert_eq!(varying, [2, 4, 0, 0]);
        let mut row = [0; 5];
        columns.scatter(&varying, &mut row);
        assert_eq!(row, rows[5..10]);
        let query = [10, 1, 200, 4, 100];
        assert_eq!(columns.constant_share(&query, Metric::L2), 9 + 1 + 25);
        assert_eq!(columns.constant_share(&query, Metric::L1), 3 + 1 + 5);
        assert_eq!(columns.constant_share(&query, Metric::Cosine), 70 + 36);
        assert_eq!(columns.constant_norm(), 49 + 81);
    }

    #[test]
    fn identical_rows_leave_no_column() {
        let columns = Columns::of(&[1, 2, 1, 2], 2);
        assert_eq!(columns.varying(), 0);
        let mut row = [0; 2];
        columns.scatter(&[], &mut row);
        assert_eq!(row, [1, 2]);
    }
}
