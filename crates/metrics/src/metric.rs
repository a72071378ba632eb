//! The scores that can be resampled for an interval.

use serde::{Deserialize, Serialize};

/// A score that models can be ranked by, with an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// [`crate::Evaluation::accuracy`].
    Accuracy,
    /// [`crate::Evaluation::balanced_accuracy`].
    BalancedAccuracy,
    /// [`crate::Evaluation::macro_precision`].
    MacroPrecision,
    /// [`crate::Evaluation::macro_recall`].
    MacroRecall,
    /// [`crate::Evaluation::macro_f1`].
    MacroF1,
    /// [`crate::Evaluation::weighted_precision`].
    WeightedPrecision,
    /// [`crate::Evaluation::weighted_recall`].
    WeightedRecall,
    /// [`crate::Evaluation::weighted_f1`].
    WeightedF1,
    /// [`crate::Evaluation::matthews_correlation`].
    MatthewsCorrelation,
    /// [`crate::Evaluation::cohen_kappa`].
    CohenKappa,
    /// [`crate::Evaluation::log_loss`].
    LogLoss,
    /// [`crate::Evaluation::brier_score`].
    BrierScore,
    /// [`crate::Evaluation::expected_calibration_error`].
    ExpectedCalibrationError,
    /// [`crate::Evaluation::macro_auc`].
    MacroAuc,
    /// [`crate::Evaluation::weighted_auc`].
    WeightedAuc,
}

impl Metric {
    /// Every metric, in the order of a report.
    pub const ALL: [Self; 15] = [
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::MacroPrecision,
        Self::MacroRecall,
        Self::MacroF1,
        Self::WeightedPrecision,
        Self::WeightedRecall,
        Self::WeightedF1,
        Self::MatthewsCorrelation,
        Self::CohenKappa,
        Self::LogLoss,
        Self::BrierScore,
        Self::ExpectedCalibrationError,
        Self::MacroAuc,
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
            Self::MatthewsCorrelation => "matthews_correlation",
            Self::CohenKappa => "cohen_kappa",
            Self::LogLoss => "log_loss",
            Self::BrierScore => "brier_score",
            Self::ExpectedCalibrationError => "expected_calibration_error",
            Self::MacroAuc => "macro_auc",
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
            Self::MatthewsCorrelation => "Matthews correlation",
            Self::CohenKappa => "Cohen's kappa",
            Self::LogLoss => "log loss",
            Self::BrierScore => "Brier score",
            Self::ExpectedCalibrationError => "expected calibration error",
            Self::MacroAuc => "macro AUC",
            Self::WeightedAuc => "weighted AUC",
        }
    }

    /// Whether a higher value is a better one; of the losses a lower one is.
    pub fn higher_is_better(self) -> bool {
        !matches!(
            self,
            Self::LogLoss | Self::BrierScore | Self::ExpectedCalibrationError
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_the_names_in_files() {
        for metric in Metric::ALL {
            let written = serde_json::to_value(metric).unwrap();
            assert_eq!(written, metric.id());
        }
        let distinct: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.id()).collect();
        assert_eq!(distinct.len(), Metric::ALL.len());
    }
}
