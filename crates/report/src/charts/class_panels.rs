//! Small multiples: the upper left corner of every class's ROC, a panel each.
//!
//! All panels have the same axes, so that the eye can compare classes and models at once;
//! curves of all classes in one plot hide each other. Curves are sampled on the log axis:
//! in a panel this small no step of theirs could be seen.

use bakeoff_metrics::RocCurve;

use super::{
    Chart,
    canvas::{Anchor, Canvas, Drawn, Face, draw, shortened, text_width},
    roc::height_at,
    theme,
};
use crate::{ReportError, format};

/// A class with the curves of all models.
pub(crate) struct ClassPanel<'a> {
    pub(crate) class: &'a str,
    /// Series and curve; models without one are left out.
    pub(crate) curves: Vec<(usize, RocCurve)>,
}

/// With more classes, panels would be too many to be looked at.
pub(crate) const MOST_PANELS: usize = 50;

/// Points of a curve.
const POINTS: usize = 48;
const SIZE: (f64, f64) = (148.0, 112.0);
const GAP: (f64, f64) = (12.0, 26.0);
const LEFT: f64 = 44.0;
/// Room above the first panels: the names of the models, then that of the class.
const TOP: f64 = 46.0;
const BOTTOM: f64 = 40.0;

/// Draws a panel for each class; `models` are names and series for the line above them,
/// `resolution` the smallest false-positive rate that can be told from 0.
pub(crate) fn class_panels(
    stem: &str,
    panels: &[ClassPanel<'_>],
    models: &[(&str, usize)],
    resolution: f64,
) -> Result<Chart, ReportError> {
    let columns = panels.len().clamp(1, 5);
    let rows = panels.len().div_ceil(columns);
    let width = LEFT + columns as f64 * (SIZE.0 + GAP.0);
    let height = TOP + rows as f64 * (SIZE.1 + GAP.1) + BOTTOM - GAP.1;
    let from = resolution.clamp(1e-6, 0.05);
    let floor = floor(panels, from);
    draw(stem, (width.max(540.0), height), |canvas| {
        names(canvas, models)?;
        for (number, panel) in panels.iter().enumerate() {
            let (row, column) = (number / columns, number % columns);
            let place = (
                LEFT + column as f64 * (SIZE.0 + GAP.0),
                TOP + row as f64 * (SIZE.1 + GAP.1),
            );
            // Every panel at the foot of its column names the rates.
            let at_foot = number + columns >= panels.len();
            draw_panel(canvas, place, panel, (from, floor), [column == 0, at_foot])?;
        }
        let face = Face::new(11.5, theme::INK).anchored(Anchor::End);
        let words = "false-positive rate (log scale) against true-positive rate";
        canvas.text(words, (width - GAP.0, height - 10.0), face)
    })
}

/// A little below the lowest curve at the left edge, on a round value.
fn floor(panels: &[ClassPanel<'_>], from: f64) -> f64 {
    let lowest = panels
        .iter()
        .flat_map(|panel| &panel.curves)
        .map(|(_, curve)| height_at(curve, from))
        .fold(1.0, f64::min);
    [0.99, 0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2]
        .into_iter()
        .find(|floor| *floor < lowest)
        .unwrap_or(0.0)
}

fn names(canvas: &Canvas<'_>, models: &[(&str, usize)]) -> Drawn {
    let face = Face::new(12.0, theme::INK);
    let mut x = LEFT;
    for (name, series) in models {
        let name = shortened(name, 12.0, 110.0);
        let width = 30.0 + text_width(&name, 12.0);
        if x + width > canvas.width {
            // The page names them all; here there is no room for a second line.
            break;
        }
        canvas.line(&[(x, 11.0), (x + 14.0, 11.0)], theme::series(*series), 2.6)?;
        canvas.text(&name, (x + 19.0, 11.0), face)?;
        x += width;
    }
    Ok(())
}

fn draw_panel(
    canvas: &Canvas<'_>,
    (left, top): (f64, f64),
    panel: &ClassPanel<'_>,
    (from, floor): (f64, f64),
    [names_heights, names_rates]: [bool; 2],
) -> Drawn {
    let place = |rate: f64, height: f64| {
        let share = 1.0 - rate.max(from).ln() / from.ln();
        let up = ((height - floor) / (1.0 - floor)).clamp(0.0, 1.0);
        (left + share * SIZE.0, top + (1.0 - up) * SIZE.1)
    };
    let small = Face::new(10.0, theme::MUTED);
    for power in 1..7 {
        let rate = 0.1_f64.powi(power);
        if rate <= from * 1.001 {
            break;
        }
        let (x, _) = place(rate, 1.0);
        canvas.line(&[(x, top), (x, top + SIZE.1)], theme::GRID, 0.8)?;
        if names_rates {
            let text = format::short_number(rate);
            let at = (x, top + SIZE.1 + 9.0);
            canvas.text(&text, at, small.anchored(Anchor::Middle))?;
        }
    }
    for (height, at) in [(1.0, top), (floor, top + SIZE.1)] {
        canvas.line(&[(left, at), (left + SIZE.0, at)], theme::AXIS, 0.8)?;
        if names_heights {
            let text = format::short_number(height);
            canvas.text(&text, (left - 5.0, at), small.anchored(Anchor::End))?;
        }
    }
    let name = shortened(panel.class, 11.5, SIZE.0);
    canvas.text(&name, (left, top - 9.0), Face::new(11.5, theme::INK).bold())?;
    for (series, curve) in panel.curves.iter().rev() {
        let points: Vec<(f64, f64)> = (0..=POINTS)
            .map(|step| {
                let rate = from.powf(1.0 - step as f64 / POINTS as f64);
                place(rate, height_at(curve, rate))
            })
            .collect();
        canvas.line(&points, theme::series(*series), 1.6)?;
    }
    Ok(())
}
