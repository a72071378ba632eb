//! Wall clock, processor time and memory of this process with the programs that it started, and what
//! other programs took from it.
//!
//! Waiting times and sizes are read from `/proc`, which only Linux has; elsewhere they stay
//! unknown.

use std::{fs, time::Instant};

use bakeoff_core::record::{Load, Timing};

/// Nanoseconds since `start`, by the monotonic clock.
pub(crate) fn elapsed_ns(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Processor time so far in nanoseconds, over all threads of this process and, where the system
/// tells it, of those that it started and theirs.
pub(crate) fn process_cpu_ns() -> Option<u64> {
    own_cpu_ns()?.checked_add(programs_cpu_ns().unwrap_or_default())
}

/// Processor time of the processes that this one started: of those that have ended, which it
/// waited for, and of those that run. In hundredths of a second; nothing where it started none.
fn programs_cpu_ns() -> Option<u64> {
    let stat = |process: &str| fs::read_to_string(format!("/proc/{process}/stat")).ok();
    let ended = cpu_ticks(&stat("self")?)?.1;
    let running = bakeoff_zoo::program_processes();
    let running = running.iter().filter_map(|process| {
        let (own, ended) = cpu_ticks(&stat(&process.to_string())?)?;
        Some(own + ended)
    });
    (ended + running.sum::<u64>()).checked_mul(NS_PER_TICK)
}

/// Of `/proc/…/stat` the ticks of a process itself, and of its children that have ended. Its name,
/// in brackets, may hold blanks and brackets.
fn cpu_ticks(stat: &str) -> Option<(u64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    // The 14th to the 17th field; the name is the second.
    let mut fields = rest.split_whitespace().skip(11);
    let mut two =
        || Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?);
    Some((two()?, two()?))
}

#[cfg(unix)]
fn own_cpu_ns() -> Option<u64> {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanoseconds = u64::try_from(time.tv_nsec).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

/// Not available on this system.
#[cfg(not(unix))]
fn own_cpu_ns() -> Option<u64> {
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

/// Makes the largest resident size start anew from the size now. Whether that worked: on other
/// systems, and where the kernel refuses it, the old peak stays.
pub(crate) fn reset_peak_rss() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn status_bytes(field: &str) -> Option<u64> {
    status_bytes_of("self", field)
}

/// A size of a process in `/proc/…/status`, in bytes.
pub(crate) fn status_bytes_of(process: &str, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes: u64 = field_of(&status, field)?
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()?;
    kibibytes.checked_mul(1024)
}

/// The rest of the line that starts with `field`.
fn field_of<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim())
}

/// What else runs on the machine now.
pub(crate) fn load() -> Option<Load> {
    parse_load(&fs::read_to_string("/proc/loadavg").ok()?)
}

/// `0.24 1.54 1.98 2/84 12151`: averages over 1, 5 and 15 minutes; threads that can run, of all.
fn parse_load(text: &str) -> Option<Load> {
    let mut words = text.split_whitespace();
    let average = words.next()?.parse().ok()?;
    let (running, _) = words.nth(2)?.split_once('/')?;
    let running: u64 = running.parse().ok()?;
    Some(Load {
        average,
        // The thread that reads this runs, too.
        running: running.saturating_sub(1),
    })
}

/// Times a call, and what other programs took from it.
pub(crate) struct Stopwatch {
    taken: Taken,
    cpu_ns: Option<u64>,
    start: Instant,
}

impl Stopwatch {
    /// Starts. What takes longest to read is read outside of the times that are measured.
    pub(crate) fn start() -> Self {
        Self {
            taken: Taken::until_now(),
            cpu_ns: process_cpu_ns(),
            start: Instant::now(),
        }
    }

    /// The time since the start.
    pub(crate) fn stop(&self) -> Timing {
        let wall_ns = elapsed_ns(self.start);
        let cpu_ns = since(process_cpu_ns(), self.cpu_ns);
        let taken = Taken::until_now();
        // The kernel adds a wait when it is over, with what lies before the start: no thread waits
        // longer than the call takes.
        let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count) as u64;
        let longest = wall_ns.saturating_mul(threads);
        let waited_ns = since(taken.waited_ns, self.taken.waited_ns);
        Timing {
            wall_ns,
            cpu_ns,
            waited_ns: waited_ns
                .map(|waited| waited.min(longest - cpu_ns.unwrap_or(0).min(longest))),
            preemptions: since(taken.preemptions, self.taken.preemptions),
            stolen_ns: since(taken.stolen_ns, self.taken.stolen_ns),
        }
    }
}

/// What a counter grew by. A thread that has ended takes its counters with it.
fn since(after: Option<u64>, before: Option<u64>) -> Option<u64> {
    Some(after?.saturating_sub(before?))
}

/// What other programs took from this process, or from the machine, until now.
struct Taken {
    waited_ns: Option<u64>,
    preemptions: Option<u64>,
    stolen_ns: Option<u64>,
}

impl Taken {
    fn until_now() -> Self {
        let stat = fs::read_to_string("/proc/stat").ok();
        Self {
            waited_ns: over_threads("schedstat", waited_ns),
            preemptions: over_threads("status", |status| {
                let found = field_of(status, "nonvoluntary_ctxt_switches:")?;
                found.parse().ok()
            }),
            stolen_ns: stat.and_then(|stat| stolen_ns(&stat)),
        }
    }
}

/// A number in a file of every thread of this process, added up.
fn over_threads(file: &str, read: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let mut sum = None;
    for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
        // A thread may end in between.
        let Ok(text) = fs::read_to_string(task.path().join(file)) else {
            continue;
        };
        sum = Some(sum.unwrap_or(0_u64).saturating_add(read(&text)?));
    }
    sum
}

/// `2570448 91234 17`: nanoseconds on a processor, nanoseconds of waiting for one, turns.
fn waited_ns(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().nth(1)?.parse().ok()
}

/// A hundredth of a second (`USER_HZ`, the same on every Linux that Rust's standard library runs on).
const NS_PER_TICK: u64 = 10_000_000;

/// The eighth number of `cpu  1772242 114997 166827 287336 5824 0 1289 681 0 0`.
fn stolen_ns(stat: &str) -> Option<u64> {
    let ticks: u64 = field_of(stat, "cpu ")?
        .split_whitespace()
        .nth(7)?
        .parse()
        .ok()?;
    ticks.checked_mul(NS_PER_TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        let load = parse_load("0.24 1.54 1.98 3/84 12151\n").unwrap();
        assert_eq!((load.average, load.running), (0.24, 2));
        assert_eq!(waited_ns("2570448 91234 17\n"), Some(91_234));
        assert_eq!(waited_ns("0"), None);
        let stat = "cpu  17 11 16 28 58 0 12 681 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(stolen_ns(stat), Some(6_810_000_000));
        assert_eq!(field_of("VmHWM:\t  1752 kB\n", "VmRSS:"), None);
        let stat = "7 (a) b) S 1 2 3 0 -1 4 5 6 7 8 900 10 20 3 0";
        assert_eq!(cpu_ticks(stat), Some((910, 23)));
        assert_eq!(cpu_ticks("7 (a"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_processor_time_of_programs_is_counted_while_they_run_and_afterwards() {
        let before = programs_cpu_ns().unwrap();
        let mut program = std::process::Command::new("sh")
            .args([
                "-c",
                "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; read line",
            ])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + std::time::Duration::from_secs(60);
        while programs_cpu_ns().unwrap() < before + 5 * NS_PER_TICK && Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(programs_cpu_ns().unwrap() >= before + 5 * NS_PER_TICK);
        drop(program.stdin.take());
        program.wait().unwrap();
        assert!(programs_cpu_ns().unwrap() >= before + 5 * NS_PER_TICK);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_reset_peak_forgets_what_was_freed() {
        let large = std::hint::black_box(vec![1_u8; 200 << 20]);
        drop(large);
        let before = peak_rss_bytes().unwrap();
        if !reset_peak_rss() {
            return;
        }
        // Other tests of this process allocate little beside these 200 MiB.
        assert!(peak_rss_bytes().unwrap() + (100 << 20) < before);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_stopwatch_counts_work_on_every_thread() {
        let watch = Stopwatch::start();
        let work = || (0..30_000_000_u64).fold(0, |sum, i| std::hint::black_box(sum ^ i));
        std::thread::scope(|scope| {
            let other = scope.spawn(work);
            std::hint::black_box(work() ^ other.join().unwrap());
        });
        let timing = watch.stop();
        assert!(
            timing.wall_ns > 0 && timing.cpu_ns.unwrap() > 0,
            "{timing:?}"
        );
        assert!(timing.waited_ns.is_some() && timing.preemptions.is_some());
    }

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
