//! Scores with their intervals, one row for each model, on one axis.

use bakeoff_metrics::Interval;

use super::{
    Chart,
    axis::Axis,
    canvas::{Anchor, Face, draw, shortened, text_width},
    plot::{LABEL_SIZE, TICK_SIZE},
    theme,
};
use crate::{ReportError, format};

/// A model with a score.
pub(crate) struct Rated<'a> {
    /// Its name.
    pub(crate) label: &'a str,
    /// Its colour and mark.
    pub(crate) series: usize,
    /// The score, a share.
    pub(crate) value: f64,
    /// Where it may lie.
    pub(crate) interval: Option<Interval>,
    /// Single fits, where there are several.
    pub(crate) points: Vec<f64>,
    /// The score as text.
    pub(crate) text: String,
    /// Whether it gets a star.
    pub(crate) marked: bool,
}

/// Height of a row.
const ROW: f64 = 30.0;

/// Draws a row for each model: the interval as a bar, the score as a mark on it, single
/// fits as dots.
///
/// The axis is of shares from 0 to 1 and shows where the models are. Where the worst has
/// ten times the errors of the best, it is an axis of errors on a log scale, so that the
/// good ones are told apart too.
pub(crate) fn intervals(stem: &str, title: &str, rows: &[Rated<'_>]) -> Result<Chart, ReportError> {
    let names: Vec<String> = rows
        .iter()
        .map(|row| {
            let name = shortened(row.label, LABEL_SIZE, 130.0);
            if row.marked {
                format!("{name} ★")
            } else {
                name
            }
        })
        .collect();
    let widest = names
        .iter()
        .map(|name| text_width(name, LABEL_SIZE))
        .fold(30.0, f64::max);
    let (left, right, top) = (16.0 + widest, 66.0, 26.0);
    let bottom = top + ROW * rows.len() as f64;
    let (axis, of_errors) = axis(title, rows);
    draw(stem, (440.0, bottom + 44.0), |canvas| {
        let room = canvas.width - left - right;
        let at = |value: f64| {
            let value = if of_errors { 1.0 - value } else { value };
            // No errors at all lie at the end of a log scale.
            let place = axis.place(value);
            left + if place.is_nan() {
                1.0
            } else {
                place.clamp(0.0, 1.0)
            } * room
        };
        for (place, name) in axis.ticks() {
            let x = left + place * room;
            canvas.line(&[(x, top), (x, bottom)], theme::GRID, 0.8)?;
            let face = Face::new(TICK_SIZE, theme::MUTED).anchored(Anchor::Middle);
            canvas.text(name, (x, bottom + 12.0), face)?;
        }
        canvas.text(
            &axis.title,
            (left + room, bottom + 32.0),
            Face::new(LABEL_SIZE, theme::INK).anchored(Anchor::End),
        )?;
        for (index, (row, name)) in rows.iter().zip(&names).enumerate() {
            let y = top + ROW * (index as f64 + 0.5);
            let colour = theme::series(row.series);
            let face = Face::new(LABEL_SIZE, theme::INK).anchored(Anchor::End);
            canvas.text(name, (left - 8.0, y), face)?;
            if let Some(interval) = row.interval {
                let (from, to) = (at(interval.low), at(interval.high));
                let (from, to) = (from.min(to), from.max(to));
                canvas.rect((from, y - 3.5), ((to - from).max(1.0), 7.0), colour, 0.35)?;
            }
            for &point in &row.points {
                canvas.dot((at(point), y), 2.2, colour)?;
            }
            canvas.marker((at(row.value), y), 5.0, row.series)?;
            let face = Face::new(TICK_SIZE, theme::INK);
            canvas.text(&row.text, (left + room + 10.0, y), face)?;
        }
        Ok(())
    })
}

/// The axis, and whether it is one of errors.
fn axis(title: &str, rows: &[Rated<'_>]) -> (Axis, bool) {
    let all = || {
        rows.iter().flat_map(|row| {
            let ends = row.interval.map(|interval| [interval.low, interval.high]);
            let ends = ends.into_iter().flatten();
            ends.chain(row.points.iter().copied()).chain([row.value])
        })
    };
    let low = all().fold(1.0, f64::min);
    let high = all().fold(0.0, f64::max);
    let (most, least) = (1.0 - low, 1.0 - high);
    if least > 0.0 && most / least > 10.0 {
        let (from, to) = ((most * 1.15).min(1.0), least / 1.15);
        let ticks = super::pareto::accuracy_ticks(to, from);
        let title = format!("{title} (log scale of errors)");
        let axis = Axis::log((from, to), &title, |_| String::new()).with_ticks(ticks);
        return (axis, true);
    }
    let room = ((high - low) * 0.06).max(0.002);
    let range = ((low - room).max(0.0), (high + room).min(1.0));
    let name = |share: f64| format!("{} %", format::short_number(100.0 * share));
    (Axis::linear(range, 4, title, name), false)
}
