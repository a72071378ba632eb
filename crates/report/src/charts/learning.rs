//! Learning curves: how a fit went, step by step.

use super::{
    Chart,
    axis::Axis,
    canvas::{Face, draw, text_width},
    plot::{LABEL_SIZE, Margins, Plot, spread},
    theme,
};
use crate::{ReportError, format};

/// One line: how a quantity went.
pub(crate) struct Course<'a> {
    /// What it is (`train`, `validation`).
    pub(crate) label: &'a str,
    /// Index of its colour; `None` for the colour of text.
    pub(crate) series: Option<usize>,
    /// Step and value.
    pub(crate) points: Vec<(f64, f64)>,
}

/// How the values are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Shares,
    Losses,
}

/// Draws lines over steps, each named at its end. `kept` marks the step whose weights
/// were kept.
pub(crate) fn courses(
    stem: &str,
    (step_title, value_title): (&str, &str),
    lines: &[Course<'_>],
    kept: Option<f64>,
) -> Result<Chart, ReportError> {
    let values = if value_title.contains("accuracy") {
        Values::Shares
    } else {
        Values::Losses
    };
    let label_room = lines
        .iter()
        .map(|line| text_width(line.label, LABEL_SIZE))
        .fold(0.0, f64::max);
    let margins = Margins {
        top: 38.0,
        right: 16.0 + label_room,
        bottom: 46.0,
        left: 58.0,
    };
    let all = || lines.iter().flat_map(|line| &line.points);
    let finite = || all().map(|point| point.1).filter(|value| value.is_finite());
    let last = all().map(|point| point.0).fold(1.0, f64::max);
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    draw(stem, (440.0, 300.0), |canvas| {
        let x = step_axis(last, step_title);
        let y = value_axis(values, (low, high), value_title);
        let plot = Plot::new(canvas, margins, x, y)?;
        let (_, top, right, bottom) = plot.frame;
        if let Some(kept) = kept {
            let x = plot.inside((kept, high)).0;
            canvas.dashed((x, top), (x, bottom), theme::AXIS)?;
            let face = Face::new(11.0, theme::MUTED);
            let text = format!("kept: {}", format::short_number(kept));
            // Where the curves are not: losses fall, accuracies rise.
            let y = match values {
                Values::Losses => top + 8.0,
                Values::Shares => bottom - 8.0,
            };
            if x + 60.0 > right {
                let face = face.anchored(super::canvas::Anchor::End);
                canvas.text(&text, (x - 4.0, y), face)?;
            } else {
                canvas.text(&text, (x + 4.0, y), face)?;
            }
        }
        for line in lines {
            let colour = line.series.map_or(theme::MUTED, theme::series);
            plot.curve(&line.points, colour, 2.0)?;
            // Few steps are marked, so that a single one can be seen.
            if line.points.len() <= 30 {
                for point in line.points.iter().filter(|point| point.1.is_finite()) {
                    canvas.dot(plot.inside(*point), 2.6, colour)?;
                }
            }
        }
        let ends: Vec<f64> = lines
            .iter()
            .map(|line| {
                line.points
                    .iter()
                    .rev()
                    .find(|point| point.1.is_finite())
                    .map_or(bottom, |point| plot.inside(*point).1)
            })
            .collect();
        let placed = spread(&ends, 14.0, (top, bottom));
        for (line, y) in lines.iter().zip(placed) {
            let colour = line.series.map_or(theme::MUTED, theme::series);
            canvas.rect((right + 5.0, y - 1.0), (5.0, 2.4), colour, 1.0)?;
            let face = Face::new(LABEL_SIZE, theme::INK);
            canvas.text(line.label, (right + 13.0, y), face)?;
        }
        Ok(())
    })
}

/// Steps are whole numbers from 1.
fn step_axis(last: f64, title: &str) -> Axis {
    let to = last.max(2.0);
    let mut ticks: Vec<(f64, String)> = super::axis::linear_ticks(1.0, to, 6)
        .into_iter()
        .filter(|value| value.fract() == 0.0 && *value > 1.0)
        .map(|value| (value, format::count(value as u64)))
        .collect();
    if ticks
        .first()
        .is_none_or(|tick| (tick.0 - 1.0) / (to - 1.0) > 0.06)
    {
        ticks.insert(0, (1.0, "1".to_owned()));
    }
    Axis::linear((1.0, to), 6, title, format::short_number).with_ticks(ticks)
}

fn value_axis(values: Values, (low, high): (f64, f64), title: &str) -> Axis {
    if !(low.is_finite() && high.is_finite()) {
        return Axis::linear((0.0, 1.0), 5, title, format::short_number);
    }
    match values {
        Values::Shares => {
            let room = ((high - low) * 0.08).max(0.002);
            let range = ((low - room).max(0.0), (high + room).min(1.0));
            Axis::linear(range, 5, title, |share| {
                format!("{} %", format::short_number(100.0 * share))
            })
        }
        // Losses that fall by half an order of magnitude or more are told apart by ratio.
        Values::Losses if low > 0.0 && high / low > 3.0 => Axis::log(
            (low / 1.15, high * 1.15),
            &format!("{title}, log scale"),
            format::short_number,
        ),
        Values::Losses => {
            let room = ((high - low) * 0.08).max(high.abs() * 0.02 + 1e-9);
            Axis::linear((low - room, high + room), 5, title, format::short_number)
        }
    }
}
