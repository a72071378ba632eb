//! Why a plan or a run could not go on. A trial that fails is no error: it is a record.

use std::{
    io,
    path::{Path, PathBuf},
};

use bakeoff_core::{SpecError, StoreError};
use bakeoff_data::DataError;

use crate::experiment::ExperimentError;

/// Why a plan or a run could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The experiment file is wrong.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The data cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A recipe cannot be followed.
    #[error("model `{model}`: {source}")]
    Spec {
        /// The model's name in the experiment.
        model: String,
        /// Why not.
        source: Box<SpecError>,
    },
    /// A recipe that could be followed, but not on this data.
    #[error(
        "model `{model}` does not fit dataset `{dataset}`: {source}; \
         change its settings, or leave it out with --models"
    )]
    Misfit {
        /// The model's name in the experiment.
        model: String,
        /// The dataset's name.
        dataset: String,
        /// Why not.
        source: Box<SpecError>,
    },
    /// A file of tensors cannot be written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the run is damaged or foreign.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// What was asked for does not fit together.
    #[error("{0}")]
    Request(String),
}

impl BenchError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
