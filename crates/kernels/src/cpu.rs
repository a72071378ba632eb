//! The instruction sets of the processor, detected once, in one place.
//!
//! Kernels are chosen by [`Cpu::detected`], and the record of a trial lists what it found, so
//! that both speak of the same things. Compiling for the machine at hand
//! (`target-cpu=native`) was rejected: one binary must run on any machine.

use std::sync::OnceLock;

macro_rules! cpu {
    ($($feature:ident, $name:tt, $arch:literal, $detect:ident;)*) => {
        /// The instruction sets that kernels ask for, and whether this processor has them.
        ///
        /// Fields are private, so that a value exists only if the processor was asked: `unsafe`
        /// calls of kernels rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Cpu {
            $($feature: bool,)*
        }

        impl Cpu {
            fn detect() -> Self {
                Self {
                    $($feature: {
                        #[cfg(target_arch = $arch)]
                        { std::arch::$detect!($name) }
                        #[cfg(not(target_arch = $arch))]
                        { false }
                    },)*
                }
            }

            $(#[doc = concat!("Whether the processor has `", $name, "`.")]
            pub fn $feature(&self) -> bool {
                self.$feature
            })*

            /// The names of those that the processor has.
            pub fn names(&self) -> Vec<&'static str> {
                [$((self.$feature, $name)),*]
                    .into_iter()
                    .filter_map(|(has, name)| has.then_some(name))
                    .collect()
            }
        }
    };
}

cpu! {
    avx2, "avx2", "x86_64", is_x86_feature_detected;
    fma, "fma", "x86_64", is_x86_feature_detected;
    avxvnni, "avxvnni", "x86_64", is_x86_feature_detected;
    avx512f, "avx512f", "x86_64", is_x86_feature_detected;
    avx512bw, "avx512bw", "x86_64", is_x86_feature_detected;
    avx512dq, "avx512dq", "x86_64", is_x86_feature_detected;
    avx512vl, "avx512vl", "x86_64", is_x86_feature_detected;
    avx512vnni, "avx512vnni", "x86_64", is_x86_feature_detected;
    neon, "neon", "aarch64", is_aarch64_feature_detected;
    dotprod, "dotprod", "aarch64", is_aarch64_feature_detected;
}

impl Cpu {
    /// What this processor has.
    pub fn detected() -> &'static Self {
        static CPU: OnceLock<Cpu> = OnceLock::new();
        CPU.get_or_init(Self::detect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_features_that_are_there() {
        let cpu = Cpu::detected();
        let names = cpu.names();
        assert_eq!(names.contains(&"avx2"), cpu.avx2());
        assert_eq!(names.contains(&"dotprod"), cpu.dotprod());
        #[cfg(target_arch = "x86_64")]
        assert_eq!(cpu.avx512vnni(), is_x86_feature_detected!("avx512vnni"));
        #[cfg(target_arch = "aarch64")]
        assert_eq!(cpu.neon(), std::arch::is_aarch64_feature_detected!("neon"));
    }
}
