//! A finished chart: one SVG, for the page and as a file.

use super::{
    backend::{render, units},
    shape::{Point, Shape},
};

/// A finished chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    /// Pixels.
    size: Point,
    /// What is inside the `svg` element, or why it could not be drawn.
    body: Result<String, String>,
    /// Where the cells of a matrix lie.
    pub(super) grid: Option<Grid>,
}

/// Where the square cells of a matrix lie, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// The left of the first column.
    pub(super) left: f64,
    /// The top of the first row.
    pub(super) top: f64,
    /// A side of a cell.
    pub(super) cell: f64,
}

impl Chart {
    /// Draws the shapes, the first ones at the back.
    pub(super) fn new(size: Point, shapes: &[Shape]) -> Self {
        Self {
            size,
            body: render(size, shapes),
            grid: None,
        }
    }

    /// Why it could not be drawn; never seen so far.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.body.as_ref().err().map(String::as_str)
    }

    fn body(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }

    /// Left, top and side of the cells in units of the `viewBox`, for the script that
    /// finds the cell under the pointer.
    pub(crate) fn grid(&self) -> Option<String> {
        let Grid { left, top, cell } = self.grid?;
        Some(format!("{} {} {}", units(left), units(top), units(cell)))
    }

    fn view_box(&self) -> String {
        format!("0 0 {} {}", units(self.size.0), units(self.size.1))
    }

    /// For the page: colours follow its style. `labelled_by` is the id of the text that
    /// describes the chart.
    pub(crate) fn inline(&self, labelled_by: &str) -> String {
        format!(
            "<svg class=\"chart\" viewBox=\"{}\" width=\"{:.0}\" role=\"img\" \
             aria-labelledby=\"{labelled_by}\" stroke-linejoin=\"round\">\n{}</svg>",
            self.view_box(),
            // A little larger where there is space, but text stays of a moderate size.
            1.25 * self.size.0,
            self.body()
        )
    }

    /// For a file of its own: light colours on white.
    pub(crate) fn standalone(&self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{}\" width=\"{}\" height=\"{}\" \
             font-family=\"system-ui, sans-serif\" stroke-linejoin=\"round\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n{}</svg>\n",
            self.view_box(),
            self.size.0,
            self.size.1,
            self.body()
        )
    }

    /// Whether it needs the whole width of the page.
    pub(crate) fn is_wide(&self) -> bool {
        self.size.0 > 520.0
    }
}
