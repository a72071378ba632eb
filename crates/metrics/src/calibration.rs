//! Calibration: reliability curves and calibration errors.
//!
//! C. Guo et al., "On calibration of modern neural networks", ICML 2017, for confidence
//! (the probability of the predicted class); scikit-learn's `calibration_curve` for one
//! class against the rest, and for what a bin is.

use crate::{Predictions, sum::sum};

/// How probabilities are gathered in bins. A bin holds what is above its lower edge and
/// not above its upper one; the first also holds 0. A number of bins of 0 counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binning {
    /// This number of bins of equal width from 0 to 1.
    EqualWidth(usize),
    /// This number of bins, with as equal numbers of samples as ties allow: the edges are the
    /// quantiles of the probabilities, interpolated linearly. Equal probabilities are
    /// always in one bin, so that the order of the samples does not matter.
    EqualMass(usize),
}

/// Samples whose probabilities lie in one bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityBin {
    /// Lower edge.
    pub lower: f64,
    /// Upper edge.
    pub upper: f64,
    /// Samples in the bin, at least one.
    pub count: u64,
    /// Their mean probability.
    pub mean_probability: f64,
    /// Share of them for which the event came true.
    pub frequency: f64,
}

/// A reliability curve: the frequency of an event by its predicted probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    bins: Vec<ReliabilityBin>,
}

impl Reliability {
    /// Of confidence, the probability of the predicted class: how often is the model correct
    /// at this confidence?
    pub fn of_confidence(predictions: &Predictions<'_>, binning: Binning) -> Self {
        let rows = predictions.probabilities().rows();
        let answers = rows.zip(predictions.predicted()).zip(predictions.labels());
        let events = answers
            .map(|((row, &predicted), &label)| {
                (f64::from(row[usize::from(predicted)]), predicted == label)
            })
            .collect();
        Self::new(events, binning)
    }

    /// Of one class's probability against the rest. Panics past the last class, as
    /// indexing does.
    pub fn of_class(predictions: &Predictions<'_>, class: usize, binning: Binning) -> Self {
        let rows = predictions.probabilities().rows();
        let events = rows
            .zip(predictions.labels())
            .map(|(row, &label)| (f64::from(row[class]), usize::from(label) == class))
            .collect();
        Self::new(events, binning)
    }

    fn new(events: Vec<(f64, bool)>, binning: Binning) -> Self {
        let probabilities: Vec<f64> = events.iter().map(|event| event.0).collect();
        let edges = edges(&probabilities, binning);
        let mut binned = vec![Vec::new(); edges.len() - 1];
        for event in events {
            binned[bin_of(event.0, &edges)].push(event);
        }
        let bins = binned
            .iter()
            .enumerate()
            .filter(|(_, events)| !events.is_empty())
            .map(|(bin, events)| {
                let count = events.len() as f64;
                ReliabilityBin {
                    lower: edges[bin],
                    upper: edges[bin + 1],
                    count: events.len() as u64,
                    mean_probability: sum(events.iter().map(|event| event.0)) / count,
                    frequency: events.iter().filter(|event| event.1).count() as f64 / count,
                }
            })
            .collect();
        Self { bins }
    }

    /// The bins that hold samples, from low to high.
    pub fn bins(&self) -> &[ReliabilityBin] {
        &self.bins
    }

    /// Expected calibration error: the distance of probability and frequency, averaged
    /// over the samples.
    pub fn expected_error(&self) -> f64 {
        let total: u64 = self.bins.iter().map(|bin| bin.count).sum();
        self.bins
            .iter()
            .map(|bin| bin.gap() * bin.count as f64 / total as f64)
            .sum()
    }

    /// Maximum calibration error: the largest distance of probability and frequency in
    /// any bin. A bin of few samples dominates it easily.
    pub fn maximum_error(&self) -> f64 {
        self.bins
            .iter()
            .map(ReliabilityBin::gap)
            .fold(0.0, f64::max)
    }
}

/// The squared calibration error of confidence, sample by sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SquaredCalibration {
    /// A value of each sample, in their order. Their mean is the squared distance of confidence and
    /// frequency averaged over the samples, and their variance that of its first-order error, so
    /// that two models or two temperatures are compared by the difference of their values.
    pub values: Vec<f64>,
    /// What the mean of the values is too large by because bins have few samples.
    pub bias: f64,
}

impl SquaredCalibration {
    /// Of the probability of the predicted class.
    ///
    /// A. Kumar, P. Liang and T. Ma, "Verified uncertainty calibration", NeurIPS 2019: the error
    /// with the variance of each bin's mean subtracted. The expected calibration error has
    /// the same bias and no such correction.
    pub fn of_confidence(predictions: &Predictions<'_>, binning: Binning) -> Self {
        let rows = predictions.probabilities().rows();
        let answers = rows.zip(predictions.predicted()).zip(predictions.labels());
        let (confidence, gaps): (Vec<f64>, Vec<f64>) = answers
            .map(|((row, &predicted), &label)| {
                let confidence = f64::from(row[usize::from(predicted)]);
                (
                    confidence,
                    confidence - f64::from(u8::from(predicted == label)),
                )
            })
            .unzip();
        let edges = edges(&confidence, binning);
        let bins: Vec<usize> = confidence.iter().map(|&p| bin_of(p, &edges)).collect();
        let mut sums = vec![(0.0, 0.0, 0.0); edges.len() - 1];
        for (&bin, gap) in bins.iter().zip(&gaps) {
            let (count, sum, squares) = &mut sums[bin];
            *count += 1.0;
            *sum += gap;
            *squares += gap * gap;
        }
        let mean = |bin: usize| sums[bin].1 / sums[bin].0;
        let values = bins.iter().zip(&gaps);
        let values = values.map(|(&bin, gap)| mean(bin) * (2.0 * gap - mean(bin)));
        let bias = sums.iter().map(|&(count, sum, squares)| match count {
            0.0 => 0.0,
            // One sample tells nothing of its bin.
            1.0 => squares,
            _ => (squares - sum * sum / count).max(0.0) / (count - 1.0),
        });
        Self {
            values: values.collect(),
            bias: bias.sum::<f64>() / gaps.len() as f64,
        }
    }

    /// The squared error without its bias; below 0 by chance where a model is calibrated.
    pub fn debiased(&self) -> f64 {
        sum(self.values.iter().copied()) / self.values.len() as f64 - self.bias
    }
}

impl ReliabilityBin {
    /// Distance of probability and frequency.
    pub fn gap(&self) -> f64 {
        (self.mean_probability - self.frequency).abs()
    }
}

/// The edges of the bins, one more than there are bins.
pub(crate) fn edges(probabilities: &[f64], binning: Binning) -> Vec<f64> {
    match binning {
        Binning::EqualWidth(bins) => {
            let bins = bins.max(1);
            (0..=bins).map(|i| i as f64 / bins as f64).collect()
        }
        Binning::EqualMass(bins) => {
            let bins = bins.max(1);
            let mut sorted = probabilities.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            let last = sorted.len().saturating_sub(1);
            (0..=bins)
                .map(|i| {
                    // In integers: a quantile that is a sample must be exactly that sample,
                    // which then lies in the bin below.
                    let (below, rest) = (i * last / bins, i * last % bins);
                    between(&sorted, below, rest as f64 / bins as f64)
                })
                .collect()
        }
    }
}

/// The bin that a probability lies in.
pub(crate) fn bin_of(probability: f64, edges: &[f64]) -> usize {
    // The outermost edges bound nothing: every probability has a bin.
    edges[1..edges.len() - 1].partition_point(|&edge| edge < probability)
}

/// The value so far between a place and the next, of which there may be none.
fn between(sorted: &[f64], place: usize, share: f64) -> f64 {
    let Some(&low) = sorted.get(place) else {
        return 0.0;
    };
    let high = sorted.get(place + 1).copied().unwrap_or(low);
    low + share * (high - low)
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;

    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_below() {
        let edges = edges(&[], Binning::EqualWidth(4));
        let bins: Vec<usize> = [0.0, 0.25, 0.26, 0.5, 1.0]
            .iter()
            .map(|&p| bin_of(p, &edges))
            .collect();
        assert_eq!(bins, [0, 0, 1, 1, 3]);
    }

    #[test]
    fn confidence_is_compared_with_how_often_it_is_right() {
        // Two samples at 0.75, one of them right; two at 1.0, both right.
        let p = Probabilities::new(2, vec![0.75, 0.25, 0.25, 0.75, 1.0, 0.0, 0.0, 1.0]).unwrap();
        let predictions = Predictions::new(&[0, 0, 0, 1], &p).unwrap();
        for binning in [Binning::EqualWidth(10), Binning::EqualMass(2)] {
            let found = Reliability::of_confidence(&predictions, binning);
            assert_eq!(found.bins().len(), 2);
            assert!((found.expected_error() - 0.125).abs() < 1e-15);
            assert!((found.maximum_error() - 0.25).abs() < 1e-15);
        }
    }

    #[test]
    fn the_squared_error_is_that_of_the_bins_and_has_no_bias() {
        // A calibrated model: the correct class is drawn by its probabilities.
        let (samples, mut state) = (1500, 7_u64);
        let mut debiased = Vec::new();
        for _ in 0..200 {
            let mut next = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 40) as f32 / (1 << 24) as f32
            };
            let (mut labels, mut values) = (Vec::new(), Vec::new());
            for _ in 0..samples {
                let p = 0.5 + 0.5 * next();
                labels.push(u16::from(next() >= p));
                values.extend([p, 1.0 - p]);
            }
            let p = Probabilities::new(2, values).unwrap();
            let predictions = Predictions::new(&labels, &p).unwrap();
            let binning = Binning::EqualMass(15);
            let found = SquaredCalibration::of_confidence(&predictions, binning);
            let bins = Reliability::of_confidence(&predictions, binning);
            let plain = bins.bins().iter();
            let plain: f64 = plain.map(|b| b.gap().powi(2) * b.count as f64).sum::<f64>();
            let mean = found.values.iter().sum::<f64>();
            assert!((mean - plain).abs() < 1e-9);
            debiased.push((found.debiased(), found.bias));
        }
        let mean = |of: fn(&(f64, f64)) -> f64| debiased.iter().map(of).sum::<f64>() / 200.0;
        let (left, bias) = (mean(|d| d.0), mean(|d| d.1));
        assert!(left.abs() < 0.1 * bias, "{left} of {bias}");
    }

    #[test]
    fn no_bins_count_as_one() {
        let p = Probabilities::new(2, vec![0.75, 0.25]).unwrap();
        let predictions = Predictions::new(&[0], &p).unwrap();
        for binning in [Binning::EqualWidth(0), Binning::EqualMass(0)] {
            let found = Reliability::of_class(&predictions, 0, binning);
            assert_eq!(found.bins().len(), 1);
            assert!((found.expected_error() - 0.25).abs() < 1e-15);
        }
    }
}
