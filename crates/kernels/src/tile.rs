//! The matrix product that convolution and dense layers share.
//!
//! A tile of up to 14 × 32 results is held in registers while the shared dimension runs past:
//! per step one broadcast from each row of A and two vectors of B. A may be strided in every
//! direction, so that a convolution's window, a dense layer's sample and a transposed matrix
//! are all read where they lie, and B comes in panels of 32 columns that stay in the cache.
//!
//! Rejected: the `gemm` crate. It is as fast on large matrices, but it packs both operands on
//! every call, cannot read the windows of a convolution in place, and on the 10 × 288 × 64
//! products of one row of an image packing costs as much as multiplying.

use super::simd::{LANES, Simd};

/// The left operand: element (row, k) with k = (run, place in the run).
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) start: *const f32,
    /// From one row to the next.
    pub(crate) row: usize,
    /// From one k to the next within a run.
    pub(crate) step: usize,
    /// Length of a run.
    pub(crate) len: usize,
    /// From one run to the next.
    pub(crate) run: usize,
    /// Number of runs; the shared dimension is `runs · len`.
    pub(crate) runs: usize,
}

/// The right operand: rows of `width` numbers, one per k.
#[derive(Clone, Copy)]
pub(crate) struct Right {
    pub(crate) start: *const f32,
    pub(crate) width: usize,
    /// From the first row of one run to that of the next.
    pub(crate) run: usize,
}

/// Where the product goes.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) start: *mut f32,
    /// From one row to the next.
    pub(crate) row: usize,
    pub(crate) base: Base,
    /// Negative results become zero.
    pub(crate) relu: bool,
}

/// What the product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Base {
    Zero,
    /// One number per column.
    Bias(*const f32),
    /// What is there.
    Target,
}

/// `target = base + left · right` for `rows` rows and `vectors` vectors of columns.
///
/// Each result is one sum over k in ascending order, whatever the tiles are, so that a sample
/// alone and the same sample in a batch give the same bits.
///
/// # Safety
///
/// The instruction set is available and all that the operands describe is readable, the target
/// writable.
#[inline(always)]
pub(crate) unsafe fn product<S: Simd>(
    rows: usize,
    vectors: usize,
    left: Left,
    right: Right,
    target: Target,
) {
    let tiles = rows.div_ceil(S::TILE_ROWS);
    let mut vector = 0;
    while vector < vectors {
        let wide = S::TILE_VECTORS == 2 && vectors - vector >= 2;
        let mut row = 0;
        for tile in 0..tiles {
            let next = rows * (tile + 1) / tiles;
            let count = next - row;
            // SAFETY: rows and columns of the caller's operands.
            unsafe {
                let left = Left {
                    start: left.start.add(row * left.row),
                    ..left
                };
                let right = Right {
                    start: right.start.add(vector * LANES),
                    ..right
                };
                let target = Target {
                    start: target.start.add(row * target.row + vector * LANES),
                    base: match target.base {
                        Base::Bias(bias) => Base::Bias(bias.add(vector * LANES)),
                        other => other,
                    },
                    ..target
                };
                if wide {
                    rows_of::<S, 2>(count, left, right, target);
                } else {
                    rows_of::<S, 1>(count, left, right, target);
                }
            }
            row = next;
        }
        vector += if wide { 2 } else { 1 };
    }
}

/// Picks the tile compiled for this number of rows.
#[inline(always)]
unsafe fn rows_of<S: Simd, const N: usize>(rows: usize, left: Left, right: Right, target: Target) {
    macro_rules! pick {
        ($($m:literal)*) => {
            match rows {
                // SAFETY: as the caller guarantees.
                $($m if $m <= S::TILE_ROWS => unsafe { tile::<S, $m, N>(left, right, target) },)*
                _ => unreachable!("a tile has at most {} rows", S::TILE_ROWS),
            }
        };
    }
    pick!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
}

#[inline(always)]
unsafe fn tile<S: Simd, const M: usize, const N: usize>(left: Left, right: Right, target: Target) {
    // SAFETY: all addresses are elements of the operands that the caller guarantees.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; M];
        for run in 0..left.runs {
            let mut a = left.start.add(run * left.run);
            let mut b = right.start.add(run * right.run);
            for _ in 0..left.len {
                let mut columns = [S::splat(0.0); N];
                for (n, column) in columns.iter_mut().enumerate() {
                    *column = S::load(b.add(n * LANES));
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let x = S::splat(*a.add(m * left.row));
                    for (sum, &column) in sums.iter_mut().zip(&columns) {
                        *sum = S::fma(x, column, *sum);
                    }
                }
                // After the last step these may lie outside, where nothing is read.
                a = a.wrapping_add(left.step);
                b = b.wrapping_add(right.width);
            }
        }
        let zero = S::splat(0.0);
        for (m, sums) in sums.iter().enumerate() {
            for (n, &sum) in sums.iter().enumerate() {
                let to = target.start.add(m * target.row + n * LANES);
                let mut value = match target.base {
                    Base::Zero => sum,
                    Base::Bias(bias) => S::add(S::load(bias.add(n * LANES)), sum),
                    Base::Target => S::add(S::load(to), sum),
                };
                if target.relu {
                    // In this order what is not a number stays so.
                    value = S::max(zero, value);
                }
                S::store(to, value);
            }
        }
    }
}
