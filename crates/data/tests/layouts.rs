//! Every kind of layout that docs/data.md says is read, made here or by the script in
//! `fixtures`, with what must come out: parts, classes, sizes and pixels.

// A test's helpers may panic as the test itself.
#![allow(clippy::unwrap_used)]

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use bakeoff_core::{Colour, Fit, ImageShape, OpenOptions, Samples};
use bakeoff_data::{Opened, idx, open_to_evaluate, open_with};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use tempfile::TempDir;

/// A folder to write a layout into.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, file: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn open(&self, options: &OpenOptions) -> Result<Opened, String> {
        open(self.path(), options)
    }
}

fn open(path: &Path, options: &OpenOptions) -> Result<Opened, String> {
    open_with(path.to_str().unwrap(), options).map_err(|problem| problem.to_string())
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(folder.join(name)).unwrap()
}

/// The value of all pixels of image `i` of a part; its label is `i % 2`.
fn value(i: usize) -> u8 {
    (30 * i + 5) as u8
}

fn png(i: usize) -> Vec<u8> {
    bakeoff_picture::encode_png(ImageShape::new(1, 6, 6), &[value(i); 36]).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    idx::write(&mut out, dims, data).unwrap();
    out
}

/// The part is as it must be: so many images of a shape, each of its value.
#[track_caller]
fn check(samples: &Samples, count: usize, shape: ImageShape) {
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
fn reads(opened: Result<Opened, String>, shape: [usize; 3], notes: &[&str]) -> Opened {
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
fn refused(opened: Result<Opened, String>, words: &[&str]) {
    let problem = opened.map(|opened| opened.dataset).unwrap_err();
    for word in words {
        assert!(problem.contains(word), "no {word:?} in {problem:?}");
    }
}

fn plain() -> OpenOptions {
    OpenOptions::default()
}

const GREY: [usize; 3] = [1, 6, 6];

/// Files of class folders: parts with their numbers of images.
fn class_folders(parts: &[(&str, usize)], between: &str) -> Folder {
    let folder = Folder::new();
    for (part, count) in parts {
        for i in 0..*count {
            folder.put(&format!("{part}/{}/{between}{i}.png", i % 2), png(i));
        }
    }
    folder
}

#[test]
fn class_folders_in_their_shapes() {
    for (train, test) in [
        ("train", "test"),
        ("Training", "Testing"),
        ("training_set", "test_set"),
        ("trainingSet", "testSet"),
        ("seg_train/seg_train", "seg_test/seg_test"),
    ] {
        reads(
            class_folders(&[(train, 4), (test, 2)], "").open(&plain()),
            GREY,
            &[],
        );
    }
    for between in ["images/", "a/b/"] {
        let folder = class_folders(&[("train", 4), ("test", 2)], between);
        reads(folder.open(&plain()), GREY, &[]);
    }
    let folder = class_folders(&[("x/train", 4), ("x/test", 2)], "");
    reads(folder.open(&plain()), GREY, &["the data are in"]);
    for val in ["val", "valid", "validation"] {
        let folder = class_folders(&[("train", 4), (val, 2)], "");
        reads(
            folder.open(&plain()),
            GREY,
            &["validation part is used as the test part"],
        );
        let folder = class_folders(&[("train", 4), (val, 2), ("test", 2)], "");
        let opened = reads(folder.open(&plain()), GREY, &[]);
        check(
            opened.dataset.validation().unwrap(),
            2,
            ImageShape::new(1, 6, 6),
        );
    }
}

#[test]
fn classes_alone_need_a_stated_split() {
    let folder = class_folders(&[(".", 8)], "");
    refused(folder.open(&plain()), &["--test-fraction 0.2", "8 images"]);
    let stated = OpenOptions {
        test_fraction: Some(0.25),
        ..plain()
    };
    let opened = folder.open(&stated).unwrap();
    assert_eq!(
        (opened.dataset.train().len(), opened.dataset.test().len()),
        (6, 2)
    );
    assert_eq!(opened.dataset.test().class_counts(), [1, 1]);
    let other = OpenOptions {
        split_seed: Some(5),
        ..stated.clone()
    };
    let fingerprint = |options: &OpenOptions| {
        folder
            .open(options)
            .unwrap()
            .dataset
            .fingerprint()
            .to_owned()
    };
    assert_eq!(fingerprint(&stated), fingerprint(&stated));
    let seeds: Vec<String> = (0..8)
        .map(|seed| {
            fingerprint(&OpenOptions {
                split_seed: Some(seed),
                ..other.clone()
            })
        })
        .collect();
    assert!(seeds.iter().any(|seed| *seed != seeds[0]));
    let path = folder.path().to_str().unwrap();
    let all = open_to_evaluate(path, &plain()).unwrap().dataset;
    assert_eq!((all.train().len(), all.test().len()), (0, 8));
}

#[test]
fn image_kinds_are_known_by_content() {
    for ending in ["bmp", "gif", "webp", "tif", "pgm"] {
        let bytes = fixture(&format!("image.{ending}"));
        let folder = class_folders(&[("train", 4), ("test", 2)], "");
        fs::remove_file(folder.path().join("train/0/0.png")).unwrap();
        folder.put(&format!("train/0/0.{ending}"), bytes);
        reads(folder.open(&plain()), GREY, &[]);
    }
    let folder = class_folders(&[("train", 4), ("test", 2)], "");
    folder.put("train/0/0.png", fixture("deep.png"));
    reads(folder.open(&plain()), GREY, &[]);
}

#[test]
fn hidden_files_are_left_alone_and_others_counted() {
    let folder = class_folders(&[("train", 4), ("test", 2)], "");
    for file in [
        "train/.ipynb_checkpoints/x.png",
        "train/1/._1.png",
        "train/0/.DS_Store",
        "__MACOSX/train/1/._1.png",
        "train/0/Thumbs.db",
    ] {
        folder.put(file, b"\0\x05\x16\x07");
    }
    reads(folder.open(&plain()), GREY, &[]);
    folder
        .put("train/0/a.heic", b"x")
        .put("train/0/b.heic", b"x")
        .put("train/1/n.txt", b"x");
    reads(
        folder.open(&plain()),
        GREY,
        &["2 with .heic", "PNG or JPEG", "1 with .txt"],
    );
}

#[test]
fn all_bad_images_are_named_at_once() {
    let folder = class_folders(&[("train", 4), ("test", 2)], "");
    folder.put("train/0/2.png", b"no").put("test/1/1.png", b"");
    refused(
        folder.open(&plain()),
        &["2 of 6 images", "2.png", "1.png: the image is empty"],
    );
}

#[test]
fn sizes_and_colours_are_stated() {
    let folder = class_folders(&[("train", 4), ("test", 2)], "");
    let wide = bakeoff_picture::encode_png(ImageShape::new(1, 6, 12), &[value(0); 72]).unwrap();
    folder.put("train/0/0.png", wide);
    refused(folder.open(&plain()), &["--size", "5 of 6 differ", "6×6"]);
    for fit in Fit::ALL {
        let stated = OpenOptions {
            size: Some([3, 4]),
            fit,
            ..plain()
        };
        reads(folder.open(&stated), [1, 3, 4], &[]);
    }
    let stated = OpenOptions {
        size: Some([6, 6]),
        colour: Colour::Rgb,
        ..plain()
    };
    let rgb = reads(folder.open(&stated), [3, 6, 6], &[]);
    let grey = OpenOptions {
        size: Some([6, 6]),
        ..plain()
    };
    assert_ne!(
        rgb.dataset.fingerprint(),
        folder.open(&grey).unwrap().dataset.fingerprint()
    );
}

/// A table of pixels: a header, and rows by a function of the label and the pixels.
fn table(
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

fn names(prefix: &str) -> String {
    let names: Vec<String> = (0..36).map(|i| format!("{prefix}{i}")).collect();
    names.join(",")
}

fn both(ending: &str, write: impl Fn(usize) -> Vec<u8>) -> Folder {
    let folder = Folder::new();
    folder.put(&format!("my_train.{ending}"), write(4));
    folder.put(&format!("my_test.{ending}"), write(2));
    folder
}

#[test]
fn tables_of_pixels_in_their_shapes() {
    let label_first = |n, header: String| {
        table(Some(header), n, |_, label, pixels| {
            format!("{label},{}", pixels.join(","))
        })
    };
    for name in ["label", "class", "Target", "y"] {
        let header = format!("{name},{}", names("pixel"));
        reads(
            both("csv", |n| label_first(n, header.clone()).into_bytes()).open(&plain()),
            GREY,
            &[],
        );
    }
    // pandas: numbered names, with and without an index.
    let header = format!("label,{}", names(""));
    reads(
        both("csv", |n| label_first(n, header.clone()).into_bytes()).open(&plain()),
        GREY,
        &[],
    );
    let indexed = |n| {
        table(
            Some(format!(",label,{}", names(""))),
            n,
            |i, label, pixels| format!("{i},{label},{}", pixels.join(",")),
        )
    };
    reads(
        both("csv", |n| indexed(n).into_bytes()).open(&plain()),
        GREY,
        &[],
    );
    // Label last, an id, words, other separators, gzip, blank rows.
    let last = |n| {
        table(
            Some(format!("id,{},label", names("p"))),
            n,
            |i, label, pixels| format!("{i},{},{label}", pixels.join(",")),
        )
    };
    reads(
        both("csv", |n| last(n).into_bytes()).open(&plain()),
        GREY,
        &[],
    );
    reads(
        both("csv", |n| last(n).replace(',', ";").into_bytes()).open(&plain()),
        GREY,
        &[],
    );
    reads(
        both("tsv", |n| last(n).replace(',', "\t").into_bytes()).open(&plain()),
        GREY,
        &[],
    );
    reads(
        both("csv.gz", |n| gzip(last(n).as_bytes())).open(&plain()),
        GREY,
        &[],
    );
    let blank = |n| format!("{}{}\n   \n", last(n), ",".repeat(37));
    reads(
        both("csv", |n| blank(n).into_bytes()).open(&plain()),
        GREY,
        &["2 empty row(s)"],
    );
    let words = |n| {
        table(Some(format!("label,{}", names("p"))), n, |i, _, pixels| {
            format!("{},{}", ["cat", "dog"][i % 2], pixels.join(","))
        })
    };
    let opened = reads(
        both("csv", |n| words(n).into_bytes()).open(&plain()),
        GREY,
        &[],
    );
    assert_eq!(opened.dataset.train().class_names(), ["cat", "dog"]);
    // Fractions are multiplied; UTF-16 is said.
    let fractions = |n| {
        table(Some(format!("label,{}", names("p"))), n, |i, label, _| {
            let value = format!("{:.6}", f64::from(value(i)) / 255.0);
            format!("{label},{}", vec![value; 36].join(","))
        })
    };
    reads(
        both("csv", |n| fractions(n).into_bytes()).open(&plain()),
        GREY,
        &["multiplied by 255"],
    );
    let utf16 = both("csv", |_| vec![0xff, 0xfe, b'a', 0]);
    refused(utf16.open(&plain()), &["UTF-16", "UTF-8"]);
}

#[test]
fn a_stated_brightness_scales() {
    let sixteenths = |n| {
        table(Some(format!("label,{}", names("p"))), n, |i, label, _| {
            format!("{label},{}", vec![(i + 1).to_string(); 36].join(","))
        })
    };
    let folder = both("csv", |n| sixteenths(n).into_bytes());
    let dark = folder.open(&plain()).unwrap();
    assert!(
        dark.notes[0].text().contains("--pixel-max 4"),
        "{:?}",
        dark.notes
    );
    let stated = OpenOptions {
        pixel_max: Some(4.0),
        ..plain()
    };
    let opened = folder.open(&stated).unwrap();
    assert_eq!(opened.dataset.train().images().get(3).unwrap()[0], 255);
}

#[test]
fn a_label_column_without_a_name_is_told_or_refused() {
    // The border of digits is 0, so that the label is known wherever it is.
    let digit = |i: usize| {
        let mut pixels = vec![value(i).to_string(); 36];
        (pixels[0], pixels[35]) = ("0".into(), "0".into());
        (pixels, (i % 2).to_string())
    };
    for first in [true, false] {
        let text: String = (0..6)
            .map(|i| {
                let (mut pixels, label) = digit(i);
                pixels.insert(if first { 0 } else { 36 }, label);
                pixels.join(",") + "\n"
            })
            .collect();
        let folder = Folder::new();
        folder.put("d.tra", &text).put("d.tes", &text);
        let opened = folder.open(&plain()).unwrap();
        assert_eq!(opened.dataset.train().labels(), [0, 1, 0, 1, 0, 1]);
        assert_eq!(opened.dataset.train().images().get(3).unwrap()[1], value(3));
    }
    let unclear = "0,1,2,3,1\n1,7,8,9,0\n";
    let folder = both("csv", |_| unclear.into());
    refused(folder.open(&plain()), &["first or the last", "`label`"]);
}

#[test]
fn a_table_without_labels_is_no_test_part() {
    let folder = Folder::new();
    let train = table(
        Some(format!("label,{}", names("p"))),
        8,
        |_, label, pixels| format!("{label},{}", pixels.join(",")),
    );
    let test = table(Some(format!("id,{}", names("p"))), 2, |i, _, pixels| {
        format!("{i},{}", pixels.join(","))
    });
    folder
        .put("train.csv", train)
        .put("test.csv", test)
        .put("sample_submission.csv", "id,label\n0,0\n");
    refused(folder.open(&plain()), &["--test-fraction"]);
    let stated = OpenOptions {
        test_fraction: Some(0.5),
        ..plain()
    };
    let opened = folder.open(&stated).unwrap();
    assert_eq!(opened.dataset.test().len(), 4);
    assert!(
        opened
            .notes
            .iter()
            .any(|note| note.text().contains("test.csv has no column of labels"))
    );
}

#[test]
fn fer2013_has_its_parts_in_a_column() {
    let mut text = "emotion,pixels,Usage\n".to_owned();
    for (usage, count) in [("Training", 4), ("PublicTest", 2), ("PrivateTest", 2)] {
        for i in 0..count {
            let pixels = vec![value(i).to_string(); 36].join(" ");
            text += &format!("{},{pixels},{usage}\n", i % 2);
        }
    }
    let folder = Folder::new();
    folder.put("fer2013.csv", text);
    let opened = reads(
        open(&folder.path().join("fer2013.csv"), &plain()),
        GREY,
        &[],
    );
    check(
        opened.dataset.validation().unwrap(),
        2,
        ImageShape::new(1, 6, 6),
    );
}

#[test]
fn two_candidates_for_a_part_are_refused_by_name() {
    let row = "label,a,b,c,d\n0,1,2,3,4\n1,1,2,3,4\n";
    let folder = Folder::new();
    folder
        .put("train.csv", row)
        .put("my_train.csv", row)
        .put("test.csv", row);
    refused(
        folder.open(&plain()),
        &["my_train.csv and train.csv", "training part"],
    );
    let folder = Folder::new();
    folder.put("latest_train.csv", row).put("test.csv", row);
    assert!(folder.open(&plain()).is_ok());
    let folder = class_folders(&[("train", 4), ("training", 4), ("test", 2)], "");
    refused(folder.open(&plain()), &["train and training"]);
}

#[test]
fn a_gap_and_a_lonely_class_are_said_and_a_stray_label_refused() {
    let rows = |labels: &[u32]| {
        let rows: Vec<String> = labels
            .iter()
            .map(|label| format!("{label},1,2,3,100\n"))
            .collect();
        format!("label,a,b,c,d\n{}", rows.concat())
    };
    let folder = Folder::new();
    folder
        .put("train.csv", rows(&[0, 1, 3, 4]))
        .put("test.csv", rows(&[0, 1, 3, 5]));
    let notes: Vec<String> = folder
        .open(&plain())
        .unwrap()
        .notes
        .iter()
        .map(ToString::to_string)
        .collect();
    let notes = notes.join("; ");
    for word in [
        "in no part: 2",
        "only in the test part, so that no model can learn them: 5",
        "no model is tested on them: 4",
    ] {
        assert!(notes.contains(word), "{notes}");
    }
    folder.put("train.csv", rows(&[0, 1, 20_000, 1]));
    refused(
        folder.open(&plain()),
        &["line 4: label 20000", "20001 classes"],
    );
}

#[test]
fn tables_of_files_and_lists() {
    let listed = |header: &str, prefix: &str, count: usize| {
        let rows = (0..count).map(|i| format!("{prefix}{i}.png,{}\n", i % 2));
        format!("{header}\n{}", rows.collect::<String>())
    };
    let images = |folder: &Folder, inside: &str, count: usize| {
        for i in 0..count {
            folder.put(&format!("{inside}{i}.png"), png(i));
        }
    };
    // Kaggle: train.csv beside train/; Hugging Face: metadata.csv in train/.
    for header in [
        "filename,label",
        "file_name,class",
        "image,target",
        "path,category",
        "image_id,breed",
    ] {
        let folder = Folder::new();
        images(&folder, "train/", 4);
        images(&folder, "test/", 2);
        folder
            .put("train.csv", listed(header, "", 4))
            .put("test.csv", listed(header, "", 2));
        reads(folder.open(&plain()), GREY, &[]);
    }
    let folder = Folder::new();
    images(&folder, "train/", 4);
    images(&folder, "test/", 2);
    folder.put("train/metadata.csv", listed("file_name,label", "", 4));
    folder.put("test/metadata.csv", listed("file_name,label", "", 2));
    reads(folder.open(&plain()), GREY, &[]);
    // Lists, and files named without their ending.
    let folder = Folder::new();
    images(&folder, "images/", 4);
    let list = |count: usize| {
        (0..count)
            .map(|i| format!("images/{i}.png {}\n", i % 2))
            .collect::<String>()
    };
    folder.put("train.txt", list(4)).put("test.txt", list(2));
    reads(folder.open(&plain()), GREY, &[]);
    let folder = Folder::new();
    images(&folder, "all/", 4);
    folder.put(
        "train.csv",
        listed("id_code,label", "", 4).replace(".png", ""),
    );
    folder.put(
        "test.csv",
        listed("id_code,label", "", 2).replace(".png", ""),
    );
    reads(folder.open(&plain()), GREY, &[]);
    // One table: a test part, or a stated split, of whole groups if there are some.
    let folder = Folder::new();
    images(&folder, "", 8);
    let mut text = "file,label,writer\n".to_owned();
    for i in 0..8 {
        text += &format!("{i}.png,{},w{}\n", i % 2, i / 2);
    }
    folder.put("labels.csv", &text);
    let opened = folder.open(&plain()).unwrap();
    assert_eq!(
        (opened.dataset.train().len(), opened.dataset.test().len()),
        (0, 8)
    );
    let stated = OpenOptions {
        test_fraction: Some(0.25),
        group: Some("writer".into()),
        ..plain()
    };
    let opened = folder.open(&stated).unwrap();
    let test: Vec<u8> = opened
        .dataset
        .test()
        .images()
        .iter()
        .map(|image| (image[0] - 5) / 30)
        .collect();
    assert_eq!((test.len(), test[0] / 2), (2, test[1] / 2));
    let wrong = OpenOptions {
        group: Some("author".into()),
        ..stated
    };
    refused(folder.open(&wrong), &["`author`", "file,label,writer"]);
    folder.put("labels.csv", text + "3.png,0,w9\n");
    refused(
        folder.open(&plain()),
        &["line 10", "3.png is already in line 5", "\"1\"", "\"0\""],
    );
}

fn idx_folder(name: &str, images: impl Fn(usize) -> Vec<u8>, first_label: u8) -> Folder {
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

#[test]
fn idx_in_its_shapes() {
    let of = |count: usize, dims: &[usize]| {
        let each: usize = dims.iter().product();
        let data: Vec<u8> = (0..count).flat_map(|i| vec![value(i); each]).collect();
        idx(&[&[count], dims].concat(), &data)
    };
    let grey = |count| of(count, &[6, 6]);
    reads(idx_folder("", grey, 0).open(&plain()), GREY, &[]);
    reads(
        idx_folder("MNIST/raw/", grey, 0).open(&plain()),
        GREY,
        &["MNIST/raw"],
    );
    reads(
        idx_folder("", |count| of(count, &[3, 6, 6]), 0).open(&plain()),
        [3, 6, 6],
        &[],
    );
    reads(
        idx_folder("", |count| of(count, &[6, 6, 3]), 0).open(&plain()),
        [3, 6, 6],
        &[],
    );
    let opened = reads(
        idx_folder("", grey, 1).open(&plain()),
        GREY,
        &["no class 0"],
    );
    assert_eq!(opened.dataset.train().class_names(), ["1", "2"]);
    let folder = idx_folder("emnist-letters-", |count| of(count, &[6, 5]), 1);
    folder.put("emnist-letters-mapping.txt", "1 65 97\n2 66 98\n3 67 99\n");
    let opened = reads(
        folder.open(&plain()),
        [1, 5, 6],
        &["mapping file", "exchanged"],
    );
    assert_eq!(opened.dataset.train().class_names(), ["Aa", "Bb"]);
}

#[test]
fn arrays_of_numpy() {
    for (name, shape, validation) in [
        ("keras.npz", GREY, false),
        ("medmnist.npz", [3, 6, 6], true),
    ] {
        let folder = Folder::new();
        folder.put(name, fixture(name));
        let opened = reads(folder.open(&plain()), shape, &[]);
        assert_eq!(opened.dataset.validation().is_some(), validation);
        reads(open(&folder.path().join(name), &plain()), shape, &[]);
    }
}

/// An array of bytes as NumPy writes it.
fn npy(dims: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({dims}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

#[test]
fn an_npy_file_for_each_class() {
    let folder = Folder::new();
    folder
        .put("cat.npy", npy("4, 36", &[9; 144]))
        .put("dog.npy", npy("4, 36", &[99; 144]));
    let stated = OpenOptions {
        test_fraction: Some(0.5),
        ..plain()
    };
    let opened = folder.open(&stated).unwrap();
    assert!(
        opened.notes[0].text().contains("taken as a class"),
        "{:?}",
        opened.notes
    );
    let test = opened.dataset.test();
    assert_eq!(
        (test.class_counts(), test.class_names()),
        (vec![2, 2], &["cat".into(), "dog".into()][..])
    );
    assert_eq!(test.images().shape(), ImageShape::new(1, 6, 6));
    // Pairs of files, as Keras' arrays and KMNIST's are saved.
    let folder = Folder::new();
    for (part, count) in [("train", 4), ("test", 2)] {
        let pixels: Vec<u8> = (0..count).flat_map(|i| [value(i); 36]).collect();
        let labels: Vec<u8> = (0..count).map(|i| i as u8 % 2).collect();
        folder.put(
            &format!("{part}-imgs.npy"),
            npy(&format!("{count}, 6, 6"), &pixels),
        );
        folder.put(
            &format!("{part}-labels.npy"),
            npy(&format!("{count},"), &labels),
        );
    }
    reads(folder.open(&plain()), GREY, &[]);
    fs::remove_file(folder.path().join("test-labels.npy")).unwrap();
    refused(folder.open(&plain()), &["test part has no array of labels"]);
}

#[test]
fn batches_of_cifar_and_pickles() {
    let folder = Folder::new();
    for protocol in [2, 4] {
        folder.put("data_batch_1", fixture(&format!("cifar-{protocol}")));
        folder
            .put("test_batch", fixture(&format!("cifar-{protocol}")))
            .put("batches.meta", fixture("cifar-meta"));
        let dataset = folder.open(&plain()).unwrap().dataset;
        check(dataset.train(), 4, ImageShape::new(3, 32, 32));
        check(dataset.test(), 4, ImageShape::new(3, 32, 32));
        assert_eq!(dataset.test().class_names(), ["cat", "dog"]);
    }
    for (before, train, test) in [
        (1, "data_batch_1.bin", "test_batch.bin"),
        (2, "train.bin", "test.bin"),
    ] {
        let batch = |count: usize| -> Vec<u8> {
            (0..count)
                .flat_map(|i| {
                    [vec![9; before - 1], vec![i as u8 % 2], vec![value(i); 3072]].concat()
                })
                .collect()
        };
        let folder = Folder::new();
        folder.put(train, batch(4)).put(test, batch(2));
        let notes: &[&str] = if before == 2 { &["second (fine)"] } else { &[] };
        reads(folder.open(&plain()), [3, 32, 32], notes);
        folder.put(test, &batch(2)[1..]);
        refused(folder.open(&plain()), &["whole number of CIFAR's images"]);
    }
    let folder = Folder::new();
    folder.put("mnist.pkl.gz", fixture("pairs.pkl.gz"));
    let opened = reads(folder.open(&plain()), GREY, &["multiplied by 255"]);
    check(
        opened.dataset.validation().unwrap(),
        2,
        ImageShape::new(1, 6, 6),
    );
}

#[test]
fn parquet_of_the_hub() {
    let folder = Folder::new();
    for part in ["train", "test"] {
        let file = format!("{part}-00000-of-00001.parquet");
        folder.put(&format!("data/{file}"), fixture(&format!("hub-{file}")));
    }
    if cfg!(feature = "parquet") {
        let opened = reads(folder.open(&plain()), GREY, &["the data are in"]);
        assert_eq!(opened.dataset.train().class_names(), ["cat", "dog"]);
        folder.put("data/train-00000-of-00001.parquet", b"PAR1 damaged PAR1");
        refused(folder.open(&plain()), &["train-00000", "parquet"]);
    } else {
        refused(folder.open(&plain()), &["--features parquet"]);
    }
}

/// A zip and a tar.gz of a folder's files.
fn archives(folder: &Folder) -> (TempDir, [PathBuf; 2]) {
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

#[test]
fn archives_are_read_in_place() {
    let folder = class_folders(&[("train", 4), ("test", 2)], "");
    let of_folder = folder.open(&plain()).unwrap().dataset;
    let (out, paths) = archives(&folder);
    for path in &paths {
        let opened = open(path, &plain()).unwrap();
        assert_eq!(opened.dataset.fingerprint(), of_folder.fingerprint());
        assert_eq!(opened.dataset.name(), "packed");
    }
    refused(
        open(out.path(), &plain()),
        &["packed.tar.gz, packed.zip are archives", "name the one"],
    );
    fs::remove_file(&paths[1]).unwrap();
    reads(open(out.path(), &plain()), GREY, &["packed.zip"]);
    // A gzip stream of zeros is a thousandth of what it unpacks to.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 300 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    let folder = Folder::new();
    folder.put("train.csv.gz", &bomb).put("test.csv.gz", &bomb);
    refused(folder.open(&plain()), &["200 times its size"]);
    for cut in [100, fs::metadata(&paths[0]).unwrap().len() as usize / 2] {
        let bytes = fs::read(&paths[0]).unwrap();
        folder.put("cut.zip", &bytes[..cut.min(bytes.len())]);
        refused(
            open(&folder.path().join("cut.zip"), &plain()),
            &["cut.zip", "damaged"],
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_do_not_panic(at in 0_usize..2000, byte: u8, cut in 0_usize..2000) {
        let table = table(Some(format!("id,{},label", names("p"))), 4, |i, label, pixels| {
            format!("{i},{},{label}", pixels.join(","))
        });
        let folder = class_folders(&[("train", 4), ("test", 2)], "");
        let (_out, [zip, tar]) = archives(&folder);
        for (name, bytes) in [
            ("t.csv", table.into_bytes()),
            ("a.npz", fixture("keras.npz")),
            ("a.pkl.gz", fixture("pairs.pkl.gz")),
            ("a.zip", fs::read(zip).unwrap()),
            ("a.tar.gz", fs::read(tar).unwrap()),
        ] {
            let mut bytes = bytes;
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let folder = Folder::new();
            folder.put(name, &bytes);
            let _ = open(&folder.path().join(name), &plain());
            folder.put(name, &bytes[..cut.min(bytes.len())]);
            let _ = open(&folder.path().join(name), &plain());
        }
    }
}

#[test]
fn images_without_labels_are_named() {
    let folder = Folder::new();
    folder
        .put("train/cat.0.png", png(0))
        .put("test/dog.0.png", png(1));
    refused(
        folder.open(&plain()),
        &["test, train", "labels.csv", "folder for each class"],
    );
}

#[test]
fn what_is_not_read_is_named_with_a_conversion() {
    for (file, bytes, words) in [
        ("train.tfrecord", &b"\0"[..], ["TFRecord", "numpy.savez"]),
        (
            "digits.db",
            b"SQLite format 3\0",
            ["SQLite", "folder for each class"],
        ),
        ("mnist.arff", b"@RELATION m\n", ["ARFF", "CSV"]),
        (
            "mnist",
            b"5 1:0.5 2:1 3:4 4:9\n",
            ["libsvm", "load_svmlight_file"],
        ),
        (
            "train_32x32.mat",
            b"MATLAB 5.0 MAT-file",
            ["MATLAB", "scipy.io.loadmat"],
        ),
        ("data.h5", b"\x89HDF\r\n\x1a\n", ["HDF5", "h5py"]),
        ("data.7z", b"7z\xbc\xaf\x27\x1c", ["7-Zip", "zip"]),
        ("000.cls", b"3", ["webdataset", "folder for each class"]),
    ] {
        let folder = Folder::new();
        folder.put(file, bytes);
        refused(folder.open(&plain()), &[file, words[0], words[1]]);
    }
}
