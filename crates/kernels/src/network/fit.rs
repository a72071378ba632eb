//! Whether a layer fits what it is given.

use bakeoff_core::ImageShape;

use super::layers::{Layer, Padding, Step};

/// Values in one tensor of a network at most. Larger ones are a typing mistake
/// and would only fail later, in the allocator.
const MAX_VALUES: usize = 1 << 31;

/// A layer that does not fit what it is given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("layer {position} ({what}) {reason}")]
pub struct NetworkError {
    /// Position of the layer, from 1.
    position: usize,
    /// The layer in words.
    what: String,
    reason: String,
}

/// A layer that is being checked.
pub(super) struct Check<'a> {
    /// Position of the layer, from 1.
    pub(super) position: usize,
    /// The step, or none for the output layer.
    pub(super) step: Option<&'a Step>,
    /// What the layer is given.
    pub(super) input: ImageShape,
    /// Whether a dense layer comes before, so that no image is left.
    pub(super) flat: bool,
}

/// Windows along one axis.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    /// How many.
    pub(super) count: usize,
    /// Zeros before the first value.
    pub(super) before: usize,
    /// Zeros after the last value.
    pub(super) after: usize,
}

impl Check<'_> {
    fn error(&self, reason: String) -> NetworkError {
        NetworkError {
            position: self.position,
            what: self.step.map_or_else(|| "output".into(), Step::to_string),
            reason,
        }
    }

    /// A size of zero, or a dropout rate outside `0..1`.
    pub(super) fn meaningless(&self) -> NetworkError {
        self.error("has no meaning: sizes start at 1, dropout rates are from 0 to below 1".into())
    }

    /// How windows of `kernel` fit on the rows and on the columns of the input.
    pub(super) fn windows(
        &self,
        kernel: [usize; 2],
        stride: usize,
        padding: Padding,
    ) -> Result<[Windows; 2], NetworkError> {
        if self.flat {
            return Err(self.error("comes after a dense layer, which leaves no image".into()));
        }
        if kernel.contains(&0) || stride == 0 {
            return Err(self.meaningless());
        }
        let along = |length: usize, window: usize| {
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
            Some(Windows {
                count: padded.checked_sub(window)? / stride + 1,
                before,
                after,
            })
        };
        let (height, width) = (self.input.height, self.input.width);
        match (along(height, kernel[0]), along(width, kernel[1])) {
            (Some(rows), Some(columns)) => Ok([rows, columns]),
            _ => Err(self.error(format!(
                "needs at least {}×{} pixels, but gets {height}×{width}; use a smaller kernel, \
                 fewer pools or padding = \"same\"",
                kernel[0], kernel[1]
            ))),
        }
    }

    /// Whether the values here can be remembered, among all `steps`.
    pub(super) fn skip(&self, steps: &[Step]) -> Result<(), NetworkError> {
        let (before, after) = steps.split_at(self.position);
        let is_image_layer = |step: &Step| {
            matches!(
                step,
                Step::Conv { .. }
                    | Step::Depthwise { .. }
                    | Step::MaxPool { .. }
                    | Step::AveragePool { .. }
            )
        };
        let next = after.iter().find(|step| **step != Step::Skip);
        if self.flat || !before.iter().any(is_image_layer) {
            Err(self.error("needs a convolution or a pool before it, and no dense layer".into()))
        } else if let Some(Step::Dropout { .. }) = next {
            Err(self.error("is followed by dropout, which would change what it remembers; write the dropout before it".into()))
        } else {
            Ok(())
        }
    }

    /// Whether the values that `skip` remembered can be added to those here.
    pub(super) fn add(&self, skip: Option<Check<'_>>) -> Result<(), NetworkError> {
        let Some(skip) = skip else {
            return Err(self.error("has no skip before it whose values it could add".into()));
        };
        let (from, to) = (skip.input, self.input);
        if self.flat {
            Err(self.error("comes after a dense layer, which leaves no image".into()))
        } else if from != to {
            Err(self.error(format!(
                "adds the {from} of layer {} to {to}; between them use padding = \"same\", no pool, no \
                 stride, and as many filters at the end as at the start",
                skip.position
            )))
        } else {
            Ok(())
        }
    }

    /// A skip that nothing closes.
    pub(super) fn without_add(&self) -> NetworkError {
        self.error("has no add after it".into())
    }

    /// Refuses empty layers and sizes that no machine here could hold.
    pub(super) fn size(&self, layer: &Layer, output: ImageShape) -> Result<(), NetworkError> {
        let dimensions = match layer {
            Layer::Conv(conv) => vec![
                conv.output.channels,
                conv.seen_channels(),
                conv.kernel[0],
                conv.kernel[1],
            ],
            Layer::Dense(dense) => vec![dense.inputs, dense.outputs],
            Layer::MaxPool(_)
            | Layer::AveragePool(_)
            | Layer::Skip
            | Layer::Add
            | Layer::Dropout(_) => Vec::new(),
        };
        let weights = dimensions.into_iter().try_fold(1, usize::checked_mul);
        if output.pixels() == 0 || weights == Some(0) {
            return Err(self.meaningless());
        }
        if weights.is_none_or(|weights| weights > MAX_VALUES) || output.pixels() > MAX_VALUES {
            return Err(self.error(format!("needs a tensor of more than {MAX_VALUES} values")));
        }
        Ok(())
    }
}
