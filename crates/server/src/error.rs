//! Why the server could not start.

use std::{io, net::SocketAddr};

use bakeoff_core::StoreError;

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The host is not a name or an address of this machine.
    #[error(
        "--host {host}: {reason}; use 127.0.0.1 (this machine alone) or 0.0.0.0 (every network)"
    )]
    Host {
        /// What was asked for.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An address that other machines can reach, without leave.
    #[error(
        "--host {host} lets every machine that can reach this one draw, see the reports, and \
         add corrections, without a password and without encryption; \
         add --allow-remote if that is what you want"
    )]
    Remote {
        /// What was asked for.
        host: String,
    },
    /// The port cannot be had.
    #[error("cannot listen on {address}: {}", explain(source))]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The folder of models cannot be read.
    #[error(transparent)]
    Models(#[from] StoreError),
    /// Threads could not be started.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses this port (another `bakeoff serve`?); choose one with --port, \
             or any free one with --port 0"
                .into()
        }
        io::ErrorKind::PermissionDenied => {
            format!("{error}; ports below 1024 are for the administrator, choose one with --port")
        }
        _ => error.to_string(),
    }
}
