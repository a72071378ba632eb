//! What computes a network: the functions that every engine has.
//!
//! An engine only steps and predicts. Shuffling, schedules, validation, early
//! stopping and every random number live above it, so that two engines are given
//! exactly the same work and can be compared step by step.

use bakeoff_core::FitError;
use bakeoff_kernels::{Batch, Network, Optimizer, Score};

use crate::weights::Weights;

/// An engine of every network family: a row of [`ENGINES`](crate::engines::ENGINES).
#[derive(Clone, Copy)]
pub(crate) struct NetworkEngine {
    /// Name in experiment files (`burn-flex`).
    pub(crate) name: &'static str,
    /// One line for people.
    pub(crate) summary: &'static str,
    /// Whether it takes what [`Training::beyond_plain`] names.
    ///
    /// [`Training::beyond_plain`]: crate::Training::beyond_plain
    pub(crate) takes_all: bool,
    /// What computes it; `None` where the program was built without it.
    pub(crate) functions: Option<Functions>,
}

/// One way to compute a [`Network`].
#[derive(Clone, Copy)]
pub(crate) struct Functions {
    /// Starts training.
    pub(crate) learner: fn(&Start<'_>) -> Result<Box<dyn Learner>, EngineError>,
    /// Gets weights, which belong to the network, ready to answer.
    pub(crate) scorer: fn(&Network, &Weights) -> Result<Scorer, EngineError>,
}

/// N×K scores before the softmax for N×C×H×W bytes.
pub(crate) type Scorer = Box<dyn Fn(&[u8]) -> Result<Vec<f32>, EngineError> + Send + Sync>;

/// What training starts from.
pub(crate) struct Start<'a> {
    pub(crate) network: &'a Network,
    /// Belong to the network.
    pub(crate) weights: &'a Weights,
    /// Adam, but for engines that say they can do others.
    pub(crate) optimizer: Optimizer,
    /// All dropout masks follow from it: [`bakeoff_kernels::dropout_mask`].
    pub(crate) dropout_seed: u64,
    /// What the loss of a sample of each class is multiplied with; none for 1. Only of engines
    /// that say they can.
    pub(crate) class_weights: &'a [f32],
    /// The share of each target that all classes get alike. Only of engines that say they can.
    pub(crate) label_smoothing: f32,
    /// The share of the average of the weights that stays in a step; 0 for none. Only of engines that
    /// say they can, whose scores and weights are then the average's.
    pub(crate) average: f32,
}

/// What the library behind an engine said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EngineError(pub(crate) String);

impl EngineError {
    /// The error that this engine could not train.
    pub(crate) fn in_fit(self, engine: &'static str) -> FitError {
        FitError::Engine {
            engine,
            reason: self.0,
        }
    }
}

impl From<bakeoff_kernels::KernelError> for EngineError {
    fn from(error: bakeoff_kernels::KernelError) -> Self {
        Self(error.to_string())
    }
}

impl From<bakeoff_core::StoreError> for EngineError {
    fn from(error: bakeoff_core::StoreError) -> Self {
        Self(error.to_string())
    }
}

/// What a training step found.
pub(crate) struct StepOutcome {
    /// The N×K scores before the softmax that the step was taken on.
    pub(crate) scores: Vec<f32>,
    /// What they come to, from an engine that knows it anyway.
    pub(crate) score: Option<Score>,
}

/// A network being trained.
pub(crate) trait Learner {
    /// One step of the optimiser on the batch's mean cross-entropy.
    ///
    /// # Errors
    /// What the library said. The fit is over then: the weights may be half moved.
    fn step(&mut self, batch: &Batch<'_>) -> Result<StepOutcome, EngineError>;

    /// N×K scores before the softmax for N×C×H×W bytes, without dropout and with the
    /// running statistics of batch norm.
    ///
    /// # Errors
    /// What the library said.
    fn scores(&mut self, pixels: &[u8]) -> Result<Vec<f32>, EngineError>;

    /// A copy of the weights as they are.
    ///
    /// # Errors
    /// What the library said.
    fn weights(&mut self) -> Result<Weights, EngineError>;

    /// The instruction set of the kernels, where the engine chooses one.
    fn kernel(&self) -> Option<&'static str> {
        None
    }
}
