//! Two models on the same samples.

use serde::{Deserialize, Serialize};

use crate::{MetricsError, Predictions};

/// The predictions of two models for the same samples, checked once.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    first: &'a Predictions<'a>,
    second: &'a Predictions<'a>,
}

/// Samples by which of two models is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointCorrectness {
    /// Both are.
    pub both: u64,
    /// Only the first is.
    pub only_first: u64,
    /// Only the second is.
    pub only_second: u64,
    /// Neither is.
    pub neither: u64,
}

impl<'a> Pair<'a> {
    /// Pairs the predictions of two models.
    ///
    /// # Errors
    /// When they are not of the same samples: other numbers of samples or classes, or
    /// other labels.
    pub fn new(
        first: &'a Predictions<'a>,
        second: &'a Predictions<'a>,
    ) -> Result<Self, MetricsError> {
        let shape = |of: &Predictions<'_>| (of.samples(), of.classes());
        if shape(first) != shape(second) {
            return Err(MetricsError::Shapes {
                first: shape(first),
                second: shape(second),
            });
        }
        let mut labels = first.labels().iter().zip(second.labels());
        if let Some(sample) = labels.position(|(a, b)| a != b) {
            return Err(MetricsError::Labels {
                sample,
                first: first.labels()[sample],
                second: second.labels()[sample],
            });
        }
        Ok(Self { first, second })
    }

    /// The first model.
    pub fn first(&self) -> &'a Predictions<'a> {
        self.first
    }

    /// The second model.
    pub fn second(&self) -> &'a Predictions<'a> {
        self.second
    }

    /// Counts the samples by which model is right.
    pub fn joint_correctness(&self) -> JointCorrectness {
        let mut counts = JointCorrectness::default();
        let answers = self.first.predicted().iter().zip(self.second.predicted());
        for ((first, second), label) in answers.zip(self.first.labels()) {
            *match (first == label, second == label) {
                (true, true) => &mut counts.both,
                (true, false) => &mut counts.only_first,
                (false, true) => &mut counts.only_second,
                (false, false) => &mut counts.neither,
            } += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;

    use super::*;

    #[test]
    fn models_on_other_data_are_not_compared() {
        let p = Probabilities::new(2, vec![1.0, 0.0, 1.0, 0.0]).unwrap();
        let short = Probabilities::new(2, vec![1.0, 0.0]).unwrap();
        let a = Predictions::new(&[0, 1], &p).unwrap();
        let b = Predictions::new(&[0, 0], &p).unwrap();
        let c = Predictions::new(&[0], &short).unwrap();
        let refusal = |pair: Result<Pair<'_>, MetricsError>| pair.map(|_| ()).unwrap_err();
        assert_eq!(
            refusal(Pair::new(&a, &b)),
            MetricsError::Labels {
                sample: 1,
                first: 1,
                second: 0
            }
        );
        assert_eq!(
            refusal(Pair::new(&a, &c)),
            MetricsError::Shapes {
                first: (2, 2),
                second: (1, 2)
            }
        );
    }

    #[test]
    fn samples_are_counted_by_who_is_right() {
        let first = Probabilities::new(2, [[1.0, 0.0]; 4].concat()).unwrap();
        let second = Probabilities::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]).unwrap();
        let labels = [0, 0, 1, 1];
        let first = Predictions::new(&labels, &first).unwrap();
        let second = Predictions::new(&labels, &second).unwrap();
        let counts = Pair::new(&first, &second).unwrap().joint_correctness();
        let expected = JointCorrectness {
            both: 1,
            only_first: 1,
            only_second: 1,
            neither: 1,
        };
        assert_eq!(counts, expected);
    }
}
