//! The process group of a program.
//!
//! A program is in no group of its caller: what it does to its own group (`kill 0`) must not reach
//! bakeoff, or the script that started that. So what ends bakeoff does not reach the program
//! either. Hence a shell leads the group. It waits for the end of a pipe that only bakeoff holds,
//! and then ends the group: however bakeoff ended, by SIGKILL too, nothing of it stays. While the
//! shell is not waited for, the group's number is nobody else's.
//!
//! Rejected: `PR_SET_PDEATHSIG`. It is Linux only, is not inherited by what the program starts, and
//! comes when the thread ends that started the program.

#[cfg(unix)]
use std::process::{Child, Stdio};
use std::{io, process::Command};

/// What the shell does. What the program sends to its group must not end it.
#[cfg(unix)]
const SCRIPT: &str = "trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2; read -r _; kill -9 0";

/// A group that programs can be started in, which ends with this.
#[cfg(unix)]
pub(crate) struct Group {
    /// Leads the group.
    shell: Child,
}

#[cfg(unix)]
impl Group {
    /// Makes a group without a program.
    ///
    /// # Errors
    /// Of the system, among them that it has no shell.
    pub(crate) fn new() -> io::Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let shell = shell.map_err(|error| {
            let why = format!("/bin/sh, which ends a program with bakeoff: {error}");
            io::Error::new(error.kind(), why)
        })?;
        Ok(Self { shell })
    }

    /// Its number, which is that of the process that leads it.
    pub(crate) fn id(&self) -> u32 {
        self.shell.id()
    }

    /// Has the command started in it.
    pub(crate) fn add(&self, command: &mut Command) {
        if let Ok(group) = i32::try_from(self.id()) {
            std::os::unix::process::CommandExt::process_group(command, group);
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        kill_group(self.id());
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Ends a process group with SIGKILL, if there is one of this number.
#[cfg(unix)]
pub(crate) fn kill_group(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Nothing: other systems have no process groups.
#[cfg(not(unix))]
pub(crate) struct Group;

#[cfg(not(unix))]
impl Group {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn id(&self) -> u32 {
        0
    }

    pub(crate) fn add(&self, _: &mut Command) {}
}

#[cfg(not(unix))]
pub(crate) fn kill_group(_: u32) {}
