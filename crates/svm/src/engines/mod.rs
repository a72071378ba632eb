//! The engines. Each file holds its row: name, summary, and the function that solves the problem of a pair.

mod library;
mod libsvm_rs;
mod linfa;
mod native;

use bakeoff_core::Engine;

/// What is behind each row, for tests that look into a model.
#[cfg(test)]
pub(crate) const SOLVERS: [crate::recipe::Solver; 3] =
    [native::SOLVER, libsvm_rs::SOLVER, linfa::SOLVER];

/// The engines of the family; the first is the default.
pub(crate) const ENGINES: &[Engine] = &[native::ENGINE, libsvm_rs::ENGINE, linfa::ENGINE];
