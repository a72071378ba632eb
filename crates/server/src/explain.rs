//! Why a model answers as it does, as far as it can tell.
//!
//! Models that keep their training pictures show the nearest ones. Models that are a
//! chain of layers show what each pixel had to do with the answer, and what their
//! convolutions made of the picture.

use std::borrow::Cow;

use bakeoff_core::{Images, Layer, Layers, LayersError, TrainingNeighbour};
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
    /// What each pixel had to do with the answer, of models that are a chain of layers.
    Saliency,
    /// What came out of the convolutions, of models that have some.
    Features,
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

/// What each pixel had to do with the answer: its value times the slope of the answer's
/// logarithm along it ("gradient × input"; Shrikumar, Greenside, Kundaje 2017,
/// <https://arxiv.org/abs/1704.02685>). For a linear model that is exactly its share.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Saliency {
    /// Rows.
    height: usize,
    /// Columns.
    width: usize,
    /// In percent of the strongest, row by row, channels added up: above 0 for the
    /// answer, below 0 against it.
    values: Vec<i8>,
}

/// What came out of one convolution.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeatureMaps {
    /// Position of the layer, from 1.
    layer: usize,
    /// How many maps, and their size.
    shape: Shape,
    /// Map by map and row by row, after the ReLU where one follows: from 0 to 255, the
    /// largest value of the layer.
    values: Vec<u8>,
}

/// Why a model answers as it does.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// The nearest training pictures, nearest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbours: Option<Vec<NearPicture>>,
    /// What each pixel had to do with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    saliency: Option<Saliency>,
    /// What came out of each convolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<Vec<FeatureMaps>>,
}

impl Explanation {
    pub(crate) fn is_empty(&self) -> bool {
        self.neighbours.is_none() && self.saliency.is_none() && self.features.is_none()
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
    let mut explanation = Explanation::default();
    if wanted.wants(ExplainKind::Neighbours) {
        explanation.neighbours = neighbours(served, images)?;
    }
    let in_layers = wanted.wants(ExplainKind::Saliency) || wanted.wants(ExplainKind::Features);
    let layers = if in_layers { served.layers() } else { None };
    if let (Some(layers), Some(picture)) = (layers, images.get(0)) {
        let told = |error: LayersError| error.to_string();
        if wanted.wants(ExplainKind::Saliency) {
            let map = saliency(layers, picture, usize::from(label)).map_err(told)?;
            explanation.saliency = Some(map);
        }
        if wanted.wants(ExplainKind::Features) {
            let maps = features(layers, picture).map_err(told)?;
            explanation.features = Some(maps).filter(|maps| !maps.is_empty());
        }
    }
    Ok(explanation)
}

fn neighbours(served: &Served, images: &Images) -> Result<Option<Vec<NearPicture>>, String> {
    let near = served
        .model
        .training_neighbours(images, NEIGHBOURS)
        .map_err(|error| error.to_string())?;
    let shown = |near: TrainingNeighbour| NearPicture {
        index: near.index,
        class: served.class_name(usize::from(near.label)).to_owned(),
        distance: near.distance,
        shape: images.shape().into(),
        pixels: near.pixels,
    };
    Ok(near.map(|near| near.into_iter().map(shown).collect()))
}

/// An answer surer than this has slopes that rounding eats.
const SURE: f32 = 0.99;

/// Scores are divided by 2 at most so many times.
const HALVINGS: usize = 12;

fn saliency(layers: &Layers, picture: &[u8], class: usize) -> Result<Saliency, LayersError> {
    let mut layers = Cow::Borrowed(layers);
    let mut answer = bakeoff_network::forward(&layers, picture)?;
    // Where an answer is as good as certain, nothing moves it: its slope is zero but for
    // rounding. Softer scores ask the same question while there is still an answer.
    for _ in 0..HALVINGS {
        if answer.probabilities.get(class).is_none_or(|&p| p < SURE) {
            break;
        }
        let softer = layers.temperature() * 2.0;
        layers = Cow::Owned(layers.into_owned().with_temperature(softer)?);
        answer = bakeoff_network::forward(&layers, picture)?;
    }
    let slope = bakeoff_network::input_gradient(&layers, picture, class)?;
    let shape = layers.input();
    let mut shares = vec![0.0_f32; shape.height * shape.width];
    for (plane, slopes) in answer
        .input
        .chunks_exact(shares.len())
        .zip(slope.chunks_exact(shares.len()))
    {
        for ((share, value), slope) in shares.iter_mut().zip(plane).zip(slopes) {
            *share += value * slope;
        }
    }
    let strongest = shares.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    let scale = if strongest > 0.0 {
        100.0 / strongest
    } else {
        0.0
    };
    Ok(Saliency {
        height: shape.height,
        width: shape.width,
        // Between -100 and 100 by the scale.
        values: shares.iter().map(|it| (it * scale).round() as i8).collect(),
    })
}

fn features(layers: &Layers, picture: &[u8]) -> Result<Vec<FeatureMaps>, LayersError> {
    let came_out = bakeoff_network::forward(layers, picture)?.layers;
    let mut maps = Vec::new();
    for (index, layer) in layers.layers().iter().enumerate() {
        if !matches!(layer, Layer::Conv(_)) {
            continue;
        }
        let relu = matches!(layers.layers().get(index + 1), Some(Layer::Relu));
        let Some(out) = came_out.get(index + usize::from(relu)) else {
            continue;
        };
        let largest = out.values.iter().fold(0.0_f32, |most, &it| most.max(it));
        let scale = if largest > 0.0 { 255.0 / largest } else { 0.0 };
        maps.push(FeatureMaps {
            layer: index + 1,
            shape: out.shape.into(),
            // Saturates below at 0, where there is no ReLU.
            values: out
                .values
                .iter()
                .map(|it| (it * scale).round() as u8)
                .collect(),
        });
    }
    Ok(maps)
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{DenseLayer, ImageShape};

    use super::*;

    /// Two classes: ink on the left speaks for the first, ink on the right for the other.
    fn left_or_right(weight: f32) -> Layers {
        let dense = DenseLayer {
            weights: vec![weight, -weight, -weight, weight],
            bias: vec![0.0, 0.0],
        };
        Layers::new(
            ImageShape::new(1, 1, 2),
            1.0 / 255.0,
            vec![Layer::Dense(dense)],
        )
        .expect("layers")
    }

    #[test]
    fn pixels_speak_for_and_against_an_answer() {
        for weight in [1.0, 30.0, 1000.0] {
            let layers = left_or_right(weight);
            let map = saliency(&layers, &[200, 100], 0).expect("a map");
            assert_eq!(map.values, [100, -50], "weight {weight}");
            let map = saliency(&layers, &[0, 100], 1).expect("a map");
            assert_eq!(map.values, [0, 100], "weight {weight}");
        }
    }

    #[test]
    fn no_picture_at_all_speaks_for_nothing() {
        let map = saliency(&left_or_right(1.0), &[0, 0], 0).expect("a map");
        assert_eq!(map.values, [0, 0]);
    }
}
