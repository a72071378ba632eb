//! What is known of a model that another program trained: its predictions were imported.

use serde::{Deserialize, Serialize};

/// A model of another program, whose predictions were imported. Nothing about it was measured here
/// but the predictions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct External {
    /// The name of the file that was imported.
    pub file: String,
    /// SHA-256 of that file, hexadecimal.
    pub sha256: String,
    /// Only the predicted class of each sample is known. The probabilities beside the record are 1
    /// for it and 0 for the others, and nothing that depends on probabilities is shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub labels_alone: bool,
    /// What its author says of its costs.
    #[serde(default)]
    pub given: GivenCosts,
    /// What its author says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// How the file was read: what was matched, reordered or normalised, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Why the predictions may be wrong, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Costs that the author of a model gives, measured elsewhere and in another way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GivenCosts {
    /// Training, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit_seconds: Option<f64>,
    /// Predicting one image alone, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predict_ms_per_image: Option<f64>,
    /// Numbers that the fit chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Size of the saved model in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_bytes: Option<u64>,
}
