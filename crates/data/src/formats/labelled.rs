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
mod rows;
mod unlisted;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

pub(super) use self::rows::names_files;
use self::{
    list::is_list,
    rows::{Found, Row, read_table, refuse_twice},
    unlisted::say_unlisted,
};
use crate::{
    archive::join,
    class_names,
    context::Context,
    error::DataError,
    format::Format,
    listing::Listing,
    notes::some,
    parts::{Labels, Part, Raw, numbered},
    picture_files::{Picture, read_parts},
    table::{first_row, is_table},
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

/// Tried where a table names files without their endings.
const MORE_ENDINGS: [&str; 5] = ["", ".png", ".jpg", ".jpeg", ".bmp"];

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
    let images = read_parts(listing, pictures, context)?;
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
