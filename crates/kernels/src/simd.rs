//! Sixteen `f32` lanes on whatever the processor has.
//!
//! Every kernel is written once, over [`Simd`], and compiled for what the architecture may
//! have: for AVX-512 and for AVX2 with FMA, or for NEON, and always portably (arrays that the
//! compiler maps to SSE2 or scalars).
//! [`Isa`] says which of them runs; it is found out at run time, so that one binary is fast
//! everywhere and no compiler flag is needed.
//!
//! A vector is always sixteen lanes wide, so that every layout and every test is the same on
//! all processors; AVX2 pairs two registers, NEON four. Rejected: `std::simd` (nightly only), and crates
//! that wrap it all (`pulp`, `wide`): the dozen operations below are all that is needed, and
//! the number of accumulators per register file, which decides the speed, is ours to choose.

use super::Cpu;

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
    #[cfg(target_arch = "aarch64")]
    Neon,
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
        let cpu = Cpu::detected();
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if cpu.avx512f() && cpu.avx512bw() && cpu.avx512dq() && cpu.avx512vl() {
                found.push(Self(Level::Avx512));
            }
            if cpu.avx2() && cpu.fma() {
                found.push(Self(Level::Avx2));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if cpu.neon() {
            found.push(Self(Level::Neon));
        }
        found.push(Self(Level::Portable));
        found
    }

    /// The name for a report: `avx512`, `avx2`, `neon` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Level::Neon => "neon",
            Level::Portable => "portable",
        }
    }

    /// Whether it is AVX-512 with its byte, double-word and vector-length extensions.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn is_avx512(self) -> bool {
        self.0 == Level::Avx512
    }

    /// Runs a kernel compiled for this instruction set.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: this value comes out of `available`, which has detected it.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { x86::run_avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { x86::run_avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => unsafe { neon::run_neon(kernel) },
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
    /// The larger one, and `b` if one of them is not a number.
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
    /// Asks for the cache line of an address that is needed soon. Any address may be given.
    #[inline(always)]
    fn prefetch(_: *const u8) {}
    /// Rows become columns.
    unsafe fn transpose(block: [Self::V; LANES]) -> [Self::V; LANES];
}

/// Functions of [`Simd`] that are one expression each.
macro_rules! operations {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty = $body:expr;)*) => {
        $(
            #[inline(always)]
            #[allow(unused_unsafe, reason = "the portable ones need none")]
            unsafe fn $name($($arg: $type),*) -> $out {
                // SAFETY: the trait's contract: the instruction set is available, and pointers
                // are valid for sixteen elements.
                unsafe { $body }
            }
        )*
    };
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
    if cfg!(target_feature = "fma") {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

impl Simd for Portable {
    type V = Lanes;

    const TILE_ROWS: usize = 2;
    const TILE_VECTORS: usize = 1;
    const ACCUMULATORS: usize = 2;

    operations! {
        splat(x: f32) -> Lanes = Lanes([x; LANES]);
        add(a: Lanes, b: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i] + b.0[i]);
        sub(a: Lanes, b: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i] - b.0[i]);
        mul(a: Lanes, b: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i] * b.0[i]);
        div(a: Lanes, b: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i] / b.0[i]);
        sqrt(a: Lanes) -> Lanes = Lanes::from_fn(|i| a.0[i].sqrt());
        max(a: Lanes, b: Lanes) -> Lanes =
            Lanes::from_fn(|i| if a.0[i] > b.0[i] { a.0[i] } else { b.0[i] });
        fma(a: Lanes, b: Lanes, c: Lanes) -> Lanes =
            Lanes::from_fn(|i| multiply_add(a.0[i], b.0[i], c.0[i]));
        select_gt(a: Lanes, b: Lanes, yes: Lanes, no: Lanes) -> Lanes =
            Lanes::from_fn(|i| if a.0[i] > b.0[i] { yes.0[i] } else { no.0[i] });
        keep_eq(a: Lanes, b: Lanes, yes: Lanes) -> Lanes =
            Lanes::from_fn(|i| if a.0[i] == b.0[i] { yes.0[i] } else { 0.0 });
        transpose(block: [Lanes; LANES]) -> [Lanes; LANES] =
            std::array::from_fn(|r| Lanes::from_fn(|c| block[c].0[r]));
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Lanes {
        // SAFETY: the caller guarantees sixteen elements.
        Lanes(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: Lanes) {
        // SAFETY: the caller guarantees sixteen elements.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(v.0) }
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Lanes {
        // SAFETY: the caller guarantees sixteen elements.
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
        // SAFETY: the caller guarantees sixteen elements.
        unsafe { to.cast::<[u8; LANES]>().write_unaligned(bytes) }
    }
}

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

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
