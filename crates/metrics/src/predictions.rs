//! Labels and probabilities that belong together, checked once.
//!
//! Every metric needs the same three checks (as many labels as rows, at least one
//! sample, labels within the classes). Doing them in one constructor lets all metrics
//! be total functions. Rejected: a `Result` from each metric, which makes callers handle
//! the same impossible error a dozen times.

use bakeoff_core::Probabilities;

use crate::MetricsError;

/// The labels of N ≥ 1 samples, all within K classes, and their N×K probabilities.
#[derive(Clone, Debug)]
pub struct Predictions<'a> {
    labels: &'a [u16],
    probabilities: &'a Probabilities,
    predicted: Vec<u16>,
    support: Vec<u64>,
    labels_alone: bool,
}

impl<'a> Predictions<'a> {
    /// Checks that labels and probabilities belong together.
    ///
    /// # Errors
    /// When there are no samples, when there are not as many labels as rows, or when a
    /// label is not below the number of classes.
    pub fn new(labels: &'a [u16], probabilities: &'a Probabilities) -> Result<Self, MetricsError> {
        if labels.len() != probabilities.len() {
            return Err(MetricsError::Length {
                labels: labels.len(),
                rows: probabilities.len(),
            });
        }
        if labels.is_empty() {
            return Err(MetricsError::Empty);
        }
        let classes = probabilities.classes();
        let mut support = vec![0; classes];
        for (sample, &label) in labels.iter().enumerate() {
            let Some(count) = support.get_mut(usize::from(label)) else {
                return Err(MetricsError::Label {
                    sample,
                    label,
                    classes,
                });
            };
            *count += 1;
        }
        Ok(Self {
            labels,
            probabilities,
            predicted: probabilities.predicted(),
            support,
            labels_alone: false,
        })
    }

    /// The same, of a model that only says the class: its probabilities are 1 and 0, and no metric
    /// that depends on them is defined.
    pub fn of_labels_alone(self) -> Self {
        Self {
            labels_alone: true,
            ..self
        }
    }

    /// Whether the model only says the class.
    pub fn are_labels_alone(&self) -> bool {
        self.labels_alone
    }

    /// Number of samples, N; at least one.
    pub fn samples(&self) -> usize {
        self.labels.len()
    }

    /// Number of classes, K; at least two.
    pub fn classes(&self) -> usize {
        self.probabilities.classes()
    }

    /// The N labels.
    pub fn labels(&self) -> &'a [u16] {
        self.labels
    }

    /// The N×K probabilities.
    pub fn probabilities(&self) -> &'a Probabilities {
        self.probabilities
    }

    /// The N predicted classes, ties decided by [`Probabilities::predicted`].
    pub fn predicted(&self) -> &[u16] {
        &self.predicted
    }

    /// Samples that are of each class, K numbers.
    pub fn support(&self) -> &[u64] {
        &self.support
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_belong_together_is_refused_by_place() {
        let p = Probabilities::new(2, vec![0.5, 0.5, 1.0, 0.0]).unwrap();
        let refusal = |labels: &[u16]| Predictions::new(labels, &p).map(|_| ()).unwrap_err();
        assert_eq!(refusal(&[0]), MetricsError::Length { labels: 1, rows: 2 });
        assert_eq!(
            refusal(&[0, 2]),
            MetricsError::Label {
                sample: 1,
                label: 2,
                classes: 2
            }
        );
        assert!(refusal(&[0, 2]).to_string().contains("(0 to 1)"));
        let none = Probabilities::new(2, Vec::new()).unwrap();
        assert_eq!(
            Predictions::new(&[], &none).map(|_| ()).unwrap_err(),
            MetricsError::Empty
        );
    }
}
