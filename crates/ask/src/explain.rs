//! Why a model answers as it does, as far as it can tell.
//!
//! Models that keep their training images show the nearest ones. Models that are a
//! chain of layers show which pixels speak for and against the answer, and what their
//! convolutions make of the image; of the others parts are painted over to see what they say.

use std::borrow::Cow;

use bakeoff_core::{
    ImageShape, Images, Layer, Layers, LayersError, PredictError, TrainingNeighbour,
};
use bakeoff_network::{forward, input_gradient};
use serde::{Deserialize, Serialize};

use crate::{models::Model, occlusion::occlusion};

/// How many of the nearest training images are shown.
const NEIGHBOURS: usize = 5;

/// A kind of explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExplainKind {
    /// The nearest training images, of models that keep them.
    Neighbours,
    /// The pixels for and against the answer.
    Saliency,
    /// The output of the convolutions, of models that have some.
    Features,
}

/// Why a model answers as it does. What a model cannot tell is `None`.
#[derive(Debug, Default, Serialize)]
pub struct Explanation {
    /// The nearest training images, nearest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbours: Option<Vec<Neighbour>>,
    /// The pixels for and against the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    saliency: Option<Saliency>,
    /// The output of each convolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<Vec<FeatureMaps>>,
}

/// A training image near the one that is asked about.
#[derive(Debug, Serialize)]
struct Neighbour {
    /// Its position in the training data, from 0.
    index: usize,
    /// The name of its class.
    class: String,
    /// How far away it is, in the model's metric.
    distance: f64,
    /// Its shape.
    shape: ImageShape,
    /// Its grey levels.
    pixels: Vec<u8>,
}

/// How a map of pixels for and against an answer was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum SaliencyMethod {
    /// Of a chain of layers: each pixel's value times the gradient of the answer's log probability with
    /// respect to it ("gradient × input"; Shrikumar, Greenside, Kundaje 2017,
    /// <https://arxiv.org/abs/1704.02685>). For a linear model that is exactly its share.
    Gradient,
    /// Of any other model: what the answer's log probability loses when a square over the pixel is painted over
    /// (Zeiler and Fergus 2014).
    Occlusion,
}

/// The pixels for and against the answer.
#[derive(Debug, Serialize)]
struct Saliency {
    /// How they were found.
    method: SaliencyMethod,
    /// Rows.
    height: usize,
    /// Columns.
    width: usize,
    /// In percent of the strongest, row by row, summed over the channels: above 0 for the
    /// answer, below 0 against it.
    values: Vec<i8>,
}

/// The output of one convolution.
#[derive(Debug, Serialize)]
struct FeatureMaps {
    /// Position of the layer, from 1.
    layer: usize,
    /// How many maps, and their size.
    shape: ImageShape,
    /// Map by map and row by row, after the ReLU where one follows: from 0 to 255, the
    /// largest value of the layer.
    values: Vec<u8>,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The model cannot find the nearest training images.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The layers cannot compute this image.
    #[error(transparent)]
    Layers(#[from] LayersError),
}

impl Explanation {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.neighbours.is_none() && self.saliency.is_none() && self.features.is_none()
    }
}

impl Model {
    /// Explains why the model gives `label` to the one image of `images`.
    ///
    /// # Errors
    /// When the model or its layers cannot compute this image.
    pub fn explain(
        &self,
        images: &Images,
        label: u16,
        wanted: &[ExplainKind],
    ) -> Result<Explanation, ExplainError> {
        let mut explanation = Explanation::default();
        // Each at most once, however often a request repeats it.
        let wants = |kind| wanted.contains(&kind);
        if wants(ExplainKind::Neighbours) {
            let near = self.saved.model.training_neighbours(images, NEIGHBOURS)?;
            explanation.neighbours = near.map(|near| {
                let shown = |near| self.neighbour(near, images.shape());
                near.into_iter().map(shown).collect()
            });
        }
        let of_layers = wants(ExplainKind::Saliency) || wants(ExplainKind::Features);
        let layers = if of_layers { self.layers() } else { None };
        // A program may take long for two hundred images.
        if wants(ExplainKind::Saliency) && layers.is_none() && !self.is_program() {
            let shares = occlusion(&*self.saved.model, images, usize::from(label))?;
            let shape = images.shape();
            explanation.saliency =
                shares.map(|shares| Saliency::of(&shares, shape, SaliencyMethod::Occlusion));
        }
        if let (Some(layers), Some(picture)) = (layers, images.get(0)) {
            if wants(ExplainKind::Saliency) {
                explanation.saliency = Some(saliency(layers, picture, usize::from(label))?);
            }
            if wants(ExplainKind::Features) {
                let maps = features(layers, picture)?;
                explanation.features = Some(maps).filter(|maps| !maps.is_empty());
            }
        }
        Ok(explanation)
    }

    fn neighbour(&self, near: TrainingNeighbour, shape: ImageShape) -> Neighbour {
        Neighbour {
            index: near.index,
            class: self.class_name(usize::from(near.label)).to_owned(),
            distance: near.distance,
            shape,
            pixels: near.pixels,
        }
    }
}

/// The gradients of an answer more confident than this are lost in rounding.
const CONFIDENT: f32 = 0.99;

/// The temperature is doubled at most this many times.
const HALVINGS: usize = 12;

fn saliency(layers: &Layers, picture: &[u8], class: usize) -> Result<Saliency, LayersError> {
    let mut layers = Cow::Borrowed(layers);
    let mut answer = forward(&layers, picture)?;
    // The gradient of a nearly certain answer is zero but for rounding. A higher
    // temperature gives softer scores with the same order, and a gradient again.
    for _ in 0..HALVINGS {
        if answer
            .probabilities
            .get(class)
            .is_none_or(|&p| p < CONFIDENT)
        {
            break;
        }
        let temperature = layers.temperature() * 2.0;
        layers = Cow::Owned(layers.into_owned().with_temperature(temperature)?);
        answer = forward(&layers, picture)?;
    }
    let gradient = input_gradient(&layers, picture, class)?;
    let shape = layers.input();
    let mut shares = vec![0.0_f32; shape.height * shape.width];
    for (values, gradients) in answer
        .input
        .chunks_exact(shares.len())
        .zip(gradient.chunks_exact(shares.len()))
    {
        for ((share, value), gradient) in shares.iter_mut().zip(values).zip(gradients) {
            *share += value * gradient;
        }
    }
    Ok(Saliency::of(&shares, shape, SaliencyMethod::Gradient))
}

impl Saliency {
    /// Of what each pixel says, in any unit.
    fn of(shares: &[f32], shape: ImageShape, method: SaliencyMethod) -> Self {
        let strongest = shares.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
        let scale = if strongest > 0.0 {
            100.0 / strongest
        } else {
            0.0
        };
        Self {
            method,
            height: shape.height,
            width: shape.width,
            // The scale keeps them between -100 and 100.
            values: shares.iter().map(|it| (it * scale).round() as i8).collect(),
        }
    }
}

fn features(layers: &Layers, picture: &[u8]) -> Result<Vec<FeatureMaps>, LayersError> {
    let outputs = forward(layers, picture)?.layers;
    let mut maps = Vec::new();
    for (index, layer) in layers.layers().iter().enumerate() {
        if !matches!(layer, Layer::Conv(_)) {
            continue;
        }
        let relu = matches!(layers.layers().get(index + 1), Some(Layer::Relu));
        let Some(output) = outputs.get(index + usize::from(relu)) else {
            continue;
        };
        let largest = output.values.iter().fold(0.0_f32, |most, &it| most.max(it));
        let scale = if largest > 0.0 { 255.0 / largest } else { 0.0 };
        maps.push(FeatureMaps {
            layer: index + 1,
            shape: output.shape,
            // `as` makes negative values 0, where no ReLU follows.
            values: output
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
    use bakeoff_core::DenseLayer;

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
