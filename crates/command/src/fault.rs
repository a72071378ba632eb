//! Why a program gave no model or no answer.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use bakeoff_core::{FitError, PredictError};

/// The name of the engine.
pub(crate) const ENGINE: &str = "process";

/// Why a program gave no model or no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The program's fault.
    Failed(String),
    /// That of the disk or of the system, which says nothing about the program.
    Interrupted(String),
    /// A signal ended it, of itself or from outside.
    Signalled(String),
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
            Fault::Signalled(reason) => Self::Signalled(reason),
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
            Fault::Signalled(reason) => Self::Signalled(reason),
            Fault::Cancelled => Self::Interrupted("cancelled".into()),
        }
    }
}

/// A path on the disk that could not be written or read, before a program has been there.
pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Fault {
    let path = path.display().to_string();
    move |error| Fault::Interrupted(format!("{path}: {error}"))
}

/// Whether an error in the folder of a program is of what the program made of the folder, and not
/// of the disk or the system.
pub(crate) fn is_of_the_program(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::AlreadyExists
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::DirectoryNotEmpty
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename
    ) || is_a_loop_of_links(error)
}

#[cfg(unix)]
fn is_a_loop_of_links(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_a_loop_of_links(_: &io::Error) -> bool {
    false
}
