//! A network that learns.
//!
//! ```
//! # use bakeoff_neural::kernels::*;
//! let architecture = Architecture {
//!     input: [1, 4, 4],
//!     layers: vec![
//!         Layer::Dense { units: 8, batch_norm: false, relu: true },
//!         Layer::Dense { units: 2, batch_norm: false, relu: false },
//!     ],
//! };
//! let mut start = blank_parameters(&architecture)?;
//! for (i, value) in start.iter_mut().flat_map(|tensor| &mut tensor.values).enumerate() {
//!     *value = (i as f32).sin() / 4.0; // A random number in earnest.
//! }
//! let mut network = Network::new(&architecture, &start, Settings::default())?;
//! // A white picture is of class 1, a black one of class 0.
//! let pixels: Vec<u8> = [[0; 16], [255; 16]].concat();
//! let batch = Batch::all(Pixels::U8(&pixels), &[0, 1]);
//! let first = network.train_step(&batch, 0.01)?;
//! for _ in 0..50 {
//!     network.train_step(&batch, 0.01)?;
//! }
//! let predictor = network.predictor()?;
//! assert!(predictor.evaluate(&batch)?.loss_sum < first.loss_sum);
//! # Ok::<(), KernelError>(())
//! ```

use rayon::prelude::*;

use super::adam::{Adam, AdamStep, AdamUpdate, Reduce};
use super::buffer::{Buffer, Shared};
use super::dense::WeightGradient;
use super::geometry::PANEL;
use super::loss::Score;
use super::norm::Moments;
use super::pack::{Transpose, for_each_panel};
use super::places::Place;
use super::plan::{ConvLayout, ConvOp, DenseOp, Op, Plan, Purpose};
use super::predictor::Predictor;
use super::schedule::{CHUNK, Meeting, Phase, passing, schedule};
use super::simd::Isa;
use super::spec::{Architecture, Batch, KernelError, PixelScale, Tensor};
use super::step::Step;
use super::workspace::Workspace;

/// What does not change while a network learns.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The optimiser.
    pub adam: Adam,
    /// How pixels become numbers.
    pub pixel_scale: PixelScale,
    /// Seed of the dropout masks.
    pub seed: u64,
    /// The instruction set to compute with.
    pub isa: Isa,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            adam: Adam::default(),
            pixel_scale: PixelScale::default(),
            seed: 0,
            isa: Isa::detect(),
        }
    }
}

/// Parameters, the optimiser's memory, and room to work in.
///
/// It works on the ambient rayon pool. The same parameters, batches and settings give the same
/// bits with any number of threads.
#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
    settings: Settings,
    plan: Plan,
    phases: Vec<Phase>,
    passing: Vec<bool>,
    values: Buffer,
    means: Buffer,
    squares: Buffer,
    statistics: Vec<f32>,
    /// Per operation: a convolution's panels, or a dense layer's transposed weights.
    packed: Vec<Buffer>,
    moments: Vec<Moments>,
    workspace: Workspace,
    steps: u64,
    /// Samples in the last batch.
    last_batch: usize,
}

/// What becomes of a gradient.
#[derive(Clone, Copy)]
enum Update<'a> {
    Adam(AdamStep),
    Keep(&'a Shared<'a, f32>),
}

impl Network {
    /// A network with these parameters, named as [`blank_parameters`] says, in any order.
    ///
    /// [`blank_parameters`]: super::blank_parameters
    ///
    /// # Errors
    ///
    /// When a layer cannot follow those before it, or a parameter is missing, unknown or of
    /// another shape.
    pub fn new(
        architecture: &Architecture,
        parameters: &[Tensor],
        settings: Settings,
    ) -> Result<Self, KernelError> {
        let plan = Plan::new(architecture, Purpose::Train)?;
        let phases = schedule(&plan);
        let passing = passing(&plan, &phases);
        let packed = plan
            .ops
            .iter()
            .map(|op| Buffer::zeroed(packed_len(op)))
            .collect();
        let moments = plan.ops.iter().map(|op| match op {
            Op::Norm(op) => Moments::new(plan.planes[op.input].stored),
            _ => Moments::default(),
        });
        let mut network = Self {
            architecture: architecture.clone(),
            settings,
            phases,
            passing,
            values: Buffer::zeroed(plan.parameters),
            means: Buffer::zeroed(plan.parameters),
            squares: Buffer::zeroed(plan.parameters),
            statistics: vec![0.0; plan.statistics],
            packed,
            moments: moments.collect(),
            workspace: Workspace::default(),
            steps: 0,
            last_batch: 0,
            plan,
        };
        network.set_parameters(parameters)?;
        Ok(network)
    }

    /// Replaces all parameters; the optimiser's memory stays.
    ///
    /// # Errors
    ///
    /// When a parameter is missing, unknown or of another shape.
    pub fn set_parameters(&mut self, parameters: &[Tensor]) -> Result<(), KernelError> {
        let places = self.plan.places();
        for tensor in parameters {
            if places.iter().all(|place| place.name != tensor.name) {
                return Err(KernelError::Parameter {
                    name: tensor.name.clone(),
                    reason: "the network has none of this name".to_owned(),
                });
            }
        }
        for place in &places {
            let tensor = find(parameters, place)?;
            let to = if place.statistic {
                &mut self.statistics[..]
            } else {
                &mut self.values[..]
            };
            for (&index, &value) in place.indices.iter().zip(&tensor.values) {
                to[index] = value;
            }
        }
        self.pack_all();
        Ok(())
    }

    /// All parameters and running statistics, in the order of the layers.
    #[must_use]
    pub fn parameters(&self) -> Vec<Tensor> {
        let take = |place: Place| {
            let from = if place.statistic {
                &self.statistics[..]
            } else {
                &self.values[..]
            };
            tensor(place, from)
        };
        self.plan.places().into_iter().map(take).collect()
    }

    /// What the network is made of.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// One step of the optimiser down the batch's mean cross-entropy; the score is that before
    /// the step, with dropout and the batch's own statistics.
    ///
    /// # Errors
    ///
    /// When the batch is empty, or pixels, labels and rows do not fit each other or the network.
    pub fn train_step(
        &mut self,
        batch: &Batch<'_>,
        learning_rate: f32,
    ) -> Result<Score, KernelError> {
        let score = self.backpropagate(batch)?;
        self.steps += 1;
        let step = self.settings.adam.step(self.steps, learning_rate);
        self.update(batch.len(), Update::Adam(step));
        Ok(score)
    }

    /// The logits that the last step, or the last gradient, was taken on, sample by sample.
    #[must_use]
    pub fn last_logits(&self) -> Vec<f32> {
        let Some((values, plane)) = self.workspace.planes.last().zip(self.plan.planes.last())
        else {
            return Vec::new();
        };
        let rows = values.chunks_exact(plane.stride()).take(self.last_batch);
        rows.flat_map(|row| &row[..self.plan.classes])
            .copied()
            .collect()
    }

    /// The gradient of the batch's mean cross-entropy, named and ordered as the parameters;
    /// nothing but the running statistics changes.
    ///
    /// # Errors
    ///
    /// As [`Self::train_step`].
    pub fn gradients(&mut self, batch: &Batch<'_>) -> Result<(Score, Vec<Tensor>), KernelError> {
        let score = self.backpropagate(batch)?;
        let mut gradients = Buffer::zeroed(self.plan.parameters);
        self.update(batch.len(), Update::Keep(&Shared::new(&mut gradients)));
        let places = self
            .plan
            .places()
            .into_iter()
            .filter(|place| !place.statistic);
        Ok((
            score,
            places.map(|place| tensor(place, &gradients)).collect(),
        ))
    }

    /// The network as it is now, for answers; normalisation is folded into the layers.
    ///
    /// # Errors
    ///
    /// None that a network that could be made can have.
    pub fn predictor(&self) -> Result<Predictor, KernelError> {
        let Settings {
            ref pixel_scale,
            isa,
            ..
        } = self.settings;
        Predictor::new(
            &self.architecture,
            &self.parameters(),
            pixel_scale.clone(),
            isa,
        )
    }

    /// Forward and backward; the workspace then holds what [`Self::update`] needs.
    fn backpropagate(&mut self, batch: &Batch<'_>) -> Result<Score, KernelError> {
        let [channels, height, width] = self.architecture.input;
        if batch.is_empty() {
            return Err(KernelError::Batch {
                reason: "it has no samples".to_owned(),
            });
        }
        batch.check(channels * height * width, self.plan.classes)?;
        let chunks = batch.len().div_ceil(CHUNK);
        self.workspace
            .make_room(&self.plan, &self.passing, batch.len());
        for index in 0..self.phases.len() {
            let phase = &self.phases[index];
            let step = Step {
                plan: &self.plan,
                isa: self.settings.isa,
                batch,
                pixel_scale: &self.settings.pixel_scale,
                seed: self.settings.seed,
                number: self.steps,
                values: &self.values,
                packed: &self.packed,
                moments: &self.moments,
                passing: &self.passing,
                room: self.workspace.share(),
            };
            (0..chunks)
                .into_par_iter()
                .with_max_len(1)
                .for_each(|chunk| {
                    // SAFETY: each chunk has one worker.
                    unsafe { step.run(chunk, &phase.groups) }
                });
            let meeting = phase.meeting;
            self.meet(meeting, batch.len());
        }
        self.last_batch = batch.len();
        let mut score = Score::default();
        for chunk in &self.workspace.scores[..chunks] {
            score += *chunk;
        }
        Ok(score)
    }

    /// Combines what the chunks found out.
    fn meet(&mut self, meeting: Meeting, samples: usize) {
        let (Meeting::Moments(index) | Meeting::Sums(index)) = meeting else {
            return;
        };
        let Op::Norm(op) = &self.plan.ops[index] else {
            return;
        };
        let plane = &self.plan.planes[op.input];
        let pixels = plane.height * plane.width;
        let chunks = samples.div_ceil(CHUNK);
        let weight = &self.values[op.weight.clone()];
        let bias = &self.values[op.bias.clone()];
        let moments = &mut self.moments[index];
        if meeting == Meeting::Moments(index) {
            let counts: Vec<usize> = (0..chunks)
                .map(|chunk| CHUNK.min(samples - chunk * CHUNK) * pixels)
                .collect();
            let len = op.running.len();
            let running = self.statistics[op.running.start..][..2 * len].split_at_mut(len);
            let measured = &self.workspace.measured[index];
            moments.combine(measured, &counts, weight, bias, running.into());
        } else {
            let isa = self.settings.isa;
            let sum_of = |range: &std::ops::Range<usize>| {
                let mut sum = vec![0.0; range.len()];
                isa.run(Reduce {
                    parts: &self.workspace.partials[range.start..],
                    stride: self.plan.summed,
                    count: chunks,
                    sum: &mut sum,
                });
                sum
            };
            moments.prepare_back(&sum_of(&op.weight), &sum_of(&op.bias), samples * pixels);
        }
    }

    /// Sums the gradients up and moves the parameters.
    fn update(&mut self, samples: usize, update: Update<'_>) {
        let Self {
            plan,
            settings,
            values,
            means,
            squares,
            packed,
            workspace,
            ..
        } = self;
        let (plan, isa) = (&*plan, settings.isa);
        let (summed, dense) = values.split_at_mut(plan.summed);
        let (summed_means, dense_means) = means.split_at_mut(plan.summed);
        let (summed_squares, dense_squares) = squares.split_at_mut(plan.summed);
        let packed: Vec<Shared<'_, f32>> = packed.iter_mut().map(|b| Shared::new(b)).collect();
        let workspace = &*workspace;
        let dense = Slices::new(dense, dense_means, dense_squares);
        rayon::join(
            || {
                for (index, op) in plan.ops.iter().enumerate() {
                    if let Op::Dense(op) = op {
                        let input = &workspace.planes[op.input];
                        let gradient = &workspace.gradients[op.output];
                        let blocks = op.inputs / PANEL;
                        (0..blocks)
                            .into_par_iter()
                            .with_min_len(2)
                            .for_each(|block| {
                                // SAFETY: each block of inputs has one worker.
                                unsafe {
                                    let to = (&dense, plan.summed, &packed[index]);
                                    update_dense(
                                        op, samples, block, input, gradient, to, update, isa,
                                    );
                                }
                            });
                    }
                }
            },
            || {
                update_summed(
                    plan,
                    workspace,
                    samples,
                    summed,
                    summed_means,
                    summed_squares,
                    update,
                    isa,
                );
                for (index, op) in plan.ops.iter().enumerate() {
                    if let Op::Convolution(op) = op {
                        // SAFETY: no other worker packs convolutions.
                        let to = unsafe { packed[index].part(0, packed_len_conv(op)) };
                        pack_convolution(op, &summed[op.weight.clone()], to, isa);
                    }
                }
            },
        );
    }

    /// Makes all packed weights anew.
    fn pack_all(&mut self) {
        let isa = self.settings.isa;
        for (op, packed) in self.plan.ops.iter().zip(&mut self.packed) {
            match op {
                Op::Convolution(op) => {
                    pack_convolution(op, &self.values[op.weight.clone()], packed, isa);
                }
                Op::Dense(op) if !op.first => {
                    let weights = &self.values[op.weight.clone()];
                    for panel in (0..op.outputs).step_by(PANEL) {
                        for block in (0..op.inputs).step_by(PANEL) {
                            isa.run(Transpose {
                                from: &weights[panel * op.inputs + block * PANEL..],
                                rows: PANEL,
                                columns: PANEL,
                                from_row: PANEL,
                                to: &mut packed[block * op.outputs + panel * PANEL..],
                                to_row: PANEL,
                            });
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// The parameter with a place's name, of its shape.
pub(crate) fn find<'a>(parameters: &'a [Tensor], place: &Place) -> Result<&'a Tensor, KernelError> {
    let bad = |reason| KernelError::Parameter {
        name: place.name.clone(),
        reason,
    };
    let Some(tensor) = parameters.iter().find(|tensor| tensor.name == place.name) else {
        return Err(bad("missing".to_owned()));
    };
    if tensor.shape != place.shape || tensor.values.len() != place.indices.len() {
        return Err(bad(format!(
            "shape {:?} with {} values, where {:?} is needed",
            tensor.shape,
            tensor.values.len(),
            place.shape
        )));
    }
    Ok(tensor)
}

fn tensor(place: Place, from: &[f32]) -> Tensor {
    let values = place.indices.iter().map(|&index| from[index]).collect();
    Tensor {
        name: place.name,
        shape: place.shape,
        values,
    }
}

fn packed_len(op: &Op) -> usize {
    match op {
        Op::Convolution(op) => packed_len_conv(op),
        Op::Dense(op) if !op.first => op.inputs * op.outputs,
        _ => 0,
    }
}

fn packed_len_conv(op: &ConvOp) -> usize {
    match op.layout {
        ConvLayout::Rows(_) => op.window.taps() * op.window.out_stored,
        ConvLayout::Panels { .. } => 0,
    }
}

/// Panels for the way there from rows for the way back.
fn pack_convolution(op: &ConvOp, weights: &[f32], to: &mut [f32], isa: Isa) {
    if !matches!(op.layout, ConvLayout::Rows(_)) {
        return;
    }
    let window = &op.window;
    let run = window.run();
    for ky in 0..window.kernel[0] {
        let rows = &weights[ky * window.out_channels * run..];
        for_each_panel(window, ky, |channels, start, columns| {
            isa.run(Transpose {
                from: &rows[channels.start * run..],
                rows: channels.len(),
                columns: run,
                from_row: run,
                to: &mut to[start..],
                to_row: columns,
            });
        });
    }
}

/// Values and moments of the dense layers.
struct Slices<'a> {
    values: Shared<'a, f32>,
    means: Shared<'a, f32>,
    squares: Shared<'a, f32>,
}

impl<'a> Slices<'a> {
    fn new(values: &'a mut [f32], means: &'a mut [f32], squares: &'a mut [f32]) -> Self {
        Self {
            values: Shared::new(values),
            means: Shared::new(means),
            squares: Shared::new(squares),
        }
    }
}

/// A block of 32 × 32 weights, on a cache line.
#[repr(C, align(64))]
struct Block([f32; PANEL * PANEL]);

/// Gradient, step and transposition of 32 inputs × all outputs while they are in the cache.
///
/// # Safety
///
/// No other worker has the same block of the same layer.
#[allow(clippy::too_many_arguments, reason = "one caller")]
unsafe fn update_dense(
    op: &DenseOp,
    samples: usize,
    block: usize,
    input: &[f32],
    gradient: &[f32],
    (dense, offset, transposed): (&Slices<'_>, usize, &Shared<'_, f32>),
    update: Update<'_>,
    isa: Isa,
) {
    const LEN: usize = PANEL * PANEL;
    let mut sums = Block([0.0; LEN]);
    for panel in (0..op.outputs).step_by(PANEL) {
        isa.run(WeightGradient {
            samples,
            input: &input[block * PANEL..],
            input_stride: op.inputs,
            gradient: &gradient[panel..],
            gradient_stride: op.outputs,
            block: &mut sums.0,
        });
        let at = op.weight.start + panel * op.inputs + block * LEN;
        match update {
            Update::Keep(gradients) => {
                // SAFETY: a part per layer, panel and block.
                unsafe { gradients.part(at, LEN) }.copy_from_slice(&sums.0);
            }
            Update::Adam(step) => {
                let at = at - offset;
                // SAFETY: a part per layer, panel and block.
                let (values, means, squares) = unsafe {
                    (
                        dense.values.part(at, LEN),
                        dense.means.part(at, LEN),
                        dense.squares.part(at, LEN),
                    )
                };
                isa.run(AdamUpdate {
                    step,
                    gradient: &sums.0,
                    values,
                    means,
                    squares,
                });
                if !op.first {
                    let at = block * PANEL * op.outputs + panel * PANEL;
                    // SAFETY: a part per layer, panel and block.
                    let to = unsafe { transposed.part(at, LEN) };
                    isa.run(Transpose {
                        from: values,
                        rows: PANEL,
                        columns: PANEL,
                        from_row: PANEL,
                        to,
                        to_row: PANEL,
                    });
                }
            }
        }
    }
}

/// Sums the chunks' gradients of the other parameters and moves these.
#[allow(clippy::too_many_arguments, reason = "one caller")]
fn update_summed(
    plan: &Plan,
    workspace: &Workspace,
    samples: usize,
    values: &mut [f32],
    means: &mut [f32],
    squares: &mut [f32],
    update: Update<'_>,
    isa: Isa,
) {
    const LEN: usize = PANEL * PANEL;
    let count = samples.div_ceil(CHUNK);
    values
        .par_chunks_mut(LEN)
        .zip(means.par_chunks_mut(LEN))
        .zip(squares.par_chunks_mut(LEN))
        .enumerate()
        .with_min_len(4)
        .for_each(|(block, ((values, means), squares))| {
            let mut sums = Block([0.0; LEN]);
            let sums = &mut sums.0[..values.len()];
            let parts = &workspace.partials[block * LEN..];
            isa.run(Reduce {
                parts,
                stride: plan.summed,
                count,
                sum: sums,
            });
            match update {
                Update::Keep(gradients) => {
                    // SAFETY: a part per block.
                    unsafe { gradients.part(block * LEN, sums.len()) }.copy_from_slice(sums);
                }
                Update::Adam(step) => {
                    isa.run(AdamUpdate {
                        step,
                        gradient: sums,
                        values,
                        means,
                        squares,
                    });
                }
            }
        });
}
