//! One line for each model or part of the data: training curves by step, and learning curves
//! by number of training samples.

use bakeoff_measures::{Unit, format};

use super::{
    axis::{Axis, linear_ticks},
    canvas::Canvas,
    chart::Chart,
    plot::Plot,
    shape::Point,
    text::{Anchor, LABEL_SIZE, TextStyle, shortened, widest},
    theme,
};

/// A line to draw.
pub(crate) struct Line<'a> {
    /// Its name.
    pub(crate) label: &'a str,
    /// Its colour and marker; `None` for the colour of text.
    pub(crate) series: Option<usize>,
    /// In ascending order.
    pub(crate) points: Vec<Point>,
}

/// What the vertical axis shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Accuracy,
    Loss,
    /// In seconds.
    Duration,
}

/// How points are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marked {
    /// By dots, where they are few.
    Dots,
    /// By the marker of the series.
    Markers,
}

/// Draws lines over the steps of training. `kept` is the step whose weights were kept.
pub(crate) fn training_curves(
    lines: &[Line<'_>],
    (step, title): (&str, &str),
    quantity: Quantity,
    kept: Option<f64>,
) -> Chart {
    let names = names(lines);
    let mut canvas = Canvas::new((440.0, 300.0));
    let space = (58.0, 16.0 + widest(&names, LABEL_SIZE));
    let y = value_axis(lines, quantity, title);
    let plot = Plot::new(&mut canvas, space, step_axis(lines, step), y);
    let (_, top, right, bottom) = plot.frame;
    if let Some(kept) = kept {
        let x = plot.inside((kept, 1.0)).0;
        canvas.dashed((x, top), (x, bottom), theme::AXIS);
        let style = TextStyle::new(11.0, theme::MUTED);
        // Where the curves are not: losses fall, accuracies rise.
        let y = match quantity {
            Quantity::Accuracy => bottom - 8.0,
            Quantity::Loss | Quantity::Duration => top + 8.0,
        };
        let text = format!("kept: {}", format::short_number(kept));
        if x + 60.0 > right {
            canvas.text(text, (x - 4.0, y), style.anchored(Anchor::End));
        } else {
            canvas.text(text, (x + 4.0, y), style);
        }
    }
    draw_lines(&mut canvas, &plot, lines, &names, Marked::Dots);
    canvas.finish()
}

/// Draws lines over the number of training samples, on log scales.
pub(crate) fn learning_curves(
    lines: &[Line<'_>],
    (samples, title): (&str, &str),
    quantity: Quantity,
) -> Chart {
    let errors = quantity == Quantity::Accuracy;
    // A duration of 0 and an error of 0 have no place on a log scale.
    let shown = |value: f64| {
        if errors {
            (1.0 - value).max(1e-5)
        } else {
            value.max(1e-9)
        }
    };
    let lines: Vec<Line<'_>> = lines
        .iter()
        .map(|line| Line {
            points: line.points.iter().map(|p| (p.0, shown(p.1))).collect(),
            ..*line
        })
        .collect();
    let (low, high) = range(&lines);
    let ends = (low / 1.3, high * 1.3);
    let y = if errors {
        Axis::log_errors(ends, title)
    } else {
        Axis::log(ends, &format!("{title} (log scale)"), Unit::Seconds)
    };
    let names = names(&lines);
    let mut canvas = Canvas::new((480.0, 340.0));
    let space = (62.0, 20.0 + widest(&names, LABEL_SIZE));
    let plot = Plot::new(&mut canvas, space, samples_axis(&lines, samples), y);
    draw_lines(&mut canvas, &plot, &lines, &names, Marked::Markers);
    canvas.finish()
}

fn names(lines: &[Line<'_>]) -> Vec<String> {
    lines
        .iter()
        .map(|line| shortened(line.label, LABEL_SIZE, 110.0))
        .collect()
}

/// The lines with their names at their ends.
fn draw_lines(
    canvas: &mut Canvas,
    plot: &Plot,
    lines: &[Line<'_>],
    names: &[String],
    marked: Marked,
) {
    let mut labels = Vec::new();
    for (line, name) in lines.iter().zip(names) {
        let colour = line.series.map_or(theme::MUTED, theme::series);
        let width = if marked == Marked::Dots { 2.0 } else { 1.8 };
        plot.curve(canvas, &line.points, colour, width);
        let finite = || line.points.iter().filter(|point| point.1.is_finite());
        for &point in finite() {
            let at = plot.inside(point);
            match (marked, line.series) {
                (Marked::Markers, Some(series)) => canvas.marker(at, 4.0, series),
                _ if line.points.len() <= 30 => canvas.dot(at, 2.6, colour),
                _ => {}
            }
        }
        let end = finite().next_back();
        let end = end.map_or(plot.frame.3, |&point| plot.inside(point).1);
        labels.push((name.as_str(), colour, end));
    }
    plot.end_labels(canvas, &labels);
}

fn all<'l>(lines: &'l [Line<'_>]) -> impl Iterator<Item = Point> + 'l {
    lines.iter().flat_map(|line| line.points.iter().copied())
}

/// The lowest and the highest finite value.
fn range(lines: &[Line<'_>]) -> (f64, f64) {
    let finite = || all(lines).map(|point| point.1).filter(|v| v.is_finite());
    (
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    )
}

/// Steps are whole numbers from 1.
fn step_axis(lines: &[Line<'_>], title: &str) -> Axis {
    let to = all(lines).map(|point| point.0).fold(2.0, f64::max);
    let mut ticks: Vec<(f64, String)> = linear_ticks(1.0, to, 6)
        .into_iter()
        .filter(|value| value.fract() == 0.0 && *value > 1.0)
        .map(|value| (value, format::count(value as u64)))
        .collect();
    let first = ticks.first();
    if first.is_none_or(|tick| (tick.0 - 1.0) / (to - 1.0) > 0.06) {
        ticks.insert(0, (1.0, "1".to_owned()));
    }
    Axis::linear((1.0, to), 6, title, Unit::Count).with_ticks(ticks)
}

/// Numbers of samples on a log scale; few of them are all named.
fn samples_axis(lines: &[Line<'_>], title: &str) -> Axis {
    let low = all(lines).map(|p| p.0).fold(f64::INFINITY, f64::min);
    let high = all(lines).map(|p| p.0).fold(1.0, f64::max);
    let low = low.max(1.0);
    // At least somewhat wide, so that a single point has an axis.
    let widen = (2.0 / (high / low)).max(1.0).sqrt() * 1.15;
    let axis = Axis::log((low / widen, high * widen), title, Unit::Count);
    let mut samples: Vec<f64> = all(lines).map(|point| point.0.round()).collect();
    samples.sort_by(f64::total_cmp);
    samples.dedup();
    if samples.len() > 6 {
        return axis;
    }
    axis.with_ticks(
        samples
            .into_iter()
            .map(|s| (s, Unit::Count.write_tick(s)))
            .collect(),
    )
}

fn value_axis(lines: &[Line<'_>], quantity: Quantity, title: &str) -> Axis {
    let (low, high) = range(lines);
    if !(low.is_finite() && high.is_finite()) {
        return Axis::linear((0.0, 1.0), 5, title, Unit::Score);
    }
    if quantity == Quantity::Accuracy {
        return Axis::shares((low, high), 0.08, 5, title);
    }
    // Losses that fall by half an order of magnitude or more are compared by their ratio.
    if low > 0.0 && high / low > 3.0 {
        return Axis::log(
            (low / 1.15, high * 1.15),
            &format!("{title}, log scale"),
            Unit::Score,
        );
    }
    let margin = ((high - low) * 0.08).max(high.abs() * 0.02 + 1e-9);
    Axis::linear((low - margin, high + margin), 5, title, Unit::Score)
}
