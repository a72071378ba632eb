//! The vectors of 64-bit ARM: four 128-bit registers.

use std::arch::aarch64::*;

use super::vector::{Kernel, Simd};

#[target_feature(enable = "neon")]
pub(super) fn run_neon<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Neon>()
}

/// Four 128-bit registers.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

type V = [float32x4_t; 4];

/// Register by register.
#[inline(always)]
fn each(f: impl Fn(usize) -> float32x4_t) -> V {
    [f(0), f(1), f(2), f(3)]
}

// SAFETY (every block of this file): the trait's contract says that the instruction set is
// available and that pointers are valid for sixteen elements.
#[allow(
    clippy::undocumented_unsafe_blocks,
    reason = "one argument for all, above"
)]
impl Simd for Neon {
    type V = V;

    // 6 × 4 registers of accumulators, four of weights and a broadcast: 29 of 32.
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 1;
    const ACCUMULATORS: usize = 6;

    operations! {
        splat(x: f32) -> V = [vdupq_n_f32(x); 4];
        load(from: *const f32) -> V = each(|i| vld1q_f32(from.add(4 * i)));
        add(a: V, b: V) -> V = each(|i| vaddq_f32(a[i], b[i]));
        sub(a: V, b: V) -> V = each(|i| vsubq_f32(a[i], b[i]));
        mul(a: V, b: V) -> V = each(|i| vmulq_f32(a[i], b[i]));
        div(a: V, b: V) -> V = each(|i| vdivq_f32(a[i], b[i]));
        sqrt(a: V) -> V = each(|i| vsqrtq_f32(a[i]));
        // `fmax` gives what is not a number on either side; only that of `b` is wanted.
        max(a: V, b: V) -> V = Self::select_gt(a, b, a, b);
        fma(a: V, b: V, c: V) -> V = each(|i| vfmaq_f32(c[i], a[i], b[i]));
        select_gt(a: V, b: V, yes: V, no: V) -> V =
            each(|i| vbslq_f32(vcgtq_f32(a[i], b[i]), yes[i], no[i]));
        keep_eq(a: V, b: V, yes: V) -> V =
            each(|i| vbslq_f32(vceqq_f32(a[i], b[i]), yes[i], vdupq_n_f32(0.0)));
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: V) {
        for (i, v) in v.into_iter().enumerate() {
            unsafe { vst1q_f32(to.add(4 * i), v) };
        }
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> V {
        unsafe {
            let bytes = vld1q_u8(from);
            let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes));
            [
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))),
                vcvtq_f32_u32(vmovl_high_u16(low)),
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
                vcvtq_f32_u32(vmovl_high_u16(high)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_u8(to: *mut u8, v: V) {
        unsafe {
            let narrow =
                |i| vmovn_high_u32(vmovn_u32(vcvtq_u32_f32(v[i])), vcvtq_u32_f32(v[i + 1]));
            vst1q_u8(to, vmovn_high_u16(vmovn_u16(narrow(0)), narrow(2)));
        }
    }

    #[inline(always)]
    unsafe fn transpose(a: [V; 16]) -> [V; 16] {
        // Sixteen blocks of four by four.
        let mut b = a;
        for r in 0..4 {
            for c in 0..4 {
                let block = [
                    a[4 * r][c],
                    a[4 * r + 1][c],
                    a[4 * r + 2][c],
                    a[4 * r + 3][c],
                ];
                for (i, row) in unsafe { transpose4(block) }.into_iter().enumerate() {
                    b[4 * c + i][r] = row;
                }
            }
        }
        b
    }
}

// SAFETY: as above.
#[inline(always)]
#[allow(
    clippy::undocumented_unsafe_blocks,
    reason = "one argument for all, above"
)]
unsafe fn transpose4([a, b, c, d]: [float32x4_t; 4]) -> [float32x4_t; 4] {
    unsafe {
        let pairs = |x| vreinterpretq_f64_f32(x);
        let (ab_even, ab_odd) = (pairs(vtrn1q_f32(a, b)), pairs(vtrn2q_f32(a, b)));
        let (cd_even, cd_odd) = (pairs(vtrn1q_f32(c, d)), pairs(vtrn2q_f32(c, d)));
        [
            vreinterpretq_f32_f64(vtrn1q_f64(ab_even, cd_even)),
            vreinterpretq_f32_f64(vtrn1q_f64(ab_odd, cd_odd)),
            vreinterpretq_f32_f64(vtrn2q_f64(ab_even, cd_even)),
            vreinterpretq_f32_f64(vtrn2q_f64(ab_odd, cd_odd)),
        ]
    }
}
