//! Sums of four products of an unsigned and a signed byte in each lane. Bytes of the left side become signed
//! by subtracting 128, and 128 times the sum of the right row, which is the same instruction with ones, is
//! added again.

use std::arch::x86_64::*;

use super::function::{GROUP, KernelFunction, PANEL, square};

/// Rows of the left side that are multiplied at once.
const LEFT: usize = 8;

/// Images that are packed in panels of [`PANEL`] rows, in which the [`GROUP`]s of all rows follow each other.
#[derive(Clone, Copy)]
pub(super) struct Panels<'a> {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) bytes: &'a [u8],
    /// |x|² of each row in bytes.
    pub(super) squares: &'a [u64],
}

/// The values for each row of `left` with each of these, row-major.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn values(right: Panels<'_>, function: KernelFunction, left: &[u8], out: &mut [f32]) {
    let columns = right.columns;
    let groups = columns.div_ceil(GROUP);
    let lefts = left.len() / columns;
    // A block of the left side lies group by group, so that a step reads one line of it.
    let blocks = lefts.div_ceil(LEFT);
    let mut signed = vec![0_i32; blocks * groups * LEFT];
    for (index, row) in left.chunks_exact(columns).enumerate() {
        let block = &mut signed[index / LEFT * groups * LEFT..][..groups * LEFT];
        for (group, lanes) in row.chunks(GROUP).zip(block.chunks_exact_mut(LEFT)) {
            let mut bytes = [0; GROUP];
            for (to, &byte) in bytes.iter_mut().zip(group) {
                *to = byte ^ 128;
            }
            lanes[index % LEFT] = i32::from_le_bytes(bytes);
        }
    }
    let squares: Vec<u32> = left
        .chunks_exact(columns)
        .map(|row| square(row) as u32)
        .collect();
    let mut sums = [[0_u32; PANEL]; LEFT];
    for (at, panel) in right.bytes.chunks_exact(groups * GROUP * PANEL).enumerate() {
        let first = at * PANEL;
        let count = PANEL.min(right.rows - first);
        let mut right_squares = [0; PANEL];
        for (to, &square) in right_squares
            .iter_mut()
            .zip(&right.squares[first..][..count])
        {
            *to = square as u32;
        }
        let offsets = offsets(panel);
        for (at, block) in signed.chunks_exact(groups * LEFT).enumerate() {
            products(panel, block, offsets, &mut sums);
            for (row, sums) in sums.iter().enumerate().take(lefts - (at * LEFT).min(lefts)) {
                let row = at * LEFT + row;
                let to = &mut out[row * right.rows + first..][..count];
                let mut values = [0.0; PANEL];
                function.narrow(squares[row], &right_squares, sums, &mut values);
                to.copy_from_slice(&values[..count]);
            }
        }
    }
}

/// 128 times the sums of the rows of a panel.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn offsets(panel: &[u8]) -> [__m512i; 2] {
    let mut sums = [_mm512_setzero_si512(); 2];
    let ones = _mm512_set1_epi8(1);
    for lanes in panel.chunks_exact(GROUP * PANEL) {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: each half of the 128 bytes of a group.
            let bytes = unsafe { _mm512_loadu_si512(lanes.as_ptr().add(64 * half).cast()) };
            *sum = _mm512_dpbusd_epi32(*sum, bytes, ones);
        }
    }
    sums.map(|sum| _mm512_slli_epi32(sum, 7))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn products(panel: &[u8], block: &[i32], offsets: [__m512i; 2], out: &mut [[u32; PANEL]; LEFT]) {
    let mut sums = [offsets; LEFT];
    let groups = panel
        .chunks_exact(GROUP * PANEL)
        .zip(block.chunks_exact(LEFT));
    for (lanes, left) in groups {
        // SAFETY: the two halves of the 128 bytes of a group.
        let bytes = unsafe {
            [
                _mm512_loadu_si512(lanes.as_ptr().cast()),
                _mm512_loadu_si512(lanes.as_ptr().add(64).cast()),
            ]
        };
        for (sums, &left) in sums.iter_mut().zip(left) {
            let left = _mm512_set1_epi32(left);
            sums[0] = _mm512_dpbusd_epi32(sums[0], bytes[0], left);
            sums[1] = _mm512_dpbusd_epi32(sums[1], bytes[1], left);
        }
    }
    for (out, sums) in out.iter_mut().zip(sums) {
        for (out, sum) in out.as_chunks_mut::<16>().0.iter_mut().zip(sums) {
            // SAFETY: sixteen numbers of four bytes are a vector.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum) };
        }
    }
}
