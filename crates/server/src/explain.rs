//! Why a model answers as it does, as far as it can tell.

use bakeoff_core::Images;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{answer::Shape, shelf::Served};

/// How many of the nearest training pictures are shown.
const NEIGHBOURS: usize = 5;

/// A kind of explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ExplainKind {
    /// The nearest training pictures, of models that keep them.
    Neighbours,
}

/// What is to be explained.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explain(pub(crate) Vec<ExplainKind>);

impl Explain {
    fn wants(&self, kind: ExplainKind) -> bool {
        self.0.contains(&kind)
    }
}

/// A training picture near the one that was asked about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NearPicture {
    /// Its position in the training data, from 0.
    index: usize,
    /// The name of its class.
    class: String,
    /// How far away it is, in the model's metric.
    distance: f64,
    /// Its shape.
    shape: Shape,
    /// Its grey levels, as in `inputs`.
    pixels: Vec<u8>,
}

/// Why a model answers as it does.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// The nearest training pictures, nearest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbours: Option<Vec<NearPicture>>,
}

impl Explanation {
    pub(crate) fn is_empty(&self) -> bool {
        self.neighbours.is_none()
    }
}

/// Explains why the model gives `label` to the one picture of `images`. What a model
/// cannot tell is left out.
pub(crate) fn explain(
    served: &Served,
    images: &Images,
    label: u16,
    wanted: &Explain,
) -> Result<Explanation, String> {
    let _ = label;
    let mut explanation = Explanation::default();
    if wanted.wants(ExplainKind::Neighbours) {
        let near = served
            .model
            .training_neighbours(images, NEIGHBOURS)
            .map_err(|error| error.to_string())?;
        explanation.neighbours = near.map(|near| {
            near.into_iter()
                .map(|near| NearPicture {
                    index: near.index,
                    class: served.class_name(usize::from(near.label)).to_owned(),
                    distance: near.distance,
                    shape: images.shape().into(),
                    pixels: near.pixels,
                })
                .collect()
        });
    }
    Ok(explanation)
}
