//! The inner loops with NEON, and with its dot product instruction where there is one.

use std::arch::aarch64::*;

use super::block::{Block, Sums, TILE};

/// Dot products with `udot`; queries as [`super::block::QueryForm::Bytes`].
#[target_feature(enable = "neon,dotprod")]
pub(super) fn dot_dotprod(block: Block<'_>, out: &mut Sums) {
    if block.queries.count == 1 {
        dot_dotprod_lanes::<1>(block, 0, out);
    } else {
        for first in (0..block.queries.count).step_by(2) {
            dot_dotprod_lanes::<2>(block, first, out);
        }
    }
}

/// 32 rows × `Q` queries from `first` on: 8·`Q` accumulators of 4 sums.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot_dotprod_lanes<const Q: usize>(block: Block<'_>, first: usize, out: &mut Sums) {
    let mut sums = [[vdupq_n_u32(0); 8]; Q];
    let (rows, _) = block.rows.as_chunks::<{ 4 * TILE }>();
    let queries = block.groups::<Q, 4>(first, rows.len());
    for (group, rows) in rows.iter().enumerate() {
        let rows = load::<128, 8>(rows);
        for (sums, query) in sums.iter_mut().zip(queries) {
            let query = vreinterpretq_u8_u32(vdupq_n_u32(u32::from_le_bytes(query[group])));
            for (sum, rows) in sums.iter_mut().zip(rows) {
                *sum = udot(*sum, rows, query);
            }
        }
    }
    for (sums, out) in sums.iter().zip(&mut out.0[first..]) {
        store(out, sums);
    }
}

/// Adds the dot products of 4 bytes each. As an instruction, because `vdotq_u32` is not
/// stable in Rust 1.95.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn udot(mut sums: uint32x4_t, a: uint8x16_t, b: uint8x16_t) -> uint32x4_t {
    // SAFETY: the instruction touches the three registers only, and this function is
    // called only where the processor has it.
    unsafe {
        std::arch::asm!(
            "udot {sums:v}.4s, {a:v}.16b, {b:v}.16b",
            sums = inout(vreg) sums,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// Dot products with `umull` and `uadalp`; queries as [`super::block::QueryForm::Bytes`].
#[target_feature(enable = "neon")]
pub(super) fn dot(block: Block<'_>, out: &mut Sums) {
    for half in 0..2 {
        for lane in 0..block.queries.count {
            dot_lane(block, half, lane, out);
        }
    }
}

/// 16 rows × one query: 8 accumulators, each of two sums in halves.
#[inline]
#[target_feature(enable = "neon")]
fn dot_lane(block: Block<'_>, half: usize, lane: usize, out: &mut Sums) {
    let mut sums = [[vdupq_n_u32(0); 2]; 4];
    let (rows, _) = block.rows.as_chunks::<{ 2 * TILE }>();
    let (rows, _) = rows.as_chunks::<2>();
    let [query] = block.groups::<1, 4>(lane, rows.len());
    for (group, rows) in rows.iter().enumerate() {
        let query = vreinterpretq_u8_u32(vdupq_n_u32(u32::from_le_bytes(query[group])));
        for (sums, rows) in sums.iter_mut().zip(load::<64, 4>(&rows[half])) {
            // Products of bytes fit 16 bits; pairs of them are added in 32.
            sums[0] = vpadalq_u16(sums[0], vmull_u8(vget_low_u8(rows), vget_low_u8(query)));
            sums[1] = vpadalq_u16(sums[1], vmull_high_u8(rows, query));
        }
    }
    let sums = sums.map(|[low, high]| vpaddq_u32(low, high));
    store(&mut out.0[lane][half * 16..], &sums);
}

/// Sums of absolute differences; queries as [`super::block::QueryForm::Bytes`].
#[target_feature(enable = "neon")]
pub(super) fn differences(block: Block<'_>, out: &mut Sums) {
    for half in 0..2 {
        for lane in 0..block.queries.count {
            differences_lane(block, half, lane, out);
        }
    }
}

/// 16 rows × one query: 8 accumulators, each of two sums in halves.
#[inline]
#[target_feature(enable = "neon")]
fn differences_lane(block: Block<'_>, half: usize, lane: usize, out: &mut Sums) {
    let mut sums = [vdupq_n_u32(0); 8];
    let (rows, _) = block.rows.as_chunks::<{ 4 * TILE }>();
    let (rows, _) = rows.as_chunks::<2>();
    let [query] = block.groups::<1, 8>(lane, rows.len());
    for (group, rows) in rows.iter().enumerate() {
        let query = vreinterpretq_u8_u64(vdupq_n_u64(u64::from_le_bytes(query[group])));
        for (sum, rows) in sums.iter_mut().zip(load::<128, 8>(&rows[half])) {
            // Differences of bytes fit 8 bits, pairs of them 9, and pairs of those 32.
            *sum = vpadalq_u16(*sum, vpaddlq_u8(vabdq_u8(rows, query)));
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let sums = [(a, b), (c, d), (e, f), (g, h)].map(|(low, high)| vpaddq_u32(low, high));
    store(&mut out.0[lane][half * 16..], &sums);
}

/// `N` registers from `BYTES` = 16·`N` bytes.
#[inline]
#[target_feature(enable = "neon")]
fn load<const BYTES: usize, const N: usize>(bytes: &[u8; BYTES]) -> [uint8x16_t; N] {
    const { assert!(BYTES == 16 * N) };
    // SAFETY: register `i` takes the bytes from 16·i on, and there are 16·N bytes.
    std::array::from_fn(|i| unsafe { vld1q_u8(bytes.as_ptr().add(16 * i)) })
}

/// Writes 4 sums per register to the front of `out`.
#[inline]
#[target_feature(enable = "neon")]
fn store(out: &mut [i32], sums: &[uint32x4_t]) {
    for (out, sums) in out.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
        // SAFETY: `out` is 4 values, 16 bytes.
        unsafe { vst1q_s32(out.as_mut_ptr(), vreinterpretq_s32_u32(*sums)) };
    }
}
