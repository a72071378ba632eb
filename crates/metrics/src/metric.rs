//! The scores that can have an interval.

use serde::{Deserialize, Serialize};

/// A score that models can be ranked by, with an interval. Its name in files is its
/// serialised form (`macro_f1`); what people read of it is in the crate `measures`.
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

    /// Whether it depends on more than the predicted class, so that a model that only says the class
    /// has none.
    pub const fn needs_probabilities(self) -> bool {
        matches!(
            self,
            Self::LogLoss
                | Self::BrierScore
                | Self::ExpectedCalibrationError
                | Self::MacroAuc
                | Self::WeightedAuc
        )
    }
}
