//! Charts on the page, and as files.

use askama::{Template, filters::HtmlSafe};

use super::table::Table;
use crate::{ReportError, charts::Chart};

/// A chart with its title, its caption and the numbers behind it.
#[derive(Clone, Debug, PartialEq, Template)]
#[template(path = "figure.html")]
pub(crate) struct Figure {
    pub(crate) id: String,
    pub(crate) title: String,
    caption: String,
    svg: String,
    pub(crate) wide: bool,
    /// Where the cells of a matrix lie.
    grid: Option<String>,
    table: Option<Table>,
}

impl HtmlSafe for Figure {}

/// The charts of a page, in order, as files.
#[derive(Debug, Default)]
pub(crate) struct ChartFiles {
    files: Vec<(String, String)>,
    /// The first chart that could not be drawn.
    failure: Option<ReportError>,
}

impl ChartFiles {
    /// Makes figures whose file stems start with a prefix.
    pub(crate) fn figures<'f>(&'f mut self, prefix: &'f str) -> Figures<'f> {
        Figures {
            files: self,
            prefix,
        }
    }

    /// File stem and SVG of every chart.
    ///
    /// # Errors
    /// When one of them could not be drawn.
    pub(crate) fn finish(self) -> Result<Vec<(String, String)>, ReportError> {
        self.failure.map_or(Ok(self.files), Err)
    }
}

/// Makes the figures of one dataset or model.
pub(crate) struct Figures<'f> {
    files: &'f mut ChartFiles,
    prefix: &'f str,
}

impl Figures<'_> {
    /// Puts a chart on the page and among the files; `stem` is unique after the prefix.
    pub(crate) fn figure(
        &mut self,
        stem: &str,
        chart: &Chart,
        title: impl Into<String>,
        caption: impl Into<String>,
        table: Option<Table>,
    ) -> Figure {
        let stem = format!("{}{stem}", self.prefix);
        if let Some(reason) = chart.failure() {
            self.files.failure.get_or_insert(ReportError::Chart {
                chart: stem.clone(),
                reason: reason.to_owned(),
            });
        }
        let id = format!("chart-{stem}");
        self.files.files.push((stem, chart.standalone()));
        Figure {
            svg: chart.inline(&format!("{id}-caption")),
            id,
            title: title.into(),
            caption: caption.into(),
            wide: chart.is_wide(),
            grid: chart.grid(),
            table,
        }
    }
}
