//! Everything that can go wrong, each in the words of the crate that found it.

use std::{io, path::PathBuf};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The experiment cannot be read or does not fit.
    #[error(transparent)]
    Experiment(#[from] bakeoff_bench::ExperimentError),
    /// Planning, running or reading a run.
    #[error(transparent)]
    Run(#[from] bakeoff_bench::BenchError),
    /// Rendering the report.
    #[error(transparent)]
    Report(#[from] bakeoff_report::ReportError),
    /// Finding or reading a saved model.
    #[error(transparent)]
    Model(#[from] bakeoff_ask::OpenError),
    /// Preparing an image.
    #[error(transparent)]
    Picture(#[from] bakeoff_ask::InputError),
    /// Asking a model.
    #[error(transparent)]
    Answer(#[from] bakeoff_core::PredictError),
    /// A file or folder.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
