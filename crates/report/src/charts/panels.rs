//! Small multiples: one little plot for each corruption, all with the same axes.
//!
//! One plot with every corruption of every model would be dozens of lines.

use super::{
    Chart,
    canvas::{Anchor, Canvas, Drawn, Face, draw, shortened, text_width},
    theme,
};
use crate::ReportError;

/// One little plot.
pub(crate) struct Panel<'a> {
    /// What it is about.
    pub(crate) title: &'a str,
    /// Accuracies of each model at severity 0 (none), 1, 2 and so on.
    pub(crate) models: Vec<Vec<f64>>,
}

/// A model's name and the index of its colour and mark.
pub(crate) type Named<'a> = (&'a str, usize);

const COLUMNS: usize = 4;
const WIDTH: f64 = 190.0;
const HEIGHT: f64 = 132.0;
const LEFT: f64 = 40.0;
/// Models in a row of the legend.
const LEGEND: f64 = 20.0;

/// Draws a panel for each corruption: accuracy from 0 to 100 % over severity.
pub(crate) fn panels(
    stem: &str,
    models: &[Named<'_>],
    panels: &[Panel<'_>],
) -> Result<Chart, ReportError> {
    let columns = panels.len().clamp(1, COLUMNS);
    let rows = panels.len().div_ceil(COLUMNS);
    let width = LEFT + WIDTH * columns as f64 + 10.0;
    let (places, legend_height) = legend_places(models, width);
    let top = 14.0 + legend_height;
    let height = top + HEIGHT * rows as f64 + 26.0;
    draw(stem, (width, height), |canvas| {
        for ((name, series), (x, y)) in models.iter().zip(places) {
            canvas.marker((x, y), 4.5, *series)?;
            let name = shortened(name, 12.0, 130.0);
            canvas.text(&name, (x + 9.0, y), Face::new(12.0, theme::INK))?;
        }
        for (index, panel) in panels.iter().enumerate() {
            let corner = (
                LEFT + WIDTH * (index % COLUMNS) as f64,
                top + HEIGHT * (index / COLUMNS) as f64,
            );
            let last_row = index + COLUMNS >= panels.len();
            draw_panel(
                canvas,
                corner,
                panel,
                models,
                (index % COLUMNS == 0, last_row),
            )?;
        }
        let face = Face::new(12.0, theme::INK);
        canvas.text("accuracy", (4.0, top - 8.0), face)?;
        canvas.text(
            "severity (0: as it is)",
            (width - 10.0, height - 8.0),
            face.anchored(Anchor::End),
        )
    })
}

/// Where each model's name stands, and the height of all.
fn legend_places(models: &[Named<'_>], width: f64) -> (Vec<(f64, f64)>, f64) {
    let (mut x, mut y) = (LEFT, 12.0);
    let mut places = Vec::new();
    for (name, _) in models {
        let own = 26.0 + text_width(&shortened(name, 12.0, 130.0), 12.0);
        if x + own > width && x > LEFT {
            x = LEFT;
            y += LEGEND;
        }
        places.push((x, y));
        x += own;
    }
    (places, y + 14.0)
}

fn draw_panel(
    canvas: &Canvas<'_>,
    (x, y): (f64, f64),
    panel: &Panel<'_>,
    models: &[Named<'_>],
    (first_column, last_row): (bool, bool),
) -> Drawn {
    let (left, right) = (x + 6.0, x + WIDTH - 12.0);
    let (top, bottom) = (y + 22.0, y + HEIGHT - 12.0);
    canvas.text(
        panel.title,
        (left, y + 12.0),
        Face::new(12.0, theme::INK).bold(),
    )?;
    let steps = panel.models.iter().map(Vec::len).max().unwrap_or(1).max(2) - 1;
    let at = |severity: usize, accuracy: f64| {
        (
            left + (right - left) * severity as f64 / steps as f64,
            bottom - (bottom - top) * accuracy.clamp(0.0, 1.0),
        )
    };
    for (share, name) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
        let (from, to) = (at(0, share), at(steps, share));
        canvas.line(&[from, to], theme::GRID, 0.8)?;
        if first_column {
            let face = Face::new(10.5, theme::MUTED).anchored(Anchor::End);
            canvas.text(name, (left - 4.0, from.1), face)?;
        }
    }
    if last_row {
        for severity in 0..=steps {
            let face = Face::new(10.5, theme::MUTED).anchored(Anchor::Middle);
            let place = at(severity, 0.0);
            canvas.text(&severity.to_string(), (place.0, place.1 + 9.0), face)?;
        }
    }
    for ((_, series), accuracies) in models.iter().zip(&panel.models).rev() {
        let points: Vec<(f64, f64)> = accuracies
            .iter()
            .enumerate()
            .map(|(severity, accuracy)| at(severity, *accuracy))
            .collect();
        canvas.line(&points, theme::series(*series), 1.6)?;
        for &point in &points[1.min(points.len())..] {
            canvas.marker(point, 2.6, *series)?;
        }
    }
    Ok(())
}
