//! A dense layer right behind the image, by shares of its outputs.
//!
//! It holds almost all weights of a dense network, and a step of such a network takes only a
//! fifth of a millisecond. Divided by samples, every worker needs all weights, half of which
//! another has just moved, and all images for its part of the gradient: on two threads the
//! default network's step took a sixth longer. Divided by outputs, the weights, gradients and
//! moments of a share stay with one worker from step to step, each worker has a copy of the
//! images, and only the layer's outputs go from one worker to another.
//!
//! The sums are the same, in the same order: bits do not depend on the shares.

use std::ops::Range;

use rayon::prelude::*;

use super::batch::Batch;
use super::buffer::Buffer;
use super::dense::Multiply;
use super::geometry::PANEL;
use super::pixels::Load;
use super::plan::{DenseOp, Op, Plan};
use super::simd::Isa;

/// The shares of a network's first layer.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    shares: Vec<Share>,
    samples: usize,
}

/// Some of the layer's outputs.
#[derive(Debug)]
pub(crate) struct Share {
    /// Panels of outputs.
    pub(crate) panels: Range<usize>,
    /// The images of the batch, sample by sample.
    pub(crate) input: Buffer,
    /// The outputs of the batch, sample by sample.
    pub(crate) output: Buffer,
}

impl Share {
    /// Numbers of output per sample.
    pub(crate) fn width(&self) -> usize {
        self.panels.len() * PANEL
    }
}

/// The first layer, where it is dense and takes the image as it is.
pub(crate) fn first_dense(plan: &Plan) -> Option<&DenseOp> {
    match plan.ops.first() {
        Some(Op::Dense(op)) if op.first => Some(op),
        _ => None,
    }
}

/// Most numbers of a batch of images. Each share has a copy; a larger one would not stay in
/// a worker's cache from the forward to the backward pass.
const MOST_NUMBERS: usize = 1 << 20;

/// How many shares are useful: one for each thread, or none where the threads would be idle
/// for more than an eighth of the time, because the panels cannot be divided evenly.
fn count(panels: usize, threads: usize) -> usize {
    let time = panels.div_ceil(threads) * threads;
    if (2..=panels).contains(&threads) && time * 7 <= panels * 8 {
        threads
    } else {
        0
    }
}

impl Shares {
    /// Divides the layer among the threads of the ambient pool and allocates for a batch.
    /// `false` where the layer is better not divided.
    pub(crate) fn arrange(&mut self, plan: &Plan, samples: usize) -> bool {
        let Some(op) = first_dense(plan) else {
            return false;
        };
        if samples.saturating_mul(op.inputs) > MOST_NUMBERS {
            return false;
        }
        let panels = op.outputs / PANEL;
        let count = count(panels, rayon::current_num_threads());
        if count != self.shares.len() || samples > self.samples {
            self.samples = samples;
            self.shares = (0..count)
                .map(|share| {
                    let panels = panels * share / count..panels * (share + 1) / count;
                    Share {
                        input: Buffer::zeroed(samples * op.inputs),
                        output: Buffer::zeroed(samples * panels.len() * PANEL),
                        panels,
                    }
                })
                .collect();
        }
        count > 0
    }

    pub(crate) fn all(&self) -> &[Share] {
        &self.shares
    }

    /// The layer's outputs.
    pub(crate) fn forward(&mut self, plan: &Plan, isa: Isa, batch: &Batch<'_>, values: &[f32]) {
        let Some(op) = first_dense(plan) else {
            return;
        };
        let samples = batch.len();
        self.shares
            .par_iter_mut()
            .with_max_len(1)
            .for_each(|share| {
                for (sample, input) in share
                    .input
                    .chunks_exact_mut(op.inputs)
                    .take(samples)
                    .enumerate()
                {
                    isa.run(Load::sample(&plan.planes[0], batch, sample, input));
                }
                let width = share.width();
                let panels = share.panels.start * PANEL..share.panels.end * PANEL;
                let weights = op.weight.start + panels.start * op.inputs;
                isa.run(Multiply {
                    samples,
                    inputs: op.inputs,
                    outputs: width,
                    input: &share.input,
                    input_stride: op.inputs,
                    weights: &values[weights..weights + width * op.inputs],
                    bias: Some(&values[op.bias.start + panels.start..op.bias.start + panels.end]),
                    relu: op.relu,
                    output: &mut share.output,
                    output_stride: width,
                });
            });
    }
}

/// Copies a chunk's outputs from the shares to where the next layers look for them.
pub(crate) fn gather(shares: &[Share], samples: Range<usize>, outputs: usize, plane: &mut [f32]) {
    for share in shares {
        let width = share.width();
        let from = share.output[samples.start * width..samples.end * width].chunks_exact(width);
        for (to, from) in plane.chunks_exact_mut(outputs).zip(from) {
            to[share.panels.start * PANEL..][..width].copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::ImageShape;

    use super::*;
    use crate::plan::Purpose;
    use crate::{Blueprint, Network, Step};

    #[test]
    fn shares_are_made_where_panels_divide_evenly() {
        let counts = [1, 2, 3, 4, 5, 8].map(|threads| count(4, threads));
        assert_eq!(counts, [0, 2, 0, 4, 0, 0]);
        assert_eq!(count(16, 3), 3);
        assert_eq!(count(16, 5), 0);
        assert_eq!(count(17, 2), 2);
        assert_eq!(count(1, 2), 0);
        // Never more shares than panels: one would be empty.
        for panels in 1..40 {
            for threads in 1..50 {
                assert!(count(panels, threads) <= panels, "{panels} {threads}");
            }
        }
    }

    #[test]
    fn a_convolution_or_a_huge_batch_is_not_divided() {
        let cut = |steps: &[Step], samples| {
            let blueprint = Blueprint {
                steps: steps.to_vec(),
                norm: None,
            };
            let network = Network::new(&blueprint, ImageShape::new(1, 28, 28), 3).unwrap();
            let plan = Plan::new(&network, Purpose::Train).unwrap();
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(2)
                .build()
                .unwrap();
            pool.install(|| Shares::default().arrange(&plan, samples))
        };
        let dense = |units| Step::Dense { units };
        let pool = Step::MaxPool { size: 2, stride: 2 };
        assert!(cut(&[dense(128)], 128));
        assert!(!cut(&[dense(128)], 2_000));
        assert!(!cut(&[dense(32)], 128));
        assert!(!cut(&[pool, dense(128)], 128));
        assert!(!cut(&[Step::Dropout { rate: 0.1 }, dense(128)], 128));
    }
}
