//! The inner loops with AVX2, and with AVX-VNNI where the processor has it.
//!
//! `vpmaddubsw`, the byte product of AVX2, is not used: it saturates at 2¹⁵, which two
//! products of pixels exceed.

use std::arch::x86_64::*;

use super::{
    block::{Block, LANES, Sums, TILE},
    portable,
};

/// Rows that go through the 16 registers together.
const HALF: usize = TILE / 2;

/// Dot products; queries as [`super::block::QueryForm::Words`].
#[target_feature(enable = "avx2")]
pub(super) fn dot(block: Block<'_>, out: &mut Sums) {
    for half in 0..2 {
        match block.queries.count {
            1 => dot_lanes::<1>(block, half, 0, out),
            2 => dot_lanes::<2>(block, half, 0, out),
            lanes => {
                for first in (0..lanes).step_by(4) {
                    dot_lanes::<4>(block, half, first, out);
                }
            }
        }
    }
}

/// 16 rows × `Q` queries from `first` on: 2·`Q` accumulators of 8 sums.
#[inline]
#[target_feature(enable = "avx2")]
fn dot_lanes<const Q: usize>(block: Block<'_>, half: usize, first: usize, out: &mut Sums) {
    let mut sums = [[_mm256_setzero_si256(); 2]; Q];
    let low_bytes = _mm256_set1_epi16(0x00FF);
    let (rows, _) = block.rows.as_chunks::<{ 4 * HALF }>();
    let (rows, _) = rows.as_chunks::<2>();
    let queries = block.groups::<Q, 8>(first, rows.len());
    for (group, rows) in rows.iter().enumerate() {
        let rows = load::<64, 2>(&rows[half]);
        let even = rows.map(|rows| _mm256_and_si256(rows, low_bytes));
        let odd = rows.map(|rows| _mm256_srli_epi16::<8>(rows));
        for (sums, query) in sums.iter_mut().zip(queries) {
            let [a, b, c, d, e, f, g, h] = query[group];
            let query_even = _mm256_set1_epi32(i32::from_le_bytes([a, b, c, d]));
            let query_odd = _mm256_set1_epi32(i32::from_le_bytes([e, f, g, h]));
            for (sum, (even, odd)) in sums.iter_mut().zip(even.into_iter().zip(odd)) {
                let products = _mm256_add_epi32(
                    _mm256_madd_epi16(even, query_even),
                    _mm256_madd_epi16(odd, query_odd),
                );
                *sum = _mm256_add_epi32(*sum, products);
            }
        }
    }
    for (sums, out) in sums.iter().zip(&mut out.0[first..]) {
        store(&mut out[half * HALF..], *sums);
    }
}

/// Dot products; queries as [`super::block::QueryForm::Offset`].
#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn dot_vnni(block: Block<'_>, out: &mut Sums) {
    for half in 0..2 {
        match block.queries.count {
            1 => dot_vnni_lanes::<1>(block, half, 0, out),
            2 => dot_vnni_lanes::<2>(block, half, 0, out),
            lanes => {
                for first in (0..lanes).step_by(4) {
                    dot_vnni_lanes::<4>(block, half, first, out);
                }
            }
        }
    }
}

/// 16 rows × `Q` queries from `first` on: 2·`Q` accumulators of 8 sums.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
fn dot_vnni_lanes<const Q: usize>(block: Block<'_>, half: usize, first: usize, out: &mut Sums) {
    let starts = eights(block.starts);
    let mut sums = [[starts[2 * half], starts[2 * half + 1]]; Q];
    let (rows, _) = block.rows.as_chunks::<{ 4 * HALF }>();
    let (rows, _) = rows.as_chunks::<2>();
    let queries = block.groups::<Q, 4>(first, rows.len());
    for (group, rows) in rows.iter().enumerate() {
        let rows = load::<64, 2>(&rows[half]);
        for (sums, query) in sums.iter_mut().zip(queries) {
            let query = _mm256_set1_epi32(i32::from_le_bytes(query[group]));
            for (sum, rows) in sums.iter_mut().zip(rows) {
                *sum = _mm256_dpbusd_avx_epi32(*sum, rows, query);
            }
        }
    }
    for (sums, out) in sums.iter().zip(&mut out.0[first..]) {
        store(&mut out[half * HALF..], *sums);
    }
}

/// Sums of absolute differences; queries as [`super::block::QueryForm::Bytes`].
#[target_feature(enable = "avx2")]
pub(super) fn differences(block: Block<'_>, out: &mut Sums) {
    for half in 0..2 {
        if block.queries.count == 1 {
            differences_lanes::<1>(block, half, 0, out);
        } else {
            for first in (0..block.queries.count).step_by(2) {
                differences_lanes::<2>(block, half, first, out);
            }
        }
    }
}

/// 16 rows × `Q` queries from `first` on: 4·`Q` accumulators of 4 sums.
#[inline]
#[target_feature(enable = "avx2")]
fn differences_lanes<const Q: usize>(block: Block<'_>, half: usize, first: usize, out: &mut Sums) {
    let mut sums = [[_mm256_setzero_si256(); 4]; Q];
    let (rows, _) = block.rows.as_chunks::<{ 8 * HALF }>();
    let (rows, _) = rows.as_chunks::<2>();
    let queries = block.groups::<Q, 8>(first, rows.len());
    for (group, rows) in rows.iter().enumerate() {
        let rows = load::<128, 4>(&rows[half]);
        for (sums, query) in sums.iter_mut().zip(queries) {
            let query = _mm256_set1_epi64x(i64::from_le_bytes(query[group]));
            for (sum, rows) in sums.iter_mut().zip(rows) {
                *sum = _mm256_add_epi64(*sum, _mm256_sad_epu8(rows, query));
            }
        }
    }
    // The low half of each 64-bit sum holds all of it.
    let low_halves = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    for (sums, out) in sums.iter().zip(&mut out.0[first..]) {
        let [a, b, c, d] = sums.map(|sums| _mm256_permutevar8x32_epi32(sums, low_halves));
        let eights = [
            _mm256_blend_epi32::<0b1111_0000>(a, b),
            _mm256_blend_epi32::<0b1111_0000>(c, d),
        ];
        store(&mut out[half * HALF..], eights);
    }
}

/// The rows of each query whose base less twice the sum lies below the limit.
#[target_feature(enable = "avx2")]
pub(super) fn scores_below(sums: &Sums, base: &[i32; TILE], limits: &[i32; LANES]) -> [u32; LANES] {
    let base = eights(base);
    let mut masks = [0; LANES];
    for ((mask, sums), &limit) in masks.iter_mut().zip(&sums.0).zip(limits) {
        let mut scores = eights(sums);
        for (score, base) in scores.iter_mut().zip(base) {
            *score = _mm256_sub_epi32(base, _mm256_slli_epi32::<1>(*score));
        }
        *mask = below(scores, limit);
    }
    masks
}

/// The rows of each query whose sum lies below the limit.
#[target_feature(enable = "avx2")]
pub(super) fn sums_below(sums: &Sums, limits: &[i32; LANES]) -> [u32; LANES] {
    let mut masks = [0; LANES];
    for ((mask, sums), &limit) in masks.iter_mut().zip(&sums.0).zip(limits) {
        *mask = below(eights(sums), limit);
    }
    masks
}

#[inline]
#[target_feature(enable = "avx2")]
fn below(values: [__m256i; 4], limit: i32) -> u32 {
    let limit = _mm256_set1_epi32(limit);
    let mut mask = 0;
    for (eight, values) in values.into_iter().enumerate() {
        let below = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, values));
        mask |= _mm256_movemask_ps(below).cast_unsigned() << (8 * eight);
    }
    mask
}

/// See [`super::Kernel::weighted`].
#[target_feature(enable = "avx2")]
pub(super) fn weighted<const N: usize>(bytes: &[u8], weights: &[[i16; N]]) -> [i32; N] {
    portable::weighted(bytes, weights)
}

/// `N` registers from `BYTES` = 32·`N` bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn load<const BYTES: usize, const N: usize>(bytes: &[u8; BYTES]) -> [__m256i; N] {
    const { assert!(BYTES == 32 * N) };
    // SAFETY: register `i` takes the bytes from 32·i on, and there are 32·N bytes.
    std::array::from_fn(|i| unsafe { _mm256_loadu_si256(bytes.as_ptr().add(32 * i).cast()) })
}

/// The values of a tile, 8 to a register.
#[inline]
#[target_feature(enable = "avx2")]
fn eights(values: &[i32; TILE]) -> [__m256i; 4] {
    // SAFETY: register `i` takes the 8 values from 8·i on, and there are 32 values.
    std::array::from_fn(|i| unsafe { _mm256_loadu_si256(values.as_ptr().add(8 * i).cast()) })
}

/// Writes 16 sums to the front of `out`.
#[inline]
#[target_feature(enable = "avx2")]
fn store(out: &mut [i32], sums: [__m256i; 2]) {
    for (out, sums) in out.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
        // SAFETY: `out` is 8 values, 32 bytes.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sums) };
    }
}
