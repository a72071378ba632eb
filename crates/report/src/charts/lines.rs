//! Lines over a quantity: how models change as something grows.

use super::{
    Chart,
    axis::Axis,
    canvas::{Face, draw, shortened, text_width},
    pareto::accuracy_ticks,
    plot::{LABEL_SIZE, Margins, Plot, spread},
    theme,
};
use crate::{ReportError, format};

/// One model.
pub(crate) struct Line<'a> {
    /// Its name.
    pub(crate) label: &'a str,
    /// Its colour and mark.
    pub(crate) series: usize,
    /// What grows, and what comes of it, ascending.
    pub(crate) points: Vec<(f64, f64)>,
}

/// What the vertical axis shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Height {
    /// Accuracies, on a log scale of errors.
    Accuracy,
    /// Durations in seconds, on a log scale.
    Seconds,
}

/// Draws a line for each model over samples on a log scale, each named at its end.
pub(crate) fn lines(
    stem: &str,
    (x_title, y_title): (&str, &str),
    height: Height,
    lines: &[Line<'_>],
) -> Result<Chart, ReportError> {
    let names: Vec<String> = lines
        .iter()
        .map(|line| shortened(line.label, LABEL_SIZE, 110.0))
        .collect();
    let room = names
        .iter()
        .map(|name| text_width(name, LABEL_SIZE))
        .fold(0.0, f64::max);
    let margins = Margins {
        top: 38.0,
        right: 20.0 + room,
        bottom: 46.0,
        left: 62.0,
    };
    // Nothing takes no time, and no finite test shows that there are no errors.
    let shown = |value: f64| match height {
        Height::Accuracy => (1.0 - value).max(1e-5),
        Height::Seconds => value.max(1e-9),
    };
    let all = || lines.iter().flat_map(|line| &line.points);
    let x_low = all().map(|p| p.0).fold(f64::INFINITY, f64::min).max(1.0);
    let x_high = all().map(|p| p.0).fold(1.0, f64::max);
    let low = all().map(|p| shown(p.1)).fold(f64::INFINITY, f64::min);
    let high = all().map(|p| shown(p.1)).fold(0.0, f64::max);
    draw(stem, (480.0, 340.0), |canvas| {
        // At least somewhat wide, so that a single point has an axis.
        let widen = (2.0 / (x_high / x_low)).max(1.0).sqrt() * 1.15;
        let mut samples: Vec<f64> = all().map(|point| point.0.round()).collect();
        samples.sort_by(f64::total_cmp);
        samples.dedup();
        let x = Axis::log((x_low / widen, x_high * widen), x_title, |value| {
            format::count(value as u64)
        });
        let x = if samples.len() <= 6 {
            let ticks = samples.iter().map(|&s| (s, format::count(s as u64)));
            x.with_ticks(ticks.collect())
        } else {
            x
        };
        let (low, high) = (low / 1.3, high * 1.3);
        let y = match height {
            Height::Accuracy => {
                let (low, high) = (low, high.min(1.0));
                let title = format!("{y_title} (log scale of errors)");
                Axis::log((high, low), &title, |_| String::new())
                    .with_ticks(accuracy_ticks(low, high))
            }
            Height::Seconds => {
                let title = format!("{y_title} (log scale)");
                Axis::log((low, high), &title, format::axis_seconds)
            }
        };
        let plot = Plot::new(canvas, margins, x, y)?;
        let (_, top, right, bottom) = plot.frame;
        let mut ends = Vec::new();
        for line in lines {
            let points: Vec<(f64, f64)> = line.points.iter().map(|p| (p.0, shown(p.1))).collect();
            plot.curve(&points, theme::series(line.series), 1.8)?;
            for &point in &points {
                canvas.marker(plot.inside(point), 4.0, line.series)?;
            }
            ends.push(points.last().map_or(bottom, |&point| plot.inside(point).1));
        }
        for ((line, name), y) in lines
            .iter()
            .zip(&names)
            .zip(spread(&ends, 14.0, (top, bottom)))
        {
            let colour = theme::series(line.series);
            canvas.rect((right + 5.0, y - 1.0), (5.0, 2.4), colour, 1.0)?;
            canvas.text(name, (right + 13.0, y), Face::new(LABEL_SIZE, theme::INK))?;
        }
        Ok(())
    })
}
