use std::fs;

use bakeoff_core::{Dataset, ImageShape};
use tempfile::TempDir;

use super::*;

fn png(value: u8, side: usize) -> Vec<u8> {
    bakeoff_picture::encode_png(ImageShape::new(1, side, side), &vec![value; side * side]).unwrap()
}

/// A folder with three images and this table.
fn folder(table: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, value) in [("a.png", 10), ("b.png", 20), ("c.png", 30)] {
        fs::write(dir.path().join(name), png(value, 4)).unwrap();
    }
    fs::write(dir.path().join(TABLE), table).unwrap();
    dir
}

fn open_dir(dir: &TempDir) -> Result<Dataset, DataError> {
    crate::open(dir.path().to_str().unwrap())
}

fn refused(table: &str) -> String {
    open_dir(&folder(table)).unwrap_err().to_string()
}

#[test]
fn corrections_are_a_dataset_without_a_training_part() {
    let dir = folder(
        "file,label,predicted,model,time\n\
         b.png,7,1,mnist/cnn,2026-01-02T03:04:05Z\n\
         a.png,0,6,\"mnist/cnn, mnist/knn\",2026-01-02T03:04:06Z\n",
    );
    let dataset = open_dir(&dir).unwrap();
    assert!(dataset.train().is_empty());
    let test = dataset.test();
    assert_eq!(test.labels(), [7, 0]);
    assert_eq!(test.class_names(), ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(test.images().shape(), ImageShape::new(1, 4, 4));
    assert_eq!(test.images().get(0), Some(&[20; 16][..]));
    assert_eq!(test.images().get(1), Some(&[10; 16][..]));
}

#[test]
fn one_correction_is_enough() {
    let dataset = open_dir(&folder("file,label\nc.png,0\n")).unwrap();
    assert_eq!(dataset.test().class_names(), ["0", "1"]);
    assert_eq!(dataset.test().labels(), [0]);
}

#[test]
fn columns_are_found_by_name_and_labels_may_be_words() {
    let dir = folder("\u{feff}label,note,file\ncat,,a.png\nant,\"x, y\",b.png\ncat,z,c.png\n");
    let test = open_dir(&dir).unwrap().test().clone();
    assert_eq!(test.class_names(), ["ant", "cat"]);
    assert_eq!(test.labels(), [1, 0, 1]);
    fs::write(dir.path().join("classes.txt"), "cat\ndog\nant\n").unwrap();
    let test = open_dir(&dir).unwrap().test().clone();
    assert_eq!(test.class_names(), ["cat", "dog", "ant"]);
    assert_eq!(test.labels(), [0, 2, 0]);
}

#[test]
fn a_colour_makes_all_pictures_rgb() {
    let dir = folder("file,label\na.png,0\nb.png,1\n");
    let colour = bakeoff_picture::encode_png(
        ImageShape::new(3, 4, 4),
        &[[9; 16], [8; 16], [7; 16]].concat(),
    );
    fs::write(dir.path().join("b.png"), colour.unwrap()).unwrap();
    let images = open_dir(&dir).unwrap().test().images().clone();
    assert_eq!(images.shape(), ImageShape::new(3, 4, 4));
    assert_eq!(images.get(0), Some(&[10; 48][..]));
    assert_eq!(
        images.get(1).unwrap()[15..33],
        [&[9][..], &[8; 16], &[7]].concat()
    );
}

#[test]
fn a_bad_table_is_refused_with_its_line() {
    for (table, words) in [
        ("file,label\n", &["line 1", "no images"][..]),
        ("", &["line 1", "`file`"]),
        (
            "name,label\na.png,1\n",
            &["line 1", "no column `file`", "name,label"],
        ),
        ("file,label\na.png,1\nb.png\n", &["line 3", "1 fields", "2"]),
        ("file,label\na.png,1\nb.png,1,x\n", &["line 3", "3 fields"]),
        ("file,label\na.png,\n", &["line 2", "`label` is empty"]),
        (
            "file,label\n../a.png,1\n",
            &["line 2", "not the name of a file"],
        ),
        (
            "file,label\n/etc/passwd,1\n",
            &["line 2", "not the name of a file"],
        ),
        ("file,label\na.png,cat\n", &["line 2", "classes.txt"]),
    ] {
        let message = refused(table);
        assert!(message.contains(TABLE), "{message}");
        for word in words {
            assert!(message.contains(word), "no {word:?} in {message:?}");
        }
    }
    let dir = folder("file,label\na.png,cat\nb.png,elk\n");
    fs::write(dir.path().join("classes.txt"), "cat\ndog\n").unwrap();
    let message = open_dir(&dir).unwrap_err().to_string();
    assert!(message.contains("line 3: label \"elk\""), "{message}");
}

#[test]
fn a_bad_picture_is_named() {
    let dir = folder("file,label\na.png,1\nb.png,2\n");
    let complaint = || open_dir(&dir).unwrap_err().to_string();
    fs::write(dir.path().join("b.png"), png(1, 5)).unwrap();
    let message = complaint();
    assert!(message.contains("b.png: 5×5"), "{message}");
    assert!(message.contains("a.png has 4×4"), "{message}");
    fs::write(dir.path().join("b.png"), &png(1, 4)[..40]).unwrap();
    let message = complaint();
    assert!(
        message.contains("b.png") && message.contains("damaged"),
        "{message}"
    );
    fs::remove_file(dir.path().join("b.png")).unwrap();
    let message = complaint();
    assert!(message.contains("b.png: cannot be read"), "{message}");
}
