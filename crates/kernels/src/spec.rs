//! What a network is made of, in plain words, and its parameters by name.

use std::fmt;

/// Layers in order, from the picture to the logits.
///
/// The last one must be [`Layer::Dense`] without ReLU and normalisation: one unit per class.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// Channels, height and width of a picture.
    pub input: [usize; 3],
    /// From the first to the last.
    pub layers: Vec<Layer>,
}

/// One layer, with what belongs to it: normalisation, then ReLU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Layer {
    /// Convolution (cross-correlation, as everywhere); normalisation replaces its bias.
    Convolution {
        /// Number of filters.
        channels: usize,
        /// Height and width of a filter.
        kernel: [usize; 2],
        /// Rows and columns from one window to the next.
        stride: [usize; 2],
        /// Rows and columns of zeros above, left, below and right.
        padding: [usize; 4],
        /// Batch normalisation between convolution and ReLU.
        batch_norm: bool,
        /// Negative results become zero.
        relu: bool,
    },
    /// Max-pooling without padding; what does not fill a window is dropped. Behind a
    /// convolution it costs nothing.
    MaxPool {
        /// Height and width of a window.
        size: [usize; 2],
        /// Rows and columns from one window to the next.
        stride: [usize; 2],
    },
    /// Dense layer; flattens what comes; normalisation replaces its bias.
    Dense {
        /// Number of results.
        units: usize,
        /// Batch normalisation between product and ReLU.
        batch_norm: bool,
        /// Negative results become zero.
        relu: bool,
    },
    /// While training, sets a share of what comes to zero and scales the rest up.
    Dropout {
        /// The share, from 0 to below 1.
        rate: f32,
    },
}

/// A named parameter in PyTorch's order of dimensions.
///
/// Convolutions: `conv1.weight` (out × in × height × width), `conv1.bias`. Dense layers:
/// `dense1.weight` (out × in, the inputs of a picture in the order channel, row, column),
/// `dense1.bias`. Instead of the bias before a normalisation: `conv1.norm.weight`, `.bias`,
/// `.running_mean` and `.running_var`. Layers of a kind are counted from 1; the last layer is
/// called `output`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// As above.
    pub name: String,
    /// Lengths of the dimensions.
    pub shape: Vec<usize>,
    /// The last dimension varies fastest.
    pub values: Vec<f32>,
}

/// How a pixel becomes a number: `pixel · scale + shift`.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelScale {
    /// Per channel, or one for all.
    pub scale: Vec<f32>,
    /// Per channel, or one for all.
    pub shift: Vec<f32>,
}

impl Default for PixelScale {
    /// From 0 … 255 to 0 … 1.
    fn default() -> Self {
        Self {
            scale: vec![1.0 / 255.0],
            shift: vec![0.0],
        }
    }
}

/// Why a network cannot be made or fed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KernelError {
    /// A layer that cannot follow those before it.
    Layer {
        /// Its place in [`Architecture::layers`]; past the last one for the whole.
        index: usize,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A parameter that is missing or of another shape.
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Samples that do not fit the network.
    Batch {
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer { index, reason } => write!(f, "layer {}: {reason}", index + 1),
            Self::Parameter { name, reason } => write!(f, "parameter {name}: {reason}"),
            Self::Batch { reason } => write!(f, "batch: {reason}"),
        }
    }
}

impl std::error::Error for KernelError {}

/// Pixels of many samples, each N×C×H×W.
#[derive(Debug, Clone, Copy)]
pub enum Pixels<'a> {
    /// As pictures store them.
    U8(&'a [u8]),
    /// On the same scale of 0 … 255, with what augmentation leaves between whole numbers.
    F32(&'a [f32]),
}

impl Pixels<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::U8(pixels) => pixels.len(),
            Self::F32(pixels) => pixels.len(),
        }
    }
}

/// Samples for one step: some or all rows of a set.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    pub(crate) pixels: Pixels<'a>,
    pub(crate) labels: &'a [u16],
    pub(crate) rows: Option<&'a [usize]>,
}

impl<'a> Batch<'a> {
    /// All samples of a set.
    #[must_use]
    pub fn all(pixels: Pixels<'a>, labels: &'a [u16]) -> Self {
        Self {
            pixels,
            labels,
            rows: None,
        }
    }

    /// The samples numbered `rows` of a set; so nobody has to copy a shuffled batch together.
    #[must_use]
    pub fn rows(pixels: Pixels<'a>, labels: &'a [u16], rows: &'a [usize]) -> Self {
        Self {
            pixels,
            labels,
            rows: Some(rows),
        }
    }

    /// Number of samples in the batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.map_or(self.labels.len(), <[usize]>::len)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set's row of the batch's sample.
    pub(crate) fn row(&self, sample: usize) -> usize {
        self.rows.map_or(sample, |rows| rows[sample])
    }

    /// Checks once what the kernels then rely on.
    pub(crate) fn check(&self, sample_len: usize, classes: usize) -> Result<(), KernelError> {
        let bad = |reason| Err(KernelError::Batch { reason });
        let count = self.labels.len();
        if self.pixels.len() != count * sample_len {
            return bad(format!(
                "{} pixels for {count} labels, where a picture has {sample_len}",
                self.pixels.len()
            ));
        }
        for sample in 0..self.len() {
            let row = self.row(sample);
            match self.labels.get(row) {
                None => return bad(format!("row {row} of {count}")),
                Some(&label) if usize::from(label) >= classes => {
                    return bad(format!("label {label} in row {row}, of {classes} classes"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
