//! The folder of saved models as an argument.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
};

use clap::Args;

/// The folder of saved models, wherever a command needs it.
#[derive(Args, Clone)]
pub(crate) struct ModelsDir {
    /// The folder of saved models
    #[arg(
        long = "models-dir",
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR",
        hide_env_values = true
    )]
    path: PathBuf,
}

impl Deref for ModelsDir {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}
