//! The sets of vector instructions, chosen when the program runs.
//!
//! Kernels are written once with `pulp`'s vectors and compiled for each instruction set;
//! compiling for the machine at hand (`target-cpu=native`) was rejected, because one binary
//! must run on any machine.
//!
//! `pulp` asks the processor by itself: a token that it returns is what makes the kernels
//! safe to call. It asks the standard library, as `bakeoff_kernels::Cpu` does, and a token
//! needs all the features of its name. So a record cannot name a kernel whose instructions
//! are not among those of its host (a test checks this).

use pulp::{Scalar, Simd, WithSimd};

/// A set of vector instructions that this processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InstructionSet {
    /// 16 numbers of single precision in a vector.
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    /// 8 numbers.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// 4 numbers, without fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Sse4(pulp::x86::V2),
    /// 4 numbers.
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    /// What every processor has.
    Portable,
}

/// A computation on vectors. `FUSED` says whether multiply-add is one instruction; where it
/// is not, emulating its single rounding would cost a function call.
pub(crate) trait Kernel {
    /// Its result.
    type Output;
    /// Computes it.
    fn run<S: Simd, const FUSED: bool>(self, simd: S) -> Self::Output;
}

impl InstructionSet {
    /// The fastest that this processor has.
    pub(crate) fn best() -> Self {
        // `all` is never empty.
        Self::all().next().unwrap_or(Self::Portable)
    }

    /// All that this processor has, the fastest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [
            #[cfg(target_arch = "x86_64")]
            pulp::x86::V4::try_new().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            pulp::x86::V3::try_new().map(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            pulp::x86::V2::try_new().map(Self::Sse4),
            #[cfg(target_arch = "aarch64")]
            pulp::aarch64::Neon::try_new().map(Self::Neon),
            Some(Self::Portable),
        ]
        .into_iter()
        .flatten()
    }

    /// Its name in records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Sse4(_) => "sse4",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
            Self::Portable => "portable",
        }
    }

    /// Runs a kernel with these instructions.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => Simd::vectorize(simd, Run::<_, true>(kernel)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => Simd::vectorize(simd, Run::<_, true>(kernel)),
            #[cfg(target_arch = "x86_64")]
            Self::Sse4(simd) => Simd::vectorize(simd, Run::<_, false>(kernel)),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => Simd::vectorize(simd, Run::<_, true>(kernel)),
            Self::Portable => Simd::vectorize(Scalar, Run::<_, false>(kernel)),
        }
    }
}

struct Run<K, const FUSED: bool>(K);

impl<K: Kernel, const FUSED: bool> WithSimd for Run<K, FUSED> {
    type Output = K::Output;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> K::Output {
        self.0.run::<S, FUSED>(simd)
    }
}
