//! NumPy's arrays: `mnist.npz` of Keras, MedMNIST's and KMNIST's npz, pairs of `.npy`, and an
//! `.npy` for each class (Quick, Draw!).
//!
//! An array is known by the words of its name, that of its file included: the part (`train`,
//! `val`, `test`) and whether it holds images (`x`, `images`, `imgs`, `data`) or labels (`y`,
//! `labels`). Names are needed because arrays look alike.

use std::path::PathBuf;

use bakeoff_npy::{Array, NpyError};

use crate::{
    archive::Archive,
    arrays::{images, labels},
    class_names,
    context::Context,
    error::DataError,
    format::Format,
    listing::{Listing, stem},
    parts::{Labels, Part, Raw, numbered},
    words::{Role, words},
};

pub(super) const FORMAT: Format = Format {
    name: "numpy",
    expects: "an npz file with x_train, y_train, x_test and y_test (Keras) or train_images, train_labels, … (MedMNIST); or such arrays as npy or npz files in a folder; or an npy file for each class",
    recognises,
    open,
};

fn is_numpy(file: &str) -> bool {
    let name = file.to_lowercase();
    name.ends_with(".npz") || name.ends_with(".npy")
}

fn recognises(listing: &Listing) -> bool {
    listing.files().any(is_numpy)
}

/// What an array holds, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Images,
    Labels,
}

fn holds(name: &str) -> Option<Holds> {
    let words = words(name);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let labels = has(&[
        "y", "label", "labels", "target", "targets", "ytrain", "ytest", "classes",
    ]);
    let images = has(&[
        "x", "image", "images", "imgs", "img", "data", "xtrain", "xtest", "features", "pixels",
    ]);
    match (images, labels) {
        (true, false) => Some(Holds::Images),
        (false, true) => Some(Holds::Labels),
        _ => None,
    }
}

/// An array with its name: that of its file, and its own in an npz.
pub(crate) struct Named {
    pub(crate) name: String,
    path: PathBuf,
    pub(crate) array: Array,
}

/// Opens the folder.
fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    let files: Vec<&str> = listing.files().filter(|file| is_numpy(file)).collect();
    let named: Vec<(Option<Role>, Option<Holds>)> = files
        .iter()
        .map(|file| (Role::of(file), holds(stem(file))))
        .collect();
    let single = files
        .iter()
        .all(|file| file.to_lowercase().ends_with(".npy"));
    if single
        && files.len() > 1
        && named
            .iter()
            .all(|(role, holds)| role.is_none() && holds.is_none())
    {
        return class_per_file(listing, &files, context);
    }
    let mut arrays = Vec::new();
    for file in files {
        arrays.extend(read(listing, file, "uint8")?);
    }
    let mut raw = Raw {
        names: class_names::find(listing)?,
        ..Raw::default()
    };
    let mut parts = Vec::new();
    for role in Role::ALL {
        let role_of = |named: &Named| Role::of(&named.name).unwrap_or(Role::Train) == role;
        let mut found = [None, None];
        for (slot, holding) in found.iter_mut().zip([Holds::Images, Holds::Labels]) {
            let mut fitting = arrays
                .iter()
                .enumerate()
                .filter(|(_, named)| role_of(named) && holds(&named.name) == Some(holding));
            *slot = fitting.next().map(|(at, _)| at);
            if let (Some(first), Some((second, _))) = (*slot, fitting.next()) {
                let problem = format!(
                    "{} and {} could both be of the {} part: keep one dataset in one folder",
                    arrays[first].name,
                    arrays[second].name,
                    role.name()
                );
                return Err(DataError::invalid(listing.path(), problem));
            }
        }
        match found {
            [Some(images), Some(labels)] => {
                let (first, second) = (images.max(labels), images.min(labels));
                let (a, b) = (arrays.swap_remove(first), arrays.swap_remove(second));
                let (images, labels) = if images > labels { (a, b) } else { (b, a) };
                parts.push((role, images, labels));
            }
            [None, None] => {}
            [images, _] => {
                let lacking = if images.is_some() { "labels" } else { "images" };
                let problem = format!(
                    "the {} part has no array of {lacking}{}",
                    role.name(),
                    there(&arrays)
                );
                return Err(DataError::invalid(listing.path(), problem));
            }
        }
    }
    if parts.is_empty() {
        let problem = format!(
            "no arrays are named as images and labels, such as x_train and y_train{}",
            there(&arrays)
        );
        return Err(DataError::invalid(listing.path(), problem));
    }
    if !arrays.is_empty() {
        let names: Vec<&str> = arrays.iter().map(|named| named.name.as_str()).collect();
        context.note(format!(
            "arrays that are neither images nor labels are left out: {}",
            crate::notes::some(&names)
        ));
    }
    let mut texts = Vec::new();
    let mut read = Vec::new();
    for (role, of_images, of_labels) in parts {
        let path = of_images.path.clone();
        let images = images(&path, &of_images.name, of_images.array, context)?;
        let values = labels(&of_labels.path, &of_labels.name, of_labels.array)?;
        if images.len() != values.len() {
            let problem = format!(
                "{} has {} images, but {} has {} labels: they do not belong together",
                of_images.name,
                images.len(),
                of_labels.name,
                values.len()
            );
            return Err(DataError::invalid(&path, problem));
        }
        texts.push(values);
        read.push((role, path, images, of_labels.path));
    }
    let borrowed: Vec<&[String]> = texts.iter().map(Vec::as_slice).collect();
    let (names, values) = numbered(&borrowed)
        .ok_or_else(|| DataError::invalid(listing.path(), "more than 65536 different labels"))?;
    raw.names = match (raw.names, names) {
        (None, Some(names)) => Some((listing.path().into(), names)),
        (names, _) => names,
    };
    for ((role, path, images, labels_path), values) in read.into_iter().zip(values) {
        let part = Part {
            images,
            labels: Labels {
                path: labels_path,
                values,
                unit: "element",
                first: 0,
            },
            groups: None,
            files: None,
            path,
        };
        match role {
            Role::Train => raw.train = Some(part),
            Role::Validation => raw.validation = Some(part),
            Role::Test => raw.test = Some(part),
        }
    }
    Ok(raw)
}

/// The names that are there, for an error.
fn there(arrays: &[Named]) -> String {
    let names: Vec<&str> = arrays.iter().map(|named| named.name.as_str()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; there are {}", names.join(", ")),
    }
}

/// The arrays of a file. One alone in an npz is named by the file. `save_as` is the type that is recommended
/// where one is not read.
pub(crate) fn read(listing: &Listing, file: &str, save_as: &str) -> Result<Vec<Named>, DataError> {
    let path = listing.path_of(file);
    let parse = |name: &str, bytes: Vec<u8>| {
        bakeoff_npy::parse(bytes).map_err(|error| {
            let remedy = match error {
                NpyError::Type(_) => format!(": save it as {save_as}"),
                _ => String::new(),
            };
            DataError::invalid(&path, format!("{name}: {error}{remedy}"))
        })
    };
    let bytes = listing.unpacked(file)?;
    if !bytes.starts_with(b"PK") {
        let array = parse(file, bytes)?;
        let name = stem(file).to_owned();
        return Ok(vec![Named { name, path, array }]);
    }
    let archive = Archive::new(&path, bytes)?;
    let names: Vec<String> = archive
        .names("")
        .map(|names| names.files.iter().cloned().collect())
        .unwrap_or_default();
    let alone = names.len() == 1;
    names
        .into_iter()
        .map(|inner| {
            let bytes = archive.read(&path, &inner, crate::archive::MAX_UNPACKED)?;
            Ok(Named {
                array: parse(&inner, bytes)?,
                name: if alone {
                    stem(file).into()
                } else {
                    stem(&inner).into()
                },
                path: path.clone(),
            })
        })
        .collect()
}

/// A file for each class, named by it.
fn class_per_file(
    listing: &Listing,
    files: &[&str],
    context: &mut Context<'_>,
) -> Result<Raw, DataError> {
    let mut pixels = Vec::new();
    let mut values = Vec::new();
    let mut shape = None;
    for (class, file) in files.iter().enumerate() {
        let class = u16::try_from(class)
            .map_err(|_| DataError::invalid(listing.path(), "more than 65536 classes"))?;
        for named in read(listing, file, "uint8")? {
            let found = images(&named.path, &named.name, named.array, context)?;
            if *shape.get_or_insert(found.shape()) != found.shape() {
                let problem = format!(
                    "images of {}, and those before are of another size",
                    found.shape()
                );
                return Err(DataError::invalid(&named.path, problem));
            }
            values.extend(std::iter::repeat_n(class, found.len()));
            pixels.extend_from_slice(found.pixels());
        }
    }
    context.note("each npy file is taken as a class, named by the file");
    let none = || DataError::no_pictures(listing.path());
    let images = bakeoff_core::Images::new(shape.ok_or_else(none)?, pixels).map_err(|_| none())?;
    let names = files.iter().map(|file| stem(file).to_owned()).collect();
    let path = listing.path().to_path_buf();
    Ok(Raw {
        train: Some(Part {
            images,
            labels: Labels {
                path: path.clone(),
                values,
                unit: "image",
                first: 1,
            },
            groups: None,
            files: None,
            path: path.clone(),
        }),
        names: Some((path, names)),
        ..Raw::default()
    })
}
