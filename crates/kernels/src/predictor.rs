//! A network that answers.
//!
//! It has no moments, no gradients and no dropout, and normalisation is folded into the
//! layers. An image gets the same scores, bit for bit, alone and among others.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::average_pool::AveragePoolForward;
use super::batch::{KernelError, check_values};
use super::buffer::Buffer;
use super::conv::{Convolve, scratch_len};
use super::dense::Multiply;
use super::depthwise::DepthwiseForward;
use super::pixels::Load;
use super::placements::Placement;
use super::plan::{Op, Plan, Purpose};
use super::pool::PoolForward;
use super::simd::Isa;
use super::sum::{Sample, Sum, Summand};
use crate::Network;

/// Samples that one worker takes at a time; they share a dense layer's weights.
const BLOCK: usize = 32;

/// Weights for answers. It works on the ambient rayon pool and may be shared by threads.
#[derive(Debug)]
pub struct Predictor {
    isa: Isa,
    plan: Plan,
    /// Numbers of an image.
    picture_len: usize,
    values: Buffer,
    /// Memory to work in: a worker takes one and puts it back.
    memories: Mutex<Vec<Memory>>,
}

/// What one worker writes on the way to the scores.
#[derive(Debug)]
struct Memory {
    planes: Vec<Buffer>,
    scratch: Buffer,
}

impl Predictor {
    /// A predictor with `values` for the tensors of `network`, in the order of
    /// [`Network::tensors`].
    ///
    /// # Errors
    /// When a tensor is missing or has another length, or a layer is too large.
    pub fn new(network: &Network, values: &[Vec<f32>], isa: Isa) -> Result<Self, KernelError> {
        check_values(network, values)?;
        let (network, folded) = network
            .folded(values)
            .ok_or_else(|| KernelError("too few values".to_owned()))?;
        let mut predictor = Self::empty(&network, isa)?;
        for (placement, numbers) in predictor.plan.placements().iter().zip(&folded) {
            for (index, &number) in placement.indices().zip(numbers.iter()) {
                predictor.values[index] = number;
            }
        }
        Ok(predictor)
    }

    /// A predictor of a network without batch norm, whose values lie among `values` as
    /// `placements` say.
    pub(crate) fn of_placed(
        network: &Network,
        isa: Isa,
        placements: &[Placement<'_>],
        values: &[f32],
    ) -> Result<Self, KernelError> {
        let mut predictor = Self::empty(&network.without_dropout(), isa)?;
        for (to, from) in predictor.plan.placements().iter().zip(placements) {
            for (to, from) in to.indices().zip(from.indices()) {
                predictor.values[to] = values[from];
            }
        }
        Ok(predictor)
    }

    /// With values of zero.
    fn empty(network: &Network, isa: Isa) -> Result<Self, KernelError> {
        let plan = Plan::new(network, Purpose::Predict)?;
        Ok(Self {
            isa,
            picture_len: network.input().pixels(),
            values: Buffer::zeroed(plan.parameters),
            memories: Mutex::default(),
            plan,
        })
    }

    /// N×K scores before the softmax for N×C×H×W bytes. One image is answered on the calling
    /// thread: waking another costs more.
    ///
    /// # Errors
    /// When the pixels are no whole number of images.
    pub fn scores(&self, pixels: &[u8]) -> Result<Vec<f32>, KernelError> {
        if !pixels.len().is_multiple_of(self.picture_len) {
            return Err(KernelError(format!(
                "{} pixels, where an image has {}",
                pixels.len(),
                self.picture_len
            )));
        }
        let count = pixels.len() / self.picture_len;
        let classes = self.plan.classes;
        let mut scores = vec![0.0; count * classes];
        let work = |(block, scores): (usize, &mut [f32])| {
            self.with_memory(|memory| self.block(memory, pixels, block * BLOCK, scores));
        };
        if count == 1 {
            work((0, &mut scores));
        } else {
            let blocks = scores.par_chunks_mut(BLOCK * classes);
            blocks.enumerate().for_each(work);
        }
        Ok(scores)
    }

    fn with_memory(&self, f: impl FnOnce(&mut Memory)) {
        // A memory is only taken or put back under the lock: a panic leaves no harm.
        let memories = || self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = memories().pop();
        let mut memory = kept.unwrap_or_else(|| self.memory());
        f(&mut memory);
        memories().push(memory);
    }

    /// Planes between convolutions hold one sample, those at dense layers a block.
    fn memory(&self) -> Memory {
        let mut samples = vec![1; self.plan.planes.len()];
        let mut scratch = 0;
        for op in &self.plan.ops {
            match op {
                Op::Dense(op) => {
                    samples[op.input] = BLOCK;
                    samples[op.output] = BLOCK;
                }
                Op::Convolution(op) => scratch = scratch.max(scratch_len(&op.window)),
                _ => {}
            }
        }
        let planes = self.plan.planes.iter().zip(samples);
        Memory {
            planes: planes
                .map(|(plane, count)| Buffer::zeroed(count * plane.stride()))
                .collect(),
            scratch: Buffer::zeroed(scratch),
        }
    }

    /// Up to [`BLOCK`] images from number `first` on, as many as `scores` holds.
    fn block(&self, memory: &mut Memory, pixels: &[u8], first: usize, scores: &mut [f32]) {
        let plan = &self.plan;
        let samples = scores.len() / plan.classes;
        for sample in 0..samples {
            let start = |planes: &[Buffer], index: usize| {
                let stride = plan.planes[index].stride();
                if planes[index].len() > stride {
                    sample * stride
                } else {
                    0
                }
            };
            let picture = start(&memory.planes, 0);
            let to = &mut memory.planes[0][picture..];
            self.isa
                .run(Load::row(&plan.planes[0], pixels, first + sample, to));
            for op in &plan.ops {
                // Dense layers take all images at once, below.
                if let Op::Dense(_) = op {
                    break;
                }
                if let Op::Skip(_) = op {
                    continue;
                }
                let [from, to] = op.planes();
                let starts = [start(&memory.planes, from), start(&memory.planes, to)];
                let (before, after) = memory.planes.split_at_mut(to);
                let input = &before[from][starts[0]..];
                let output = &mut after[0][starts[1]..];
                let plane = &plan.planes[to];
                match op {
                    Op::Convolution(op) => self.isa.run(Convolve {
                        window: &op.window,
                        input,
                        weights: &self.values[op.weight.clone()],
                        bias: &self.values[op.bias.clone()],
                        relu: op.relu,
                        plane,
                        output,
                        argmax: None,
                        scratch: &mut memory.scratch,
                    }),
                    Op::Depthwise(op) => self.isa.run(DepthwiseForward {
                        window: &op.window,
                        input,
                        weights: &self.values[op.weight.clone()],
                        bias: &self.values[op.bias.clone()],
                        relu: op.relu,
                        plane,
                        output,
                    }),
                    Op::Add(op) => {
                        let skipped = op.skipped;
                        self.isa.run(Sum {
                            first: Sample {
                                plane: &plan.planes[from],
                                values: input,
                            },
                            second: Summand::Other(Sample {
                                plane: &plan.planes[skipped],
                                // It is no dense layer's input, so it holds one sample.
                                values: &before[skipped],
                            }),
                            plane,
                            output,
                        });
                    }
                    Op::Pool(op) if op.average => self.isa.run(AveragePoolForward {
                        pool: &op.pool,
                        input_plane: &plan.planes[from],
                        input,
                        plane,
                        output,
                    }),
                    Op::Pool(op) => self.isa.run(PoolForward {
                        pool: &op.pool,
                        input_plane: &plan.planes[from],
                        input,
                        affine: None,
                        relu: false,
                        plane,
                        output,
                        argmax: None,
                    }),
                    _ => {}
                }
            }
        }
        for op in &plan.ops {
            let Op::Dense(op) = op else { continue };
            let (before, after) = memory.planes.split_at_mut(op.output);
            self.isa.run(Multiply {
                samples,
                inputs: op.inputs,
                outputs: op.outputs,
                input: &before[op.input],
                input_stride: op.inputs,
                weights: &self.values[op.weight.clone()],
                bias: Some(&self.values[op.bias.clone()]),
                relu: op.relu,
                output: &mut after[0],
                output_stride: op.outputs,
            });
        }
        let last = plan.planes.len() - 1;
        let rows = memory.planes[last].chunks_exact(plan.planes[last].stride());
        for (to, from) in scores.chunks_exact_mut(plan.classes).zip(rows) {
            to.copy_from_slice(&from[..plan.classes]);
        }
    }
}
