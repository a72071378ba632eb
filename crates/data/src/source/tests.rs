use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

use super::*;
use crate::idx;

/// A folder with files of these names and contents.
fn folder(files: &[(&str, Vec<u8>)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

fn idx_bytes(dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    idx::write(&mut bytes, dims, data).unwrap();
    bytes
}

fn gzip(bytes: Vec<u8>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&bytes).unwrap();
    encoder.finish().unwrap()
}

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// Three training and two test images of 2×3, of three classes.
fn good() -> [(&'static str, Vec<u8>); 4] {
    let train: Vec<u8> = (0..18).collect();
    let test: Vec<u8> = (100..112).collect();
    [
        (TRAIN_IMAGES, idx_bytes(&[3, 2, 3], &train)),
        (TRAIN_LABELS, idx_bytes(&[3], &[0, 2, 1])),
        (TEST_IMAGES, idx_bytes(&[2, 2, 3], &test)),
        (TEST_LABELS, idx_bytes(&[2], &[1, 0])),
    ]
}

fn open_dir(dir: &TempDir) -> Result<Dataset, DataError> {
    open(dir.path().to_str().unwrap())
}

/// The error of the good folder with one file replaced, added or (`None`) removed.
fn error_with(name: &str, bytes: Option<Vec<u8>>) -> String {
    let dir = folder(&good());
    let path = dir.path().join(name);
    match bytes {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    open_dir(&dir).unwrap_err().to_string()
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn a_folder_is_a_dataset_by_its_path() {
    let dir = folder(&good());
    let data = open_dir(&dir).unwrap();
    assert_eq!(
        data.name(),
        dir.path().file_name().unwrap().to_str().unwrap()
    );
    assert_eq!(data.train().images().shape().to_string(), "1×2×3");
    assert_eq!(data.train().labels(), [0, 2, 1]);
    assert_eq!(data.train().class_names(), ["0", "1", "2"]);
    assert_eq!(
        data.test().images().get(1).unwrap(),
        [106, 107, 108, 109, 110, 111]
    );
    let slashed = format!("{}/", dir.path().display());
    assert_eq!(open(&slashed).unwrap(), data);
}

#[test]
fn names_and_compression_may_be_any_of_the_usual() {
    let [train_images, train_labels, test_images, test_labels] = good().map(|(_, bytes)| bytes);
    let plain = open_dir(&folder(&good())).unwrap();
    let other = folder(&[
        ("train-images.idx3-ubyte.gz", gzip(train_images.clone())),
        // Gzip without the ending, plain with it: the content decides.
        ("train-labels.idx1-ubyte", gzip(train_labels.clone())),
        ("test-images-idx3-ubyte.gz", test_images.clone()),
        ("TEST-LABELS-IDX1-UBYTE.GZ", gzip(test_labels.clone())),
    ]);
    assert_eq!(open_dir(&other).unwrap().fingerprint(), plain.fingerprint());
    let prefixed = folder(&[
        ("my-fashion-train-images-idx3-ubyte.gz", gzip(train_images)),
        ("my-fashion-train-labels-idx1-ubyte.gz", gzip(train_labels)),
        ("my-fashion-test-images-idx3-ubyte.gz", gzip(test_images)),
        ("my-fashion-test-labels-idx1-ubyte.gz", gzip(test_labels)),
    ]);
    assert_eq!(
        open_dir(&prefixed).unwrap().fingerprint(),
        plain.fingerprint()
    );
}

#[test]
fn a_file_beside_its_compressed_form_is_one_file() {
    let dir = folder(&good());
    for (name, bytes) in good() {
        fs::write(dir.path().join(format!("{name}.gz")), gzip(bytes)).unwrap();
    }
    assert_eq!(open_dir(&dir).unwrap(), open_dir(&dir).unwrap());
    let message = {
        let copy = dir.path().join("copy-of-train-images-idx3-ubyte");
        fs::copy(dir.path().join(TRAIN_IMAGES), copy).unwrap();
        open_dir(&dir).unwrap_err().to_string()
    };
    assert_says(
        &message,
        &[
            "more than one file",
            TRAIN_IMAGES,
            "copy-of-train",
            "one dataset in one folder",
        ],
    );
}

#[test]
fn four_dimensions_are_channels() {
    let dir = folder(&good());
    let write = |name: &str, count: usize| {
        let bytes = idx_bytes(&[count, 3, 2, 1], &vec![1; count * 6]);
        fs::write(dir.path().join(name), bytes).unwrap();
    };
    write(TRAIN_IMAGES, 3);
    write(TEST_IMAGES, 2);
    let data = open_dir(&dir).unwrap();
    assert_eq!(data.train().images().shape().to_string(), "3×2×1");
}

#[test]
fn class_names_come_from_their_file() {
    let mut files = good().to_vec();
    files.push((
        "Classes.txt",
        b"\xef\xbb\xbfshirt\r\nshoe\r\n bag \r\nhat\n\n".to_vec(),
    ));
    let data = open_dir(&folder(&files)).unwrap();
    assert_eq!(data.test().class_names(), ["shirt", "shoe", "bag", "hat"]);
    files[4].0 = "labels.txt";
    assert_eq!(
        open_dir(&folder(&files)).unwrap().fingerprint(),
        data.fingerprint()
    );
}

#[test]
fn unusable_class_names_are_refused_with_their_line() {
    let error = |text: &[u8]| error_with("classes.txt", Some(text.to_vec()));
    assert_says(
        &error(b"a\n\nb\n"),
        &["classes.txt: line 2", "without a name"],
    );
    assert_says(&error(b"a\nb\na\n"), &["line 3", "\"a\"", "line 1"]);
    assert_says(&error(b"a\n"), &["line 1", "1 class name", "two or more"]);
    assert_says(&error(b""), &["0 class name"]);
    assert_says(&error(b"a\n\xff\xfe\n"), &["not UTF-8"]);
    assert_says(&error(&vec![b'a'; 2 << 20]), &["more than 1048576 bytes"]);
    assert_says(
        &error(b"a\nb\n"),
        &[
            TRAIN_LABELS,
            "byte 9",
            "label 2 of sample 1",
            "classes.txt",
            "2 classes (0 to 1)",
            "Add the missing names",
        ],
    );
}

#[test]
fn missing_files_are_listed_with_what_is_there() {
    let dir = folder(&good()[1..3]);
    let message = open_dir(&dir).unwrap_err().to_string();
    assert_says(
        &message,
        &[
            &format!("{TRAIN_IMAGES}, {TEST_LABELS} not found"),
            "with or without .gz",
            &format!("holds {TEST_IMAGES}, {TRAIN_LABELS}"),
        ],
    );
}

#[test]
fn a_folder_of_other_things_says_what_was_expected() {
    let dir = folder(&[("notes.md", vec![]), ("b.csv", vec![])]);
    fs::create_dir(dir.path().join("raw")).unwrap();
    let message = open_dir(&dir).unwrap_err().to_string();
    assert_says(
        &message,
        &[
            "no dataset is recognised",
            "b.csv, notes.md, raw/",
            "train/CLASS/",
            "`bakeoff data list`",
        ],
    );
    let names: Vec<String> = (0..15).map(|i| format!("{i:02}.bin")).collect();
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(|n| (n.as_str(), vec![])).collect();
    let message = open_dir(&folder(&files)).unwrap_err().to_string();
    assert_says(&message, &["00.bin", "11.bin and 3 more"]);
    assert_says(
        &open_dir(&folder(&[])).unwrap_err().to_string(),
        &["holds nothing"],
    );
}

#[test]
fn a_bad_file_is_named_with_the_place() {
    let message = error_with(TEST_IMAGES, Some(b"<!DOCTYPE html>".to_vec()));
    assert_says(&message, &[TEST_IMAGES, "byte 0", "web page"]);
    let message = error_with(TEST_LABELS, Some(vec![]));
    assert_says(&message, &[TEST_LABELS, "empty"]);
    let message = error_with(TRAIN_IMAGES, Some(good()[0].1[..20].to_vec()));
    assert_says(
        &message,
        &[
            TRAIN_IMAGES,
            "byte 20",
            "claims 34 bytes in all",
            "found 20",
        ],
    );
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let message = error_with(TRAIN_LABELS, Some(idx_bytes(&[2], &[0, 1])));
    assert_says(
        &message,
        &["byte 4", TRAIN_IMAGES, "3 images", TRAIN_LABELS, "2 labels"],
    );
    let message = error_with(TEST_IMAGES, Some(idx_bytes(&[2, 3, 2], &[0; 12])));
    assert_says(&message, &[TRAIN_IMAGES, "1×2×3", TEST_IMAGES, "1×3×2"]);
    // Images and labels swapped.
    let message = error_with(TRAIN_LABELS, Some(good()[0].1.clone()));
    assert_says(
        &message,
        &[
            TRAIN_LABELS,
            "byte 3",
            "3 dimension",
            "3×2×3",
            "labels need 1",
        ],
    );
    let message = error_with(TEST_IMAGES, Some(good()[3].1.clone()));
    assert_says(
        &message,
        &[
            TEST_IMAGES,
            "byte 3",
            "1 dimension",
            "images need 3",
            "or 4",
        ],
    );
    let message = error_with(TEST_IMAGES, Some(idx_bytes(&[2, 6], &[0; 12])));
    assert_says(&message, &["2 dimension", "2×6"]);
}

#[test]
fn a_part_without_samples_is_refused() {
    let mut files = good();
    files[2].1 = idx_bytes(&[0, 2, 3], &[]);
    files[3].1 = idx_bytes(&[0], &[]);
    let message = open_dir(&folder(&files)).unwrap_err().to_string();
    assert_says(&message, &[TEST_IMAGES, "byte 4", "0 images"]);
}

#[test]
fn one_class_is_refused() {
    let mut files = good();
    files[1].1 = idx_bytes(&[3], &[0; 3]);
    files[3].1 = idx_bytes(&[2], &[0; 2]);
    let message = open_dir(&folder(&files)).unwrap_err().to_string();
    assert_says(&message, &["1 classes", "2 to 65536"]);
}

#[test]
fn a_folder_in_place_of_a_file_is_missing_not_a_panic() {
    let dir = folder(&good()[1..]);
    fs::create_dir(dir.path().join(TRAIN_IMAGES)).unwrap();
    assert_says(
        &open_dir(&dir).unwrap_err().to_string(),
        &[
            &format!("{TRAIN_IMAGES} not found"),
            &format!("{TRAIN_IMAGES}/"),
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_dangling_link_is_unreadable_by_name() {
    let dir = folder(&good()[1..]);
    std::os::unix::fs::symlink("/nowhere/at/all", dir.path().join(TRAIN_IMAGES)).unwrap();
    assert_says(
        &open_dir(&dir).unwrap_err().to_string(),
        &[TRAIN_IMAGES, "cannot be read"],
    );
}

#[test]
fn a_name_that_is_nothing_lists_what_there_is() {
    let says = |name: &str| open(name).unwrap_err().to_string();
    assert_says(
        &says("mnits"),
        &[
            "dataset `mnits` (did you mean `mnist`?). Built in",
            "Built in: mnist",
            "path of a folder",
            "`bakeoff data list`",
        ],
    );
    let far = says("imagenet");
    assert_says(&far, &["`imagenet`", "Built in: mnist"]);
    assert!(!far.contains("did you mean"), "{far}");
    assert_says(&says(""), &["there is no dataset ``"]);
    assert_says(
        &says("no/such/folder"),
        &["no/such/folder", "cannot be read"],
    );
}

#[test]
fn a_file_is_not_a_folder() {
    let dir = folder(&good());
    let file = dir.path().join(TRAIN_IMAGES);
    let message = open(file.to_str().unwrap()).unwrap_err().to_string();
    assert_says(
        &message,
        &[TRAIN_IMAGES, "this is a file", "folder that holds"],
    );
}

#[test]
fn built_in_names_open() {
    for builtin in builtins() {
        assert_eq!(open(builtin.name).unwrap().name(), builtin.name);
    }
}
