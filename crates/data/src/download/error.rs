//! Why a dataset could not be downloaded.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::remote::Keep;

/// Why a dataset could not be downloaded, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The system names no folder for data.
    #[error(
        "no folder is known for downloaded data: set BAKEOFF_DATA to a folder (HOME is not set either)"
    )]
    NoFolder,
    /// Another process downloads it.
    #[error("{0} is being downloaded by another process: wait for it to end")]
    Running(&'static str),
    /// There is no `curl`.
    #[error("downloads need the program curl, which cannot be started ({problem}): install it{}", otherwise(.by_hand.as_ref()))]
    NoCurl {
        /// Why it cannot be started.
        problem: io::Error,
        /// How to do without.
        by_hand: Option<ByHand>,
    },
    /// The server was not reached.
    #[error("{url}: not reached ({reason}). Is this machine offline, or is a proxy needed (set https_proxy)? What was downloaded is kept, and the same command goes on{}", otherwise(.by_hand.as_ref()))]
    Unreachable {
        /// The address.
        url: String,
        /// What curl says.
        reason: String,
        /// How to do without.
        by_hand: Option<ByHand>,
    },
    /// The server was reached and did not send the file.
    #[error("{url}: {reason}. What was downloaded is kept, and the same command goes on; --from URL takes the files from another server{}", otherwise(.by_hand.as_ref()))]
    Server {
        /// The address.
        url: String,
        /// What happened.
        reason: String,
        /// How to do without.
        by_hand: Option<ByHand>,
    },
    /// A file is not what it is known to be.
    #[error(
        "{url}: this is not the file that is expected: its {kind} is {found}, not {expected} ({bytes} bytes). It was removed. Try again, or take the files from another server with --from URL"
    )]
    Checksum {
        /// The address.
        url: String,
        /// The kind of checksum.
        kind: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
        /// The size of what came.
        bytes: u64,
    },
    /// A file that was downloaded does not hold what it should.
    #[error("{}: {problem}", .path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The disk refuses.
    #[error("{}: {problem}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
}

/// How to get a dataset without a download.
#[derive(Debug)]
pub struct ByHand {
    folder: PathBuf,
    addresses: Vec<String>,
}

fn otherwise(way: Option<&ByHand>) -> String {
    let text = |way: &ByHand| {
        format!(
            ". Or fetch these files in another way and put them into {}:\n  {}",
            way.folder.display(),
            way.addresses.join("\n  ")
        )
    };
    way.map(text).unwrap_or_default()
}

impl DownloadError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |problem| Self::Io {
            path: path.into(),
            problem,
        }
    }

    /// With the way to do it by hand, where the files are used as they are served.
    pub(super) fn with_way_around(
        mut self,
        folder: &Path,
        addresses: Vec<String>,
        keep: &Keep,
    ) -> Self {
        if let (Keep::Whole, Self::NoCurl { by_hand, .. })
        | (Keep::Whole, Self::Unreachable { by_hand, .. })
        | (Keep::Whole, Self::Server { by_hand, .. }) = (keep, &mut self)
        {
            *by_hand = Some(ByHand {
                folder: folder.into(),
                addresses,
            });
        }
        self
    }
}
