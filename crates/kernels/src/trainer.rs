//! A network that learns.
//!
//! ```
//! # use bakeoff_core::ImageShape;
//! # use bakeoff_kernels::*;
//! let blueprint = Blueprint { steps: vec![Step::Dense { units: 8 }], norm: None };
//! let network = Network::new(&blueprint, ImageShape::new(1, 4, 4), 2)?;
//! let mut values: Vec<Vec<f32>> =
//!     network.tensors().iter().map(|tensor| vec![0.0; tensor.shape.iter().product()]).collect();
//! for (i, value) in values.iter_mut().flatten().enumerate() {
//!     *value = (i as f32).sin() / 4.0; // In earnest, random numbers.
//! }
//! let mut trainer = Trainer::new(&network, &values, Adam::default(), 0, Isa::detect())?;
//! // A white image is of class 1, a black one of class 0.
//! let pixels: Vec<u8> = [[0; 16], [255; 16]].concat();
//! let batch = Batch { step: 0, pixels: &pixels, labels: &[0, 1], rows: None, rate: 0.01 };
//! let first = trainer.step(&batch)?;
//! for step in 1..50 {
//!     trainer.step(&Batch { step, ..batch })?;
//! }
//! assert!(trainer.step(&Batch { step: 50, ..batch })?.loss_sum < first.loss_sum);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::ops::Range;

use rayon::prelude::*;

use super::adam::Reduce;
use super::average::share_at;
use super::batch::{Batch, KernelError, check_values};
use super::first_dense::{Shares, first_dense};
use super::loss::Score;
use super::muon::matrices;
use super::norm::Moments;
use super::optimizer::Optimizer;
use super::placements::Placement;
use super::plan::{Op, Plan, Purpose};
use super::predictor::Predictor;
use super::schedule::{Barrier, CHUNK, Phase, schedule, transient};
use super::simd::Isa;
use super::step::StepWorker;
use super::update::Parameters;
use super::workspace::Workspace;
use crate::Network;

/// Parameters, the optimiser's moments, and memory to work in.
///
/// It works on the ambient rayon pool. The same values, batches and settings give the same
/// bits with any number of threads.
#[derive(Debug)]
pub struct Trainer {
    network: Network,
    optimizer: Optimizer,
    dropout_seed: u64,
    class_weights: Vec<f32>,
    label_smoothing: f32,
    isa: Isa,
    plan: Plan,
    /// Of a step; then the same where the first layer is done by shares of its outputs.
    phases: [Vec<Phase>; 2],
    shares: Shares,
    transient: Vec<bool>,
    pub(crate) parameters: Parameters,
    statistics: Vec<f32>,
    average: Option<Averaging>,
    moments: Vec<Moments>,
    workspace: Workspace,
}

/// What answers in place of the values that are trained.
#[derive(Debug)]
struct Averaging {
    /// The share that stays in a step, once there were many.
    share: f32,
    statistics: Vec<f32>,
}

impl Trainer {
    /// Starts from `values` for the tensors of `network`, in the order of
    /// [`Network::tensors`].
    ///
    /// # Errors
    /// When a tensor is missing or has another length, or a layer is too large.
    pub fn new(
        network: &Network,
        values: &[Vec<f32>],
        optimizer: impl Into<Optimizer>,
        dropout_seed: u64,
        isa: Isa,
    ) -> Result<Self, KernelError> {
        check_values(network, values)?;
        let plan = Plan::new(network, Purpose::Train)?;
        let by_shares = first_dense(&plan).map(|_| schedule(&plan, true));
        let phases = [schedule(&plan, false), by_shares.unwrap_or_default()];
        let moments = plan.ops.iter().map(|op| match op {
            Op::Norm(op) => Moments::new(plan.planes[op.input].stored),
            _ => Moments::default(),
        });
        let optimizer = optimizer.into();
        let matrices = match optimizer {
            Optimizer::Muon(_) => matrices(&plan),
            Optimizer::Adam(_) | Optimizer::Sgd(_) => Vec::new(),
        };
        let mut parameters = Parameters::zeroed(&plan, matrices);
        let mut statistics = vec![0.0; plan.statistics];
        for (placement, tensor) in plan.placements().iter().zip(values) {
            let to = if placement.statistic {
                &mut statistics[..]
            } else {
                &mut parameters.values[..]
            };
            for (index, &value) in placement.indices().zip(tensor) {
                to[index] = value;
            }
        }
        parameters.pack(&plan, isa);
        Ok(Self {
            network: network.clone(),
            optimizer,
            dropout_seed,
            class_weights: Vec::new(),
            label_smoothing: 0.0,
            isa,
            transient: transient(&plan, &phases[0]),
            phases,
            shares: Shares::default(),
            parameters,
            statistics,
            average: None,
            moments: moments.collect(),
            workspace: Workspace::default(),
            plan,
        })
    }

    /// The same with a weight for each class, by which its samples' losses are multiplied; without
    /// any, all weigh 1. The mean is still over the number of samples.
    #[must_use]
    pub fn with_class_weights(self, class_weights: &[f32]) -> Self {
        Self {
            class_weights: class_weights.to_vec(),
            ..self
        }
    }

    /// The same with targets that give this share, in `0..1`, to all classes alike and the rest to the
    /// label (Szegedy et al. 2016). [`Trainer::step`] says the loss of the label all the same.
    #[must_use]
    pub fn with_label_smoothing(self, label_smoothing: f32) -> Self {
        Self {
            label_smoothing,
            ..self
        }
    }

    /// The same with an exponential average of the values, of which `share` stays in each step, in
    /// [`Trainer::values`] and [`Trainer::predictor`]; 0 for none. What is trained does not change.
    #[must_use]
    pub fn with_average(mut self, share: f32) -> Self {
        self.average = (share > 0.0).then(|| Averaging {
            share,
            statistics: self.statistics.clone(),
        });
        self.parameters.average = self
            .average
            .as_ref()
            .map(|_| self.parameters.values.clone());
        self
    }

    /// The values of every tensor, in the order of [`Network::tensors`]; averages, where they are
    /// averaged.
    pub fn values(&self) -> Vec<Vec<f32>> {
        self.tensors(self.answering())
    }

    /// The parameters that answer.
    fn answering(&self) -> &[f32] {
        let parameters = &self.parameters;
        parameters.average.as_ref().unwrap_or(&parameters.values)
    }

    /// The same with `parameters` in place of the trainer's own.
    pub(crate) fn tensors(&self, parameters: &[f32]) -> Vec<Vec<f32>> {
        let average = self.average.as_ref();
        let statistics = average.map_or(&self.statistics, |average| &average.statistics);
        let take = |placement: &Placement<'_>| {
            let from = if placement.statistic {
                &statistics[..]
            } else {
                parameters
            };
            placement.indices().map(|index| from[index]).collect()
        };
        self.plan.placements().iter().map(take).collect()
    }

    /// Gives back the memory that steps work in, until the next step: what is done between epochs
    /// need not find room beside it. [`Trainer::last_scores`] are then none.
    pub fn rest(&mut self) {
        self.workspace = Workspace::default();
        self.shares = Shares::default();
    }

    /// The instruction set that it computes with.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// One step of the optimiser down the batch's mean cross-entropy; the score is that before
    /// the step, with dropout and the batch's own statistics, and without smoothing.
    ///
    /// # Errors
    /// When the batch is empty, or pixels, labels and rows do not fit each other or the network.
    pub fn step(&mut self, batch: &Batch<'_>) -> Result<Score, KernelError> {
        batch.check(&self.network)?;
        let by_shares = self.shares.arrange(&self.plan, batch.len());
        let score = self.backpropagate(batch, by_shares);
        let average = self.average.as_mut().map(|average| {
            let share = share_at(average.share, batch.step);
            for (old, &new) in average.statistics.iter_mut().zip(&self.statistics) {
                *old += (1.0 - share) * (new - *old);
            }
            share
        });
        let step = (self.optimizer).step(batch.step + 1, batch.rate as f32, average);
        let shares = if by_shares { self.shares.all() } else { &[] };
        self.parameters
            .step(&self.plan, &self.workspace, shares, step, self.isa);
        Ok(score)
    }

    /// The N×K scores before the softmax that the last step was taken on.
    pub fn last_scores(&self) -> Vec<f32> {
        let Some((values, plane)) = self.workspace.planes.last().zip(self.plan.planes.last())
        else {
            return Vec::new();
        };
        let rows = values
            .chunks_exact(plane.stride())
            .take(self.workspace.batch);
        rows.flat_map(|row| &row[..self.plan.classes])
            .copied()
            .collect()
    }

    /// The network as it is now, for answers.
    ///
    /// # Errors
    /// None that a network that could be made can have.
    pub fn predictor(&self) -> Result<Predictor, KernelError> {
        if self.network.has_norm() {
            return Predictor::new(&self.network, &self.values(), self.isa);
        }
        // Nothing is folded, so that each value goes where it belongs without a copy between.
        Predictor::of_placed(
            &self.network,
            self.isa,
            &self.plan.placements(),
            self.answering(),
        )
    }

    /// Forward and backward; the workspace then holds what the update needs.
    fn backpropagate(&mut self, batch: &Batch<'_>, by_shares: bool) -> Score {
        let chunks = batch.len().div_ceil(CHUNK);
        self.workspace
            .reserve(&self.plan, &self.transient, batch.len());
        if by_shares {
            self.shares
                .forward(&self.plan, self.isa, batch, &self.parameters.values);
        }
        let way = usize::from(by_shares);
        for index in 0..self.phases[way].len() {
            let phase = &self.phases[way][index];
            let worker = StepWorker {
                plan: &self.plan,
                isa: self.isa,
                batch,
                dropout_seed: self.dropout_seed,
                class_weights: &self.class_weights,
                label_smoothing: self.label_smoothing,
                values: &self.parameters.values,
                packed: &self.parameters.packed,
                moments: &self.moments,
                transient: &self.transient,
                buffers: self.workspace.share(),
                shares: self.shares.all(),
            };
            (0..chunks)
                .into_par_iter()
                .with_max_len(1)
                .for_each(|chunk| {
                    // SAFETY: each chunk has one worker.
                    unsafe { worker.run(chunk, &phase.groups) }
                });
            self.synchronise(phase.barrier, batch.len());
        }
        let mut score = Score::default();
        for chunk in &self.workspace.scores[..chunks] {
            score += *chunk;
        }
        score
    }

    /// Combines what the chunks found out.
    fn synchronise(&mut self, barrier: Barrier, samples: usize) {
        let (Barrier::Moments(index) | Barrier::Sums(index)) = barrier else {
            return;
        };
        let Op::Norm(op) = &self.plan.ops[index] else {
            return;
        };
        let plane = &self.plan.planes[op.input];
        let pixels = plane.height * plane.width;
        let chunks = samples.div_ceil(CHUNK);
        let weight = op
            .scaled
            .then(|| &self.parameters.values[op.weight.clone()]);
        let bias = &self.parameters.values[op.bias.clone()];
        let moments = &mut self.moments[index];
        if barrier == Barrier::Moments(index) {
            let counts: Vec<usize> = (0..chunks)
                .map(|chunk| CHUNK.min(samples - chunk * CHUNK) * pixels)
                .collect();
            let len = op.running.len();
            let running = self.statistics[op.running.start..][..2 * len].split_at_mut(len);
            let measured = &self.workspace.measured[index];
            moments.combine(measured, &counts, weight, bias, running.into());
        } else {
            let isa = self.isa;
            let sum_of = |range: &Range<usize>| {
                let mut sum = vec![0.0; range.len()];
                isa.run(Reduce {
                    parts: &self.workspace.partials[range.start..],
                    stride: self.plan.summed,
                    count: chunks,
                    sum: &mut sum,
                });
                sum
            };
            moments.prepare_backward(&sum_of(&op.weight), &sum_of(&op.bias), samples * pixels);
        }
    }
}
