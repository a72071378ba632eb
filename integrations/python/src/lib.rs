//! The engines as a Python module, thin: arrays in, arrays out, and errors as Python's own. What people
//! see of it are the estimators in `bakeoff/`.

mod model;
mod neighbours;

use std::fmt::Display;

use pyo3::{exceptions::PyValueError, prelude::*};

use model::Model;
use neighbours::Neighbours;

/// An error as a `ValueError`, which is what scikit-learn raises for what it cannot do.
fn refused(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Threads for one call; 0 for as many as there are processors.
fn pool(threads: usize) -> PyResult<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(refused)
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{
        Model, Neighbours,
        model::{families, fit},
    };
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
