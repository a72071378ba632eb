//! Reliability diagrams: whether a model is right as often as it is sure.

use bakeoff_metrics::Reliability;

use super::{
    Chart,
    axis::Axis,
    canvas::draw,
    legend::{Corner, legend},
    plot::{Margins, Plot},
    theme,
};
use crate::{ReportError, format};

/// A model's calibration.
pub(crate) struct Calibration<'a> {
    /// The model.
    pub(crate) label: &'a str,
    /// Its colour.
    pub(crate) series: usize,
    /// Expected calibration error.
    pub(crate) error: f64,
    /// Its bins.
    pub(crate) reliability: Reliability,
}

/// Draws how often answers are right by how sure the model is, and the line on which
/// both are equal.
pub(crate) fn reliability(stem: &str, models: &[Calibration<'_>]) -> Result<Chart, ReportError> {
    let margins = Margins {
        top: 38.0,
        right: 24.0,
        bottom: 46.0,
        left: 54.0,
    };
    draw(stem, (440.0, 420.0), |canvas| {
        let axis = |title| {
            Axis::linear((0.0, 1.0), 5, title, |share| {
                format!("{} %", format::short_number(100.0 * share))
            })
        };
        let plot = Plot::new(
            canvas,
            margins,
            axis("probability of the answer"),
            axis("answers that are right"),
        )?;
        canvas.dashed(plot.at((0.0, 0.0)), plot.at((1.0, 1.0)), theme::AXIS)?;
        for model in models.iter().rev() {
            let points: Vec<(f64, f64)> = model
                .reliability
                .bins()
                .iter()
                .map(|bin| (bin.mean_probability, bin.frequency))
                .collect();
            plot.curve(&points, theme::series(model.series), 1.6)?;
            // The more answers a bin has, the larger its mark.
            let most = model.reliability.bins().iter().map(|bin| bin.count).max();
            let most = most.unwrap_or(1) as f64;
            for (bin, point) in model.reliability.bins().iter().zip(&points) {
                let radius = 1.8 + 3.6 * (bin.count as f64 / most).sqrt();
                canvas.marker(plot.inside(*point), radius, model.series)?;
            }
        }
        let rows: Vec<_> = models
            .iter()
            .map(|model| {
                (
                    model.label,
                    format::score(model.error),
                    theme::series(model.series),
                )
            })
            .collect();
        legend(
            canvas,
            plot.frame,
            Corner::LowerRight,
            "calibration error",
            &rows,
        )
    })
}
