//! The rows of a table of files and labels.

use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
};

use bakeoff_core::{OpenOptions, text_of_cell};

use super::list::list_row;
use crate::{
    context::Context,
    error::DataError,
    listing::Listing,
    table::{LABEL, Table, USAGE, column, label_columns, lower, role_of_usage},
    words::Role,
};

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

/// The column that tells a table of corrections, in which labels are cells that no spreadsheet
/// takes for formulas, from tables of other people, whose labels are what they wrote.
const CORRECTED: [&str; 1] = ["predicted"];

/// Whether a header is one of files and labels.
pub(in crate::formats) fn names_files(header: &[String]) -> bool {
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
pub(super) struct Found {
    pub(super) role: Option<Role>,
    pub(super) listing: Listing,
    /// The folder within the dataset's.
    pub(super) folder: String,
    pub(super) file: String,
}

/// A line of the table.
pub(super) struct Row {
    /// Counted from 1, the line of column names included.
    pub(super) line: u64,
    /// As the table names it, then as it is found from the dataset's folder.
    pub(super) file: String,
    pub(super) label: String,
    pub(super) role: Option<Role>,
    pub(super) group: Option<String>,
}

pub(super) fn read_table(
    found: &Found,
    context: &mut Context<'_>,
) -> Result<(PathBuf, Vec<Row>), DataError> {
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
    let options = context.options;
    let mut also: Option<OtherLabel> = None;
    let skipped = table.each_row(|record, line| {
        let Some((file, label, role, group)) = columns else {
            let header = lower(record);
            ours = column(&header, &CORRECTED).is_some();
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
pub(super) fn refuse_twice(path: &Path, rows: &[Row]) -> Result<(), DataError> {
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
