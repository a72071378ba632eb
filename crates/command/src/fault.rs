//! Why a program gave no model or no answer.

use bakeoff_core::{FitError, PredictError};

/// The name of the engine.
pub(crate) const ENGINE: &str = "process";

/// Why a program gave no model or no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The program's fault.
    Failed(String),
    /// That of a signal from outside or of the disk, which says nothing about the program.
    Interrupted(String),
    /// The fit was cancelled.
    Cancelled,
}

impl From<Fault> for FitError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Failed(reason) => Self::Engine {
                engine: ENGINE,
                reason,
            },
            Fault::Interrupted(reason) => Self::Interrupted(reason),
            Fault::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Fault> for PredictError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Failed(reason) => Self::Engine {
                engine: ENGINE,
                reason,
            },
            Fault::Interrupted(reason) => Self::Interrupted(reason),
            Fault::Cancelled => Self::Interrupted("cancelled".into()),
        }
    }
}
