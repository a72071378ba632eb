//! The parts of a network: the steps of a blueprint, and layers with every size worked out.

use std::fmt;

use bakeoff_core::ImageShape;

bakeoff_core::choices! {
    /// How convolutions treat the border.
    pub enum Padding {
        /// Only whole windows; the image shrinks by the kernel size less one.
        Valid = "valid",
        /// Zeros around the image, so that the output has `ceil(input / stride)` rows
        /// and columns. An odd zero goes below and to the right, as in Keras.
        Same = "same",
    }
}

bakeoff_core::choices! {
    /// Where batch norm is, of a convolution that a max-pool follows.
    #[derive(Default)]
    pub enum NormPlace {
        /// Between the convolution and its ReLU, with a learned factor and summand for each channel:
        /// the common order, of Ioffe and Szegedy (2015).
        #[default]
        BeforePool = "before-pool",
        /// Convolution, pool, norm, ReLU. There is no learned factor: ReLU leaves one to the next layer.
        /// The pool then drops three of four values before anything else is done with them (K. Jordan,
        /// "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024).
        AfterPool = "after-pool",
    }
}

impl NormPlace {
    /// Whether a factor for each channel is learned.
    pub fn is_scaled(self) -> bool {
        self == Self::BeforePool
    }
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
    /// Convolution of each channel by itself with a filter of its own, batch norm if the blueprint says
    /// so, ReLU.
    Depthwise {
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
    /// Mean over whole windows; rows and columns that fill none are dropped.
    AveragePool {
        /// Rows and columns of the window; none for the whole image.
        size: Option<usize>,
        /// Step between windows.
        stride: usize,
    },
    /// Remembers the values here for the [`Step::Add`] that closes it (He et al. 2016).
    Skip,
    /// Adds the values that the last open [`Step::Skip`] remembered.
    Add,
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
    /// Whether and where every hidden convolution and dense layer is batch-normalised, always before
    /// its ReLU.
    pub norm: Option<NormPlace>,
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
    /// Each channel has one filter of its own, which sees no other channel.
    pub depthwise: bool,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns of zeros above, left, below and right.
    pub pad: [usize; 4],
    /// Batch norm between the convolution and the ReLU; it replaces the bias. After the pool, norm and
    /// ReLU follow the max-pool, if that is the next layer.
    pub norm: Option<NormPlace>,
    /// Whether a ReLU follows.
    pub relu: bool,
}

/// A pooling layer with every size worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Pooling {
    /// What goes in.
    pub input: ImageShape,
    /// What comes out.
    pub output: ImageShape,
    /// Rows and columns of the window.
    pub size: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
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
    pub norm: Option<NormPlace>,
    /// Whether a ReLU follows; only the output layer has none.
    pub relu: bool,
}

/// A dropout layer with every size worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    /// Its number among the dropout layers, from 0; names its stream of random numbers.
    pub index: usize,
    /// Values that go through for one image.
    pub values: usize,
    /// Probability that a value is set to zero, in `0..1`.
    pub rate: f64,
}

/// One layer of a [`Network`](super::Network).
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Convolution (+ batch norm) (+ ReLU).
    Conv(Conv),
    /// Maximum over windows.
    MaxPool(Pooling),
    /// Mean over windows.
    AveragePool(Pooling),
    /// Remembers its input for the [`Layer::Add`] that closes it.
    Skip,
    /// Adds what the last open [`Layer::Skip`] remembered, which has the same shape.
    Add,
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
    /// filters×channels×rows×columns (channels is 1 where it is depthwise), everything else one
    /// value per output.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
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
            Self::Depthwise {
                kernel: [height, width],
                stride,
                ..
            } => {
                write!(f, "depthwise {height}x{width}")?;
                if stride == 1 {
                    Ok(())
                } else {
                    write!(f, " stride {stride}")
                }
            }
            Self::MaxPool { size, stride } if size == stride => write!(f, "max-pool {size}"),
            Self::MaxPool { size, stride } => write!(f, "max-pool {size} stride {stride}"),
            Self::AveragePool { size: None, .. } => f.write_str("average-pool all"),
            Self::AveragePool {
                size: Some(size),
                stride,
            } => {
                write!(f, "average-pool {size}")?;
                if stride == size {
                    Ok(())
                } else {
                    write!(f, " stride {stride}")
                }
            }
            Self::Skip => f.write_str("skip"),
            Self::Add => f.write_str("add"),
            Self::Dense { units } => write!(f, "dense {units}"),
            Self::Dropout { rate } => write!(f, "dropout {rate}"),
        }
    }
}

impl Layer {
    /// The shape of what comes out; a dense layer's values are channels of 1×1. `None` for
    /// what changes no shape.
    pub(super) fn output(&self) -> Option<ImageShape> {
        match self {
            Self::Conv(conv) => Some(conv.output),
            Self::MaxPool(pool) | Self::AveragePool(pool) => Some(pool.output),
            Self::Dense(dense) => Some(ImageShape::new(dense.outputs, 1, 1)),
            Self::Dropout(_) | Self::Skip | Self::Add => None,
        }
    }
}

impl Conv {
    /// Input channels that a filter sees.
    pub fn seen_channels(&self) -> usize {
        if self.depthwise {
            1
        } else {
            self.input.channels
        }
    }

    pub(super) fn tensors(&self) -> Vec<TensorSpec> {
        let [height, width] = self.kernel;
        let (channels, filters) = (self.seen_channels(), self.output.channels);
        // Outputs that a value feeds: all filters of its window, or its own channel's.
        let fed = if self.depthwise { 1 } else { filters };
        let weight = TensorSpec {
            name: format!("{}.weight", self.name),
            shape: vec![filters, channels, height, width],
            role: Role::Weight {
                fan_in: channels * height * width,
                fan_out: fed * height * width,
            },
        };
        with_bias_or_norm(weight, &self.name, filters, self.norm)
    }
}

impl Dense {
    pub(super) fn tensors(&self) -> Vec<TensorSpec> {
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
    norm: Option<NormPlace>,
) -> Vec<TensorSpec> {
    let normed = [
        ("norm.weight", Role::NormScale),
        ("norm.bias", Role::NormShift),
        ("norm.running_mean", Role::RunningMean),
        ("norm.running_var", Role::RunningVariance),
    ];
    let rest: &[(&str, Role)] = match norm {
        Some(NormPlace::BeforePool) => &normed,
        Some(NormPlace::AfterPool) => &normed[1..],
        None => &[("bias", Role::Bias)],
    };
    std::iter::once(weight)
        .chain(rest.iter().map(|&(name, role)| TensorSpec {
            name: format!("{layer}.{name}"),
            shape: vec![outputs],
            role,
        }))
        .collect()
}
