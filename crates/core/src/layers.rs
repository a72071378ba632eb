//! A parametric model as its layers in order, with their weights.
//!
//! Code that looks inside a model or computes it elsewhere (the page that predicts in the
//! browser, feature maps, saliency, ONNX files) reads this and depends on no family or engine.
//! `bakeoff-network` has the plain reference of its meaning: `forward` and
//! `input_gradient`.
//!
//! It holds only what a prediction needs. There is no dropout, batch normalisation is folded
//! into the weights before it, and flattening needs no layer, because values are always in
//! the order channel, row, column. ONNX in its place was rejected: its reader would be many times
//! larger than these few layers need.

use serde::{Deserialize, Serialize};

use crate::ImageShape;

/// One layer of [`Layers`].
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Convolution.
    Conv(ConvLayer),
    /// Maximum over windows.
    MaxPool(PoolLayer),
    /// Mean over windows.
    AveragePool(PoolLayer),
    /// Adds what came out of an earlier layer, of the same shape, before any dense layer.
    Add {
        /// Its place, from 0.
        from: usize,
    },
    /// Dense layer.
    Dense(DenseLayer),
    /// Negative values become zero.
    Relu,
}

/// Convolution (cross-correlation, as everywhere in deep learning) plus bias.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvLayer {
    /// Output channels.
    pub filters: usize,
    /// Into so many groups filters and input channels are cut, and the filters of each see its channels
    /// only: 1 for all, as many as there are channels for a depthwise convolution.
    pub groups: usize,
    /// Rows and columns of a filter.
    pub kernel: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns of zeros above, left, below and right.
    pub pad: [usize; 4],
    /// Filters × input channels of a group × rows × columns, the last varying fastest.
    pub weights: Vec<f32>,
    /// One value for each filter.
    pub bias: Vec<f32>,
}

/// Whole windows of each channel; values that fill no window are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolLayer {
    /// Rows and columns of a window.
    pub size: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
}

/// Dense layer: every output is a weighted sum of all inputs, plus bias.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseLayer {
    /// Outputs × inputs, the inputs in the order channel, row, column.
    pub weights: Vec<f32>,
    /// One value for each output.
    pub bias: Vec<f32>,
}

/// Why layers are not a valid model, or an image or class does not match it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayersError {
    /// A layer that does not fit its input.
    #[error("layer {}: {reason}", index + 1)]
    Layer {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The whole is not a classifier.
    #[error("{0}")]
    Whole(&'static str),
    /// An image of another length.
    #[error("{got} bytes are not an image of {expected}")]
    Picture {
        /// The shape that the model accepts.
        expected: ImageShape,
        /// The number of bytes.
        got: usize,
    },
    /// A class that the model does not have.
    #[error("class {class} of {classes}")]
    Class {
        /// The given class.
        class: usize,
        /// Classes of the model.
        classes: usize,
    },
}

/// A model as a chain of layers, some of which also add what an earlier one gave: `byte · scale` → layers → `softmax(scores / temperature)`.
///
/// Its shapes always match and its weights are always finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    input: ImageShape,
    scale: f32,
    layers: Vec<Layer>,
    shapes: Vec<ImageShape>,
    temperature: f32,
}

impl Layers {
    /// Checks that each layer fits its input. Each byte of the image is multiplied by
    /// `scale`.
    ///
    /// # Errors
    /// [`LayersError::Layer`] with the layer, or [`LayersError::Whole`] if there is no input
    /// or there are fewer than two classes.
    pub fn new(input: ImageShape, scale: f32, layers: Vec<Layer>) -> Result<Self, LayersError> {
        if input.pixels() == 0 || !scale.is_finite() {
            return Err(LayersError::Whole("the input has no pixels or no scale"));
        }
        let mut shapes = Vec::with_capacity(layers.len());
        let mut flow = input;
        for (index, layer) in layers.iter().enumerate() {
            let output = match *layer {
                Layer::Add { from } => sum_shape(&layers[..index], &shapes, from, flow),
                _ => output_shape(layer, flow),
            };
            flow = output.map_err(|reason| LayersError::Layer {
                index,
                reason: reason.into(),
            })?;
            shapes.push(flow);
        }
        if flow.pixels() < 2 || !matches!(layers.last(), Some(Layer::Dense(_))) {
            return Err(LayersError::Whole(
                "the last layer must be dense, with one output for each of two or more classes",
            ));
        }
        Ok(Self {
            input,
            scale,
            layers,
            shapes,
            temperature: 1.0,
        })
    }

    /// The same with scores divided by `temperature` before the softmax (Guo et al. 2017).
    ///
    /// # Errors
    /// When it is not a positive number.
    pub fn with_temperature(mut self, temperature: f32) -> Result<Self, LayersError> {
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(LayersError::Whole("a temperature is a positive number"));
        }
        self.temperature = temperature;
        Ok(self)
    }

    /// The shape of the images it answers.
    pub fn input(&self) -> ImageShape {
        self.input
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.shapes.last().map_or(0, ImageShape::pixels)
    }

    /// What a byte of the image is multiplied with.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// What the scores are divided by before the softmax; 1 where nothing was calibrated.
    pub fn temperature(&self) -> f32 {
        self.temperature
    }

    /// The layers in order; the last gives the scores.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What comes out of each layer. Outputs of a dense layer are channels of 1×1.
    pub fn shapes(&self) -> &[ImageShape] {
        &self.shapes
    }
}

/// What comes out of a sum with layer `from` of those `before` it.
fn sum_shape(
    before: &[Layer],
    shapes: &[ImageShape],
    from: usize,
    input: ImageShape,
) -> Result<ImageShape, &'static str> {
    if before.iter().any(|layer| matches!(layer, Layer::Dense(_))) {
        Err("a sum stands before the first dense layer")
    } else if shapes.get(from) != Some(&input) {
        Err("the layer that is added must come before, with the same shape")
    } else {
        Ok(input)
    }
}

/// What comes out of `layer` when `input` goes in.
fn output_shape(layer: &Layer, input: ImageShape) -> Result<ImageShape, &'static str> {
    match layer {
        // The shapes of a sum are compared above.
        Layer::Relu | Layer::Add { .. } => Ok(input),
        Layer::Dense(dense) => {
            let outputs = dense.bias.len();
            if outputs == 0 || Some(dense.weights.len()) != outputs.checked_mul(input.pixels()) {
                return Err("the weights must be outputs × inputs, and one bias for each output");
            }
            finite(&[&dense.weights, &dense.bias])?;
            Ok(ImageShape::new(outputs, 1, 1))
        }
        Layer::Conv(conv) => {
            let [rows, columns] = conv.kernel;
            let divides = |count: usize| conv.groups > 0 && count.is_multiple_of(conv.groups);
            if !divides(conv.filters) || !divides(input.channels) {
                return Err("the groups must divide the filters and the channels");
            }
            let each = ImageShape::new(input.channels / conv.groups, rows, columns).pixels();
            if conv.filters == 0
                || conv.bias.len() != conv.filters
                || Some(conv.weights.len()) != conv.filters.checked_mul(each)
            {
                return Err(
                    "the weights must be filters × channels of a group × rows × columns, and one bias for each filter",
                );
            }
            finite(&[&conv.weights, &conv.bias])?;
            let [above, left, below, right] = conv.pad;
            let padded = [input.height + above + below, input.width + left + right];
            let [height, width] = windows(padded, conv.kernel, conv.stride)?;
            Ok(ImageShape::new(conv.filters, height, width))
        }
        Layer::MaxPool(pool) | Layer::AveragePool(pool) => {
            let [height, width] = windows([input.height, input.width], pool.size, pool.stride)?;
            Ok(ImageShape::new(input.channels, height, width))
        }
    }
}

/// How many whole windows there are on both axes.
fn windows(
    input: [usize; 2],
    size: [usize; 2],
    stride: [usize; 2],
) -> Result<[usize; 2], &'static str> {
    let count = |axis: usize| {
        let step = stride[axis];
        let free = input[axis].checked_sub(size[axis])?;
        (size[axis] > 0 && step > 0).then(|| free / step + 1)
    };
    match (count(0), count(1)) {
        (Some(rows), Some(columns)) => Ok([rows, columns]),
        _ => {
            Err("the window must be at least 1×1 and no larger than its image, the step at least 1")
        }
    }
}

fn finite(tensors: &[&[f32]]) -> Result<(), &'static str> {
    if tensors.iter().all(|t| t.iter().all(|v| v.is_finite())) {
        Ok(())
    } else {
        Err("the weights are not finite")
    }
}

#[cfg(test)]
mod tests;
