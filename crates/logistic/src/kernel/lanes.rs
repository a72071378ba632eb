//! Which vector instructions there are, found out when the program runs.
//!
//! Kernels are written once over `pulp`'s lanes and compiled for each instruction
//! set; compiling for the machine at hand (`target-cpu=native`) was rejected, because
//! a binary must run on any machine.

use pulp::{Scalar, Simd, WithSimd};

/// A set of vector instructions that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lanes {
    /// 16 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    /// 8 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// 4 lanes, without fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Sse4(pulp::x86::V2),
    /// 4 lanes.
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    /// What every machine has.
    Plain,
}

/// Work over lanes. `FUSED` says whether multiply-add is one instruction; where it is
/// not, emulating it with its single rounding would cost a function call.
pub(crate) trait Kernel {
    /// What it answers.
    type Output;
    /// Does it.
    fn run<S: Simd, const FUSED: bool>(self, simd: S) -> Self::Output;
}

impl Lanes {
    /// The best that this machine has.
    pub(crate) fn detect() -> Self {
        // `all` is never empty.
        Self::all().next().unwrap_or(Self::Plain)
    }

    /// All that this machine has, the best first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let plain = std::iter::once(Self::Plain);
        #[cfg(target_arch = "x86_64")]
        let wide = [
            pulp::x86::V4::try_new().map(Self::Avx512),
            pulp::x86::V3::try_new().map(Self::Avx2),
            pulp::x86::V2::try_new().map(Self::Sse4),
        ];
        #[cfg(target_arch = "aarch64")]
        let wide = [pulp::aarch64::Neon::try_new().map(Self::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let wide: [Option<Self>; 0] = [];
        wide.into_iter().flatten().chain(plain)
    }

    /// Runs a kernel with these instructions.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => Simd::vectorize(simd, Fused(kernel)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => Simd::vectorize(simd, Fused(kernel)),
            #[cfg(target_arch = "x86_64")]
            Self::Sse4(simd) => Simd::vectorize(simd, Split(kernel)),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => Simd::vectorize(simd, Fused(kernel)),
            Self::Plain => Simd::vectorize(Scalar, Split(kernel)),
        }
    }
}

struct Fused<K>(K);
struct Split<K>(K);

impl<K: Kernel> WithSimd for Fused<K> {
    type Output = K::Output;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> K::Output {
        self.0.run::<S, true>(simd)
    }
}

impl<K: Kernel> WithSimd for Split<K> {
    type Output = K::Output;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> K::Output {
        self.0.run::<S, false>(simd)
    }
}
