//! The processes that a process started, and theirs, from `/proc`.

use std::fs;

/// The numbers of all living descendants of a process, parents first. None where the system has
/// no `/proc`, and none of those whose parent has ended: they belong to somebody else then.
pub fn descendants(process: u32) -> Vec<u32> {
    let mut found = children(process);
    let mut next = 0;
    while let Some(&process) = found.get(next) {
        found.extend(children(process));
        next += 1;
    }
    found
}

fn children(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let tasks = fs::read_dir(format!("/proc/{process}/task"));
    for task in tasks.into_iter().flatten().flatten() {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(
            text.split_whitespace()
                .filter_map(|it| it.parse::<u32>().ok()),
        );
    }
    found
}

/// Ends all descendants of a process, and not itself, with SIGKILL.
#[cfg(unix)]
pub fn kill_descendants(process: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    // What was started meanwhile is found in another round.
    for _ in 0..3 {
        let found = descendants(process);
        if found.is_empty() {
            break;
        }
        for process in found {
            if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// Ends all descendants of a process that the caller will end, which starts no others meanwhile.
#[cfg(unix)]
pub(crate) fn stop_and_kill_descendants(process: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::STOP);
    }
    kill_descendants(process);
}

/// Does nothing on this system.
#[cfg(not(unix))]
pub(crate) fn stop_and_kill_descendants(_: u32) {}

/// Does nothing on this system.
#[cfg(not(unix))]
pub fn kill_descendants(_: u32) {}
