//! Which column of a table holds what, by its name; and rows of such a table.

use std::path::Path;

use super::read::Answers;
use crate::{
    error::DataError,
    notes::{brief, some},
};

/// Columns that name the sample of a row, the most telling first.
const IDS: [&str; 10] = [
    "id",
    "file",
    "filename",
    "file_name",
    "path",
    "image",
    "sample",
    "position",
    "index",
    // As pandas calls the index of a table in parquet.
    "__index_level_0__",
];
/// Columns that hold the predicted class, the most telling first.
const LABELS: [&str; 7] = [
    "prediction",
    "predicted",
    "predicted_label",
    "predicted_class",
    "y_pred",
    "label",
    "class",
];
/// Columns that hold the correct class, which is known here.
const CORRECT: [&str; 5] = ["actual", "true", "y_true", "target", "correct"];

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Id,
    Label,
    Score,
    /// It is passed over.
    Other,
}

/// A value of a table.
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(f64),
    /// There is none.
    Null,
    /// A list, a date or whatever else is no prediction.
    Other,
}

const NULL: &str = "there is no value (null): give one for each image";
const OTHER: &str = "the value is neither a number nor a text";

impl Value<'_> {
    /// As a text, or why it is none.
    fn text(&self) -> Result<String, String> {
        match self {
            Value::Number(number) => Ok(number.to_string()),
            Value::Text(text) => Ok((*text).to_owned()),
            Value::Null => Err(NULL.into()),
            Value::Other => Err(OTHER.into()),
        }
    }

    /// As a number, or why it is none.
    fn number(&self) -> Result<f64, String> {
        match self {
            Value::Number(number) => Ok(*number),
            Value::Text(text) => text
                .parse()
                .map_err(|_| format!("`{}` is no number", brief(text))),
            Value::Null => Err(NULL.into()),
            Value::Other => Err(OTHER.into()),
        }
    }
}

/// Collects the rows of a table.
pub(super) struct Columns {
    names: Vec<String>,
    roles: Vec<Role>,
    found: Answers,
}

impl Columns {
    /// Decides by the names of the columns.
    pub(super) fn new(
        path: &Path,
        header: &[String],
        classes: &[String],
    ) -> Result<Self, DataError> {
        let invalid = |problem: String| DataError::invalid(path, problem);
        let class_of = |name: &String| {
            // Cells of a table have no blanks around them.
            let is = |wanted: &str| {
                let exact = classes.iter().find(|class| *class == wanted);
                exact.or_else(|| classes.iter().find(|class| class.trim() == wanted))
            };
            is(name).or_else(|| is(name.strip_prefix("p_")?)).cloned()
        };
        let named: Vec<Option<String>> = header.iter().map(class_of).collect();
        let free = |wanted: &[&str]| {
            wanted.iter().find_map(|word| {
                header
                    .iter()
                    .zip(&named)
                    .position(|(name, class)| class.is_none() && name.eq_ignore_ascii_case(word))
            })
        };
        let (id, label) = (free(&IDS), free(&LABELS));
        let is_word =
            |name: &str, words: &[&str]| words.iter().any(|word| name.eq_ignore_ascii_case(word));
        let mut passed_over = Vec::new();
        let mut unknown = Vec::new();
        let mut roles = Vec::new();
        for (column, (name, class)) in header.iter().zip(&named).enumerate() {
            roles.push(if class.is_some() {
                Role::Score
            } else if id == Some(column) {
                Role::Id
            } else if label == Some(column) {
                Role::Label
            } else if name.is_empty()
                || [&IDS[..], &LABELS, &CORRECT]
                    .iter()
                    .any(|words| is_word(name, words))
            {
                passed_over.push(format!("`{}`", brief(name)));
                Role::Other
            } else {
                unknown.push(column);
                Role::Score
            });
        }
        let by_class: Vec<String> = named.iter().flatten().cloned().collect();
        let mut remarks = Vec::new();
        let by_order = by_class.is_empty() && unknown.len() == classes.len();
        if by_order {
            let names: Vec<&String> = unknown.iter().map(|&column| &header[column]).collect();
            remarks.push(format!(
                "The columns {} have not the names of the classes and were taken in their order.",
                some(&names)
            ));
        } else if let Some(&column) = unknown.first() {
            return Err(invalid(format!(
                "the column `{}` is none of the classes ({}): name each column of probabilities by its class, and the others id, file or prediction",
                brief(&header[column]),
                some(classes)
            )));
        }
        for (place, name) in by_class.iter().enumerate() {
            if by_class.iter().skip(place + 1).any(|other| other == name) {
                return Err(invalid(format!(
                    "the class {name} has a column twice: remove one"
                )));
            }
        }
        let missing = classes.iter().find(|class| !by_class.contains(class));
        if let (Some(class), false) = (missing, by_class.is_empty()) {
            return Err(invalid(format!(
                "there is no column for the class {class}: add it, with 0 where it is never predicted"
            )));
        }
        let width = roles.iter().filter(|role| **role == Role::Score).count();
        if width > 0
            && let Some(label) = label
        {
            // The predicted class follows from the probabilities.
            roles[label] = Role::Other;
            passed_over.push(format!("`{}`", header[label]));
        }
        if width == 0 && label.is_none() {
            return Err(invalid(format!(
                "there is neither a column for each class ({}) nor a column `prediction`",
                some(classes)
            )));
        }
        if !passed_over.is_empty() {
            remarks.push(format!("Passed over: {}.", passed_over.join(", ")));
        }
        Ok(Self {
            names: header.to_vec(),
            found: Answers {
                path: path.into(),
                rows: 0,
                ids: id.map(|id| (header[id].clone(), Vec::new())),
                labels: (width == 0).then(Vec::new),
                classes: (width > 0 && !by_order).then_some(by_class),
                width,
                scores: Vec::new(),
                remarks,
                lines: None,
            },
            roles,
        })
    }

    /// A table without names: a column of labels, or numbers for each class.
    pub(super) fn unnamed(path: &Path, width: usize) -> Self {
        let is_labels = width == 1;
        Self {
            names: (0..width).map(|column| column.to_string()).collect(),
            roles: match is_labels {
                true => vec![Role::Label],
                false => vec![Role::Score; width],
            },
            found: Answers {
                path: path.into(),
                rows: 0,
                ids: None,
                labels: is_labels.then(Vec::new),
                classes: None,
                width: if is_labels { 0 } else { width },
                scores: Vec::new(),
                remarks: vec![match is_labels {
                    true => "The table has no header: its column was taken for labels.".into(),
                    false => {
                        "The table has no header: its columns were taken in their order.".into()
                    }
                }],
                lines: None,
            },
        }
    }

    /// Adds a row; an error says what is wrong with it, without its place.
    pub(super) fn push<'v>(
        &mut self,
        line: Option<u64>,
        mut value: impl FnMut(usize) -> Value<'v>,
    ) -> Result<(), String> {
        for (column, role) in self.roles.iter().enumerate() {
            let name = self.names.get(column).map_or("", String::as_str);
            let in_column = |problem: String| format!("column `{}`: {problem}", brief(name));
            let found = &mut self.found;
            match role {
                Role::Other => {}
                Role::Score => {
                    found
                        .scores
                        .push(value(column).number().map_err(in_column)?);
                }
                Role::Id | Role::Label => {
                    let text = value(column).text().map_err(in_column)?;
                    let list = match role {
                        Role::Id => found.ids.as_mut().map(|(_, ids)| ids),
                        _ => found.labels.as_mut(),
                    };
                    if let Some(list) = list {
                        list.push(text);
                    }
                }
            }
        }
        self.found.rows += 1;
        if let Some(line) = line {
            self.found.lines.get_or_insert_default().push(line);
        }
        Ok(())
    }

    /// All rows.
    pub(super) fn done(self) -> Result<Answers, DataError> {
        match self.found.rows {
            0 => Err(DataError::invalid(
                &self.found.path,
                "there are no predictions in it",
            )),
            _ => Ok(self.found),
        }
    }
}
