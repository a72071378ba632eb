//! All headline numbers of one model on one set of samples, computed once.
//!
//! Reports, leaderboards and records read this struct and compute no score of their own,
//! so that two views cannot disagree.

use bakeoff_core::Probabilities;
use serde::{Deserialize, Serialize};

use crate::{ConfusionMatrix, MetricsError, OneVsRest, Predictions, log_loss, top_k_accuracy};

/// The values of k for which [`Evaluation::top_k`] is given, where there are more classes.
const TOP_K: [usize; 3] = [2, 3, 5];

/// A score that a model can be ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// [`Evaluation::accuracy`].
    Accuracy,
    /// [`Evaluation::balanced_accuracy`].
    BalancedAccuracy,
    /// [`Evaluation::macro_precision`].
    MacroPrecision,
    /// [`Evaluation::macro_recall`].
    MacroRecall,
    /// [`Evaluation::macro_f1`].
    MacroF1,
    /// [`Evaluation::weighted_precision`].
    WeightedPrecision,
    /// [`Evaluation::weighted_recall`].
    WeightedRecall,
    /// [`Evaluation::weighted_f1`].
    WeightedF1,
    /// [`Evaluation::log_loss`].
    LogLoss,
    /// [`Evaluation::macro_auc`].
    MacroAuc,
    /// [`Evaluation::micro_auc`].
    MicroAuc,
    /// [`Evaluation::weighted_auc`].
    WeightedAuc,
}

impl Metric {
    /// Every metric, in the order of a report.
    pub const ALL: [Self; 12] = [
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::MacroPrecision,
        Self::MacroRecall,
        Self::MacroF1,
        Self::WeightedPrecision,
        Self::WeightedRecall,
        Self::WeightedF1,
        Self::LogLoss,
        Self::MacroAuc,
        Self::MicroAuc,
        Self::WeightedAuc,
    ];

    /// Its name in files, as serialised: `macro_f1`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced_accuracy",
            Self::MacroPrecision => "macro_precision",
            Self::MacroRecall => "macro_recall",
            Self::MacroF1 => "macro_f1",
            Self::WeightedPrecision => "weighted_precision",
            Self::WeightedRecall => "weighted_recall",
            Self::WeightedF1 => "weighted_f1",
            Self::LogLoss => "log_loss",
            Self::MacroAuc => "macro_auc",
            Self::MicroAuc => "micro_auc",
            Self::WeightedAuc => "weighted_auc",
        }
    }

    /// Its name for people: `macro F1`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::MacroPrecision => "macro precision",
            Self::MacroRecall => "macro recall",
            Self::MacroF1 => "macro F1",
            Self::WeightedPrecision => "weighted precision",
            Self::WeightedRecall => "weighted recall",
            Self::WeightedF1 => "weighted F1",
            Self::LogLoss => "log loss",
            Self::MacroAuc => "macro AUC",
            Self::MicroAuc => "micro AUC",
            Self::WeightedAuc => "weighted AUC",
        }
    }

    /// Whether a higher value is a better one; of the losses a lower one is.
    pub fn higher_is_better(self) -> bool {
        !matches!(self, Self::LogLoss)
    }
}

/// Top-k accuracy for one k.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopK {
    /// How many of the most probable classes count as an answer.
    pub k: usize,
    /// Share of samples whose class is among them.
    pub accuracy: f64,
}

/// One class against the rest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassEvaluation {
    /// The class.
    pub class: usize,
    /// Samples of this class.
    pub support: u64,
    /// Samples predicted as this class.
    pub predicted: u64,
    /// Right among those predicted as this class; `None` where there are none.
    pub precision: Option<f64>,
    /// Right among those of this class; `None` where there are none.
    pub recall: Option<f64>,
    /// Harmonic mean of both; `None` where the class occurs nowhere.
    pub f1: Option<f64>,
    /// Area under its ROC curve; `None` where all samples or none are of this class.
    pub auc: Option<f64>,
}

/// All headline numbers. Where scores are averaged, the name says how; the functions they
/// come from say what happens to classes that are absent and to divisions by zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of samples, N.
    pub samples: usize,
    /// Number of classes, K.
    pub classes: usize,
    /// Share of right answers.
    pub accuracy: f64,
    /// [`ConfusionMatrix::balanced_accuracy`].
    pub balanced_accuracy: f64,
    /// [`ConfusionMatrix::precision`], macro.
    pub macro_precision: f64,
    /// [`ConfusionMatrix::recall`], macro.
    pub macro_recall: f64,
    /// [`ConfusionMatrix::f1`], macro.
    pub macro_f1: f64,
    /// [`ConfusionMatrix::precision`], micro; equals accuracy.
    pub micro_precision: f64,
    /// [`ConfusionMatrix::recall`], micro; equals accuracy.
    pub micro_recall: f64,
    /// [`ConfusionMatrix::f1`], micro; equals accuracy.
    pub micro_f1: f64,
    /// [`ConfusionMatrix::precision`], weighted.
    pub weighted_precision: f64,
    /// [`ConfusionMatrix::recall`], weighted; equals accuracy.
    pub weighted_recall: f64,
    /// [`ConfusionMatrix::f1`], weighted.
    pub weighted_f1: f64,
    /// [`log_loss`], in nats.
    pub log_loss: f64,
    /// [`OneVsRest::macro_auc`].
    pub macro_auc: Option<f64>,
    /// [`OneVsRest::micro_auc`].
    pub micro_auc: Option<f64>,
    /// [`OneVsRest::weighted_auc`].
    pub weighted_auc: Option<f64>,
    /// The classes that macro and weighted AUC leave out.
    pub auc_left_out: Vec<usize>,
    /// [`top_k_accuracy`] for k of 2, 3 and 5, as far as there are more classes than k.
    pub top_k: Vec<TopK>,
    /// Every class against the rest.
    pub per_class: Vec<ClassEvaluation>,
    /// Counts of actual and predicted classes.
    pub confusion: ConfusionMatrix,
}

impl Evaluation {
    /// Measures N labels against their N×K probabilities.
    ///
    /// # Errors
    /// As [`Predictions::new`].
    pub fn new(labels: &[u16], probabilities: &Probabilities) -> Result<Self, MetricsError> {
        let predictions = Predictions::new(labels, probabilities)?;
        let curves = OneVsRest::new(&predictions);
        Ok(Self::of(&predictions, &curves))
    }

    /// As [`Evaluation::new`], for callers that also need the curves.
    pub fn of(predictions: &Predictions<'_>, curves: &OneVsRest) -> Self {
        let confusion = ConfusionMatrix::new(predictions);
        let precision = confusion.precision();
        let recall = confusion.recall();
        let f1 = confusion.f1();
        let per_class = confusion
            .per_class()
            .into_iter()
            .zip(curves.auc())
            .enumerate()
            .map(|(class, (scores, &auc))| ClassEvaluation {
                class,
                support: scores.support,
                predicted: scores.predicted,
                precision: scores.precision,
                recall: scores.recall,
                f1: scores.f1,
                auc,
            })
            .collect();
        let top_k = TOP_K
            .into_iter()
            .filter(|&k| k < predictions.classes())
            .map(|k| TopK {
                k,
                accuracy: top_k_accuracy(predictions, k),
            })
            .collect();
        Self {
            samples: predictions.samples(),
            classes: predictions.classes(),
            accuracy: confusion.accuracy(),
            balanced_accuracy: confusion.balanced_accuracy(),
            macro_precision: precision.macro_average,
            macro_recall: recall.macro_average,
            macro_f1: f1.macro_average,
            micro_precision: precision.micro,
            micro_recall: recall.micro,
            micro_f1: f1.micro,
            weighted_precision: precision.weighted,
            weighted_recall: recall.weighted,
            weighted_f1: f1.weighted,
            log_loss: log_loss(predictions),
            macro_auc: curves.macro_auc(),
            micro_auc: curves.micro_auc(),
            weighted_auc: curves.weighted_auc(),
            auc_left_out: curves.left_out(),
            top_k,
            per_class,
            confusion,
        }
    }

    /// The value of a metric; `None` where it is undefined on these samples.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Accuracy => Some(self.accuracy),
            Metric::BalancedAccuracy => Some(self.balanced_accuracy),
            Metric::MacroPrecision => Some(self.macro_precision),
            Metric::MacroRecall => Some(self.macro_recall),
            Metric::MacroF1 => Some(self.macro_f1),
            Metric::WeightedPrecision => Some(self.weighted_precision),
            Metric::WeightedRecall => Some(self.weighted_recall),
            Metric::WeightedF1 => Some(self.weighted_f1),
            Metric::LogLoss => Some(self.log_loss),
            Metric::MacroAuc => self.macro_auc,
            Metric::MicroAuc => self.micro_auc,
            Metric::WeightedAuc => self.weighted_auc,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_names_in_files() {
        for metric in Metric::ALL {
            let written = serde_json::to_value(metric).unwrap();
            assert_eq!(written, metric.id());
        }
    }

    #[test]
    fn it_survives_json() {
        let p = Probabilities::new(3, vec![0.1, 0.2, 0.7, 0.6, 0.2, 0.2]).unwrap();
        let evaluation = Evaluation::new(&[2, 1], &p).unwrap();
        assert_eq!(evaluation.auc_left_out, [0]);
        assert_eq!(evaluation.top_k.len(), 1);
        let written = serde_json::to_string(&evaluation).unwrap();
        assert_eq!(
            serde_json::from_str::<Evaluation>(&written).unwrap(),
            evaluation
        );
    }
}
