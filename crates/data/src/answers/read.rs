//! What was read.

use std::path::PathBuf;

/// The predictions of a file, in its order: scores of classes or labels, for each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The file.
    pub path: PathBuf,
    /// Number of rows.
    pub rows: usize,
    /// What names the sample of each row: the name of the column, and its texts.
    pub ids: Option<(String, Vec<String>)>,
    /// The predicted class of each row: a name, or a number as text. `None` where there are scores.
    pub labels: Option<Vec<String>>,
    /// The class of each column of scores; `None` where columns have no names.
    pub classes: Option<Vec<String>>,
    /// Number of columns of scores.
    pub width: usize,
    /// Scores, row by row: `rows` × `width`.
    pub scores: Vec<f64>,
    /// What was passed over or assumed, in sentences.
    pub remarks: Vec<String>,
    /// The line of each row, where the file has lines.
    pub lines: Option<Vec<u64>>,
}

impl Answers {
    /// The place of a row in the file: `line 5`, or `row 3`, counted from 0.
    pub fn place(&self, row: usize) -> String {
        match self.lines.as_ref().and_then(|lines| lines.get(row)) {
            Some(line) => format!("line {line}"),
            None => format!("row {row} (counted from 0)"),
        }
    }

    /// The name of a column of scores: its class, or its number from 0.
    pub fn column(&self, column: usize) -> String {
        match self.classes.as_ref().and_then(|names| names.get(column)) {
            Some(name) => format!("column `{name}`"),
            None => format!("column {column} (counted from 0)"),
        }
    }

    /// The scores of a row.
    pub fn row(&self, row: usize) -> &[f64] {
        let start = row.saturating_mul(self.width);
        let end = start.saturating_add(self.width);
        self.scores.get(start..end).unwrap_or_default()
    }
}
