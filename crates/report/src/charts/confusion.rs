//! Confusion matrices.
//!
//! Correct predictions are blue and errors orange, so that the diagonal does not hide the
//! rest. How dark a cell is follows the logarithm of its value, so that one error among ten
//! thousand samples can be seen. Empty cells are not drawn: with 47 classes most are.

use bakeoff_measures::{Unit, format};

use super::{
    canvas::Canvas,
    cells::Cells,
    chart::{Chart, Grid},
    text::{Anchor, TextStyle, shortened, text_width},
    theme,
};

/// What the cells show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Samples.
    Counts,
    /// Share of the samples of the actual class, or of those predicted as the class.
    Shares,
}

/// Draws a K×K matrix that is given row by row, actual by predicted; `None` where a share is
/// undefined.
pub(crate) fn confusion(classes: &[String], values: &[Option<f64>], shown: Shown) -> Chart {
    let k = classes.len();
    let side = match (k, shown) {
        // Many classes get the width of the page once, so that they can be distinguished.
        (25.., Shown::Counts) => (700.0 / k as f64).clamp(9.0, 15.0),
        _ => (380.0 / k as f64).clamp(9.0, 64.0),
    };
    // A whole number of the units that are drawn: rounding errors of a hundred cells in a row
    // would add up.
    let side = (side * 10.0).floor() / 10.0;
    let muted = TextStyle::new((side * 0.9).clamp(8.0, 12.0), theme::MUTED);
    let names: Vec<String> = classes
        .iter()
        .map(|name| shortened(name, muted.size, 96.0))
        .collect();
    let cells = Cells::new(
        (34.0, 34.0),
        0.0,
        (side, side),
        names.clone(),
        names,
        [muted, muted],
    );
    let scale = Scale::of(values, shown);
    // The legend needs space even for few classes.
    let mut canvas = Canvas::new((
        (cells.right() + 8.0).max(cells.left + 236.0),
        cells.bottom() + 44.0,
    ));
    let head = TextStyle::label().bold();
    canvas.text("predicted →", (cells.left, 14.0), head);
    canvas.text(
        "← actual",
        (13.0, (cells.top + cells.bottom()) / 2.0),
        head.rotated().anchored(Anchor::Middle),
    );
    cells.names(&mut canvas);
    cells.grid(&mut canvas);
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value.filter(|value| *value > 0.0) else {
            continue;
        };
        let (row, column) = (place / k, place % k);
        let colour = if row == column {
            theme::RIGHT
        } else {
            theme::WRONG
        };
        let text = scale.text(value);
        let size = (side * 0.33).clamp(8.0, 13.0);
        let fits = side >= 17.0 && text_width(&text, size) <= side;
        cells.fill(
            &mut canvas,
            (row, column),
            (colour, scale.strength(value)),
            0.5,
            fits.then_some((&text, size)),
        );
    }
    legend(&mut canvas, (cells.left, cells.bottom() + 14.0), &scale);
    let mut chart = canvas.finish();
    chart.grid = Some(Grid {
        left: cells.left,
        top: cells.top,
        cell: side,
    });
    chart
}

/// How a value becomes a strength and a text.
struct Scale {
    shown: Shown,
    /// The largest value.
    top: f64,
}

impl Scale {
    fn of(values: &[Option<f64>], shown: Shown) -> Self {
        let top = match shown {
            Shown::Counts => values.iter().flatten().copied().fold(1.0, f64::max),
            Shown::Shares => 1.0,
        };
        Self { shown, top }
    }

    /// From 0.1 for the smallest value that is drawn to 1 for the largest.
    fn strength(&self, value: f64) -> f64 {
        let share = match self.shown {
            Shown::Counts => (1.0 + value).ln() / (1.0 + self.top).ln(),
            // Three decades, from a thousandth.
            Shown::Shares => 1.0 + value.max(0.001).log10() / 3.0,
        };
        0.1 + 0.9 * share.clamp(0.0, 1.0)
    }

    fn text(&self, value: f64) -> String {
        match self.shown {
            Shown::Counts => format!("{value:.0}"),
            Shown::Shares if value >= 0.9995 => "100".to_owned(),
            Shown::Shares => format!("{:.1}", 100.0 * value),
        }
    }
}

/// What the strengths mean.
fn legend(canvas: &mut Canvas, (left, top): (f64, f64), scale: &Scale) {
    let values: Vec<(f64, String)> = match scale.shown {
        Shown::Counts => (0..8)
            .map(|power| 10_f64.powi(power))
            .take_while(|value| *value <= scale.top.max(1.0))
            .map(|value| (value, format::count(value as u64)))
            .collect(),
        Shown::Shares => [0.001, 0.01, 0.1, 1.0]
            .map(|value| (value, Unit::Percent.write_tick(value)))
            .to_vec(),
    };
    let small = TextStyle::new(10.5, theme::MUTED);
    let mut x = left;
    for (value, name) in values {
        let strength = scale.strength(value);
        canvas.rect((x, top), (9.0, 11.0), theme::RIGHT, strength);
        canvas.rect((x + 9.0, top), (9.0, 11.0), theme::WRONG, strength);
        canvas.text(&name, (x + 22.0, top + 5.5), small);
        x += 32.0 + text_width(&name, small.size);
    }
    canvas.text(
        "blue: correct, orange: wrong; log scale",
        (left, top + 21.0),
        small,
    );
}
