//! The memory of a training step, allocated for the largest batch so far.

use std::ops::DerefMut;

use super::buffer::{Buffer, Shared};
use super::conv::scratch_len;
use super::conv_products;
use super::events::Events;
use super::loss::Score;
use super::plan::{Back, ConvLayout, Op, Plan};
use super::schedule::{CHUNK, gradient_len};

/// All that a step writes, apart from parameters.
#[derive(Default)]
pub(crate) struct Workspace {
    samples: usize,
    /// Samples of the last batch.
    pub(crate) batch: usize,
    pub(crate) planes: Vec<Buffer>,
    pub(crate) gradients: Vec<Buffer>,
    /// Per operation, as are the next ones.
    argmax: Vec<Vec<u8>>,
    pub(crate) measured: Vec<Vec<f64>>,
    events: Vec<Vec<Events>>,
    /// Gradients of the summed parameters, chunk by chunk.
    pub(crate) partials: Buffer,
    scratch: Buffer,
    scratch_len: usize,
    pub(crate) scores: Vec<Score>,
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace")
            .field("samples", &self.samples)
            .finish_non_exhaustive()
    }
}

impl Workspace {
    /// Grows for a batch of that many samples, if that is needed.
    pub(crate) fn reserve(&mut self, plan: &Plan, transient: &[bool], samples: usize) {
        self.batch = samples;
        if samples <= self.samples {
            return;
        }
        let chunks = samples.div_ceil(CHUNK);
        self.samples = samples;
        let planes = || plan.planes.iter().zip(transient);
        self.planes = planes()
            .map(|(plane, _)| Buffer::zeroed(samples * plane.stride()))
            .collect();
        self.gradients = planes()
            .enumerate()
            .map(|(index, (plane, &transient))| {
                // The image has no gradient.
                let len = if index == 0 {
                    0
                } else {
                    gradient_len(plane, samples, transient)
                };
                Buffer::zeroed(len)
            })
            .collect();
        self.argmax = plan
            .ops
            .iter()
            .map(|op| match op {
                Op::Convolution(_) | Op::Norm(_) | Op::Pool(_) => {
                    let [_, output] = op.planes();
                    vec![0; samples * plan.planes[output].argmax_len()]
                }
                _ => Vec::new(),
            })
            .collect();
        self.measured = plan
            .ops
            .iter()
            .map(|op| match op {
                Op::Norm(op) => vec![0.0; chunks * 2 * plan.planes[op.input].stored],
                _ => Vec::new(),
            })
            .collect();
        self.events = plan
            .ops
            .iter()
            .map(|op| match op {
                Op::Convolution(op) => match &op.layout {
                    ConvLayout::Rows(Back::Events(map)) => {
                        vec![Events::new(&op.window, map); chunks]
                    }
                    ConvLayout::Rows(Back::Products) | ConvLayout::Panels { .. } => Vec::new(),
                },
                _ => Vec::new(),
            })
            .collect();
        self.partials = Buffer::zeroed(chunks * plan.summed);
        let scratch = plan.ops.iter().map(|op| match op {
            Op::Convolution(op) => match op.layout {
                ConvLayout::Rows(Back::Products) => {
                    scratch_len(&op.window).max(conv_products::scratch_len(&op.window))
                }
                _ => scratch_len(&op.window),
            },
            _ => 0,
        });
        self.scratch_len = scratch.max().unwrap_or(0).next_multiple_of(16);
        self.scratch = Buffer::zeroed(chunks * self.scratch_len);
        self.scores = vec![Score::default(); chunks];
    }

    /// All of it, for workers to share.
    pub(crate) fn share(&mut self) -> SharedBuffers<'_> {
        SharedBuffers {
            planes: share(&mut self.planes),
            gradients: share(&mut self.gradients),
            argmax: share(&mut self.argmax),
            measured: share(&mut self.measured),
            events: share(&mut self.events),
            partials: Shared::new(&mut self.partials),
            scratch: Shared::new(&mut self.scratch),
            scratch_len: self.scratch_len,
            scores: Shared::new(&mut self.scores),
        }
    }
}

fn share<T, C: DerefMut<Target = [T]>>(all: &mut [C]) -> Vec<Shared<'_, T>> {
    all.iter_mut().map(|one| Shared::new(one)).collect()
}

/// A [`Workspace`] in use: workers take the parts of their chunk.
pub(crate) struct SharedBuffers<'a> {
    pub(crate) planes: Vec<Shared<'a, f32>>,
    pub(crate) gradients: Vec<Shared<'a, f32>>,
    pub(crate) argmax: Vec<Shared<'a, u8>>,
    pub(crate) measured: Vec<Shared<'a, f64>>,
    pub(crate) events: Vec<Shared<'a, Events>>,
    pub(crate) partials: Shared<'a, f32>,
    pub(crate) scratch: Shared<'a, f32>,
    pub(crate) scratch_len: usize,
    pub(crate) scores: Shared<'a, Score>,
}
