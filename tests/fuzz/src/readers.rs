//! Readers of datasets, images and experiments.
//!
//! A file is opened by its path, as a person does. What a person states (size, colour, a test part)
//! follows the length of the input, so that an input is a file as it lies on a disk.

use std::{fs, path::Path};

use bakeoff_bench::Experiment;
use bakeoff_core::{Colour, Fit, ImageShape, OpenOptions, Preparation};

use crate::files;

/// What is stated for an input of this length.
fn options(length: usize) -> OpenOptions {
    OpenOptions {
        size: length.is_multiple_of(3).then_some([5, 4]),
        fit: Fit::ALL[length % 4 % 3],
        colour: Colour::ALL[length % 5 % 3],
        test_fraction: Some(0.5),
        ..OpenOptions::default()
    }
}

/// Opens a dataset at a path.
fn open(path: &Path, length: usize) -> Result<(), String> {
    let path = path.to_string_lossy();
    let problem = |problem: bakeoff_data::DataError| problem.to_string();
    let opened = bakeoff_data::open_with(&path, &options(length)).map_err(problem)?;
    for note in &opened.notes {
        assert!(!note.to_string().is_empty(), "a note that says nothing");
    }
    let train = opened.dataset.train();
    let _ = bakeoff_data::preparation(train.images(), &options(length));
    Ok(())
}

/// Opens a file of a name.
fn file(name: &str, input: &[u8]) -> Result<(), String> {
    let path = files::folder(name).join(name);
    fs::write(&path, input).map_err(|error| error.to_string())?;
    open(&path, input.len())
}

pub(crate) fn idx(input: &[u8]) -> Result<(), String> {
    let array = bakeoff_data::idx::parse(input).map_err(|problem| problem.to_string())?;
    let mut written = Vec::new();
    let bytes = &array.data;
    bakeoff_data::idx::write(&mut written, &array.dims, bytes)
        .map_err(|error| error.to_string())?;
    let again = bakeoff_data::idx::parse(&written).map_err(|problem| problem.to_string());
    assert_eq!(
        again.as_ref(),
        Ok(&array),
        "what is written is what is read"
    );
    Ok(())
}

/// Predictions of another program: the first bytes say what kind of file it is.
pub(crate) fn answers(input: &[u8]) -> Result<(), String> {
    let name = match input.first() {
        Some(0x93) => "answers.npy",
        Some(b'[' | b'{') => "answers.json",
        _ => "answers.csv",
    };
    let path = files::folder(name).join(name);
    fs::write(&path, input).map_err(|error| error.to_string())?;
    let classes = ["a", "b"].map(String::from);
    let found = bakeoff_data::open_answers(&path, &classes, None).map_err(|e| e.to_string())?;
    assert!(found.rows > 0, "predictions of nothing");
    match &found.labels {
        Some(labels) => assert_eq!((labels.len(), found.width), (found.rows, 0)),
        None => assert_eq!(found.scores.len(), found.rows * found.width),
    }
    if let Some((_, ids)) = &found.ids {
        assert_eq!(ids.len(), found.rows);
    }
    Ok(())
}

pub(crate) fn picture(input: &[u8]) -> Result<(), String> {
    let shape = match input.len() % 3 {
        0 => ImageShape::new(3, 9, 7),
        _ => ImageShape::new(1, 28, 28),
    };
    let how = match input.len() % 4 {
        0 => Preparation::Plain { fit: Fit::Pad },
        _ => Preparation::Ink,
    };
    let found = bakeoff_picture::numbers(input, ImageShape::new(1, 28, 28));
    if let Ok(found) = &found {
        assert!(found.rows.iter().flatten().any(Option::is_some));
    }
    let prepared = bakeoff_picture::prepare(input, shape, how);
    let prepared = prepared.map_err(|problem| problem.to_string())?;
    assert_eq!(prepared.images.shape(), shape);
    Ok(())
}

pub(crate) fn csv(input: &[u8]) -> Result<(), String> {
    let opened = file("table.csv", input);
    // As `bakeoff predict` and `evaluate` read it.
    let path = files::folder("table.csv").join("table.csv");
    if bakeoff_data::is_pixel_table(&path) {
        let table = bakeoff_data::open_table(
            &path,
            &options(input.len()),
            ImageShape::new(1, 28, 28),
            None,
        );
        if let Err(problem) = table {
            assert!(!problem.to_string().is_empty());
        }
    }
    opened
}

pub(crate) fn libsvm(input: &[u8]) -> Result<(), String> {
    file("things.libsvm", input)
}

pub(crate) fn npz(input: &[u8]) -> Result<(), String> {
    file("arrays.npz", input)
}

pub(crate) fn pickle(input: &[u8]) -> Result<(), String> {
    file("pairs.pkl", input)
}

#[cfg(feature = "parquet")]
pub(crate) fn parquet(input: &[u8]) -> Result<(), String> {
    file("train.parquet", input)
}

pub(crate) fn zip(input: &[u8]) -> Result<(), String> {
    file("packed.zip", input)
}

pub(crate) fn gz(input: &[u8]) -> Result<(), String> {
    file("packed.tar.gz", input)
}

/// A tar archive. The checksum of each header is made to fit.
pub(crate) fn tar(input: &[u8]) -> Result<(), String> {
    const BLOCK: usize = 512;
    let mut archive = input.to_vec();
    let mut at = 0;
    while let Some(header) = archive.get_mut(at..at + BLOCK) {
        // Blocks of zeros end an archive.
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        header[154] = 0;
        let digits = header[124..136]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        let digits: String = digits.map(|&byte| char::from(byte)).collect();
        let size = usize::from_str_radix(&digits, 8).unwrap_or(0);
        let blocks = size.div_ceil(BLOCK).saturating_add(1);
        at = at.saturating_add(blocks.saturating_mul(BLOCK));
        if at > archive.len() {
            break;
        }
    }
    file("packed.tar", &archive)
}

/// A folder of several files: those of IDX, images in folders of classes, tables that name images,
/// batches of CIFAR, arrays, names of classes.
pub(crate) fn folder(input: &[u8]) -> Result<(), String> {
    let folder = files::emptied("folder");
    files::write(&folder, &files::split(input));
    open(&folder, input.len())
}

pub(crate) fn experiment(input: &[u8]) -> Result<(), String> {
    let path = Path::new("experiment.toml");
    let read = match std::str::from_utf8(input) {
        Ok(text) => Experiment::parse(text, path),
        Err(_) => {
            let path = files::folder("experiment").join("experiment.toml");
            fs::write(&path, input).map_err(|error| error.to_string())?;
            Experiment::read(&path)
        }
    };
    let experiment = read.map_err(|problem| problem.to_string())?;
    let _ = (experiment.baseline(), experiment.open_options());
    Ok(())
}
