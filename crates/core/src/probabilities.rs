//! Class probabilities, and the one place that turns them into a predicted class.

use std::fmt;

/// Largest difference of a row's sum from one. Softmax in `f32` over 100 classes is within
/// 1e-6; the rest is for engines that normalise in another way.
const SUM_TOLERANCE: f64 = 1e-4;

/// Why values are not class probabilities.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum ProbabilitiesError {
    /// Fewer than two classes.
    #[error("{classes} classes: probabilities need at least 2")]
    Classes {
        /// Number of classes.
        classes: usize,
    },
    /// Not a whole number of rows.
    #[error("{values} values are not a whole number of rows of {classes} classes")]
    Length {
        /// Number of values.
        values: usize,
        /// Number of classes.
        classes: usize,
    },
    /// NaN, infinite, negative or above one.
    #[error("sample {row}, class {class}: {value} is not a probability")]
    Value {
        /// The sample.
        row: usize,
        /// The class.
        class: usize,
        /// The value.
        value: f32,
    },
    /// A row that does not sum to one.
    #[error("sample {row}: the probabilities sum to {sum}, not to 1")]
    Sum {
        /// The sample.
        row: usize,
        /// Its sum.
        sum: f64,
    },
}

/// N×K class probabilities, row by row: finite, in 0..=1, each row summing to one.
#[derive(Clone, PartialEq)]
pub struct Probabilities {
    classes: usize,
    values: Vec<f32>,
}

impl Probabilities {
    /// Checks and wraps N×K values, row by row.
    ///
    /// # Errors
    /// When a value is not in 0..=1, a row does not sum to one (within 1e-4), there
    /// are fewer than two classes, or the length is not a whole number of rows.
    pub fn new(classes: usize, values: Vec<f32>) -> Result<Self, ProbabilitiesError> {
        if classes < 2 {
            return Err(ProbabilitiesError::Classes { classes });
        }
        if !values.len().is_multiple_of(classes) {
            return Err(ProbabilitiesError::Length {
                values: values.len(),
                classes,
            });
        }
        for (row, chunk) in values.chunks_exact(classes).enumerate() {
            let mut sum = 0.0;
            for (class, &value) in chunk.iter().enumerate() {
                // NaN fails this comparison too.
                if !(0.0..=1.0).contains(&value) {
                    return Err(ProbabilitiesError::Value { row, class, value });
                }
                sum += f64::from(value);
            }
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(ProbabilitiesError::Sum { row, sum });
            }
        }
        Ok(Self { classes, values })
    }

    /// Softmax of N×K scores, row by row; it subtracts the row's maximum, so that it cannot
    /// overflow.
    ///
    /// # Errors
    /// As [`Probabilities::new`], also for scores that are not finite.
    pub fn from_logits(classes: usize, mut scores: Vec<f32>) -> Result<Self, ProbabilitiesError> {
        if classes >= 2 && scores.len().is_multiple_of(classes) {
            for row in scores.chunks_exact_mut(classes) {
                let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0;
                for value in row.iter_mut() {
                    *value = (*value - top).exp();
                    sum += *value;
                }
                for value in row.iter_mut() {
                    *value /= sum;
                }
            }
        }
        Self::new(classes, scores)
    }

    /// Number of classes, K.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of samples, N.
    pub fn len(&self) -> usize {
        self.values.len() / self.classes
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All N×K values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The K probabilities of one sample. Panics if `index` is out of range.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.classes..(index + 1) * self.classes]
    }

    /// The samples one after the other, each as its K probabilities.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.classes)
    }

    /// The predicted class of each sample: the most probable one, or the lowest index among
    /// equals. Only this function decides it in the whole project.
    pub fn predicted(&self) -> Vec<u16> {
        self.rows().map(predicted_class).collect()
    }

    /// The samples at `indices`, in that order. Panics if one is out of range.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            classes: self.classes,
            values: indices
                .iter()
                .flat_map(|&index| self.row(index))
                .copied()
                .collect(),
        }
    }
}

/// The most probable class of one row, or the lowest index among equals.
fn predicted_class(row: &[f32]) -> u16 {
    let mut best = 0;
    for (class, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = class;
        }
    }
    // `Samples` has at most as many classes as u16 can count.
    u16::try_from(best).unwrap_or(u16::MAX)
}

impl fmt::Debug for Probabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Probabilities({}×{})", self.len(), self.classes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_place_of_a_bad_value_is_reported() {
        let bad = |values| Probabilities::new(2, values).map(|_| ());
        assert!(matches!(
            bad(vec![0.5, 0.5, f32::NAN, 1.0]),
            Err(ProbabilitiesError::Value {
                row: 1,
                class: 0,
                ..
            })
        ));
        assert!(matches!(
            bad(vec![0.5, 0.6]),
            Err(ProbabilitiesError::Sum { row: 0, .. })
        ));
        assert!(bad(vec![-0.1, 1.1]).is_err());
        assert!(bad(vec![0.5, 0.5, 1.0]).is_err());
        assert!(Probabilities::new(1, vec![1.0]).is_err());
    }

    #[test]
    fn ties_go_to_the_lowest_index() -> Result<(), ProbabilitiesError> {
        let p = Probabilities::new(3, vec![0.4, 0.4, 0.2, 0.2, 0.4, 0.4])?;
        assert_eq!(p.predicted(), [0, 1]);
        Ok(())
    }

    proptest! {
        #[test]
        fn softmax_is_always_valid(scores in prop::collection::vec(-1e30f32..1e30, 4..40)) {
            let rows = scores.len() / 4;
            let p = Probabilities::from_logits(4, scores[..rows * 4].to_vec());
            prop_assert!(p.is_ok());
        }
    }
}
