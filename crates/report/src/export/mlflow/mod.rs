//! A run as a file store of MLflow: an experiment for the run, a run for each of its trials, and one with the
//! report.
//!
//! Everything is decided by the records: ids too, so that exporting again gives the same bytes, as long as the
//! store is at the same place, whose URI MLflow wants to find artefacts by.
//!
//! Rejected: MLflow's REST API, which needs a server that is up, and its databases, whose schema
//! changes with its versions (`mlflow migrate-filestore` writes one); runs of trials below a parent run, which the
//! page of MLflow folds away.

mod contents;
mod file_store;
mod scores;

use bakeoff_core::record::Run;

pub use self::file_store::MLFLOW_RUN_TAG;
use super::file::{ExportError, ExportedFile};
use crate::rendered::Rendered;

/// A run for MLflow.
#[derive(Clone, Debug)]
pub struct MlflowExport {
    /// The id of its experiment, and the folder of it.
    pub experiment: String,
    /// The number of runs in it.
    pub runs: usize,
    /// Folders that have to be there, also where no file is in them: without them MLflow does not find a run.
    pub folders: Vec<String>,
    /// Its files, below the folder of the store. Those that make MLflow see a run come after its others.
    pub files: Vec<ExportedFile>,
}

/// Writes a run for MLflow; `store` is the URI of the folder that its files come into.
///
/// # Errors
/// When a record has a time that is none, or a file cannot be written.
pub fn mlflow(run: &Run, rendered: &Rendered, store: &str) -> Result<MlflowExport, ExportError> {
    let experiment = contents::experiment(run, rendered)?;
    Ok(MlflowExport {
        runs: experiment.runs.len(),
        folders: experiment.folders(),
        files: experiment.files(store),
        experiment: experiment.id,
    })
}
