//! What a network is, apart from what computes it: the one description of its layers.
//!
//! A [`Blueprint`] is the recipe as the user wrote it, without any size that depends
//! on the data. [`Network::new`] fits it to an image shape and a number of classes
//! and works out every shape in between, so that a kernel larger than its image is
//! found at plan time. Every engine builds from a `Network` and the values of its tensors
//! alone: so a model that one engine trained can be read by another.
//!
//! It lives beside the kernels because they compute it; engines of other libraries read the
//! same description. A general graph of layers was rejected: a chain with `skip` and `add` says everything that the
//! two families need, and fused kernels need a chain.

mod fit;
mod fold;
mod layers;

use bakeoff_core::ImageShape;

pub use self::{
    fit::NetworkError,
    layers::{
        Blueprint, Conv, Dense, Dropout, Layer, NormPlace, Padding, Pooling, Role, Step, TensorSpec,
    },
};
use fit::{Check, Windows};

/// A [`Blueprint`] fitted to an image shape and a number of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub(crate) input: ImageShape,
    pub(crate) classes: usize,
    pub(crate) layers: Vec<Layer>,
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
        let mut shape = input;
        let (mut convs, mut denses, mut dropouts) = (0, 0, 0);
        let mut skipped = Vec::new();
        for (index, step) in blueprint.steps.iter().enumerate() {
            let check = Check {
                position: index + 1,
                step: Some(step),
                input: shape,
                flat: denses > 0,
            };
            let layer = match *step {
                Step::Conv {
                    kernel,
                    stride,
                    padding,
                    ..
                }
                | Step::Depthwise {
                    kernel,
                    stride,
                    padding,
                } => {
                    let filters = match *step {
                        Step::Conv { filters, .. } => filters,
                        _ => shape.channels,
                    };
                    let [rows, columns] = check.windows(kernel, stride, padding)?;
                    convs += 1;
                    Layer::Conv(Conv {
                        name: format!("conv{convs}"),
                        input: shape,
                        output: ImageShape::new(filters, rows.count, columns.count),
                        depthwise: matches!(step, Step::Depthwise { .. }),
                        kernel,
                        stride: [stride; 2],
                        pad: [rows.before, columns.before, rows.after, columns.after],
                        norm: blueprint.norm,
                        relu: true,
                    })
                }
                Step::MaxPool { size, stride } => {
                    let [rows, columns] = check.windows([size; 2], stride, Padding::Valid)?;
                    Layer::MaxPool(pooling(shape, [size; 2], stride, [rows, columns]))
                }
                Step::AveragePool { size, stride } => {
                    let size = size.map_or([shape.height, shape.width], |size| [size; 2]);
                    let windows = check.windows(size, stride, Padding::Valid)?;
                    Layer::AveragePool(pooling(shape, size, stride, windows))
                }
                Step::Skip => {
                    check.skip(&blueprint.steps)?;
                    skipped.push(check);
                    layers.push(Layer::Skip);
                    continue;
                }
                Step::Add => {
                    check.add(skipped.pop())?;
                    layers.push(Layer::Add);
                    continue;
                }
                Step::Dense { units } => {
                    denses += 1;
                    Layer::Dense(Dense {
                        name: format!("dense{denses}"),
                        inputs: shape.pixels(),
                        outputs: units,
                        norm: blueprint.norm,
                        relu: true,
                    })
                }
                Step::Dropout { rate } => {
                    if !(0.0..1.0).contains(&rate) {
                        return Err(check.meaningless());
                    }
                    dropouts += 1;
                    Layer::Dropout(Dropout {
                        index: dropouts - 1,
                        values: shape.pixels(),
                        rate,
                    })
                }
            };
            shape = layer.output().unwrap_or(shape);
            check.size(&layer, shape)?;
            layers.push(layer);
        }
        if let Some(open) = skipped.pop() {
            return Err(open.without_add());
        }
        let output = Layer::Dense(Dense {
            name: "output".into(),
            inputs: shape.pixels(),
            outputs: classes,
            norm: None,
            relu: false,
        });
        let check = Check {
            position: layers.len() + 1,
            step: None,
            input: shape,
            flat: denses > 0,
        };
        check.size(&output, ImageShape::new(classes, 1, 1))?;
        layers.push(output);
        Ok(Self {
            input,
            classes,
            layers,
        })
    }

    /// The shape of the images it answers.
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
            Layer::Conv(conv) => conv.norm.is_some(),
            Layer::Dense(dense) => dense.norm.is_some(),
            _ => false,
        })
    }

    /// Every tensor of the network, layer by layer.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        self.layers
            .iter()
            .flat_map(|layer| match layer {
                Layer::Conv(conv) => conv.tensors(),
                Layer::Dense(dense) => dense.tensors(),
                _ => Vec::new(),
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

fn pooling(
    input: ImageShape,
    size: [usize; 2],
    stride: usize,
    [rows, columns]: [Windows; 2],
) -> Pooling {
    Pooling {
        input,
        output: ImageShape::new(input.channels, rows.count, columns.count),
        size,
        stride: [stride; 2],
    }
}

#[cfg(test)]
mod tests;
