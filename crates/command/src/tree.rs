//! The processes that a process started, and theirs, from `/proc`.

use std::fs;

use crate::group::kill_group;

/// The numbers of all living descendants of a process, parents first. None where the system has
/// no `/proc`, and none of those whose parent has ended: they belong to somebody else then.
pub(crate) fn descendants(process: u32) -> Vec<u32> {
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

/// Ends all descendants of a process, and not itself, with SIGKILL; with each that leads a process
/// group its group, so that processes of it whose parent has ended end, too.
pub fn kill_descendants(process: u32) {
    // What was started meanwhile is found in another round.
    for _ in 0..3 {
        let found = descendants(process);
        if found.is_empty() {
            break;
        }
        for process in found {
            kill_group(process);
            signal(process, Wanted::Kill);
        }
    }
}

/// Ends all descendants of a process that the caller will end, which starts no others meanwhile.
pub fn stop_and_kill_descendants(process: u32) {
    signal(process, Wanted::Stop);
    kill_descendants(process);
}

#[derive(Clone, Copy)]
enum Wanted {
    Stop,
    Kill,
}

#[cfg(unix)]
fn signal(process: u32, wanted: Wanted) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match wanted {
        Wanted::Stop => Signal::STOP,
        Wanted::Kill => Signal::KILL,
    };
    if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Does nothing on this system.
#[cfg(not(unix))]
fn signal(_: u32, _: Wanted) {}
