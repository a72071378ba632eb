//! A folder with four IDX files: images and labels, for training and for testing.

use std::{collections::BTreeSet, path::PathBuf};

use bakeoff_core::{ImageShape, Images};

use crate::{
    class_names,
    context::Context,
    error::DataError,
    format::Format,
    idx::{self, Array},
    idx_part::part,
    listing::Listing,
    parts::{ClassNames, Part, Raw},
    words::words,
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
fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    if let Some(file) = listing.only() {
        let problem =
            "this is a file of an IDX dataset; name the folder that holds all four instead";
        return Err(DataError::invalid(&listing.path_of(file), problem));
    }
    let files = files(listing, context)?;
    let read = |file: &String, labels: bool| -> Result<(PathBuf, Array), DataError> {
        let (input, bytes) = listing.reader(file)?;
        let path = listing.path_of(file);
        let array = match labels {
            true => idx::read_labels(input, bytes),
            false => idx::read(input, bytes),
        };
        match array {
            Ok(array) => Ok((path, array)),
            Err(problem) => Err(DataError::Idx { path, problem }),
        }
    };
    let read_part = |files: &Option<[String; 2]>| -> Result<Option<Part>, DataError> {
        let Some([images, labels]) = files else {
            return Ok(None);
        };
        part(read(images, false)?, read(labels, true)?).map(Some)
    };
    let (train, test) = rayon::join(|| read_part(&files[0]), || read_part(&files[1]));
    let mut parts = [train?, test?];
    let mut names = class_names::find(listing)?;
    let mut all_files = files.iter().flatten().flatten();
    let is_emnist = all_files.any(|file| words(file).contains(&"emnist".into()));
    let mut labels = parts.iter().flatten().map(|part| &part.labels);
    let labels_path = labels.clone().next().map(|labels| labels.path.clone());
    let from_one = labels.all(|labels| !labels.values.contains(&0));
    if names.is_none()
        && let Some((file, mapping)) = mapping(listing)?
    {
        names = Some(by_mapping(file, &mapping, &mut parts)?);
        context.note(
            "the classes are named by the mapping file; labels that never occur are left out",
        );
    } else if names.is_none() && from_one {
        for part in parts.iter_mut().flatten() {
            for label in &mut part.labels.values {
                *label -= 1;
            }
        }
        let highest = parts
            .iter()
            .flatten()
            .flat_map(|part| &part.labels.values)
            .max()
            .copied();
        let classes = (1..=highest.unwrap_or_default() + 1).map(|label| label.to_string());
        let path = labels_path.unwrap_or_else(|| listing.path().into());
        names = Some((path, classes.collect()));
        context.note("the labels begin with 1, so that there is no class 0");
    }
    if is_emnist {
        for part in parts.iter_mut().flatten() {
            part.images = transposed(&part.images);
        }
        context
            .note("images of EMNIST are stored with rows and columns exchanged, and were turned");
    }
    let [train, test] = parts;
    Ok(Raw {
        train,
        test,
        names,
        ..Raw::default()
    })
}

/// The images and labels of the training and of the test part, or which of them are missing. Without
/// a training part there is something to measure a model on, and without a test part a share can
/// be stated.
fn files(listing: &Listing, context: &Context<'_>) -> Result<[Option<[String; 2]>; 2], DataError> {
    let mut files = [const { None }; 4];
    for (role, slot) in ROLES.iter().zip(&mut files) {
        *slot = role.find(listing)?.map(String::from);
    }
    let missing = |from: usize| {
        let roles = ROLES.iter().zip(&files).skip(from).take(2);
        let missing = roles.filter(|(_, file)| file.is_none());
        missing.map(|(role, _)| role.name).collect::<Vec<_>>()
    };
    let (train, test) = (missing(0), missing(2));
    let is_whole = |part: &[&str]| part.is_empty();
    let is_absent = |part: &[&str]| part.len() == 2;
    let enough = (is_whole(&train) && is_whole(&test))
        || (is_absent(&train) && is_whole(&test))
        || (is_whole(&train) && is_absent(&test) && context.options.test_fraction.is_some());
    if !enough {
        let remedy = match is_whole(&train) && is_absent(&test) {
            true => " (or state which share is for testing, as in --test-fraction 0.2)",
            false => "",
        };
        let names = [train, test].concat().join(", ");
        return Err(listing.missing(&format!("{names}{remedy}")));
    }
    let [train_images, train_labels, test_images, test_labels] = files;
    Ok([
        train_images.zip(train_labels).map(Into::into),
        test_images.zip(test_labels).map(Into::into),
    ])
}

/// EMNIST's file of what each label stands for: lines of a label and the codes of characters.
/// Source: Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017.
type Mapping = Vec<(u16, String)>;

fn mapping(listing: &Listing) -> Result<Option<(PathBuf, Mapping)>, DataError> {
    let mut files = listing
        .files()
        .filter(|file| file.to_lowercase().ends_with("-mapping.txt"));
    let (Some(file), None) = (files.next(), files.next()) else {
        return Ok(None);
    };
    let path = listing.path_of(file);
    let bytes = listing.read(file, 1 << 20)?;
    let mut mapping = Vec::new();
    for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let numbers: Option<Vec<u16>> = line
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect();
        let entry = numbers.as_deref().and_then(|numbers| {
            let (label, codes) = numbers.split_first()?;
            let characters = codes.iter().map(|&code| char::from_u32(code.into()));
            let name: String = characters.collect::<Option<String>>()?;
            (!name.is_empty()).then_some((*label, name))
        });
        mapping.push(entry.ok_or_else(|| {
            let problem = "a line has a label and the codes of its characters, such as `1 65 97`";
            DataError::line(&path, index as u64 + 1, problem)
        })?);
    }
    Ok(Some((path, mapping)))
}

/// Makes the labels that occur the classes, named by the mapping.
fn by_mapping(
    path: PathBuf,
    mapping: &Mapping,
    parts: &mut [Option<Part>; 2],
) -> Result<ClassNames, DataError> {
    let occurring: BTreeSet<u16> = parts
        .iter()
        .flatten()
        .flat_map(|part| &part.labels.values)
        .copied()
        .collect();
    let mut names = Vec::new();
    for label in &occurring {
        let name = mapping.iter().find(|(known, _)| known == label);
        let Some((_, name)) = name else {
            let problem = format!("label {label} occurs and is not in the mapping");
            return Err(DataError::invalid(&path, problem));
        };
        names.push(name.clone());
    }
    let places: Vec<u16> = occurring.into_iter().collect();
    for part in parts.iter_mut().flatten() {
        for label in &mut part.labels.values {
            // Every label occurs, and there are at most 65,536.
            *label = places.binary_search(label).unwrap_or_default() as u16;
        }
    }
    Ok((path, names))
}

/// Rows and columns of every image exchanged.
fn transposed(images: &Images) -> Images {
    let shape = images.shape();
    let (height, width) = (shape.height, shape.width);
    let mut pixels = Vec::with_capacity(images.pixels().len());
    for plane in images.pixels().chunks_exact(height * width) {
        for x in 0..width {
            pixels.extend(plane.iter().skip(x).step_by(width));
        }
    }
    let turned = ImageShape::new(shape.channels, width, height);
    // As many pixels as before.
    Images::new(turned, pixels).unwrap_or_else(|_| images.clone())
}
