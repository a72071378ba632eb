//! Images and a table that says what each shows: `labels.csv`, Hugging Face's `metadata.csv`,
//! `train.csv` beside a folder `train`, or a list such as `train.txt`.
//!
//! This is how corrections are kept ("that was a 4"), and the least that a person has to write
//! to measure a saved model on images of their own. One table is one part: without a stated
//! split it is a test part only. Tables that are named `train`, `val` and `test`, in one folder
//! or each in a folder of that name, are these parts, and so are the values of a column `split`.
//!
//! The table has a line of column names, of which one names the files and one the labels; all
//! others (`predicted`, `model`, `time`, …) are ignored. A `classes.txt` beside the table may
//! name all classes, one per line, in their order; without it the labels themselves are the
//! names, and whole numbers stand for the classes from 0 to the highest.
//!
//! Rejected: labels in file names (two answers where name and table disagree, and no
//! room for a class with a `/` or a space in its name); JSON (people correct a label
//! in a spreadsheet).

mod list;

use std::{
    collections::{HashMap, HashSet},
    path::{Component, Path, PathBuf},
};

use bakeoff_core::{OpenOptions, counted, text_of_cell};

use self::list::{is_list, list_row};
use crate::{
    archive::join,
    class_names,
    context::Context,
    endings::is_picture,
    error::DataError,
    format::Format,
    listing::Listing,
    notes::some,
    parts::{Labels, Part, Raw, numbered},
    picture_files::{Picture, read_parts},
    table::{
        LABEL, Table, USAGE, column, first_row, is_table, label_columns, lower, role_of_usage,
    },
    words::{ByRole, Role, words},
};

pub(super) const FORMAT: Format = Format {
    name: "labelled-pictures",
    expects: "images and a table of their names and labels: a labels.csv with the columns file and label (or metadata.csv, train.csv and test.csv, or lists train.txt and test.txt), and perhaps a classes.txt; one table alone is a test part for `evaluate`, unless --test-fraction is stated",
    recognises,
    open,
};

/// The name that a table of labels has above all.
const TABLE: &str = "labels.csv";

/// Far more than a person labels, and little enough to hold in memory.
const MAX_TABLE_BYTES: u64 = 512 << 20;

/// Names of a column of files, the most telling first.
const FILE: [&str; 17] = [
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image_path",
    "imagepath",
    "image",
    "image_name",
    "imagename",
    "image_file",
    "image_id",
    "imageid",
    "img",
    "path",
    "images",
    "id_code",
];

/// Images are counted this many folders below that of the dataset.
const IMAGE_DEPTH: usize = 6;
/// The column that tells a table of corrections, in which labels are cells that no spreadsheet
/// takes for formulas, from tables of other people, whose labels are what they wrote.
const CORRECTED: [&str; 1] = ["predicted"];

/// Tried where a table names files without their endings.
const MORE_ENDINGS: [&str; 5] = ["", ".png", ".jpg", ".jpeg", ".bmp"];

/// Whether a header is one of files and labels.
pub(super) fn names_files(header: &[String]) -> bool {
    header.len() < 40
        && column(header, &FILE).is_some()
        && label_column(header).is_some()
        && !header.iter().any(|name| name == "pixels")
}

/// The column of labels: by its name, or the only one beside the files.
fn label_column(header: &[String]) -> Option<usize> {
    let file = column(header, &FILE)?;
    column(header, &LABEL).or_else(|| (header.len() == 2).then(|| 1 - file))
}

/// A table and the folder that it is in.
struct Found {
    role: Option<Role>,
    listing: Listing,
    /// The folder within the dataset's.
    folder: String,
    file: String,
}

/// Whether there is a table.
fn recognises(listing: &Listing) -> bool {
    listing.files().any(|file| file == TABLE)
        || tables(listing).is_ok_and(|found| !found.is_empty())
}

fn is_label_table(listing: &Listing, file: &str) -> bool {
    if words(file).iter().any(|word| word == "submission") {
        return false;
    }
    (is_table(file) && names_files(&first_row(listing, file))) || is_list(listing, file)
}

/// The tables of a folder, or of its folders that are named as parts.
fn tables(listing: &Listing) -> Result<Vec<Found>, DataError> {
    let here: Vec<&str> = listing
        .files()
        .filter(|file| *file == TABLE || is_label_table(listing, file))
        .collect();
    let found = |role: Option<Role>, file: &str| Found {
        role,
        listing: listing.clone(),
        folder: String::new(),
        file: file.into(),
    };
    if here.contains(&TABLE) {
        return Ok(vec![found(None, TABLE)]);
    }
    let named = ByRole::find(listing, here.iter().copied())?;
    let roles: Vec<Found> = Role::ALL
        .into_iter()
        .filter_map(|role| Some(found(Some(role), named.get(role)?)))
        .collect();
    if !roles.is_empty() {
        return Ok(roles);
    }
    match here.as_slice() {
        [] => {}
        [file] => return Ok(vec![found(None, file)]),
        files => {
            let problem = format!(
                "{} could each be the table of labels: name the file itself",
                some(files)
            );
            return Err(DataError::invalid(listing.path(), problem));
        }
    }
    let folders = ByRole::find(listing, listing.folders())?;
    let mut tables = Vec::new();
    for role in Role::ALL {
        let Some(folder) = folders.get(role) else {
            continue;
        };
        let inside = listing.inside(folder)?;
        let file = inside
            .files()
            .find(|file| is_label_table(&inside, file))
            .map(String::from);
        if let Some(file) = file {
            tables.push(Found {
                role: Some(role),
                listing: inside,
                folder: folder.into(),
                file,
            });
        }
    }
    Ok(tables)
}

/// Opens the folder.
fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    let mut parts: Vec<(Role, PathBuf, Vec<Row>)> = Vec::new();
    let mut own_images = false;
    let tables = tables(listing)?;
    for found in tables {
        let (path, mut rows) = read_table(&found, context)?;
        refuse_twice(&path, &rows)?;
        place(&found, &path, &mut rows)?;
        if found.role.is_none() && parts_of_paths(&mut rows) {
            context.note("the parts are those that the folders of the images are named by");
        }
        match found.role {
            Some(role) => parts.push((role, path, rows)),
            None => {
                own_images = rows.iter().all(|row| row.role.is_none());
                for role in Role::ALL {
                    let (these, others) = rows
                        .into_iter()
                        .partition(|row| row.role.unwrap_or(Role::Train) == role);
                    rows = others;
                    let these: Vec<Row> = these;
                    if !these.is_empty() {
                        parts.push((role, path.clone(), these));
                    }
                }
            }
        }
    }
    say_unlisted(listing, &parts, context)?;
    if let [(.., path, rows)] = parts.as_slice() {
        others_agree(listing, path, rows, context)?;
    }
    let names = class_names::find(listing)?;
    let labels: Vec<Vec<String>> = parts
        .iter()
        .map(|(.., rows)| rows.iter().map(|row| row.label.clone()).collect())
        .collect();
    let (names, values) = match names {
        Some((path, names)) => {
            let values = by_name(&parts, &names, &path)?;
            (Some((path, names)), values)
        }
        None => named(listing, &parts, &labels)?,
    };
    let pictures: Vec<Vec<Picture>> = parts
        .iter()
        .map(|(.., rows)| {
            rows.iter()
                .map(|row| Picture::File(row.file.clone()))
                .collect()
        })
        .collect();
    let images = read_parts(listing, &pictures, context)?;
    let mut raw = Raw {
        names,
        own_images,
        ..Raw::default()
    };
    for (((role, path, rows), values), images) in parts.into_iter().zip(values).zip(images) {
        let groups: Option<Vec<String>> = rows.iter().map(|row| row.group.clone()).collect();
        let part = Some(Part {
            path: path.clone(),
            images,
            labels: Labels {
                path,
                values,
                unit: "line",
                first: rows.first().map_or(2, |row| row.line),
            },
            groups,
            files: Some(rows.into_iter().map(|row| row.file).collect()),
        });
        match role {
            Role::Train => raw.train = part,
            Role::Validation => raw.validation = part,
            Role::Test => raw.test = part,
        }
    }
    Ok(raw)
}

/// Sets the part of each row to that which the first folder of its file is named by, where no row has
/// a part, every file has such a folder and they name several parts.
fn parts_of_paths(rows: &mut [Row]) -> bool {
    let roles: Option<Vec<Role>> = rows
        .iter()
        .map(|row| Role::of(row.file.split_once('/')?.0).filter(|_| row.role.is_none()))
        .collect();
    let Some(roles) = roles.filter(|roles| roles.iter().any(|role| *role != roles[0])) else {
        return false;
    };
    for (row, role) in rows.iter_mut().zip(roles) {
        row.role = Some(role);
    }
    true
}

/// Counts the images that no table names. They are refused where they lie in folders of parts and
/// classes: those would be a dataset of their own.
fn say_unlisted(
    listing: &Listing,
    parts: &[(Role, PathBuf, Vec<Row>)],
    context: &mut Context<'_>,
) -> Result<(), DataError> {
    let rows = parts.iter().flat_map(|(.., rows)| rows);
    let listed: HashSet<&str> = rows.map(|row| row.file.as_str()).collect();
    let mut others = Vec::new();
    images_below(&listing.whole()?, "", IMAGE_DEPTH, &mut others)?;
    others.retain(|file| !listed.contains(file.as_str()));
    if others.is_empty() {
        return Ok(());
    }
    let in_parts = |file: &String| {
        let folders: Vec<&str> = file.split('/').collect();
        folders.len() > 2 && Role::of(folders[0]).is_some()
    };
    let images = counted(others.len() as u64, "image", "images");
    if others.iter().filter(|file| in_parts(file)).count() > listed.len() {
        let table = parts.first().map_or(listing.path(), |(_, path, _)| path);
        let problem = format!(
            "it names {} of the images here, and {images} in folders of parts and classes are not among them, such as {}. Take the table away to read the folders, or name the others in it",
            listed.len(),
            others[0]
        );
        return Err(DataError::invalid(table, problem));
    }
    context.note(format!(
        "{images} that no table names {} left out: {}",
        if others.len() == 1 { "is" } else { "are" },
        some(&others)
    ));
    Ok(())
}

/// The images of a folder and of those in it.
fn images_below(
    listing: &Listing,
    folder: &str,
    depth: usize,
    found: &mut Vec<String>,
) -> Result<(), DataError> {
    found.extend(
        listing
            .files()
            .filter(|file| is_picture(file))
            .map(|file| join(folder, file)),
    );
    if depth > 0 {
        for inner in listing.folders() {
            images_below(
                &listing.inside(inner)?,
                &join(folder, inner),
                depth - 1,
                found,
            )?;
        }
    }
    Ok(())
}

/// Other tables beside `labels.csv` say the same of the same files, or are refused.
fn others_agree(
    listing: &Listing,
    path: &Path,
    rows: &[Row],
    context: &mut Context<'_>,
) -> Result<(), DataError> {
    if path != listing.path_of(TABLE) {
        return Ok(());
    }
    let stem = |file: &str| file.rsplit('/').next().unwrap_or(file).to_owned();
    let labels: HashMap<String, &Row> = rows.iter().map(|row| (stem(&row.file), row)).collect();
    let others = listing.files().filter(|file| *file != TABLE);
    let others: Vec<&str> = others
        .filter(|file| is_label_table(listing, file))
        .collect();
    for file in others {
        let found = Found {
            role: None,
            listing: listing.clone(),
            folder: String::new(),
            file: file.into(),
        };
        let (other, theirs) = read_table(&found, context)?;
        for row in theirs {
            if let Some(own) = labels.get(&stem(&row.file))
                && own.label != row.label
            {
                let problem = format!(
                    "{} has the label {:?}, and {:?} in line {} of {TABLE}: keep the one that is right, or name the table itself",
                    row.file, row.label, own.label, own.line
                );
                return Err(DataError::line(&other, row.line, problem));
            }
        }
        context.note(format!(
            "{file} is not used: {TABLE} is the table of labels"
        ));
    }
    Ok(())
}

/// A line of the table.
struct Row {
    /// Counted from 1, the line of column names included.
    line: u64,
    /// As the table names it, then as it is found from the dataset's folder.
    file: String,
    label: String,
    role: Option<Role>,
    group: Option<String>,
}

fn read_table(found: &Found, context: &mut Context<'_>) -> Result<(PathBuf, Vec<Row>), DataError> {
    let table = Table::load(&found.listing, &found.file, MAX_TABLE_BYTES)?;
    let path = table.path().to_path_buf();
    let mut rows = Vec::new();
    if found.file.to_lowercase().ends_with(".txt") {
        let text = found.listing.unpacked(&found.file)?;
        for (index, line) in String::from_utf8_lossy(&text).lines().enumerate() {
            let (line, number) = (line.trim(), index as u64 + 1);
            if line.is_empty() {
                continue;
            }
            let (file, label) = list_row(line).ok_or_else(|| {
                DataError::line(&path, number, "a line has a file name and then a label")
            })?;
            rows.push(checked_row(&path, number, file.into(), label.into())?);
        }
        return Ok((path, rows));
    }
    let mut columns = None;
