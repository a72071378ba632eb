//! Engine `libsvm-rs`: LIBSVM's solver, ported to Rust, in double precision and with kernel rows in single precision.
//!
//! It is given a pair of classes at a time, as LIBSVM takes them apart itself, so that pairs are solved on all threads.
//! The original through a binding was rejected: it needs a C++ compiler.

use bakeoff_core::{Engine, EngineCode};
use bakeoff_kernels::KernelFunction;
use libsvm_rs::{KernelType, SvmNode, SvmParameter, SvmProblem, SvmType};

use super::library;
use crate::{
    model::SvmModel,
    pair::{Pair, Solution},
    recipe::{Solver, build},
};

pub(super) const ENGINE: Engine = Engine {
    name: "libsvm-rs",
    summary: "LIBSVM ported to Rust; a pair of classes is one thread's work",
    deterministic: true,
    code: Some(EngineCode {
        build: |spec| build(spec, SOLVER),
        load: SvmModel::load,
    }),
};

pub(crate) const SOLVER: Solver = Solver {
    name: ENGINE.name,
    refuses: |_, _| None,
    solve: |pair| library::run(|| solve(pair)),
};

fn solve(pair: &Pair) -> Result<Solution, String> {
    let (kernel_type, gamma, coef0, degree) = match pair.function {
        KernelFunction::Linear => (KernelType::Linear, 0.0, 0.0, 0),
        KernelFunction::Rbf { gamma } => (KernelType::Rbf, gamma, 0.0, 0),
        KernelFunction::Polynomial {
            gamma,
            coef0,
            degree,
        } => (KernelType::Polynomial, gamma, coef0, degree),
    };
    let parameters = SvmParameter {
        svm_type: SvmType::CSvc,
        kernel_type,
        degree: degree.cast_signed(),
        gamma,
        coef0,
        cache_size: pair.cache_bytes as f64 / f64::from(1 << 20),
        eps: pair.tolerance,
        c: pair.c,
        ..SvmParameter::default()
    };
    // Numbers that are 0 are left out; features count from 1.
    let node = |(index, &byte): (i32, &u8)| SvmNode {
        index,
        value: f64::from(byte) / 255.0,
    };
    let nodes = |row: &[u8]| {
        let pixels = (1..).zip(row).filter(|(_, byte)| **byte != 0);
        pixels.map(node).collect()
    };
    let problem = SvmProblem {
        labels: (0..pair.len()).map(|image| pair.target(image)).collect(),
        instances: pair.pixels.chunks_exact(pair.columns).map(nodes).collect(),
    };
    libsvm_rs::set_quiet(true);
    let model = libsvm_rs::train::svm_train(&problem, &parameters);
    let mut coefficients = vec![0.0; pair.len()];
    let (Some(found), Some(rho)) = (model.sv_coef.first(), model.rho.first()) else {
        return Err("its model has no coefficients".into());
    };
    for (&index, &value) in model.sv_indices.iter().zip(found) {
        let place = index.checked_sub(1).and_then(|at| coefficients.get_mut(at));
        *place.ok_or("a support vector is no training image")? = value;
    }
    Ok(Solution::of_library(pair, coefficients, -rho))
}
