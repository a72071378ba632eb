//! Tables of comma-separated values, read row by row; errors name the line.

use std::{
    fs::File,
    io::{BufReader, Read as _},
    path::Path,
};

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::error::DataError;

/// Calls `row` with each row of the table and its line, from 1. All rows have as many fields;
/// a byte order mark at the start is dropped.
pub(crate) fn each_row(
    path: &Path,
    max_bytes: u64,
    mut row: impl FnMut(&StringRecord, u64) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let unreadable = DataError::unreadable(path);
    let file = File::open(path).map_err(&unreadable)?;
    if file.metadata().map_err(&unreadable)?.len() > max_bytes {
        let problem = format!("the table is longer than {} MiB", max_bytes >> 20);
        return Err(DataError::line(path, 1, problem));
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .trim(Trim::All)
        .from_reader(BufReader::with_capacity(1 << 16, file.take(max_bytes)));
    let mut record = StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| table_error(path, error))?
    {
        row(&record, record.position().map_or(1, csv::Position::line))?;
    }
    Ok(())
}

/// What is wrong with a table, with its line.
fn table_error(path: &Path, error: csv::Error) -> DataError {
    let line = error.position().map_or(1, csv::Position::line);
    let problem = match error.into_kind() {
        csv::ErrorKind::Io(problem) => {
            return DataError::unreadable(path)(problem);
        }
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} fields where the lines before have {expected_len}"),
        csv::ErrorKind::Utf8 { err, .. } => {
            format!(
                "field {} is not UTF-8 text: save the table as such",
                err.field() + 1
            )
        }
        kind => format!("{kind:?}"),
    };
    DataError::line(path, line, problem)
}
