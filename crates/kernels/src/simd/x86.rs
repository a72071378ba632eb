//! The vectors of x86-64: one 512-bit register, or two of 256 bits.

use std::arch::x86_64::*;

use super::vector::{Kernel, Simd};

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,popcnt")]
pub(super) fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

#[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt")]
pub(super) fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

/// One 512-bit register.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

// SAFETY (every block of this implementation): the trait's contract says that the
// instruction set is available and that pointers are valid for sixteen elements.
#[allow(
    clippy::undocumented_unsafe_blocks,
    reason = "one argument for all, above"
)]
impl Simd for Avx512 {
    type V = __m512;

    #[inline(always)]
    fn prefetch(address: *const u8) {
        // A hint, which every x86-64 processor takes and which never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    // 14 × 2 accumulators, two vectors of weights and a broadcast: 31 of 32 registers.
    const TILE_ROWS: usize = 14;
    const TILE_VECTORS: usize = 2;
    const ACCUMULATORS: usize = 24;

    operations! {
        splat(x: f32) -> __m512 = _mm512_set1_ps(x);
        load(from: *const f32) -> __m512 = _mm512_loadu_ps(from);
        store(to: *mut f32, v: __m512) -> () = _mm512_storeu_ps(to, v);
        add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        sqrt(a: __m512) -> __m512 = _mm512_sqrt_ps(a);
        max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        fma(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        select_gt(a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes);
        keep_eq(a: __m512, b: __m512, yes: __m512) -> __m512 =
            _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), yes);
        load_u8(from: *const u8) -> __m512 =
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())));
        store_u8(to: *mut u8, v: __m512) -> () =
            _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(v)));
    }

    #[inline(always)]
    unsafe fn transpose(mut a: [__m512; 16]) -> [__m512; 16] {
        // Four rounds: within pairs of rows, within fours of them, then whole quarters.
        unsafe {
            let mut b = a;
            for i in (0..16).step_by(2) {
                b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
                b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
            }
            for i in (0..16).step_by(4) {
                for j in 0..2 {
                    let low = _mm512_castps_pd(b[i + j]);
                    let high = _mm512_castps_pd(b[i + j + 2]);
                    a[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
                    a[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
                }
            }
            for i in 0..4 {
                b[i] = _mm512_shuffle_f32x4::<0x88>(a[i], a[i + 4]);
                b[i + 4] = _mm512_shuffle_f32x4::<0xdd>(a[i], a[i + 4]);
                b[i + 8] = _mm512_shuffle_f32x4::<0x88>(a[i + 8], a[i + 12]);
                b[i + 12] = _mm512_shuffle_f32x4::<0xdd>(a[i + 8], a[i + 12]);
            }
            for i in 0..8 {
                a[i] = _mm512_shuffle_f32x4::<0x88>(b[i], b[i + 8]);
                a[i + 8] = _mm512_shuffle_f32x4::<0xdd>(b[i], b[i + 8]);
            }
        }
        a
    }
}

/// Two 256-bit registers.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

// SAFETY (every block of this implementation): as for AVX-512.
#[allow(
    clippy::undocumented_unsafe_blocks,
    reason = "one argument for all, above"
)]
impl Simd for Avx2 {
    type V = (__m256, __m256);

    #[inline(always)]
    fn prefetch(address: *const u8) {
        // A hint, which every x86-64 processor takes and which never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    // 6 × 2 registers of accumulators, two of weights and a broadcast: 15 of 16.
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 1;
    const ACCUMULATORS: usize = 6;

    operations! {
        splat(x: f32) -> Self::V = (_mm256_set1_ps(x), _mm256_set1_ps(x));
        load(from: *const f32) -> Self::V = (_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8)));
        add(a: Self::V, b: Self::V) -> Self::V =
            (_mm256_add_ps(a.0, b.0), _mm256_add_ps(a.1, b.1));
        sub(a: Self::V, b: Self::V) -> Self::V =
            (_mm256_sub_ps(a.0, b.0), _mm256_sub_ps(a.1, b.1));
        mul(a: Self::V, b: Self::V) -> Self::V =
            (_mm256_mul_ps(a.0, b.0), _mm256_mul_ps(a.1, b.1));
        div(a: Self::V, b: Self::V) -> Self::V =
            (_mm256_div_ps(a.0, b.0), _mm256_div_ps(a.1, b.1));
        sqrt(a: Self::V) -> Self::V = (_mm256_sqrt_ps(a.0), _mm256_sqrt_ps(a.1));
        max(a: Self::V, b: Self::V) -> Self::V =
            (_mm256_max_ps(a.0, b.0), _mm256_max_ps(a.1, b.1));
        fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V =
            (_mm256_fmadd_ps(a.0, b.0, c.0), _mm256_fmadd_ps(a.1, b.1, c.1));
        select_gt(a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V =
            (
                _mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_GT_OQ>(a.0, b.0)),
                _mm256_blendv_ps(no.1, yes.1, _mm256_cmp_ps::<_CMP_GT_OQ>(a.1, b.1)),
            );
        keep_eq(a: Self::V, b: Self::V, yes: Self::V) -> Self::V =
            (
                _mm256_and_ps(yes.0, _mm256_cmp_ps::<_CMP_EQ_OQ>(a.0, b.0)),
                _mm256_and_ps(yes.1, _mm256_cmp_ps::<_CMP_EQ_OQ>(a.1, b.1)),
            );
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: Self::V) {
        unsafe {
            _mm256_storeu_ps(to, v.0);
            _mm256_storeu_ps(to.add(8), v.1);
        }
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Self::V {
        unsafe {
            let bytes = _mm_loadu_si128(from.cast());
            (
                _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
                _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128::<8>(bytes))),
            )
        }
    }

    #[inline(always)]
    unsafe fn store_u8(to: *mut u8, v: Self::V) {
        unsafe {
            let low = _mm256_cvttps_epi32(v.0);
            let high = _mm256_cvttps_epi32(v.1);
            let pair =
                |x| _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
            _mm_storeu_si128(to.cast(), _mm_packus_epi16(pair(low), pair(high)));
        }
    }

    #[inline(always)]
    unsafe fn transpose(a: [Self::V; 16]) -> [Self::V; 16] {
        // Sixteen registers do not hold sixteen by sixteen; quarters of eight by eight do.
        unsafe {
            let top_left = transpose8(std::array::from_fn(|i| a[i].0));
            let top_right = transpose8(std::array::from_fn(|i| a[i].1));
            let bottom_left = transpose8(std::array::from_fn(|i| a[i + 8].0));
            let bottom_right = transpose8(std::array::from_fn(|i| a[i + 8].1));
            std::array::from_fn(|i| {
                if i < 8 {
                    (top_left[i], bottom_left[i])
                } else {
                    (top_right[i - 8], bottom_right[i - 8])
                }
            })
        }
    }
}

// SAFETY: as for AVX-512.
#[inline(always)]
#[allow(
    clippy::undocumented_unsafe_blocks,
    reason = "one argument for all, above"
)]
unsafe fn transpose8(a: [__m256; 8]) -> [__m256; 8] {
    unsafe {
        let mut b = a;
        for i in (0..8).step_by(2) {
            b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
            b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
        }
        let mut c = b;
        for i in (0..8).step_by(4) {
            for j in 0..2 {
                let low = _mm256_castps_pd(b[i + j]);
                let high = _mm256_castps_pd(b[i + j + 2]);
                c[i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, high));
                c[i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, high));
            }
        }
        std::array::from_fn(|i| {
            if i < 4 {
                _mm256_permute2f128_ps::<0x20>(c[i], c[i + 4])
            } else {
                _mm256_permute2f128_ps::<0x31>(c[i - 4], c[i])
            }
        })
    }
}
