//! ROC curves: the whole square, and its upper left corner.
//!
//! The curves of good classifiers lie in the upper left corner, where the whole square
//! shows no differences. So every ROC is drawn twice: once whole, once with the
//! false-positive rate on a log axis and the true-positive rate from where the lowest
//! curve is. An inset was rejected: it is too small on a phone.

use bakeoff_measures::{Unit, format::short_number};
use bakeoff_metrics::RocCurve;

use super::{
    axis::Axis,
    chart::Chart,
    curves::{Curve, Drawn, Frame, round_floor},
    legend::Corner,
    panels::{Panel, Panels},
    shape::Point,
};

const RATES: [&str; 2] = ["false-positive rate", "true-positive rate"];

/// Which part to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RocView {
    /// Both rates from 0 to 1.
    Whole,
    /// The false-positive rate on a log axis.
    Corner {
        /// The smallest rate above 0: one negative among all.
        resolution: f64,
    },
}

/// Draws the curves, the first ones on top.
pub(crate) fn roc(curves: &[Curve<'_, RocCurve>], view: RocView) -> Chart {
    let axes = match view {
        RocView::Whole => {
            let axis = |title| Axis::linear((0.0, 1.0), 5, title, Unit::Score);
            (axis(RATES[0]), axis(RATES[1]))
        }
        RocView::Corner { resolution } => {
            let named = curves.iter().filter(|curve| curve.series.is_some());
            corner_axes(named.map(|curve| &curve.curve), resolution)
        }
    };
    Frame {
        axes,
        space: (46.0, 14.0),
        width: 2.0,
        diagonal: view == RocView::Whole,
        legend: (Corner::LowerRight, "AUC", Unit::Area),
    }
    .draw(curves, |curve| Drawn {
        points: match view {
            // A quarter of a pixel.
            RocView::Whole => points(&curve.simplified(0.0006)),
            RocView::Corner { resolution } => corner_points(curve, left_edge(resolution)),
        },
        markers: Vec::new(),
    })
}

/// A class with the curves of all models: series and curve.
pub(crate) struct ClassRocs<'a> {
    pub(crate) class: &'a str,
    pub(crate) curves: Vec<(usize, RocCurve)>,
}

/// With more classes there would be too many panels to look at.
pub(crate) const MOST_PANELS: usize = 50;

/// Draws a panel for each class with the upper left corner of its ROC.
///
/// All panels have the same axes, so that classes and models can be compared; curves of
/// all classes in one plot would hide each other.
pub(crate) fn class_rocs(
    models: &[(&str, usize)],
    classes: &[ClassRocs<'_>],
    resolution: f64,
) -> Chart {
    // Enough for a panel this small.
    const POINTS: usize = 48;
    let from = left_edge(resolution);
    let sampled = |curve: &RocCurve| {
        (0..=POINTS)
            .map(|step| from.powf(1.0 - step as f64 / POINTS as f64))
            .map(|rate| (rate, height_at(curve, rate)))
            .collect()
    };
    let all = classes.iter().flat_map(|panel| &panel.curves);
    let (x, y) = corner_axes(all.map(|(_, curve)| curve), resolution);
    Panels {
        models,
        x: x.with_ticks(
            (1..7)
                .map(|power| 0.1_f64.powi(power))
                .filter(|rate| *rate > from * 1.001)
                .map(|rate| (rate, short_number(rate)))
                .collect(),
        ),
        y: y.with_ends_only(),
        size: (148.0, 112.0),
        columns: 5,
        markers: false,
    }
    .draw(
        classes
            .iter()
            .map(|class| Panel {
                title: class.class,
                lines: class
                    .curves
                    .iter()
                    .map(|(series, curve)| (*series, sampled(curve)))
                    .collect(),
            })
            .collect(),
    )
}

/// Where a log axis of false-positive rates starts.
fn left_edge(resolution: f64) -> f64 {
    resolution.clamp(1e-6, 0.05)
}

/// Axes that show the corner: the true-positive rate starts a little below the lowest curve.
fn corner_axes<'a>(curves: impl Iterator<Item = &'a RocCurve>, resolution: f64) -> (Axis, Axis) {
    let from = left_edge(resolution);
    let lowest = curves
        .map(|curve| height_at(curve, from))
        .fold(1.0, f64::min);
    let title = format!("{} (log scale)", RATES[0]);
    (
        Axis::log((from, 1.0), &title, Unit::Score),
        Axis::linear((round_floor(lowest), 1.0), 5, RATES[1], Unit::Score),
    )
}

fn points(curve: &RocCurve) -> Vec<Point> {
    curve
        .points()
        .iter()
        .map(|point| (point.false_positive_rate, point.true_positive_rate))
        .collect()
}

/// The curve from a false-positive rate on. Straight lines are not straight on a log axis, so
/// a line between distant points gets points in between.
fn corner_points(curve: &RocCurve, from: f64) -> Vec<Point> {
    let mut out = vec![(from, height_at(curve, from))];
    for pair in points(curve).windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        if x1 <= from {
            continue;
        }
        let start = x0.max(from);
        let steps = ((x1 / start).ln() / 0.05).ceil().clamp(1.0, 400.0) as usize;
        for step in 1..steps {
            let x = start * (x1 / start).powf(step as f64 / steps as f64);
            out.push((x, y0 + (y1 - y0) * (x - x0) / (x1 - x0)));
        }
        out.push((x1, y1));
    }
    out
}

/// The highest true-positive rate at no more than this false-positive rate.
pub(crate) fn height_at(curve: &RocCurve, rate: f64) -> f64 {
    let points = curve.points();
    let after = points.partition_point(|point| point.false_positive_rate <= rate);
    let Some(last) = after.checked_sub(1).and_then(|index| points.get(index)) else {
        return 0.0;
    };
    match points.get(after) {
        Some(next) => {
            let run = next.false_positive_rate - last.false_positive_rate;
            let share = (rate - last.false_positive_rate) / run;
            last.true_positive_rate + share * (next.true_positive_rate - last.true_positive_rate)
        }
        None => last.true_positive_rate,
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;
    use bakeoff_metrics::{OneVsRest, Predictions};

    use super::*;

    fn macro_curve() -> RocCurve {
        let positive = [0.9, 0.8, 0.3, 0.6, 0.2, 0.1];
        let values = positive.iter().flat_map(|p| [1.0 - p, *p]).collect();
        let p = Probabilities::new(2, values).unwrap();
        let labels = [1, 1, 1, 0, 0, 0];
        OneVsRest::new(&Predictions::new(&labels, &p).unwrap())
            .macro_curve()
            .unwrap()
    }

    #[test]
    fn the_corner_starts_at_the_height_of_the_curve_at_its_edge() {
        let curve = macro_curve();
        let points = corner_points(&curve, 0.01);
        assert_eq!(points[0], (0.01, height_at(&curve, 0.01)));
        assert_eq!(points.last(), Some(&(1.0, 1.0)));
        assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn heights_are_those_of_the_curve() {
        let curve = macro_curve();
        assert_eq!(height_at(&curve, 0.0), 2.0 / 3.0);
        assert_eq!(height_at(&curve, 1.0), 1.0);
    }
}
