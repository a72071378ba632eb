//! Cholesky factors of symmetric matrices in single precision.
//!
//! Blocked, so that nearly all of the work is matrix products. `faer` does the same, but compiling it takes
//! longer than compiling this whole crate.

use bakeoff_kernels::{Strided, multiply};
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
            let right = Strided::rows(&rows[column..], order);
            let left = right.transposed();
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
                let left = Strided::rows(&panel[(right - next) * width..], width);
                let out = &mut self.values[right * order + right..];
                let sizes = (order - right, width, PANEL.min(order - right));
                multiply(sizes, left, left.transposed(), -1.0, true, out, order);
            }
        }
        true
    }

    /// Replaces `b` by the solution `x` of `L Lᵀ x = b`.
    pub(crate) fn solve(&self, b: &mut [f32]) {
        self.instructions.run(Solve { factor: self, b });
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
