//! The part of a step that pools and normalises.
//!
//! The functions take parts of shared slices as those of the parent module do, and are safe
//! to call under the same condition.

use super::super::average_pool::{AveragePoolBack, AveragePoolForward};
use super::super::geometry::Pool;
use super::super::norm::{Measure, NormBack, NormSums};
use super::super::plan::{NormOp, Op, PoolOp};
use super::super::pool::{PoolBack, PoolForward, Pooled};
use super::{Span, StepWorker};

impl<'a> StepWorker<'a> {
    pub(super) unsafe fn measure(&self, index: usize, span: Span) {
        let Op::Norm(op) = &self.plan.ops[index] else {
            return;
        };
        let plane = &self.plan.planes[op.input];
        let len = 2 * plane.stored;
        // SAFETY: as for `work`.
        let (input, moments) = unsafe {
            (
                self.plane(op.input, span),
                self.buffers.measured[index].part(span.chunk * len, len),
            )
        };
        self.isa.run(Measure {
            plane,
            samples: span.count,
            input,
            moments,
        });
    }

    pub(super) unsafe fn norm(&self, index: usize, op: &NormOp, span: Span) {
        let moments = &self.moments[index];
        let affine = Some((&moments.scale[..], &moments.shift[..]));
        let (planes, pool) = ([op.input, op.output], &op.pool);
        // SAFETY: as for `work`.
        unsafe { self.pool_forward(index, planes, pool, affine, op.relu, span) }
    }

    pub(super) unsafe fn pool(&self, index: usize, op: &PoolOp, span: Span) {
        if op.average {
            let [input_plane, plane] = [op.input, op.output].map(|plane| &self.plan.planes[plane]);
            // SAFETY: as for `work`.
            let (input, output) =
                unsafe { (self.plane(op.input, span), self.plane(op.output, span)) };
            self.isa.run(AveragePoolForward {
                pool: &op.pool,
                input_plane,
                input,
                plane,
                output,
            });
            return;
        }
        // SAFETY: as for `work`.
        unsafe {
            self.pool_forward(index, [op.input, op.output], &op.pool, None, false, span);
        }
    }

    /// # Safety
    ///
    /// As for `work`.
    unsafe fn pool_forward(
        &self,
        index: usize,
        planes: [usize; 2],
        pool: &Pool,
        affine: Option<(&[f32], &[f32])>,
        relu: bool,
        span: Span,
    ) {
        let [input_plane, plane] = planes.map(|plane| &self.plan.planes[plane]);
        // SAFETY: as the caller guarantees.
        let (input, output, argmax) = unsafe {
            (
                self.plane(planes[0], span),
                self.plane(planes[1], span),
                self.argmax_of(index, plane, span),
            )
        };
        let argmax = Some(argmax);
        self.isa.run(PoolForward {
            pool,
            input_plane,
            input,
            affine,
            relu,
            plane,
            output,
            argmax,
        });
    }

    /// # Safety
    ///
    /// As for `work`.
    unsafe fn pooled(
        &self,
        index: usize,
        planes: [usize; 2],
        pool: &'a Pool,
        span: Span,
    ) -> Pooled<'a> {
        let plane = &self.plan.planes[planes[1]];
        // SAFETY: as the caller guarantees.
        let (gradient, argmax) = unsafe {
            (
                self.gradient(planes[1], span),
                self.argmax_of(index, plane, span),
            )
        };
        Pooled {
            pool,
            plane: &self.plan.planes[planes[0]],
            gradient: &gradient[plane.origin()..],
            gradient_row: plane.row(),
            argmax,
        }
    }

    pub(super) unsafe fn pool_back(&self, index: usize, op: &'a PoolOp, span: Span) {
        if op.average {
            let [input_plane, plane] = [op.input, op.output].map(|plane| &self.plan.planes[plane]);
            // SAFETY: as for `work`.
            let (input_gradient, gradient) = unsafe {
                (
                    self.gradient(op.input, span),
                    self.gradient(op.output, span),
                )
            };
            self.isa.run(AveragePoolBack {
                pool: &op.pool,
                plane,
                gradient,
                input_plane,
                input_gradient,
            });
            return;
        }
        // SAFETY: as for `work`.
        let (pooled, input_gradient) = unsafe {
            (
                self.pooled(index, [op.input, op.output], &op.pool, span),
                self.gradient(op.input, span),
            )
        };
        self.isa.run(PoolBack {
            pooled,
            input_gradient,
        });
    }

    pub(super) unsafe fn norm_sums(&self, index: usize, span: Span) {
        let Op::Norm(op) = &self.plan.ops[index] else {
            return;
        };
        // SAFETY: as for `work`; weight and bias are different ranges.
        let (input, pooled, weight_gradient, bias_gradient) = unsafe {
            (
                self.plane(op.input, span),
                self.pooled(index, [op.input, op.output], &op.pool, span),
                self.partial(&op.weight, span),
                self.partial(&op.bias, span),
            )
        };
        let moments = &self.moments[index];
        self.isa.run(NormSums {
            moments,
            input,
            pooled,
            weight_gradient,
            bias_gradient,
        });
    }

    pub(super) unsafe fn norm_back(&self, index: usize, op: &'a NormOp, span: Span) {
        // SAFETY: as for `work`.
        let (input, pooled, input_gradient) = unsafe {
            (
                self.plane(op.input, span),
                self.pooled(index, [op.input, op.output], &op.pool, span),
                self.gradient(op.input, span),
            )
        };
        let moments = &self.moments[index];
        self.isa.run(NormBack {
            moments,
            input,
            pooled,
            input_gradient,
        });
    }
}
