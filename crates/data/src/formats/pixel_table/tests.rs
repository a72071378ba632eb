use std::fs;

use bakeoff_core::Dataset;
use tempfile::TempDir;

use super::*;

const TRAIN: &str = "label,1x1,1x2,2x1,2x2\n0,1,2,3,4\n1,5,6,7,8\n2,9,9,9,255\n";
const TEST: &str = "1,0,0,0,9\n0,0,0,0,2\n";

fn folder(train: &str, test: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("mnist_train.csv"), train).unwrap();
    fs::write(dir.path().join("mnist_test.csv"), test).unwrap();
    dir
}

fn open_dir(dir: &TempDir) -> Result<Dataset, DataError> {
    crate::open(dir.path().to_str().unwrap())
}

#[test]
fn tables_with_and_without_names_are_read() {
    let dataset = open_dir(&folder(TRAIN, TEST)).unwrap();
    assert_eq!(dataset.train().labels(), [0, 1, 2]);
    assert_eq!(dataset.test().labels(), [1, 0]);
    assert_eq!(dataset.train().images().shape(), ImageShape::new(1, 2, 2));
    assert_eq!(dataset.train().images().get(2), Some(&[9, 9, 9, 255][..]));
    assert_eq!(dataset.train().class_names(), ["0", "1", "2"]);
    // The last column's name says the sides where they differ.
    let wide = "label,1x1,1x2\n0,1,2\n1,3,4\n";
    let dataset = open_dir(&folder(wide, wide)).unwrap();
    assert_eq!(dataset.test().images().shape(), ImageShape::new(1, 1, 2));
}

#[test]
fn a_bad_table_is_refused_with_line_and_column() {
    for (train, words) in [
        ("0,1,2,3,4\n1,5,6,7\n", &["line 2", "4 fields", "5"][..]),
        ("0,1,2,3,4\n1,5,6,7,8,9\n", &["line 2", "6 fields"]),
        ("0,1,2,3,4\n1,5,x,7,8\n", &["line 2", "column 3", "\"x\""]),
        (
            "0,1,2,3,4\n1,5,6,7,256\n",
            &["line 2", "column 5", "256", "0 to 255"],
        ),
        ("0,1,2,3,4\n1,5,-6,7,8\n", &["line 2", "column 3"]),
        ("0,1,2,3,4\n1,5,,7,8\n", &["line 2", "column 3"]),
        (
            "label,a,b,c,d\n0,1,2,3,4\n1.5,5,6,7,8\n",
            &["line 3", "column 1", "label"],
        ),
        (
            "0,1,2,3,4\n1.5,5,6,7,8\n",
            &["line 1", "first or the last", "`label`"],
        ),
        ("0,1,2,3\n", &["line 1", "4 columns", "square"]),
        ("label,a,b,c,d\n", &["no images"]),
        ("", &["no images"]),
    ] {
        let message = open_dir(&folder(train, TEST)).unwrap_err().to_string();
        assert!(message.contains("mnist_train.csv"), "{message}");
        for word in words {
            assert!(message.contains(word), "no {word:?} in {message:?}");
        }
    }
}

#[test]
fn parts_and_names_must_agree() {
    let message = open_dir(&folder(TRAIN, "0,1\n")).unwrap_err().to_string();
    assert!(message.contains("do not belong together"), "{message}");
    let dir = folder(TRAIN, TEST);
    fs::write(dir.path().join("classes.txt"), "a\nb\n").unwrap();
    let message = open_dir(&dir).unwrap_err().to_string();
    assert!(
        message.contains("line 4: label 2 of sample 2 is out of range"),
        "{message}"
    );
    fs::remove_file(dir.path().join("classes.txt")).unwrap();
    fs::remove_file(dir.path().join("mnist_test.csv")).unwrap();
    let message = open_dir(&dir).unwrap_err().to_string();
    assert!(message.contains("--test-fraction 0.2"), "{message}");
    let one = folder("label,1x1\n0,1\n0,2\n", "label,1x1\n0,1\n");
    assert!(
        open_dir(&one)
            .unwrap_err()
            .to_string()
            .contains("1 classes")
    );
}
