//! What can be wrong with a dataset: each error names the file, the place in it, what was
//! found there and what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

use bakeoff_core::{SamplesError, did_you_mean};
use bakeoff_picture::PictureError;

use crate::idx::IdxError;

/// Why a dataset could not be opened.
///
/// Byte offsets count uncompressed bytes, also where the file is gzip.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Neither a built-in name nor a path.
    #[error(
        "there is no dataset `{name}`{}. Built in: {builtins}. To download with `bakeoff data get`: {downloads}. The path of a folder, archive or file works too; `bakeoff data list` shows what is read",
        did_you_mean(.name, .builtins.iter().chain(.downloads)), builtins = .builtins.join(", "), downloads = .downloads.join(", ")
    )]
    UnknownName {
        /// The name that was requested.
        name: String,
        /// The built-in names.
        builtins: Vec<&'static str>,
        /// The names of datasets that can be downloaded.
        downloads: Vec<&'static str>,
    },
    /// A dataset that can be downloaded and is not here.
    #[error("`{name}` is not on this machine yet: download it once with `bakeoff data get {name}`")]
    NotDownloaded {
        /// Its name.
        name: String,
    },
    /// A folder that no format recognises.
    #[error("{}: no dataset is recognised here. It holds {contents}. Most data are read as images in train/CLASS/ and test/CLASS/, as a table of pixels with a column `label`, as IDX files, or as an npz with x_train, y_train, x_test and y_test; `bakeoff data list` shows all that is read", .path.display())]
    Unrecognised {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        contents: String,
    },
    /// The operating system refuses a file or folder.
    #[error("{}: cannot be read: {problem}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        problem: io::Error,
    },
    /// A file or folder that cannot be used.
    #[error("{}: {problem}", .path.display())]
    Invalid {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Images of different sizes, where no size is stated.
    #[error(
        "{}: {}×{} pixels, but {} has {}×{}: the images of a dataset must all be of one size, and {others} of {images} differ from the first. State the size that all are read at, as in --size 32 (in an experiment, size = [32, 32])",
        .path.display(), .size[0], .size[1], .first.display(), .first_size[0], .first_size[1]
    )]
    Sizes {
        /// An image of another size than the first.
        path: PathBuf,
        /// Its width and height.
        size: [usize; 2],
        /// The first image.
        first: PathBuf,
        /// Its width and height.
        first_size: [usize; 2],
        /// How many differ from it.
        others: usize,
        /// How many there are.
        images: usize,
    },
    /// A line of a text file or table that cannot be used.
    #[error("{}: line {line}: {problem}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A file that is not a valid IDX file.
    #[error("{}: {problem}", .path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: IdxError,
    },
    /// An image of a dataset that cannot be decoded.
    #[error("{}: {problem}", .path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: PictureError,
    },
    /// Several images that cannot be read or decoded.
    #[error("{}: {bad} of {images} images cannot be used{}:\n  {}", .path.display(),
        match .problems.len() < *.bad { true => format!(", of which {} are shown", .problems.len()), false => String::new() },
        .problems.join("\n  "))]
    SeveralFiles {
        /// The folder.
        path: PathBuf,
        /// How many there are.
        bad: usize,
        /// The number of all images.
        images: usize,
        /// What is wrong with the first of them, each with its file.
        problems: Vec<String>,
    },
    /// Images and labels that are each valid but make no dataset together.
    #[error("{}: {problem}", .path.display())]
    Samples {
        /// The folder or dataset.
        path: PathBuf,
        /// What is wrong.
        problem: SamplesError,
    },
}

impl DataError {
    /// For `map_err`: the operating system refuses `path`.
    pub(crate) fn unreadable(path: &Path) -> impl Fn(io::Error) -> Self {
        move |problem| Self::Unreadable {
            path: path.into(),
            problem,
        }
    }

    pub(crate) fn invalid(path: &Path, problem: impl Into<String>) -> Self {
        Self::Invalid {
            path: path.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn line(path: &Path, line: u64, problem: impl Into<String>) -> Self {
        Self::Line {
            path: path.into(),
            line,
            problem: problem.into(),
        }
    }

    pub(crate) fn no_pictures(path: &Path) -> Self {
        Self::invalid(path, "there are no images")
    }
}
