//! Tables of pixels, tables of files, and lists.

use bakeoff_core::{ImageShape, OpenOptions};

use crate::support::*;

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
    // Fractions are multiplied; UTF-16 is noted.
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
fn a_label_column_without_a_name_is_found_or_refused() {
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
fn gaps_and_missing_classes_are_noted_and_a_stray_label_refused() {
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

/// An error about the whole of one file names that file, not the folder that it is in.
#[test]
fn a_share_that_is_no_image_names_the_file() {
    let folder = Folder::new();
    // Each image is the only one of its class.
    let rows: String = (0..9).map(|i| format!("{i},0,50,100,{i}\n")).collect();
    folder.put("one.csv", format!("label,p0,p1,p2,p3\n{rows}"));
    let stated = OpenOptions {
        test_fraction: Some(0.2),
        ..plain()
    };
    let opened = open(&folder.path().join("one.csv"), &stated);
    refused(opened, &["one.csv: a test part of 0.2", "each class"]);
}
