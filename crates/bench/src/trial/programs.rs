//! The programs that a trial's process started: their memory, and the limit of it.
//!
//! The system limits each process by itself. So all of them are looked at together, every few
//! milliseconds: a peak that is shorter may be missed. Rejected: control groups, which belong to
//! schedulers and containers and are not to be had without rights.

use std::{
    fs, process,
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
/// How long not, after their shared pages were divided.
const SHARED_GLANCE: Duration = Duration::from_millis(100);

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
    let programs = bakeoff_zoo::program_processes();
    if programs.is_empty() {
        return;
    }
    let all: Vec<String> = programs
        .iter()
        .map(u32::to_string)
        .chain(["self".to_owned()])
        .collect();
    let together = |field: &str| -> u64 {
        let sizes = all.iter().filter_map(|it| status_bytes_of(it, field));
        sizes.sum()
    };
    seen.peak.fetch_max(together("VmRSS:"), Ordering::Relaxed);
    let Some(limit) = limit else {
        return;
    };
    // What only the programs can give back: not files that are mapped, which the system drops as it
    // needs the memory.
    if together("RssAnon:") + together("RssShmem:") <= limit {
        return;
    }
    // Pages that several of them share were counted for each. To divide them takes much longer.
    let shared = all.iter().map(|process| {
        let whole = || status_bytes_of(process, "RssAnon:");
        own_share_of(process).or_else(whole).unwrap_or_default()
    });
    if shared.sum::<u64>() > limit {
        seen.exceeded.store(true, Ordering::Relaxed);
        bakeoff_zoo::kill_descendants(process::id());
    } else {
        thread::sleep(SHARED_GLANCE);
    }
}

/// The memory of a process in bytes that is no mapped file, of pages that several processes share
/// its part.
fn own_share_of(process: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    own_share(&text)
}

/// Of `smaps_rollup` the lines `Pss_Anon: 12 kB` and `Pss_Shmem: 3 kB`.
fn own_share(text: &str) -> Option<u64> {
    let kibibytes = |field: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(field))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    (kibibytes("Pss_Anon:")? + kibibytes("Pss_Shmem:")?).checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::own_share;

    #[test]
    fn shared_memory_counts_and_mapped_files_do_not() {
        let text = "5589-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 9000 kB\nPss: 8000 kB\n\
                    Pss_Anon:        1000 kB\nPss_File:        5000 kB\nPss_Shmem:       2000 kB\n";
        assert_eq!(own_share(text), Some(3000 << 10));
        assert_eq!(own_share("Rss: 9000 kB\nPss: 8000 kB\n"), None);
    }
}
