//! What a trial is given, and how it ends.

use std::path::Path;

use bakeoff_core::record::{Record, Stage};

use crate::error::BenchError;

/// What a trial is given besides its plan.
#[derive(Clone, Copy, Debug)]
pub struct TrialOptions<'a> {
    /// Where models are saved.
    pub models: &'a Path,
    /// Threads for everything in the trial; 0 for as many as there are processors.
    pub threads: usize,
    /// Whether this process runs nothing but this trial. Only then is the process's
    /// largest size the trial's.
    pub own_process: bool,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TrialEnd {
    /// It ran and left this record.
    Ran(Box<Record>),
    /// There was a valid record already.
    AlreadyDone(Box<Record>),
    /// Another attempt left its record first.
    CameSecond {
        /// That record.
        first: Box<Record>,
        /// Whether both attempts gave the same probabilities, bit for bit.
        agrees: bool,
    },
    /// It was cancelled and left none.
    Cancelled,
}

impl TrialEnd {
    /// The record that is there now.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Ran(record) | Self::AlreadyDone(record) => Some(record),
            Self::CameSecond { first, .. } => Some(first),
            Self::Cancelled => None,
        }
    }
}

/// Why a trial gave no measurements.
pub(super) enum Stop {
    Cancelled,
    Failed {
        stage: Stage,
        reason: String,
    },
    /// The run's folder cannot be written, which is no fault of the trial.
    Run(BenchError),
}

impl Stop {
    pub(super) fn failed<E: std::fmt::Display>(stage: Stage) -> impl FnOnce(E) -> Self {
        move |error| Self::Failed {
            stage,
            reason: error.to_string(),
        }
    }
}
