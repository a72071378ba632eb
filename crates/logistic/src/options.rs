//! The settings of the family.

use bakeoff_core::{ClassWeight, SettingKind};

/// The number of iterations that smartcore allows; it has no setting for it.
pub(crate) const SMARTCORE_ITERATIONS: u64 = 1000;

bakeoff_core::settings! {
    /// The settings, resolved.
    pub(crate) struct Options {
        c: f64 = 1.0, SettingKind::Float { min: 1e-9, max: 1e9 },
            "inverse strength of the L2 penalty, with scikit-learn's meaning; smaller is smoother";
        max_iterations: u64 = SMARTCORE_ITERATIONS, SettingKind::Int { min: 1, max: 1_000_000 },
            "iterations of the solver at most";
        tolerance: f64 = 1e-4, SettingKind::Float { min: 1e-9, max: 1.0 },
            "converged when no component of the mean loss's gradient is larger; scikit-learn's tol";
        class_weight (default): ClassWeight = "none", ClassWeight::KIND,
            "balanced: every class weighs the same in the loss, as in scikit-learn; engine native";
    }
}
