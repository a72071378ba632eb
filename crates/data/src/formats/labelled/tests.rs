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

fn notes_of(dir: &TempDir) -> Vec<String> {
    let path = dir.path().to_str().unwrap();
    let opened =
        crate::open_to_evaluate(path, &bakeoff_core::OpenOptions::default(), None).unwrap();
    opened.notes.iter().map(ToString::to_string).collect()
}

#[test]
fn images_that_no_table_names_are_counted() {
    let notes = notes_of(&folder("file,label\nc.png,0\n"));
    let said = "2 images that no table names are left out: a.png, b.png";
    assert!(notes.iter().any(|note| note == said), "{notes:?}");
    let notes = notes_of(&folder("file,label\na.png,0\nb.png,1\nc.png,0\n"));
    assert!(
        !notes.iter().any(|note| note.contains("no table names")),
        "{notes:?}"
    );
}

/// Images in folders of parts and classes, and this table.
fn parts(table: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (value, place) in [
        "train/x/1.png",
        "train/y/2.png",
        "test/x/3.png",
        "test/y/4.png",
    ]
    .iter()
    .enumerate()
    {
        let path = dir.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, png(value as u8 * 50, 4)).unwrap();
    }
    fs::write(dir.path().join(TABLE), table).unwrap();
    dir
}

#[test]
fn a_table_of_a_few_images_does_not_hide_folders_of_classes() {
    let message = open_dir(&parts("file,label\ntest/x/3.png,x\n"))
        .unwrap_err()
        .to_string();
    let said = "it names 1 of the images here, and 3 images in folders of parts and classes are not among them, such as";
    assert!(message.contains(said), "{message}");
}

#[test]
fn folders_of_parts_in_a_table_are_its_parts() {
    let table = "file,label\ntrain/x/1.png,x\ntest/x/3.png,x\ntrain/y/2.png,y\ntest/y/4.png,y\n";
    let dataset = open_dir(&parts(table)).unwrap();
    assert_eq!((dataset.train().len(), dataset.test().len()), (2, 2));
    assert_eq!(
        dataset.test().files().unwrap(),
        ["test/x/3.png", "test/y/4.png"]
    );
}

#[test]
fn lists_may_name_files_in_the_folders_of_their_classes() {
    let dir = parts("");
    fs::remove_file(dir.path().join(TABLE)).unwrap();
    for (list, lines) in [
        ("train.txt", "train/x/1.png\ntrain/y/2.png\n"),
        ("test.txt", "test/x/3.png\ntest/y/4.png\n"),
    ] {
        fs::write(dir.path().join(list), lines).unwrap();
    }
    let dataset = open_dir(&dir).unwrap();
    assert_eq!(dataset.train().class_names(), ["x", "y"]);
    assert_eq!(dataset.test().labels(), [0, 1]);
}
