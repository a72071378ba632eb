//! Precision-recall curves, the corner that matters.

use bakeoff_metrics::PrecisionRecallCurve;

use super::{
    Chart,
    axis::Axis,
    canvas::draw,
    legend::{Corner, legend},
    plot::{Margins, Plot},
    theme,
};
use crate::{ReportError, format};

/// A model's curve.
pub(crate) struct Precision<'a> {
    /// The model.
    pub(crate) label: &'a str,
    /// Its colour.
    pub(crate) series: usize,
    /// Average precision.
    pub(crate) average: Option<f64>,
    /// The curve, every point.
    pub(crate) curve: PrecisionRecallCurve,
}

/// Draws the curves from the round value below the worst model's break-even on.
pub(crate) fn precision_recall(stem: &str, curves: &[Precision<'_>]) -> Result<Chart, ReportError> {
    let margins = Margins {
        top: 38.0,
        right: 14.0,
        bottom: 46.0,
        left: 46.0,
    };
    let worst = curves
        .iter()
        .map(|curve| break_even(&curve.curve))
        .fold(1.0, f64::min);
    let floor = [0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2]
        .into_iter()
        // Twice as far from the corner as the worst curve comes.
        .find(|floor| 1.0 - floor >= 2.0 * (1.0 - worst))
        .unwrap_or(0.0);
    draw(stem, (440.0, 420.0), |canvas| {
        let axis = |title| Axis::linear((floor, 1.0), 5, title, format::short_number);
        let plot = Plot::new(canvas, margins, axis("recall"), axis("precision"))?;
        for curve in curves.iter().rev() {
            let points: Vec<(f64, f64)> = steps(&curve.curve);
            plot.curve(&points, theme::series(curve.series), 2.0)?;
        }
        let rows: Vec<_> = curves
            .iter()
            .map(|curve| {
                let average = format::or_nothing(curve.average, format::auc);
                (curve.label, average, theme::series(curve.series))
            })
            .collect();
        legend(
            canvas,
            plot.frame,
            Corner::LowerLeft,
            "avg. precision",
            &rows,
        )
    })
}

/// Where precision and recall are equal, or as nearly as the points allow.
fn break_even(curve: &PrecisionRecallCurve) -> f64 {
    curve
        .points()
        .iter()
        .map(|point| point.precision.min(point.recall))
        .fold(0.0, f64::max)
}

/// Between its points the curve is a step: precision falls, then recall rises.
fn steps(curve: &PrecisionRecallCurve) -> Vec<(f64, f64)> {
    let thin = curve.simplified(0.0002);
    let mut points = Vec::with_capacity(2 * thin.points().len());
    for pair in thin.points().windows(2) {
        points.push((pair[0].recall, pair[0].precision));
        points.push((pair[0].recall, pair[1].precision));
    }
    points.extend(
        thin.points()
            .last()
            .map(|last| (last.recall, last.precision)),
    );
    points
}
