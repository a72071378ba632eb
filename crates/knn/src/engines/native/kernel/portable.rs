//! The inner loops in plain Rust, for any processor.

use super::block::{Block, LANES, Sums, TILE};

/// Dot products; queries as [`super::block::QueryForm::Bytes`].
///
/// The even and the odd bytes of a group are multiplied separately, as 16-bit numbers: with
/// SSE2 alone the compiler turns this into `pmaddwd`, five times as fast as a loop over bytes.
pub(super) fn dot(block: Block<'_>, out: &mut Sums) {
    sums::<4>(block, out, |row, query| {
        let row = u32::from_le_bytes(*row);
        let even = row & 0x00FF_00FF;
        let odd = row >> 8 & 0x00FF_00FF;
        let product = |a: u32, b: u8| i32::from(a as i16) * i32::from(i16::from(b));
        product(even, query[0])
            + product(even >> 16, query[2])
            + product(odd, query[1])
            + product(odd >> 16, query[3])
    });
}

/// Sums of absolute differences; queries as [`super::block::QueryForm::Bytes`].
pub(super) fn differences(block: Block<'_>, out: &mut Sums) {
    sums::<8>(block, out, |row, query| {
        let pairs = row.iter().zip(query);
        pairs.map(|(a, b)| i32::from(a.abs_diff(*b))).sum()
    });
}

#[inline(always)]
fn sums<const GROUP: usize>(
    block: Block<'_>,
    out: &mut Sums,
    term: impl Fn(&[u8; GROUP], &[u8; GROUP]) -> i32,
) {
    let (rows, _) = block.rows.as_chunks::<GROUP>();
    let queries = block.queries.bytes.into_iter().take(block.queries.count);
    for (out, query) in out.0.iter_mut().zip(queries) {
        let mut sums = [0; TILE];
        let (query, _) = query.as_chunks::<GROUP>();
        for (rows, query) in rows.chunks_exact(TILE).zip(query) {
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum += term(row, query);
            }
        }
        *out = sums;
    }
}

/// See [`super::Kernel::weighted`]. Other kernels compile it for their instruction set.
#[inline(always)]
pub(super) fn weighted<const N: usize>(bytes: &[u8], weights: &[[i16; N]]) -> [i32; N] {
    let mut sums = [0; N];
    for (&byte, weights) in bytes.iter().zip(weights) {
        // Most pixels of a digit are black.
        if byte != 0 {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += i32::from(i16::from(byte).wrapping_mul(*weight));
            }
        }
    }
    sums
}

/// As [`super::Kernel::dot_below`], with all bits of a query set if any should be.
pub(super) fn scores_below(sums: &Sums, base: &[i32; TILE], limits: &[i32; LANES]) -> [u32; LANES] {
    masks(sums, limits, |row, sum| {
        base[row].wrapping_sub(sum.wrapping_mul(2))
    })
}

/// As [`super::Kernel::differences_below`], with all bits of a query set if any should be.
pub(super) fn sums_below(sums: &Sums, limits: &[i32; LANES]) -> [u32; LANES] {
    masks(sums, limits, |_, sum| sum)
}

#[inline(always)]
fn masks(sums: &Sums, limits: &[i32; LANES], score: impl Fn(usize, i32) -> i32) -> [u32; LANES] {
    let mut masks = [0; LANES];
    for ((mask, sums), &limit) in masks.iter_mut().zip(&sums.0).zip(limits) {
        let mut any = false;
        for (row, &sum) in sums.iter().enumerate() {
            any |= score(row, sum) < limit;
        }
        *mask = if any { u32::MAX } else { 0 };
    }
    masks
}
