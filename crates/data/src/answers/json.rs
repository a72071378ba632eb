//! Predictions as JSON: a list of lists of numbers, a list of labels, a list of objects with a value
//! for each class, an object with a list for each class, or a table as pandas writes it
//! (`orient="split"`) and `mlflow.log_table` logs it: names of columns, and a list for each row.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::{
    columns::{Columns, Value},
    read::Answers,
};
use crate::{error::DataError, listing::Listing, notes::brief};

pub(super) fn read(
    listing: &Listing,
    file: &str,
    classes: &[String],
) -> Result<Answers, DataError> {
    let path = listing.path_of(file);
    let bytes = listing.unpacked(file)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let json: Json = serde_json::from_slice(text)
        .map_err(|error| DataError::invalid(&path, format!("this is no JSON: {error}")))?;
    match json {
        Json::Array(rows) => match rows.first() {
            None => Err(DataError::invalid(&path, "there are no predictions in it")),
            Some(Json::Object(_)) => objects(&path, &rows, classes),
            Some(Json::Array(_)) => lists(&path, &rows),
            Some(_) => labels(&path, &rows),
        },
        Json::Object(fields) => match Split::of(&fields) {
            Some(split) => split.read(&path, classes),
            None => by_column(&path, &fields, classes),
        },
        _ => Err(DataError::invalid(
            &path,
            "predictions are a list: of lists of probabilities, of labels, or of objects with a value for each class",
        )),
    }
}

fn at_row(path: &Path, row: usize, problem: impl std::fmt::Display) -> DataError {
    DataError::invalid(path, format!("row {row} (counted from 0): {problem}"))
}

fn value(json: &Json) -> Value<'_> {
    match json {
        Json::Number(number) => number.as_f64().map_or(Value::Other, Value::Number),
        Json::String(text) => Value::Text(text),
        Json::Null => Value::Null,
        _ => Value::Other,
    }
}

fn lists(path: &Path, rows: &[Json]) -> Result<Answers, DataError> {
    let width = rows.first().and_then(Json::as_array).map_or(0, Vec::len);
    let mut found = Answers {
        path: path.into(),
        rows: rows.len(),
        ids: None,
        labels: None,
        classes: None,
        width,
        scores: Vec::with_capacity(rows.len().saturating_mul(width)),
        remarks: Vec::new(),
        lines: None,
    };
    for (row, list) in rows.iter().enumerate() {
        let list = list.as_array().filter(|list| list.len() == width);
        let list = list.ok_or_else(|| {
            at_row(
                path,
                row,
                format_args!("it is not a list of {width} numbers as the first row is"),
            )
        })?;
        for (column, number) in list.iter().enumerate() {
            found.scores.push(number.as_f64().ok_or_else(|| {
                at_row(
                    path,
                    row,
                    format_args!("column {column}: {number} is no number"),
                )
            })?);
        }
    }
    Ok(found)
}

fn labels(path: &Path, rows: &[Json]) -> Result<Answers, DataError> {
    let text = |(row, label): (usize, &Json)| match label {
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) => Ok(number.to_string()),
        other => {
            let other = other.to_string();
            Err(at_row(
                path,
                row,
                format_args!("{} is no label", brief(&other)),
            ))
        }
    };
    let labels: Result<Vec<String>, DataError> = rows.iter().enumerate().map(text).collect();
    Ok(Answers {
        path: path.into(),
        rows: rows.len(),
        ids: None,
        labels: Some(labels?),
        classes: None,
        width: 0,
        scores: Vec::new(),
        remarks: Vec::new(),
        lines: None,
    })
}

fn objects(path: &Path, rows: &[Json], classes: &[String]) -> Result<Answers, DataError> {
    let header: Vec<String> = match rows.first().and_then(Json::as_object) {
        Some(first) => first.keys().cloned().collect(),
        None => Vec::new(),
    };
    let mut columns = Columns::new(path, &header, classes)?;
    for (row, object) in rows.iter().enumerate() {
        let fields = object
            .as_object()
            .filter(|fields| fields.len() == header.len());
        let values: Option<Vec<&Json>> =
            fields.and_then(|fields| header.iter().map(|name| fields.get(name)).collect());
        let values = values
            .ok_or_else(|| at_row(path, row, "it has not the same fields as the first row"))?;
        push(path, &mut columns, row, &values)?;
    }
    columns.done()
}

fn by_column(
    path: &Path,
    lists: &Map<String, Json>,
    classes: &[String],
) -> Result<Answers, DataError> {
    let header: Vec<String> = lists.keys().cloned().collect();
    let mut columns = Columns::new(path, &header, classes)?;
    let mut values: Vec<&[Json]> = Vec::new();
    for (name, list) in lists {
        let list = list.as_array().map(Vec::as_slice);
        let length = values.first().map(|first| first.len());
        match list {
            Some(list) if length.is_none_or(|length| length == list.len()) => values.push(list),
            _ => {
                return Err(DataError::invalid(
                    path,
                    format!(
                        "`{name}` is not a list as long as the others: give a list with a value for each image"
                    ),
                ));
            }
        }
    }
    for row in 0..values.first().map_or(0, |first| first.len()) {
        let of_row: Vec<&Json> = values.iter().map(|list| &list[row]).collect();
        push(path, &mut columns, row, &of_row)?;
    }
    columns.done()
}

fn push(path: &Path, columns: &mut Columns, row: usize, values: &[&Json]) -> Result<(), DataError> {
    columns
        .push(None, |column| value(values[column]))
        .map_err(|problem| at_row(path, row, problem))
}

/// A table as pandas writes it: `{"columns": […], "index": […], "data": [[…], …]}`, the index or not.
struct Split<'a> {
    columns: &'a [Json],
    index: Option<&'a [Json]>,
    rows: &'a [Json],
}

impl<'a> Split<'a> {
    fn of(fields: &'a Map<String, Json>) -> Option<Self> {
        let list = |name: &str| Some(fields.get(name)?.as_array()?.as_slice());
        let (columns, rows, index) = (list("columns")?, list("data")?, list("index"));
        let is_one =
            fields.len() == 2 + usize::from(index.is_some()) && rows.iter().all(Json::is_array);
        is_one.then_some(Self {
            columns,
            index,
            rows,
        })
    }

    fn read(&self, path: &Path, classes: &[String]) -> Result<Answers, DataError> {
        let name = |name: &Json| match name {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut header: Vec<String> = self.columns.iter().map(name).collect();
        if let Some(index) = self.index {
            if index.len() != self.rows.len() {
                return Err(DataError::invalid(
                    path,
                    format!(
                        "`index` has {} entries and `data` {} rows",
                        index.len(),
                        self.rows.len()
                    ),
                ));
            }
            header.push("index".into());
        }
        let mut columns = Columns::new(path, &header, classes)?;
        for (row, list) in self.rows.iter().enumerate() {
            let values = list.as_array().map_or(&[][..], Vec::as_slice);
            if values.len() != self.columns.len() {
                return Err(at_row(
                    path,
                    row,
                    format_args!(
                        "it has {} values for {} columns",
                        values.len(),
                        self.columns.len()
                    ),
                ));
            }
            let index = self.index.and_then(|index| index.get(row));
            let values: Vec<&Json> = values.iter().chain(index).collect();
            push(path, &mut columns, row, &values)?;
        }
        columns.done()
    }
}
