//! Accuracy against what it costs, with the models that no other one beats in both.

use super::{
    Chart,
    axis::Axis,
    canvas::{Face, draw, shortened, text_width},
    labels::place,
    plot::{LABEL_SIZE, Margins, Plot},
    theme,
};
use crate::{ReportError, format};

/// What is on the horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Seconds.
    Time,
    /// Bytes.
    Size,
}

/// A trial on the chart.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    /// Its model's name.
    pub(crate) label: &'a str,
    /// Its model's colour and mark.
    pub(crate) series: usize,
    /// What it costs, in the unit of the axis.
    pub(crate) cost: f64,
    /// Share of wrong answers.
    pub(crate) error: f64,
}

/// Which candidates no other one beats: cheaper at no more errors, or fewer errors at
/// no more cost.
pub(crate) fn pareto_front(candidates: &[(f64, f64)]) -> Vec<bool> {
    candidates
        .iter()
        .map(|a| {
            !candidates
                .iter()
                .any(|b| (b.0 <= a.0 && b.1 < a.1) || (b.0 < a.0 && b.1 <= a.1))
        })
        .collect()
}

/// Draws error (on a log axis, named by accuracy, best on top) against cost.
///
/// `smallest_error` stands in for no error at all: half an error among the samples.
pub(crate) fn pareto(
    stem: &str,
    candidates: &[Candidate<'_>],
    cost: Cost,
    title: &str,
    smallest_error: f64,
) -> Result<Chart, ReportError> {
    let margins = Margins {
        top: 38.0,
        right: 20.0,
        bottom: 46.0,
        left: 62.0,
    };
    let error = |candidate: &Candidate<'_>| candidate.error.max(smallest_error);
    // Nothing takes no time; a clock that says so gets a nanosecond.
    let paid = |candidate: &Candidate<'_>| candidate.cost.max(1e-9);
    let cheap = candidates.iter().map(paid).fold(f64::INFINITY, f64::min);
    let dear = candidates.iter().map(paid).fold(0.0, f64::max);
    let best = candidates.iter().map(error).fold(1.0, f64::min);
    let worst = candidates.iter().map(error).fold(smallest_error, f64::max);
    draw(stem, (440.0, 380.0), |canvas| {
        let name = match cost {
            Cost::Time => format::axis_seconds,
            Cost::Size => format::axis_bytes,
        };
        // Room on both sides, at least a decade wide, so that labels fit.
        let widen = (10.0_f64 / (dear / cheap)).max(1.0).sqrt() * 1.8;
        let x = Axis::log((cheap / widen, dear * widen), title, name);
        let (low, high) = (best / 1.6, (worst * 1.6).min(1.0));
        let y = Axis::log((high, low), "accuracy (log scale of errors)", |_| {
            String::new()
        })
        .with_ticks(accuracy_ticks(low, high));
        let plot = Plot::new(canvas, margins, x, y)?;

        let costs: Vec<(f64, f64)> = candidates.iter().map(|c| (paid(c), error(c))).collect();
        let front = pareto_front(&costs);
        let mut corners: Vec<(f64, f64)> = costs
            .iter()
            .zip(&front)
            .filter_map(|(point, on)| on.then_some(*point))
            .collect();
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        for pair in corners.windows(2) {
            // At its cost, and until the next one is paid for, a model is the best.
            let turn = (pair[1].0, pair[0].1);
            canvas.dashed(plot.at(pair[0]), plot.at(turn), theme::AXIS)?;
            canvas.dashed(plot.at(turn), plot.at(pair[1]), theme::AXIS)?;
        }
        let places: Vec<(f64, f64)> = costs.iter().map(|point| plot.at(*point)).collect();
        for (candidate, place) in candidates.iter().zip(&places) {
            canvas.marker(*place, 5.5, candidate.series)?;
        }

        // One label for each model, at its first trial.
        let first: Vec<usize> = (0..candidates.len())
            .filter(|&i| {
                candidates[..i]
                    .iter()
                    .all(|c| c.series != candidates[i].series)
            })
            .collect();
        let names: Vec<String> = first
            .iter()
            .map(|&i| {
                // Any of its fits may be the one that is not beaten.
                let mut fits = candidates.iter().zip(&front);
                let unbeaten = fits.any(|(c, front)| *front && c.label == candidates[i].label);
                let star = if unbeaten { " ★" } else { "" };
                format!(
                    "{}{star}",
                    shortened(candidates[i].label, LABEL_SIZE, 120.0)
                )
            })
            .collect();
        let wished: Vec<((f64, f64), f64)> = first
            .iter()
            .zip(&names)
            .map(|(&i, name)| (places[i], text_width(name, LABEL_SIZE)))
            .collect();
        for (name, placed) in names.iter().zip(place(&wished, &places, plot.frame)) {
            let face = Face::new(LABEL_SIZE, theme::INK).anchored(placed.anchor);
            canvas.text(name, placed.at, face)?;
        }
        Ok(())
    })
}

/// Accuracies on an axis of errors: 90 %, 95 %, 99 %, 99.9 % and what lies between.
pub(super) fn accuracy_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let decades = (high / low).log10();
    let factors: &[f64] = if decades < 0.7 {
        &[1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    } else if decades < 1.5 {
        &[1.0, 2.0, 3.0, 5.0]
    } else {
        &[1.0, 3.0]
    };
    let first = low.log10().floor() as i32;
    (first..=0)
        .flat_map(|power| factors.iter().map(move |f| f * 10_f64.powi(power)))
        .filter(|error| (low..=high.min(1.0)).contains(error))
        .map(|error| {
            let text = format!("{:.4}", 100.0 * (1.0 - error));
            let text = text.trim_end_matches('0').trim_end_matches('.');
            (error, format!("{text} %"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let front = pareto_front(&[(1.0, 0.08), (2.0, 0.03), (3.0, 0.04), (9.0, 0.01)]);
        assert_eq!(front, [true, true, false, true]);
        // Equals do not beat each other.
        assert_eq!(pareto_front(&[(1.0, 0.1), (1.0, 0.1)]), [true, true]);
    }

    #[test]
    fn accuracies_are_named_without_trailing_zeros() {
        let names: Vec<String> = accuracy_ticks(0.005, 0.1)
            .into_iter()
            .map(|tick| tick.1)
            .collect();
        assert_eq!(names, ["99.5 %", "99 %", "98 %", "97 %", "95 %", "90 %"]);
    }
}
