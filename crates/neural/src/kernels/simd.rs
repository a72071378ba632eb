//! Sixteen `f32` lanes on whatever the processor has.
//!
//! Every kernel is written once, over [`Simd`], and compiled three times: for AVX-512, for
//! AVX2 with FMA, and portably (arrays that the compiler maps to SSE2, NEON or scalars).
//! [`Isa`] says which of them runs; it is found out at run time, so that one binary is fast
//! everywhere and no compiler flag is needed.
//!
//! A vector is always sixteen lanes wide, so that every layout and every test is the same on
//! all processors; AVX2 pairs two registers. Rejected: `std::simd` (nightly only), and crates
//! that wrap it all (`pulp`, `wide`): the dozen operations below are all that is needed, and
//! the number of accumulators per register file, which decides the speed, is ours to choose.

/// Lanes of a vector; stored channels are padded to a multiple of it.
pub(crate) const LANES: usize = 16;

/// An instruction set for which the kernels are compiled, and that this processor has.
///
/// Results differ between instruction sets in the last bits, because the portable one rounds
/// products and sums apart; on one of them they are the same on every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(Level);

/// Private, so that an [`Isa`] cannot be made without asking the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Isa {
    /// The best one that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// All that this processor has, best first; never empty.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                found.push(Self(Level::Avx512));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self(Level::Avx2));
            }
        }
        found.push(Self(Level::Portable));
        found
    }

    /// The name for a report: `avx512`, `avx2` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            Level::Portable => "portable",
        }
    }

    /// Runs a kernel compiled for this instruction set.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: this value comes out of `available`, which has asked the processor.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { x86::run_avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { x86::run_avx2(kernel) },
            Level::Portable => kernel.run::<Portable>(),
        }
    }
}

/// A piece of work that is compiled once for every instruction set.
///
/// Implementations and everything they call in their hot loops are `#[inline(always)]`: only
/// what is inlined into the function that enables the features is compiled with them.
pub(crate) trait Kernel {
    type Output;

    fn run<S: Simd>(self) -> Self::Output;
}

/// Sixteen `f32` lanes.
///
/// # Safety
///
/// All functions may only be called where the instruction set is available, which is so inside
/// [`Kernel::run`]. Pointers must be valid for sixteen elements; no alignment is needed.
pub(crate) trait Simd: Copy {
    type V: Copy;

    /// Rows of a matrix tile of two vectors' width that fit the registers.
    const TILE_ROWS: usize;
    /// Vectors across a matrix tile.
    const TILE_VECTORS: usize;
    /// Accumulators that a kernel with one memory operand may hold.
    const ACCUMULATORS: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sqrt(a: Self::V) -> Self::V;
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Where `a > b` the lane of `yes`, elsewhere that of `no`.
    unsafe fn select_gt(a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// Where `a == b` the lane of `yes`, elsewhere zero.
    unsafe fn keep_eq(a: Self::V, b: Self::V, yes: Self::V) -> Self::V;
    /// Sixteen bytes as numbers.
    unsafe fn load_u8(from: *const u8) -> Self::V;
    /// Whole numbers from 0 to 255 as sixteen bytes.
    unsafe fn store_u8(to: *mut u8, v: Self::V);
    /// Rows become columns.
    unsafe fn transpose(block: [Self::V; LANES]) -> [Self::V; LANES];
}

/// No intrinsics: the compiler's own vectorisation.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// The lanes of [`Portable`].
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Lanes([f32; LANES]);

impl Lanes {
    #[inline(always)]
    fn from_fn(f: impl FnMut(usize) -> f32) -> Self {
        Self(std::array::from_fn(f))
    }
}

/// A fused product where the hardware has one; the software fallback of `f32::mul_add` is
/// slower by two orders of magnitude.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

impl Simd for Portable {
    type V = Lanes;

    const TILE_ROWS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 2 };
    const TILE_VECTORS: usize = 1;
    const ACCUMULATORS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 2 };

    #[inline(always)]
    unsafe fn splat(x: f32) -> Lanes {
        Lanes([x; LANES])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Lanes {
        // SAFETY: the caller vouches for sixteen elements.
        Lanes(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: Lanes) {
        // SAFETY: the caller vouches for sixteen elements.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(v.0) }
    }
    #[inline(always)]
    unsafe fn add(a: Lanes, b: Lanes) -> Lanes {
        Lanes::from_fn(|i| a.0[i] + b.0[i])
    }
    #[inline(always)]
    unsafe fn sub(a: Lanes, b: Lanes) -> Lanes {
        Lanes::from_fn(|i| a.0[i] - b.0[i])
    }
    #[inline(always)]
    unsafe fn mul(a: Lanes, b: Lanes) -> Lanes {
        Lanes::from_fn(|i| a.0[i] * b.0[i])
    }
    #[inline(always)]
    unsafe fn div(a: Lanes, b: Lanes) -> Lanes {
        Lanes::from_fn(|i| a.0[i] / b.0[i])
    }
    #[inline(always)]
    unsafe fn sqrt(a: Lanes) -> Lanes {
        Lanes::from_fn(|i| a.0[i].sqrt())
    }
    #[inline(always)]
    unsafe fn max(a: Lanes, b: Lanes) -> Lanes {
        Lanes::from_fn(|i| if a.0[i] > b.0[i] { a.0[i] } else { b.0[i] })
    }
    #[inline(always)]
    unsafe fn fma(a: Lanes, b: Lanes, c: Lanes) -> Lanes {
        Lanes::from_fn(|i| multiply_add(a.0[i], b.0[i], c.0[i]))
    }
    #[inline(always)]
    unsafe fn select_gt(a: Lanes, b: Lanes, yes: Lanes, no: Lanes) -> Lanes {
        Lanes::from_fn(|i| if a.0[i] > b.0[i] { yes.0[i] } else { no.0[i] })
    }
    #[inline(always)]
    unsafe fn keep_eq(a: Lanes, b: Lanes, yes: Lanes) -> Lanes {
        Lanes::from_fn(|i| if a.0[i] == b.0[i] { yes.0[i] } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Lanes {
        // SAFETY: the caller vouches for sixteen elements.
        let bytes = unsafe { from.cast::<[u8; LANES]>().read_unaligned() };
        Lanes::from_fn(|i| f32::from(bytes[i]))
    }
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers up to 255 by contract"
    )]
    unsafe fn store_u8(to: *mut u8, v: Lanes) {
        let bytes: [u8; LANES] = std::array::from_fn(|i| v.0[i] as u8);
        // SAFETY: the caller vouches for sixteen elements.
        unsafe { to.cast::<[u8; LANES]>().write_unaligned(bytes) }
    }
    #[inline(always)]
    unsafe fn transpose(block: [Lanes; LANES]) -> [Lanes; LANES] {
        std::array::from_fn(|r| Lanes::from_fn(|c| block[c].0[r]))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Kernel, Simd};

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

        // 14 × 2 accumulators, two vectors of weights and a broadcast: 31 of 32 registers.
        const TILE_ROWS: usize = 14;
        const TILE_VECTORS: usize = 2;
        const ACCUMULATORS: usize = 24;

        #[inline(always)]
        unsafe fn splat(x: f32) -> __m512 {
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m512 {
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, v: __m512) {
            unsafe { _mm512_storeu_ps(to, v) }
        }
        #[inline(always)]
        unsafe fn add(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn sub(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_sub_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn mul(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn div(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_div_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn sqrt(a: __m512) -> __m512 {
            unsafe { _mm512_sqrt_ps(a) }
        }
        #[inline(always)]
        unsafe fn max(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_max_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn select_gt(a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
            unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes) }
        }
        #[inline(always)]
        unsafe fn keep_eq(a: __m512, b: __m512, yes: __m512) -> __m512 {
            unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), yes) }
        }
        #[inline(always)]
        unsafe fn load_u8(from: *const u8) -> __m512 {
            unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
        }
        #[inline(always)]
        unsafe fn store_u8(to: *mut u8, v: __m512) {
            unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(v))) }
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

        // 6 × 2 registers of accumulators, two of weights and a broadcast: 15 of 16.
        const TILE_ROWS: usize = 6;
        const TILE_VECTORS: usize = 1;
        const ACCUMULATORS: usize = 6;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self::V {
            unsafe { (_mm256_set1_ps(x), _mm256_set1_ps(x)) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self::V {
            unsafe { (_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, v: Self::V) {
            unsafe {
                _mm256_storeu_ps(to, v.0);
                _mm256_storeu_ps(to.add(8), v.1);
            }
        }
        #[inline(always)]
        unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_add_ps(a.0, b.0), _mm256_add_ps(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_sub_ps(a.0, b.0), _mm256_sub_ps(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_mul_ps(a.0, b.0), _mm256_mul_ps(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_div_ps(a.0, b.0), _mm256_div_ps(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn sqrt(a: Self::V) -> Self::V {
            unsafe { (_mm256_sqrt_ps(a.0), _mm256_sqrt_ps(a.1)) }
        }
        #[inline(always)]
        unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_max_ps(a.0, b.0), _mm256_max_ps(a.1, b.1)) }
        }
        #[inline(always)]
        unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe {
                (
                    _mm256_fmadd_ps(a.0, b.0, c.0),
                    _mm256_fmadd_ps(a.1, b.1, c.1),
                )
            }
        }
        #[inline(always)]
        unsafe fn select_gt(a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
            unsafe {
                (
                    _mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_GT_OQ>(a.0, b.0)),
                    _mm256_blendv_ps(no.1, yes.1, _mm256_cmp_ps::<_CMP_GT_OQ>(a.1, b.1)),
                )
            }
        }
        #[inline(always)]
        unsafe fn keep_eq(a: Self::V, b: Self::V, yes: Self::V) -> Self::V {
            unsafe {
                (
                    _mm256_and_ps(yes.0, _mm256_cmp_ps::<_CMP_EQ_OQ>(a.0, b.0)),
                    _mm256_and_ps(yes.1, _mm256_cmp_ps::<_CMP_EQ_OQ>(a.1, b.1)),
                )
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
                let pair = |x| {
                    _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x))
                };
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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All operations on two vectors, one after the other.
    struct Everything<'a> {
        a: &'a [f32; LANES],
        b: &'a [f32; LANES],
        bytes: &'a [u8; LANES],
    }

    impl Kernel for Everything<'_> {
        type Output = (Vec<[f32; LANES]>, [u8; LANES]);

        #[inline(always)]
        fn run<S: Simd>(self) -> Self::Output {
            // SAFETY: arrays of sixteen, inside `Kernel::run`.
            unsafe {
                let (a, b) = (S::load(self.a.as_ptr()), S::load(self.b.as_ptr()));
                let bytes = S::load_u8(self.bytes.as_ptr());
                let mut all = vec![
                    S::splat(2.5),
                    S::add(a, b),
                    S::sub(a, b),
                    S::mul(a, b),
                    S::div(a, b),
                    S::sqrt(S::mul(b, b)),
                    S::max(a, b),
                    S::fma(a, b, a),
                    S::select_gt(a, b, a, bytes),
                    S::keep_eq(a, bytes, b),
                    bytes,
                ];
                let mut block = [a; LANES];
                for (i, lanes) in block.iter_mut().enumerate() {
                    *lanes = S::add(a, S::splat(100.0 * i as f32));
                }
                all.extend(S::transpose(block));
                let stored = all.into_iter().map(|v| {
                    let mut lanes = [0.0; LANES];
                    S::store(lanes.as_mut_ptr(), v);
                    lanes
                });
                let mut back = [0; LANES];
                let stored = stored.collect();
                S::store_u8(back.as_mut_ptr(), bytes);
                (stored, back)
            }
        }
    }

    #[test]
    fn every_instruction_set_computes_the_same() {
        // Small whole numbers: exact with and without fused products.
        let a: [f32; LANES] = std::array::from_fn(|i| [3.0, -1.0, 0.0, 8.0, 5.0][i % 5] + i as f32);
        let b: [f32; LANES] = std::array::from_fn(|i| [4.0, 2.0, 1.0, -8.0][i % 4]);
        let mut bytes: [u8; LANES] = std::array::from_fn(|i| (i * 17) as u8);
        bytes[3] = a[3] as u8;
        let each = |f: fn(f32, f32, f32) -> f32| -> [f32; LANES] {
            std::array::from_fn(|i| f(a[i], b[i], f32::from(bytes[i])))
        };
        let mut expected = vec![
            [2.5; LANES],
            each(|a, b, _| a + b),
            each(|a, b, _| a - b),
            each(|a, b, _| a * b),
            each(|a, b, _| a / b),
            each(|_, b, _| b.abs()),
            each(|a, b, _| a.max(b)),
            each(|a, b, _| a * b + a),
            each(|a, b, byte| if a > b { a } else { byte }),
            each(|a, b, byte| if a == byte { b } else { 0.0 }),
            each(|_, _, byte| byte),
        ];
        for value in a {
            expected.push(std::array::from_fn(|i| value + 100.0 * i as f32));
        }
        assert!(
            expected[9].iter().any(|&v| v != 0.0),
            "some lanes are equal"
        );
        for isa in Isa::available() {
            let (ours, back) = isa.run(Everything {
                a: &a,
                b: &b,
                bytes: &bytes,
            });
            assert_eq!(ours, expected, "{}", isa.name());
            assert_eq!(back, bytes, "{}", isa.name());
        }
    }
}
