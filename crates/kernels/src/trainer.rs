//! A network that learns.
//!
//! ```
//! # use bakeoff_kernels::*;
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
//! let mut network = Trainer::new(&architecture, &start, Settings::default())?;
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

use super::adam::{Adam, Reduce};
use super::first_dense::{Shares, first_dense};
use super::loss::Score;
use super::norm::Moments;
use super::places::Place;
use super::plan::{Op, Plan, Purpose};
use super::predictor::Predictor;
use super::schedule::{CHUNK, Meeting, Phase, passing, schedule};
use super::simd::Isa;
use super::spec::{Architecture, Batch, KernelError, PixelScale, Tensor};
use super::step::Step;
use super::update::Parameters;
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
pub struct Trainer {
    architecture: Architecture,
    settings: Settings,
    plan: Plan,
    phases: Vec<Phase>,
    /// The same where the first layer is done by its outputs, which then come first.
    phases_by_shares: Vec<Phase>,
    shares: Shares,
    passing: Vec<bool>,
    parameters: Parameters,
    statistics: Vec<f32>,
    moments: Vec<Moments>,
    workspace: Workspace,
    steps: u64,
}

impl Trainer {
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
        let phases = schedule(&plan, false);
        let phases_by_shares = match first_dense(&plan) {
            Some(_) => schedule(&plan, true),
            None => Vec::new(),
        };
        let passing = passing(&plan, &phases);
        let moments = plan.ops.iter().map(|op| match op {
            Op::Norm(op) => Moments::new(plan.planes[op.input].stored),
            _ => Moments::default(),
        });
        let mut network = Self {
            architecture: architecture.clone(),
            settings,
            phases,
            phases_by_shares,
            shares: Shares::default(),
            passing,
            parameters: Parameters::zeroed(&plan),
            statistics: vec![0.0; plan.statistics],
            moments: moments.collect(),
            workspace: Workspace::default(),
            steps: 0,
            plan,
        };
        network.set_parameters(parameters)?;
        Ok(network)
    }

    /// Replaces all parameters, or none on an error; the optimiser's memory stays.
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
        let tensors: Result<Vec<_>, _> =
            places.iter().map(|place| find(parameters, place)).collect();
        for (place, tensor) in places.iter().zip(tensors?) {
            let to = if place.statistic {
                &mut self.statistics[..]
            } else {
                &mut self.parameters.values[..]
            };
            for (&index, &value) in place.indices.iter().zip(&tensor.values) {
                to[index] = value;
            }
        }
        self.parameters.pack(&self.plan, self.settings.isa);
        Ok(())
    }

    /// All parameters and running statistics, in the order of the layers.
    #[must_use]
    pub fn parameters(&self) -> Vec<Tensor> {
        let take = |place: Place| {
            let from = if place.statistic {
                &self.statistics[..]
            } else {
                &self.parameters.values[..]
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
        let by_shares = self.shares.arrange(&self.plan, batch.len());
        let score = self.backpropagate(batch, by_shares)?;
        self.steps += 1;
        let step = self.settings.adam.step(self.steps, learning_rate);
        let isa = self.settings.isa;
        let shares = if by_shares { self.shares.all() } else { &[] };
        self.parameters
            .step(&self.plan, &self.workspace, shares, step, isa);
        Ok(score)
    }

    /// The logits that the last step, or the last gradient, was taken on, sample by sample.
    #[must_use]
    pub fn last_logits(&self) -> Vec<f32> {
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

    /// The gradient of the batch's mean cross-entropy, named and ordered as the parameters;
    /// nothing but the running statistics changes.
    ///
    /// # Errors
    ///
    /// As [`Self::train_step`].
    pub fn gradients(&mut self, batch: &Batch<'_>) -> Result<(Score, Vec<Tensor>), KernelError> {
        let score = self.backpropagate(batch, false)?;
        let gradients = Parameters::gradients(&self.plan, &self.workspace, self.settings.isa);
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

    /// Forward and backward; the workspace then holds what the update needs.
    fn backpropagate(&mut self, batch: &Batch<'_>, by_shares: bool) -> Result<Score, KernelError> {
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
        if by_shares {
            self.shares.forward(
                &self.plan,
                self.settings.isa,
                batch,
                &self.settings.pixel_scale,
                &self.parameters.values,
            );
        }
        let phases = |network: &Self| match by_shares {
            true => network.phases_by_shares.len(),
            false => network.phases.len(),
        };
        for index in 0..phases(self) {
            let phase = match by_shares {
                true => &self.phases_by_shares[index],
                false => &self.phases[index],
            };
            let step = Step {
                plan: &self.plan,
                isa: self.settings.isa,
                batch,
                pixel_scale: &self.settings.pixel_scale,
                seed: self.settings.seed,
                number: self.steps,
                values: &self.parameters.values,
                packed: &self.parameters.packed,
                moments: &self.moments,
                passing: &self.passing,
                room: self.workspace.share(),
                shares: self.shares.all(),
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
        let weight = &self.parameters.values[op.weight.clone()];
        let bias = &self.parameters.values[op.bias.clone()];
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
