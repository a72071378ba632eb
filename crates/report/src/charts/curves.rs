//! Curves with a legend in a corner: precision against recall, reliability diagrams, and what
//! ROC curves share with them.

use bakeoff_measures::{Unit, format};
use bakeoff_metrics::{PrecisionRecallCurve, Reliability};

use super::{
    axis::Axis,
    canvas::Canvas,
    chart::Chart,
    legend::{Corner, corner_legend},
    plot::Plot,
    shape::Point,
    theme::{self, Colour},
};

/// A curve to draw.
pub(crate) struct Curve<'a, T> {
    /// Its name in the legend; curves in the background have none.
    pub(crate) label: Option<&'a str>,
    /// Its colour and marker; `None` for the background.
    pub(crate) series: Option<usize>,
    /// Its number in the legend.
    pub(crate) score: Option<f64>,
    pub(crate) curve: T,
}

/// What is drawn of a curve.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) points: Vec<Point>,
    /// Radius of the marker of each point; none without.
    pub(super) markers: Vec<f64>,
}

/// The chart around the curves.
pub(super) struct Frame<'a> {
    pub(super) axes: (Axis, Axis),
    /// Space on the left and on the right of the plot.
    pub(super) space: (f64, f64),
    /// Width of the lines.
    pub(super) width: f64,
    /// Whether the diagonal is drawn.
    pub(super) diagonal: bool,
    /// Where the legend is, what its numbers are, and how they are written.
    pub(super) legend: (Corner, &'a str, Unit),
}

impl Frame<'_> {
    /// Draws the curves, the first ones on top.
    pub(super) fn draw<T>(self, curves: &[Curve<'_, T>], drawn: impl Fn(&T) -> Drawn) -> Chart {
        let mut canvas = Canvas::new((440.0, 420.0));
        let plot = Plot::new(&mut canvas, self.space, self.axes.0, self.axes.1);
        if self.diagonal {
            plot.diagonal(&mut canvas);
        }
        for curve in curves.iter().rev() {
            let width = if curve.series.is_some() {
                self.width
            } else {
                1.0
            };
            let Drawn { points, markers } = drawn(&curve.curve);
            plot.curve(&mut canvas, &points, colour(curve), width);
            for (point, radius) in points.iter().zip(markers) {
                canvas.marker(
                    plot.inside(*point),
                    radius,
                    curve.series.unwrap_or_default(),
                );
            }
        }
        let (corner, head, unit) = self.legend;
        let rows: Vec<(&str, String, Colour)> = curves
            .iter()
            .filter_map(|curve| {
                let number = format::or_nothing(curve.score, |score| unit.write(score, 0));
                Some((curve.label?, number, colour(curve)))
            })
            .collect();
        corner_legend(&mut canvas, plot.frame, corner, head, &rows);
        canvas.finish()
    }
}

fn colour<T>(curve: &Curve<'_, T>) -> Colour {
    curve.series.map_or(theme::FADED, theme::series)
}

/// The highest of some round values below a value; 0 if it is lower than all.
pub(super) fn round_floor(value: f64) -> f64 {
    [0.99, 0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2]
        .into_iter()
        .find(|floor| *floor < value)
        .unwrap_or(0.0)
}

/// Draws the curves. Both axes start at a round value, twice as far from the corner as the
/// break-even point of the worst model.
pub(crate) fn precision_recall(curves: &[Curve<'_, PrecisionRecallCurve>]) -> Chart {
    let worst = curves
        .iter()
        .map(|curve| break_even(&curve.curve))
        .fold(1.0, f64::min);
    let floor = [0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2]
        .into_iter()
        .find(|floor| 1.0 - floor >= 2.0 * (1.0 - worst))
        .unwrap_or(0.0);
    let axis = |title| Axis::linear((floor, 1.0), 5, title, Unit::Score);
    Frame {
        axes: (axis("recall"), axis("precision")),
        space: (46.0, 14.0),
        width: 2.0,
        diagonal: false,
        legend: (Corner::LowerLeft, "avg. precision", Unit::Score),
    }
    .draw(curves, |curve| Drawn {
        points: steps(curve),
        markers: Vec::new(),
    })
}

/// The value at which precision and recall are equal, or as nearly as the points allow.
fn break_even(curve: &PrecisionRecallCurve) -> f64 {
    curve
        .points()
        .iter()
        .map(|point| point.precision.min(point.recall))
        .fold(0.0, f64::max)
}

/// Between its points the curve is a step: precision falls, then recall rises.
fn steps(curve: &PrecisionRecallCurve) -> Vec<Point> {
    let thin = curve.simplified(0.0002);
    let mut points = Vec::with_capacity(2 * thin.points().len());
    for pair in thin.points().windows(2) {
        points.push((pair[0].recall, pair[0].precision));
        points.push((pair[0].recall, pair[1].precision));
    }
    let last = thin.points().last();
    points.extend(last.map(|last| (last.recall, last.precision)));
    points
}

/// Draws the accuracy of predictions by their probability, and the diagonal of perfect
/// calibration.
pub(crate) fn reliability(models: &[Curve<'_, Reliability>]) -> Chart {
    let axis = |title| Axis::linear((0.0, 1.0), 5, title, Unit::Percent);
    Frame {
        axes: (
            axis("probability of the prediction"),
            axis("correct predictions"),
        ),
        space: (54.0, 24.0),
        width: 1.6,
        diagonal: true,
        legend: (Corner::LowerRight, "calibration error", Unit::Score),
    }
    .draw(models, |reliability| {
        let bins = reliability.bins();
        // The more predictions a bin has, the larger its marker.
        let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1) as f64;
        Drawn {
            points: bins
                .iter()
                .map(|bin| (bin.mean_probability, bin.frequency))
                .collect(),
            markers: bins
                .iter()
                .map(|bin| 1.8 + 3.6 * (bin.count as f64 / most).sqrt())
                .collect(),
        }
    })
}
