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
    collections::HashMap,
    path::{Component, Path, PathBuf},
};

use self::list::{is_list, list_row};
use bakeoff_core::OpenOptions;

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
        });
        match role {
            Role::Train => raw.train = part,
            Role::Validation => raw.validation = part,
            Role::Test => raw.test = part,
        }
    }
    Ok(raw)
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
    let options = context.options;
    let mut also: Option<OtherLabel> = None;
    let skipped = table.each_row(|record, line| {
        let Some((file, label, role, group)) = columns else {
            let header = lower(record);
            let found = header_columns(&path, &header, options)?;
            also = OtherLabel::of(&header, found.1, options.label.is_some());
            columns = Some(found);
            return Ok(());
        };
        let field = |column: usize, name: &str| match table.text(record, column, line)? {
            "" => {
                let problem = format!("the column `{name}` is empty");
                Err(DataError::line(&path, line, problem))
            }
            text => Ok(text.to_owned()),
        };
        let mut row = checked_row(&path, line, field(file, "file")?, field(label, "label")?)?;
        if let Some(column) = role {
            let text = table.text(record, column, line)?;
            row.role = Some(role_of_usage(text).ok_or_else(|| {
                let problem = format!("{text:?} names no part, such as train, val or test");
                DataError::line(&path, line, problem)
            })?);
        }
        if let Some(column) = group {
            row.group = Some(field(column, options.group.as_deref().unwrap_or("group"))?);
        }
        if let Some(also) = &mut also {
            also.check(&row.label, table.text(record, also.column, line)?)
                .map_err(|problem| DataError::line(&path, line, problem))?;
        }
        rows.push(row);
        Ok(())
    })?;
    if columns.is_none() {
        header_columns(&path, &[], options)?;
    }
    if skipped > 0 {
        context.note(format!("{}: {skipped} empty row(s) skipped", found.file));
    }
    if rows.is_empty() {
        return Err(DataError::line(&path, 1, "no images are listed"));
    }
    Ok((path, rows))
}

/// A second column that could be the label: it has to say the same.
struct OtherLabel {
    column: usize,
    names: [String; 2],
    /// What the one says, by what the other says, both ways.
    seen: [HashMap<String, String>; 2],
}

impl OtherLabel {
    fn of(header: &[String], label: usize, stated: bool) -> Option<Self> {
        let mut others = label_columns(header).into_iter();
        let column = others.find(|&at| at != label).filter(|_| !stated)?;
        Some(Self {
            column,
            names: [header.get(label)?.clone(), header.get(column)?.clone()],
            seen: Default::default(),
        })
    }

    fn check(&mut self, label: &str, other: &str) -> Result<(), String> {
        let [by_label, by_other] = &mut self.seen;
        for (seen, a, b) in [(by_label, label, other), (by_other, other, label)] {
            if seen.entry(a.into()).or_insert_with(|| b.into()) != b {
                let [label, other] = &self.names;
                return Err(format!(
                    "the columns `{label}` and `{other}` could each be the label, and do not say the same: state which is meant, as in --label {label}"
                ));
            }
        }
        Ok(())
    }
}

/// The columns of files, labels, parts and groups.
type ColumnsOfRow = (usize, usize, Option<usize>, Option<usize>);

fn header_columns(
    path: &Path,
    header: &[String],
    options: &OpenOptions,
) -> Result<ColumnsOfRow, DataError> {
    let lacks = |name: &str| {
        let found = header.join(",");
        let problem = format!(
            "there is no column `{name}` among `{found}`: the first line names the columns, `file,label` at least"
        );
        DataError::line(path, 1, problem)
    };
    let file = column(header, &FILE).ok_or_else(|| lacks("file"))?;
    let label = match &options.label {
        None => label_column(header).ok_or_else(|| lacks("label"))?,
        Some(name) => column(header, &[&name.to_lowercase()]).ok_or_else(|| lacks(name))?,
    };
    let group = match options.group.as_deref() {
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
