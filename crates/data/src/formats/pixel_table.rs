//! Images as rows of numbers: `…train….csv` and `…test….csv`, the label first.
//!
//! This is how MNIST and Fashion-MNIST are passed around as tables: 785 columns, the
//! label and 784 pixels, row by row, with or without a line of column names. Images are
//! grey; their sides come from the last column's name where it has the form `28x28`,
//! and are equal otherwise.

use std::path::PathBuf;

use bakeoff_core::{Dataset, ImageShape, Images};
use csv::StringRecord;

use crate::{
    class_names,
    error::DataError,
    format::Format,
    listing::Listing,
    parts::{Labels, Part, dataset},
    table::each_row,
};

pub(super) const FORMAT: Format = Format {
    name: "pixel-table",
    expects: "a folder with a train.csv and a test.csv (or mnist_train.csv, …), in each row the label and then the pixels of a square grey image",
    recognises,
    open,
};

/// Whether there is a table of either part.
fn recognises(listing: &Listing) -> bool {
    file(listing, "train").is_some() || file(listing, "test").is_some()
}

fn file<'a>(listing: &'a Listing, part: &str) -> Option<&'a str> {
    listing.files().find(|file| {
        let name = file.to_lowercase();
        name.ends_with(".csv") && name.contains(part)
    })
}

/// Opens the folder.
fn open(listing: &Listing) -> Result<Dataset, DataError> {
    let path = |part: &str| {
        let file = file(listing, part);
        let file = file.ok_or_else(|| listing.missing(&format!("a table {part}.csv")))?;
        Ok(listing.path().join(file))
    };
    let (train, test) = (read(path("train")?)?, read(path("test")?)?);
    let class_names = class_names::find(listing)?;
    dataset(listing.path(), &listing.name(), train, test, class_names)
}

fn read(path: PathBuf) -> Result<Part, DataError> {
    let (mut values, mut pixels) = (Vec::new(), Vec::new());
    let mut first = None;
    each_row(&path, u64::MAX, |record, line| {
        let wrong = |problem: String| DataError::line(&path, line, problem);
        if first.is_none() {
            let has_numbers = record.iter().any(|field| field.parse::<f64>().is_ok());
            let shape = shape(record).map_err(wrong)?;
            first = Some((shape, if has_numbers { line } else { line + 1 }));
            if !has_numbers {
                return Ok(());
            }
        }
        let number = |column: usize, field: &str, most: u16, what: &str| {
            let number: Option<u16> = field.parse().ok().filter(|&number| number <= most);
            number.ok_or_else(|| {
                let column = column + 1;
                wrong(format!(
                    "column {column}: {field:?} is no {what}, a whole number from 0 to {most}"
                ))
            })
        };
        for (column, field) in record.iter().enumerate() {
            if column == 0 {
                values.push(number(column, field, u16::MAX - 1, "label")?);
            } else {
                // At most 255.
                pixels.push(number(column, field, 255, "pixel")? as u8);
            }
        }
        Ok(())
    })?;
    let (shape, first) = first
        .filter(|_| !values.is_empty())
        .ok_or_else(|| DataError::no_pictures(&path))?;
    Ok(Part {
        images: Images::new(shape, pixels).map_err(|_| DataError::no_pictures(&path))?,
        labels: Labels {
            path: path.clone(),
            values,
            unit: "line",
            first,
        },
        path,
    })
}

/// The shape of the images, from the first line.
fn shape(record: &StringRecord) -> Result<ImageShape, String> {
    let pixels = record.len().saturating_sub(1);
    let name = record.iter().next_back().unwrap_or_default();
    if let Some((height, width)) = name.split_once('x')
        && let (Ok(height), Ok(width)) = (height.parse(), width.parse())
        && pixels > 0
        && usize::checked_mul(height, width) == Some(pixels)
    {
        return Ok(ImageShape::new(1, height, width));
    }
    let side = pixels.isqrt();
    if pixels == 0 || side * side != pixels {
        return Err(format!(
            "{} columns: a label and the pixels of a square image are needed, 785 for 28×28",
            record.len()
        ));
    }
    Ok(ImageShape::new(1, side, side))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const TRAIN: &str = "label,1x1,1x2,2x1,2x2\n0,1,2,3,4\n1,5,6,7,8\n2,9,9,9,255\n";
    const TEST: &str = "1,0,0,0,1\n0,0,0,0,2\n";

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
            ("0,1,2,3,4\n1.5,5,6,7,8\n", &["line 2", "column 1", "label"]),
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
        fs::remove_file(dir.path().join("mnist_test.csv")).unwrap();
        let message = open_dir(&dir).unwrap_err().to_string();
        assert!(message.contains("test.csv not found"), "{message}");
        let one = folder("0,1\n0,2\n", "0,1\n");
        assert!(
            open_dir(&one)
                .unwrap_err()
                .to_string()
                .contains("1 classes")
        );
    }
}
