//! The programs that a trial's process started: their memory, and the limit of it.
//!
//! The system limits each process by itself. So all of them are looked at together, every few
//! milliseconds: a peak that is shorter may be missed. Rejected: control groups, which belong to
//! schedulers and containers and are not to be had without rights.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crate::clock::status_bytes_of;

/// How often they are looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// What the watch knows.
#[derive(Default)]
struct Seen {
    /// The largest size of this process and its programs together since it was last taken.
    peak: AtomicU64,
    /// Whether they were ended because they need more than the limit.
    exceeded: AtomicBool,
    /// Whether the watch is over.
    over: AtomicBool,
}

/// Watches the programs of this process until it is dropped.
pub(super) struct ProgramWatch {
    seen: Arc<Seen>,
}

impl ProgramWatch {
    /// Starts to watch; programs that need more than the limit together are ended.
    pub(super) fn start(limit_mb: Option<u64>) -> std::io::Result<Self> {
        let seen = Arc::new(Seen::default());
        let own = Arc::clone(&seen);
        let limit = limit_mb.map(|megabytes| megabytes.saturating_mul(1_000_000));
        thread::Builder::new().spawn(move || {
            while !own.over.load(Ordering::Relaxed) {
                glance(&own, limit);
                thread::sleep(GLANCE);
            }
        })?;
        Ok(Self { seen })
    }

    /// The largest size of this process and its programs together, in bytes, since the last call.
    pub(super) fn take_peak(&self) -> u64 {
        self.seen.peak.swap(0, Ordering::Relaxed)
    }

    /// Whether programs were ended because they need more than the limit.
    pub(super) fn exceeded(&self) -> bool {
        self.seen.exceeded.load(Ordering::Relaxed)
    }
}

impl Drop for ProgramWatch {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::Relaxed);
    }
}

fn glance(seen: &Seen, limit: Option<u64>) {
    let programs = bakeoff_zoo::descendants(process::id());
    if programs.is_empty() {
        return;
    }
    let together = |field: &str| -> u64 {
        let names = programs.iter().map(u32::to_string);
        names
            .chain(["self".to_owned()])
            .filter_map(|process| status_bytes_of(&process, field))
            .sum()
    };
    seen.peak.fetch_max(together("VmRSS:"), Ordering::Relaxed);
    // As `RLIMIT_DATA` does, without what is mapped from files; but what is resident.
    if limit.is_some_and(|limit| together("RssAnon:") > limit) {
        seen.exceeded.store(true, Ordering::Relaxed);
        bakeoff_zoo::kill_descendants(process::id());
    }
}
