//! From gradients to moved parameters, and to the weights as the kernels read them.
//!
//! The gradient of a block of dense weights is a sum over all samples of the batch; a worker
//! computes it, moves the block and writes its transposed copy while all of it is in the first
//! cache. The other parameters have one gradient per chunk, which are summed in order.

use std::ops::Range;

use rayon::prelude::*;

use super::adam::{AdamUpdate, Reduce};
use super::average::Average;
use super::buffer::{Buffer, Shared};
use super::conv_products::{turn, turned_len};
use super::dense::WeightGradient;
use super::first_dense::{Share, first_dense};
use super::geometry::PANEL;
use super::muon::{Matrix, MuonMomentum, MuonStep};
use super::optimizer::{Rule, UpdateStep};
use super::pack::{Transpose, transpose_block};
use super::plan::{Back, ConvLayout, ConvOp, DenseOp, Op, Plan};
use super::schedule::CHUNK;
use super::sgd::SgdUpdate;
use super::simd::Isa;
use super::workspace::Workspace;

/// All that the optimiser moves, laid out as the plan says.
#[derive(Debug)]
pub(crate) struct Parameters {
    pub(crate) values: Buffer,
    pub(crate) means: Buffer,
    /// Of Muon's matrices, the directions that they are moved in.
    squares: Buffer,
    /// What Muon moves.
    matrices: Vec<Matrix>,
    /// Of the values over the steps, where it is kept.
    pub(crate) average: Option<Buffer>,
    /// Per operation: a convolution's panels, or a dense layer's transposed weights.
    pub(crate) packed: Vec<Buffer>,
}

/// Numbers in a block of weights.
const BLOCK: usize = PANEL * PANEL;

/// A block's gradient, on a cache line.
#[repr(C, align(64))]
struct Sums([f32; BLOCK]);

impl Parameters {
    pub(crate) fn zeroed(plan: &Plan, matrices: Vec<Matrix>) -> Self {
        Self {
            values: Buffer::zeroed(plan.parameters),
            means: Buffer::zeroed(plan.parameters),
            squares: Buffer::zeroed(plan.parameters),
            matrices,
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
            matrices: &self.matrices,
            values: Shared::new(&mut self.values),
            means: Shared::new(&mut self.means),
            squares: Shared::new(&mut self.squares),
            average: self.average.as_mut().map(|average| Shared::new(average)),
            packed,
        };
        updater.run();
        if let Some(muon) = step.muon {
            self.move_matrices(plan, muon, step.average, isa);
        }
        self.pack_convolutions(plan, isa);
    }

    /// Moves Muon's matrices in the directions that the updater left.
    fn move_matrices(&mut self, plan: &Plan, muon: MuonStep, average: Option<f32>, isa: Isa) {
        let (values, squares) = (
            Shared::new(&mut self.values),
            Shared::new(&mut self.squares),
        );
        let averages = self.average.as_mut().map(|average| Shared::new(average));
        let matrices = self.matrices.par_iter_mut().with_max_len(1);
        matrices.for_each(|matrix| {
            let (from, len) = (matrix.range.start, matrix.range.len());
            // SAFETY: no two matrices have parameters in common.
            let (values, directions) = unsafe { (values.part(from, len), squares.part(from, len)) };
            matrix.step(muon, directions, values, isa);
            if let Some((share, averages)) = average.zip(averages.as_ref()) {
                isa.run(Average {
                    share,
                    values,
                    // SAFETY: as above.
                    average: unsafe { averages.part(from, len) },
                });
            }
        });
        for matrix in &self.matrices {
            if let Op::Dense(op) = &plan.ops[matrix.op] {
                op.pack(&self.values, &mut self.packed[matrix.op], isa);
            }
        }
    }

    /// Makes all packed weights anew.
    pub(crate) fn pack(&mut self, plan: &Plan, isa: Isa) {
        self.pack_convolutions(plan, isa);
        for (op, packed) in plan.ops.iter().zip(&mut self.packed) {
            if let Op::Dense(op) = op
                && !op.first
            {
                op.pack(&self.values, packed, isa);
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

impl ConvOp {
    /// Numbers of the packed weights that the forward pass reads; those of the backward pass, if it needs
    /// any, follow.
    pub(crate) fn forward_len(&self) -> usize {
        self.window.taps() * self.window.out_stored
    }
}

impl DenseOp {
    /// Transposes all its weights.
    fn pack(&self, values: &[f32], packed: &mut [f32], isa: Isa) {
        let weights = values[self.weight.clone()].chunks_exact(BLOCK);
        for (index, weights) in weights.enumerate() {
            let (panel, block) = (index / (self.inputs / PANEL), index % (self.inputs / PANEL));
            transpose_block(weights, &mut packed[self.transposed(panel, block)..], isa);
        }
    }

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
    matrices: &'a [Matrix],
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
                if !op.first && self.of_muon(from).is_none() {
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

    /// The matrix of Muon that a parameter belongs to.
    fn of_muon(&self, at: usize) -> Option<&Matrix> {
        self.matrices
            .iter()
            .find(|matrix| matrix.range.contains(&at))
    }

    /// Moves the values from `from` along their gradient, and returns them. Those of Muon get their
    /// directions.
    ///
    /// # Safety
    ///
    /// No other worker has the same values.
    unsafe fn apply(&self, from: usize, gradient: &[f32]) -> &[f32] {
        let mut at = from;
        let end = from + gradient.len();
        while at < end {
            let matrix = self.of_muon(at);
            let starts = self.matrices.iter().map(|matrix| matrix.range.start);
            let next = match matrix {
                Some(matrix) => matrix.range.end,
                None => starts.filter(|&start| start > at).min().unwrap_or(end),
            };
            let part = &gradient[at - from..next.min(end) - from];
            // SAFETY: as the caller guarantees.
            unsafe {
                match self.step.muon.filter(|_| matrix.is_some()) {
                    Some(step) => self.isa.run(MuonMomentum {
                        step,
                        gradient: part,
                        means: self.means.part(at, part.len()),
                        directions: self.squares.part(at, part.len()),
                    }),
                    None => self.move_each(at, part),
                }
            }
            at += part.len();
        }
        // SAFETY: as the caller guarantees.
        unsafe { self.values.part(from, gradient.len()) }
    }

    /// Moves the values from `from`, each by itself.
    ///
    /// # Safety
    ///
    /// No other worker has the same values.
    unsafe fn move_each(&self, from: usize, gradient: &[f32]) {
        let len = gradient.len();
        // SAFETY: as the caller guarantees.
        let (values, means) = unsafe { (self.values.part(from, len), self.means.part(from, len)) };
        match self.step.rule {
            Rule::Adam(step) => self.isa.run(AdamUpdate {
                step,
                gradient,
                values,
                means,
                // SAFETY: as the caller guarantees.
                squares: unsafe { self.squares.part(from, len) },
            }),
            Rule::Sgd(step) => self.isa.run(SgdUpdate {
                step,
                gradient,
                values,
                momenta: means,
            }),
        }
        if let Some((share, average)) = self.step.average.zip(self.average.as_ref()) {
            self.isa.run(Average {
                share,
                values,
                // SAFETY: as the caller guarantees.
                average: unsafe { average.part(from, len) },
            });
        }
    }
}
