//! Layouts to write, and what must come out of them.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use bakeoff_core::{ImageShape, OpenOptions, Samples};
use bakeoff_data::{Opened, idx, open_with};
use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

/// A folder to write a layout into.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn put(&self, file: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn open(&self, options: &OpenOptions) -> Result<Opened, String> {
        open(self.path(), options)
    }
}

pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Opened, String> {
    open_with(path.to_str().unwrap(), options).map_err(|problem| problem.to_string())
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(folder.join(name)).unwrap()
}

/// The value of all pixels of image `i` of a part; its label is `i % 2`.
pub(crate) fn value(i: usize) -> u8 {
    (30 * i + 5) as u8
}

pub(crate) fn png(i: usize) -> Vec<u8> {
    bakeoff_picture::encode_png(ImageShape::new(1, 6, 6), &[value(i); 36]).unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn idx(dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    idx::write(&mut out, dims, data).unwrap();
    out
}

/// The part is as it must be: so many images of a shape, each of its value.
#[track_caller]
pub(crate) fn check(samples: &Samples, count: usize, shape: ImageShape) {
    assert_eq!(samples.len(), count);
    assert_eq!(samples.images().shape(), shape);
    for (image, &label) in samples.images().iter().zip(samples.labels()) {
        let i = usize::from(image[0] - 5) / 30;
        assert!(image.iter().all(|&pixel| pixel == value(i)), "{image:?}");
        assert_eq!(usize::from(label), i % 2);
    }
}

/// 4 training and 2 test images of a shape, and the words of the notes.
#[track_caller]
pub(crate) fn reads(opened: Result<Opened, String>, shape: [usize; 3], notes: &[&str]) -> Opened {
    let opened = opened.unwrap();
    let shape = ImageShape::new(shape[0], shape[1], shape[2]);
    check(opened.dataset.train(), 4, shape);
    check(opened.dataset.test(), 2, shape);
    let said: Vec<String> = opened.notes.iter().map(ToString::to_string).collect();
    let said = said.join("; ");
    for word in notes {
        assert!(said.contains(word), "no {word:?} in {said:?}");
    }
    assert!(!notes.is_empty() || said.is_empty(), "{said}");
    opened
}

#[track_caller]
pub(crate) fn refused(opened: Result<Opened, String>, words: &[&str]) {
    let problem = opened.map(|opened| opened.dataset).unwrap_err();
    for word in words {
        assert!(problem.contains(word), "no {word:?} in {problem:?}");
    }
}

pub(crate) fn plain() -> OpenOptions {
    OpenOptions::default()
}

pub(crate) const GREY: [usize; 3] = [1, 6, 6];

/// Files of class folders: parts with their numbers of images.
pub(crate) fn class_folders(parts: &[(&str, usize)], between: &str) -> Folder {
    let folder = Folder::new();
    for (part, count) in parts {
        for i in 0..*count {
            folder.put(&format!("{part}/{}/{between}{i}.png", i % 2), png(i));
        }
    }
    folder
}

/// A table of pixels: a header, and rows by a function of the label and the pixels.
pub(crate) fn table(
    header: Option<String>,
    count: usize,
    row: impl Fn(usize, String, Vec<String>) -> String,
) -> String {
    let mut text = header.map_or_else(String::new, |header| header + "\n");
    for i in 0..count {
        let pixels = vec![value(i).to_string(); 36];
        text += &(row(i, (i % 2).to_string(), pixels) + "\n");
    }
    text
}

pub(crate) fn names(prefix: &str) -> String {
    let names: Vec<String> = (0..36).map(|i| format!("{prefix}{i}")).collect();
    names.join(",")
}

pub(crate) fn both(ending: &str, write: impl Fn(usize) -> Vec<u8>) -> Folder {
    let folder = Folder::new();
    folder.put(&format!("my_train.{ending}"), write(4));
    folder.put(&format!("my_test.{ending}"), write(2));
    folder
}

pub(crate) fn idx_folder(name: &str, images: impl Fn(usize) -> Vec<u8>, first_label: u8) -> Folder {
    let folder = Folder::new();
    for (part, count) in [("train", 4), ("t10k", 2)] {
        let labels: Vec<u8> = (0..count).map(|i| i as u8 % 2 + first_label).collect();
        folder.put(&format!("{name}{part}-images-idx3-ubyte"), images(count));
        folder.put(
            &format!("{name}{part}-labels-idx1-ubyte.gz"),
            gzip(&idx(&[count], &labels)),
        );
    }
    folder
}

/// An array of bytes as NumPy writes it.
pub(crate) fn npy(dims: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({dims}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

/// A zip and a tar.gz of a folder's files.
pub(crate) fn archives(folder: &Folder) -> (TempDir, [PathBuf; 2]) {
    let out = TempDir::new().unwrap();
    let (zip, tar) = (
        out.path().join("packed.zip"),
        out.path().join("packed.tar.gz"),
    );
    let mut files = vec![folder.path().to_path_buf()];
    let mut zipped = zip::ZipWriter::new(File::create(&zip).unwrap());
    let gz = GzEncoder::new(File::create(&tar).unwrap(), Compression::fast());
    let mut tarred = tar::Builder::new(gz);
    tarred.append_dir_all("packed", folder.path()).unwrap();
    tarred.into_inner().unwrap().finish().unwrap();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let name = path.strip_prefix(folder.path()).unwrap().to_str().unwrap();
        let options = zip::write::SimpleFileOptions::default();
        zipped.start_file(name, options).unwrap();
        zipped.write_all(&fs::read(&path).unwrap()).unwrap();
    }
    zipped.finish().unwrap();
    (out, [zip, tar])
}
