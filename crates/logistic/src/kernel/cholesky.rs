//! Cholesky factors of symmetric matrices in single precision.
//!
//! Blocked, so that nearly all of the work is matrix products. They are those of `gemm-f32`,
//! the part of the `gemm` crate for single precision: the whole crate compiles kernels for
//! complex numbers and half precision too. `faer` does the same, but compiling it takes
//! longer than compiling this whole crate.

use gemm_common::Parallelism;
use pulp::Simd;

use super::instruction_set::{InstructionSet, Kernel};
use crate::vector::{add, dot_f32};

/// Columns that are factored together.
const PANEL: usize = 64;

/// The lower triangle `L` of `A = L Lᵀ`, row-major; the values above it are meaningless.
pub(crate) struct Cholesky {
    order: usize,
    values: Vec<f32>,
    instructions: InstructionSet,
}

impl Cholesky {
    /// Factors `factor · rowsᵀ rows + diag(ridge)`, where `rows` is row-major with
    /// `ridge.len()` columns. `None` if that is not positive definite in
    /// single precision.
    pub(crate) fn of_products(
        rows: &[f32],
        factor: f32,
        ridge: &[f32],
        instructions: InstructionSet,
    ) -> Option<Self> {
        let order = ridge.len();
        let mut values = vec![0.0; order * order];
        // Without rows the products are zero.
        let columns = if rows.is_empty() { 0 } else { order };
        for column in (0..columns).step_by(PANEL) {
            let width = PANEL.min(order - column);
            // The part of these columns from the diagonal down.
            let below = order - column;
            let left = Strided {
                values: &rows[column..],
                row_stride: 1,
                column_stride: order,
            };
            let right = Strided {
                row_stride: order,
                column_stride: 1,
                ..left
            };
            let out = &mut values[column * order + column..];
            let sizes = (below, rows.len() / order, width);
            multiply(sizes, left, right, factor, false, out, order);
        }
        for (at, ridge) in ridge.iter().enumerate() {
            values[at * order + at] += ridge;
        }
        let mut factor = Self {
            order,
            values,
            instructions,
        };
        factor.factorise().then_some(factor)
    }

    /// Replaces `A` by `L`, panel by panel from the left; returns false if a pivot is not
    /// positive.
    fn factorise(&mut self) -> bool {
        let order = self.order;
        let mut panel = Vec::new();
        for column in (0..order).step_by(PANEL) {
            let width = PANEL.min(order - column);
            if !self.instructions.run(FactorPanel {
                values: &mut self.values,
                order,
                column,
                width,
            }) {
                return false;
            }
            // Subtract the products of the panel's columns from everything to the right.
            let next = column + width;
            panel.clear();
            for row in next..order {
                panel.extend_from_slice(&self.values[row * order + column..][..width]);
            }
            for right in (next..order).step_by(PANEL) {
                let left = Strided {
                    values: &panel[(right - next) * width..],
                    row_stride: width,
                    column_stride: 1,
                };
                let transposed = Strided {
                    row_stride: 1,
                    column_stride: width,
                    ..left
                };
                let out = &mut self.values[right * order + right..];
                let sizes = (order - right, width, PANEL.min(order - right));
                multiply(sizes, left, transposed, -1.0, true, out, order);
            }
        }
        true
    }

    /// Replaces `b` by the solution `x` of `L Lᵀ x = b`.
    pub(crate) fn solve(&self, b: &mut [f32]) {
        self.instructions.run(Solve { factor: self, b });
    }
}

/// A matrix within a slice: element (r, c) is `values[r · row_stride + c · column_stride]`.
#[derive(Clone, Copy)]
struct Strided<'a> {
    values: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl Strided<'_> {
    /// Whether a matrix of this size lies within the slice.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows.saturating_sub(1) * self.row_stride + columns.saturating_sub(1) * self.column_stride
            < self.values.len()
    }
}

/// `out ← factor · left · right`, or added to `out` if `add`; `out` is row-major with rows
/// `stride` apart, and `(rows, depth, columns)` are the sizes.
fn multiply(
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

/// Factors the columns of one panel, from its diagonal down.
struct FactorPanel<'a> {
    values: &'a mut [f32],
    order: usize,
    column: usize,
    width: usize,
}

impl Kernel for FactorPanel<'_> {
    /// Whether every pivot was positive.
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd, const FUSED: bool>(self, _: S) -> bool {
        let Self {
            values,
            order,
            column,
            width,
        } = self;
        // The panel's triangle, transposed: row c holds the factors of column c for the
        // columns to its right.
        let mut above = [[0.0_f32; PANEL]; PANEL];
        for row in column..order {
            let line = &mut values[row * order + column..][..width];
            let local = (row - column).min(width);
            for c in 0..local {
                // The pivot's reciprocal is on the diagonal.
                let value = line[c] * above[c][c];
                line[c] = value;
                add(&mut line[c + 1..], -value, &above[c][c + 1..width]);
            }
            if local < width {
                let squares: f32 = line[..local].iter().map(|value| value * value).sum();
                let pivot = line[local] - squares;
                // Written so that NaN is rejected too.
                if !(pivot > 0.0 && pivot.is_finite()) {
                    return false;
                }
                line[local] = pivot.sqrt();
                above[local][local] = line[local].recip();
                for c in 0..local {
                    above[c][local] = line[c];
                }
            }
        }
        true
    }
}

/// Forward and backward substitution, both along rows.
struct Solve<'a> {
    factor: &'a Cholesky,
    b: &'a mut [f32],
}

impl Kernel for Solve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const FUSED: bool>(self, _: S) {
        let (order, b) = (self.factor.order, self.b);
        let rows = self.factor.values.chunks_exact(order);
        for (at, row) in rows.clone().enumerate() {
            b[at] = (b[at] - dot_f32(&row[..at], &b[..at])) / row[at];
        }
        for (at, row) in rows.enumerate().rev() {
            b[at] /= row[at];
            let value = b[at];
            add(&mut b[..at], -value, &row[..at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn solutions_solve(
            order in 1usize..200,
            count in 1usize..40,
            values in prop::collection::vec(-1.0f32..1.0, 40 * 200 + 200),
        ) {
            let rows = &values[..count * order];
            let b = &values[values.len() - order..];
            let ridge = vec![0.5; order];
            for instructions in InstructionSet::all() {
                let factor = Cholesky::of_products(rows, 0.25, &ridge, instructions);
                let mut x = b.to_vec();
                factor.unwrap().solve(&mut x);
                // A x = 0.25 · rowsᵀ (rows x) + 0.5 x.
                let mut product: Vec<f64> = x.iter().map(|&x| 0.5 * f64::from(x)).collect();
                for row in rows.chunks_exact(order) {
                    let along: f64 = row.iter().zip(&x).map(|(&r, &x)| f64::from(r * x)).sum();
                    for (p, &r) in product.iter_mut().zip(row) {
                        *p += 0.25 * along * f64::from(r);
                    }
                }
                for (product, &b) in product.iter().zip(b) {
                    prop_assert!((product - f64::from(b)).abs() < 1e-4, "{product} {b}");
                }
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_rejected() {
        for instructions in InstructionSet::all() {
            let refused = Cholesky::of_products(&[1.0, 1.0], 1.0, &[0.0, -0.5], instructions);
            assert!(refused.is_none());
            let nonsense = Cholesky::of_products(&[f32::NAN, 1.0], 1.0, &[1.0, 1.0], instructions);
            assert!(nonsense.is_none());
        }
    }
}
