//! The plan and the records of a run, as they are written to disk.
//!
//! These types are the file format: a change of meaning increases [`SCHEMA`]. Every number
//! and chart in a report is computed from them and from the probabilities beside each
//! record, without training.
//!
//! Not every trial is used to rank models: folds and smaller training parts show how
//! reliable a ranking is. [`TrialSpec::purpose`] distinguishes them, and every reader of a
//! run selects by it.

mod costs;
mod external;
mod measured;
mod run;
mod search;
mod trial;

pub use costs::{Costs, Latency, Load, Timing};
pub use external::{External, GivenCosts};
pub use measured::{
    Attempt, BlockScore, CalibrationResult, Cause, CorruptionScore, Host, Importance,
    IterationPoint, Measured, Outcome, Record, SampleCounts, Scores, Sidecar, Stage,
};
pub use run::{Cut, CutInfo, DataInfo, PixelValues, Repeats, Run, RunInfo};
pub use search::{Chosen, ChosenEnsemble, SearchInfo, Tried};
pub use trial::{
    Calibration, DataRef, ImportanceSpec, PlannedTrial, Purpose, Resources, RobustnessSpec,
    SaveName, SplitSpec, TrialSpec, ValidationSpec, origin_of,
};

/// The version of everything in this module.
pub const SCHEMA: u32 = 2;
