//! What a trial is given, and how it ends.

use std::path::Path;

use bakeoff_core::{
    PredictError, StoreError,
    record::{Record, Stage},
};

use crate::{error::BenchError, process_end::Interruption};

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
    /// A folder of packed datasets, besides that of the run.
    pub packs: Option<&'a Path>,
    /// Limits this process's memory, in millions of bytes, once its threads run. Only for a
    /// process of its own.
    pub memory_limit_mb: Option<u64>,
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
    /// Something from outside ended it without an answer about its model, and it left none.
    Interrupted(Interruption),
}

impl TrialEnd {
    /// The end of an attempt whose record came second.
    pub fn second(first: Record, record: &Record) -> Self {
        Self::CameSecond {
            agrees: answers(&first) == answers(record),
            first: Box::new(first),
        }
    }

    /// The record that is there now.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Ran(record) | Self::AlreadyDone(record) => Some(record),
            Self::CameSecond { first, .. } => Some(first),
            Self::Cancelled | Self::Interrupted(_) => None,
        }
    }
}

/// What two attempts at a trial must agree in: everything that is not a cost.
fn answers(record: &Record) -> Option<Vec<&str>> {
    let sidecars = record.measured()?.sidecars();
    Some(sidecars.map(|sidecar| sidecar.sha256.as_str()).collect())
}

/// Why a trial gave no measurements.
pub(super) enum Stop {
    Cancelled,
    Failed {
        stage: Stage,
        reason: String,
    },
    /// The data cannot be read or a file cannot be written, which says nothing about the model.
    Run(BenchError),
    /// The disk ended the program behind the model.
    Interrupted(String),
    /// A signal ended it: from outside, or one that it sent itself.
    Signalled(String),
}

impl Stop {
    pub(super) fn failed<E: std::fmt::Display>(stage: Stage) -> impl FnOnce(E) -> Self {
        move |error| Self::Failed {
            stage,
            reason: error.to_string(),
        }
    }

    /// A model that does not answer.
    pub(super) fn predict(stage: Stage) -> impl FnOnce(PredictError) -> Self {
        move |error| match error {
            PredictError::Interrupted(reason) => Self::Interrupted(reason),
            PredictError::Signalled(reason) => Self::Signalled(reason),
            other => Self::failed(stage)(other),
        }
    }

    /// A model that cannot be saved or read. That the disk refuses it is no fault of the model.
    pub(super) fn store(error: StoreError) -> Self {
        match error {
            StoreError::Io { .. } => Self::Run(error.into()),
            other => Self::failed(Stage::Store)(other),
        }
    }
}
