//! Pictures as rows of numbers: `…train….csv` and `…test….csv`, the label first.
//!
//! This is how MNIST and Fashion-MNIST are passed around as tables: 785 columns, the
//! label and 784 pixels, row by row, with or without a line of column names. Pictures are
//! grey; their sides come from the last column's name where it has the form `28x28`,
//! and are equal otherwise.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use bakeoff_core::{Dataset, ImageShape, Images, Samples};

use crate::{DataError, class_names, labelled::table_error, source::Listing};

/// Whether there is a table of either part.
pub(crate) fn recognises(listing: &Listing) -> bool {
    file(listing, "train").is_some() || file(listing, "test").is_some()
}

fn file<'a>(listing: &'a Listing, part: &str) -> Option<&'a str> {
    listing.files().find(|file| {
        let name = file.to_lowercase();
        name.ends_with(".csv") && name.contains(part)
    })
}

/// Opens the folder.
pub(crate) fn open(listing: &Listing) -> Result<Dataset, DataError> {
    let path = |part: &str| {
        let missing = || DataError::Missing {
            path: listing.path().into(),
            missing: format!("a table {part}.csv"),
            contents: listing.contents(),
        };
        let file = file(listing, part).ok_or_else(missing)?;
        Ok(listing.path().join(file))
    };
    let (train, test) = (read(path("train")?)?, read(path("test")?)?);
    if train.shape != test.shape {
        return Err(DataError::Shapes {
            train_path: train.path,
            train: train.shape.to_string(),
            test_path: test.path,
            test: test.shape.to_string(),
        });
    }
    let names = match class_names::find(listing)? {
        Some((names_path, names)) => {
            train.check(names.len(), &names_path)?;
            test.check(names.len(), &names_path)?;
            names
        }
        None => {
            let highest = train.labels.iter().chain(&test.labels).max();
            let classes = highest.map_or(0, |&label| usize::from(label) + 1);
            (0..classes).map(|class| class.to_string()).collect()
        }
    };
    let wrong = |problem| DataError::Samples {
        path: listing.path().into(),
        problem,
    };
    let samples = |table: Table| {
        let images = Images::new(table.shape, table.pixels)
            .map_err(|_| DataError::NoPictures { path: table.path })?;
        Samples::new(images, table.labels, names.clone()).map_err(wrong)
    };
    Dataset::new(listing.name(), samples(train)?, samples(test)?).map_err(wrong)
}

struct Table {
    path: PathBuf,
    shape: ImageShape,
    labels: Vec<u16>,
    pixels: Vec<u8>,
    /// The line of the first row of numbers, from 1.
    first_line: u64,
}

impl Table {
    /// Every label has a name.
    fn check(&self, classes: usize, names_path: &Path) -> Result<(), DataError> {
        let mut lines = self.first_line..;
        let wrong = self
            .labels
            .iter()
            .zip(&mut lines)
            .find(|&(&label, _)| usize::from(label) >= classes);
        wrong.map_or(Ok(()), |(label, line)| {
            Err(DataError::Table {
                path: self.path.clone(),
                line,
                problem: format!(
                    "label {label} is out of range: {} names {classes} classes (0 to {})",
                    names_path.display(),
                    classes - 1
                ),
            })
        })
    }
}

fn read(path: PathBuf) -> Result<Table, DataError> {
    let file = File::open(&path).map_err(|problem| DataError::Unreadable {
        path: path.clone(),
        problem,
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(BufReader::with_capacity(1 << 16, file));
    let mut table = Table {
        path,
        shape: ImageShape::new(1, 0, 0),
        labels: Vec::new(),
        pixels: Vec::new(),
        first_line: 1,
    };
    let mut record = csv::ByteRecord::new();
    let mut is_first = true;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(table_error(&table.path, error)),
        }
        let line = record.position().map_or(1, csv::Position::line);
        let wrong = |problem: String| DataError::Table {
            path: table.path.clone(),
            line,
            problem,
        };
        if std::mem::take(&mut is_first) {
            table.shape = shape(&record).map_err(wrong)?;
            let is_number = |field: &[u8]| text(field).parse::<f64>().is_ok();
            if !record.iter().any(is_number) {
                table.first_line = line + 1;
                continue;
            }
        }
        let number = |column: usize, field: &[u8], most: u16, what: &str| {
            let shown = text(field);
            let number: Option<u16> = shown.parse().ok().filter(|&number| number <= most);
            number.ok_or_else(|| {
                let problem = format!(
                    "column {}: {shown:?} is no {what}, a whole number from 0 to {most}",
                    column + 1
                );
                DataError::Table {
                    path: table.path.clone(),
                    line,
                    problem,
                }
            })
        };
        for (column, field) in record.iter().enumerate() {
            if column == 0 {
                let label = number(column, field, u16::MAX - 1, "label")?;
                table.labels.push(label);
            } else {
                let pixel = number(column, field, 255, "pixel")?;
                // At most 255.
                table.pixels.push(pixel as u8);
            }
        }
    }
    if table.labels.is_empty() {
        return Err(DataError::NoPictures { path: table.path });
    }
    Ok(table)
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field)
        .trim_start_matches('\u{feff}')
        .to_owned()
}

/// The shape of the pictures, from the first line.
fn shape(record: &csv::ByteRecord) -> Result<ImageShape, String> {
    let pixels = record.len().saturating_sub(1);
    let named = text(record.iter().next_back().unwrap_or_default());
    if let Some((height, width)) = named.split_once('x')
        && let (Ok(height), Ok(width)) = (height.parse(), width.parse())
        && pixels > 0
        && usize::checked_mul(height, width) == Some(pixels)
    {
        return Ok(ImageShape::new(1, height, width));
    }
    let side = pixels.isqrt();
    if pixels == 0 || side * side != pixels {
        return Err(format!(
            "{} columns: a label and the pixels of a square picture are needed, 785 for 28×28",
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
            ("label,a,b,c,d\n", &["no pictures"]),
            ("", &["no pictures"]),
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
            message.contains("line 4: label 2 is out of range"),
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
