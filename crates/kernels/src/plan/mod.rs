//! From a network to operations on planes and ranges of parameters.

mod builder;

use std::ops::Range;

use super::events::EventMap;
use super::geometry::{Plane, Pool, Window};

/// Operations, planes between them, and where parameters lie.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) classes: usize,
    pub(crate) planes: Vec<Plane>,
    pub(crate) ops: Vec<Op>,
    /// Parameters whose gradients are summed over chunks; they come first.
    pub(crate) summed: usize,
    /// All parameters.
    pub(crate) parameters: usize,
    /// Running statistics of all normalisations.
    pub(crate) statistics: usize,
}

/// One operation; dropout works in place, a skip does nothing on the way forward, all others go from
/// plane `i` to a new one.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Convolution(Box<ConvOp>),
    Depthwise(Box<DepthwiseOp>),
    Norm(NormOp),
    Pool(PoolOp),
    Skip(SkipOp),
    Add(AddOp),
    Dense(DenseOp),
    Dropout(DropoutOp),
}

impl Op {
    /// The planes that it reads and writes.
    pub(crate) fn planes(&self) -> [usize; 2] {
        match self {
            Self::Convolution(op) => [op.input, op.output],
            Self::Depthwise(op) => [op.input, op.output],
            Self::Norm(op) => [op.input, op.output],
            Self::Pool(op) => [op.input, op.output],
            Self::Skip(op) => [op.plane, op.sum],
            Self::Add(op) => [op.input, op.output],
            Self::Dense(op) => [op.input, op.output],
            Self::Dropout(op) => [op.plane; 2],
        }
    }
}

/// Convolution with what is fused to it.
#[derive(Debug, Clone)]
pub(crate) struct ConvOp {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) window: Window,
    pub(crate) relu: bool,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
    /// Otherwise normalisation follows, and the bias is and stays zero.
    pub(crate) biased: bool,
    pub(crate) layout: ConvLayout,
}

/// How the weights that the optimiser moves are laid out.
#[derive(Debug, Clone)]
pub(crate) enum ConvLayout {
    /// Panels, as the forward pass needs them, and the backward pass of a first convolution.
    Panels { offsets: Vec<u32>, taps: Vec<u32> },
    /// Kernel height × out channels × run, as the backward pass needs them.
    Rows(Back),
}

/// How a convolution's gradient goes back.
#[derive(Debug, Clone)]
pub(crate) enum Back {
    /// As a list of the results that have one.
    Events(EventMap),
    /// As a matrix: `conv_products`.
    Products,
}

/// Depthwise convolution with what is fused to it.
#[derive(Debug, Clone)]
pub(crate) struct DepthwiseOp {
    pub(crate) input: usize,
    pub(crate) output: usize,
    /// Without a pool.
    pub(crate) window: Window,
    pub(crate) relu: bool,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
    /// Otherwise normalisation follows, and the bias is and stays zero.
    pub(crate) biased: bool,
}

/// Batch normalisation with what is fused to it.
#[derive(Debug, Clone)]
pub(crate) struct NormOp {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) pool: Pool,
    pub(crate) relu: bool,
    /// Otherwise the factors are 1; their gradients are needed all the same.
    pub(crate) scaled: bool,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
    /// Running means in the statistics; the variances follow.
    pub(crate) running: Range<usize>,
}

/// Pooling that could not be fused to a convolution.
#[derive(Debug, Clone)]
pub(crate) struct PoolOp {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) pool: Pool,
    /// Mean instead of maximum.
    pub(crate) average: bool,
}

/// Where a residual connection begins: its plane's gradient is that of what follows, and that of the sum.
#[derive(Debug, Clone)]
pub(crate) struct SkipOp {
    pub(crate) plane: usize,
    /// Where the connection ends.
    pub(crate) sum: usize,
}

/// Where a residual connection ends.
#[derive(Debug, Clone)]
pub(crate) struct AddOp {
    pub(crate) input: usize,
    pub(crate) skipped: usize,
    pub(crate) output: usize,
}

/// Dropout.
#[derive(Debug, Clone)]
pub(crate) struct DropoutOp {
    pub(crate) plane: usize,
    pub(crate) rate: f32,
    /// Its number among the dropout layers.
    pub(crate) index: usize,
}

/// Dense layer with what is fused to it.
#[derive(Debug, Clone)]
pub(crate) struct DenseOp {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) relu: bool,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
    /// Otherwise normalisation follows, and the bias is and stays zero.
    pub(crate) biased: bool,
    /// Nothing before it learns, so its input needs no gradient.
    pub(crate) first: bool,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Train,
    /// Nothing goes backward, so convolutions keep their weights in panels.
    Predict,
}
