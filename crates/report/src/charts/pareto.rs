//! Accuracy against a cost, with the models that no other one beats in both.

use bakeoff_measures::Unit;

use super::{
    axis::Axis,
    canvas::Canvas,
    chart::Chart,
    labels::place,
    plot::Plot,
    shape::Point,
    text::{LABEL_SIZE, TextStyle, shortened, text_width},
    theme,
};

/// A trial on the chart.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    /// The name of its model.
    pub(crate) label: &'a str,
    /// Colour and marker of its model.
    pub(crate) series: usize,
    /// In the unit of the axis.
    pub(crate) cost: f64,
    /// The least and the most that the cost can be: twice the same where it is exact.
    pub(crate) cost_range: (f64, f64),
    /// Share of wrong predictions.
    pub(crate) error: f64,
}

/// Which candidates no other one beats for certain: cheaper at no more errors, or fewer errors
/// at no more cost, wherever both costs lie in their ranges.
pub(crate) fn unbeaten(candidates: &[Candidate<'_>]) -> Vec<bool> {
    let beats = |b: &Candidate<'_>, a: &Candidate<'_>| {
        let (most, least) = (b.cost_range.1, a.cost_range.0);
        (most <= least && b.error < a.error) || (most < least && b.error <= a.error)
    };
    let is_unbeaten = |a| !candidates.iter().any(|b| beats(b, a));
    candidates.iter().map(is_unbeaten).collect()
}

/// Which points no other one beats.
fn pareto_front(points: &[Point]) -> Vec<bool> {
    let beats = |b: &Point, a: &Point| (b.0 <= a.0 && b.1 < a.1) || (b.0 < a.0 && b.1 <= a.1);
    let is_unbeaten = |a| !points.iter().any(|b| beats(b, a));
    points.iter().map(is_unbeaten).collect()
}

/// Draws error (on a log axis, named by accuracy, best on top) against cost, whose values
/// have this unit.
///
/// `smallest_error` stands in for no error at all: half an error among the samples.
pub(crate) fn pareto(
    candidates: &[Candidate<'_>],
    title: &str,
    unit: Unit,
    smallest_error: f64,
) -> Chart {
    // A cost and an error of 0 have no place on a log scale: such a cost is drawn at the
    // smallest one above 0.
    let positive = candidates.iter().map(|c| c.cost).filter(|cost| *cost > 0.0);
    let smallest_cost = positive.reduce(f64::min).unwrap_or(1.0);
    let points: Vec<Point> = candidates
        .iter()
        .map(|c| (c.cost.max(smallest_cost), c.error.max(smallest_error)))
        .collect();
    let (front, starred) = (pareto_front(&points), unbeaten(candidates));
    let costs = || points.iter().map(|point| point.0);
    let errors = || points.iter().map(|point| point.1);
    let (cheap, dear) = (
        costs().fold(f64::INFINITY, f64::min),
        costs().fold(0.0, f64::max),
    );
    let best = errors().fold(1.0, f64::min);
    let worst = errors().fold(smallest_error, f64::max);
    // Space on both sides, at least a decade wide, so that labels fit.
    let widen = (10.0_f64 / (dear / cheap)).max(1.0).sqrt() * 1.8;
    let x = Axis::log((cheap / widen, dear * widen), title, unit);
    let y = Axis::log_errors((best / 1.6, worst * 1.6), "accuracy");
    let mut canvas = Canvas::new((440.0, 380.0));
    let plot = Plot::new(&mut canvas, (62.0, 20.0), x, y);

    let mut corners: Vec<Point> = points
        .iter()
        .zip(&front)
        .filter_map(|(point, on_front)| on_front.then_some(*point))
        .collect();
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    for pair in corners.windows(2) {
        // From its cost up to the cost of the next one, a model is the best.
        let turn = (pair[1].0, pair[0].1);
        canvas.dashed(plot.at(pair[0]), plot.at(turn), theme::AXIS);
        canvas.dashed(plot.at(turn), plot.at(pair[1]), theme::AXIS);
    }
    let markers: Vec<Point> = points.iter().map(|point| plot.at(*point)).collect();
    for (candidate, at) in candidates.iter().zip(&markers) {
        canvas.marker(*at, 5.5, candidate.series);
    }

    // One label for each model, at its first trial.
    let mut labels: Vec<(usize, String)> = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        if candidates[..index]
            .iter()
            .any(|c| c.series == candidate.series)
        {
            continue;
        }
        // Any of its fits may be the one on the front.
        let mut fits = candidates.iter().zip(&starred);
        let is_starred = fits.any(|(c, starred)| *starred && c.label == candidate.label);
        let star = if is_starred { " ★" } else { "" };
        let name = shortened(candidate.label, LABEL_SIZE, 120.0);
        labels.push((index, format!("{name}{star}")));
    }
    let wanted: Vec<(Point, f64)> = labels
        .iter()
        .map(|(index, name)| (markers[*index], text_width(name, LABEL_SIZE)))
        .collect();
    let placed = place(&wanted, &markers, plot.frame);
    for ((_, name), placed) in labels.into_iter().zip(placed) {
        let style = TextStyle::label().anchored(placed.anchor);
        canvas.text(name, placed.at, style);
    }
    canvas.finish()
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
    fn what_costs_more_within_the_noise_is_unbeaten() {
        let candidate = |cost: f64, spread: f64, error| Candidate {
            label: "",
            series: 0,
            cost,
            cost_range: (cost / spread, cost * spread),
            error,
        };
        let exact = [(1.0, 0.02), (1.4, 0.03), (9.0, 0.03)];
        let with = |spread| unbeaten(&exact.map(|(cost, error)| candidate(cost, spread, error)));
        assert_eq!(with(1.0), [true, false, false]);
        assert_eq!(with(1.3), [true, true, false]);
    }
}
