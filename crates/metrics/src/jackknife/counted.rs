//! Metrics that are sums over samples, or made of counts of actual and predicted classes.

use std::ops::Range;

use rayon::prelude::*;

use super::{layout::Layout, row::Row};
use crate::{
    Binning, Metric, Predictions,
    brier::sample_brier_score,
    calibration::{bin_of, edges},
    evaluation::CALIBRATION_BINS,
    margins::Margins,
    scoring::sample_log_loss,
};

/// What each sample adds, in the layout's order.
pub(super) struct Counted {
    classes: usize,
    samples: Vec<Sample>,
    strata: Vec<Range<usize>>,
}

struct Sample {
    log_loss: f64,
    brier_score: f64,
    /// Confidence less 1 if right, less 0 if wrong.
    overconfidence: f64,
    /// The bin that its confidence lies in.
    bin: u16,
    predicted: u16,
}

/// Sums of so many copies of each sample.
struct Sums {
    total: f64,
    log_loss: f64,
    brier_score: f64,
    bins: [f64; CALIBRATION_BINS],
    margins: Margins,
}

impl Counted {
    pub(super) fn new(predictions: &Predictions<'_>, layout: &Layout) -> Self {
        let edges = edges(&[], Binning::EqualWidth(CALIBRATION_BINS));
        let samples = layout
            .samples()
            .iter()
            .map(|&sample| {
                let row = predictions.probabilities().row(sample);
                let label = predictions.labels()[sample];
                let predicted = predictions.predicted()[sample];
                let confidence = f64::from(row[usize::from(predicted)]);
                Sample {
                    log_loss: sample_log_loss(row[usize::from(label)]),
                    brier_score: sample_brier_score(row, label),
                    overconfidence: confidence - f64::from(u8::from(predicted == label)),
                    bin: bin_of(confidence, &edges) as u16,
                    predicted,
                }
            })
            .collect();
        Self {
            classes: predictions.classes(),
            samples,
            strata: layout.strata().to_vec(),
        }
    }

    pub(super) fn measure(&self, copies: &[u16], row: &mut Row) {
        let sums = self.sums(copies);
        let total = sums.total;
        row.set(Metric::LogLoss, Some(sums.log_loss / total));
        row.set(Metric::BrierScore, Some(sums.brier_score / total));
        let error: f64 = sums.bins.iter().map(|bin| bin.abs()).sum();
        row.set(Metric::ExpectedCalibrationError, Some(error / total));
        set_counts(&sums.margins, row);
    }

    /// The metrics without each of the samples.
    pub(super) fn without_each(&self) -> Vec<Row> {
        let sums = self.sums(&vec![1; self.samples.len()]);
        // Samples of one cell leave the same counts behind. There are at most as many cells as
        // samples, and each costs as many steps as there are classes.
        let cell_of = |class: usize, sample: &Sample| (class, usize::from(sample.predicted));
        let mut cells: Vec<(usize, usize)> = self
            .strata
            .iter()
            .enumerate()
            .flat_map(|(class, stratum)| {
                let samples = self.samples[stratum.clone()].iter();
                samples.map(move |sample| cell_of(class, sample))
            })
            .collect();
        cells.sort_unstable();
        cells.dedup();
        let of_cells: Vec<Row> = cells
            .par_iter()
            .map(|&(actual, predicted)| {
                let mut row = Row::EMPTY;
                let mut margins = sums.margins.clone();
                margins.remove(actual, predicted);
                set_counts(&margins, &mut row);
                row
            })
            .collect();
        let left = sums.total - 1.0;
        let error: f64 = sums.bins.iter().map(|bin| bin.abs()).sum();
        let mut rows = Vec::with_capacity(self.samples.len());
        for (class, stratum) in self.strata.iter().enumerate() {
            for sample in &self.samples[stratum.clone()] {
                // Every sample's cell is among them.
                let place = cells.binary_search(&cell_of(class, sample));
                let mut row = place.map_or(Row::EMPTY, |place| of_cells[place]);
                let log_loss = (sums.log_loss - sample.log_loss) / left;
                let brier_score = (sums.brier_score - sample.brier_score) / left;
                let bin = sums.bins[usize::from(sample.bin)];
                let moved = (bin - sample.overconfidence).abs() - bin.abs();
                row.set(Metric::LogLoss, Some(log_loss));
                row.set(Metric::BrierScore, Some(brier_score));
                row.set(
                    Metric::ExpectedCalibrationError,
                    Some((error + moved) / left),
                );
                rows.push(row);
            }
        }
        rows
    }

    fn sums(&self, copies: &[u16]) -> Sums {
        let mut margins = Margins::empty(self.classes);
        let mut bins = [0.0; CALIBRATION_BINS];
        let (mut total, mut log_loss, mut brier_score) = (0.0, 0.0, 0.0);
        for (class, stratum) in self.strata.iter().enumerate() {
            let samples = self.samples[stratum.clone()].iter();
            for (sample, &copies) in samples.zip(&copies[stratum.clone()]) {
                margins.add(class, usize::from(sample.predicted), u64::from(copies));
                let copies = f64::from(copies);
                total += copies;
                log_loss += copies * sample.log_loss;
                brier_score += copies * sample.brier_score;
                bins[usize::from(sample.bin)] += copies * sample.overconfidence;
            }
        }
        Sums {
            total,
            log_loss,
            brier_score,
            bins,
            margins,
        }
    }
}

/// Everything that a confusion matrix tells by its margins.
fn set_counts(margins: &Margins, row: &mut Row) {
    let precision = margins.precision();
    let recall = margins.recall();
    let f1 = margins.f1();
    for (metric, value) in [
        (Metric::Accuracy, margins.accuracy()),
        (Metric::BalancedAccuracy, margins.balanced_accuracy()),
        (Metric::MacroPrecision, precision.macro_average),
        (Metric::MacroRecall, recall.macro_average),
        (Metric::MacroF1, f1.macro_average),
        (Metric::WeightedPrecision, precision.weighted),
        (Metric::WeightedRecall, recall.weighted),
        (Metric::WeightedF1, f1.weighted),
    ] {
        row.set(metric, Some(value));
    }
    row.set(Metric::MatthewsCorrelation, margins.matthews_correlation());
    row.set(Metric::CohenKappa, margins.cohen_kappa());
}
