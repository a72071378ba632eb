//! A folder with four IDX files: images and labels, for training and for testing.

use std::path::PathBuf;

use bakeoff_core::Dataset;

use crate::{
    class_names,
    error::DataError,
    format::Format,
    idx::{self, Array},
    idx_part::part,
    listing::Listing,
    parts::dataset,
};

pub(super) const FORMAT: Format = Format {
    name: "idx",
    expects: "a folder with the four IDX files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte (or test-…) and t10k-labels-idx1-ubyte, gzip or not, and perhaps a classes.txt with one class name per line",
    recognises,
    open,
};

/// The four files: images and labels for training, then for testing.
const ROLES: [Role; 4] = [
    Role {
        name: "train-images-idx3-ubyte",
        parts: &["train"],
        kind: "images",
    },
    Role {
        name: "train-labels-idx1-ubyte",
        parts: &["train"],
        kind: "labels",
    },
    Role {
        name: "t10k-images-idx3-ubyte",
        parts: &["t10k", "test"],
        kind: "images",
    },
    Role {
        name: "t10k-labels-idx1-ubyte",
        parts: &["t10k", "test"],
        kind: "labels",
    },
];

/// What one of the four files is for.
struct Role {
    /// Its usual name.
    name: &'static str,
    /// Words of which one is in its name.
    parts: &'static [&'static str],
    /// A word that is in its name.
    kind: &'static str,
}

impl Role {
    /// Whether a file of this name can play the role: `train-images-idx3-ubyte`,
    /// `train-images.idx3-ubyte.gz`, `emnist-letters-train-images-idx3-ubyte`, …
    fn fits(&self, file: &str) -> bool {
        let name = file.to_lowercase();
        name.contains("idx")
            && name.contains(self.kind)
            && self.parts.iter().any(|part| name.contains(part))
    }

    /// The one file of the folder that plays the role; `None` where there is none.
    fn find<'a>(&self, listing: &'a Listing) -> Result<Option<&'a str>, DataError> {
        let fitting: Vec<&str> = listing.files().filter(|file| self.fits(file)).collect();
        let stem = |file: &str| {
            let lower = file.to_lowercase();
            lower.strip_suffix(".gz").unwrap_or(&lower).to_owned()
        };
        match *fitting.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            // A file beside its own compressed form is one file; the unpacked one is
            // quicker to read.
            [a, b] if stem(a) == stem(b) => Ok(Some(if b.to_lowercase().ends_with(".gz") {
                a
            } else {
                b
            })),
            _ => Err(DataError::invalid(
                listing.path(),
                format!(
                    "more than one file could be {}: {}. Keep one dataset in one folder",
                    self.name,
                    fitting.join(", ")
                ),
            )),
        }
    }
}

/// Whether any of the four files is there.
fn recognises(listing: &Listing) -> bool {
    listing
        .files()
        .any(|file| ROLES.iter().any(|role| role.fits(file)))
}

/// Opens the folder.
fn open(listing: &Listing) -> Result<Dataset, DataError> {
    let [train_images, train_labels, test_images, test_labels] = files(listing)?;
    let class_names = class_names::find(listing)?;
    let (train, test) = rayon::join(
        || part(read(train_images)?, read(train_labels)?),
        || part(read(test_images)?, read(test_labels)?),
    );
    let name = listing.name();
    dataset(listing.path(), &name, train?, test?, class_names)
}

fn read(path: PathBuf) -> Result<(PathBuf, Array), DataError> {
    let array = idx::read_file(&path)?;
    Ok((path, array))
}

/// The paths of the four files, or which of them are missing.
fn files(listing: &Listing) -> Result<[PathBuf; 4], DataError> {
    let mut missing = Vec::new();
    let mut paths = [const { PathBuf::new() }; 4];
    for (role, path) in ROLES.iter().zip(&mut paths) {
        match role.find(listing)? {
            Some(file) => *path = listing.path().join(file),
            None => missing.push(role.name),
        }
    }
    if missing.is_empty() {
        return Ok(paths);
    }
    Err(listing.missing(&missing.join(", ")))
}
