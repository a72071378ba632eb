//! Why a plan or a run cannot continue. A trial that fails is no error: it is a record.

use std::{
    io,
    path::{Path, PathBuf},
};

use bakeoff_core::{SpecError, StoreError};
use bakeoff_data::DataError;

use crate::experiment::ExperimentError;

/// Why a plan or a run cannot continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The experiment file is wrong.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The data cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A model's settings cannot be used.
    #[error("model `{model}`: {source}")]
    Spec {
        /// The model's name in the experiment.
        model: String,
        /// Why not.
        source: Box<SpecError>,
    },
    /// A model that cannot be trained on this data.
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
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file of the run is damaged, or was not written by this program.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The request cannot be fulfilled.
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
