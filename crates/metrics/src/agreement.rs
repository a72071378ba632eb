//! Several models on the same samples: their common errors, and what they could reach
//! together.

use bakeoff_core::Probabilities;
use rayon::prelude::*;

use crate::{MetricsError, Pair, Predictions, top_k_accuracy};

/// The predictions of at least one model for the same samples, checked once.
#[derive(Clone, Debug)]
pub struct Agreement<'a> {
    models: Vec<&'a Predictions<'a>>,
    /// How many models are right about each sample.
    right: Vec<usize>,
}

impl<'a> Agreement<'a> {
    /// Brings models together.
    ///
    /// # Errors
    /// When there is no model, or as [`Pair::new`] for the first and any other.
    pub fn new(models: &[&'a Predictions<'a>]) -> Result<Self, MetricsError> {
        let Some(&first) = models.first() else {
            return Err(MetricsError::too_few("models", 0, 1));
        };
        for other in models {
            Pair::new(first, other)?;
        }
        let right = (0..first.samples())
            .map(|sample| {
                let label = first.labels()[sample];
                models
                    .iter()
                    .filter(|model| model.predicted()[sample] == label)
                    .count()
            })
            .collect();
        Ok(Self {
            models: models.to_vec(),
            right,
        })
    }

    /// How many models are right about each sample, N numbers.
    pub fn right(&self) -> &[usize] {
        &self.right
    }

    /// The samples that every model gets wrong, ascending.
    pub fn missed_by_all(&self) -> Vec<usize> {
        (0..self.right.len())
            .filter(|&sample| self.right[sample] == 0)
            .collect()
    }

    /// Accuracy of an oracle that picks a correct model for each sample, where there is one:
    /// no way of choosing among the models' predictions can reach more. Combining
    /// probabilities can, where the mean is correct though no model is.
    pub fn oracle_accuracy(&self) -> f64 {
        let reached = self.right.iter().filter(|&&right| right > 0).count();
        reached as f64 / self.right.len() as f64
    }

    /// The mean of the models' probabilities: soft voting, each model counting the same.
    ///
    /// # Errors
    /// As [`Probabilities::new`]; means of valid probabilities are valid.
    pub fn soft_vote(&self) -> Result<Probabilities, MetricsError> {
        let first = self.models[0].probabilities();
        let count = self.models.len() as f64;
        let values = (0..first.values().len())
            .into_par_iter()
            .with_min_len(4096)
            .map(|place| {
                let values = self.models.iter();
                let sum: f64 = values
                    .map(|model| f64::from(model.probabilities().values()[place]))
                    .sum();
                (sum / count) as f32
            })
            .collect();
        Ok(Probabilities::new(first.classes(), values)?)
    }

    /// Accuracy of [`Agreement::soft_vote`].
    ///
    /// # Errors
    /// As [`Agreement::soft_vote`].
    pub fn soft_vote_accuracy(&self) -> Result<f64, MetricsError> {
        let vote = self.soft_vote()?;
        let predictions = Predictions::new(self.models[0].labels(), &vote)?;
        Ok(top_k_accuracy(&predictions, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn together_models_miss_less_than_alone() {
        let labels = [0, 1, 2, 2];
        let rows = |rows: [[f32; 3]; 4]| Probabilities::new(3, rows.concat()).unwrap();
        // Right about 0 and 1; right about 1 and 2; both wrong about 3.
        let first = rows([
            [0.6, 0.2, 0.2],
            [0.0, 1.0, 0.0],
            [0.5, 0.1, 0.4],
            [0.4, 0.3, 0.3],
        ]);
        let second = rows([
            [0.4, 0.5, 0.1],
            [0.2, 0.6, 0.2],
            [0.1, 0.1, 0.8],
            [0.2, 0.4, 0.4],
        ]);
        let first = Predictions::new(&labels, &first).unwrap();
        let second = Predictions::new(&labels, &second).unwrap();
        let found = Agreement::new(&[&first, &second]).unwrap();
        assert_eq!(found.right(), [1, 2, 1, 0]);
        assert_eq!(found.missed_by_all(), [3]);
        assert_eq!(found.oracle_accuracy(), 0.75);
        let vote = found.soft_vote().unwrap();
        assert_eq!(vote.row(0), [0.5, 0.35, 0.15]);
        // The last sample is a tie of classes 1 and 2 but for rounding; the first three are
        // right by the vote.
        assert_eq!(vote.predicted()[..3], [0, 1, 2]);
        assert!(found.soft_vote_accuracy().unwrap() >= 0.75);
    }

    #[test]
    fn alone_a_model_agrees_with_itself_and_none_is_refused() {
        let p = Probabilities::new(2, vec![0.75, 0.25, 0.75, 0.25]).unwrap();
        let model = Predictions::new(&[0, 1], &p).unwrap();
        let found = Agreement::new(&[&model]).unwrap();
        assert_eq!(found.oracle_accuracy(), 0.5);
        assert_eq!(found.soft_vote(), Ok(p.clone()));
        assert!(Agreement::new(&[]).is_err());
    }
}
