//! What can be wrong with a dataset: each error names the file, the place, what was
//! found there and what to do.

use std::{io, path::PathBuf};

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
        "there is no dataset `{name}`{}. Built in: {builtins}. The path of a folder works too: {expects}",
        did_you_mean(.suggestion.as_deref())
    )]
    UnknownName {
        /// What was asked for.
        name: String,
        /// The built-in name that comes nearest.
        suggestion: Option<String>,
        /// The built-in names.
        builtins: String,
        /// The kinds of folder that are recognised.
        expects: String,
    },
    /// A path to a file where a folder is expected.
    #[error("{}: this is a file; name the folder that holds the dataset instead", .path.display())]
    NotAFolder {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The operating system refuses a file or folder.
    #[error("{}: cannot be read: {problem}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        problem: io::Error,
    },
    /// A folder in which no format recognises itself.
    #[error("{}: no known dataset in this folder. It holds {contents}. Expected: {expects}", .path.display())]
    Unrecognised {
        /// The folder.
        path: PathBuf,
        /// What lies in it.
        contents: String,
        /// The kinds of folder that are recognised.
        expects: String,
    },
    /// Some of the files of a dataset are not there.
    #[error("{}: {missing} not found (gzip, with or without .gz, works too). The folder holds {contents}", .path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The usual names of the files that are missing.
        missing: String,
        /// What lies in the folder.
        contents: String,
    },
    /// Several files could each be the one that is looked for.
    #[error("{}: more than one file could be {role}: {candidates}. Keep one dataset in one folder", .path.display())]
    Ambiguous {
        /// The folder.
        path: PathBuf,
        /// The usual name of the file.
        role: String,
        /// The files that fit.
        candidates: String,
    },
    /// A file that is not a sound IDX file.
    #[error("{}: {problem}", .path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: IdxError,
    },
    /// A sound IDX file with the wrong number of dimensions for its role.
    #[error("{}: byte 3: the file has {found} dimension(s) ({sizes}), but {expected}", .path.display())]
    Rank {
        /// The file.
        path: PathBuf,
        /// Dimensions found.
        found: usize,
        /// Their sizes.
        sizes: String,
        /// What the role needs.
        expected: &'static str,
    },
    /// Not one label for each picture.
    #[error(
        "byte 4: {} has {images} pictures, but {} has {labels} labels: the files do not belong together",
        .images_path.display(),
        .labels_path.display()
    )]
    Counts {
        /// The file of pictures.
        images_path: PathBuf,
        /// Pictures in it.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// Labels in it.
        labels: usize,
    },
    /// A part without any samples.
    #[error("{}: byte 4: the header claims 0 pictures, and nothing can be learned or measured without any", .path.display())]
    NoSamples {
        /// The file of pictures.
        path: PathBuf,
    },
    /// A label for which there is no class name.
    #[error(
        "{}: byte {offset}: label {label} of sample {index} is out of range, because {} names {classes} classes (0 to {}). Add the missing names or correct the label",
        .path.display(),
        .names_path.display(),
        .classes.saturating_sub(1)
    )]
    Label {
        /// The file of labels.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// The sample, from 0.
        index: usize,
        /// The label.
        label: u8,
        /// Number of classes.
        classes: usize,
        /// The file of class names.
        names_path: PathBuf,
    },
    /// A file of class names that cannot be used.
    #[error("{}: line {line}: {problem}", .path.display())]
    ClassNames {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A table that cannot be used.
    #[error("{}: line {line}: {problem}", .path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A picture of a dataset that cannot be decoded.
    #[error("{}: {problem}", .path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: PictureError,
    },
    /// Pictures of a dataset of different sizes.
    #[error(
        "{}: {width}×{height} pixels, but {} has {first_width}×{first_height}: the pictures of a dataset must all be of one size",
        .path.display(),
        .first.display()
    )]
    PictureSize {
        /// The file.
        path: PathBuf,
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
        /// The first picture.
        first: PathBuf,
        /// The first picture's width.
        first_width: usize,
        /// The first picture's height.
        first_height: usize,
    },
    /// A folder of classes that cannot be used.
    #[error("{}: {problem}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A dataset without a picture.
    #[error("{}: there are no pictures", .path.display())]
    NoPictures {
        /// The folder or table.
        path: PathBuf,
    },
    /// Training and test pictures of different shapes.
    #[error(
        "{} holds pictures of {train}, but {} of {test}: the files do not belong together",
        .train_path.display(),
        .test_path.display()
    )]
    Shapes {
        /// The file of training pictures.
        train_path: PathBuf,
        /// Their shape.
        train: String,
        /// The file of test pictures.
        test_path: PathBuf,
        /// Their shape.
        test: String,
    },
    /// Pictures and labels that are sound each but make no dataset together.
    #[error("{}: {problem}", .path.display())]
    Samples {
        /// The folder or dataset.
        path: PathBuf,
        /// What is wrong.
        problem: SamplesError,
    },
}
