//! Tables of values, read row by row; errors name the line.
//!
//! The separator is the one of `,`, `;`, `|` and tab that the first line has most of, the one that
//! a spreadsheet's line `sep=;` says, or else the space. Lines with `#` before the first row are
//! comments, unless they have as many fields as that. Rows whose fields are all empty, which
//! spreadsheets leave behind, are skipped and counted.

use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder, Trim};

use crate::{archive::MAX_UNPACKED, error::DataError, listing::Listing};

/// Endings of tables, in lower case, without `.gz`.
const ENDINGS: [&str; 5] = [".csv", ".tsv", ".tra", ".tes", ".data"];

/// So many spaces in a line without another separator are one.
const LEAST_SPACES: usize = 4;

/// Whether a file is a table by its name.
pub(crate) fn is_table(file: &str) -> bool {
    let name = file.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// A table in memory.
pub(crate) struct Table {
    path: PathBuf,
    text: Vec<u8>,
    separator: u8,
    /// The lines before the text that are no rows.
    before: u64,
}

impl Table {
    /// Reads a table, gzip or not.
    pub(crate) fn load(listing: &Listing, file: &str, max_bytes: u64) -> Result<Self, DataError> {
        let text = listing.unpacked(file)?;
        let path = listing.path_of(file);
        if text.len() as u64 > max_bytes.min(MAX_UNPACKED) {
            let problem = format!("the table is longer than {} MiB", max_bytes >> 20);
            return Err(DataError::line(&path, 1, problem));
        }
        Self::of(path, text)
    }

    pub(crate) fn of(path: PathBuf, mut text: Vec<u8>) -> Result<Self, DataError> {
        if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
            let problem = "the table is UTF-16 text: save it as UTF-8";
            return Err(DataError::line(&path, 1, problem));
        }
        if text.starts_with(b"\xef\xbb\xbf") {
            text.drain(..3);
        }
        let (stated, before) = preamble(&mut text);
        let separator = stated.unwrap_or_else(|| separator(&text));
        Ok(Self {
            path,
            text,
            separator,
            before,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Calls `row` with each row and its line, from 1, and returns how many empty rows were
    /// skipped. All rows have as many fields.
    pub(crate) fn each_row(
        &self,
        mut row: impl FnMut(&ByteRecord, u64) -> Result<(), DataError>,
    ) -> Result<usize, DataError> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.separator)
            .trim(Trim::All)
            .from_reader(self.text.as_slice());
        let mut record = ByteRecord::new();
        let (mut expected, mut skipped) = (None, 0);
        while reader.read_byte_record(&mut record).map_err(|error| {
            let line = self.before + error.position().map_or(1, csv::Position::line);
            DataError::line(&self.path, line, error.to_string())
        })? {
            let line = self.before + record.position().map_or(1, csv::Position::line);
            if record.iter().all(<[u8]>::is_empty) {
                skipped += 1;
                continue;
            }
            let expected = *expected.get_or_insert(record.len());
            if record.len() != expected {
                let problem = format!(
                    "{} fields where the lines before have {expected}",
                    record.len()
                );
                return Err(DataError::line(&self.path, line, problem));
            }
            row(&record, line)?;
        }
        Ok(skipped)
    }

    /// A field as text.
    pub(crate) fn text<'a>(
        &self,
        record: &'a ByteRecord,
        column: usize,
        line: u64,
    ) -> Result<&'a str, DataError> {
        let field = record.get(column).unwrap_or_default();
        std::str::from_utf8(field).map_err(|_| {
            let problem = format!(
                "field {} is not UTF-8 text: save the table as such",
                column + 1
            );
            DataError::line(&self.path, line, problem)
        })
    }
}

/// Takes away what is before the rows: the separator that it states, and the number of its lines.
fn preamble(text: &mut Vec<u8>) -> (Option<u8>, u64) {
    let (mut stated, mut lines, mut start) = (None, 0, 0);
    while let Some(length) = text[start..].iter().position(|&byte| byte == b'\n') {
        let (line, rest) = text[start..].split_at(length + 1);
        let fields = |line: &[u8]| {
            let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let mark = separator(line);
            line.iter().filter(|&&byte| byte == mark).count()
        };
        match line.trim_ascii() {
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', mark] => stated = Some(*mark),
            [b'#', ..] if fields(line) > 0 && fields(line) == fields(rest) => {
                // The names of the columns, as NumPy writes them.
                text[start] = b' ';
                break;
            }
            [b'#', ..] => {}
            _ => break,
        }
        lines += 1;
        start += length + 1;
    }
    text.drain(..start);
    (stated, lines)
}

/// The separator that the first line has most of; a comma where it has none.
fn separator(text: &[u8]) -> u8 {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    for &byte in line {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(mark, _)| *mark == byte && !quoted) {
            *count += 1;
        }
    }
    // Of equal counts the first counts.
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    // Words of one field may have spaces between them; so many numbers are fields.
    let line = line.trim_ascii();
    let spaces = line.iter().filter(|&&byte| byte == b' ').count();
    match most {
        Some((mark, count)) if count > 0 => mark,
        _ if spaces >= LEAST_SPACES => b' ',
        _ => b',',
    }
}

/// The first row of a table as lower-case words, without an error: to recognise what it is.
pub(crate) fn first_row(listing: &Listing, file: &str) -> Vec<String> {
    let Ok(head) = listing.head(file) else {
        return Vec::new();
    };
    let Ok(table) = Table::of(listing.path_of(file), head) else {
        return Vec::new();
    };
    let mut first = Vec::new();
    // The first row is enough, and what follows may be cut short.
    let _ = table.each_row(|record, line| {
        if first.is_empty() {
            first = lower(record);
            return Ok(());
        }
        Err(DataError::line(table.path(), line, "enough"))
    });
    first
}

/// The fields of a row in lower case.
pub(crate) fn lower(record: &ByteRecord) -> Vec<String> {
    let lower = |field: &[u8]| String::from_utf8_lossy(field).to_lowercase();
    record.iter().map(lower).collect()
}

/// The first of `wanted` that a header has.
pub(crate) fn column(header: &[String], wanted: &[&str]) -> Option<usize> {
    wanted
        .iter()
        .find_map(|name| header.iter().position(|other| other == name))
}

/// Names of a column of labels, the most telling first.
pub(crate) const LABEL: [&str; 15] = [
    "label",
    "class",
    "target",
    "labels",
    "class_name",
    "classname",
    "class_label",
    "category",
    "y",
    "digit",
    "letter",
    "character",
    "emotion",
    "class_id",
    "label_id",
];

/// The columns that may hold labels by their names, the most telling first.
pub(crate) fn label_columns(header: &[String]) -> Vec<usize> {
    let places = LABEL.iter().filter_map(|name| column(header, &[name]));
    places.collect()
}

/// Names of a column that says which part a row belongs to.
pub(crate) const USAGE: [&str; 7] = [
    "usage",
    "split",
    "subset",
    "partition",
    "data set",
    "dataset",
    "set",
];

/// The part that a value of such a column names.
pub(crate) fn role_of_usage(value: &str) -> Option<crate::words::Role> {
    use crate::words::Role;
    match value.to_lowercase().as_str() {
        // Of fer2013 (Goodfellow et al., 2013): the public test was for choosing.
        "publictest" => Some(Role::Validation),
        "privatetest" => Some(Role::Test),
        value => Role::of(value),
    }
}
