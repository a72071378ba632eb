//! The limits of a trial: its time and its memory.
//!
//! The time is watched by the process that started the trial, because an engine may ask nothing
//! for hours. The memory is limited by the system (`RLIMIT_DATA`), which counts what a process
//! asks for and not what is resident: a request beyond it fails at once, and the process aborts
//! with a message that the parent recognises. Rejected: watching the resident size, which is late
//! when memory is asked for in one piece, and `RLIMIT_AS`, which also counts files that are
//! mapped and what allocators reserve without using it.

use bakeoff_core::record::PlannedTrial;

use crate::error::BenchError;

/// What a trial may use: each `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// It is stopped after this time.
    pub time_seconds: Option<u64>,
    /// It is stopped when it needs more, in millions of bytes.
    pub memory_mb: Option<u64>,
}

impl Limits {
    /// These limits, and those of a planned trial where one is not given.
    pub fn or(self, trial: &PlannedTrial) -> Self {
        Self {
            time_seconds: self.time_seconds.or(trial.time_limit_seconds),
            memory_mb: self.memory_mb.or(trial.memory_limit_mb),
        }
    }

    /// The same trial with these limits.
    pub fn applied_to(self, trial: &mut PlannedTrial) {
        trial.time_limit_seconds = self.time_seconds;
        trial.memory_limit_mb = self.memory_mb;
    }
}

/// Why a trial failed that needs more memory than its limit.
pub(crate) fn memory_limit_reason(megabytes: u64) -> String {
    format!("it needs more than the {megabytes} MB of memory that it may use (memory_limit_mb)")
}

/// Limits the memory of this process, once and for all, and of each one that it starts.
///
/// # Errors
/// Where the system cannot do it.
#[cfg(target_os = "linux")]
pub(crate) fn limit_memory(megabytes: u64) -> Result<(), BenchError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let bytes = megabytes.saturating_mul(1_000_000);
    let before = getrlimit(Resource::Data);
    let limit = Rlimit {
        // A limit from outside (`ulimit -d`) stays where it is the smaller one.
        current: Some(before.current.map_or(bytes, |outer| outer.min(bytes))),
        maximum: before.maximum,
    };
    setrlimit(Resource::Data, limit).map_err(|error| {
        BenchError::Request(format!(
            "cannot limit the memory to {megabytes} MB (memory_limit_mb): {error}"
        ))
    })
}

/// Refused: only Linux has a limit that counts what a trial needs.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub(crate) fn limit_memory(_: u64) -> Result<(), BenchError> {
    Err(BenchError::Request(
        "memory_limit_mb works on Linux only; leave it out on this system".into(),
    ))
}
