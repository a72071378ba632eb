//! What a plan and a trial leave behind, as it is written to disk.
//!
//! These types are the file format: a change of meaning raises [`SCHEMA`]. Every
//! number and chart in a report is derived from them (and from the probabilities
//! beside each record) without training.
//!
//! Not every trial is one that models are ranked by: folds and smaller training parts
//! say how far a ranking can be trusted. [`TrialSpec::purpose`] tells them apart, and
//! whatever reads a run chooses by it.

mod measured;
mod run;
mod trial;

pub use measured::{
    CalibrationResult, CorruptionScore, Costs, Host, IterationPoint, Latency, Measured, Outcome,
    Record, SampleCounts, Scores, Sidecar, Stage,
};
pub use run::{Cut, CutInfo, DataInfo, Run, RunInfo};
pub use trial::{
    Calibration, DataRef, PlannedTrial, Purpose, RobustnessSpec, SaveName, SplitSpec, TrialSpec,
    ValidationSpec,
};

/// The version of everything in this module.
pub const SCHEMA: u32 = 2;
