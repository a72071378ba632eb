//! What happens during a trial, for progress bars and pipes.

use std::ops::ControlFlow;

use bakeoff_core::{Corruption, FitEvent};
use serde::{Deserialize, Serialize};

/// A part of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialStage {
    /// Reading and splitting the data.
    Data,
    /// Training.
    Fit,
    /// Predicting the whole test part.
    Predict,
    /// Predicting images one at a time.
    Latency,
    /// Training again, for the time alone.
    Repeat,
    /// Saving the model and reading it back.
    Save,
    /// Predicting corrupted images.
    Robustness,
    /// Predicting images with blocks of others.
    Importance,
}

/// What happens during a trial; a line of JSON when it crosses a pipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TrialEvent {
    /// The next stage begins.
    Stage {
        /// Which.
        stage: TrialStage,
    },
    /// The trial begins again, because a signal ended the program behind its model.
    Again {
        /// What ended.
        reason: String,
    },
    /// The next corruption begins, in all severities.
    Corruption {
        /// Which.
        corruption: Corruption,
        /// Its position in the plan, from 1.
        position: usize,
        /// How many there are.
        total: usize,
    },
    /// Progress of the fit.
    Fit {
        /// What happened.
        fit: FitEvent,
    },
}

/// Called with what happens; `Break` cancels the trial at the next event.
pub(crate) type OnEvent<'a> = dyn FnMut(&TrialEvent) -> ControlFlow<()> + Send + 'a;
