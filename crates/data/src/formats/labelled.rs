//! A folder of images and a table that says what each shows: `labels.csv`.
//!
//! This is how corrections are kept ("that was a 4"), and the least that a person has
//! to write to measure a saved model on images of their own. It is a test part only:
//! there is nothing to learn from, so that its training part is empty.
//!
//! The table has a line of column names, of which `file` and `label` are needed; all
//! others (`predicted`, `model`, `time`, …) are ignored. A `file` lies in the folder
//! itself. A `classes.txt` beside the table may name all classes, one per line, in
//! their order; without it the labels themselves are the names, and whole numbers
//! stand for the classes from 0 to the highest.
//!
//! Rejected: labels in file names (two answers where name and table disagree, and no
//! room for a class with a `/` or a space in its name); JSON (people correct a label
//! in a spreadsheet).

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use bakeoff_core::{Dataset, Images};
use csv::StringRecord;

use crate::{
    class_names,
    error::DataError,
    format::Format,
    listing::Listing,
    parts::{Labels, Part, dataset},
    picture_files::read_all,
    table::each_row,
};

pub(super) const FORMAT: Format = Format {
    name: "labelled-pictures",
    expects: "a folder of images (PNG or JPEG, of one size) and a labels.csv with the columns file and label, and perhaps a classes.txt; it is a test part only, for `evaluate`",
    recognises,
    open,
};

/// The table's name.
const TABLE: &str = "labels.csv";

/// Far more than a person labels, and little enough to hold in memory.
const MAX_TABLE_BYTES: u64 = 64 << 20;

/// Whether the table is there.
fn recognises(listing: &Listing) -> bool {
    listing.files().any(|file| file == TABLE)
}

/// Opens the folder.
fn open(listing: &Listing) -> Result<Dataset, DataError> {
    let table = listing.path().join(TABLE);
    let rows = read_table(&table)?;
    let (names_path, names) = match class_names::find(listing)? {
        Some(found) => found,
        None => (table.clone(), names_in(&table, &rows)?),
    };
    let labels = by_name(&table, &rows, &names, &names_path)?;
    let paths: Vec<PathBuf> = rows
        .iter()
        .map(|row| listing.path().join(&row.file))
        .collect();
    let images = read_all(&paths)?;
    let none = Images::new(images.shape(), Vec::new());
    let part = |images, values| Part {
        path: table.clone(),
        images,
        labels: Labels {
            path: table.clone(),
            values,
            unit: "line",
            first: 2,
        },
    };
    let train = part(
        none.map_err(|_| DataError::no_pictures(&table))?,
        Vec::new(),
    );
    let test = part(images, labels);
    let name = listing.name();
    dataset(
        listing.path(),
        &name,
        train,
        test,
        Some((names_path, names)),
    )
}

/// A line of the table.
struct Row {
    /// Counted from 1, the line of column names included.
    line: u64,
    file: String,
    label: String,
}

fn read_table(path: &Path) -> Result<Vec<Row>, DataError> {
    let column = |header: &StringRecord, name: &str| {
        header.iter().position(|other| other == name).ok_or_else(|| {
            let found = header.iter().collect::<Vec<_>>().join(",");
            let problem = format!("there is no column `{name}` among `{found}`: the first line names the columns, `file,label` at least");
            DataError::line(path, 1, problem)
        })
    };
    let columns = |header: &StringRecord| Ok((column(header, "file")?, column(header, "label")?));
    let mut found = None;
    let mut rows = Vec::new();
    each_row(path, MAX_TABLE_BYTES, |record, line| {
        let Some((file, label)) = found else {
            found = Some(columns(record)?);
            return Ok(());
        };
        let field = |column: usize, name: &str| match record.get(column).unwrap_or_default() {
            "" => {
                let problem = format!("the column `{name}` is empty");
                Err(DataError::line(path, line, problem))
            }
            text => Ok(text.to_owned()),
        };
        let row = Row {
            line,
            file: field(file, "file")?,
            label: field(label, "label")?,
        };
        let mut components = Path::new(&row.file).components();
        if !matches!(
            (components.next(), components.next()),
            (Some(Component::Normal(_)), None)
        ) {
            let problem = format!(
                "{:?} is not the name of a file in this folder: images must be beside the table",
                row.file
            );
            return Err(DataError::line(path, line, problem));
        }
        rows.push(row);
        Ok(())
    })?;
    if found.is_none() {
        columns(&StringRecord::new())?;
    }
    if rows.is_empty() {
        return Err(DataError::line(path, 1, "no images are listed"));
    }
    Ok(rows)
}

/// The classes that the labels themselves name, in their order.
fn names_in(path: &Path, rows: &[Row]) -> Result<Vec<String>, DataError> {
    let numbers: Option<Vec<u16>> = rows.iter().map(|row| number(&row.label)).collect();
    if let Some(numbers) = numbers {
        // A classifier knows two classes or more: a folder with zeros only is no error.
        let highest = numbers.into_iter().max().unwrap_or_default().max(1);
        return Ok((0..=highest).map(|class| class.to_string()).collect());
    }
    let names: BTreeSet<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    if names.len() < 2 {
        let problem = format!(
            "all labels are {:?}: with a file classes.txt beside it, a class name per line, the others would be known",
            rows[0].label
        );
        return Err(DataError::line(path, 2, problem));
    }
    Ok(names.into_iter().map(String::from).collect())
}

/// A class written as a number, in its shortest form.
fn number(label: &str) -> Option<u16> {
    label.parse().ok().filter(|n: &u16| n.to_string() == label)
}

/// The position of each row's label among the names.
fn by_name(
    path: &Path,
    rows: &[Row],
    names: &[String],
    names_path: &Path,
) -> Result<Vec<u16>, DataError> {
    rows.iter()
        .map(|row| {
            let position = names.iter().position(|name| *name == row.label);
            position
                .and_then(|position| u16::try_from(position).ok())
                .ok_or_else(|| {
                    let problem = format!(
                        "label {:?} is none of the {} classes in {}",
                        row.label,
                        names.len(),
                        names_path.display()
                    );
                    DataError::line(path, row.line, problem)
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bakeoff_core::ImageShape;
    use tempfile::TempDir;

    use super::*;

    fn png(value: u8, side: usize) -> Vec<u8> {
        bakeoff_picture::encode_png(ImageShape::new(1, side, side), &vec![value; side * side])
            .unwrap()
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
}
