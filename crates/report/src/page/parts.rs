//! The parts that pages are made of: text, tables, figures, ids.

use std::collections::BTreeSet;

use askama::{Template, filters::HtmlSafe};

use crate::charts::Chart;

/// A sentence with some words standing out.
#[derive(Clone, Debug, Default, PartialEq, Template)]
#[template(
    source = "{% for (strong, text) in parts %}{% if *strong %}<strong>{{ text }}</strong>\
              {% else %}{{ text }}{% endif %}{% endfor %}",
    ext = "html"
)]
pub(crate) struct Words {
    parts: Vec<(bool, String)>,
}

impl HtmlSafe for Words {}

impl Words {
    /// Goes on in plain words.
    pub(crate) fn plain(mut self, text: impl Into<String>) -> Self {
        self.parts.push((false, text.into()));
        self
    }

    /// Goes on in words that stand out.
    pub(crate) fn strong(mut self, text: impl Into<String>) -> Self {
        self.parts.push((true, text.into()));
        self
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) label: String,
    /// Right-aligned, with figures of one width.
    pub(crate) numeric: bool,
}

impl Column {
    pub(crate) fn text(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            numeric: false,
        }
    }

    pub(crate) fn number(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            numeric: true,
        }
    }
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// What it is sorted by, where the text would not do.
    pub(crate) sort: Option<String>,
    /// Whether nothing in its column is better.
    pub(crate) best: bool,
    /// Length of a bar under the text, of 100.
    pub(crate) bar: Option<u32>,
    /// An interval under the text: both ends and what is between them, of 100.
    pub(crate) range: Option<(u32, u32, u32)>,
    /// More to say, small, under the text.
    pub(crate) small: Option<String>,
}

impl Cell {
    /// A cell that is sorted by a number; without one it comes last.
    pub(crate) fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> Self {
        Self {
            text: crate::format::or_nothing(value, show),
            sort: Some(value.map_or_else(String::new, |value| format!("{value:e}"))),
            ..Self::default()
        }
    }

    /// A cell with a count.
    pub(crate) fn count(value: u64) -> Self {
        Self {
            text: crate::format::count(value),
            sort: Some(value.to_string()),
            ..Self::default()
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// A table. The first cell of each row names it.
#[derive(Clone, Debug, PartialEq, Template)]
#[template(path = "table.html")]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Whether a reader may want it in another order.
    pub(crate) sortable: bool,
    /// Names and values, whose heads need not be seen.
    pub(crate) pairs: bool,
}

impl HtmlSafe for Table {}

impl Table {
    /// A table of names and values.
    pub(crate) fn pairs(caption: &str, (name, value): (&str, &str), rows: Vec<Vec<Cell>>) -> Self {
        Self {
            caption: caption.to_owned(),
            columns: vec![Column::text(name), Column::text(value)],
            rows,
            sortable: false,
            pairs: true,
        }
    }

    /// Whether it has room beside a chart.
    pub(crate) fn is_narrow(&self) -> bool {
        self.columns.len() <= 6
    }

    /// Column and cell together; rows shorter than the head end early.
    fn cells<'t>(&'t self, row: &'t [Cell]) -> impl Iterator<Item = (&'t Column, &'t Cell)> {
        self.columns.iter().zip(row)
    }
}

/// A chart with what is to be said of it, and the numbers behind it.
#[derive(Clone, Debug, PartialEq, Template)]
#[template(path = "figure.html")]
pub(crate) struct Figure {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) caption: String,
    svg: String,
    pub(crate) wide: bool,
    /// Where the cells of a matrix lie.
    grid: Option<String>,
    table: Option<Table>,
}

impl HtmlSafe for Figure {}

/// The charts of a page, in order, as files of their own.
#[derive(Debug, Default)]
pub(crate) struct Charts {
    pub(crate) files: Vec<(String, String)>,
}

impl Charts {
    /// Puts a chart on the page and among the files.
    pub(crate) fn figure(
        &mut self,
        chart: &Chart,
        title: &str,
        caption: impl Into<String>,
        table: Option<Table>,
    ) -> Figure {
        let id = format!("chart-{}", chart.stem);
        self.files.push((chart.stem.clone(), chart.standalone()));
        Figure {
            svg: chart.inline(&format!("{id}-caption")),
            id,
            title: title.to_owned(),
            caption: caption.into(),
            wide: chart.is_wide(),
            grid: chart.grid(),
            table,
        }
    }
}

/// Hands out names that are safe in files and links, each once.
#[derive(Debug, Default)]
pub(crate) struct Slugs {
    taken: BTreeSet<String>,
}

impl Slugs {
    /// A name made of lower-case letters, digits and dashes that was not given before.
    pub(crate) fn new_slug(&mut self, name: &str) -> String {
        let mut slug = String::new();
        for c in name.chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            // Names of files have a limit.
            if slug.len() >= 60 {
                break;
            }
        }
        let base = match slug.trim_end_matches('-') {
            "" => "unnamed",
            slug => slug,
        };
        let mut unique = base.to_owned();
        let mut number = 2;
        while !self.taken.insert(unique.clone()) {
            unique = format!("{base}-{number}");
            number += 1;
        }
        unique
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_safe_and_unique() {
        let mut slugs = Slugs::default();
        let given: Vec<String> = ["CNN", "cnn", "../a b", "😀", "<script>", "é"]
            .iter()
            .map(|name| slugs.new_slug(name))
            .collect();
        assert_eq!(
            given,
            ["cnn", "cnn-2", "a-b", "unnamed", "script", "unnamed-2"]
        );
    }

    #[test]
    fn words_are_escaped() {
        let words = Words::default().strong("<b>").plain(" & more");
        let html = words.to_string();
        assert!(
            !html.contains("<b>") && html.contains("&#38; more"),
            "{html}"
        );
    }
}
