//! How the models of a run were found.

use serde::{Deserialize, Serialize};

use crate::ModelSpec;

/// A search: every recipe that was tried, each scored on images that were held out of the training part. The
/// test part took no part in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchInfo {
    /// What it was allowed to take, with the fits of the chosen models; `None` where trials were counted.
    pub budget_seconds: Option<u64>,
    /// What it took, until the models were chosen.
    pub seconds: f64,
    /// Images that scores are of, over all draws.
    pub held_out: usize,
    /// How often they were drawn.
    pub draws: usize,
    /// In the order in which they were tried.
    pub tried: Vec<Tried>,
    /// The models of the run, the best first, by family.
    pub chosen: Vec<Chosen>,
    /// The models that the budget had no room for, each with the time that it would take, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The ensemble of the models of the run, where one was better on held-out images than each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<ChosenEnsemble>,
}

/// A recipe that was tried on a share of the training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Its name in the search.
    pub model: String,
    /// The recipe.
    pub spec: ModelSpec,
    /// Images that it was trained on.
    pub train_samples: usize,
    /// Share of correct predictions on held-out images, the mean over the draws; `None` if it failed.
    pub accuracy: Option<f64>,
    /// Mean negative log probability of the correct class there, in nats.
    pub log_loss: Option<f64>,
    /// Its trials, each on another draw of the images that are held out.
    pub trials: usize,
    /// What they took together, from start to end.
    pub seconds: f64,
    /// The largest resident size of its processes.
    pub peak_rss_bytes: Option<u64>,
    /// When the last of its trials ended, from the start of the search.
    pub ended_at_seconds: f64,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a search gave for a family: models of the run, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The family.
    pub family: String,
    /// The model with the family's defaults; `None` if the budget had no room for it.
    pub default: Option<String>,
    /// The model with the best recipe; `None` if that is the default, or the budget had no room for it.
    pub tuned: Option<String>,
}

/// An ensemble of models of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenEnsemble {
    /// Its name in the run.
    pub model: String,
    /// Its members with their weights, by name.
    pub members: Vec<(String, usize)>,
}
