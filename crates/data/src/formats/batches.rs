//! CIFAR-10 and CIFAR-100, as binary files and as Python pickles, and other pickles of arrays:
//! `mnist.pkl.gz` (pairs of images and labels), dicts of named arrays.
//! Source: <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::path::PathBuf;

use bakeoff_core::{ImageShape, Images};
use bakeoff_npy::{Array, Elements};

use crate::{
    arrays::{images, labels},
    class_names,
    context::Context,
    error::DataError,
    format::Format,
    listing::{Listing, stem},
    parts::{ClassNames, Labels, Part, Raw, numbered},
    pickle::{self, Id, Pickle},
    words::Role,
};

pub(super) const FORMAT: Format = Format {
    name: "batches",
    expects: "the files of CIFAR-10 or CIFAR-100 (data_batch_1.bin, test_batch.bin; or data_batch_1, train, … as Python pickles), or a pickle of arrays such as mnist.pkl.gz",
    recognises,
    open,
};

/// Three planes of 32×32.
const PIXELS: usize = 3 * 32 * 32;

fn recognises(listing: &Listing) -> bool {
    listing.files().any(|file| kind(listing, file).is_some())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// So many bytes of labels before each image; the last is the label.
    Binary(usize),
    Pickle,
}

fn kind(listing: &Listing, file: &str) -> Option<Kind> {
    let name = file.to_lowercase();
    if name.ends_with(".bin") {
        return match stem(&name) {
            "train" | "test" => Some(Kind::Binary(2)),
            name if name == "test_batch" || name.starts_with("data_batch") => Some(Kind::Binary(1)),
            _ => None,
        };
    }
    let named = [".pkl", ".pickle", ".pkl.gz", ".pickle.gz", ".p"];
    let plain = !name.contains('.') || name.ends_with(".meta");
    let is_named = named.iter().any(|ending| name.ends_with(ending));
    if !plain && !is_named {
        return None;
    }
    let head = listing.head(file).unwrap_or_default();
    let new = matches!(head.as_slice(), [0x80, 2..=5, ..]);
    let old = head.starts_with(b"(dp") || head.starts_with(b"(lp") || head.starts_with(b"((");
    (new || (old && (is_named || name.contains("batch")))).then_some(Kind::Pickle)
}

/// The file, shape, pixels and labels of a part.
type Joined = (PathBuf, ImageShape, Vec<u8>, Vec<u16>);

/// Images and labels of one file.
struct Batch {
    role: Role,
    file: String,
    path: PathBuf,
    images: Images,
    labels: Vec<String>,
}

/// Opens the folder.
fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut names: Option<ClassNames> = None;
    for file in listing.files() {
        let role = match Role::of(file) {
            Some(role) => role,
            None => Role::Train,
        };
        match kind(listing, file) {
            Some(Kind::Binary(before)) => {
                batches.push(binary(listing, file, role, before)?);
                if before == 2 {
                    context.note("of the two labels of each image, the second (fine) one is used");
                }
            }
            Some(Kind::Pickle) => {
                let path = listing.path_of(file);
                let bytes = listing.unpacked(file)?;
                let pickle = pickle::parse(&bytes).map_err(|problem| {
                    DataError::invalid(&path, format!("the pickle cannot be read: {problem}"))
                })?;
                if let Some(found) = label_names(&pickle) {
                    names = Some((path, found));
                } else {
                    batches.extend(unpickled(&pickle, file, &path, role, context)?);
                }
            }
            None => {}
        }
    }
    if let Some(found) = class_names::find(listing)? {
        names = Some(found);
    } else if names.is_none() {
        for file in ["batches.meta.txt", "fine_label_names.txt"] {
            if listing.has(file) {
                names = Some((listing.path_of(file), lines(listing, file)?));
            }
        }
    }
    let mut raw = Raw::default();
    let texts: Vec<Vec<String>> = batches
        .iter_mut()
        .map(|batch| std::mem::take(&mut batch.labels))
        .collect();
    let borrowed: Vec<&[String]> = texts.iter().map(Vec::as_slice).collect();
    let (found, values) = numbered(&borrowed)
        .ok_or_else(|| DataError::invalid(listing.path(), "more than 65536 different labels"))?;
    // A list of fewer names than labels is no list of the classes.
    let highest = values
        .iter()
        .flatten()
        .max()
        .map_or(0, |&label| usize::from(label) + 1);
    raw.names = match (names, found) {
        (_, Some(found)) => Some((listing.path().into(), found)),
        (Some((path, names)), None) if names.len() < highest => {
            context.note(format!(
                "{} names {} classes, and there are {highest}: the names are not used",
                path.display(),
                names.len()
            ));
            None
        }
        (names, None) => names,
    };
    let mut parts: [Option<Joined>; 3] = [None, None, None];
    for (batch, values) in batches.into_iter().zip(values) {
        let shape = batch.images.shape();
        let slot = parts[batch.role as usize]
            .get_or_insert_with(|| (batch.path.clone(), shape, Vec::new(), Vec::new()));
        if slot.1 != shape {
            let problem = format!(
                "{}: images of {shape}, and those before have {}",
                batch.file, slot.1
            );
            return Err(DataError::invalid(&batch.path, problem));
        }
        slot.2.extend_from_slice(batch.images.pixels());
        slot.3.extend(values);
    }
    let mut part = |role: Role| {
        let (path, shape, pixels, values) = parts[role as usize].take()?;
        Some(Part {
            images: Images::new(shape, pixels).ok()?,
            labels: Labels {
                path: path.clone(),
                values,
                unit: "image",
                first: 0,
            },
            groups: None,
            files: None,
            path,
        })
    };
    raw.train = part(Role::Train);
    raw.validation = part(Role::Validation);
    raw.test = part(Role::Test);
    Ok(raw)
}

fn binary(listing: &Listing, file: &str, role: Role, before: usize) -> Result<Batch, DataError> {
    let path = listing.path_of(file);
    let bytes = listing.unpacked(file)?;
    let each = before + PIXELS;
    if bytes.is_empty() || !bytes.len().is_multiple_of(each) {
        let problem = format!(
            "{} bytes are not a whole number of CIFAR's images, {each} bytes each",
            bytes.len()
        );
        return Err(DataError::invalid(&path, problem));
    }
    let (mut pixels, mut labels) = (Vec::with_capacity(bytes.len()), Vec::new());
    for image in bytes.chunks_exact(each) {
        labels.push(image[before - 1].to_string());
        pixels.extend_from_slice(&image[before..]);
    }
    let shape = ImageShape::new(3, 32, 32);
    let images = Images::new(shape, pixels).map_err(|_| DataError::no_pictures(&path))?;
    Ok(Batch {
        role,
        file: file.into(),
        path,
        images,
        labels,
    })
}

fn lines(listing: &Listing, file: &str) -> Result<Vec<String>, DataError> {
    let bytes = listing.read(file, 1 << 20)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(String::from).collect())
}

/// The names of the classes, if the pickle is a file of them.
fn label_names(pickle: &Pickle<'_>) -> Option<Vec<String>> {
    let names = ["label_names", "fine_label_names"]
        .into_iter()
        .find_map(|key| pickle.get(pickle.root(), key))?;
    pickle
        .items(names)
        .iter()
        .map(|&id| pickle.text(id))
        .collect()
}

/// The images of a pickle: a dict of them, or a tuple of two or three pairs.
fn unpickled(
    pickle: &Pickle<'_>,
    file: &str,
    path: &std::path::Path,
    role: Role,
    context: &mut Context<'_>,
) -> Result<Vec<Batch>, DataError> {
    let root = pickle.root();
    let wrong = |problem: String| DataError::invalid(path, problem);
    let mut batch = |role: Role, what: &str, data: Id, answers: Id| -> Result<Batch, DataError> {
        let array = |id: Id, what: String| -> Result<Array, DataError> {
            match pickle.array(id) {
                Some(Ok(array)) => Ok(array),
                Some(Err(problem)) => Err(wrong(format!("{what}: {problem}"))),
                None => Err(wrong(format!("{what}: no array"))),
            }
        };
        let mut data = array(data, format!("{what}images"))?;
        let all: usize = data.dims.iter().skip(1).product();
        if all == PIXELS && data.dims.len() == 2 && matches!(data.elements, Elements::Bytes(_)) {
            data.dims = vec![data.dims[0], 3, 32, 32];
        }
        let labels = labels(
            path,
            &format!("{what}labels"),
            array(answers, format!("{what}labels"))?,
        )?;
        let images = images(path, &format!("{what}images"), data, context)?;
        if images.len() != labels.len() {
            return Err(wrong(format!(
                "{what}{} images, but {} labels",
                images.len(),
                labels.len()
            )));
        }
        Ok(Batch {
            role,
            file: file.into(),
            path: path.into(),
            images,
            labels,
        })
    };
    let first = |keys: &[&str]| keys.iter().find_map(|key| pickle.get(root, key));
    let data = first(&["data", "images", "features", "X", "x"]);
    let answers = first(&["labels", "fine_labels", "target", "targets", "label", "y"]);
    if let (Some(data), Some(answers)) = (data, answers) {
        let batch = batch(role, "", data, answers)?;
        if first(&["fine_labels"]).is_some() {
            context.note("of the two labels of each image, the fine one is used");
        }
        return Ok(vec![batch]);
    }
    let named = |role: Role| {
        let find = |prefixes: &[&str]| {
            prefixes.iter().find_map(|prefix| {
                let names = [
                    format!("{prefix}_{0}", role.word()),
                    format!("{0}_{prefix}", role.word()),
                ];
                names.iter().find_map(|name| pickle.get(root, name))
            })
        };
        Some((
            find(&["x", "X", "images", "data"])?,
            find(&["y", "labels", "label"])?,
        ))
    };
    let mut batches = Vec::new();
    for role in Role::ALL {
        if let Some((data, answers)) = named(role) {
            batches.push(batch(role, &format!("{}: ", role.name()), data, answers)?);
        }
    }
    let pairs: Vec<&[Id]> = pickle
        .items(root)
        .iter()
        .map(|&id| pickle.items(id))
        .collect();
    let roles: &[Role] = match pairs.len() {
        2 => &[Role::Train, Role::Test],
        3 => &Role::ALL,
        _ => &[],
    };
    if !roles.is_empty() && pairs.iter().all(|pair| pair.len() == 2) {
        for (role, pair) in roles.iter().zip(pairs) {
            batches.push(batch(
                *role,
                &format!("{}: ", role.name()),
                pair[0],
                pair[1],
            )?);
        }
    }
    if batches.is_empty() {
        return Err(wrong(
            "the pickle holds no images and labels in a known order: a dict with data and labels, or pairs for training, validation and test. Save them with numpy.savez(x_train=…, y_train=…, x_test=…, y_test=…)".into(),
        ));
    }
    Ok(batches)
}
