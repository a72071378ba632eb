//! The slope of an answer along the pixels of its picture.

use super::{ConvLayer, DenseLayer, Layer, Layers, LayersError, forward};
use crate::ImageShape;

impl Layers {
    /// `∂ ln p(class) / ∂ x` of one picture of C×H×W bytes, where `x = byte · scale` is
    /// what the first layer sees: C×H×W values, in nats for each unit of `x`.
    ///
    /// Where a layer has a kink the slope is that of one side: zero at a ReLU's zero, and
    /// a window's maximum is the first of equals.
    ///
    /// # Errors
    /// When the picture has another length or the model has no such class.
    pub fn input_gradient(&self, picture: &[u8], class: usize) -> Result<Vec<f32>, LayersError> {
        if class >= self.classes() {
            return Err(LayersError::Class {
                class,
                classes: self.classes(),
            });
        }
        let answer = self.forward(picture)?;
        // d ln softmax(s / t)[class] / d s = (1[class] − p) / t
        let mut slope: Vec<f32> = answer.probabilities.iter().map(|p| -p).collect();
        slope[class] += 1.0;
        for value in &mut slope {
            *value /= self.temperature();
        }
        for index in (0..self.layers().len()).rev() {
            let (shape, values) = match index.checked_sub(1) {
                Some(before) => (self.shapes()[before], &answer.layers[before].values),
                None => (self.input(), &answer.input),
            };
            let output = self.shapes()[index];
            slope = match &self.layers()[index] {
                Layer::Relu => values
                    .iter()
                    .zip(&slope)
                    .map(|(&value, &slope)| if value > 0.0 { slope } else { 0.0 })
                    .collect(),
                Layer::Dense(dense) => through_dense(dense, shape, &slope),
                Layer::Conv(conv) => through_convolution(conv, shape, output, &slope),
                Layer::MaxPool(pool) => {
                    let mut back = vec![0.0; shape.pixels()];
                    let places = forward::largest(pool, shape, output, values);
                    for (place, slope) in places.into_iter().zip(&slope) {
                        back[place] += slope;
                    }
                    back
                }
            };
        }
        Ok(slope)
    }
}

fn through_dense(dense: &DenseLayer, input: ImageShape, slope: &[f32]) -> Vec<f32> {
    let mut back = vec![0.0_f64; input.pixels()];
    for (row, &slope) in dense.weights.chunks_exact(back.len()).zip(slope) {
        for (back, &weight) in back.iter_mut().zip(row) {
            *back += f64::from(weight) * f64::from(slope);
        }
    }
    back.into_iter().map(|value| value as f32).collect()
}

fn through_convolution(
    conv: &ConvLayer,
    input: ImageShape,
    output: ImageShape,
    slope: &[f32],
) -> Vec<f32> {
    let [rows, columns] = conv.kernel;
    let [above, left, ..] = conv.pad;
    let mut back = vec![0.0_f64; input.pixels()];
    for filter in 0..conv.filters {
        for y in 0..output.height {
            for x in 0..output.width {
                let slope = f64::from(slope[(filter * output.height + y) * output.width + x]);
                for channel in 0..input.channels {
                    for ky in 0..rows {
                        let Some(row) = forward::place(y, conv.stride[0], ky, above, input.height)
                        else {
                            continue;
                        };
                        for kx in 0..columns {
                            let Some(column) =
                                forward::place(x, conv.stride[1], kx, left, input.width)
                            else {
                                continue;
                            };
                            let weight =
                                ((filter * input.channels + channel) * rows + ky) * columns + kx;
                            back[(channel * input.height + row) * input.width + column] +=
                                f64::from(conv.weights[weight]) * slope;
                        }
                    }
                }
            }
        }
    }
    back.into_iter().map(|value| value as f32).collect()
}
