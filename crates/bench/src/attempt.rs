//! Which attempt at a trial this process is.

use std::time::{SystemTime, UNIX_EPOCH};

use bakeoff_core::record::Attempt;

use crate::host;

/// Variables by which schedulers say which job, task and try a process is of.
const SCHEDULERS: [&str; 9] = [
    "SLURM_JOB_ID",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_RESTART_COUNT",
    "HQ_JOB_ID",
    "HQ_TASK_ID",
    "HQ_INSTANCE_ID",
    "JOB_COMPLETION_INDEX",
    "BAKEOFF_ATTEMPT",
];

/// This process, from now on.
pub(crate) fn begin() -> Attempt {
    let machine = sysinfo::System::host_name().unwrap_or_default();
    let process = std::process::id();
    // In containers, machines and processes of one name and number are common.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let moment = since.map_or(0, |since| since.as_nanos());
    Attempt {
        id: format!("{machine}-{process}-{moment:x}"),
        machine,
        process,
        started_at: host::now(),
        scheduler: SCHEDULERS
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect(),
    }
}
