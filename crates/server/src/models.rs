//! The models that answer: those of the folder of models, kept in memory.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use bakeoff_ask::{Model, Models, NameError};
use bakeoff_core::StoreError;

use crate::problem::{Code, Problem};

/// The folder of models, and what was read from it last.
pub(crate) struct ModelFolder {
    folder: PathBuf,
    models: RwLock<Arc<Models>>,
}

impl ModelFolder {
    /// No model is read before [`Self::refresh`].
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            models: RwLock::default(),
        }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The models as they were read last, the best test accuracy first.
    pub(crate) fn models(&self) -> Arc<Models> {
        Arc::clone(&self.models.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what is new or changed in the folder, and forgets what is no longer there.
    ///
    /// # Errors
    /// When the folder exists but cannot be read; the models then stay as they were.
    pub(crate) fn refresh(&self) -> Result<(), StoreError> {
        self.replace(Models::read(&self.folder, &self.models())?);
        Ok(())
    }

    pub(crate) fn replace(&self, models: Models) {
        *self.models.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(models.best_first());
    }

    /// The models of these names; all of them if no name is given.
    ///
    /// # Errors
    /// [`Code::NoModels`], [`Code::UnknownModel`] or [`Code::UnreadableModel`].
    pub(crate) fn named(&self, names: &[String]) -> Result<Vec<Arc<Model>>, Problem> {
        let models = self.models();
        if models.ready.is_empty() {
            return Err(Problem::new(
                Code::NoModels,
                models.none_ready(&self.folder),
            ));
        }
        models.named(names).map_err(|error| {
            let code = match error {
                NameError::Unreadable { .. } => Code::UnreadableModel,
                _ => Code::UnknownModel,
            };
            Problem::new(code, error.to_string())
        })
    }
}
