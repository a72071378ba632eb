//! ROC curves: the whole square, and the corner that matters.
//!
//! Good classifiers lie in the upper left corner, where the whole square shows
//! nothing. So every ROC is drawn twice: once whole, once with the false-positive
//! rate on a log axis and the true-positive rate from where the lowest curve is.
//! An inset was rejected: it is too small on a phone.

use bakeoff_metrics::RocCurve;

use super::{
    Chart,
    axis::Axis,
    canvas::draw,
    legend::{Corner, legend},
    plot::{Margins, Plot},
    theme::{self, Colour},
};
use crate::{ReportError, format};

/// A curve to draw.
pub(crate) struct Curve<'a> {
    /// What it is called; curves in the background are not named.
    pub(crate) label: Option<&'a str>,
    /// Index of its colour; `None` for the background.
    pub(crate) series: Option<usize>,
    /// The area under it.
    pub(crate) auc: Option<f64>,
    /// The curve, every corner.
    pub(crate) curve: RocCurve,
}

/// Which part to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RocView {
    /// Both rates from 0 to 1.
    Whole,
    /// The false-positive rate from this on a log axis.
    Corner {
        /// The smallest rate that can be told from 0, for one negative among all.
        resolution: f64,
    },
}

/// Draws the curves, the first ones on top.
pub(crate) fn roc(stem: &str, curves: &[Curve<'_>], view: RocView) -> Result<Chart, ReportError> {
    let margins = Margins {
        top: 38.0,
        right: 14.0,
        bottom: 46.0,
        left: 46.0,
    };
    draw(stem, (440.0, 420.0), |canvas| {
        let (x, y) = axes(curves, view);
        let plot = Plot::new(canvas, margins, x, y)?;
        if view == RocView::Whole {
            canvas.dashed(plot.at((0.0, 0.0)), plot.at((1.0, 1.0)), theme::AXIS)?;
        }
        for curve in curves.iter().rev() {
            let (colour, width) = look(curve);
            plot.curve(&drawable(&curve.curve, view), colour, width)?;
        }

        let rows: Vec<_> = curves
            .iter()
            .filter_map(|curve| {
                let area = format::or_nothing(curve.auc, format::auc);
                Some((curve.label?, area, look(curve).0))
            })
            .collect();
        legend(canvas, plot.frame, Corner::LowerRight, "AUC", &rows)
    })
}

fn look(curve: &Curve<'_>) -> (Colour, f64) {
    match curve.series {
        Some(series) => (theme::series(series), 2.0),
        None => (theme::FADED, 1.0),
    }
}

fn axes(curves: &[Curve<'_>], view: RocView) -> (Axis, Axis) {
    let rate = |value: f64| format::short_number(value);
    let (x_title, y_title) = ("false-positive rate", "true-positive rate");
    match view {
        RocView::Whole => (
            Axis::linear((0.0, 1.0), 5, x_title, rate),
            Axis::linear((0.0, 1.0), 5, y_title, rate),
        ),
        RocView::Corner { resolution } => {
            let from = resolution.clamp(1e-6, 0.05);
            let lowest = curves
                .iter()
                .filter(|curve| curve.series.is_some())
                .map(|curve| height_at(&curve.curve, from))
                .fold(1.0, f64::min);
            // A little below the lowest curve, on a round value.
            let floor = [0.99, 0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2]
                .into_iter()
                .find(|floor| *floor < lowest)
                .unwrap_or(0.0);
            (
                Axis::log((from, 1.0), &format!("{x_title} (log scale)"), rate),
                Axis::linear((floor, 1.0), 5, y_title, rate),
            )
        }
    }
}

/// The highest true-positive rate without more than this false-positive rate.
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

/// The points to draw: as few as look the same.
fn drawable(curve: &RocCurve, view: RocView) -> Vec<(f64, f64)> {
    let pairs = |curve: &RocCurve| -> Vec<(f64, f64)> {
        curve
            .points()
            .iter()
            .map(|point| (point.false_positive_rate, point.true_positive_rate))
            .collect()
    };
    match view {
        // A quarter of a pixel.
        RocView::Whole => pairs(&curve.simplified(0.0006)),
        RocView::Corner { resolution } => {
            // Straight lines are not straight on a log axis: a line between far points
            // gets points in between. What lies at rate 0 enters at the left edge.
            let from = resolution.clamp(1e-6, 0.05);
            let mut points = vec![(from, height_at(curve, from))];
            for pair in pairs(curve).windows(2) {
                let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
                if x1 <= from {
                    continue;
                }
                let start = x0.max(from);
                let steps = ((x1 / start).ln() / 0.05).ceil().clamp(1.0, 400.0) as usize;
                for step in 1..steps {
                    let x = start * (x1 / start).powf(step as f64 / steps as f64);
                    points.push((x, y0 + (y1 - y0) * (x - x0) / (x1 - x0)));
                }
                points.push((x1, y1));
            }
            points
        }
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
    fn the_corner_starts_where_the_curve_stands_at_its_edge() {
        let curve = macro_curve();
        let points = drawable(&curve, RocView::Corner { resolution: 0.01 });
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
