//! Confusion matrices.
//!
//! Right answers are blue and errors orange, so that the diagonal does not drown the
//! rest; how strong a cell is follows the logarithm of its value, so that one error
//! among ten thousand samples can be seen. Empty cells are not drawn: with 47 classes
//! most are.

use super::{
    Chart, Grid,
    canvas::{Anchor, Canvas, Drawn, Face, draw, shortened, text_width},
    theme,
};
use crate::{ReportError, format};

/// What the cells show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Samples.
    Counts,
    /// Share of the samples of the actual class.
    ByActual,
    /// Share of the samples predicted as the class.
    ByPredicted,
}

/// A K×K matrix to draw, row by row: actual by predicted.
pub(crate) struct Matrix<'a> {
    /// The names of the classes.
    pub(crate) classes: &'a [String],
    /// Samples, or shares; `None` where a share is undefined.
    pub(crate) values: &'a [Option<f64>],
    /// Which.
    pub(crate) shown: Shown,
}

/// Draws a confusion matrix.
pub(crate) fn confusion(stem: &str, matrix: &Matrix<'_>) -> Result<Chart, ReportError> {
    let k = matrix.classes.len();
    let cell = match (k, matrix.shown) {
        // Many classes need the page's width once, to be told apart.
        (25.., Shown::Counts) => (700.0 / k as f64).clamp(9.0, 15.0),
        _ => (380.0 / k as f64).clamp(9.0, 64.0),
    };
    // A whole number of the back end's units: with a hundred cells in a row, rounding
    // would add up.
    let cell = (cell * 10.0).floor() / 10.0;
    let label_size = (cell * 0.9).clamp(8.0, 12.0);
    let names: Vec<String> = matrix
        .classes
        .iter()
        .map(|name| shortened(name, label_size, 96.0))
        .collect();
    let widest = widest_label(&names, label_size);
    let left = 34.0 + widest;
    let upright = names
        .iter()
        .any(|name| text_width(name, label_size) > cell - 2.0);
    let top = 34.0 + if upright { widest } else { 14.0 };
    let (width, height) = (left + cell * k as f64 + 8.0, top + cell * k as f64 + 44.0);
    let scale = Scale::of(matrix);
    // The legend needs room, however few the classes.
    let mut chart = draw(stem, (width.max(left + 236.0), height), |canvas| {
        let side = cell * k as f64;
        let ink = Face::new(12.0, theme::INK).bold();
        canvas.text("predicted →", (left, 14.0), ink)?;
        canvas.text(
            "← actual",
            (13.0, top + side / 2.0),
            ink.upright().anchored(Anchor::Middle),
        )?;
        let muted = Face::new(label_size, theme::MUTED);
        for (class, name) in names.iter().enumerate() {
            let at = (class as f64 + 0.5) * cell;
            canvas.text(name, (left - 5.0, top + at), muted.anchored(Anchor::End))?;
            if upright {
                canvas.text(name, (left + at, top - 5.0), muted.upright())?;
            } else {
                let middle = muted.anchored(Anchor::Middle);
                canvas.text(name, (left + at, top - 9.0), middle)?;
            }
        }
        grid(canvas, (left, top), cell, (k, k))?;
        for (place, value) in matrix.values.iter().enumerate() {
            let (row, column) = (place / k, place % k);
            let corner = (left + column as f64 * cell, top + row as f64 * cell);
            draw_cell(canvas, corner, cell, row == column, *value, &scale)?;
        }
        legend(canvas, (left, top + side + 14.0), &scale)
    })?;
    chart.grid = Some(Grid { left, top, cell });
    Ok(chart)
}

/// Lines between cells.
fn grid(
    canvas: &Canvas<'_>,
    (left, top): (f64, f64),
    cell: f64,
    (rows, columns): (usize, usize),
) -> Drawn {
    let (right, bottom) = (left + cell * columns as f64, top + cell * rows as f64);
    for row in 0..=rows {
        let y = top + cell * row as f64;
        canvas.line(&[(left, y), (right, y)], theme::GRID, 0.6)?;
    }
    for column in 0..=columns {
        let x = left + cell * column as f64;
        canvas.line(&[(x, top), (x, bottom)], theme::GRID, 0.6)?;
    }
    Ok(())
}

/// How a value becomes a strength and a text.
struct Scale {
    shown: Shown,
    /// The largest value.
    top: f64,
}

impl Scale {
    fn of(matrix: &Matrix<'_>) -> Self {
        let top = match matrix.shown {
            Shown::Counts => matrix.values.iter().flatten().copied().fold(1.0, f64::max),
            Shown::ByActual | Shown::ByPredicted => 1.0,
        };
        Self {
            shown: matrix.shown,
            top,
        }
    }

    /// From 0.1 for the smallest value that is drawn to 1 for the largest.
    fn strength(&self, value: f64) -> f64 {
        let share = match self.shown {
            Shown::Counts => (1.0 + value).ln() / (1.0 + self.top).ln(),
            // Three decades, from a thousandth.
            Shown::ByActual | Shown::ByPredicted => 1.0 + value.max(0.001).log10() / 3.0,
        };
        0.1 + 0.9 * share.clamp(0.0, 1.0)
    }

    fn text(&self, value: f64) -> String {
        match self.shown {
            Shown::Counts => format!("{value:.0}"),
            Shown::ByActual | Shown::ByPredicted => match 100.0 * value {
                p if p >= 99.95 => "100".to_owned(),
                p => format!("{p:.1}"),
            },
        }
    }
}

fn draw_cell(
    canvas: &Canvas<'_>,
    (x, y): (f64, f64),
    cell: f64,
    right: bool,
    value: Option<f64>,
    scale: &Scale,
) -> Drawn {
    let Some(value) = value.filter(|value| *value > 0.0) else {
        return Ok(());
    };
    let colour = if right { theme::RIGHT } else { theme::WRONG };
    let strength = scale.strength(value);
    let inner = cell - 1.0;
    canvas.rect((x + 0.5, y + 0.5), (inner, inner), colour, strength)?;
    let text = scale.text(value);
    let size = (cell * 0.33).clamp(8.0, 13.0);
    if cell < 17.0 || text_width(&text, size) > cell {
        return Ok(());
    }
    let ink = if strength > 0.62 {
        theme::ON_CELL
    } else {
        theme::INK
    };
    canvas.text(
        &text,
        (x + cell / 2.0, y + cell / 2.0),
        Face::new(size, ink).anchored(Anchor::Middle),
    )
}

/// What the strengths mean.
fn legend(canvas: &Canvas<'_>, (left, top): (f64, f64), scale: &Scale) -> Drawn {
    let values: Vec<(f64, String)> = match scale.shown {
        Shown::Counts => (0..8)
            .map(|power| 10_f64.powi(power))
            .take_while(|value| *value <= scale.top.max(1.0))
            .map(|value| (value, format::count(value as u64)))
            .collect(),
        Shown::ByActual | Shown::ByPredicted => [0.001, 0.01, 0.1, 1.0]
            .map(|value| (value, format!("{} %", format::short_number(100.0 * value))))
            .to_vec(),
    };
    let small = Face::new(10.5, theme::MUTED);
    let mut x = left;
    for (value, name) in values {
        let strength = scale.strength(value);
        canvas.rect((x, top), (9.0, 11.0), theme::RIGHT, strength)?;
        canvas.rect((x + 9.0, top), (9.0, 11.0), theme::WRONG, strength)?;
        canvas.text(&name, (x + 22.0, top + 5.5), small)?;
        x += 32.0 + text_width(&name, 10.5);
    }
    canvas.text(
        "blue: right, orange: wrong; log scale",
        (left, top + 21.0),
        small,
    )
}

/// The room that the longest name takes.
pub(super) fn widest_label(names: &[String], size: f64) -> f64 {
    names
        .iter()
        .map(|name| text_width(name, size))
        .fold(0.0, f64::max)
}
