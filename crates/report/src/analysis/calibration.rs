//! What calibration changed, with its uncertainty.

use bakeoff_metrics::{
    Binning, Confidence, Interval, Predictions, RecipeScore, SquaredCalibration, sample_log_losses,
};

use super::trial::{Entry, Success};

/// Bins of the squared calibration error.
const BINS: Binning = Binning::EqualMass(15);

/// What calibration changed of a model: means over its calibrated fits.
#[derive(Debug)]
pub(crate) struct CalibrationChange {
    /// The log loss, in nats.
    pub(crate) log_loss: Change,
    /// The squared calibration error without its bias.
    pub(crate) squared_error: Change,
    /// Mean confidence less accuracy before calibration.
    pub(crate) mean_gap: f64,
    /// Its 95 % interval: above 0 the model is overconfident, below 0 underconfident.
    pub(crate) overconfidence: Option<Interval>,
}

/// A score before and after, and the interval of what changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// Without calibration.
    pub(crate) before: f64,
    /// With it.
    pub(crate) after: f64,
    /// After less before, 95 %: image by image, with the images random and, where there are several
    /// fits, their seeds too. `None` where nothing varies.
    pub(crate) interval: Option<Interval>,
}

/// What can be said of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The whole interval is below 0.
    Lower,
    /// The whole interval is above 0.
    Higher,
    /// It contains 0.
    NoClearChange,
}

impl Change {
    /// What can be said of it.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.interval {
            Some(interval) if interval.high < 0.0 => Verdict::Lower,
            Some(interval) if interval.low > 0.0 => Verdict::Higher,
            _ => Verdict::NoClearChange,
        }
    }
}

/// A number of each image for each fit: before and after calibration.
type Values = (Vec<f64>, Vec<f64>);

impl CalibrationChange {
    /// Of a model's fits that were calibrated; `None` where there is none.
    pub(crate) fn new(entry: &Entry<'_>) -> Option<Self> {
        let fits: Vec<_> = entry.successes().filter_map(|(_, fit)| pair(fit)).collect();
        if fits.is_empty() {
            return None;
        }
        let losses = fits.iter().map(|(before, after)| {
            let values = (sample_log_losses(before), sample_log_losses(after));
            (values, 0.0, 0.0)
        });
        let errors = fits.iter().map(|(before, after)| {
            let before = SquaredCalibration::of_confidence(before, BINS);
            let after = SquaredCalibration::of_confidence(after, BINS);
            let values = (before.values, after.values);
            (values, before.bias, after.bias)
        });
        let gaps: Vec<Vec<f64>> = fits.iter().map(|(before, _)| gaps(before)).collect();
        let gaps: Vec<&[f64]> = gaps.iter().map(Vec::as_slice).collect();
        let gap = RecipeScore::of_values(&gaps).ok()?;
        Some(Self {
            log_loss: change(losses)?,
            squared_error: change(errors)?,
            mean_gap: gap.estimate,
            overconfidence: interval(&gap),
        })
    }
}

/// A fit's predictions before and after calibration.
fn pair<'a>(fit: &Success<'a>) -> Option<(Predictions<'a>, Predictions<'a>)> {
    let before = Predictions::new(fit.test.labels(), fit.uncalibrated?).ok()?;
    Some((before, fit.predictions()?))
}

/// Confidence less 1 for a correct prediction, or less 0 for a wrong one.
fn gaps(predictions: &Predictions<'_>) -> Vec<f64> {
    let rows = predictions.probabilities().rows();
    let answers = rows.zip(predictions.predicted()).zip(predictions.labels());
    answers
        .map(|((row, predicted), label)| {
            f64::from(row[usize::from(*predicted)]) - f64::from(u8::from(predicted == label))
        })
        .collect()
}

/// The change of values of every fit, each with the bias of their means.
fn change(fits: impl Iterator<Item = (Values, f64, f64)>) -> Option<Change> {
    let (mut before, mut after, mut count) = (0.0, 0.0, 0.0);
    let mut differences: Vec<Vec<f64>> = Vec::new();
    for ((old, new), old_bias, new_bias) in fits {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        before += mean(&old) - old_bias;
        after += mean(&new) - new_bias;
        count += 1.0;
        let bias = new_bias - old_bias;
        let of_each = old.iter().zip(&new).map(|(old, new)| new - old - bias);
        differences.push(of_each.collect());
    }
    let differences: Vec<&[f64]> = differences.iter().map(Vec::as_slice).collect();
    let difference = RecipeScore::of_values(&differences).ok()?;
    Some(Change {
        before: before / count,
        after: after / count,
        interval: interval(&difference),
    })
}

fn interval(score: &RecipeScore) -> Option<Interval> {
    (score.standard_error > 0.0).then(|| score.interval(Confidence::P95))
}
