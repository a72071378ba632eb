//! The process group of a trial, and the groups of the programs that it started.

/// Ends what is left of the group of a child that leads one, the child, and all that it started,
/// with SIGKILL. The child has not been waited for yet, so its number is still its own.
#[cfg(unix)]
pub(crate) fn kill_group(child: &std::process::Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    bakeoff_zoo::stop_and_kill_descendants(child.id());
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let _ = group.map(|group| kill_process_group(group, Signal::KILL));
}

/// Whether a child has ended. The system does not forget its number.
#[cfg(unix)]
pub(crate) fn has_ended(child: &std::process::Child) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    process.is_some_and(|process| matches!(waitid(WaitId::Pid(process), options), Ok(Some(_))))
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

/// Ends the programs of this process, and the process group of this process, if it leads one of
/// its own, and so itself: what a trial does when nobody waits for it.
#[cfg(unix)]
pub fn end_own_group() {
    use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group};
    bakeoff_zoo::end_programs();
    if getpgrp() == getpid() {
        let _ = kill_current_process_group(Signal::KILL);
    }
}

/// Does nothing on this system.
#[cfg(not(unix))]
pub(crate) fn kill_group(_: &std::process::Child) {}

/// Not known on this system.
#[cfg(not(unix))]
pub(crate) fn has_ended(_: &std::process::Child) -> bool {
    true
}

/// Does nothing on this system.
#[cfg(not(unix))]
pub(crate) fn wait_for_end(_: &mut std::process::Child) {}

/// Ends the programs of this process.
#[cfg(not(unix))]
pub fn end_own_group() {
    bakeoff_zoo::end_programs();
}
