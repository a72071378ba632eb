//! Muon: momentum whose every direction moves a matrix of weights by the same amount.
//!
//! K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024): Nesterov's
//! momentum of a matrix's gradient is made nearly orthogonal by five Newton-Schulz steps with the
//! published coefficients. A convolution's filters are the rows of its matrix. The first and the last
//! layer, depthwise filters, biases and norms are Adam's, as its author advises. One learning rate serves both: the
//! matrix is multiplied by `0.2 · √max(rows, columns)`, so that its values move as far as Adam's
//! do, and weight decay is decoupled (Liu et al., "Muon is Scalable for LLM Training", 2025;
//! `match_rms_adamw` of `torch.optim.Muon`).
//!
//! The steps `X ← (a + b·XXᵀ + c·(XXᵀ)²) X` are taken on `XXᵀ` alone, which is as small as the shorter
//! side: all factors are polynomials of it, so that they commute, and one product with `X` at the end is
//! left. For the default network's 128 × 1600 that is a fifth of the arithmetic. All is computed in
//! `f32`, where the author's program takes `bf16`.

use std::ops::Range;

use rayon::prelude::*;

use super::adam::{Adam, flushed};
use super::buffer::{Buffer, Shared};
use super::dense::WeightGradient;
use super::geometry::PANEL;
use super::pack::transpose_block;
use super::plan::{ConvLayout, Op, Plan};
use super::simd::{Isa, Kernel, LANES, Simd};
use super::tile::{Base, Left, Right, Target, product};

/// Constants of the optimiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Muon {
    /// What stays of the mean of past gradients in each step, in `0..1`.
    pub momentum: f32,
    /// What moves everything else; its weight decay is that of all.
    pub adam: Adam,
}

/// What all matrices share in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MuonStep {
    momentum: f32,
    rate: f32,
    /// What decay leaves of a weight.
    keep: f32,
}

impl Muon {
    pub(crate) fn step(&self, rate: f32) -> MuonStep {
        MuonStep {
            momentum: self.momentum,
            rate,
            keep: 1.0 - rate * self.adam.weight_decay,
        }
    }
}

/// Coefficients of a Newton-Schulz step, and how many there are.
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
const STEPS: usize = 5;
/// Added to the norm that the matrix is divided by.
const EPSILON: f32 = 1e-7;
/// The root mean square of Adam's steps, nearly.
const ADAM_STEP: f32 = 0.2;

/// A matrix of weights that it moves, and memory to do it in.
///
/// It is worked on in panels of 32 columns of the shorter side, each with a row for every one of
/// the longer side.
#[derive(Debug)]
pub(crate) struct Matrix {
    /// Its operation in the plan.
    pub(crate) op: usize,
    /// Where it lies among the parameters.
    pub(crate) range: Range<usize>,
    layout: Layout,
    long: usize,
    /// In whole panels; what is padded is zero.
    short: usize,
    /// What an orthogonal matrix is multiplied with.
    scale: f32,
    panels: Buffer,
    result: Buffer,
    squares: [Buffer; 5],
}

/// How the matrix lies among the parameters.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// Panels of outputs, which are the shorter side: as it is needed.
    Dense,
    /// Panels of outputs, which are the longer side.
    DenseTurned,
    /// Rows of the kernel × filters × `run`; `turned` where the filters are the longer side.
    Filters {
        rows: usize,
        filters: usize,
        run: usize,
        turned: bool,
    },
}

/// The matrices of a plan between its first and its last layer.
pub(crate) fn matrices(plan: &Plan) -> Vec<Matrix> {
    let weighted = |op: &Op| matches!(op, Op::Convolution(_) | Op::Depthwise(_) | Op::Dense(_));
    let first = plan.ops.iter().position(weighted);
    let last = plan.ops.iter().rposition(weighted);
    let hidden = |index: &usize| Some(*index) != first && Some(*index) != last;
    let indices = (0..plan.ops.len()).filter(hidden);
    indices
        .filter_map(|index| Matrix::new(plan, index))
        .collect()
}

impl Matrix {
    fn new(plan: &Plan, index: usize) -> Option<Self> {
        let (range, layout, sides, long, short) = match &plan.ops[index] {
            Op::Convolution(op) if matches!(op.layout, ConvLayout::Rows(_)) => {
                let window = &op.window;
                let [rows, columns] = window.kernel;
                let (filters, taps) = (window.out_channels, window.taps());
                let turned = filters > taps;
                let layout = Layout::Filters {
                    rows,
                    filters,
                    run: window.run(),
                    turned,
                };
                let sides = [filters, window.input.channels * rows * columns];
                let (long, short) = if turned {
                    (filters, taps)
                } else {
                    (taps, filters)
                };
                (op.weight.clone(), layout, sides, long, short)
            }
            Op::Dense(op) => {
                let (input, output) = (&plan.planes[op.input], &plan.planes[op.output]);
                let inputs = input.channels * input.height * input.width;
                let sides = [output.channels, inputs];
                let range = op.weight.clone();
                if op.outputs <= op.inputs {
                    (range, Layout::Dense, sides, op.inputs, op.outputs)
                } else {
                    (range, Layout::DenseTurned, sides, op.outputs, op.inputs)
                }
            }
            _ => return None,
        };
        let short = short.next_multiple_of(PANEL);
        let longest = sides[0].max(sides[1]);
        Some(Self {
            op: index,
            range,
            layout,
            long,
            short,
            scale: ADAM_STEP * (longest as f32).sqrt(),
            panels: Buffer::zeroed(long * short),
            result: Buffer::zeroed(long * short),
            squares: std::array::from_fn(|_| Buffer::zeroed(short * short)),
        })
    }

    /// Moves `values` along `directions`, which it overwrites; both lie as among the parameters.
    pub(crate) fn step(
        &mut self,
        step: MuonStep,
        directions: &mut [f32],
        values: &mut [f32],
        isa: Isa,
    ) {
        self.pack(directions, isa);
        let norm = self.orthogonalise(isa);
        self.unpack(directions, isa);
        isa.run(Move {
            keep: step.keep,
            rate: step.rate * self.scale / norm,
            directions,
            values,
        });
    }

    fn pack(&mut self, from: &[f32], isa: Isa) {
        let mut panels = std::mem::take(&mut self.panels);
        match self.layout {
            Layout::Dense => panels.copy_from_slice(from),
            Layout::DenseTurned => self.turn(|whole, turned| {
                transpose_block(&from[whole..], &mut panels[turned..], isa);
            }),
            Layout::Filters { .. } => self.filters(|whole, panel| panels[panel] = from[whole]),
        }
        self.panels = panels;
    }

    fn unpack(&self, to: &mut [f32], isa: Isa) {
        match self.layout {
            Layout::Dense => to.copy_from_slice(&self.result),
            Layout::DenseTurned => self.turn(|whole, turned| {
                transpose_block(&self.result[turned..], &mut to[whole..], isa);
            }),
            Layout::Filters { .. } => self.filters(|whole, panel| to[whole] = self.result[panel]),
        }
    }

    /// Calls `f` with where each block of 32 × 32 lies among the parameters, and where, transposed,
    /// in the panels.
    fn turn(&self, mut f: impl FnMut(usize, usize)) {
        for output in (0..self.long).step_by(PANEL) {
            for input in (0..self.short).step_by(PANEL) {
                f(
                    output * self.short + input * PANEL,
                    input * self.long + output * PANEL,
                );
            }
        }
    }

    /// Calls `f` with where each weight lies among the parameters, and where in the panels.
    fn filters(&self, mut f: impl FnMut(usize, usize)) {
        let Layout::Filters {
            rows,
            filters,
            run,
            turned,
        } = self.layout
        else {
            return;
        };
        for row in 0..rows {
            for filter in 0..filters {
                for k in 0..run {
                    let tap = row * run + k;
                    let (long, short) = if turned { (filter, tap) } else { (tap, filter) };
                    let panel = (short / PANEL * self.long + long) * PANEL + short % PANEL;
                    f((row * filters + filter) * run + k, panel);
                }
            }
        }
    }

    /// Makes `result` from `panels`, up to the factor 1 / norm; returns the norm.
    fn orthogonalise(&mut self, isa: Isa) -> f32 {
        let (size, long) = (self.short, self.long);
        let [gram, square, step, all, other] = &mut self.squares;
        symmetric_product(isa, long, &self.panels, &self.panels, size, gram);
        let diagonal = (0..size).map(|i| f64::from(gram[place(size, i, i)]));
        #[allow(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
        let norm = diagonal.sum::<f64>().sqrt() as f32 + EPSILON;
        for value in gram.iter_mut() {
            *value = *value / norm / norm;
        }
        let [a, b, c] = COEFFICIENTS;
        for number in 0..STEPS {
            symmetric_product(isa, size, gram, gram, size, square);
            for ((to, &first), &second) in step.iter_mut().zip(gram.iter()).zip(square.iter()) {
                *to = b * first + c * second;
            }
            for i in 0..size {
                step[place(size, i, i)] += a;
            }
            if number == 0 {
                all.copy_from_slice(step);
            } else {
                symmetric_product(isa, size, step, all, size, other);
                std::mem::swap(all, other);
            }
            if number + 1 < STEPS {
                // What XXᵀ has become: step · gram · step.
                symmetric_product(isa, size, gram, step, size, square);
                symmetric_product(isa, size, step, square, size, gram);
            }
        }
        let columns = self
            .result
            .par_chunks_mut(long * PANEL)
            .zip(all.par_chunks(size * PANEL));
        columns.for_each(|(to, right)| {
            let pieces = to.par_chunks_mut(ROWS * PANEL).enumerate();
            pieces.for_each(|(piece, to)| {
                isa.run(Combine {
                    left: &self.panels[piece * ROWS * PANEL..],
                    long,
                    size,
                    right,
                    to,
                });
            });
        });
        norm
    }
}

/// Where, in a square matrix of panels, the number in this row and column lies.
fn place(size: usize, row: usize, column: usize) -> usize {
    (column / PANEL * size + row) * PANEL + column % PANEL
}

/// Rows of a result that a worker takes at a time.
const ROWS: usize = 256;
/// Numbers of a symmetrical product, over 1024, for which other threads are worth waking.
const WORTH_SHARING: usize = 4096;

/// `to = leftᵀ · right` of `size` columns each, where it is known to be symmetrical: each block is
/// computed on one side of the diagonal and copied to the other. So it is so to the last bit, without which
/// rounding errors grow with each step.
fn symmetric_product(
    isa: Isa,
    rows: usize,
    left: &[f32],
    right: &[f32],
    size: usize,
    to: &mut [f32],
) {
    let panels = size / PANEL;
    let blocks: Vec<[usize; 2]> = (0..panels)
        .flat_map(|column| (0..=column).map(move |row| [row, column]))
        .collect();
    let to = Shared::new(to);
    let compute = |&[row, column]: &[usize; 2]| {
        const BLOCK: usize = PANEL * PANEL;
        let at = |row: usize, column: usize| column * size * PANEL + row * BLOCK;
        // SAFETY: every block is there once.
        let block = unsafe { to.part(at(row, column), BLOCK) };
        isa.run(WeightGradient {
            samples: rows,
            input: &left[row * rows * PANEL..],
            input_stride: PANEL,
            gradient: &right[column * rows * PANEL..],
            gradient_stride: PANEL,
            block,
        });
        if row != column {
            // SAFETY: as above; it is the other side's.
            transpose_block(block, unsafe { to.part(at(column, row), BLOCK) }, isa);
        } else {
            for row in 1..PANEL {
                for column in 0..row {
                    block[row * PANEL + column] = block[column * PANEL + row];
                }
            }
        }
    };
    if blocks.len() * rows < WORTH_SHARING {
        blocks.iter().for_each(compute);
    } else {
        blocks.par_iter().for_each(compute);
    }
}

/// Some rows of a panel of `to = left · right`, where `left` lies in panels of `long` rows and
/// `right` is a panel of `size` rows.
struct Combine<'a> {
    /// From the first row on.
    left: &'a [f32],
    long: usize,
    size: usize,
    right: &'a [f32],
    to: &'a mut [f32],
}

impl Kernel for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { long, size, .. } = self;
        let rows = self.to.len() / PANEL;
        if rows == 0 || size == 0 {
            return;
        }
        assert!(size % PANEL == 0, "columns come in panels");
        assert!(
            self.left.len() >= ((size / PANEL - 1) * long + rows) * PANEL,
            "too few rows"
        );
        assert!(self.right.len() >= size * PANEL, "panel too short");
        // SAFETY: rows, columns and sums lie inside the slices asserted above.
        unsafe {
            product::<S>(
                rows,
                PANEL / LANES,
                Left {
                    start: self.left.as_ptr(),
                    row: PANEL,
                    step: 1,
                    len: PANEL,
                    run: long * PANEL,
                    runs: size / PANEL,
                },
                Right {
                    start: self.right.as_ptr(),
                    width: PANEL,
                    run: PANEL * PANEL,
                },
                Target {
                    start: self.to.as_mut_ptr(),
                    row: PANEL,
                    base: Base::Zero,
                    relu: false,
                },
            );
        }
    }
}

/// Nesterov's momentum of a gradient: `m = β·m + (1 − β)·g`, and `β·m + (1 − β)·g` of the new `m`.
pub(crate) struct MuonMomentum<'a> {
    pub(crate) step: MuonStep,
    pub(crate) gradient: &'a [f32],
    pub(crate) means: &'a mut [f32],
    pub(crate) directions: &'a mut [f32],
}

impl Kernel for MuonMomentum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let len = self.gradient.len();
        assert!(len.is_multiple_of(LANES), "parameters come in vectors");
        assert!(
            self.means.len() == len && self.directions.len() == len,
            "slices of different length"
        );
        // SAFETY: `at + 16 <= len`, the length of all three slices.
        unsafe {
            let stays = S::splat(self.step.momentum);
            let rest = S::splat(1.0 - self.step.momentum);
            for at in (0..len).step_by(LANES) {
                let gradient = S::mul(rest, S::load(self.gradient.as_ptr().add(at)));
                let mean = self.means.as_mut_ptr().add(at);
                let m = S::fma(stays, S::load(mean), gradient);
                let m = flushed::<S>(m);
                S::store(mean, m);
                let to = self.directions.as_mut_ptr().add(at);
                S::store(to, S::fma(stays, m, gradient));
            }
        }
    }
}

/// `values = keep · values − rate · directions`.
struct Move<'a> {
    keep: f32,
    rate: f32,
    directions: &'a [f32],
    values: &'a mut [f32],
}

impl Kernel for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let len = self.values.len();
        assert!(len.is_multiple_of(LANES), "parameters come in vectors");
        assert_eq!(self.directions.len(), len, "slices of different length");
        // SAFETY: `at + 16 <= len`, the length of both slices.
        unsafe {
            let (keep, rate) = (S::splat(self.keep), S::splat(self.rate));
            for at in (0..len).step_by(LANES) {
                let change = S::mul(rate, S::load(self.directions.as_ptr().add(at)));
                let value = self.values.as_mut_ptr().add(at);
                S::store(value, S::sub(S::mul(keep, S::load(value)), change));
            }
        }
    }
}
