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

#[macro_use]
mod vector;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub(crate) use vector::{Kernel, LANES, Simd};

use super::Cpu;
use vector::Portable;

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
