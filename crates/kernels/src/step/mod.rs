//! One worker takes one chunk of samples through a phase.

mod depthwise;
mod pooling;
mod residual;

use super::batch::Batch;
use super::buffer::Buffer;
use super::conv::Convolve;
use super::conv_first::FirstBack;
use super::conv_grad::ConvolveBack;
use super::conv_products::ConvolveProductsBack;
use super::dense::{BiasGradient, Multiply};
use super::dropout::{Dropout, MaskKey};
use super::events::PooledGradient;
use super::first_dense::{Share, gather};
use super::geometry::Plane;
use super::loss::{Gradient, Score, weight_of};
use super::norm::Moments;
use super::pixels::Load;
use super::plan::{Back, ConvLayout, ConvOp, DenseOp, DropoutOp, Op, Plan};
use super::schedule::{CHUNK, Work, by_chunk};
use super::simd::Isa;
use super::sort_events::sort_events;
use super::workspace::SharedBuffers;

/// What all workers see of a step.
pub(crate) struct StepWorker<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) isa: Isa,
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) dropout_seed: u64,
    /// Of each class, or none where all weigh 1.
    pub(crate) class_weights: &'a [f32],
    pub(crate) label_smoothing: f32,
    pub(crate) values: &'a [f32],
    /// Per operation: a convolution's panels, or a dense layer's transposed weights.
    pub(crate) packed: &'a [Buffer],
    pub(crate) moments: &'a [Moments],
    pub(crate) transient: &'a [bool],
    pub(crate) buffers: SharedBuffers<'a>,
    /// Of the first layer, where its outputs are already there.
    pub(crate) shares: &'a [Share],
}

/// Some samples of one chunk.
#[derive(Clone, Copy)]
struct Span {
    chunk: usize,
    first: usize,
    count: usize,
}

impl<'a> StepWorker<'a> {
    /// Takes a chunk through groups of work.
    ///
    /// # Safety
    ///
    /// No two calls for the same chunk run at once.
    pub(crate) unsafe fn run(&self, chunk: usize, groups: &[Vec<Work>]) {
        let first = chunk * CHUNK;
        let count = CHUNK.min(self.batch.len() - first);
        let whole = Span {
            chunk,
            first,
            count,
        };
        for group in groups {
            // SAFETY: spans of the same chunk, one after the other.
            unsafe {
                if by_chunk(self.plan, group[0]) {
                    self.work(group[0], whole);
                    continue;
                }
                for first in first..first + count {
                    let count = 1;
                    for &work in group {
                        self.work(
                            work,
                            Span {
                                first,
                                count,
                                ..whole
                            },
                        );
                    }
                }
            }
        }
    }

    // All parts that the functions below take from shared slices belong to the span's samples
    // or to its chunk, which no other worker has; within one function they come from different
    // slices, or from different ranges of one.

    /// # Safety
    ///
    /// Nobody else works on the span's chunk.
    unsafe fn work(&self, work: Work, span: Span) {
        // SAFETY: as the caller guarantees.
        unsafe {
            match work {
                Work::Load => self.load(span),
                Work::Gather => self.gather(span),
                Work::Loss => self.loss(span),
                Work::Measure(index) => self.measure(index, span),
                Work::Sums(index) => self.norm_sums(index, span),
                Work::Forward(index) => match &self.plan.ops[index] {
                    Op::Convolution(op) => self.convolve(index, op, span),
                    Op::Depthwise(op) => self.depthwise(op, span),
                    Op::Norm(op) => self.norm(index, op, span),
                    Op::Dense(op) => self.dense(op, span),
                    Op::Pool(op) => self.pool(index, op, span),
                    Op::Skip(_) => {}
                    Op::Add(op) => self.add(op, span),
                    Op::Dropout(op) => self.drop_out(op, self.plane(op.plane, span), span),
                },
                Work::Backward(index) => match &self.plan.ops[index] {
                    Op::Convolution(op) => self.convolve_back(index, op, span),
                    Op::Depthwise(op) => self.depthwise_back(op, span),
                    Op::Norm(op) => self.norm_back(index, op, span),
                    Op::Dense(op) => self.dense_back(index, op, span),
                    // The image has no gradient.
                    Op::Pool(op) if op.input == 0 => {}
                    Op::Dropout(op) if op.plane == 0 => {}
                    Op::Pool(op) => self.pool_back(index, op, span),
                    Op::Skip(op) => self.skip_back(op, span),
                    Op::Add(op) => self.add_back(op, span),
                    Op::Dropout(op) => self.drop_out(op, self.gradient(op.plane, span), span),
                },
            }
        }
    }

    /// The span's numbers between two operations.
    ///
    /// # Safety
    ///
    /// As for `work`, and the part is not in use.
    unsafe fn plane(&self, index: usize, span: Span) -> &'a mut [f32] {
        let stride = self.plan.planes[index].stride();
        // SAFETY: as the caller guarantees.
        unsafe { self.buffers.planes[index].part(span.first * stride, span.count * stride) }
    }

    /// Their gradients.
    ///
    /// # Safety
    ///
    /// As for `plane`.
    unsafe fn gradient(&self, index: usize, span: Span) -> &'a mut [f32] {
        let stride = self.plan.planes[index].stride();
        let first = if self.transient[index] {
            span.chunk
        } else {
            span.first
        };
        // SAFETY: as the caller guarantees.
        unsafe { self.buffers.gradients[index].part(first * stride, span.count * stride) }
    }

    /// The chunk's gradient of a range of parameters.
    ///
    /// # Safety
    ///
    /// As for `plane`.
    unsafe fn partial(&self, range: &std::ops::Range<usize>, span: Span) -> &'a mut [f32] {
        let start = span.chunk * self.plan.summed + range.start;
        // SAFETY: as the caller guarantees.
        unsafe { self.buffers.partials.part(start, range.len()) }
    }

    unsafe fn load(&self, span: Span) {
        // SAFETY: as for `work`.
        let plane = unsafe { self.plane(0, span) };
        let load = Load::sample(&self.plan.planes[0], self.batch, span.first, plane);
        self.isa.run(load);
        if span.first.is_multiple_of(CHUNK) {
            // SAFETY: as for `work`.
            unsafe { self.partial(&(0..self.plan.summed), span) }.fill(0.0);
        }
    }

    unsafe fn gather(&self, span: Span) {
        // SAFETY: as for `work`.
        let (plane, partial) = unsafe {
            (
                self.plane(1, span),
                self.partial(&(0..self.plan.summed), span),
            )
        };
        let outputs = self.plan.planes[1].stride();
        gather(
            self.shares,
            span.first..span.first + span.count,
            outputs,
            plane,
        );
        partial.fill(0.0);
    }

    unsafe fn convolve(&self, index: usize, op: &ConvOp, span: Span) {
        // SAFETY: as for `work`.
        let (input, output, argmax, scratch) = unsafe {
            (
                self.plane(op.input, span),
                self.plane(op.output, span),
                self.argmax_of(index, &self.plan.planes[op.output], span),
                self.scratch(span),
            )
        };
        let weights = match op.layout {
            ConvLayout::Panels { .. } => &self.values[op.weight.clone()],
            ConvLayout::Rows(_) => &self.packed[index],
        };
        self.isa.run(Convolve {
            window: &op.window,
            input,
            weights,
            bias: &self.values[op.bias.clone()],
            relu: op.relu,
            plane: &self.plan.planes[op.output],
            output,
            argmax: Some(argmax),
            scratch,
        });
    }

    unsafe fn convolve_back(&self, index: usize, op: &ConvOp, span: Span) {
        let plane = &self.plan.planes[op.output];
        // SAFETY: as for `work`; weights and bias are different ranges.
        let (input, gradient, argmax, weight_gradient, bias_gradient) = unsafe {
            (
                self.plane(op.input, span),
                self.gradient(op.output, span),
                self.argmax_of(index, plane, span),
                self.partial(&op.weight, span),
                self.partial(&op.bias, span),
            )
        };
        let pooled = PooledGradient {
            window: &op.window,
            gradient: &gradient[plane.origin()..],
            row: plane.row(),
            argmax,
        };
        match &op.layout {
            ConvLayout::Panels { offsets, taps } => self.isa.run(FirstBack {
                offsets,
                taps,
                input,
                pooled,
                weight_gradient,
                bias_gradient: op.biased.then_some(bias_gradient),
            }),
            ConvLayout::Rows(Back::Events(map)) => {
                // SAFETY: as for `work`.
                let (input_gradient, events) = unsafe {
                    (
                        self.gradient(op.input, span),
                        &mut self.buffers.events[index].part(span.chunk, 1)[0],
                    )
                };
                sort_events(self.isa, pooled, map, events);
                self.isa.run(ConvolveBack {
                    map,
                    events,
                    input,
                    weights: &self.values[op.weight.clone()],
                    pooled,
                    weight_gradient,
                    bias_gradient: op.biased.then_some(bias_gradient),
                    input_gradient,
                });
            }
            ConvLayout::Rows(Back::Products) => {
                // SAFETY: as for `work`.
                let (input_gradient, scratch) =
                    unsafe { (self.gradient(op.input, span), self.scratch(span)) };
                self.isa.run(ConvolveProductsBack {
                    input,
                    turned: &self.packed[index][op.forward_len()..],
                    pooled,
                    relu: op.relu,
                    weight_gradient,
                    bias_gradient: op.biased.then_some(bias_gradient),
                    input_gradient,
                    scratch,
                });
            }
        }
    }

    /// What the chunk may write while one operation runs.
    ///
    /// # Safety
    ///
    /// As for `plane`.
    unsafe fn scratch(&self, span: Span) -> &'a mut [f32] {
        let len = self.buffers.scratch_len;
        // SAFETY: as the caller guarantees.
        unsafe { self.buffers.scratch.part(span.chunk * len, len) }
    }

    /// # Safety
    ///
    /// As for `plane`.
    unsafe fn argmax_of(&self, index: usize, plane: &Plane, span: Span) -> &'a mut [u8] {
        let len = plane.argmax_len();
        // SAFETY: as the caller guarantees.
        unsafe { self.buffers.argmax[index].part(span.first * len, span.count * len) }
    }

    unsafe fn dense(&self, op: &DenseOp, span: Span) {
        // SAFETY: as for `work`.
        let (input, output) = unsafe { (self.plane(op.input, span), self.plane(op.output, span)) };
        self.isa.run(Multiply {
            samples: span.count,
            inputs: op.inputs,
            outputs: op.outputs,
            input,
            input_stride: op.inputs,
            weights: &self.values[op.weight.clone()],
            bias: Some(&self.values[op.bias.clone()]),
            relu: op.relu,
            output,
            output_stride: op.outputs,
        });
    }

    unsafe fn dense_back(&self, index: usize, op: &DenseOp, span: Span) {
        // SAFETY: as for `work`.
        let (output, gradient, bias) = unsafe {
            (
                self.plane(op.output, span),
                self.gradient(op.output, span),
                self.partial(&op.bias, span),
            )
        };
        self.isa.run(BiasGradient {
            outputs: op.outputs,
            gradient,
            stride: op.outputs,
            output: op.relu.then_some(&*output),
            sum: op.biased.then_some(bias),
        });
        if !op.first {
            // SAFETY: as for `work`.
            let input_gradient = unsafe { self.gradient(op.input, span) };
            self.isa.run(Multiply {
                samples: span.count,
                inputs: op.outputs,
                outputs: op.inputs,
                input: gradient,
                input_stride: op.outputs,
                weights: &self.packed[index],
                bias: None,
                relu: false,
                output: input_gradient,
                output_stride: op.inputs,
            });
        }
    }

    fn drop_out(&self, op: &DropoutOp, values: &mut [f32], span: Span) {
        let plane = &self.plan.planes[op.plane];
        if op.rate == 0.0 {
            return;
        }
        for (i, values) in values.chunks_exact_mut(plane.stride()).enumerate() {
            let key = MaskKey {
                seed: self.dropout_seed,
                step: self.batch.step,
                layer: op.index,
                sample: span.first + i,
            };
            self.isa.run(Dropout {
                rate: op.rate,
                key,
                plane,
                values,
            });
        }
    }

    unsafe fn loss(&self, span: Span) {
        let last = self.plan.planes.len() - 1;
        let stride = self.plan.planes[last].stride();
        // SAFETY: as for `work`.
        let (logits, gradient, score) = unsafe {
            (
                self.plane(last, span),
                self.gradient(last, span),
                &mut self.buffers.scores.part(span.chunk, 1)[0],
            )
        };
        *score = Score::default();
        #[allow(clippy::cast_precision_loss, reason = "a batch is smaller than 2^24")]
        let scale = 1.0 / self.batch.len() as f32;
        let rows = logits
            .chunks_exact(stride)
            .zip(gradient.chunks_exact_mut(stride));
        for (i, (logits, gradient)) in rows.enumerate() {
            let label = self.batch.labels[self.batch.row(span.first + i)];
            let logits = &logits[..self.plan.classes];
            let weight = weight_of(label, self.class_weights);
            let gradient = Gradient {
                to: gradient,
                scale,
                smoothing: self.label_smoothing,
            };
            score.add_sample(logits, label, weight, Some(gradient));
        }
    }
}
