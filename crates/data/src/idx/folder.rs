//! A folder with four IDX files: pictures and labels, for training and for testing.

use std::path::{Path, PathBuf};

use bakeoff_core::{Dataset, ImageShape, Images, Samples};

use super::{Array, read_file, times};
use crate::{DataError, class_names, source::Listing};

/// The four files, in the order of the fields of [`Parts`].
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
            _ => Err(DataError::Ambiguous {
                path: listing.path().into(),
                role: self.name.into(),
                candidates: fitting.join(", "),
            }),
        }
    }
}

/// Whether any of the four files is there.
pub(crate) fn recognises(listing: &Listing) -> bool {
    listing
        .files()
        .any(|file| ROLES.iter().any(|role| role.fits(file)))
}

/// Opens the folder.
pub(crate) fn open(listing: &Listing) -> Result<Dataset, DataError> {
    let [train_images, train_labels, test_images, test_labels] = files(listing)?;
    let class_names = class_names::find(listing)?;
    let ((train_images, train_labels), (test_images, test_labels)) = rayon::join(
        || (Part::read(train_images), Part::read(train_labels)),
        || (Part::read(test_images), Part::read(test_labels)),
    );
    assemble(
        listing.path(),
        &listing.name(),
        Parts {
            train_images: train_images?,
            train_labels: train_labels?,
            test_images: test_images?,
            test_labels: test_labels?,
        },
        class_names,
    )
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
    Err(DataError::Missing {
        path: listing.path().into(),
        missing: missing.join(", "),
        contents: listing.contents(),
    })
}

/// One of the four arrays, and where it came from.
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) array: Array,
}

impl Part {
    fn read(path: PathBuf) -> Result<Self, DataError> {
        let array = read_file(&path)?;
        Ok(Self { path, array })
    }
}

/// The four arrays of a dataset.
pub(crate) struct Parts {
    pub(crate) train_images: Part,
    pub(crate) train_labels: Part,
    pub(crate) test_images: Part,
    pub(crate) test_labels: Part,
}

/// Puts the four arrays together; `path` is named where no one file is at fault.
pub(crate) fn assemble(
    path: &Path,
    name: &str,
    parts: Parts,
    class_names: Option<(PathBuf, Vec<String>)>,
) -> Result<Dataset, DataError> {
    let (train_path, test_path) = (
        parts.train_images.path.clone(),
        parts.test_images.path.clone(),
    );
    for labels in [&parts.train_labels, &parts.test_labels] {
        check_rank(labels)?;
    }
    let class_names = match class_names {
        Some((names_path, names)) => {
            for labels in [&parts.train_labels, &parts.test_labels] {
                check_labels(labels, names.len(), &names_path)?;
            }
            names
        }
        None => {
            let labels = [&parts.train_labels, &parts.test_labels];
            let highest = labels
                .iter()
                .filter_map(|part| part.array.data.iter().max())
                .max();
            // Without names, the labels themselves say how many classes there are.
            let classes = highest.map_or(0, |&label| usize::from(label) + 1);
            (0..classes).map(|label| label.to_string()).collect()
        }
    };
    let train = samples(path, parts.train_images, parts.train_labels, &class_names)?;
    let test = samples(path, parts.test_images, parts.test_labels, &class_names)?;
    let (train_shape, test_shape) = (train.images().shape(), test.images().shape());
    if train_shape != test_shape {
        return Err(DataError::Shapes {
            train_path,
            train: train_shape.to_string(),
            test_path,
            test: test_shape.to_string(),
        });
    }
    Dataset::new(name, train, test).map_err(|problem| DataError::Samples {
        path: path.into(),
        problem,
    })
}

/// Labels have one dimension.
fn check_rank(labels: &Part) -> Result<(), DataError> {
    if labels.array.dims.len() == 1 {
        return Ok(());
    }
    Err(DataError::Rank {
        path: labels.path.clone(),
        found: labels.array.dims.len(),
        sizes: times(&labels.array.dims),
        expected: "labels need 1 (samples): is this the file of labels?",
    })
}

/// Every label has a name.
fn check_labels(labels: &Part, classes: usize, names_path: &Path) -> Result<(), DataError> {
    let wrong = labels
        .array
        .data
        .iter()
        .enumerate()
        .find(|&(_, &label)| usize::from(label) >= classes);
    wrong.map_or(Ok(()), |(index, &label)| {
        Err(DataError::Label {
            path: labels.path.clone(),
            offset: 8 + index as u64,
            index,
            label,
            classes,
            names_path: names_path.into(),
        })
    })
}

/// One part of the dataset.
fn samples(
    path: &Path,
    images: Part,
    labels: Part,
    class_names: &[String],
) -> Result<Samples, DataError> {
    let shape = match *images.array.dims.as_slice() {
        [_, height, width] => ImageShape::new(1, height, width),
        [_, channels, height, width] => ImageShape::new(channels, height, width),
        ref dims => {
            return Err(DataError::Rank {
                path: images.path,
                found: dims.len(),
                sizes: times(dims),
                expected: "pictures need 3 (samples, rows, columns) or 4 (samples, channels, rows, columns): is this the file of pictures?",
            });
        }
    };
    let (count, label_count) = (images.array.dims[0], labels.array.data.len());
    if count != label_count {
        return Err(DataError::Counts {
            images_path: images.path,
            images: count,
            labels_path: labels.path,
            labels: label_count,
        });
    }
    if count == 0 {
        return Err(DataError::NoSamples { path: images.path });
    }
    let wrong = |problem| DataError::Samples {
        path: path.into(),
        problem,
    };
    let images = Images::new(shape, images.array.data).map_err(|_| DataError::NoSamples {
        path: images.path.clone(),
    })?;
    let labels: Vec<u16> = labels.array.data.into_iter().map(u16::from).collect();
    Samples::new(images, labels, class_names).map_err(wrong)
}
