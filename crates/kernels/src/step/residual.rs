//! The part of a step where residual connections begin and end.
//!
//! The functions take parts of shared slices as those of the parent module do, and are safe
//! to call under the same condition.

use super::super::plan::{AddOp, SkipOp};
use super::super::sum::{Sample, Sum, Summand};
use super::{Span, StepWorker};

impl StepWorker<'_> {
    pub(super) unsafe fn add(&self, op: &AddOp, span: Span) {
        // SAFETY: as for `work`.
        let (input, skipped, output) = unsafe {
            (
                self.plane(op.input, span),
                self.plane(op.skipped, span),
                self.plane(op.output, span),
            )
        };
        self.isa.run(Sum {
            first: self.sample(op.input, input),
            second: Summand::Other(self.sample(op.skipped, skipped)),
            plane: &self.plan.planes[op.output],
            output,
        });
    }

    /// The sum's gradient is that of its first summand.
    pub(super) unsafe fn add_back(&self, op: &AddOp, span: Span) {
        // SAFETY: as for `work`.
        let (gradient, input_gradient) = unsafe {
            (
                self.gradient(op.output, span),
                self.gradient(op.input, span),
            )
        };
        self.isa.run(Sum {
            first: self.sample(op.output, gradient),
            second: Summand::Nothing,
            plane: &self.plan.planes[op.input],
            output: input_gradient,
        });
    }

    /// ... and joins that of the second, when what is between them has gone back.
    pub(super) unsafe fn skip_back(&self, op: &SkipOp, span: Span) {
        // SAFETY: as for `work`.
        let (gradient, output) =
            unsafe { (self.gradient(op.sum, span), self.gradient(op.plane, span)) };
        self.isa.run(Sum {
            first: self.sample(op.sum, gradient),
            second: Summand::Output,
            plane: &self.plan.planes[op.plane],
            output,
        });
    }

    fn sample<'b>(&'b self, plane: usize, values: &'b [f32]) -> Sample<'b> {
        Sample {
            plane: &self.plan.planes[plane],
            values,
        }
    }
}
