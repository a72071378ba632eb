//! Tables: every table of the page is built here, column by column.

use askama::{Template, filters::HtmlSafe};
use bakeoff_measures::{Measure, format};
use bakeoff_metrics::TooFew;

use crate::analysis::significance::Interval95;

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
struct Column {
    label: String,
    /// Right-aligned, with figures of one width.
    numeric: bool,
}

impl Column {
    /// The style class of a cell.
    fn class(&self, cell: &Cell) -> Option<&'static str> {
        match (self.numeric, cell.best, cell.problem) {
            (.., true) | (false, false, _) => None,
            (true, false, _) => Some("n"),
            (true, true, _) => Some("n best"),
            (false, true, _) => Some("best"),
        }
    }
}

/// What stands in the place of an interval.
pub(crate) fn no_interval(reason: TooFew) -> String {
    format!("no interval: {reason}")
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// What it is sorted by, where the text is not suitable.
    pub(crate) sort: Option<String>,
    /// Whether no value of its column is better.
    pub(crate) best: bool,
    /// Length of a bar under the text, from 0 to 100.
    pub(crate) bar: Option<u32>,
    /// An interval under the text: low end, value, high end, from 0 to 100.
    pub(crate) range: Option<(u32, u32, u32)>,
    /// Small text under it.
    pub(crate) small: Option<String>,
    /// The class of the colour of a model, for its name, bar or range.
    pub(crate) series: &'static str,
    /// Where the name of a model links to.
    pub(crate) link: Option<String>,
    /// What a star after the text means.
    pub(crate) star: Option<&'static str>,
    /// Whether it is an error message that takes the rest of the row.
    pub(crate) problem: bool,
}

impl Cell {
    /// A cell that is sorted by a number; without one it comes last.
    pub(crate) fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> Self {
        Self {
            text: format::or_nothing(value, show),
            sort: Some(value.map_or_else(String::new, |value| format!("{value:e}"))),
            ..Self::default()
        }
    }

    /// The value of a measure; `samples` is the number of samples that a share is of.
    pub(crate) fn measure(measure: &Measure, value: Option<f64>, samples: usize) -> Self {
        Self::number(value, |value| measure.write(value, samples))
    }

    /// The same with its confidence interval in small digits, or why it has none.
    pub(crate) fn with_interval(
        measure: &Measure,
        value: Option<f64>,
        interval: Option<Interval95>,
        samples: usize,
    ) -> Self {
        Self {
            small: interval.map(|interval| match interval {
                Ok(i) => measure.unit.write_interval(i.low, i.high, samples),
                Err(too_few) => no_interval(too_few),
            }),
            ..Self::measure(measure, value, samples)
        }
    }

    pub(crate) fn count(value: u64) -> Self {
        Self {
            text: format::count(value),
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
    caption: String,
    class: &'static str,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl HtmlSafe for Table {}

impl Table {
    /// Starts a table with a row for each of these items. A reader can sort it.
    pub(crate) fn of<R>(
        caption: impl Into<String>,
        items: impl IntoIterator<Item = R>,
    ) -> TableBuilder<R> {
        let items: Vec<R> = items.into_iter().collect();
        TableBuilder {
            table: Self {
                caption: caption.into(),
                class: "sortable",
                columns: Vec::new(),
                rows: items.iter().map(|_| Vec::new()).collect(),
            },
            items,
        }
    }

    /// A table of names and values.
    pub(crate) fn pairs<N: Into<Cell> + Clone>(
        caption: impl Into<String>,
        name: &str,
        rows: impl IntoIterator<Item = (N, String)>,
    ) -> Self {
        Self::of(caption, rows)
            .class("pairs")
            .text(name, |row| row.0.clone())
            .text("value", |row| row.1.clone())
            .done()
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether it fits beside a chart.
    pub(crate) fn is_narrow(&self) -> bool {
        self.columns.len() <= 6
    }

    /// Column and cell together; rows shorter than the head end early.
    fn cells<'t>(&'t self, row: &'t [Cell]) -> impl Iterator<Item = (&'t Column, &'t Cell)> {
        self.columns.iter().zip(row)
    }
}

/// A table in the making.
pub(crate) struct TableBuilder<R> {
    items: Vec<R>,
    table: Table,
}

impl<R> TableBuilder<R> {
    // One function for all columns of a type of rows, which keeps the program small.
    fn column(mut self, label: String, numeric: bool, cell: &dyn Fn(&R) -> Cell) -> Self {
        self.table.columns.push(Column { label, numeric });
        for (row, item) in self.table.rows.iter_mut().zip(&self.items) {
            // After an error message there is nothing more.
            if !row.last().is_some_and(|cell| cell.problem) {
                row.push(cell(item));
            }
        }
        self
    }

    /// A column of text.
    pub(crate) fn text<T: Into<Cell>>(
        self,
        label: impl Into<String>,
        cell: impl Fn(&R) -> T,
    ) -> Self {
        self.column(label.into(), false, &|item| cell(item).into())
    }

    /// A column of cells that hold numbers.
    pub(crate) fn cells(self, label: impl Into<String>, cell: impl Fn(&R) -> Cell) -> Self {
        self.column(label.into(), true, &cell)
    }

    /// A column of numbers, written by `show`.
    pub(crate) fn numbers(
        self,
        label: impl Into<String>,
        show: impl Fn(f64) -> String,
        value: impl Fn(&R) -> Option<f64>,
    ) -> Self {
        self.column(label.into(), true, &|item| Cell::number(value(item), &show))
    }

    /// A column of counts.
    pub(crate) fn counts(self, label: impl Into<String>, value: impl Fn(&R) -> u64) -> Self {
        self.column(label.into(), true, &|item| Cell::count(value(item)))
    }

    /// A column of a measure under its own label; `samples` is the number of samples that
    /// a share is of.
    pub(crate) fn measure(
        self,
        measure: &Measure,
        samples: usize,
        value: impl Fn(&R) -> Option<f64>,
    ) -> Self {
        self.column(measure.label.to_owned(), true, &|item| {
            Cell::measure(measure, value(item), samples)
        })
    }

    /// Several columns, added by `add` for each of these heads.
    pub(crate) fn each<H>(
        self,
        heads: impl IntoIterator<Item = H>,
        add: impl FnMut(Self, H) -> Self,
    ) -> Self {
        heads.into_iter().fold(self, add)
    }

    /// Another style than that of a table that can be sorted; none for a plain table.
    pub(crate) fn class(mut self, class: &'static str) -> Self {
        self.table.class = class;
        self
    }

    /// A table that stays in its order.
    pub(crate) fn in_order(self) -> Self {
        self.class("")
    }

    pub(crate) fn done(self) -> Table {
        self.table
    }
}
