//! The margins of a confusion matrix, from which every score of it can be computed.
//!
//! They take K numbers where the matrix takes K²: with a thousand classes and ten thousand
//! samples, leaving out each sample costs a second instead of minutes.

use serde::{Deserialize, Serialize};

use crate::Predictions;

/// One class against the rest, by predicted class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Samples of this class.
    pub support: u64,
    /// Samples predicted as this class.
    pub predicted: u64,
    /// Correct among those predicted as this class; `None` where there are none.
    pub precision: Option<f64>,
    /// Correct among those of this class; `None` where there are none.
    pub recall: Option<f64>,
    /// Harmonic mean of both, `2·tp / (support + predicted)`; `None` where the class
    /// occurs neither in the labels nor in the predictions.
    pub f1: Option<f64>,
}

/// One score averaged over classes in the three usual ways.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Averages {
    /// Every class that occurs counts the same.
    pub macro_average: f64,
    /// Over all decisions at once. With one label per sample, micro precision, recall
    /// and F1 all equal accuracy.
    pub micro: f64,
    /// Every class counts by its samples.
    pub weighted: f64,
}

/// For each class: its samples, those predicted as it, and those of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Margins {
    pub(crate) actual: Vec<u64>,
    pub(crate) predicted: Vec<u64>,
    pub(crate) right: Vec<u64>,
}

impl Margins {
    /// Of no samples.
    pub(crate) fn empty(classes: usize) -> Self {
        let zeros = || vec![0; classes];
        Self {
            actual: zeros(),
            predicted: zeros(),
            right: zeros(),
        }
    }

    /// Counts samples by class.
    pub(crate) fn new(predictions: &Predictions<'_>) -> Self {
        let mut margins = Self::empty(predictions.classes());
        for (&actual, &predicted) in predictions.labels().iter().zip(predictions.predicted()) {
            margins.add(usize::from(actual), usize::from(predicted), 1);
        }
        margins
    }

    /// Adds so many copies of a sample.
    pub(crate) fn add(&mut self, actual: usize, predicted: usize, copies: u64) {
        self.actual[actual] += copies;
        self.predicted[predicted] += copies;
        if actual == predicted {
            self.right[actual] += copies;
        }
    }

    /// Takes one sample away that was added.
    pub(crate) fn remove(&mut self, actual: usize, predicted: usize) {
        self.actual[actual] -= 1;
        self.predicted[predicted] -= 1;
        if actual == predicted {
            self.right[actual] -= 1;
        }
    }

    fn total(&self) -> u64 {
        self.actual.iter().sum()
    }

    fn correct(&self) -> u64 {
        self.right.iter().sum()
    }

    pub(crate) fn accuracy(&self) -> f64 {
        ratio(self.correct(), self.total()).unwrap_or(0.0)
    }

    pub(crate) fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = self.per_class().iter().filter_map(|c| c.recall).collect();
        recalls.iter().sum::<f64>() / recalls.len().max(1) as f64
    }

    pub(crate) fn per_class(&self) -> Vec<ClassScores> {
        let counts = self.actual.iter().zip(&self.predicted).zip(&self.right);
        counts
            .map(|((&support, &predicted), &right)| ClassScores {
                support,
                predicted,
                precision: ratio(right, predicted),
                recall: ratio(right, support),
                f1: ratio(2 * right, support + predicted),
            })
            .collect()
    }

    pub(crate) fn precision(&self) -> Averages {
        self.averages(|class| class.precision)
    }

    pub(crate) fn recall(&self) -> Averages {
        self.averages(|class| class.recall)
    }

    pub(crate) fn f1(&self) -> Averages {
        self.averages(|class| class.f1)
    }

    fn averages(&self, score: impl Fn(&ClassScores) -> Option<f64>) -> Averages {
        let mut sum = 0.0;
        let mut weighted = 0.0;
        let mut occurring = 0_u32;
        for class in self.per_class() {
            if class.support + class.predicted > 0 {
                let value = score(&class).unwrap_or(0.0);
                sum += value;
                weighted += value * class.support as f64;
                occurring += 1;
            }
        }
        Averages {
            macro_average: sum / f64::from(occurring.max(1)),
            micro: self.accuracy(),
            weighted: weighted / self.total().max(1) as f64,
        }
    }

    /// J. Gorodkin, "Comparing two K-category assignments by a K-category correlation
    /// coefficient", Computational Biology and Chemistry 28 (2004). `None` where scikit-learn
    /// says 0.
    pub(crate) fn matthews_correlation(&self) -> Option<f64> {
        let total = i128::from(self.total());
        let (mut both, mut actual, mut predicted) = (0, 0, 0);
        for (&row, &column) in self.actual.iter().zip(&self.predicted) {
            let (row, column) = (i128::from(row), i128::from(column));
            both += row * column;
            actual += row * row;
            predicted += column * column;
        }
        let covariance = i128::from(self.correct()) * total - both;
        let variances = (total * total - actual) as f64 * (total * total - predicted) as f64;
        (variances > 0.0).then(|| covariance as f64 / variances.sqrt())
    }

    /// The share of correct predictions beyond chance, of what chance leaves. J. Cohen, "A
    /// coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
    /// (1960).
    pub(crate) fn cohen_kappa(&self) -> Option<f64> {
        let total = i128::from(self.total());
        let by_chance: i128 = self
            .actual
            .iter()
            .zip(&self.predicted)
            .map(|(&row, &column)| i128::from(row) * i128::from(column))
            .sum();
        let left = total * total - by_chance;
        let beyond = i128::from(self.correct()) * total - by_chance;
        (left > 0).then(|| beyond as f64 / left as f64)
    }
}

/// `part / whole`, or `None` where the whole is 0.
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
