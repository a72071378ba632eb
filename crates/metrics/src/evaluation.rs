//! All headline numbers of one model on one set of samples, computed once.
//!
//! Reports, leaderboards and records read this struct and compute no score of their own,
//! so that two views cannot disagree.

use bakeoff_core::Probabilities;
use serde::{Deserialize, Serialize};

use crate::{
    Binning, ConfusionMatrix, Metric, MetricsError, OneVsOne, OneVsRest, Predictions, Reliability,
    brier_score, log_loss, margins::Margins, top_k_accuracy,
};

/// The values of k for which [`Evaluation::top_k`] is given, where there are more classes.
const TOP_K: [usize; 3] = [2, 3, 5];

/// Bins of the calibration errors in [`Evaluation`], as in the paper that named them.
pub(crate) const CALIBRATION_BINS: usize = 15;

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
    /// Correct among those predicted as this class; `None` where there are none.
    pub precision: Option<f64>,
    /// Correct among those of this class; `None` where there are none.
    pub recall: Option<f64>,
    /// Harmonic mean of both; `None` where the class occurs nowhere.
    pub f1: Option<f64>,
    /// Area under its ROC curve; `None` where all samples or none are of this class.
    pub auc: Option<f64>,
    /// Average precision; `None` where no sample is of this class.
    pub average_precision: Option<f64>,
}

/// All headline numbers. Where scores are averaged, the name says how; the functions they
/// come from say what happens to classes that are absent and to divisions by zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of samples, N.
    pub samples: usize,
    /// Number of classes, K.
    pub classes: usize,
    /// Share of correct predictions.
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
    /// [`ConfusionMatrix::matthews_correlation`].
    pub matthews_correlation: Option<f64>,
    /// [`ConfusionMatrix::cohen_kappa`].
    pub cohen_kappa: Option<f64>,
    /// Whether the model only says the class ([`Predictions::of_labels_alone`]): then areas are
    /// undefined, and log loss, Brier score and calibration errors are those of certain answers, which
    /// [`Evaluation::get`] does not give.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub labels_alone: bool,
    /// [`log_loss`], in nats.
    pub log_loss: f64,
    /// [`brier_score`], from 0 to 2.
    pub brier_score: f64,
    /// [`Reliability::expected_error`] of confidence, 15 bins of equal width.
    pub expected_calibration_error: f64,
    /// [`Reliability::maximum_error`] of confidence, 15 bins of equal width.
    pub maximum_calibration_error: f64,
    /// [`Reliability::expected_error`] of confidence, 15 bins of equal mass.
    pub expected_calibration_error_equal_mass: f64,
    /// [`OneVsRest::macro_auc`].
    pub macro_auc: Option<f64>,
    /// [`OneVsRest::micro_auc`].
    pub micro_auc: Option<f64>,
    /// [`OneVsRest::weighted_auc`].
    pub weighted_auc: Option<f64>,
    /// [`OneVsOne::macro_auc`].
    pub one_vs_one_auc: Option<f64>,
    /// [`OneVsRest::macro_average_precision`].
    pub macro_average_precision: Option<f64>,
    /// [`OneVsRest::micro_average_precision`].
    pub micro_average_precision: Option<f64>,
    /// [`OneVsRest::weighted_average_precision`].
    pub weighted_average_precision: Option<f64>,
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
        let labels_alone = predictions.are_labels_alone();
        let area = |area: Option<f64>| area.filter(|_| !labels_alone);
        let margins = Margins::new(predictions);
        let precision = margins.precision();
        let recall = margins.recall();
        let f1 = margins.f1();
        let per_class = margins
            .per_class()
            .into_iter()
            .zip(curves.auc())
            .zip(curves.average_precision())
            .enumerate()
            .map(
                |(class, ((scores, &auc), &average_precision))| ClassEvaluation {
                    class,
                    support: scores.support,
                    predicted: scores.predicted,
                    precision: scores.precision,
                    recall: scores.recall,
                    f1: scores.f1,
                    auc: area(auc),
                    average_precision: area(average_precision),
                },
            )
            .collect();
        let confidence = |binning| Reliability::of_confidence(predictions, binning);
        let equal_width = confidence(Binning::EqualWidth(CALIBRATION_BINS));
        let equal_mass = confidence(Binning::EqualMass(CALIBRATION_BINS));
        let top_k = TOP_K
            .into_iter()
            .filter(|&k| k < predictions.classes() && !labels_alone)
            .map(|k| TopK {
                k,
                accuracy: top_k_accuracy(predictions, k),
            })
            .collect();
        Self {
            samples: predictions.samples(),
            classes: predictions.classes(),
            accuracy: margins.accuracy(),
            balanced_accuracy: margins.balanced_accuracy(),
            macro_precision: precision.macro_average,
            macro_recall: recall.macro_average,
            macro_f1: f1.macro_average,
            micro_precision: precision.micro,
            micro_recall: recall.micro,
            micro_f1: f1.micro,
            weighted_precision: precision.weighted,
            weighted_recall: recall.weighted,
            weighted_f1: f1.weighted,
            matthews_correlation: margins.matthews_correlation(),
            cohen_kappa: margins.cohen_kappa(),
            labels_alone,
            log_loss: log_loss(predictions),
            brier_score: brier_score(predictions),
            expected_calibration_error: equal_width.expected_error(),
            maximum_calibration_error: equal_width.maximum_error(),
            expected_calibration_error_equal_mass: equal_mass.expected_error(),
            macro_auc: area(curves.macro_auc()),
            micro_auc: area(curves.micro_auc()),
            weighted_auc: area(curves.weighted_auc()),
            one_vs_one_auc: area(OneVsOne::new(predictions).macro_auc()),
            macro_average_precision: area(curves.macro_average_precision()),
            micro_average_precision: area(curves.micro_average_precision()),
            weighted_average_precision: area(curves.weighted_average_precision()),
            auc_left_out: curves.left_out(),
            top_k,
            per_class,
            confusion: ConfusionMatrix::new(predictions),
        }
    }

    /// The value of a metric; `None` where it is undefined on these samples.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        if self.labels_alone && metric.needs_probabilities() {
            return None;
        }
        match metric {
            Metric::Accuracy => Some(self.accuracy),
            Metric::BalancedAccuracy => Some(self.balanced_accuracy),
            Metric::MacroPrecision => Some(self.macro_precision),
            Metric::MacroRecall => Some(self.macro_recall),
            Metric::MacroF1 => Some(self.macro_f1),
            Metric::WeightedPrecision => Some(self.weighted_precision),
            Metric::WeightedRecall => Some(self.weighted_recall),
            Metric::WeightedF1 => Some(self.weighted_f1),
            Metric::MatthewsCorrelation => self.matthews_correlation,
            Metric::CohenKappa => self.cohen_kappa,
            Metric::LogLoss => Some(self.log_loss),
            Metric::BrierScore => Some(self.brier_score),
            Metric::ExpectedCalibrationError => Some(self.expected_calibration_error),
            Metric::MacroAuc => self.macro_auc,
            Metric::WeightedAuc => self.weighted_auc,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_labels_alone_there_is_what_labels_can_give() {
        let p = Probabilities::new(2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0]).unwrap();
        let predictions = Predictions::new(&[0, 1, 1], &p).unwrap();
        let curves = OneVsRest::new(&predictions);
        let known = Evaluation::of(&predictions, &curves);
        let alone = Evaluation::of(&predictions.of_labels_alone(), &curves);
        for metric in Metric::ALL {
            let expected = known.get(metric).filter(|_| !metric.needs_probabilities());
            assert_eq!(alone.get(metric), expected, "{metric:?}");
        }
        assert_eq!((alone.micro_auc, alone.one_vs_one_auc), (None, None));
        assert_eq!(alone.per_class[1].recall, Some(0.5));
        assert_eq!(alone.per_class[1].auc, None);
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
