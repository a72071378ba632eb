//! The inner loops: sums over the columns of one tile of training rows for a few queries at
//! once. There is one implementation per kind of processor, chosen at run time.
//!
//! All give the same numbers, because all compute with whole numbers. The dot product of
//! [`SEGMENT`](block::SEGMENT) groups of 4 bytes is at most 8192 · 4 · 255² < 2³¹, so an `i32`
//! holds it; longer rows are cut into segments whose sums the caller adds up in `i64`.
//!
//! Rejected: letting the compiler vectorise portable code for wider target features (it finds
//! neither `vpdpbusd` nor `udot`), and compiling for the user's processor alone.

pub(super) mod block;
mod portable;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use bakeoff_kernels::Cpu;

use self::block::{Block, LANES, QueryForm, Sum, Sums, TILE};

/// An implementation of the inner loops that this processor can run. Only
/// [`Kernel::available`] makes one, and the `unsafe` calls below rely on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    kind: Kind,
    name: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Plain loops, for any processor.
    Portable,
    /// x86-64 with AVX2: bytes widened to 16 bits (`vpmaddwd`).
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX2 and AVX-VNNI: `vpdpbusd` on 32 bytes.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// x86-64 with AVX2, AVX-512 (F, BW) and VNNI: `vpdpbusd` on 64 bytes.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// 64-bit ARM: `umull` and `uadalp`.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// 64-bit ARM with `dotprod`: `udot`.
    #[cfg(target_arch = "aarch64")]
    NeonDotprod,
}

impl Kernel {
    const PORTABLE: Self = Self {
        kind: Kind::Portable,
        name: "portable",
    };

    /// The kernels that this processor can run, the fastest first.
    pub(super) fn available() -> Vec<Self> {
        let cpu = Cpu::detected();
        let kernels = [
            #[cfg(target_arch = "x86_64")]
            (
                Kind::Avx512Vnni,
                "avx512-vnni",
                cpu.avx2() && cpu.avx512f() && cpu.avx512bw() && cpu.avx512vnni(),
            ),
            #[cfg(target_arch = "x86_64")]
            (Kind::AvxVnni, "avx-vnni", cpu.avx2() && cpu.avxvnni()),
            #[cfg(target_arch = "x86_64")]
            (Kind::Avx2, "avx2", cpu.avx2()),
            #[cfg(target_arch = "aarch64")]
            (
                Kind::NeonDotprod,
                "neon-dotprod",
                cpu.neon() && cpu.dotprod(),
            ),
            #[cfg(target_arch = "aarch64")]
            (Kind::Neon, "neon", cpu.neon()),
            (Self::PORTABLE.kind, Self::PORTABLE.name, true),
        ];
        let kernels = kernels.into_iter().filter(|&(.., can_run)| can_run);
        kernels.map(|(kind, name, _)| Self { kind, name }).collect()
    }

    /// The fastest kernel that this processor can run.
    pub(super) fn best() -> Self {
        let available = Self::available();
        available.first().copied().unwrap_or(Self::PORTABLE)
    }

    /// Its instruction set.
    pub(super) fn name(self) -> &'static str {
        self.name
    }

    /// How this kernel needs the bytes of a query.
    pub(super) fn query_form(self, sum: Sum) -> QueryForm {
        match (sum, self.kind) {
            #[cfg(target_arch = "x86_64")]
            (Sum::Dot, Kind::AvxVnni | Kind::Avx512Vnni) => QueryForm::Offset,
            #[cfg(target_arch = "x86_64")]
            (Sum::Dot, Kind::Avx2) => QueryForm::Words,
            _ => QueryForm::Bytes,
        }
    }

    /// Sums over the columns of `block` for each of its queries and rows.
    pub(super) fn sum(self, sum: Sum, block: Block<'_>, out: &mut Sums) {
        match (self.kind, sum) {
            (Kind::Portable, Sum::Dot) => portable::dot(block, out),
            (Kind::Portable, Sum::Differences) => portable::differences(block, out),
            // SAFETY: `available` makes this kind only where the processor has the features
            // that the function is compiled for, and nothing else makes it.
            #[cfg(target_arch = "x86_64")]
            (Kind::Avx2, Sum::Dot) => unsafe { avx2::dot(block, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Kind::AvxVnni, Sum::Dot) => unsafe { avx2::dot_vnni(block, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Kind::Avx2 | Kind::AvxVnni, Sum::Differences) => unsafe {
                avx2::differences(block, out);
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Kind::Avx512Vnni, Sum::Dot) => unsafe { avx512::dot(block, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Kind::Avx512Vnni, Sum::Differences) => unsafe { avx512::differences(block, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            (Kind::NeonDotprod, Sum::Dot) => unsafe { aarch64::dot_dotprod(block, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            (Kind::Neon, Sum::Dot) => unsafe { aarch64::dot(block, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            (Kind::Neon | Kind::NeonDotprod, Sum::Differences) => unsafe {
                aarch64::differences(block, out);
            },
        }
    }

    /// The dot product of `bytes` with each of `N` columns of weights. Weights are from −128
    /// to 127, so that a product fits 16 bits; at most 2¹⁶ bytes.
    pub(super) fn weighted<const N: usize>(self, bytes: &[u8], weights: &[[i16; N]]) -> [i32; N] {
        match self.kind {
            // SAFETY: as in `sum`; all three have AVX2.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::AvxVnni | Kind::Avx512Vnni => unsafe {
                avx2::weighted(bytes, weights)
            },
            _ => portable::weighted(bytes, weights),
        }
    }

    /// [`Kernel::sum`] of dot products, and for each query the rows whose
    /// base − 2·dot, wrapping, is below the query's limit, one bit each.
    ///
    /// `out` holds the sums of the queries that have a bit set. Kernels without a mask
    /// instruction may set additional bits: the caller compares again.
    pub(super) fn dot_below(
        self,
        block: Block<'_>,
        base: &[i32; TILE],
        limits: &[i32; LANES],
        out: &mut Sums,
    ) -> [u32; LANES] {
        #[cfg(target_arch = "x86_64")]
        if self.kind == Kind::Avx512Vnni {
            // SAFETY: as in `sum`.
            return unsafe { avx512::dot_below(block, base, limits, out) };
        }
        self.sum(Sum::Dot, block, out);
        match self.kind {
            // SAFETY: as in `sum`.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::AvxVnni => unsafe { avx2::scores_below(out, base, limits) },
            _ => portable::scores_below(out, base, limits),
        }
    }

    /// As [`Kernel::dot_below`], for the sums of absolute differences themselves.
    pub(super) fn differences_below(
        self,
        block: Block<'_>,
        limits: &[i32; LANES],
        out: &mut Sums,
    ) -> [u32; LANES] {
        self.sum(Sum::Differences, block, out);
        match self.kind {
            // SAFETY: as in `sum`.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => unsafe { avx512::sums_below(out, limits) },
            // SAFETY: as in `sum`.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::AvxVnni => unsafe { avx2::sums_below(out, limits) },
            _ => portable::sums_below(out, limits),
        }
    }
}

#[cfg(test)]
mod tests;
