//! Why a file is not an experiment.

use std::path::PathBuf;

use bakeoff_core::StoreError;

/// Why a file is not an experiment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] StoreError),
    /// Something in it is wrong.
    #[error(
        "{}:{line}:{column}: {message}\n  {line} | {text}\n  {:pad$} | {:indent$}^",
        path.display(), "", "", pad = line.to_string().len(), indent = column - 1
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
        /// The line itself.
        text: String,
    },
}
