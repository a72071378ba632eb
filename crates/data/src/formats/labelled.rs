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

use bakeoff_core::{counted, text_of_cell};

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
    table::{LABEL, Table, USAGE, column, first_row, is_table, lower, role_of_usage},
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
    for found in tables(listing)? {
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
    let mut ours = false;
    let group = context.options.group.clone();
    let skipped = table.each_row(|record, line| {
        let Some((file, label, role, group)) = columns else {
            let header = lower(record);
            ours = column(&header, &CORRECTED).is_some();
            columns = Some(header_columns(&path, &header, group.as_deref())?);
            return Ok(());
        };
        let field = |column: usize, name: &str| match table.text(record, column, line)? {
            "" => {
                let problem = format!("the column `{name}` is empty");
                Err(DataError::line(&path, line, problem))
            }
            text => Ok(text.to_owned()),
        };
        let mut label = field(label, "label")?;
        if ours {
            label = text_of_cell(&label).to_owned();
        }
        let mut row = checked_row(&path, line, field(file, "file")?, label)?;
        if let Some(column) = role {
            let text = table.text(record, column, line)?;
            row.role = Some(role_of_usage(text).ok_or_else(|| {
                let problem = format!("{text:?} names no part, such as train, val or test");
                DataError::line(&path, line, problem)
            })?);
        }
        if let Some(column) = group {
            row.group = Some(field(column, "group")?);
        }
        rows.push(row);
        Ok(())
    })?;
    if columns.is_none() {
        header_columns(&path, &[], None)?;
    }
    if skipped > 0 {
        context.note(format!("{}: {skipped} empty row(s) skipped", found.file));
    }
    if rows.is_empty() {
        return Err(DataError::line(&path, 1, "no images are listed"));
    }
    Ok((path, rows))
}

/// The columns of files, labels, parts and groups.
type ColumnsOfRow = (usize, usize, Option<usize>, Option<usize>);

fn header_columns(
    path: &Path,
    header: &[String],
    group: Option<&str>,
) -> Result<ColumnsOfRow, DataError> {
    let lacks = |name: &str| {
        let found = header.join(",");
        let problem = format!(
            "there is no column `{name}` among `{found}`: the first line names the columns, `file,label` at least"
        );
        DataError::line(path, 1, problem)
    };
    let file = column(header, &FILE).ok_or_else(|| lacks("file"))?;
    let label = label_column(header).ok_or_else(|| lacks("label"))?;
    let group = match group {
        None => None,
        Some(name) => Some(column(header, &[&name.to_lowercase()]).ok_or_else(|| lacks(name))?),
    };
    Ok((file, label, column(header, &USAGE), group))
}

fn checked_row(path: &Path, line: u64, file: String, label: String) -> Result<Row, DataError> {
    let file = file.replace('\\', "/");
    let file = file.strip_prefix("./").unwrap_or(&file).to_owned();
    let inside = Path::new(&file)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !inside || file.is_empty() {
        let problem =
            format!("{file:?} is not the name of a file in this folder, or in a folder within it");
        return Err(DataError::line(path, line, problem));
    }
    Ok(Row {
        line,
        file,
        label,
        role: None,
        group: None,
    })
}

/// Refuses a file that has two lines: one of two labels would be wrong, or the image would
/// count twice.
fn refuse_twice(path: &Path, rows: &[Row]) -> Result<(), DataError> {
    let mut seen: HashMap<&str, &Row> = HashMap::with_capacity(rows.len());
    for row in rows {
        if let Some(first) = seen.insert(&row.file, row) {
            let problem = format!(
                "{} is already in line {}, with the label {:?}; here it has {:?}. Keep one of the lines",
                row.file, first.line, first.label, row.label
            );
            return Err(DataError::line(path, row.line, problem));
        }
    }
    Ok(())
}

/// Finds the folder that the file names are from: that of the table, or one within it.
fn place(found: &Found, path: &Path, rows: &mut [Row]) -> Result<(), DataError> {
    let Some(first) = rows.first().map(|row| row.file.clone()) else {
        return Ok(());
    };
    let ending_in = |base: &str| {
        MORE_ENDINGS
            .iter()
            .find(|ending| found.listing.has(&join(base, &format!("{first}{ending}"))))
    };
    let part_of = |folder: &str| found.role.is_some() && Role::of(folder) == found.role;
    // The file may be in a folder beside the table, which then is left alone at its top.
    let whole = found.listing.whole()?;
    let mut bases: Vec<String> = vec![String::new()];
    for folder in whole.folders() {
        bases.push(folder.into());
        if let Ok(inside) = whole.inside(folder) {
            bases.extend(inside.folders().take(50).map(|deeper| join(folder, deeper)));
        }
    }
    let candidates: Vec<(&String, &str)> = bases
        .iter()
        .filter_map(|base| Some((base, *ending_in(base)?)))
        .collect();
    let chosen = match candidates.as_slice() {
        // Reading says that the file is not there.
        [] => (String::new(), ""),
        [(base, ending)] => ((*base).clone(), *ending),
        several => {
            let named: Vec<&(&String, &str)> = several
                .iter()
                .filter(|(base, _)| base.is_empty() || part_of(base))
                .collect();
            match named.as_slice() {
                [(base, ending)] => ((*base).clone(), *ending),
                _ => {
                    let bases: Vec<&String> = several.iter().map(|(base, _)| *base).collect();
                    let problem = format!("{first} is in more than one folder: {}", some(&bases));
                    return Err(DataError::line(path, rows[0].line, problem));
                }
            }
        }
    };
    let (base, ending) = chosen;
    let base = match found.folder.as_str() {
        "" => base,
        folder if base.is_empty() => folder.into(),
        folder => join(folder, &base),
    };
    for row in rows {
        row.file = join(&base, &format!("{}{ending}", row.file));
    }
    Ok(())
}

type NamesAndValues = (Option<(PathBuf, Vec<String>)>, Vec<Vec<u16>>);

/// The classes that the labels themselves name, in their order.
fn named(
    listing: &Listing,
    parts: &[(Role, PathBuf, Vec<Row>)],
    labels: &[Vec<String>],
) -> Result<NamesAndValues, DataError> {
    let borrowed: Vec<&[String]> = labels.iter().map(Vec::as_slice).collect();
    let path = parts.first().map_or(listing.path(), |(_, path, _)| path);
    let (names, values) = numbered(&borrowed)
        .ok_or_else(|| DataError::invalid(path, "more than 65536 different labels"))?;
    match names {
        Some(names) if names.len() < 2 => {
            let problem = format!(
                "all labels are {:?}: with a file classes.txt beside it, a class name per line, the others would be known",
                names.first().map_or("", String::as_str)
            );
            Err(DataError::line(path, 2, problem))
        }
        Some(names) => Ok((Some((path.into(), names)), values)),
        None => {
            // A classifier knows two classes or more: a folder with zeros only is no error.
            let zeros = values.iter().flatten().all(|value| *value == 0);
            let names = || ["0", "1"].map(String::from).to_vec();
            Ok((zeros.then(|| (path.into(), names())), values))
        }
    }
}

/// The position of each row's label among the names.
fn by_name(
    parts: &[(Role, PathBuf, Vec<Row>)],
    names: &[String],
    names_path: &Path,
) -> Result<Vec<Vec<u16>>, DataError> {
    let places: HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(place, name)| (name.as_str(), place))
        .collect();
    let one = |(_, path, rows): &(Role, PathBuf, Vec<Row>)| {
        rows.iter()
            .map(|row| {
                let position = places.get(row.label.as_str()).copied();
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
    };
    parts.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
