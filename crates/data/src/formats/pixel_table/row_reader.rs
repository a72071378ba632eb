//! The rows of a table of pixels.

use csv::ByteRecord;

use super::{columns::Columns, values::Values};
use crate::{
    error::DataError,
    table::{Table, role_of_usage},
    words::Role,
};

/// Reads rows one after the other.
pub(super) struct RowReader<'a> {
    pub(super) table: &'a Table,
    pub(super) columns: Columns,
    pub(super) most: f32,
    pub(super) values: Values,
    pub(super) labels: Option<Vec<String>>,
    pub(super) usage: Option<Vec<Role>>,
    pub(super) groups: Option<Vec<String>>,
    pub(super) ids: Option<Vec<String>>,
    /// The pixels of the first image.
    pub(super) each: usize,
}

impl RowReader<'_> {
    /// Adds a row.
    pub(super) fn row(&mut self, record: &ByteRecord, line: u64) -> Result<(), DataError> {
        let path = self.table.path();
        let wrong = |problem: String| DataError::line(path, line, problem);
        let shown = |field: &[u8]| format!("{:?}", String::from_utf8_lossy(field));
        if let (Some(labels), Some(column)) = (&mut self.labels, self.columns.label) {
            let text = self.table.text(record, column, line)?;
            labels.push(label(text).ok_or_else(|| {
                wrong(format!(
                    "column {}: {text:?} is no label, a word or a whole number from 0 to {}: number the classes from 0, or name them; another column of labels is stated with --label",
                    column + 1,
                    u16::MAX - 1
                ))
            })?);
        }
        if let (Some(usage), Some(column)) = (&mut self.usage, self.columns.usage) {
            let text = self.table.text(record, column, line)?;
            usage.push(role_of_usage(text).ok_or_else(|| {
                wrong(format!(
                    "column {}: {text:?} names no part, such as train, val or test",
                    column + 1
                ))
            })?);
        }
        if let (Some(groups), Some(column)) = (&mut self.groups, self.columns.group) {
            groups.push(self.table.text(record, column, line)?.to_owned());
        }
        if let (Some(ids), Some((column, _))) = (&mut self.ids, &self.columns.id) {
            ids.push(self.table.text(record, *column, line)?.to_owned());
        }
        let before = self.values.len();
        for &column in &self.columns.pixels {
            let field = record.get(column).unwrap_or_default();
            let mut push = |field: &[u8]| match self.values.push(field, self.most) {
                true => Ok(()),
                false => Err(wrong(format!(
                    "column {}: {} is no pixel, a number from 0 to {}{}",
                    column + 1,
                    shown(field),
                    self.most,
                    remedy(field)
                ))),
            };
            if self.columns.one_text {
                for value in field
                    .split(u8::is_ascii_whitespace)
                    .filter(|value| !value.is_empty())
                {
                    push(value)?;
                }
            } else {
                push(field)?;
            }
        }
        let found = self.values.len() - before;
        if self.each == 0 {
            self.each = found;
        }
        if found != self.each {
            return Err(wrong(format!(
                "{found} pixels where the rows before have {}",
                self.each
            )));
        }
        Ok(())
    }
}

/// What to do about a field that is no pixel.
fn remedy(field: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(field).replace(',', ".");
    match text.parse::<f64>() {
        Ok(_) if field.contains(&b',') => ": write decimals with a point",
        Ok(number) if number < 0.0 => {
            ": add to all numbers and multiply them, so that black is 0 and white is 255"
        }
        Ok(number) if number > 255.0 => {
            ": state the number that stands for white, as in --pixel-max 65535"
        }
        _ => "",
    }
}

/// A label in its shortest form: whole numbers may be written `5.0`.
fn label(text: &str) -> Option<String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 && number < f64::from(u16::MAX) && number.fract() == 0.0 => {
            Some(format!("{number}"))
        }
        Ok(_) => None,
        Err(_) => (!text.is_empty()).then(|| text.to_owned()),
    }
}
