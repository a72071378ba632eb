//! What a network is, apart from what computes it.
//!
//! A [`Blueprint`] is the recipe as the user wrote it, without any size that depends
//! on the data. [`Network::new`] fits it to a picture shape and a number of classes
//! and works out every intermediate shape, so that a kernel larger than its picture is
//! found at plan time. Engines build from a `Network` and [`crate::Weights`] alone,
//! which is what lets a model trained by one engine be read by another.
//!
//! A general graph of layers was rejected: a chain says everything that the two
//! families need, and is what fused kernels want to see.

mod fit;
mod layers;

use bakeoff_core::ImageShape;

pub use self::{
    fit::NetworkError,
    layers::{Blueprint, Conv, Dense, Dropout, Layer, MaxPool, Padding, Role, Step, TensorSpec},
};
use fit::{Flow, Place};

/// A [`Blueprint`] fitted to a picture shape and a number of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    input: ImageShape,
    classes: usize,
    layers: Vec<Layer>,
}

impl Network {
    /// Works out every shape. `input` has pixels and `classes` is at least 2, as
    /// [`bakeoff_core::Samples`] guarantees.
    ///
    /// # Errors
    /// Which layer does not fit, and why.
    pub fn new(
        blueprint: &Blueprint,
        input: ImageShape,
        classes: usize,
    ) -> Result<Self, NetworkError> {
        let mut layers = Vec::with_capacity(blueprint.steps.len() + 1);
        let mut flow = Flow::Picture(input);
        let (mut convs, mut denses, mut dropouts) = (0, 0, 0);
        for (position, step) in blueprint.steps.iter().enumerate() {
            let place = Place {
                layer: position + 1,
                step: Some(step),
            };
            let layer = match *step {
                Step::Conv {
                    filters,
                    kernel,
                    stride,
                    padding,
                } => {
                    let input = place.picture(flow)?;
                    let rows = place.window(input, kernel, stride, padding, 0)?;
                    let columns = place.window(input, kernel, stride, padding, 1)?;
                    convs += 1;
                    Layer::Conv(Conv {
                        name: format!("conv{convs}"),
                        input,
                        output: ImageShape::new(filters, rows.count, columns.count),
                        kernel,
                        stride,
                        pad: [rows.before, columns.before, rows.after, columns.after],
                        norm: blueprint.batch_norm,
                    })
                }
                Step::MaxPool { size, stride } => {
                    let input = place.picture(flow)?;
                    let window = [size, size];
                    let rows = place.window(input, window, stride, Padding::Valid, 0)?;
                    let columns = place.window(input, window, stride, Padding::Valid, 1)?;
                    Layer::MaxPool(MaxPool {
                        input,
                        output: ImageShape::new(input.channels, rows.count, columns.count),
                        size,
                        stride,
                    })
                }
                Step::Dense { units } => {
                    denses += 1;
                    Layer::Dense(Dense {
                        name: format!("dense{denses}"),
                        inputs: flow.values(),
                        outputs: units,
                        norm: blueprint.batch_norm,
                        relu: true,
                    })
                }
                Step::Dropout { rate } => {
                    if !(0.0..1.0).contains(&rate) {
                        return Err(place.empty());
                    }
                    dropouts += 1;
                    Layer::Dropout(Dropout {
                        index: dropouts - 1,
                        values: flow.values(),
                        rate,
                    })
                }
            };
            flow = match &layer {
                Layer::Conv(conv) => Flow::Picture(conv.output),
                Layer::MaxPool(pool) => Flow::Picture(pool.output),
                Layer::Dense(dense) => Flow::Values(dense.outputs),
                Layer::Dropout(_) => flow,
            };
            place.check_size(&layer, flow)?;
            layers.push(layer);
        }
        let place = Place {
            layer: layers.len() + 1,
            step: None,
        };
        let output = Layer::Dense(Dense {
            name: "output".into(),
            inputs: flow.values(),
            outputs: classes,
            norm: false,
            relu: false,
        });
        place.check_size(&output, Flow::Values(classes))?;
        layers.push(output);
        Ok(Self {
            input,
            classes,
            layers,
        })
    }

    /// The shape of the pictures it answers.
    pub fn input(&self) -> ImageShape {
        self.input
    }

    /// Number of classes: values of the output layer.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The layers in order, the output layer last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Whether any layer is batch-normalised.
    pub fn has_norm(&self) -> bool {
        self.layers.iter().any(|layer| match layer {
            Layer::Conv(conv) => conv.norm,
            Layer::Dense(dense) => dense.norm,
            Layer::MaxPool(_) | Layer::Dropout(_) => false,
        })
    }

    /// Every tensor of the network, layer by layer.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        self.layers
            .iter()
            .flat_map(|layer| match layer {
                Layer::Conv(conv) => conv.tensors(),
                Layer::Dense(dense) => dense.tensors(),
                Layer::MaxPool(_) | Layer::Dropout(_) => Vec::new(),
            })
            .collect()
    }

    /// Values that the optimiser changes.
    pub fn trained_values(&self) -> u64 {
        self.tensors()
            .iter()
            .filter(|tensor| tensor.role.is_trained())
            .map(|tensor| tensor.shape.iter().product::<usize>() as u64)
            .sum()
    }
}

#[cfg(test)]
mod tests;
