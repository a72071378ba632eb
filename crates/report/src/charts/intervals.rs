//! Scores with their intervals, one row for each model, on one axis.

use bakeoff_metrics::Interval;

use super::{
    axis::Axis,
    canvas::Canvas,
    chart::Chart,
    plot::row_axis,
    text::{Anchor, LABEL_SIZE, TICK_SIZE, TextStyle, shortened, widest},
    theme,
};

/// A model with a score.
pub(crate) struct ScoreRow<'a> {
    /// Its name.
    pub(crate) label: &'a str,
    /// Its colour and marker.
    pub(crate) series: usize,
    /// The score, from 0 to 1.
    pub(crate) value: f64,
    /// Its confidence interval.
    pub(crate) interval: Option<Interval>,
    /// The scores of single fits, where there are several.
    pub(crate) points: Vec<f64>,
    /// The score as text.
    pub(crate) text: String,
    /// Whether it gets a star.
    pub(crate) starred: bool,
}

/// Height of a row.
const ROW: f64 = 30.0;

/// Draws a row for each model: the interval as a bar, the score as a marker on it, single
/// fits as dots.
///
/// The axis shows the range where the models are. Where the worst has ten times the errors
/// of the best, it is an axis of errors on a log scale, so that the good ones can be
/// distinguished too.
pub(crate) fn intervals(title: &str, rows: &[ScoreRow<'_>]) -> Chart {
    let names: Vec<String> = rows
        .iter()
        .map(|row| {
            let star = if row.starred { " ★" } else { "" };
            format!("{}{star}", shortened(row.label, LABEL_SIZE, 130.0))
        })
        .collect();
    let left = 16.0 + widest(&names, LABEL_SIZE).max(30.0);
    let top = 26.0;
    let bottom = top + ROW * rows.len() as f64;
    let (axis, is_log) = axis(title, rows);
    let mut canvas = Canvas::new((440.0, bottom + 44.0));
    let right = canvas.width - 66.0;
    let at = |value: f64| {
        let place = axis.place(if is_log { 1.0 - value } else { value });
        // No errors at all are at the end of a log scale.
        let place = if place.is_nan() { 1.0 } else { place };
        left + place.clamp(0.0, 1.0) * (right - left)
    };
    row_axis(&mut canvas, &axis, (left, top, right, bottom));
    let end = TextStyle::label().anchored(Anchor::End);
    canvas.text(&axis.title, (right, bottom + 32.0), end);
    for (index, (row, name)) in rows.iter().zip(names).enumerate() {
        let y = top + ROW * (index as f64 + 0.5);
        let colour = theme::series(row.series);
        canvas.text(name, (left - 8.0, y), end);
        if let Some(interval) = row.interval {
            let (from, to) = (at(interval.low), at(interval.high));
            canvas.rect((from, y - 3.5), ((to - from).max(1.0), 7.0), colour, 0.35);
        }
        for &point in &row.points {
            canvas.dot((at(point), y), 2.2, colour);
        }
        canvas.marker((at(row.value), y), 5.0, row.series);
        let style = TextStyle::new(TICK_SIZE, theme::INK);
        canvas.text(&row.text, (right + 10.0, y), style);
    }
    canvas.finish()
}

/// The axis, and whether it is one of errors on a log scale.
fn axis(title: &str, rows: &[ScoreRow<'_>]) -> (Axis, bool) {
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
        (Axis::log_errors((least / 1.15, most * 1.15), title), true)
    } else {
        (Axis::shares((low, high), 0.06, 4, title), false)
    }
}
