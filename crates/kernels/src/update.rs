//! From gradients to moved parameters, and to the weights as the kernels read them.
//!
//! The gradient of a block of dense weights is a sum over all samples of the batch; a worker
//! computes it, moves the block and writes its transposed copy while all of it is in the first
//! cache. The other parameters have one gradient per chunk, which are summed in order.

use std::ops::Range;

use rayon::prelude::*;

use super::adam::{AdamStep, AdamUpdate, Reduce};
use super::average::Average;
use super::buffer::{Buffer, Shared};
use super::conv_products::{turn, turned_len};
use super::dense::WeightGradient;
use super::first_dense::{Share, first_dense};
use super::geometry::PANEL;
use super::pack::Transpose;
use super::plan::{Back, ConvLayout, ConvOp, DenseOp, Op, Plan};
use super::schedule::CHUNK;
use super::simd::Isa;
use super::workspace::Workspace;

/// All that the optimiser moves, laid out as the plan says.
#[derive(Debug)]
pub(crate) struct Parameters {
    pub(crate) values: Buffer,
    pub(crate) means: Buffer,
    squares: Buffer,
    /// Of the values over the steps, where it is kept.
    pub(crate) average: Option<Buffer>,
    /// Per operation: a convolution's panels, or a dense layer's transposed weights.
    pub(crate) packed: Vec<Buffer>,
}

/// What all parameters share in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpdateStep {
    pub(crate) adam: AdamStep,
    /// The share of the average that stays.
    pub(crate) average: Option<f32>,
}

/// Numbers in a block of weights.
const BLOCK: usize = PANEL * PANEL;

/// A block's gradient, on a cache line.
#[repr(C, align(64))]
struct Sums([f32; BLOCK]);

impl Parameters {
    pub(crate) fn zeroed(plan: &Plan) -> Self {
        Self {
            values: Buffer::zeroed(plan.parameters),
            means: Buffer::zeroed(plan.parameters),
            squares: Buffer::zeroed(plan.parameters),
            average: None,
            packed: plan
                .ops
                .iter()
                .map(|op| Buffer::zeroed(packed_len(op)))
                .collect(),
        }
    }

    /// Moves the parameters along the gradients of the workspace's last batch; `shares` are
    /// those of the first layer, where it was done by its outputs.
    pub(crate) fn step(
        &mut self,
        plan: &Plan,
        workspace: &Workspace,
        shares: &[Share],
        step: UpdateStep,
        isa: Isa,
    ) {
        let packed = self
            .packed
            .iter_mut()
            .map(|packed| Shared::new(packed))
            .collect();
        let updater = Updater {
            plan,
            isa,
            workspace,
            shares,
            step,
            values: Shared::new(&mut self.values),
            means: Shared::new(&mut self.means),
            squares: Shared::new(&mut self.squares),
            average: self.average.as_mut().map(|average| Shared::new(average)),
            packed,
        };
        updater.run();
        self.pack_convolutions(plan, isa);
    }

    /// Makes all packed weights anew.
    pub(crate) fn pack(&mut self, plan: &Plan, isa: Isa) {
        self.pack_convolutions(plan, isa);
        for (op, packed) in plan.ops.iter().zip(&mut self.packed) {
            let Op::Dense(op) = op else { continue };
            if op.first {
                continue;
            }
            let weights = self.values[op.weight.clone()].chunks_exact(BLOCK);
            for (index, weights) in weights.enumerate() {
                let (panel, block) = (index / (op.inputs / PANEL), index % (op.inputs / PANEL));
                transpose_block(weights, &mut packed[op.transposed(panel, block)..], isa);
            }
        }
    }

    /// Panels for the forward pass from rows for the backward pass.
    fn pack_convolutions(&mut self, plan: &Plan, isa: Isa) {
        for (op, packed) in plan.ops.iter().zip(&mut self.packed) {
            if let Op::Convolution(op) = op
                && matches!(op.layout, ConvLayout::Rows(_))
            {
                pack_convolution(op, &self.values[op.weight.clone()], packed, isa);
            }
        }
    }
}

fn packed_len(op: &Op) -> usize {
    match op {
        Op::Convolution(op) => match &op.layout {
            ConvLayout::Panels { .. } => 0,
            ConvLayout::Rows(Back::Events(_)) => op.forward_len(),
            ConvLayout::Rows(Back::Products) => op.forward_len() + turned_len(&op.window),
        },
        Op::Dense(op) if !op.first => op.inputs * op.outputs,
        _ => 0,
    }
}

fn pack_convolution(op: &ConvOp, weights: &[f32], packed: &mut [f32], isa: Isa) {
    let window = &op.window;
    let (packed, turned) = packed.split_at_mut(op.forward_len());
    if !turned.is_empty() {
        turn(window, weights, turned);
    }
    let run = window.run();
    for ky in 0..window.kernel[0] {
        for panel in (0..window.out_stored).step_by(PANEL) {
            let columns = PANEL.min(window.out_stored - panel);
            isa.run(Transpose {
                from: &weights[(ky * window.out_channels + panel) * run..],
                rows: columns.min(window.out_channels - panel),
                columns: run,
                from_row: run,
                to: &mut packed[panel * window.taps() + ky * run * columns..],
                to_row: columns,
            });
        }
    }
}

fn transpose_block(from: &[f32], to: &mut [f32], isa: Isa) {
    isa.run(Transpose {
        from,
        rows: PANEL,
        columns: PANEL,
        from_row: PANEL,
        to,
        to_row: PANEL,
    });
}

impl ConvOp {
    /// Numbers of the packed weights that the forward pass reads; those of the backward pass, if it needs
    /// any, follow.
    pub(crate) fn forward_len(&self) -> usize {
        self.window.taps() * self.window.out_stored
    }
}

impl DenseOp {
    /// Where, in the transposed weights, the block of a panel of outputs and 32 inputs begins.
    fn transposed(&self, panel: usize, block: usize) -> usize {
        block * PANEL * self.outputs + panel * BLOCK
    }
}

/// What workers see of an update.
struct Updater<'a> {
    plan: &'a Plan,
    isa: Isa,
    workspace: &'a Workspace,
    /// Of the first layer, where it was done by its outputs.
    shares: &'a [Share],
    step: UpdateStep,
    values: Shared<'a, f32>,
    means: Shared<'a, f32>,
    squares: Shared<'a, f32>,
    average: Option<Shared<'a, f32>>,
    packed: Vec<Shared<'a, f32>>,
}

/// A piece of an update.
#[derive(Clone, Copy)]
enum Piece<'a> {
    /// All outputs of 32 inputs of a dense layer.
    Dense {
        index: usize,
        op: &'a DenseOp,
        block: usize,
    },
    /// Some of the parameters that are summed over chunks.
    Summed { from: usize },
}

impl Updater<'_> {
    fn run(&self) {
        let dense = self
            .plan
            .ops
            .iter()
            .enumerate()
            .filter_map(|(index, op)| match op {
                Op::Dense(op) if index > 0 || self.shares.is_empty() => Some((index, op)),
                _ => None,
            });
        let dense = dense.flat_map(|(index, op)| {
            (0..op.inputs / PANEL).map(move |block| Piece::Dense { index, op, block })
        });
        let summed = (0..self.plan.summed)
            .step_by(BLOCK)
            .map(|from| Piece::Summed { from });
        let pieces: Vec<Piece<'_>> = dense.chain(summed).collect();
        // SAFETY: every piece is there once.
        let piece = |piece: &Piece<'_>| unsafe {
            match *piece {
                Piece::Dense { index, op, block } => {
                    let input = &self.workspace.planes[op.input];
                    self.dense(index, op, input, block, 0..op.outputs / PANEL);
                }
                Piece::Summed { from } => self.summed(from),
            }
        };
        let Some(first) = first_dense(self.plan).filter(|_| !self.shares.is_empty()) else {
            return pieces.par_iter().for_each(piece);
        };
        let shares = self.shares.par_iter().enumerate().with_max_len(1);
        shares.for_each(|(number, share)| {
            for block in 0..first.inputs / PANEL {
                // SAFETY: no two shares have a panel in common.
                unsafe { self.dense(0, first, &share.input, block, share.panels.clone()) };
            }
            let others = pieces.iter().skip(number).step_by(self.shares.len());
            others.for_each(piece);
        });
    }

    /// # Safety
    ///
    /// No other worker has the same block and panels of the same layer.
    unsafe fn dense(
        &self,
        index: usize,
        op: &DenseOp,
        input: &[f32],
        block: usize,
        panels: Range<usize>,
    ) {
        let mut sums = Sums([0.0; BLOCK]);
        for panel in panels {
            self.isa.run(WeightGradient {
                samples: self.workspace.batch,
                input: &input[block * PANEL..],
                input_stride: op.inputs,
                gradient: &self.workspace.gradients[op.output][panel * PANEL..],
                gradient_stride: op.outputs,
                block: &mut sums.0,
            });
            let from = op.weight.start + panel * PANEL * op.inputs + block * BLOCK;
            // SAFETY: a part per layer, panel and block.
            unsafe {
                let values = self.apply(from, &sums.0);
                if !op.first {
                    let to = self.packed[index].part(op.transposed(panel, block), BLOCK);
                    transpose_block(values, to, self.isa);
                }
            }
        }
    }

    /// # Safety
    ///
    /// No other worker has the same parameters.
    unsafe fn summed(&self, from: usize) {
        let mut sums = Sums([0.0; BLOCK]);
        let sums = &mut sums.0[..BLOCK.min(self.plan.summed - from)];
        self.isa.run(Reduce {
            parts: &self.workspace.partials[from..],
            stride: self.plan.summed,
            count: self.workspace.batch.div_ceil(CHUNK),
            sum: sums,
        });
        // SAFETY: as the caller guarantees.
        unsafe { self.apply(from, sums) };
    }

    /// Moves the values from `from` along their gradient, and returns them.
    ///
    /// # Safety
    ///
    /// No other worker has the same values.
    unsafe fn apply(&self, from: usize, gradient: &[f32]) -> &[f32] {
        let len = gradient.len();
        // SAFETY: as the caller guarantees.
        let values = unsafe { self.values.part(from, len) };
        // SAFETY: as the caller guarantees.
        let (means, squares) =
            unsafe { (self.means.part(from, len), self.squares.part(from, len)) };
        self.isa.run(AdamUpdate {
            step: self.step.adam,
            gradient,
            values,
            means,
            squares,
        });
        if let Some((share, average)) = self.step.average.zip(self.average.as_ref()) {
            self.isa.run(Average {
                share,
                values,
                // SAFETY: as the caller guarantees.
                average: unsafe { average.part(from, len) },
            });
        }
        values
    }
}
