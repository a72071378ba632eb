//! The confusion matrix, and every score that depends on predicted classes alone.
//!
//! # Zero division
//! A class that is never predicted has no precision, and one without samples has no
//! recall. Per class these are `None`, so that a report can say "undefined" instead of
//! a zero that looks like a measurement. In averages an undefined value counts as 0,
//! as in scikit-learn with its default `zero_division`: otherwise a model would gain by
//! never predicting a hard class.
//!
//! # Absent classes
//! Macro averages go over the classes that occur in the labels or in the predictions,
//! as in scikit-learn without its `labels` argument. A class that occurs in neither is
//! left out: it says nothing about the model. Balanced accuracy goes over the classes that
//! occur in the labels.

use serde::{Deserialize, Serialize};

use crate::{
    Predictions,
    margins::{Averages, ClassScores, Margins, ratio},
};

/// What the entries of a confusion matrix are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalise {
    /// The samples of the actual class: the diagonal shows recall.
    Row,
    /// The samples predicted as the class: the diagonal shows precision.
    Column,
}

/// K×K counts of samples: a row is an actual class, a column a predicted one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// Counts the samples by actual and predicted class.
    pub fn new(predictions: &Predictions<'_>) -> Self {
        let classes = predictions.classes();
        let mut counts = vec![0; classes * classes];
        for (&actual, &predicted) in predictions.labels().iter().zip(predictions.predicted()) {
            counts[usize::from(actual) * classes + usize::from(predicted)] += 1;
        }
        Self { classes, counts }
    }

    /// Number of classes, K.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The K×K counts, row by row.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Samples of class `actual` that were predicted as `predicted`. Panics past the
    /// last class, as indexing does.
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        assert!(predicted < self.classes, "class {predicted}");
        self.counts[actual * self.classes + predicted]
    }

    /// All samples.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Samples on the diagonal.
    pub fn correct(&self) -> u64 {
        self.counts.iter().step_by(self.classes + 1).sum()
    }

    /// Samples of class `actual`.
    pub fn row_sum(&self, actual: usize) -> u64 {
        self.counts[actual * self.classes..(actual + 1) * self.classes]
            .iter()
            .sum()
    }

    /// The K×K shares, row by row. Where the divisor is zero (no sample of that class,
    /// or none predicted as it) the whole row or column is `None`: scikit-learn shows
    /// zeros there.
    pub fn normalised(&self, by: Normalise) -> Vec<Option<f64>> {
        let k = self.classes;
        let margins = self.margins();
        self.counts
            .iter()
            .enumerate()
            .map(|(place, &count)| {
                let whole = match by {
                    Normalise::Row => margins.actual[place / k],
                    Normalise::Column => margins.predicted[place % k],
                };
                ratio(count, whole)
            })
            .collect()
    }

    /// Share of samples on the diagonal.
    pub fn accuracy(&self) -> f64 {
        self.margins().accuracy()
    }

    /// Mean recall of the classes that occur in the labels
    /// (scikit-learn's `balanced_accuracy_score`, not adjusted for chance).
    pub fn balanced_accuracy(&self) -> f64 {
        self.margins().balanced_accuracy()
    }

    /// Precision, recall, F1 and support of every class.
    pub fn per_class(&self) -> Vec<ClassScores> {
        self.margins().per_class()
    }

    /// Averages of precision over classes; see the module's section on zero division.
    pub fn precision(&self) -> Averages {
        self.margins().precision()
    }

    /// Averages of recall over classes. The weighted one equals accuracy.
    pub fn recall(&self) -> Averages {
        self.margins().recall()
    }

    /// Averages of F1 over classes. The macro one is the mean of the classes' F1, not
    /// the F1 of mean precision and recall.
    pub fn f1(&self) -> Averages {
        self.margins().f1()
    }

    /// Matthews correlation of actual and predicted class for K classes, from -1 to 1; `None`
    /// where all samples are of one class or all are predicted as one.
    pub fn matthews_correlation(&self) -> Option<f64> {
        self.margins().matthews_correlation()
    }

    /// Cohen's kappa; `None` where all samples are of one class and predicted as it.
    pub fn cohen_kappa(&self) -> Option<f64> {
        self.margins().cohen_kappa()
    }

    /// The sums of all rows and of all columns, and the diagonal.
    pub(crate) fn margins(&self) -> Margins {
        let mut predicted = vec![0; self.classes];
        let actual = self
            .counts
            .chunks_exact(self.classes)
            .map(|row| {
                for (column, count) in predicted.iter_mut().zip(row) {
                    *column += count;
                }
                row.iter().sum()
            })
            .collect();
        let right = self.counts.iter().step_by(self.classes + 1).copied();
        Margins {
            actual,
            predicted,
            right: right.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;

    use super::*;

    /// Four classes: 2 is never predicted, 3 does not occur at all.
    fn matrix() -> ConfusionMatrix {
        let (a, b) = ([0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1]);
        let p = Probabilities::new(4, [a, a, b, b, b].concat()).unwrap();
        ConfusionMatrix::new(&Predictions::new(&[0, 0, 0, 1, 2], &p).unwrap())
    }

    #[test]
    fn rows_are_actual_and_columns_predicted() {
        let m = matrix();
        assert_eq!(m.count(0, 0), 2);
        assert_eq!(m.count(0, 1), 1);
        assert_eq!(m.count(1, 0), 0);
        assert_eq!((m.row_sum(0), m.margins().predicted[1]), (3, 3));
        assert_eq!((m.correct(), m.total()), (3, 5));
    }

    #[test]
    fn undefined_is_none_per_class_and_zero_in_averages() {
        let m = matrix();
        let classes = m.per_class();
        assert_eq!(classes[2].precision, None);
        assert_eq!(classes[2].recall, Some(0.0));
        assert_eq!(classes[2].f1, Some(0.0));
        assert_eq!(classes[3].recall, None);
        assert_eq!(classes[3].f1, None);
        // Three classes occur: (1 + 1/3 + 0) / 3.
        assert!((m.precision().macro_average - 4.0 / 9.0).abs() < 1e-15);
        assert!((m.balanced_accuracy() - 5.0 / 9.0).abs() < 1e-15);
    }

    #[test]
    fn shares_without_a_whole_are_none() {
        let m = matrix();
        let rows = m.normalised(Normalise::Row);
        assert_eq!(rows[1], Some(1.0 / 3.0));
        assert_eq!(rows[12..], [None; 4]);
        let columns = m.normalised(Normalise::Column);
        assert_eq!((columns[1], columns[2]), (Some(1.0 / 3.0), None));
    }

    #[test]
    fn margins_are_those_of_the_matrix() {
        let p = Probabilities::new(3, [0.5, 0.3, 0.2, 0.1, 0.8, 0.1].repeat(3)).unwrap();
        let predictions = Predictions::new(&[0, 1, 2, 0, 0, 1], &p).unwrap();
        let mut margins = Margins::new(&predictions);
        assert_eq!(margins, ConfusionMatrix::new(&predictions).margins());
        margins.add(2, 1, 1);
        margins.remove(2, 1);
        assert_eq!(margins, Margins::new(&predictions));
    }
}
