use std::fs;

use bakeoff_core::{Dataset, ImageShape, OpenOptions, Samples};
use tempfile::TempDir;

use super::*;

fn png(value: u8, side: usize) -> Vec<u8> {
    bakeoff_picture::encode_png(ImageShape::new(1, side, side), &vec![value; side * side]).unwrap()
}

/// A folder with images of 3×3, all of the grey level given.
fn folder(files: &[(&str, u8)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, value) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, png(*value, 3)).unwrap();
    }
    dir
}

const GOOD: [(&str, u8); 5] = [
    ("train/cat/b.png", 2),
    ("train/cat/a.PNG", 1),
    ("train/ant/c.png", 3),
    ("test/ant/d.png", 4),
    ("test/cat/e.png", 5),
];

fn open_dir(dir: &TempDir) -> Result<Dataset, DataError> {
    crate::open(dir.path().to_str().unwrap())
}

#[test]
fn folders_are_classes() {
    let dir = folder(&GOOD);
    fs::write(dir.path().join("train/cat/notes.txt"), "not an image").unwrap();
    let dataset = open_dir(&dir).unwrap();
    assert_eq!(dataset.train().class_names(), ["ant", "cat"]);
    assert_eq!(dataset.train().labels(), [0, 1, 1]);
    assert_eq!(dataset.test().labels(), [0, 1]);
    let first = |samples: &Samples| -> Vec<u8> {
        samples.images().iter().map(|pixels| pixels[0]).collect()
    };
    assert_eq!(first(dataset.train()), [3, 1, 2]);
    assert_eq!(first(dataset.test()), [4, 5]);
}

#[test]
fn numbers_are_ordered_as_numbers() {
    let dir = folder(&[
        ("train/10/a.png", 1),
        ("train/9/b.png", 2),
        ("test/10/c.png", 3),
    ]);
    let dataset = open_dir(&dir).unwrap();
    assert_eq!(dataset.train().class_names(), ["9", "10"]);
    assert_eq!(dataset.test().labels(), [1]);
}

#[test]
fn what_makes_no_dataset_is_refused_by_name() {
    let one = folder(&[("train/cat/a.png", 1), ("test/cat/b.png", 2)]);
    let message = open_dir(&one).unwrap_err().to_string();
    assert!(message.contains("train: 1 class(es)"), "{message}");
    let other = folder(&[GOOD[0], GOOD[2], ("test/Cat/b.png", 2)]);
    let message = open_dir(&other).unwrap_err().to_string();
    assert!(message.contains("Cat: no training images"), "{message}");
    let empty = folder(&[GOOD[0], GOOD[2]]);
    fs::create_dir_all(empty.path().join("test/cat")).unwrap();
    let message = open_dir(&empty).unwrap_err().to_string();
    assert!(message.contains("test: there are no images"), "{message}");
}

#[test]
fn an_unreadable_picture_is_named() {
    let dir = folder(&GOOD);
    let path = dir.path().join("test/cat/e.png");
    fs::write(&path, &png(1, 3)[..30]).unwrap();
    let message = open_dir(&dir).unwrap_err().to_string();
    assert!(
        message.contains("e.png") && message.contains("damaged"),
        "{message}"
    );
    fs::write(&path, png(1, 4)).unwrap();
    let message = open_dir(&dir).unwrap_err().to_string();
    assert!(message.contains("e.png: 4×4"), "{message}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(dir.path().join("test/cat/f.png"), b"").unwrap();
    let message = open_dir(&dir).unwrap_err().to_string();
    assert!(
        message.contains("f.png") && message.contains("empty"),
        "{message}"
    );
}

#[test]
fn a_class_may_be_named_as_a_part_is() {
    let dir = folder(&[
        ("train/a.png", 1),
        ("bus/b.png", 2),
        ("tram/c.png", 3),
        ("bus/d.png", 4),
    ]);
    let options = OpenOptions {
        test_fraction: Some(0.5),
        ..OpenOptions::default()
    };
    let opened = crate::open_with(dir.path().to_str().unwrap(), &options).unwrap();
    assert_eq!(
        opened.dataset.train().class_names(),
        ["bus", "train", "tram"]
    );
}

#[test]
fn parts_are_no_classes_whatever_they_are_called() {
    for (files, words) in [
        (
            [
                "traindata/a/1.png",
                "traindata/b/2.png",
                "testdata/a/3.png",
                "testdata/b/4.png",
            ],
            "testdata, traindata have folders themselves and seem to be parts",
        ),
        (
            [
                "fold0/a/1.png",
                "fold0/b/2.png",
                "fold1/a/3.png",
                "fold1/b/4.png",
            ],
            "fold0, fold1 have folders themselves",
        ),
        (
            [
                "a/train/1.png",
                "a/test/2.png",
                "b/train/3.png",
                "b/test/4.png",
            ],
            "the parts are in the folders of the classes (a, b)",
        ),
    ] {
        let files: Vec<(&str, u8)> = files
            .iter()
            .zip(1..)
            .map(|(file, value)| (*file, value))
            .collect();
        let message = open_dir(&folder(&files)).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn what_is_flattened_or_lies_beside_the_classes_is_said() {
    let mut files = Vec::from(GOOD);
    files.extend([("train/stray.png", 6), ("top.png", 7), ("other/x.png", 8)]);
    let dir = folder(&files);
    let open = |dir: &TempDir, options| {
        let opened = crate::open_with(dir.path().to_str().unwrap(), &options).unwrap();
        opened
            .notes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let notes = open(&dir, OpenOptions::default());
    let stray = "images that lie in no folder of a class are left out: top.png, train/stray.png";
    assert!(notes.iter().any(|note| note == stray), "{notes:?}");
    assert!(
        notes.iter().any(|note| note.ends_with("left out: other")),
        "{notes:?}"
    );
    let dir = folder(&[
        ("animal/cat/1.png", 1),
        ("animal/dog/2.png", 2),
        ("car/3.png", 3),
        ("car/4.png", 4),
    ]);
    let options = OpenOptions {
        test_fraction: Some(0.5),
        ..OpenOptions::default()
    };
    let notes = open(&dir, options);
    let flattened =
        "the classes are the outer folders; those in them are not told apart: animal/{cat, dog}";
    assert!(notes.iter().any(|note| note == flattened), "{notes:?}");
}

#[test]
fn images_keep_the_names_of_their_files() {
    let dataset = open_dir(&folder(&GOOD)).unwrap();
    let files = dataset.train().files().unwrap();
    assert_eq!(
        files,
        ["train/ant/c.png", "train/cat/a.PNG", "train/cat/b.png"]
    );
    assert_eq!(
        dataset.test().files().unwrap(),
        ["test/ant/d.png", "test/cat/e.png"]
    );
}

#[test]
fn an_image_without_an_ending_is_known_by_its_content() {
    let dir = folder(&[("train/a/1", 1), ("train/b/2", 2), ("test/a/3", 3)]);
    fs::write(dir.path().join("train/a/README"), "no image").unwrap();
    let dataset = open_dir(&dir).unwrap();
    assert_eq!(dataset.train().len() + dataset.test().len(), 3);
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_said() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = folder(&GOOD);
    let name = std::ffi::OsStr::from_bytes(b"train/c\xe4t");
    fs::create_dir(dir.path().join(name)).unwrap();
    let message = open_dir(&dir).unwrap_err().to_string();
    assert!(
        message.contains("is not UTF-8 text: rename it"),
        "{message}"
    );
}
