//! The inner loops with AVX-512 (F, BW) and VNNI.

use std::arch::x86_64::*;

use super::block::{Block, LANES, Sums, TILE};

/// Dot products; queries as [`super::block::QueryForm::Offset`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot(block: Block<'_>, out: &mut Sums) {
    match block.queries.count {
        1 => dot_store::<1>(block, out),
        2 => dot_store::<2>(block, out),
        4 => dot_store::<4>(block, out),
        _ => dot_store::<LANES>(block, out),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_store<const Q: usize>(block: Block<'_>, out: &mut Sums) {
    for ([low, high], out) in dot_lanes::<Q>(block).into_iter().zip(&mut out.0) {
        store(out, low, high);
    }
}

/// See [`super::Kernel::dot_below`]; queries as [`super::block::QueryForm::Offset`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_below(
    block: Block<'_>,
    base: &[i32; TILE],
    limits: &[i32; LANES],
    out: &mut Sums,
) -> [u32; LANES] {
    match block.queries.count {
        1 => dot_below_lanes::<1>(block, base, limits, out),
        2 => dot_below_lanes::<2>(block, base, limits, out),
        4 => dot_below_lanes::<4>(block, base, limits, out),
        _ => dot_below_lanes::<LANES>(block, base, limits, out),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_below_lanes<const Q: usize>(
    block: Block<'_>,
    base: &[i32; TILE],
    limits: &[i32; LANES],
    out: &mut Sums,
) -> [u32; LANES] {
    let base = halves(base);
    let sums = dot_lanes::<Q>(block);
    let mut masks = [0; LANES];
    for (lane, [low, high]) in sums.into_iter().enumerate() {
        masks[lane] = score_below([low, high], base, limits[lane]);
        // Most tiles hold nothing near: their sums need not be kept.
        if masks[lane] != 0 {
            store(&mut out.0[lane], low, high);
        }
    }
    masks
}

/// 32 rows × `Q` queries: 2·`Q` accumulators of 16 sums, at most 16 of the 32 registers,
/// enough to hide the latency of `vpdpbusd`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_lanes<const Q: usize>(block: Block<'_>) -> [[__m512i; 2]; Q] {
    let mut sums = [halves(block.starts); Q];
    let (rows, _) = block.rows.as_chunks::<{ 4 * TILE }>();
    let queries = block.groups::<Q, 4>(0, rows.len());
    for (group, rows) in rows.iter().enumerate() {
        // SAFETY: both loads lie within the 128 bytes of `rows`.
        let rows = unsafe {
            [
                _mm512_loadu_si512(rows.as_ptr().cast()),
                _mm512_loadu_si512(rows.as_ptr().add(64).cast()),
            ]
        };
        for (sums, query) in sums.iter_mut().zip(queries) {
            let query = _mm512_set1_epi32(i32::from_le_bytes(query[group]));
            for (sum, rows) in sums.iter_mut().zip(rows) {
                *sum = _mm512_dpbusd_epi32(*sum, rows, query);
            }
        }
    }
    sums
}

/// Sums of absolute differences; queries as [`super::block::QueryForm::Bytes`].
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn differences(block: Block<'_>, out: &mut Sums) {
    match block.queries.count {
        1 => differences_lanes::<1>(block, 0, out),
        2 => differences_lanes::<2>(block, 0, out),
        lanes => {
            for first in (0..lanes).step_by(4) {
                differences_lanes::<4>(block, first, out);
            }
        }
    }
}

/// 32 rows × `Q` queries from `first` on: 4·`Q` accumulators of 8 sums.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn differences_lanes<const Q: usize>(block: Block<'_>, first: usize, out: &mut Sums) {
    let mut sums = [[_mm512_setzero_si512(); 4]; Q];
    let (rows, _) = block.rows.as_chunks::<{ 8 * TILE }>();
    let queries = block.groups::<Q, 8>(first, rows.len());
    for (group, rows) in rows.iter().enumerate() {
        // SAFETY: the four loads of 64 bytes lie within the 256 bytes of `rows`.
        let rows =
            [0, 64, 128, 192].map(|at| unsafe { _mm512_loadu_si512(rows.as_ptr().add(at).cast()) });
        for (sums, query) in sums.iter_mut().zip(queries) {
            let query = _mm512_set1_epi64(i64::from_le_bytes(query[group]));
            for (sum, rows) in sums.iter_mut().zip(rows) {
                *sum = _mm512_add_epi64(*sum, _mm512_sad_epu8(rows, query));
            }
        }
    }
    for (sums, out) in sums.iter().zip(&mut out.0[first..]) {
        let [a, b, c, d] = sums.map(|sums| _mm512_cvtepi64_epi32(sums));
        store(
            out,
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(a), b),
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(c), d),
        );
    }
}

/// See [`super::Kernel::differences_below`].
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn sums_below(sums: &Sums, limits: &[i32; LANES]) -> [u32; LANES] {
    let mut masks = [0; LANES];
    for ((mask, sums), &limit) in masks.iter_mut().zip(&sums.0).zip(limits) {
        *mask = below(halves(sums), limit);
    }
    masks
}

/// The rows whose base less twice the sum lies below the limit, one bit each.
#[inline]
#[target_feature(enable = "avx512f")]
fn score_below(sums: [__m512i; 2], base: [__m512i; 2], limit: i32) -> u32 {
    let [low, high] = sums.map(|sums| _mm512_slli_epi32::<1>(sums));
    let scores = [
        _mm512_sub_epi32(base[0], low),
        _mm512_sub_epi32(base[1], high),
    ];
    below(scores, limit)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn below(values: [__m512i; 2], limit: i32) -> u32 {
    let limit = _mm512_set1_epi32(limit);
    let [low, high] = values.map(|values| u32::from(_mm512_cmplt_epi32_mask(values, limit)));
    low | high << 16
}

#[inline]
#[target_feature(enable = "avx512f")]
fn halves(values: &[i32; TILE]) -> [__m512i; 2] {
    // SAFETY: both loads lie within the 32 values.
    unsafe {
        [
            _mm512_loadu_si512(values.as_ptr().cast()),
            _mm512_loadu_si512(values.as_ptr().add(16).cast()),
        ]
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(out: &mut [i32; TILE], low: __m512i, high: __m512i) {
    // SAFETY: both stores lie within the 32 values.
    unsafe {
        _mm512_storeu_si512(out.as_mut_ptr().cast(), low);
        _mm512_storeu_si512(out.as_mut_ptr().add(16).cast(), high);
    }
}
