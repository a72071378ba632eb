//! The Brier score and what it is made of.
//!
//! G. Brier, "Verification of forecasts expressed in terms of probability", Monthly
//! Weather Review 78 (1950), summed over the classes, so that it lies in 0..=2 for any
//! number of them (scikit-learn halves it for two classes; with `scale_by_half=False` it
//! agrees).

use crate::{
    Binning, Predictions,
    calibration::{bin_of, edges},
    sum::sum,
};

/// Mean over the samples of the squared distance between the probabilities and the truth
/// (1 for the right class, 0 for the others); from 0 to 2.
pub fn brier_score(predictions: &Predictions<'_>) -> f64 {
    let rows = predictions.probabilities().rows();
    let scores = rows
        .zip(predictions.labels())
        .map(|(row, &label)| sample_brier_score(row, label));
    sum(scores) / predictions.samples() as f64
}

/// The Brier score of one sample.
pub(crate) fn sample_brier_score(row: &[f32], label: u16) -> f64 {
    row.iter()
        .enumerate()
        .map(|(class, &p)| {
            let truth = f64::from(u8::from(class == usize::from(label)));
            (f64::from(p) - truth).powi(2)
        })
        .sum()
}

/// A Brier score in parts: `reliability - resolution + uncertainty + within_bins`.
///
/// A. Murphy, "A new vector partition of the probability score", Journal of Applied
/// Meteorology 12 (1973), each class against the rest and summed over the classes. Its
/// three terms are the whole score only if all probabilities of a bin are equal; the rest
/// is the term of D. Stephenson et al., "Two extra components in the Brier score
/// decomposition", Weather and Forecasting 23 (2008).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrierDecomposition {
    /// Squared distance of probability and frequency over the bins; 0 is calibrated.
    pub reliability: f64,
    /// How far the frequencies of the bins lie from the classes' shares; more is better.
    pub resolution: f64,
    /// The score of always giving the classes' shares: a property of the labels alone.
    pub uncertainty: f64,
    /// Variance of the probabilities within the bins, less twice their covariance with
    /// the truth; below 0 where the model is finer than the bins.
    pub within_bins: f64,
}

impl BrierDecomposition {
    /// Splits the score by bins of each class's probability.
    pub fn new(predictions: &Predictions<'_>, binning: Binning) -> Self {
        let mut parts = Self {
            reliability: 0.0,
            resolution: 0.0,
            uncertainty: 0.0,
            within_bins: 0.0,
        };
        for class in 0..predictions.classes() {
            parts.add_class(predictions, class, binning);
        }
        parts
    }

    /// The Brier score that the parts make.
    pub fn score(&self) -> f64 {
        self.reliability - self.resolution + self.uncertainty + self.within_bins
    }

    fn add_class(&mut self, predictions: &Predictions<'_>, class: usize, binning: Binning) {
        let events: Vec<(f64, f64)> = predictions
            .probabilities()
            .rows()
            .zip(predictions.labels())
            .map(|(row, &label)| {
                let truth = f64::from(u8::from(usize::from(label) == class));
                (f64::from(row[class]), truth)
            })
            .collect();
        let probabilities: Vec<f64> = events.iter().map(|event| event.0).collect();
        let edges = edges(&probabilities, binning);
        let mut bins = vec![Vec::new(); edges.len() - 1];
        for event in events {
            bins[bin_of(event.0, &edges)].push(event);
        }

        let samples = predictions.samples() as f64;
        let share = predictions.support()[class] as f64 / samples;
        self.uncertainty += share * (1.0 - share);
        for bin in bins.iter().filter(|bin| !bin.is_empty()) {
            let count = bin.len() as f64;
            let probability = sum(bin.iter().map(|event| event.0)) / count;
            let frequency = sum(bin.iter().map(|event| event.1)) / count;
            let weight = count / samples;
            self.reliability += weight * (probability - frequency).powi(2);
            self.resolution += weight * (frequency - share).powi(2);
            let within = bin.iter().map(|&(p, truth)| {
                (p - probability) * ((p - probability) - 2.0 * (truth - frequency))
            });
            self.within_bins += sum(within) / samples;
        }
    }
}
