//! The reference for what layers compute: one picture, plain loops, nothing clever.

use super::{ConvLayer, DenseLayer, Layer, Layers, LayersError, MaxPoolLayer};
use crate::ImageShape;

/// What came out of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// Channels, rows and columns; outputs of a dense layer are channels of 1×1.
    pub shape: ImageShape,
    /// In the order channel, row, column.
    pub values: Vec<f32>,
}

/// What one picture became, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// The picture as the first layer saw it: `byte · scale`, C×H×W.
    pub input: Vec<f32>,
    /// What came out of each layer, in the order of [`Layers::layers`]. The last are the
    /// scores before temperature and softmax.
    pub layers: Vec<Activation>,
    /// One for each class; they sum to one.
    pub probabilities: Vec<f32>,
}

impl Layers {
    /// Answers one picture of C×H×W bytes and tells what every layer made of it.
    ///
    /// # Errors
    /// [`LayersError::Picture`] when the length is another.
    pub fn forward(&self, picture: &[u8]) -> Result<Activations, LayersError> {
        if picture.len() != self.input().pixels() {
            return Err(LayersError::Picture {
                expected: self.input(),
                got: picture.len(),
            });
        }
        Ok(self.forward_scaled(
            picture
                .iter()
                .map(|&byte| f32::from(byte) * self.scale())
                .collect(),
        ))
    }

    /// The same for a picture that is scaled already and has the right length.
    pub(super) fn forward_scaled(&self, input: Vec<f32>) -> Activations {
        let mut layers: Vec<Activation> = Vec::with_capacity(self.layers().len());
        let mut shape = self.input();
        for (layer, &output) in self.layers().iter().zip(self.shapes()) {
            let values = layers.last().map_or(&input, |last| &last.values);
            let values = match layer {
                Layer::Conv(conv) => convolve(conv, shape, output, values),
                Layer::MaxPool(pool) => max_pool(pool, shape, output, values),
                Layer::Dense(dense) => multiply(dense, values),
                Layer::Relu => values.iter().map(|&value| value.max(0.0)).collect(),
            };
            shape = output;
            layers.push(Activation { shape, values });
        }
        let scores = layers.last().map_or(&input, |last| &last.values);
        let probabilities = softmax(scores, self.temperature());
        Activations {
            input,
            layers,
            probabilities,
        }
    }
}

/// The input place that a window at `out` sees at its row or column `k`, if it is not
/// in the zeros around the picture.
pub(super) fn place(
    out: usize,
    stride: usize,
    k: usize,
    before: usize,
    len: usize,
) -> Option<usize> {
    (out * stride + k)
        .checked_sub(before)
        .filter(|&at| at < len)
}

fn convolve(conv: &ConvLayer, input: ImageShape, output: ImageShape, values: &[f32]) -> Vec<f32> {
    let [rows, columns] = conv.kernel;
    let [above, left, ..] = conv.pad;
    let mut out = Vec::with_capacity(output.pixels());
    for filter in 0..conv.filters {
        for y in 0..output.height {
            for x in 0..output.width {
                let mut sum = f64::from(conv.bias[filter]);
                for channel in 0..input.channels {
                    for ky in 0..rows {
                        let Some(row) = place(y, conv.stride[0], ky, above, input.height) else {
                            continue;
                        };
                        for kx in 0..columns {
                            let Some(column) = place(x, conv.stride[1], kx, left, input.width)
                            else {
                                continue;
                            };
                            let weight =
                                ((filter * input.channels + channel) * rows + ky) * columns + kx;
                            let value = (channel * input.height + row) * input.width + column;
                            sum += f64::from(conv.weights[weight]) * f64::from(values[value]);
                        }
                    }
                }
                out.push(sum as f32);
            }
        }
    }
    out
}

/// The place in `values` of the largest value of each window, the first of equals.
pub(super) fn largest(
    pool: &MaxPoolLayer,
    input: ImageShape,
    output: ImageShape,
    values: &[f32],
) -> Vec<usize> {
    let mut found = Vec::with_capacity(output.pixels());
    for channel in 0..output.channels {
        for y in 0..output.height {
            for x in 0..output.width {
                let at = |ky: usize, kx: usize| {
                    let (row, column) = (y * pool.stride[0] + ky, x * pool.stride[1] + kx);
                    (channel * input.height + row) * input.width + column
                };
                let mut best = at(0, 0);
                for ky in 0..pool.size[0] {
                    for kx in 0..pool.size[1] {
                        if values[at(ky, kx)] > values[best] {
                            best = at(ky, kx);
                        }
                    }
                }
                found.push(best);
            }
        }
    }
    found
}

fn max_pool(
    pool: &MaxPoolLayer,
    input: ImageShape,
    output: ImageShape,
    values: &[f32],
) -> Vec<f32> {
    let places = largest(pool, input, output, values);
    places.into_iter().map(|place| values[place]).collect()
}

fn multiply(dense: &DenseLayer, values: &[f32]) -> Vec<f32> {
    dense
        .weights
        .chunks_exact(values.len())
        .zip(&dense.bias)
        .map(|(row, &bias)| {
            let products = row
                .iter()
                .zip(values)
                .map(|(&w, &v)| f64::from(w) * f64::from(v));
            (f64::from(bias) + products.sum::<f64>()) as f32
        })
        .collect()
}

/// `softmax(scores / temperature)`, shifted by the largest so that it cannot overflow.
fn softmax(scores: &[f32], temperature: f32) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let temperature = f64::from(temperature);
    let shifted: Vec<f64> = scores
        .iter()
        .map(|&score| ((f64::from(score) - f64::from(top)) / temperature).exp())
        .collect();
    let sum: f64 = shifted.iter().sum();
    shifted.iter().map(|value| (value / sum) as f32).collect()
}
