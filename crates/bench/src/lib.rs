//! The harness: experiment → plan → trials → records.
//!
//! Three small steps stand on their own, and [`Runner`] is a convenience over them:
//!
//! 1. [`plan()`] resolves an [`Experiment`] into an immutable `plan.jsonl`, one trial a line.
//! 2. [`run_trial`] trains and measures one of them and leaves its record; a valid
//!    record there means that nothing is left to do.
//! 3. [`RunFolder::read`] reads the records back for reports.
//!
//! Nothing is ordered by wall-clock time, nothing waits for another process's file, and no
//! result depends on the machine, so that a queue or a cluster can run the steps. To run
//! several trials at once on one machine was rejected: their times would be wrong.

mod attempt;
mod clock;
pub mod data_check;
mod error;
mod event;
mod exchange;
mod experiment;
mod external;
mod files;
mod host;
mod kernel_kills;
mod limits;
mod measure;
mod objects;
mod packs;
mod partition;
mod plan;
mod preflight;
mod process_end;
mod process_group;
mod program;
mod reported_parts;
mod retry;
mod run_folder;
mod run_lock;
mod run_name;
mod runner;
mod scores;
mod search;
mod sidecars;
mod state;
mod subprocess;
mod trial;

pub use error::BenchError;
pub use event::{TrialEvent, TrialStage};
pub use exchange::{Pulled, Pushed, Sent, SharedRun, Stored};
pub use experiment::{
    Experiment, ExperimentError, Flag, Holdout, ModelEntry, Overrides, Search, Setting,
    builtin_experiment, builtin_experiments, flags,
};
pub use external::{ImportOptions, Imported, ImportedName, TestSet};
pub use host::describe_host;
pub use limits::Limits;
pub use measure::{MeasuredPrediction, measure_latency};
pub use objects::is_address;
pub use packs::{Packed, write_pack};
pub use plan::{Unfinished, plan, unfinished_before};
pub use process_end::{Interruption, NEVER, NO_ANSWER, RUNNING, SIGNALLED};
pub use process_group::end_own_group;
pub use program::Program;
pub use run_folder::RunFolder;
pub use run_lock::RunLock;
pub use runner::{InProcess, Launcher, Observer, RunOutcome, Runner};
pub use search::{Round, SearchObserver, Searched, search};
pub use state::TrialState;
pub use subprocess::Subprocess;
pub use trial::{TrialEnd, TrialOptions, run_trial};
