//! Whether a layer fits what it is given.

use bakeoff_core::ImageShape;

use super::{Layer, Padding, Step};

/// Values in one tensor of a network at most. Larger ones are a typing mistake
/// and would only fail later, in the allocator.
const MAX_VALUES: usize = 1 << 31;

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

/// What flows between two layers.
#[derive(Clone, Copy)]
pub(super) enum Flow {
    /// A picture.
    Picture(ImageShape),
    /// Values without a place.
    Values(usize),
}

impl Flow {
    pub(super) fn values(self) -> usize {
        match self {
            Self::Picture(shape) => shape.pixels(),
            Self::Values(values) => values,
        }
    }
}

/// A layer being checked: where it stands and what it says.
pub(super) struct Place<'a> {
    /// Position of the layer, from 1.
    pub(super) layer: usize,
    /// The step, or none for the output layer.
    pub(super) step: Option<&'a Step>,
}

/// Windows along one axis.
pub(super) struct Windows {
    /// How many.
    pub(super) count: usize,
    /// Zeros before the first value.
    pub(super) before: usize,
    /// Zeros after the last value.
    pub(super) after: usize,
}

impl Place<'_> {
    fn what(&self) -> String {
        self.step.map_or_else(|| "output".into(), Step::to_string)
    }

    pub(super) fn empty(&self) -> NetworkError {
        NetworkError::Empty {
            layer: self.layer,
            what: self.what(),
        }
    }

    pub(super) fn picture(&self, flow: Flow) -> Result<ImageShape, NetworkError> {
        match flow {
            Flow::Picture(shape) => Ok(shape),
            Flow::Values(_) => Err(NetworkError::Order {
                layer: self.layer,
                what: self.what(),
            }),
        }
    }

    /// How windows of `kernel` fit on axis 0 (rows) or 1 (columns) of `input`.
    pub(super) fn window(
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
    pub(super) fn check_size(&self, layer: &Layer, output: Flow) -> Result<(), NetworkError> {
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
