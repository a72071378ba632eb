//! Columns and scales of tables and arrays: what is found, what is stated, and that a model is
//! shown what it was measured on.

use bakeoff_core::{ImageShape, OpenOptions};
use bakeoff_data::{open_table, open_to_evaluate};

use crate::support::*;

/// Rows of a label and 36 pixels, of which each is `show(value)`.
fn rows(header: &str, count: usize, show: impl Fn(usize) -> String) -> String {
    let row = |i: usize| format!("{},{}\n", i % 2, vec![show(i); 36].join(","));
    format!("{header}\n{}", (0..count).map(row).collect::<String>())
}

fn header(label: &str) -> String {
    format!("{label},{}", names("pixel"))
}

fn fraction(i: usize) -> String {
    format!("{:.6}", f64::from(value(i)) / 255.0)
}

fn said(folder: &Folder, options: &OpenOptions) -> String {
    let notes = folder.open(options).unwrap().notes;
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    notes.join("; ")
}

#[test]
fn a_test_part_of_another_scale_is_read_in_its_own_and_that_is_said() {
    let folder = Folder::new();
    let bytes = |i: usize| value(i).to_string();
    folder
        .put("train.csv", rows(&header("label"), 4, bytes))
        .put("test.csv", rows(&header("label"), 2, fraction));
    reads(folder.open(&plain()), GREY, &["different scales"]);
}

#[test]
fn a_model_sees_a_table_in_the_scale_that_it_learned_in() {
    let folder = Folder::new();
    // The test part has no number between 0 and 1.
    folder
        .put("train.csv", rows(&header("label"), 4, fraction))
        .put(
            "test.csv",
            rows(&header("label"), 2, |i| (i % 2).to_string()),
        );
    let trained = folder.open(&plain()).unwrap();
    assert_eq!(trained.dataset.pixel_range(), Some([0.0, 1.0]));
    let test = folder.path().join("test.csv");
    let shape = ImageShape::new(1, 6, 6);
    let asked = |range| open_table(&test, &plain(), shape, range).unwrap().images;
    assert_eq!(
        asked(trained.dataset.pixel_range()),
        *trained.dataset.test().images()
    );
    assert_eq!(asked(None).get(1).unwrap()[0], 1);
    let evaluated = open_to_evaluate(
        test.to_str().unwrap(),
        &plain(),
        trained.dataset.pixel_range(),
    );
    assert_eq!(evaluated.unwrap().dataset.test(), trained.dataset.test());
    // What is stated counts, and that it contradicts is said.
    let stated = OpenOptions {
        pixel_max: Some(4.0),
        ..plain()
    };
    let opened = open_to_evaluate(
        test.to_str().unwrap(),
        &stated,
        trained.dataset.pixel_range(),
    )
    .unwrap();
    assert_eq!(opened.dataset.test().images().get(1).unwrap()[0], 64);
    let said = opened
        .notes
        .iter()
        .any(|note| note.text().contains("not what is stated"));
    assert!(said, "{:?}", opened.notes);
}

#[test]
fn a_table_of_another_size_or_without_names_is_shown_as_the_model_learned() {
    let folder = Folder::new();
    let pixels: String = (0..2)
        .map(|i| vec![value(i).to_string(); 36].join(",") + "\n")
        .collect();
    folder.put("test.csv", &pixels);
    let test = folder.path().join("test.csv");
    let asked = |shape| open_table(&test, &plain(), shape, None);
    let images = asked(ImageShape::new(1, 6, 6)).unwrap().images;
    assert_eq!((images.len(), images.get(1).unwrap()[0]), (2, value(1)));
    folder.put("test.csv", names("p") + "\n" + &pixels);
    let table = asked(ImageShape::new(3, 3, 3)).unwrap();
    assert_eq!(table.images.get(1), Some(&[value(1); 27][..]));
    assert!(table.notes.iter().any(|note| note.text().contains("1×6×6")));
}

#[test]
fn columns_of_the_test_table_are_those_of_the_training_table() {
    // The value of a pixel is its number.
    let table = |numbers: &[usize], prefix: &str| {
        let names: Vec<String> = numbers.iter().map(|n| format!("{prefix}{n}_{n}")).collect();
        let values: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let rows: String = (0..2)
            .map(|i| format!("{i},{}\n", values.join(",")))
            .collect();
        format!("label,{}\n{rows}", names.join(","))
    };
    let order: Vec<usize> = (0..36).collect();
    let turned: Vec<usize> = (0..36).rev().collect();
    let folder = Folder::new();
    folder
        .put("train.csv", table(&order, "p"))
        .put("test.csv", table(&turned, "p"));
    let opened = folder.open(&plain()).unwrap();
    let in_order: Vec<u8> = (0..36).collect();
    assert_eq!(opened.dataset.test().images().get(0), Some(&in_order[..]));
    assert!(said(&folder, &plain()).contains("order of the training table"));
    folder.put("test.csv", table(&order, "q"));
    refused(folder.open(&plain()), &["test.csv", "36 of 36", "p0_0"]);
    // The label of the training table is that of the test table, and no other column is.
    let folder = Folder::new();
    let bytes = |i: usize| value(i).to_string();
    folder
        .put("train.csv", rows(&header("kind"), 4, bytes))
        .put("test.csv", rows(&header("kind"), 2, bytes));
    reads(
        folder.open(&plain()),
        GREY,
        &["`kind` is taken as the label"],
    );
    folder.put("test.csv", rows(&header("maker"), 2, bytes));
    refused(folder.open(&plain()), &["--test-fraction"]);
}

#[test]
fn the_label_column_is_stated() {
    let folder = Folder::new();
    let table = |count: usize| {
        let text = rows(&header("label"), count, |i| value(i).to_string());
        let lines = text.lines().enumerate();
        let lines = lines.map(|(at, line)| match at {
            0 => format!("kind,{line}\n"),
            _ => format!("k{},{line}\n", at % 3),
        });
        lines.collect::<String>()
    };
    folder.put("train.csv", table(4)).put("test.csv", table(2));
    reads(folder.open(&plain()), GREY, &["not used: `kind`"]);
    let stated = |label: &str| OpenOptions {
        label: Some(label.into()),
        ..plain()
    };
    let opened = folder.open(&stated("Kind")).unwrap();
    assert_eq!(opened.dataset.train().class_names(), ["k0", "k1", "k2"]);
    refused(folder.open(&stated("size")), &["`size`", "kind, label"]);
    // Without names by its number, in each part alike.
    let unclear = "0,1,2,3,1\n1,7,8,9,0\n";
    let folder = Folder::new();
    folder.put("train.csv", unclear).put("test.csv", unclear);
    refused(folder.open(&plain()), &["first or the last", "--label 1"]);
    let opened = folder.open(&stated("5")).unwrap();
    assert_eq!(opened.dataset.test().labels(), [1, 0]);
    refused(folder.open(&stated("9")), &["`9`", "from 1 to 5"]);
}

#[test]
fn two_tables_or_columns_of_labels_agree_or_are_refused() {
    let folder = Folder::new();
    for i in 0..3 {
        folder.put(&format!("{i}.png"), png(i));
    }
    folder.put("labels.csv", "file,label\n0.png,0\n1.png,1\n");
    folder.put("metadata.csv", "file_name,label\n0.png,0\n");
    assert!(said(&folder, &plain()).contains("metadata.csv is not used"));
    folder.put("metadata.csv", "file_name,label\n0.png,1\n");
    refused(
        folder.open(&plain()),
        &["metadata.csv: line 2", "\"1\"", "\"0\"", "labels.csv"],
    );
    std::fs::remove_file(folder.path().join("metadata.csv")).unwrap();
    folder.put("labels.csv", "file,label,class\n0.png,0,cat\n1.png,1,dog\n");
    assert!(folder.open(&plain()).is_ok());
    folder.put(
        "labels.csv",
        "file,label,class\n0.png,0,cat\n1.png,1,cat\n2.png,2,dog\n",
    );
    refused(
        folder.open(&plain()),
        &["line 3", "`label` and `class`", "--label label"],
    );
    let stated = OpenOptions {
        label: Some("class".into()),
        ..plain()
    };
    let opened = folder.open(&stated).unwrap();
    assert_eq!(opened.dataset.test().class_names(), ["cat", "dog"]);
}

#[test]
fn a_stated_brightness_is_for_numbers_only() {
    let stated = OpenOptions {
        pixel_max: Some(4095.0),
        ..plain()
    };
    let folder = class_folders(&[("train", 4), ("test", 2)], "");
    refused(
        folder.open(&stated),
        &["--pixel-max 4095", "tables and arrays"],
    );
}

#[test]
fn truths_are_black_and_white() {
    let folder = Folder::new();
    let array = |name: &str, dims: &str, data: &[u8]| {
        let bytes = String::from_utf8_lossy(&npy(dims, data)).replace("|u1", "|b1");
        // The mark of a npy file is no UTF-8.
        let bytes = [b"\x93", &bytes.as_bytes()[3..]].concat();
        folder.put(name, bytes);
    };
    for part in ["train", "test"] {
        array(
            &format!("x_{part}.npy"),
            "2, 2, 2",
            &[0, 1, 0, 1, 1, 1, 0, 0],
        );
        array(&format!("y_{part}.npy"), "2,", &[0, 1]);
    }
    let opened = folder.open(&plain()).unwrap();
    assert_eq!(opened.dataset.train().labels(), [0, 1]);
    assert_eq!(
        opened.dataset.test().images().pixels(),
        [0, 255, 0, 255, 255, 255, 0, 0]
    );
    assert!(said(&folder, &plain()).contains("true or false"));
}

#[test]
fn tables_are_read_with_other_separators_and_comments() {
    let bytes = |i: usize| value(i).to_string();
    let table = |count: usize| rows(&header("label"), count, bytes);
    for write in [
        |text: String| text.replace(',', "|"),
        |text: String| text.replace(',', " "),
        |text: String| format!("sep=;\n{}", text.replace(',', ";")),
        |text: String| format!("# made today\n# {text}"),
    ] {
        let folder = both("csv", |count| write(table(count)).into_bytes());
        reads(folder.open(&plain()), GREY, &[]);
    }
    let wrong = |from: &str, to: &str| {
        let folder = both("csv", |count| {
            table(count)
                .replace(',', ";")
                .replacen(from, to, 1)
                .into_bytes()
        });
        folder.open(&plain())
    };
    refused(wrong(";35", ";3,5"), &["line 3", "decimals with a point"]);
    refused(wrong(";35", ";-1"), &["line 3", "black is 0"]);
    refused(wrong(";35", ";4095"), &["line 3", "--pixel-max"]);
    refused(wrong("\n1;", "\n-1;"), &["line 3", "classes from 0"]);
}
