//! Every chart: pure functions from numbers to SVG, by plotters, in one theme.

mod axis;
mod bars;
mod canvas;
mod class_errors;
mod class_panels;
mod confusion;
mod intervals;
mod labels;
mod learning;
mod legend;
mod lines;
mod panels;
mod pareto;
mod plot;
mod precision_recall;
mod ranks;
mod reliability;
mod roc;
mod theme;

pub(crate) use bars::{ClassCounts, class_counts};
pub(crate) use class_errors::{ClassErrors, class_errors};
pub(crate) use class_panels::{ClassPanel, MOST_PANELS, class_panels};
pub(crate) use confusion::{Matrix, Shown, confusion};
pub(crate) use intervals::{Rated, intervals};
pub(crate) use learning::{Course, courses};
pub(crate) use lines::{Height, Line, lines};
pub(crate) use panels::{Panel, panels};
pub(crate) use pareto::{Candidate, Cost, pareto, pareto_front};
pub(crate) use precision_recall::{Precision, precision_recall};
pub(crate) use ranks::{Ranked, ranks};
pub(crate) use reliability::{Calibration, reliability};
pub(crate) use roc::{Curve, RocView, height_at as roc_height_at, roc};
pub(crate) use theme::{css, series_class};

/// With more classes, charts that give each of them a row are not drawn: they would be
/// megabytes that nobody can read. The tables of classes stay.
pub(crate) const MOST_CLASSES: usize = 100;

/// A finished chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    /// File stem, unique in a report.
    pub(crate) stem: String,
    /// Pixels.
    size: (f64, f64),
    /// What is inside the `svg` element.
    body: String,
    /// Where the cells of a matrix lie.
    grid: Option<Grid>,
}

/// Where the square cells of a matrix lie, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// The left of the first column.
    left: f64,
    /// The top of the first row.
    top: f64,
    /// A side of a cell.
    cell: f64,
}

impl Chart {
    /// Takes what the back end wrote apart and leaves out what says nothing.
    fn new(stem: &str, size: (f64, f64), svg: &str) -> Self {
        let inner = svg
            .split_once(">\n")
            .map_or(svg, |(_, rest)| rest)
            .trim_end()
            .trim_end_matches("</svg>");
        // Quotes in labels are escaped, so none of these can be part of one.
        let body = inner
            .replace(" opacity=\"1\"", "")
            .replace(" stroke=\"none\"", "")
            .replace(" font-family=\"sans-serif\"", "")
            .replace(" \"/>", "\"/>")
            .replace("\n</text>", "</text>");
        Self {
            stem: stem.to_owned(),
            size,
            body: joined_labels(&rounded_font_sizes(&body)),
            grid: None,
        }
    }

    /// Left, top and side of the cells in units of the `viewBox`, for the script that
    /// tells which one was meant.
    pub(crate) fn grid(&self) -> Option<String> {
        let grid = self.grid?;
        let unit = canvas::units;
        Some(format!(
            "{} {} {}",
            unit(grid.left),
            unit(grid.top),
            unit(grid.cell)
        ))
    }

    fn view_box(&self) -> String {
        format!(
            "0 0 {} {}",
            canvas::units(self.size.0),
            canvas::units(self.size.1)
        )
    }

    /// For the page: colours follow its style. `labelled_by` is the id of the text that
    /// says what is to be seen.
    pub(crate) fn inline(&self, labelled_by: &str) -> String {
        format!(
            "<svg class=\"chart\" viewBox=\"{}\" width=\"{:.0}\" role=\"img\" \
             aria-labelledby=\"{labelled_by}\" stroke-linejoin=\"round\">\n{}</svg>",
            self.view_box(),
            // A little larger where there is room, never so much that text shouts.
            1.25 * self.size.0,
            self.body
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
            self.body
        )
    }

    /// Whether it needs the page's whole width to be read.
    pub(crate) fn is_wide(&self) -> bool {
        self.size.0 > 520.0
    }
}

/// The back end divides sizes by 1.24 and writes every digit of the result.
fn rounded_font_sizes(svg: &str) -> String {
    const KEY: &str = "font-size=\"";
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some(at) = rest.find(KEY) {
        let (before, after) = rest.split_at(at + KEY.len());
        out.push_str(before);
        let end = after.find('"').unwrap_or_default();
        let (size, tail) = after.split_at(end);
        match size.parse::<f64>() {
            Ok(size) => out.push_str(&size.round().to_string()),
            Err(_) => out.push_str(size),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The back end puts a label on a line of its own, which shows as a space.
fn joined_labels(svg: &str) -> String {
    let mut out = String::with_capacity(svg.len());
    for line in svg.lines() {
        out.push_str(line);
        if !(line.starts_with("<text") && line.ends_with('>') && !line.ends_with("</text>")) {
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{
        canvas::{Anchor, Face, draw},
        theme,
    };

    #[test]
    fn labels_are_escaped_and_stand_alone_on_their_point() {
        let chart = draw("x", (100.0, 50.0), |canvas| {
            let face = Face::new(12.0, theme::INK).anchored(Anchor::Middle);
            canvas.text("<script>&\"é😀\u{7}", (50.0, 25.0), face)
        })
        .unwrap();
        assert!(
            chart
                .body
                .contains(">&lt;script&gt;&amp;&quot;é😀\u{FFFD}</text>"),
            "{}",
            chart.body
        );
        assert!(chart.body.contains("font-size=\"120\""), "{}", chart.body);
        assert!(chart.standalone().contains("viewBox=\"0 0 1000 500\""));
    }
}
