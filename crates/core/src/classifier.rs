//! The central traits: a recipe, and the model that its `fit` returns.
//!
//! Recipe and fitted model are two types, so code that predicts before training does not
//! compile. One trait with an optional fitted state was rejected: every caller would have
//! to handle a case that the types can exclude.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::{
    DataShape, ImageShape, Images, Layers, ModelSpec, ModelWriter, Probabilities,
    ProbabilitiesError, Samples, SpecError, StoreError,
};

/// Why a fit failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The progress callback returned `Break`.
    #[error("cancelled")]
    Cancelled,
    /// The recipe does not fit the data.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// There are too few samples or classes.
    #[error("not enough training data: {0}")]
    Data(String),
    /// The loss or the weights are not finite.
    #[error("training diverged: {0}")]
    Diverged(String),
    /// The library behind the engine failed.
    #[error("engine {engine}: {reason}")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// Its message.
        reason: String,
    },
    /// Something from outside ended it, which says nothing about the model, such as a full disk.
    #[error("{0}")]
    Interrupted(String),
    /// A signal ended the program behind it: from outside, or one that it sent itself.
    #[error("{0}")]
    Signalled(String),
}

/// Why a prediction failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// Images of another shape than the model was trained on.
    #[error("this model was trained on images of {expected}; these are {got}")]
    Shape {
        /// The shape of the training images.
        expected: ImageShape,
        /// The shape that was given.
        got: ImageShape,
    },
    /// The model's output is not probabilities.
    #[error("the model's prediction is not valid: {0}")]
    Invalid(#[from] ProbabilitiesError),
    /// The library behind the engine failed.
    #[error("engine {engine}: {reason}")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// Its message.
        reason: String,
    },
    /// Something from outside ended it, which says nothing about the model, such as a full disk.
    #[error("{0}")]
    Interrupted(String),
    /// A signal ended the program behind it: from outside, or one that it sent itself.
    #[error("{0}")]
    Signalled(String),
}

/// The steps that a fit consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepUnit {
    /// Passes over the training data.
    Epoch,
    /// Steps of an optimiser over all data.
    Iteration,
    /// Training samples stored or indexed.
    Sample,
    /// Trees that are grown.
    Tree,
    /// Pairs of classes that are told apart.
    Pair,
    /// Members of an ensemble.
    Member,
}

/// The metrics of one epoch. Losses are mean cross-entropies in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// From 1.
    pub epoch: u64,
    /// The number of epochs in the settings, of all members of an ensemble together.
    pub epochs: u64,
    /// Mean over the epoch's batches, with dropout and augmentation.
    pub train_loss: f64,
    /// Share of correct predictions over the epoch's batches, with dropout and augmentation.
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
    /// Number of epochs or iterations.
    pub steps: u64,
    /// Whether an iterative solver met its tolerance; `None` for other fits.
    pub converged: Option<bool>,
    /// The epoch whose weights were kept, if it was chosen by validation data.
    pub best_epoch: Option<u64>,
    /// Whether early stopping ended the fit before the last epoch.
    pub stopped_early: bool,
    /// The training objective at the end, if the engine reports it.
    pub final_loss: Option<f64>,
    /// The instruction set of the kernels that computed it (`avx512`), if the engine chooses
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
}

/// The progress of a fit, in this order: one `Started`; any number of `Progress`, `Epoch`
/// and `Iteration`, with counts that never decrease; one `Finished`, only if the fit
/// succeeded, not if it failed or was cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum FitEvent {
    /// The fit begins.
    Started {
        /// What `total` counts.
        unit: StepUnit,
        /// Their largest possible number, if known.
        total: Option<u64>,
    },
    /// Training samples seen in the current epoch or stored so far, or members trained so far.
    Progress {
        /// Until now.
        samples: u64,
        /// In all.
        total: u64,
    },
    /// An epoch ended.
    Epoch(EpochMetrics),
    /// A step of an optimiser over all data ended, or a tree is grown.
    Iteration {
        /// From 1.
        iteration: u64,
        /// The objective, if the engine reports it.
        loss: Option<f64>,
    },
    /// The fit succeeded.
    Finished(FitSummary),
}

/// What a fit gets besides the training data.
///
/// The threads are those of the rayon pool that `fit` is called in: the harness installs
/// one of the requested size, and engines use no other threads.
pub struct FitContext<'a> {
    /// The source of everything random, by [`crate::derive_seed`].
    pub seed: u64,
    /// Validation data, which is never trained on. It is given only to families with
    /// [`crate::Family::uses_validation`].
    pub validation: Option<&'a Samples>,
    /// Called with every event; `Break` cancels the fit.
    pub progress: &'a mut dyn FnMut(&FitEvent) -> ControlFlow<()>,
}

impl FitContext<'_> {
    /// Reports an event to the caller.
    ///
    /// # Errors
    /// [`FitError::Cancelled`] if the caller cancels the fit; return it with `?`.
    pub fn emit(&mut self, event: &FitEvent) -> Result<(), FitError> {
        match (self.progress)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(FitError::Cancelled),
        }
    }
}

/// A recipe: a model family with all its settings, not trained. Object-safe, so that a
/// registry can hold every family.
pub trait Classifier: Send + Sync {
    /// Family, engine and every setting.
    fn spec(&self) -> ModelSpec;

    /// Checks whether this recipe can be trained on such data; called at plan time, before
    /// any training.
    ///
    /// # Errors
    /// [`SpecError::Data`] with the reason.
    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        let _ = data;
        Ok(())
    }

    /// Checks the names of the classes, for a recipe that has names of its own; called where
    /// [`check`](Self::check) is.
    ///
    /// # Errors
    /// [`SpecError::Data`] with the reason.
    fn check_classes(&self, names: &[String]) -> Result<(), SpecError> {
        let _ = names;
        Ok(())
    }

    /// Trains a model on `train`, with progress as [`FitEvent`] describes.
    ///
    /// # Errors
    /// [`FitError::Cancelled`] if the caller cancelled it; otherwise why it failed.
    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError>;
}

/// A training image near to an image that was predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingNeighbour {
    /// Its position in the training data, from 0.
    pub index: usize,
    /// Its class.
    pub label: u16,
    /// Its distance, in the metric of the model.
    pub distance: f64,
    /// Its C×H×W bytes.
    pub pixels: Vec<u8>,
}

/// Why a model of examples, trees or another program is no [`Layers`].
pub const NO_LAYERS: &str = "it is not made of layers of weights";

/// A fitted model, which predicts class probabilities.
pub trait FittedModel: Send + Sync {
    /// The shape of the images that it was trained on and accepts.
    fn input_shape(&self) -> ImageShape;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// The number of weights and biases, or of stored training values for a model that keeps
    /// its training data; 0 where nobody knows.
    fn parameters(&self) -> u64;

    /// N×K probabilities for N images. The same batch always gives the same bits. Whether
    /// single images give the same bits as a batch depends on the engine.
    ///
    /// # Errors
    /// [`PredictError::Shape`] for images of another shape.
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError>;

    /// The same, and for each image the score of its most probable class before the softmax, which tells
    /// how well that class fits where the softmax only tells which fits best; `None`, the default, for
    /// models that have no such scores.
    ///
    /// # Errors
    /// As [`Self::predict_proba`].
    fn predict_scored(
        &self,
        images: &Images,
    ) -> Result<(Probabilities, Option<Vec<f32>>), PredictError> {
        Ok((self.predict_proba(images)?, None))
    }

    /// The `count` training images nearest to the first of `images`, nearest first;
    /// fewer if there are fewer. `None`, the default, for models that keep no training
    /// images.
    ///
    /// # Errors
    /// [`PredictError::Shape`] for images of another shape.
    fn training_neighbours(
        &self,
        images: &Images,
        count: usize,
    ) -> Result<Option<Vec<TrainingNeighbour>>, PredictError> {
        let _ = count;
        self.check_shape(images).map(|()| None)
    }

    /// Writes every tensor that [`crate::Family::load`] needs to predict with the same bits.
    ///
    /// # Errors
    /// Those of the writer.
    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError>;

    /// A copy of the model as layers, with the same predictions as
    /// [`FittedModel::predict_proba`] up to rounding. `None` for models that are not a chain
    /// of layers, such as those that keep their training data.
    fn layers(&self) -> Option<Layers> {
        None
    }

    /// Why [`FittedModel::layers`] are `None`, where they are, in words for people.
    fn why_no_layers(&self) -> &'static str {
        NO_LAYERS
    }

    /// The temperature that its probabilities are already scaled by (Guo et al. 2017);
    /// `None` for a model without calibration. It is saved beside the tensors.
    fn temperature(&self) -> Option<f64> {
        None
    }

    /// Checks the shape of images; implementations call it first.
    ///
    /// # Errors
    /// [`PredictError::Shape`] for images of another shape.
    fn check_shape(&self, images: &Images) -> Result<(), PredictError> {
        let (expected, got) = (self.input_shape(), images.shape());
        if expected == got {
            Ok(())
        } else {
            Err(PredictError::Shape { expected, got })
        }
    }
}

// A registry needs both to be object-safe.
const _: Option<&dyn Classifier> = None;
const _: Option<&dyn FittedModel> = None;
