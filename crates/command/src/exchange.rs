//! The files that images go to a program in, and its answers come back in.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write as _},
    path::Path,
};

use bakeoff_core::{ImageShape, Images, Samples};
use bakeoff_npy::Elements;

use crate::{
    left::{self, check_folder},
    settings::Format,
};

/// The sum of an answer's probabilities may differ from one by this, for programs that write few
/// digits; it is then divided by it.
const SUM_TOLERANCE: f64 = 0.01;

/// Writes the training part.
///
/// # Errors
/// Of the disk.
pub(crate) fn write_training(folder: &Path, format: Format, train: &Samples) -> io::Result<()> {
    let images = train.images();
    match format {
        Format::Npy => {
            write_npy_images(
                &folder.join("train-images.npy"),
                images.shape(),
                images.pixels(),
            )?;
            let labels = bakeoff_npy::write(&[train.len()], train.labels());
            fs::write(folder.join("train-labels.npy"), labels)
        }
        Format::Text => write_lines(
            &folder.join("train.csv"),
            images.shape(),
            images.pixels(),
            train.labels(),
        ),
    }
}

/// Removes it again: a model answers without it.
pub(crate) fn remove_training(folder: &Path) {
    for name in ["train-images.npy", "train-labels.npy", "train.csv"] {
        let _ = fs::remove_file(folder.join(name));
    }
}

/// Writes the images of a request, and removes the answers to the last one. They are written in
/// the folder `outbox`, so that nothing is opened that a program left in their place.
///
/// # Errors
/// Of the disk, and of what the program made of the folder.
pub(crate) fn write_request(
    folder: &Path,
    outbox: &Path,
    format: Format,
    shape: ImageShape,
    pixels: &[u8],
) -> io::Result<()> {
    check_folder(folder)?;
    remove_if_there(&folder.join(answers_name(format)))?;
    let name = match format {
        Format::Npy => "images.npy",
        Format::Text => "images.csv",
    };
    let written = outbox.join(name);
    remove_if_there(&written)?;
    match format {
        Format::Npy => write_npy_images(&written, shape, pixels)?,
        Format::Text => write_lines(&written, shape, pixels, &[])?,
    }
    fs::rename(written, folder.join(name))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn answers_name(format: Format) -> &'static str {
    match format {
        Format::Npy => "answers.npy",
        Format::Text => "answers.csv",
    }
}

/// Whether the answers so far are longer than any can be.
pub(crate) fn answers_are_too_large(
    folder: &Path,
    format: Format,
    images: usize,
    classes: usize,
) -> bool {
    let most = most_bytes(images, classes);
    fs::symlink_metadata(folder.join(answers_name(format))).is_ok_and(|it| it.len() > most)
}

/// More than the longest answers: numbers of eight bytes, or of 32 letters each.
fn most_bytes(images: usize, classes: usize) -> u64 {
    (images as u64)
        .saturating_mul(classes as u64 + 1)
        .saturating_mul(32)
        .saturating_add(4096)
}

/// Reads and checks the answers to so many images.
///
/// # Errors
/// What is wrong with them, naming the file and the place.
pub(crate) fn read_answers(
    folder: &Path,
    format: Format,
    images: usize,
    classes: usize,
) -> Result<Vec<f32>, String> {
    let name = answers_name(format);
    let file = left::open(&folder.join(name)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("said `done`, but {name} cannot be read: {error}"),
        _ => format!("{name}: {error}"),
    })?;
    let most = most_bytes(images, classes);
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() as u64 > most {
        return Err(format!(
            "{name} has more than {most} bytes, the most that answers to {images} images can have"
        ));
    }
    let values = match format {
        Format::Npy => parse_npy(&bytes, images, classes),
        Format::Text => parse_lines(&bytes, images, classes),
    };
    let values = values.map_err(|problem| format!("{name} {problem}"))?;
    probabilities(values, classes).map_err(|problem| format!("{name}: {problem}"))
}

/// Rows that sum to one within the tolerance, divided by their sums.
fn probabilities(values: Vec<f64>, classes: usize) -> Result<Vec<f32>, String> {
    let mut checked = Vec::with_capacity(values.len());
    for (row, answer) in values.chunks_exact(classes.max(1)).enumerate() {
        let place = row + 1;
        if let Some(class) = answer
            .iter()
            .position(|value| !(0.0..=1.0 + SUM_TOLERANCE).contains(value))
        {
            return Err(format!(
                "image {place}, class {}: {} is no probability",
                class + 1,
                answer[class]
            ));
        }
        let sum: f64 = answer.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(format!(
                "image {place}: the probabilities sum to {sum}, not to 1"
            ));
        }
        checked.extend(answer.iter().map(|value| (value / sum) as f32));
    }
    Ok(checked)
}

fn write_npy_images(path: &Path, shape: ImageShape, pixels: &[u8]) -> io::Result<()> {
    let images = pixels.len() / shape.pixels().max(1);
    let dims = [images, shape.channels, shape.height, shape.width];
    let mut file = File::create(path)?;
    file.write_all(&bakeoff_npy::header("|u1", &dims))?;
    file.write_all(pixels)
}

/// An array of N×K floats.
fn parse_npy(bytes: &[u8], images: usize, classes: usize) -> Result<Vec<f64>, String> {
    let array =
        bakeoff_npy::parse(bytes).map_err(|problem| format!("cannot be read: {problem}"))?;
    if array.dims != [images, classes] {
        return Err(format!(
            "has the shape {:?}, not [{images}, {classes}] of {images} images and {classes} classes",
            array.dims
        ));
    }
    match array.elements {
        Elements::Floats(values) => Ok(values),
        _ => Err("holds neither float32 nor float64".into()),
    }
}

/// A line for each image: its label where there are labels, and its pixels.
fn write_lines(path: &Path, shape: ImageShape, pixels: &[u8], labels: &[u16]) -> io::Result<()> {
    let numbers: Vec<String> = (0..=u8::MAX).map(|value| format!("{value}")).collect();
    let mut out = BufWriter::with_capacity(1 << 16, File::create(path)?);
    for (row, image) in pixels.chunks_exact(shape.pixels().max(1)).enumerate() {
        let mut comma: &[u8] = b"";
        if let Some(label) = labels.get(row) {
            write!(out, "{label}")?;
            comma = b",";
        }
        for &pixel in image {
            out.write_all(comma)?;
            out.write_all(numbers[usize::from(pixel)].as_bytes())?;
            comma = b",";
        }
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// A line of K numbers for each image, apart by commas or blanks.
fn parse_lines(bytes: &[u8], images: usize, classes: usize) -> Result<Vec<f64>, String> {
    let text = str::from_utf8(bytes).map_err(|_| "is no text".to_owned())?;
    let lines = text.lines().count();
    if lines != images {
        return Err(format!("has {lines} lines for {images} images"));
    }
    let mut values = Vec::with_capacity(images * classes);
    for (row, line) in text.lines().enumerate() {
        let before = values.len();
        for word in line.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            values.push(word.parse::<f64>().map_err(|_| {
                let word: String = word.chars().take(20).collect();
                format!(
                    "has in line {} `{}`, which is no number",
                    row + 1,
                    word.escape_debug()
                )
            })?);
        }
        let found = values.len() - before;
        if found != classes {
            return Err(format!(
                "has {found} numbers in line {} for {classes} classes",
                row + 1
            ));
        }
    }
    Ok(values)
}

/// The images of one request: a block of this many bytes, so that a request has a bounded size.
const BLOCK_BYTES: usize = 32 << 20;

/// The pixels of images in blocks that are asked about at once.
pub(crate) fn blocks(images: &Images) -> impl Iterator<Item = &[u8]> {
    let pixels = images.shape().pixels().max(1);
    images
        .pixels()
        .chunks((BLOCK_BYTES / pixels).max(1) * pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_both_kinds_are_read() {
        let single = bakeoff_npy::write(&[2, 2], &[0.25_f32, 0.75, 1.0, 0.0]);
        let double: Vec<u8> = [0.25_f64, 0.75, 1.0, 0.0]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect();
        let expected = vec![0.25, 0.75, 1.0, 0.0];
        assert_eq!(parse_npy(&single, 2, 2), Ok(expected.clone()));
        let double = bakeoff_npy::file("<f8", &[2, 2], &double);
        assert_eq!(parse_npy(&double, 2, 2), Ok(expected.clone()));
        assert_eq!(parse_lines(b"0.25,0.75\n1 0\n", 2, 2), Ok(expected.clone()));
        assert_eq!(parse_lines(b" 0.25\t 0.75\n1e0, 0.0", 2, 2), Ok(expected));
        for (bytes, why) in [
            (bakeoff_npy::write(&[4], &[0.5_f32; 4]), "shape [4]"),
            (single[..single.len() - 1].to_vec(), "15 bytes"),
            (bakeoff_npy::write(&[2, 2], &[1_i64; 4]), "neither float32"),
            (bakeoff_npy::file("|O", &[2, 2], &[0; 32]), "Python objects"),
            (b"hello".to_vec(), "no npy file"),
            (b"\x93NUMPY\x01\x00\xff\xff{}".to_vec(), "cut short"),
            (Vec::new(), "no npy file"),
        ] {
            let said = parse_npy(&bytes, 2, 2).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        for (text, why) in [
            ("0.5 0.5\n", "1 lines for 2"),
            ("0.5 0.5\n\n0.5 0.5\n", "3 lines for 2"),
            ("0.5 0.5\n1\n", "1 numbers in line 2"),
            ("0.5 0.5\n1 cat\n", "`cat`"),
        ] {
            let said = parse_lines(text.as_bytes(), 2, 2).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn only_probabilities_pass() {
        let said = |values: &[f64]| probabilities(values.to_vec(), 2);
        // Few digits.
        assert_eq!(said(&[0.333, 0.666]), Ok(vec![0.333_333_34, 0.666_666_7]));
        assert_eq!(said(&[0.5, 0.5]), Ok(vec![0.5, 0.5]));
        for values in [
            [f64::NAN, 1.0],
            [-0.1, 1.1],
            [f64::INFINITY, 0.0],
            [0.5, 0.6],
            [0.0, 0.0],
            [3.0, 1.0],
        ] {
            let error = said(&values).unwrap_err();
            assert!(error.starts_with("image 1"), "{values:?}: {error}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let images = Images::new(ImageShape::new(1, 1, 2), vec![0, 7, 255, 30]).unwrap();
        let names = ["a", "b"].map(String::from).to_vec();
        let train = Samples::new(images, [1, 0], names).unwrap();
        write_training(folder.path(), Format::Text, &train).unwrap();
        let text = fs::read_to_string(folder.path().join("train.csv")).unwrap();
        assert_eq!(text, "1,0,7\n0,255,30\n");
        write_training(folder.path(), Format::Npy, &train).unwrap();
        let bytes = fs::read(folder.path().join("train-images.npy")).unwrap();
        // The same bytes as numpy.save of numpy.array([[[[0, 7]]], [[[255, 30]]]], "u1").
        assert_eq!(bytes.len(), 128 + 4);
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 1, 2), }"));
        assert_eq!(&bytes[127..], [b'\n', 0, 7, 255, 30]);
        let labels = fs::read(folder.path().join("train-labels.npy")).unwrap();
        assert_eq!(&labels[labels.len() - 4..], [1, 0, 0, 0]);
        remove_training(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
