//! What exporters return: files in memory, or why there is none.

/// Why a run could not be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The predictions could not be written as CSV.
    #[error("predictions could not be written as CSV: {0}")]
    Csv(#[from] ::csv::Error),
    /// The metrics could not be written as JSON.
    #[error("metrics could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A time of a record is none.
    #[error("`{time}` in a record is no time: {reason}")]
    Time {
        /// What stands there.
        time: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Tensors could not be written.
    #[error("{file} could not be written as safetensors: {reason}")]
    Safetensors {
        /// The file.
        file: String,
        /// What the library said.
        reason: String,
    },
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its path, with `/` between folders.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl ExportedFile {
    pub(super) fn new(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            path: path.into(),
            bytes,
        }
    }
}
