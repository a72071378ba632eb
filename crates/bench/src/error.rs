//! Why a plan or a run cannot continue. A trial that fails is no error: it is a record.

use std::path::PathBuf;

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
    /// A file or folder cannot be read or written, is damaged, or was not written by this
    /// program.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A plan that has no such trial.
    #[error("there is no such trial in {}; it has {trials}, numbered from 0", run.display())]
    NoSuchTrial {
        /// The run's folder.
        run: PathBuf,
        /// How many trials it has.
        trials: usize,
    },
    /// A store of objects does not do what it is asked.
    #[error("{address}: {reason}")]
    Objects {
        /// What of it.
        address: String,
        /// What it answers.
        reason: String,
    },
    /// A signal ended the program behind a model: from outside, or one that it sent itself.
    #[error("{0}")]
    Signalled(String),
    /// The request cannot be fulfilled.
    #[error("{0}")]
    Request(String),
}

impl BenchError {
    /// Whether the plan and this program do not fit, so that another attempt with the same program
    /// ends in the same way: an engine that it lacks, a plan of another version, a trial that the
    /// plan does not have. Data, given files and disks may be there the next time, or on another machine.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Spec { source, .. } => !matches!(**source, SpecError::File { .. }),
            Self::Misfit { .. } | Self::NoSuchTrial { .. } => true,
            Self::Store(error) => !matches!(error, StoreError::Io { .. }),
            Self::Experiment(_)
            | Self::Data(_)
            | Self::Objects { .. }
            | Self::Signalled(_)
            | Self::Request(_) => false,
        }
    }
}
