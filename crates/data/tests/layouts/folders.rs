//! Images in class folders.

use std::fs;

use bakeoff_core::{Colour, Fit, ImageShape, OpenOptions};
use bakeoff_data::open_to_evaluate;

use crate::support::*;

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
    let all = open_to_evaluate(path, &plain(), None).unwrap().dataset;
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
