//! From a name or a path to a dataset: the one place where formats are listed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bakeoff_core::{Dataset, nearest_name};

use crate::{DataError, builtin, class_folders, idx, labelled, pixel_table};

/// A kind of folder that is a dataset.
///
/// A new format is one more entry of [`formats`] and a module of its own.
#[derive(Debug)]
#[non_exhaustive]
pub struct Format {
    /// A short name, in kebab case.
    pub name: &'static str,
    /// What such a folder holds, as an error message lists it.
    pub expects: &'static str,
    /// Whether a folder looks as if it were meant to be of this format, complete or
    /// not: an incomplete folder gets the errors of the format it was meant to be.
    recognises: fn(&Listing) -> bool,
    open: fn(&Listing) -> Result<Dataset, DataError>,
}

/// Every format, the most specific first: the first that recognises a folder opens it.
const FORMATS: &[Format] = &[
    Format {
        name: "idx",
        expects: "a folder with the four IDX files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte (or test-…) and t10k-labels-idx1-ubyte, gzip or not, and perhaps a classes.txt with one class name per line",
        recognises: idx::recognises,
        open: idx::open,
    },
    Format {
        name: "labelled-pictures",
        expects: "a folder of pictures (PNG or JPEG, of one size) and a labels.csv with the columns file and label, and perhaps a classes.txt; it is a test part only, for `evaluate`",
        recognises: labelled::recognises,
        open: labelled::open,
    },
    Format {
        name: "class-folders",
        expects: "a folder with train/CLASS/ and test/CLASS/, each with pictures (PNG or JPEG, of one size)",
        recognises: class_folders::recognises,
        open: class_folders::open,
    },
    Format {
        name: "pixel-table",
        expects: "a folder with a train.csv and a test.csv (or mnist_train.csv, …), in each row the label and then the pixels of a square grey picture",
        recognises: pixel_table::recognises,
        open: pixel_table::open,
    },
];

/// The kinds of folder that [`open`] recognises.
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// Opens a dataset by its built-in name, or by the path of its folder.
///
/// A built-in name comes before a folder of the same name; `./mnist` is the folder.
/// The dataset is named as the built-in, or as the folder.
///
/// # Errors
/// Names the file, the place in it, what was found and what to do; see [`DataError`].
pub fn open(source: &str) -> Result<Dataset, DataError> {
    if let Some(builtin) = builtin::builtins().iter().find(|b| b.name == source) {
        return builtin.open();
    }
    let path = Path::new(source);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        // A word alone is more likely a misspelt name than a path.
        Err(_) if path.components().count() < 2 => return Err(unknown_name(source)),
        Err(problem) => {
            return Err(DataError::Unreadable {
                path: path.into(),
                problem,
            });
        }
    };
    if !metadata.is_dir() {
        return Err(DataError::NotAFolder { path: path.into() });
    }
    let listing = Listing::new(path)?;
    match FORMATS.iter().find(|format| (format.recognises)(&listing)) {
        Some(format) => (format.open)(&listing),
        None => Err(DataError::Unrecognised {
            path: path.into(),
            contents: listing.contents(),
            expects: expects(),
        }),
    }
}

fn unknown_name(name: &str) -> DataError {
    let names = || builtin::builtins().iter().map(|builtin| builtin.name);
    DataError::UnknownName {
        name: name.into(),
        suggestion: nearest_name(name, names()),
        builtins: names().collect::<Vec<_>>().join(", "),
        expects: expects(),
    }
}

/// What the formats expect, as an error lists it.
fn expects() -> String {
    let each: Vec<&str> = FORMATS.iter().map(|format| format.expects).collect();
    each.join("; or ")
}

/// What lies in a folder, read once. What is not UTF-8 in a name is replaced, so that a
/// file of such a name can be listed but not opened.
#[derive(Debug)]
pub(crate) struct Listing {
    path: PathBuf,
    files: Vec<String>,
    folders: Vec<String>,
}

impl Listing {
    pub(crate) fn new(path: &Path) -> Result<Self, DataError> {
        let unreadable = |problem| DataError::Unreadable {
            path: path.into(),
            problem,
        };
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Follows links: a link to a data file is as good as the file.
            if entry.path().is_dir() {
                folders.push(name);
            } else {
                files.push(name);
            }
        }
        files.sort_unstable();
        folders.sort_unstable();
        Ok(Self {
            path: path.into(),
            files,
            folders,
        })
    }

    /// The folder, as it was named.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the files in it, sorted.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The names of the folders in it, sorted.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    /// The folder's own name, also where the path is `.` or ends in `..`.
    pub(crate) fn name(&self) -> String {
        let named = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
        named(&self.path)
            .or_else(|| named(&fs::canonicalize(&self.path).ok()?))
            .unwrap_or_else(|| "dataset".into())
    }

    /// What is there, for an error message: the first twelve names, then a count.
    pub(crate) fn contents(&self) -> String {
        const SHOWN: usize = 12;
        let folders = self.folders.iter().map(|name| format!("{name}/"));
        let names: Vec<String> = self.files.iter().cloned().chain(folders).collect();
        match names.len() {
            0 => "nothing".into(),
            count if count <= SHOWN => names.join(", "),
            count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        }
    }
}

#[cfg(test)]
mod tests;
