//! The process group of a trial: the trial and all programs that it started.

/// Ends what is left of the group of a child that leads one, and the child, with SIGKILL. The child
/// has not been waited for yet, so its number is still its own.
#[cfg(unix)]
pub(crate) fn kill_group(child: &std::process::Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let _ = group.map(|group| kill_process_group(group, Signal::KILL));
}

/// Waits until a child has ended, ends what is left of its group, and only then lets the system
/// forget its number.
#[cfg(unix)]
pub(crate) fn wait_for_end(child: &mut std::process::Child) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    if process.is_some_and(|process| waitid(WaitId::Pid(process), options).is_ok()) {
        kill_group(child);
    }
}

/// Ends the process group of this process, if it leads one of its own, and so itself: what a trial
/// does when nobody waits for it. Otherwise does nothing.
#[cfg(unix)]
pub fn end_own_group() {
    use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group};
    if getpgrp() == getpid() {
        let _ = kill_current_process_group(Signal::KILL);
    }
}

/// Does nothing on this system.
#[cfg(not(unix))]
pub(crate) fn kill_group(_: &std::process::Child) {}

/// Does nothing on this system.
#[cfg(not(unix))]
pub(crate) fn wait_for_end(_: &mut std::process::Child) {}

/// Does nothing on this system.
#[cfg(not(unix))]
pub fn end_own_group() {}
