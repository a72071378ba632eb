//! The central traits: a recipe, and what its `fit` returns.
//!
//! Recipe and fitted model are two types, so that predicting before training cannot
//! be written. One trait with an optional fitted state inside was rejected: every
//! caller would then handle a case that the types can rule out.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::{
    DataShape, ImageShape, Images, Layers, ModelSpec, ModelWriter, Probabilities,
    ProbabilitiesError, Samples, SpecError, StoreError,
};

/// Why a fit gave no model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The progress callback said `Break`.
    #[error("cancelled")]
    Cancelled,
    /// The recipe does not fit the data.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// There is too little to learn from.
    #[error("not enough training data: {0}")]
    Data(String),
    /// The loss or the weights stopped being finite.
    #[error("training diverged: {0}")]
    Diverged(String),
    /// The library behind the engine failed.
    #[error("engine {engine}: {reason}")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
}

/// Why a fitted model gave no probabilities.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// Pictures of another shape than the model was trained on.
    #[error("this model answers pictures of {expected}; these are {got}")]
    Shape {
        /// The shape of the training pictures.
        expected: ImageShape,
        /// The shape that was given.
        got: ImageShape,
    },
    /// What came out are not probabilities.
    #[error("the model's answer is not valid: {0}")]
    Invalid(#[from] ProbabilitiesError),
    /// The library behind the engine failed.
    #[error("engine {engine}: {reason}")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
}

/// What a fit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepUnit {
    /// Passes over the training data.
    Epoch,
    /// Steps of an optimiser over all data.
    Iteration,
    /// Training samples stored or indexed.
    Sample,
}

/// How one epoch went. Losses are mean cross-entropies in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// From 1.
    pub epoch: u64,
    /// Epochs that were asked for.
    pub epochs: u64,
    /// Mean over the epoch's batches, as trained (dropout and augmentation on).
    pub train_loss: f64,
    /// Share of right answers over the epoch's batches, as trained.
    pub train_accuracy: f64,
    /// On the validation part after the epoch, where there is one.
    pub validation_loss: Option<f64>,
    /// On the validation part after the epoch, where there is one.
    pub validation_accuracy: Option<f64>,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
}

/// How a fit ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FitSummary {
    /// Epochs or iterations that were run.
    pub steps: u64,
    /// Whether an iterative solver met its tolerance; `None` where that has no meaning.
    pub converged: Option<bool>,
    /// The epoch whose weights were kept, where a validation part chose one.
    pub best_epoch: Option<u64>,
    /// Whether patience ran out before the last epoch.
    pub stopped_early: bool,
    /// The training objective at the end, where the engine tells it.
    pub final_loss: Option<f64>,
    /// The kernels that computed it, by their instruction set (`avx512-vnni`), where the
    /// engine chooses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
}

/// What happens during a fit, in this order: one `Started`; any number of
/// `Progress`, `Epoch` and `Iteration`, with counts that never fall; one
/// `Finished`, only if the fit succeeded. A cancelled or failed fit has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum FitEvent {
    /// The fit begins.
    Started {
        /// What `total` counts.
        unit: StepUnit,
        /// How many there will be at most, where known.
        total: Option<u64>,
    },
    /// Training samples seen in the current epoch, or stored so far.
    Progress {
        /// So far.
        samples: u64,
        /// In all.
        total: u64,
    },
    /// An epoch ended.
    Epoch(EpochMetrics),
    /// A step of an optimiser over all data ended.
    Iteration {
        /// From 1.
        iteration: u64,
        /// The objective, where the engine tells it.
        loss: Option<f64>,
    },
    /// The fit succeeded.
    Finished(FitSummary),
}

/// What a fit is given besides the training data.
///
/// The thread budget is the rayon pool that `fit` is called in: the harness installs
/// one of the size that was asked for, and engines use no threads beside it.
pub struct FitContext<'a> {
    /// Everything random comes from this, by [`crate::derive_seed`].
    pub seed: u64,
    /// Samples to choose by, never to train on. Given exactly to families that
    /// declare [`crate::Family::uses_validation`].
    pub validation: Option<&'a Samples>,
    /// Told what happens; `Break` cancels the fit at the next event.
    pub progress: &'a mut dyn FnMut(&FitEvent) -> ControlFlow<()>,
}

impl FitContext<'_> {
    /// Tells the caller what happened.
    ///
    /// # Errors
    /// [`FitError::Cancelled`] when the caller wants no more; pass it on with `?`.
    pub fn emit(&mut self, event: &FitEvent) -> Result<(), FitError> {
        match (self.progress)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(FitError::Cancelled),
        }
    }
}

/// A recipe: a model family with all its settings, not trained. Object-safe, so
/// that a registry can hold any of them by name.
pub trait Classifier: Send + Sync {
    /// Family, engine and every setting.
    fn spec(&self) -> ModelSpec;

    /// Whether this recipe fits such data; asked at plan time, before anything is trained.
    ///
    /// # Errors
    /// [`SpecError::Data`] with the reason.
    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        let _ = data;
        Ok(())
    }

    /// Learns from `train`. Tells its progress as [`FitEvent`] describes.
    ///
    /// # Errors
    /// [`FitError::Cancelled`] when the caller broke off; otherwise why no model came
    /// of it. Nothing is left behind in either case.
    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError>;
}

/// A training picture that a model compared a picture with.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingNeighbour {
    /// Its position in the training data, from 0.
    pub index: usize,
    /// Its class.
    pub label: u16,
    /// How far away it is, in the model's own metric.
    pub distance: f64,
    /// Its C×H×W bytes.
    pub pixels: Vec<u8>,
}

/// What a fit returned: answers with class probabilities.
pub trait FittedModel: Send + Sync {
    /// The shape of the pictures it was trained on and answers.
    fn input_shape(&self) -> ImageShape;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Numbers that the fit chose or kept: weights and biases, or stored training
    /// values for a model that keeps its data.
    fn parameters(&self) -> u64;

    /// N×K probabilities for N pictures. A batch gives the same bits as its pictures
    /// one by one only where an engine says so; the same batch always gives the same.
    ///
    /// # Errors
    /// [`PredictError::Shape`] for pictures of another shape.
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError>;

    /// The `count` training pictures nearest to the first of `images`, nearest first;
    /// fewer where there are fewer. `None` for models that keep no training pictures,
    /// which is what this default says.
    ///
    /// # Errors
    /// [`PredictError::Shape`] for pictures of another shape.
    fn training_neighbours(
        &self,
        images: &Images,
        count: usize,
    ) -> Result<Option<Vec<TrainingNeighbour>>, PredictError> {
        let _ = count;
        self.check_shape(images).map(|()| None)
    }

    /// Writes every tensor that [`crate::Family::load`] needs to answer with the same bits.
    ///
    /// # Errors
    /// What the writer says.
    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError>;

    /// The model written down as layers, where it can be: a copy of its weights, giving
    /// the same answers as [`FittedModel::predict_proba`] within rounding. `None` for
    /// models that are no chain of layers, such as those that keep their training data.
    fn layers(&self) -> Option<Layers> {
        None
    }

    /// The temperature that its probabilities are already scaled by (Guo et al. 2017);
    /// `None` for a model that answers as it was fitted. Whoever saves a model writes it
    /// down beside the tensors.
    fn temperature(&self) -> Option<f64> {
        None
    }

    /// Refuses pictures of another shape; implementations call it first.
    ///
    /// # Errors
    /// [`PredictError::Shape`].
    fn check_shape(&self, images: &Images) -> Result<(), PredictError> {
        let (expected, got) = (self.input_shape(), images.shape());
        if expected == got {
            Ok(())
        } else {
            Err(PredictError::Shape { expected, got })
        }
    }
}

// A registry needs both to stay object-safe.
const _: Option<&dyn Classifier> = None;
const _: Option<&dyn FittedModel> = None;
