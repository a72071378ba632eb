//! Wall clock, processor time and memory of this process.

use std::time::Instant;

/// Nanoseconds since `start`, by the monotonic clock.
pub(crate) fn elapsed_ns(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Processor time of this process so far, over all threads, in nanoseconds.
#[cfg(unix)]
pub(crate) fn process_cpu_ns() -> Option<u64> {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanoseconds = u64::try_from(time.tv_nsec).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

/// Not available on this system.
#[cfg(not(unix))]
pub(crate) fn process_cpu_ns() -> Option<u64> {
    None
}

/// The largest resident size of this process so far, in bytes.
///
/// Read from `/proc`, not from `getrusage`, whose maximum survives `exec`: a small trial
/// started by a large process would report its parent's size.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    status_bytes("VmHWM:")
}

/// The resident size of this process now, in bytes.
pub(crate) fn current_rss_bytes() -> Option<u64> {
    status_bytes("VmRSS:")
}

fn status_bytes(field: &str) -> Option<u64> {
    // Only Linux has this file; elsewhere the size stays unknown.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn linux_reports_processor_time_and_memory() {
        let before = super::process_cpu_ns().unwrap();
        let mut sum = 0_u64;
        for i in 0..20_000_000_u64 {
            sum = std::hint::black_box(sum ^ i);
        }
        assert!(super::process_cpu_ns().unwrap() > before, "{sum}");
        let now = super::current_rss_bytes().unwrap();
        assert!(now > 100_000);
        assert!(super::peak_rss_bytes().unwrap() >= now / 2);
    }
}
