//! What models answer about an image, as `predict` shows it.

use bakeoff_ask::{Doubt, Model};
use bakeoff_core::Images;
use serde::Serialize;

use super::pictures::Fault;

/// A class and its probability.
#[derive(Serialize)]
pub(super) struct Candidate {
    pub(super) class: String,
    pub(super) probability: f32,
}

/// One model's answer to one image.
#[derive(Serialize)]
pub(super) struct Answer {
    pub(super) model: String,
    pub(super) class: String,
    pub(super) probability: f32,
    /// Whether the answer is often wrong: its probability is low, or no class fits well.
    pub(super) unsure: bool,
    pub(super) doubt: Option<Doubt>,
    pub(super) top: Vec<Candidate>,
}

/// A line of `--json`.
#[derive(Default, Serialize)]
pub(super) struct PictureLine {
    /// The path as text. A name that is not Unicode is shown as well as possible.
    pub(super) image: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    pub(super) predictions: Vec<Answer>,
    #[serde(skip)]
    pub(super) fault: Option<Fault>,
    /// The image as the first model sees it.
    #[serde(skip)]
    pub(super) prepared: Option<Images>,
}

impl PictureLine {
    /// Answers about an image of that name.
    pub(super) fn new(image: String, predictions: Vec<Answer>) -> Self {
        Self {
            image,
            predictions,
            ..Self::default()
        }
    }
}

impl Answer {
    pub(super) fn new(model: &Model, answer: &bakeoff_ask::Answer, top: usize) -> Self {
        let candidate = |class: usize| Candidate {
            class: model.class_name(class).to_owned(),
            probability: answer.probabilities[class],
        };
        let Candidate { class, probability } = candidate(usize::from(answer.label));
        let ranked = answer.ranked();
        Self {
            model: model.name().to_owned(),
            class,
            probability,
            unsure: answer.doubt().is_some(),
            doubt: answer.doubt(),
            top: ranked.into_iter().take(top).map(candidate).collect(),
        }
    }
}
