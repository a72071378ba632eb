//! Products of matrices in single precision, and exact sums of products of bytes.
//!
//! The products are those of `gemm-f32`, the part of the `gemm` crate for single precision, which
//! chooses its instructions when the program runs; the whole crate compiles kernels for complex numbers
//! and half precision too.

use gemm_common::Parallelism;
use rayon::prelude::*;

/// Rows whose products of bytes are summed in single precision: 256 · 255² is below 2²⁴, so that
/// every sum is a whole number that it holds exactly.
const EXACT_ROWS: usize = 256;

/// A matrix within a slice: element (r, c) is `values[r · row_stride + c · column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a> {
    /// The slice.
    pub values: &'a [f32],
    /// From one row to the next.
    pub row_stride: usize,
    /// From one column to the next.
    pub column_stride: usize,
}

impl<'a> Strided<'a> {
    /// A matrix of so many columns whose rows follow each other.
    pub fn rows(values: &'a [f32], columns: usize) -> Self {
        Self {
            values,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Whether a matrix of this size lies within the slice.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows.saturating_sub(1) * self.row_stride + columns.saturating_sub(1) * self.column_stride
            < self.values.len()
    }
}

/// `out ← factor · left · right`, or added to `out` if `add`, on the calling thread; `out` is row-major
/// with rows `stride` apart, and `(rows, depth, columns)` are the sizes.
///
/// # Panics
/// If a matrix of these sizes does not lie within its slice.
pub fn multiply(
    (rows, depth, columns): (usize, usize, usize),
    left: Strided<'_>,
    right: Strided<'_>,
    factor: f32,
    add: bool,
    out: &mut [f32],
    stride: usize,
) {
    assert!(left.holds(rows, depth) && right.holds(depth, columns));
    assert!(columns <= stride && rows.saturating_sub(1) * stride + columns <= out.len());
    // SAFETY: the assertions hold, so every element that is read or written lies within its
    // slice; the rows of `out` do not overlap, and `out` is borrowed mutably, so that nothing
    // else aliases it. The function wants the output column-major, so it gets the transposed
    // product: outᵀ = rightᵀ · leftᵀ.
    unsafe {
        gemm_f32::gemm::f32::get_gemm_fn()(
            columns,
            rows,
            depth,
            out.as_mut_ptr(),
            stride as isize,
            1,
            add,
            right.values.as_ptr(),
            right.row_stride as isize,
            right.column_stride as isize,
            left.values.as_ptr(),
            left.row_stride as isize,
            left.column_stride as isize,
            if add { 1.0 } else { 0.0 },
            factor,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// `rowsᵀ · rows` of row-major bytes with `columns` columns, exactly: columns × columns sums, the same
/// at any number of threads.
pub fn byte_products(rows: &[u8], columns: usize) -> Vec<u64> {
    let sums = || vec![0_u64; columns * columns];
    rows.par_chunks(EXACT_ROWS * columns)
        .fold(
            || (sums(), Vec::new(), vec![0.0; columns * columns]),
            |(mut total, mut floats, mut products), block| {
                floats.clear();
                floats.extend(block.iter().map(|&byte| f32::from(byte)));
                let block_rows = block.len() / columns;
                let right = Strided::rows(&floats, columns);
                let sizes = (columns, block_rows, columns);
                multiply(
                    sizes,
                    right.transposed(),
                    right,
                    1.0,
                    false,
                    &mut products,
                    columns,
                );
                for (sum, &product) in total.iter_mut().zip(&products) {
                    *sum += product as u64;
                }
                (total, floats, products)
            },
        )
        .map(|(total, _, _)| total)
        .reduce(sums, |mut left, right| {
            for (sum, more) in left.iter_mut().zip(&right) {
                *sum += more;
            }
            left
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn products_of_bytes_are_exact() {
        // More than one block, and bytes that are as large as they get.
        let columns = 7;
        let rows: Vec<u8> = (0..601 * columns)
            .map(|at| {
                if at % 3 == 0 {
                    255
                } else {
                    (at * 31 % 256) as u8
                }
            })
            .collect();
        let found = byte_products(&rows, columns);
        for left in 0..columns {
            for right in 0..columns {
                let expected: u64 = rows
                    .chunks_exact(columns)
                    .map(|row| u64::from(row[left]) * u64::from(row[right]))
                    .sum();
                assert_eq!(found[left * columns + right], expected);
            }
        }
        assert_eq!(byte_products(&[], 3), [0; 9]);
    }

    proptest! {
        #[test]
        fn a_product_is_the_plain_one(rows in 1_usize..9, depth in 1_usize..9, columns in 1_usize..9, add: bool) {
            let value = |at: usize| (at * 7 % 11) as f32 - 5.0;
            let left: Vec<f32> = (0..rows * depth).map(value).collect();
            let right: Vec<f32> = (0..columns * depth).map(|at| value(at + 3)).collect();
            let stride = columns + 2;
            let mut out = vec![1.0; rows * stride];
            multiply(
                (rows, depth, columns),
                Strided::rows(&left, depth),
                Strided::rows(&right, depth).transposed(),
                2.0,
                add,
                &mut out,
                stride,
            );
            for (row, line) in out.chunks_exact(stride).enumerate() {
                for (column, &found) in line.iter().enumerate() {
                    let plain = || -> f32 {
                        let at = |at: usize| left[row * depth + at] * right[column * depth + at];
                        (0..depth).map(at).sum()
                    };
                    let expected = match column < columns {
                        true => 2.0 * plain() + if add { 1.0 } else { 0.0 },
                        false => 1.0,
                    };
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}
