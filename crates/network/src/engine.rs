//! What computes a network: the traits that every engine implements.
//!
//! An engine only steps and predicts. Shuffling, schedules, validation, early
//! stopping and every random number live above it, so that two engines are given
//! exactly the same work and can be compared step by step.

use std::borrow::Cow;

use bakeoff_core::{FitError, PredictError};

use crate::{DropoutMasks, Network, Weights};
use bakeoff_kernels::Score;

/// Adam's constants (Kingma and Ba 2015), as Keras has them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamOptions {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay (AdamW, Loshchilov and Hutter 2019): each step multiplies
    /// every trained value by 1 − rate × this. 0 is plain Adam.
    pub weight_decay: f32,
}

impl Default for AdamOptions {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-7,
            weight_decay: 0.0,
        }
    }
}

/// Batch norm's share of the new batch in the running statistics (PyTorch's meaning).
pub const NORM_MOMENTUM: f64 = 0.1;
/// Batch norm's summand under the root.
pub const NORM_EPSILON: f64 = 1e-5;

/// One training batch: some or all samples of a set.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Step of the optimiser: from 0 over the whole fit, one after the other.
    pub step: u64,
    /// The set's pictures, M×C×H×W bytes; an engine scales them by 1/255.
    pub pixels: &'a [u8],
    /// The set's M labels, each below the number of classes.
    pub labels: &'a [u16],
    /// The N of them that are in the batch, in this order; all of them if `None`. So an
    /// engine that can take pictures from where they lie need not have them copied.
    pub rows: Option<&'a [usize]>,
    /// The learning rate of this step.
    pub rate: f64,
}

impl Batch<'_> {
    /// The batch's own pixels and labels, one sample after the other. Of rows that the set
    /// does not have nothing is copied.
    pub fn gather(&self) -> (Cow<'_, [u8]>, Cow<'_, [u16]>) {
        let Some(rows) = self.rows else {
            return (self.pixels.into(), self.labels.into());
        };
        let each = self.pixels.len() / self.labels.len().max(1);
        let pictures = rows
            .iter()
            .filter_map(|&row| self.pixels.get(row * each..(row + 1) * each));
        let labels = rows.iter().filter_map(|&row| self.labels.get(row));
        (
            pictures.flatten().copied().collect(),
            labels.copied().collect(),
        )
    }
}

/// Something the library behind an engine said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("engine {engine}: {reason}")]
pub struct EngineError {
    /// The engine.
    pub engine: &'static str,
    /// What it said.
    pub reason: String,
}

impl From<EngineError> for FitError {
    fn from(error: EngineError) -> Self {
        Self::Engine {
            engine: error.engine,
            reason: error.reason,
        }
    }
}

impl From<EngineError> for PredictError {
    fn from(error: EngineError) -> Self {
        Self::Engine {
            engine: error.engine,
            reason: error.reason,
        }
    }
}

/// A network being trained.
pub trait Learner {
    /// One step of Adam on the batch's mean cross-entropy. Returns the N×K scores
    /// before the softmax that the step was taken on, from the weights before it.
    ///
    /// # Errors
    /// What the library said. The fit is over then: the weights may be half moved.
    fn step(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>, EngineError>;

    /// What the last step's scores come to, from an engine that knows it anyway; `None` leaves
    /// it to the caller.
    fn last_score(&self) -> Option<Score> {
        None
    }

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
}

/// A trained network that answers.
pub trait Predictor: Send + Sync {
    /// N×K scores before the softmax for N×C×H×W bytes.
    ///
    /// # Errors
    /// What the library said.
    fn scores(&self, pixels: &[u8]) -> Result<Vec<f32>, EngineError>;
}

/// One way to compute a [`Network`].
pub trait NetworkEngine: Sync {
    /// Name in experiment files (`burn-flex`).
    fn name(&self) -> &'static str;

    /// Starts training from `weights`, which belong to `network`.
    ///
    /// # Errors
    /// What the library said.
    fn learner(
        &self,
        network: &Network,
        weights: &Weights,
        adam: AdamOptions,
        dropout: DropoutMasks,
    ) -> Result<Box<dyn Learner>, EngineError>;

    /// Gets `weights`, which belong to `network`, ready to answer.
    ///
    /// # Errors
    /// What the library said.
    fn predictor(
        &self,
        network: &Network,
        weights: &Weights,
    ) -> Result<Box<dyn Predictor>, EngineError>;
}

/// A byte as the networks see it: x / 255, so that pictures lie in 0..=1.
///
/// Mean and standard deviation of the data are left out, as in the Keras example: the
/// first layer learns both, and a model needs nothing from its training data to answer.
pub fn scale_pixels(pixels: &[u8]) -> Vec<f32> {
    pixels.iter().map(|&byte| f32::from(byte) / 255.0).collect()
}

/// Runs a library that reports its errors by panicking.
#[cfg(any(feature = "burn", test))]
pub(crate) fn catch_panic<T>(
    engine: &'static str,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<T, EngineError> {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let reason = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(reason)) => reason,
        Err(panic) => bakeoff_core::panic_text(&*panic).to_owned(),
    };
    Err(EngineError { engine, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_scaled_to_one() {
        assert_eq!(scale_pixels(&[0, 51, 255]), [0.0, 0.2, 1.0]);
    }

    #[test]
    fn a_batch_gathers_its_rows_in_their_order() {
        let set = Batch {
            step: 0,
            pixels: &[1, 2, 3, 4, 5, 6],
            labels: &[7, 8, 9],
            rows: None,
            rate: 0.0,
        };
        let (pixels, labels) = set.gather();
        assert_eq!((&*pixels, &*labels), (set.pixels, set.labels));
        let some = Batch {
            rows: Some(&[2, 0, 2]),
            ..set
        };
        let (pixels, labels) = some.gather();
        assert_eq!(*pixels, [5, 6, 1, 2, 5, 6]);
        assert_eq!(*labels, [9, 7, 9]);
    }

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let formatted = catch_panic::<()>("x", || panic!("bad shape {}", 3));
        assert_eq!(formatted.map_err(|e| e.reason), Err("bad shape 3".into()));
        let plain = catch_panic::<()>("x", || panic!("bad"));
        assert_eq!(
            plain.map_err(|e| e.to_string()),
            Err("engine x: bad".into())
        );
        assert_eq!(catch_panic("x", || Ok(1)), Ok(1));
    }
}
