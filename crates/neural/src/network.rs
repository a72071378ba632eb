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

use std::fmt;

use bakeoff_core::ImageShape;

/// Values in one tensor of a network at most. Larger ones are a typing mistake
/// and would only fail later, in the allocator.
const MAX_VALUES: usize = 1 << 31;

/// How convolutions treat the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Only whole windows; the picture shrinks by the kernel size less one.
    Valid,
    /// Zeros around the picture, so that the output has `ceil(input / stride)` rows
    /// and columns. An odd zero goes below and to the right, as in Keras.
    Same,
}

/// One step of a [`Blueprint`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Convolution, batch norm if the blueprint says so, ReLU.
    Conv {
        /// Output channels.
        filters: usize,
        /// Rows and columns of the kernel.
        kernel: [usize; 2],
        /// Step between windows, the same on both axes.
        stride: usize,
        /// How it treats the border.
        padding: Padding,
    },
    /// Maximum over whole windows; rows and columns that fill none are dropped.
    MaxPool {
        /// Rows and columns of the window.
        size: usize,
        /// Step between windows.
        stride: usize,
    },
    /// Dense layer, batch norm if the blueprint says so, ReLU. The first one flattens.
    Dense {
        /// Output values.
        units: usize,
    },
    /// Sets each value to zero with this probability while training.
    Dropout {
        /// The probability, in `0..1`.
        rate: f64,
    },
}

/// The hidden layers of a network; the dense output layer with one value per class
/// follows by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Whether every hidden convolution and dense layer is batch-normalised before its ReLU.
    pub batch_norm: bool,
}

/// A convolution with every size worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Prefix of its tensors' names (`conv1`).
    pub name: String,
    /// What goes in.
    pub input: ImageShape,
    /// What comes out; its channels are the filters.
    pub output: ImageShape,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Step between windows.
    pub stride: usize,
    /// Zeros above, left, below and right.
    pub pad: [usize; 4],
    /// Batch norm between the convolution and the ReLU; it replaces the bias.
    pub norm: bool,
}

/// A pooling layer with every size worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxPool {
    /// What goes in.
    pub input: ImageShape,
    /// What comes out.
    pub output: ImageShape,
    /// Rows and columns of the window.
    pub size: usize,
    /// Step between windows.
    pub stride: usize,
}

/// A dense layer with every size worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Prefix of its tensors' names (`dense1`, `output`).
    pub name: String,
    /// Values that go in.
    pub inputs: usize,
    /// Values that come out.
    pub outputs: usize,
    /// Batch norm between the product and the ReLU; it replaces the bias.
    pub norm: bool,
    /// Whether a ReLU follows; only the output layer has none.
    pub relu: bool,
}

/// A dropout layer with every size worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    /// The how-manyth dropout layer, from 0; names its stream of random numbers.
    pub index: usize,
    /// Values that go through for one picture.
    pub values: usize,
    /// Probability that a value is set to zero, in `0..1`.
    pub rate: f64,
}

/// One layer of a [`Network`].
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Convolution (+ batch norm) + ReLU.
    Conv(Conv),
    /// Maximum over windows.
    MaxPool(MaxPool),
    /// Dense (+ batch norm) (+ ReLU).
    Dense(Dense),
    /// Dropout, while training.
    Dropout(Dropout),
}

/// What a tensor is for, which decides its first value and whether it is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights of a convolution or a dense layer.
    Weight {
        /// Values that feed one output.
        fan_in: usize,
        /// Outputs that one value feeds.
        fan_out: usize,
    },
    /// Added to each output.
    Bias,
    /// Batch norm's factor.
    NormScale,
    /// Batch norm's summand.
    NormShift,
    /// Batch norm's running mean; followed, not trained.
    RunningMean,
    /// Batch norm's running (population) variance; followed, not trained.
    RunningVariance,
}

impl Role {
    /// Whether the optimiser changes it.
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

/// Name, shape and purpose of one tensor of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Unique name (`conv1.weight`).
    pub name: String,
    /// Dense weights are outputs×inputs, convolution weights
    /// filters×channels×rows×columns, everything else one value per output.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

/// A blueprint that does not fit its data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A window that is larger than what it slides over.
    #[error(
        "layer {layer} ({what}) needs at least {need_height}×{need_width} pixels, but gets \
         {height}×{width}; use a smaller kernel, fewer pools or padding = \"same\""
    )]
    TooSmall {
        /// Position of the layer, from 1.
        layer: usize,
        /// The layer in words.
        what: String,
        /// Rows that it needs.
        need_height: usize,
        /// Columns that it needs.
        need_width: usize,
        /// Rows that it gets.
        height: usize,
        /// Columns that it gets.
        width: usize,
    },
    /// A picture layer after a dense one.
    #[error("layer {layer} ({what}) comes after a dense layer, which leaves no picture")]
    Order {
        /// Position of the layer, from 1.
        layer: usize,
        /// The layer in words.
        what: String,
    },
    /// More values than this crate lets one tensor have.
    #[error("layer {layer} ({what}) needs a tensor of more than {MAX_VALUES} values")]
    TooLarge {
        /// Position of the layer, from 1.
        layer: usize,
        /// The layer in words.
        what: String,
    },
    /// A size of zero, or a dropout rate outside `0..1`.
    #[error("layer {layer} ({what}) has no meaning")]
    Empty {
        /// Position of the layer, from 1.
        layer: usize,
        /// The layer in words.
        what: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Conv {
                filters,
                kernel: [height, width],
                stride,
                ..
            } => {
                write!(f, "conv {filters} {height}x{width}")?;
                if stride == 1 {
                    Ok(())
                } else {
                    write!(f, " stride {stride}")
                }
            }
            Self::MaxPool { size, stride } if size == stride => write!(f, "max-pool {size}"),
            Self::MaxPool { size, stride } => write!(f, "max-pool {size} stride {stride}"),
            Self::Dense { units } => write!(f, "dense {units}"),
            Self::Dropout { rate } => write!(f, "dropout {rate}"),
        }
    }
}

/// A [`Blueprint`] fitted to a picture shape and a number of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    input: ImageShape,
    classes: usize,
    layers: Vec<Layer>,
}

/// What flows between two layers.
#[derive(Clone, Copy)]
enum Flow {
    Picture(ImageShape),
    Values(usize),
}

impl Flow {
    fn values(self) -> usize {
        match self {
            Self::Picture(shape) => shape.pixels(),
            Self::Values(values) => values,
        }
    }
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

impl Conv {
    fn tensors(&self) -> Vec<TensorSpec> {
        let [height, width] = self.kernel;
        let (channels, filters) = (self.input.channels, self.output.channels);
        let weight = TensorSpec {
            name: format!("{}.weight", self.name),
            shape: vec![filters, channels, height, width],
            role: Role::Weight {
                fan_in: channels * height * width,
                fan_out: filters * height * width,
            },
        };
        with_bias_or_norm(weight, &self.name, filters, self.norm)
    }
}

impl Dense {
    fn tensors(&self) -> Vec<TensorSpec> {
        let weight = TensorSpec {
            name: format!("{}.weight", self.name),
            shape: vec![self.outputs, self.inputs],
            role: Role::Weight {
                fan_in: self.inputs,
                fan_out: self.outputs,
            },
        };
        with_bias_or_norm(weight, &self.name, self.outputs, self.norm)
    }
}

fn with_bias_or_norm(
    weight: TensorSpec,
    layer: &str,
    outputs: usize,
    norm: bool,
) -> Vec<TensorSpec> {
    let rest: &[(&str, Role)] = if norm {
        &[
            ("norm.weight", Role::NormScale),
            ("norm.bias", Role::NormShift),
            ("norm.running_mean", Role::RunningMean),
            ("norm.running_var", Role::RunningVariance),
        ]
    } else {
        &[("bias", Role::Bias)]
    };
    std::iter::once(weight)
        .chain(rest.iter().map(|&(name, role)| TensorSpec {
            name: format!("{layer}.{name}"),
            shape: vec![outputs],
            role,
        }))
        .collect()
}

/// A layer being checked: where it stands and what it says.
struct Place<'a> {
    layer: usize,
    step: Option<&'a Step>,
}

/// Windows along one axis.
struct Windows {
    count: usize,
    before: usize,
    after: usize,
}

impl Place<'_> {
    fn what(&self) -> String {
        self.step.map_or_else(|| "output".into(), Step::to_string)
    }

    fn empty(&self) -> NetworkError {
        NetworkError::Empty {
            layer: self.layer,
            what: self.what(),
        }
    }

    fn picture(&self, flow: Flow) -> Result<ImageShape, NetworkError> {
        match flow {
            Flow::Picture(shape) => Ok(shape),
            Flow::Values(_) => Err(NetworkError::Order {
                layer: self.layer,
                what: self.what(),
            }),
        }
    }

    /// How windows of `kernel` fit on axis 0 (rows) or 1 (columns) of `input`.
    fn window(
        &self,
        input: ImageShape,
        kernel: [usize; 2],
        stride: usize,
        padding: Padding,
        axis: usize,
    ) -> Result<Windows, NetworkError> {
        let (length, window) = ([input.height, input.width][axis], kernel[axis]);
        if window == 0 || stride == 0 {
            return Err(self.empty());
        }
        let (before, after) = match padding {
            Padding::Valid => (0, 0),
            Padding::Same => {
                let count = length.div_ceil(stride);
                let needed = (count - 1).saturating_mul(stride).saturating_add(window);
                let pad = needed.saturating_sub(length);
                (pad / 2, pad - pad / 2)
            }
        };
        let padded = length.saturating_add(before).saturating_add(after);
        if window > padded {
            return Err(NetworkError::TooSmall {
                layer: self.layer,
                what: self.what(),
                need_height: kernel[0],
                need_width: kernel[1],
                height: input.height,
                width: input.width,
            });
        }
        Ok(Windows {
            count: (padded - window) / stride + 1,
            before,
            after,
        })
    }

    /// Refuses empty layers and sizes that no machine here could hold.
    fn check_size(&self, layer: &Layer, output: Flow) -> Result<(), NetworkError> {
        let weights = match layer {
            Layer::Conv(conv) => [
                conv.output.channels,
                conv.input.channels,
                conv.kernel[0],
                conv.kernel[1],
            ]
            .into_iter()
            .try_fold(1, usize::checked_mul),
            Layer::Dense(dense) => dense.inputs.checked_mul(dense.outputs),
            Layer::MaxPool(_) | Layer::Dropout(_) => Some(1),
        };
        if output.values() == 0 || weights == Some(0) {
            return Err(self.empty());
        }
        match weights {
            Some(weights) if weights <= MAX_VALUES && output.values() <= MAX_VALUES => Ok(()),
            _ => Err(NetworkError::TooLarge {
                layer: self.layer,
                what: self.what(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREY28: ImageShape = ImageShape::new(1, 28, 28);

    fn conv(filters: usize, size: usize, stride: usize, padding: Padding) -> Step {
        Step::Conv {
            filters,
            kernel: [size, size],
            stride,
            padding,
        }
    }

    const POOL: Step = Step::MaxPool { size: 2, stride: 2 };

    fn keras_example(batch_norm: bool) -> Blueprint {
        Blueprint {
            steps: vec![
                conv(32, 3, 1, Padding::Valid),
                POOL,
                conv(64, 3, 1, Padding::Valid),
                POOL,
                Step::Dropout { rate: 0.5 },
                Step::Dense { units: 128 },
            ],
            batch_norm,
        }
    }

    #[test]
    fn shapes_are_those_of_the_keras_example() -> Result<(), NetworkError> {
        let network = Network::new(&keras_example(false), GREY28, 10)?;
        let sides: Vec<_> = network
            .layers()
            .iter()
            .filter_map(|layer| match layer {
                Layer::Conv(conv) => Some(conv.output.height),
                Layer::MaxPool(pool) => Some(pool.output.width),
                _ => None,
            })
            .collect();
        assert_eq!(sides, [26, 13, 11, 5]);
        // Counted by hand: 320 + 18,496 + 1,600·128 + 128 + 1,290.
        assert_eq!(network.trained_values(), 225_034);
        Ok(())
    }

    #[test]
    fn batch_norm_replaces_the_bias() -> Result<(), NetworkError> {
        let network = Network::new(&keras_example(true), GREY28, 10)?;
        let names: Vec<_> = network.tensors().into_iter().map(|t| t.name).collect();
        assert_eq!(
            names,
            [
                "conv1.weight",
                "conv1.norm.weight",
                "conv1.norm.bias",
                "conv1.norm.running_mean",
                "conv1.norm.running_var",
                "conv2.weight",
                "conv2.norm.weight",
                "conv2.norm.bias",
                "conv2.norm.running_mean",
                "conv2.norm.running_var",
                "dense1.weight",
                "dense1.norm.weight",
                "dense1.norm.bias",
                "dense1.norm.running_mean",
                "dense1.norm.running_var",
                "output.weight",
                "output.bias",
            ]
        );
        assert_eq!(network.trained_values(), 225_034 + 32 + 64 + 128);
        Ok(())
    }

    #[test]
    fn same_padding_keeps_the_size_and_puts_odd_zeros_last() -> Result<(), NetworkError> {
        let one = |step| {
            let blueprint = Blueprint {
                steps: vec![step],
                batch_norm: false,
            };
            Network::new(&blueprint, ImageShape::new(3, 9, 12), 2).map(|network| {
                match network.layers().first() {
                    Some(Layer::Conv(conv)) => (conv.output, conv.pad),
                    _ => (ImageShape::new(0, 0, 0), [0; 4]),
                }
            })
        };
        let same = Padding::Same;
        assert_eq!(
            one(conv(4, 3, 1, same))?,
            (ImageShape::new(4, 9, 12), [1, 1, 1, 1])
        );
        assert_eq!(
            one(conv(4, 4, 1, same))?,
            (ImageShape::new(4, 9, 12), [1, 1, 2, 2])
        );
        assert_eq!(
            one(conv(4, 3, 2, same))?,
            (ImageShape::new(4, 5, 6), [1, 0, 1, 1])
        );
        Ok(())
    }

    #[test]
    fn the_layer_that_does_not_fit_is_named() {
        let refuse = |steps: Vec<Step>, shape| {
            let blueprint = Blueprint {
                steps,
                batch_norm: false,
            };
            Network::new(&blueprint, shape, 2)
                .map_or_else(|error| error.to_string(), |_| String::new())
        };
        let valid = Padding::Valid;
        let small = refuse(
            vec![conv(2, 3, 1, valid), POOL, conv(2, 3, 1, valid)],
            ImageShape::new(1, 6, 9),
        );
        assert!(
            small.contains("layer 3 (conv 2 3x3)") && small.contains("gets 2×3"),
            "{small}"
        );
        let order = refuse(vec![Step::Dense { units: 3 }, POOL], GREY28);
        assert!(order.contains("layer 2 (max-pool 2)"), "{order}");
        let large = refuse(
            vec![Step::Dense {
                units: usize::MAX / 2,
            }],
            GREY28,
        );
        assert!(large.contains("more than"), "{large}");
        assert!(refuse(vec![conv(0, 3, 1, valid)], GREY28).contains("no meaning"));
        assert!(refuse(vec![conv(1, 3, 0, valid)], GREY28).contains("no meaning"));
        assert!(refuse(vec![Step::Dropout { rate: 1.0 }], GREY28).contains("no meaning"));
    }

    #[test]
    fn a_network_without_hidden_layers_is_softmax_regression() -> Result<(), NetworkError> {
        let blueprint = Blueprint {
            steps: vec![],
            batch_norm: false,
        };
        let network = Network::new(&blueprint, GREY28, 10)?;
        assert_eq!(network.trained_values(), 7850);
        Ok(())
    }
}
