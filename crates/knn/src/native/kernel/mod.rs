//! The inner loops: sums over the columns of one tile of training rows for a few
//! queries at once, one implementation per kind of processor, chosen at run time.
//!
//! All give the same numbers, because all count in whole numbers. The dot product of
//! [`SEGMENT`] groups of 4 bytes is at most 8192 · 4 · 255² < 2³¹, so an `i32` holds it;
//! longer rows are cut in segments whose sums the caller adds up in `i64`.
//!
//! Rejected: letting the compiler vectorise portable code under wider target features
//! (it finds neither `vpdpbusd` nor `udot`), and one kernel per processor that needs the
//! user's compiler flags.

mod portable;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::packed::Sum;

/// Rows in a tile.
pub(crate) const TILE: usize = 32;

/// Queries that go through a tile together.
pub(crate) const LANES: usize = 8;

/// Groups of columns whose sums fit an `i32`.
pub(crate) const SEGMENT: usize = 8192;

/// One sum for each query and row of a tile.
#[repr(C, align(64))]
pub(crate) struct Sums(pub(crate) [[i32; TILE]; LANES]);

impl Sums {
    pub(crate) const fn zero() -> Self {
        Self([[0; TILE]; LANES])
    }
}

/// How a kernel wants the bytes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryForm {
    /// As they are.
    Bytes,
    /// Less 128, as signed bytes: VNNI multiplies unsigned by signed. The rows' bytes
    /// times 128 are added back from [`super::packed::Packed::starts`].
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "for VNNI"))]
    Offset,
    /// Widened to 16 bits, the even bytes of a group before the odd ones.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "for AVX2"))]
    Words,
}

impl QueryForm {
    /// Bytes that each byte of a query takes.
    pub(crate) const fn widening(self) -> usize {
        match self {
            Self::Bytes | Self::Offset => 1,
            Self::Words => 2,
        }
    }

    /// Appends one group of a query's bytes.
    pub(crate) fn push(self, group: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Bytes => out.extend_from_slice(group),
            Self::Offset => out.extend(group.iter().map(|byte| byte ^ 0x80)),
            Self::Words => {
                for byte in group
                    .iter()
                    .step_by(2)
                    .chain(group.iter().skip(1).step_by(2))
                {
                    out.extend_from_slice(&[*byte, 0]);
                }
            }
        }
    }
}

/// The packed columns of one segment of one tile, and of a few queries.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    /// Groups × [`TILE`] rows × bytes of a group.
    pub(crate) rows: &'a [u8],
    /// For each query its groups × bytes of a group in the kernel's [`QueryForm`];
    /// only the first `lanes` count, but all are as long.
    pub(crate) queries: [&'a [u8]; LANES],
    /// How many queries: 1, 2, 4 or [`LANES`].
    pub(crate) lanes: usize,
    /// For each row, 128 times the sum of its bytes.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "for VNNI"))]
    pub(crate) starts: &'a [i32; TILE],
}

/// `Q` queries from `first` on, each as exactly `count` groups of `GROUP` bytes: cut here
/// once, so that the loops need not check every index.
#[inline(always)]
fn groups<'a, const Q: usize, const GROUP: usize>(
    block: &Block<'a>,
    first: usize,
    count: usize,
) -> [&'a [[u8; GROUP]]; Q] {
    std::array::from_fn(|lane| &block.queries[first + lane].as_chunks::<GROUP>().0[..count])
}

/// The places of the ones in a mask, from the lowest.
pub(crate) fn ones(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (mask != 0).then(|| mask.trailing_zeros() as usize);
        mask &= mask.wrapping_sub(1);
        place
    })
}

/// An implementation of the inner loops that this processor can run. Only
/// [`Kernel::available`] makes one; the calls of its functions rely on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kernel(Kind);

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
    NeonDot,
}

impl Kernel {
    /// The kernels that this processor can run, the fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let avx2 = has!("avx2");
            if avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512vnni") {
                kernels.push(Self(Kind::Avx512Vnni));
            }
            if avx2 && has!("avxvnni") {
                kernels.push(Self(Kind::AvxVnni));
            }
            if avx2 {
                kernels.push(Self(Kind::Avx2));
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            use std::arch::is_aarch64_feature_detected as has;
            if has!("neon") && has!("dotprod") {
                kernels.push(Self(Kind::NeonDot));
            }
            if has!("neon") {
                kernels.push(Self(Kind::Neon));
            }
        }
        kernels.push(Self(Kind::Portable));
        kernels
    }

    /// The fastest kernel that this processor can run.
    pub(crate) fn best() -> Self {
        let available = Self::available();
        available.first().copied().unwrap_or(Self(Kind::Portable))
    }

    /// How this kernel wants its queries.
    pub(crate) fn query_form(self, sum: Sum) -> QueryForm {
        match (sum, self.0) {
            #[cfg(target_arch = "x86_64")]
            (Sum::Dot, Kind::AvxVnni | Kind::Avx512Vnni) => QueryForm::Offset,
            #[cfg(target_arch = "x86_64")]
            (Sum::Dot, Kind::Avx2) => QueryForm::Words,
            _ => QueryForm::Bytes,
        }
    }

    /// Sums over the columns of `block` for each of its queries and rows.
    pub(crate) fn sum(self, sum: Sum, block: Block<'_>, out: &mut Sums) {
        match (self.0, sum) {
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
            (Kind::NeonDot, Sum::Dot) => unsafe { aarch64::dot_dotprod(block, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            (Kind::Neon, Sum::Dot) => unsafe { aarch64::dot(block, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            (Kind::Neon | Kind::NeonDot, Sum::Differences) => unsafe {
                aarch64::differences(block, out);
            },
        }
    }

    /// For each of `N` rows of weights (transposed here) their dot product with `bytes`.
    /// Weights lie in −128 to 127, so that a product fits 16 bits; at most 2¹⁶ bytes.
    pub(crate) fn weighted<const N: usize>(self, bytes: &[u8], weights: &[[i16; N]]) -> [i32; N] {
        match self.0 {
            // SAFETY: as in `sum`; all three have AVX2.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::AvxVnni | Kind::Avx512Vnni => unsafe {
                avx2::weighted(bytes, weights)
            },
            _ => portable::weighted(bytes, weights),
        }
    }

    /// [`Kernel::sum`] of dot products, and for each query the rows whose
    /// base − 2·dot, wrapping, lies below the query's limit, one bit each.
    ///
    /// `out` holds the sums of those queries that have a bit set. Kernels without a mask
    /// instruction may set bits too many: whoever looks at them compares again.
    pub(crate) fn dot_below(
        self,
        block: Block<'_>,
        base: &[i32; TILE],
        limits: &[i32; LANES],
        out: &mut Sums,
    ) -> [u32; LANES] {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Kind::Avx512Vnni {
            // SAFETY: as in `sum`.
            return unsafe { avx512::dot_below(block, base, limits, out) };
        }
        self.sum(Sum::Dot, block, out);
        match self.0 {
            // SAFETY: as in `sum`.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::AvxVnni => unsafe { avx2::scores_below(out, base, limits) },
            _ => portable::scores_below(out, base, limits),
        }
    }

    /// As [`Kernel::dot_below`], for the sums of absolute differences themselves.
    pub(crate) fn differences_below(
        self,
        block: Block<'_>,
        limits: &[i32; LANES],
        out: &mut Sums,
    ) -> [u32; LANES] {
        self.sum(Sum::Differences, block, out);
        match self.0 {
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
