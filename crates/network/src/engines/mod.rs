//! The engines of both families: a module and a row each.

#[cfg(feature = "burn")]
mod burn;
mod native;

use crate::engine::NetworkEngine;

/// What stands for [`burn`] in a program that is built without it.
#[cfg(not(feature = "burn"))]
mod burn {
    use crate::engine::Functions;

    pub(super) const FLEX: Option<Functions> = None;
    pub(super) const NDARRAY: Option<Functions> = None;
}

/// All engines; the first is the default.
pub(crate) const ENGINES: [NetworkEngine; 3] = [
    NetworkEngine {
        name: "native",
        summary: "fused kernels of this project: AVX-512, AVX2, NEON or portable",
        takes_all: true,
        functions: Some(native::FUNCTIONS),
    },
    NetworkEngine {
        name: "burn-flex",
        summary: "Burn's own CPU backend, on the gemm crate",
        takes_all: false,
        functions: burn::FLEX,
    },
    NetworkEngine {
        name: "burn-ndarray",
        summary: "Burn's older CPU backend, on ndarray; slow at convolutions",
        takes_all: false,
        functions: burn::NDARRAY,
    },
];
