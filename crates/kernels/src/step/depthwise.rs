//! The part of a step that filters each channel by itself.
//!
//! The functions take parts of shared slices as those of the parent module do, and are safe
//! to call under the same condition.

use super::super::depthwise::{DepthwiseBack, DepthwiseForward};
use super::super::plan::DepthwiseOp;
use super::{Span, StepWorker};

impl StepWorker<'_> {
    pub(super) unsafe fn depthwise(&self, op: &DepthwiseOp, span: Span) {
        // SAFETY: as for `work`.
        let (input, output) = unsafe { (self.plane(op.input, span), self.plane(op.output, span)) };
        self.isa.run(DepthwiseForward {
            window: &op.window,
            input,
            weights: &self.values[op.weight.clone()],
            bias: &self.values[op.bias.clone()],
            relu: op.relu,
            plane: &self.plan.planes[op.output],
            output,
        });
    }

    pub(super) unsafe fn depthwise_back(&self, op: &DepthwiseOp, span: Span) {
        // SAFETY: as for `work`; weight and bias are different ranges.
        let (input, output, gradient, weight_gradient, bias_gradient) = unsafe {
            (
                self.plane(op.input, span),
                self.plane(op.output, span),
                self.gradient(op.output, span),
                self.partial(&op.weight, span),
                self.partial(&op.bias, span),
            )
        };
        // The image has no gradient.
        let input_gradient = match op.input {
            0 => None,
            // SAFETY: as for `work`.
            input => Some(unsafe { self.gradient(input, span) }),
        };
        self.isa.run(DepthwiseBack {
            window: &op.window,
            input,
            weights: &self.values[op.weight.clone()],
            plane: &self.plan.planes[op.output],
            gradient,
            cut: op.relu.then_some(&*output),
            weight_gradient,
            bias_gradient: op.biased.then_some(bias_gradient),
            input_gradient,
        });
    }
}
