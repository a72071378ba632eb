//! Cholesky factors of symmetric matrices in single precision.
//!
//! Blocked, so that nearly all of the work is matrix products of the `gemm` crate.
//! `faer` would do the same, but its build takes longer than this whole crate's.

use gemm::{Parallelism, gemm};
use pulp::Simd;

use super::{Kernel, Lanes};
use crate::vector::{add_f32, dot_f32};

/// Columns that are factored at once.
const PANEL: usize = 64;

/// The lower triangle `L` of `A = L Lᵀ`, row-major; what is above it means nothing.
#[derive(Debug)]
pub(crate) struct Cholesky {
    order: usize,
    values: Vec<f32>,
    lanes: Lanes,
}

impl Cholesky {
    /// Factors `factor · rowsᵀ rows + diag(ridge)`, where `rows` is row-major with
    /// `ridge.len()` columns. `None` where that is not positive definite to single
    /// precision.
    pub(crate) fn of_products(
        rows: &[f32],
        factor: f32,
        ridge: &[f32],
        lanes: Lanes,
    ) -> Option<Self> {
        let order = ridge.len();
        let mut values = vec![0.0; order * order];
        for column in (0..order).step_by(PANEL) {
            let width = PANEL.min(order - column);
            products(rows, order, column, width, factor, &mut values);
        }
        for (at, ridge) in ridge.iter().enumerate() {
            values[at * order + at] += ridge;
        }
        let mut factor = Self {
            order,
            values,
            lanes,
        };
        factor.factorise().then_some(factor)
    }

    /// Replaces `A` by `L`, panel by panel from the left; false where a pivot is not
    /// positive.
    fn factorise(&mut self) -> bool {
        let order = self.order;
        let mut panel = Vec::new();
        for column in (0..order).step_by(PANEL) {
            let width = PANEL.min(order - column);
            if !self.lanes.run(FactorPanel {
                values: &mut self.values,
                order,
                column,
                width,
            }) {
                return false;
            }
            // What the panel's columns take from everything to the right of it.
            let next = column + width;
            panel.clear();
            for row in next..order {
                panel.extend_from_slice(&self.values[row * order + column..][..width]);
            }
            for right in (next..order).step_by(PANEL) {
                let right_width = PANEL.min(order - right);
                subtract(
                    &panel[(right - next) * width..],
                    width,
                    right_width,
                    &mut self.values[right * order + right..],
                    order,
                );
            }
        }
        true
    }

    /// Replaces `b` by the solution `x` of `L Lᵀ x = b`.
    pub(crate) fn solve(&self, b: &mut [f32]) {
        self.lanes.run(Solve { factor: self, b });
    }
}

/// Rows of the lower triangle of `factor · rowsᵀ rows`, for `width` columns from `column`.
fn products(rows: &[f32], order: usize, column: usize, width: usize, factor: f32, out: &mut [f32]) {
    let count = rows.len() / order;
    let below = order - column;
    assert!(rows.len() == count * order && out.len() == order * order);
    assert!(column + width <= order);
    // SAFETY: with strides in numbers, the left factor reads rows[s·order + column + r]
    // for r < below and s < count, the right one rows[s·order + column + c] for
    // c < width, both within `rows` since column + below = order; the product goes to
    // out[(column + r)·order + column + c], within `out` since column + width <= order.
    // `out` is borrowed mutably, so nothing else aliases it.
    unsafe {
        gemm(
            below,
            width,
            count,
            out.as_mut_ptr().add(column * order + column),
            1,
            order as isize,
            false,
            rows.as_ptr().add(column),
            order as isize,
            1,
            rows.as_ptr().add(column),
            1,
            order as isize,
            0.0,
            factor,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// `out −= panel · (its first rows)ᵀ`, where `panel` has `depth` columns and as many
/// rows as `out`, and `out` has `width` columns, `stride` apart.
fn subtract(panel: &[f32], depth: usize, width: usize, out: &mut [f32], stride: usize) {
    let rows = panel.len() / depth;
    assert!(panel.len() == rows * depth && width <= rows && width <= stride);
    assert!(rows > 0 && out.len() >= (rows - 1) * stride + width);
    // SAFETY: the left factor reads panel[r·depth + d] for r < rows, the right one
    // panel[c·depth + d] for c < width <= rows, both with d < depth; the product goes
    // to out[r·stride + c], within `out` by the assertion. `out` is borrowed mutably,
    // so nothing else aliases it.
    unsafe {
        gemm(
            rows,
            width,
            depth,
            out.as_mut_ptr(),
            1,
            stride as isize,
            true,
            panel.as_ptr(),
            1,
            depth as isize,
            panel.as_ptr(),
            depth as isize,
            1,
            1.0,
            -1.0,
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
        // The panel's triangle transposed: row c holds what column c gives to the right.
        let mut above = [[0.0_f32; PANEL]; PANEL];
        for row in column..order {
            let line = &mut values[row * order + column..][..width];
            let local = (row - column).min(width);
            for c in 0..local {
                // The pivot's reciprocal is on the diagonal.
                let value = line[c] * above[c][c];
                line[c] = value;
                add_f32(&mut line[c + 1..], -value, &above[c][c + 1..width]);
            }
            if local < width {
                let squares: f32 = line[..local].iter().map(|value| value * value).sum();
                let pivot = line[local] - squares;
                // Written so that NaN is refused too.
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
            add_f32(&mut b[..at], -value, &row[..at]);
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
            for lanes in Lanes::all() {
                let factor = Cholesky::of_products(rows, 0.25, &ridge, lanes);
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
    fn what_is_not_positive_definite_is_refused() {
        for lanes in Lanes::all() {
            let refused = Cholesky::of_products(&[1.0, 1.0], 1.0, &[0.0, -0.5], lanes);
            assert!(refused.is_none());
            let nonsense = Cholesky::of_products(&[f32::NAN, 1.0], 1.0, &[1.0, 1.0], lanes);
            assert!(nonsense.is_none());
        }
    }
}
