//! Predictions as a table of text.

use super::{
    columns::{Columns, Value},
    read::Answers,
};
use crate::{archive::MAX_UNPACKED, error::DataError, listing::Listing, table::Table};

pub(super) fn read(
    listing: &Listing,
    file: &str,
    classes: &[String],
) -> Result<Answers, DataError> {
    let table = Table::load(listing, file, MAX_UNPACKED)?;
    let mut columns: Option<Columns> = None;
    table.each_row(|record, line| {
        let mut texts = Vec::with_capacity(record.len());
        for column in 0..record.len() {
            texts.push(table.text(record, column, line)?);
        }
        if columns.is_none() {
            let header: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            // Classes may be called by numbers, so that a row of numbers is a header as well; but the name of
            // a class alone is a label.
            let are_classes = header.iter().all(|name| classes.contains(name));
            let is_header = match header.as_slice() {
                [only] => only.parse::<f64>().is_err() && !are_classes,
                _ => are_classes || header.iter().any(|name| name.parse::<f64>().is_err()),
            };
            columns = Some(match is_header {
                true => Columns::new(table.path(), &header, classes)?,
                false => Columns::unnamed(table.path(), header.len()),
            });
            if is_header {
                return Ok(());
            }
        }
        let Some(columns) = &mut columns else {
            return Ok(());
        };
        columns
            .push(Some(line), |column| Value::Text(texts[column]))
            .map_err(|problem| DataError::line(table.path(), line, problem))
    })?;
    match columns {
        Some(columns) => columns.done(),
        None => Err(DataError::invalid(
            table.path(),
            "there are no predictions in it",
        )),
    }
}
