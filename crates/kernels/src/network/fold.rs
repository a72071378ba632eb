//! A network for answers: dropout is gone, batch norm is folded into the weights before it.

use super::{Network, layers::Layer};
use crate::norm::EPSILON;

impl Network {
    /// The network for answers where nothing is to be folded: without dropout.
    pub(crate) fn without_dropout(&self) -> Self {
        let layers = self.layers.iter();
        Self {
            layers: layers
                .filter(|layer| !matches!(layer, Layer::Dropout(_)))
                .cloned()
                .collect(),
            ..self.clone()
        }
    }

    /// The network for answers and the values of its tensors, from `values` in the order of
    /// [`Network::tensors`]. Behind a batch norm `γ (w·x − mean) / √(var + ε) + β` becomes
    /// weights and biases of their own. Where it comes after a pool, γ is 1, so that the largest value
    /// is the same before and after it, and the pool may come last.
    ///
    /// `None` where there are too few values.
    #[allow(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
    pub fn folded(&self, values: &[Vec<f32>]) -> Option<(Self, Vec<Vec<f32>>)> {
        let mut values = values.iter();
        let (mut layers, mut folded) = (Vec::new(), Vec::new());
        for layer in &self.layers {
            let mut layer = layer.clone();
            let norm = match &mut layer {
                Layer::Dropout(_) => continue,
                Layer::MaxPool(_) | Layer::AveragePool(_) | Layer::Skip | Layer::Add => {
                    layers.push(layer);
                    continue;
                }
                Layer::Conv(conv) => std::mem::take(&mut conv.norm),
                Layer::Dense(dense) => std::mem::take(&mut dense.norm),
            };
            layers.push(layer);
            let mut weights = values.next()?.clone();
            let Some(place) = norm else {
                folded.extend([weights, values.next()?.clone()]);
                continue;
            };
            let gamma = match place.is_scaled() {
                true => Some(values.next()?),
                false => None,
            };
            let beta = values.next()?;
            let (mean, variance) = (values.next()?, values.next()?);
            let mut bias = Vec::with_capacity(beta.len());
            let each = weights.len() / beta.len();
            for (output, row) in weights.chunks_exact_mut(each).enumerate() {
                let gamma = gamma.map_or(1.0, |gamma| f64::from(gamma[output]));
                let factor = gamma / (f64::from(variance[output]) + EPSILON).sqrt();
                for weight in row {
                    *weight = (f64::from(*weight) * factor) as f32;
                }
                bias.push((f64::from(beta[output]) - f64::from(mean[output]) * factor) as f32);
            }
            folded.extend([weights, bias]);
        }
        let network = Self {
            layers,
            ..self.clone()
        };
        Some((network, folded))
    }
}
