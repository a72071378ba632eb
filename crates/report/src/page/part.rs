//! What a section says about one dataset.

use super::{figure::Figure, table::Table, words::Words};
use crate::pictures::Tile;

/// What a section says about one dataset, or about the whole run.
#[derive(Default)]
pub(crate) struct Part {
    /// The name of the dataset, where there are several.
    pub(crate) heading: Option<String>,
    /// The answer in a sentence or two.
    pub(crate) lead: Words,
    /// The findings behind it, one sentence each.
    pub(crate) sentences: Vec<Words>,
    /// Images, with the words under them.
    pub(crate) images: Vec<Captioned>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tables: Vec<Table>,
    /// Notes on the method, in small print.
    pub(crate) notes: Vec<String>,
}

/// An image with words under it.
pub(crate) struct Captioned {
    pub(crate) tile: Tile,
    /// A line each.
    pub(crate) lines: Vec<String>,
    /// The same as a sentence, for readers who do not see it.
    pub(crate) words: String,
}

impl Part {
    /// Whether a table stands beside the charts.
    pub(crate) fn has_narrow_tables(&self) -> bool {
        self.tables.iter().any(Table::is_narrow)
    }
}
