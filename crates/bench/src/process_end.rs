//! What the end of a trial's process says about its model, where it left no record.
//!
//! A signal from outside, a full disk or absent data say nothing: the trial has no record and can
//! run again. A crash, an exhausted memory or a limit of the experiment do: they are a failed row.
//!
//! SIGKILL that the kernel does not count as its own is a signal from outside. A scheduler sends
//! it after its time, a person does with `kill -9`, and programs such as earlyoom do for memory.
//! To call that "out of memory" would make a row that stays; to run it again costs a trial.

use std::process::ExitStatus;

use bakeoff_core::record::Cause;

use crate::limits::memory_limit_reason;

/// The exit code of a trial that ends without a record and without an answer about its model: it
/// was cancelled, the disk is full, the data cannot be read. `EX_TEMPFAIL` of `sysexits.h`.
pub const NO_ANSWER: u8 = 75;

/// The exit code of a trial that no attempt with this program can answer: its plan is of another
/// version, or the program lacks the engine. `EX_CONFIG` of `sysexits.h`.
pub const NEVER: u8 = 78;

/// The exit code of a trial's process whose model is a program that a signal ended: whoever started
/// the trial tries again, and this is not seen from outside.
pub const SIGNALLED: u8 = 76;

/// How the line of standard error begins in which a trial's process that is asked to end names the
/// programs that it runs, with their last lines.
pub const RUNNING: &str = "running: ";

/// The exit code of a program that does not understand its command line.
const NOT_UNDERSTOOD: i32 = 2;

/// Why a trial ended without an answer about its model, so that it can run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// In words.
    pub reason: String,
    /// The signal that ended it, where one did.
    pub signal: Option<i32>,
    /// Whether another attempt with the same program would end in the same way.
    pub is_final: bool,
}

/// What the end of a process says.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The model failed.
    Failed(String, Cause),
    /// Nothing about the model.
    Interrupted(Interruption),
    /// A signal ended the program behind the model: from outside, or one that it sent itself.
    Signalled(String),
}

/// What is known of a process that ended.
pub(crate) struct ProcessEnd<'a> {
    /// The signal that ended it, or its exit code.
    pub(crate) ended: Ended,
    /// The end of what it wrote to standard error.
    pub(crate) said: &'a str,
    /// Whether the kernel has ended a process for lack of memory meanwhile.
    pub(crate) kernel_killed: bool,
    /// The limit that it ran under, in millions of bytes.
    pub(crate) memory_limit_mb: Option<u64>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By a signal.
    Signal(i32),
    /// By itself.
    Code(i32),
}

impl Ended {
    pub(crate) fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::Signal(signal);
        }
        Self::Code(status.code().unwrap_or_default())
    }
}

/// The numbers of SIGILL, SIGTRAP, SIGABRT, SIGFPE and SIGSEGV, which are the same on every
/// system, and those of SIGBUS and SIGSYS: what a process does to itself.
const FAULTS: [i32; 7] = match cfg!(any(target_os = "linux", target_os = "android")) {
    true => [4, 5, 6, 8, 11, 7, 31],
    false => [4, 5, 6, 8, 11, 10, 12],
};
const ABORT: i32 = 6;
const KILL: i32 = 9;

/// What Rust prints before it aborts for lack of memory.
const ALLOCATION_FAILED: &str = "memory allocation of ";

impl ProcessEnd<'_> {
    pub(crate) fn verdict(&self) -> Verdict {
        match self.ended {
            Ended::Signal(KILL) if self.kernel_killed => Verdict::Failed(
                "out of memory: the system ended its process (SIGKILL, and the kernel counts an \
                 out-of-memory kill)"
                    .into(),
                Cause::OutOfMemory,
            ),
            Ended::Signal(ABORT) if self.said.contains(ALLOCATION_FAILED) => self.no_memory(),
            Ended::Signal(signal) if FAULTS.contains(&signal) => {
                Verdict::Failed(self.crashed(), Cause::Crash)
            }
            Ended::Signal(signal) => interrupted(
                match signal {
                    KILL => "its process was ended by SIGKILL from outside, which says nothing \
                             about the model; if memory was short, `memory_limit_mb` makes that a \
                             failed row"
                        .into(),
                    _ => format!(
                        "its process was ended from outside by {}",
                        signal_name(signal)
                    ),
                },
                Some(signal),
            ),
            Ended::Code(code) if code == i32::from(SIGNALLED) => {
                Verdict::Signalled(self.last_line().into())
            }
            Ended::Code(code) if [NO_ANSWER, NEVER].map(i32::from).contains(&code) => {
                Verdict::Interrupted(Interruption {
                    reason: self.last_line().into(),
                    signal: None,
                    is_final: code == i32::from(NEVER),
                })
            }
            Ended::Code(0 | NOT_UNDERSTOOD) => interrupted(
                format!(
                    "its process ended without a record; was the program replaced? {}",
                    self.said
                )
                .trim_end()
                .into(),
                None,
            ),
            Ended::Code(_) => Verdict::Failed(self.crashed(), Cause::Crash),
        }
    }

    /// Why it gave no answer.
    fn last_line(&self) -> &str {
        let last = self.said.lines().rfind(|line| !line.trim().is_empty());
        let last = last.unwrap_or("it was cancelled");
        last.trim_start_matches("error: ")
    }

    /// A request for memory was refused.
    fn no_memory(&self) -> Verdict {
        match self.memory_limit_mb {
            Some(megabytes) => Verdict::Failed(
                memory_limit_reason(megabytes),
                Cause::MemoryLimit { megabytes },
            ),
            None => {
                // Not what Rust advises to do about it.
                let why = self.said.lines().find(|it| it.contains(ALLOCATION_FAILED));
                let why = why.unwrap_or(self.said);
                Verdict::Failed(format!("out of memory: {why}"), Cause::OutOfMemory)
            }
        }
    }

    fn crashed(&self) -> String {
        let how = match self.ended {
            Ended::Signal(signal) => signal_name(signal),
            Ended::Code(code) => format!("exit code {code}"),
        };
        match self.said {
            "" => format!("its process crashed without a message ({how})"),
            said => format!("its process crashed ({how}): {said}"),
        }
    }
}

fn interrupted(reason: String, signal: Option<i32>) -> Verdict {
    Verdict::Interrupted(Interruption {
        reason,
        signal,
        is_final: false,
    })
}

/// Whether a signal says nothing about the process that it ended.
pub(crate) fn is_from_outside(signal: i32) -> bool {
    !FAULTS.contains(&signal)
}

/// A signal as people know it.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        ABORT => "SIGABRT",
        8 => "SIGFPE",
        KILL => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU, the limit of processor time",
        25 => "SIGXFSZ, the limit of the size of files",
        _ => return format!("signal {signal}"),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(ended: Ended, said: &str, kernel_killed: bool, limit: Option<u64>) -> Verdict {
        ProcessEnd {
            ended,
            said,
            kernel_killed,
            memory_limit_mb: limit,
        }
        .verdict()
    }

    #[test]
    fn a_signal_from_outside_is_no_answer() {
        for signal in [1, 2, 3, 9, 13, 14, 15, 24, 25] {
            // Another process may have been ended for memory meanwhile.
            let killed = signal != KILL;
            match verdict(Ended::Signal(signal), "half a line", killed, None) {
                Verdict::Interrupted(found) => assert_eq!(found.signal, Some(signal)),
                other => panic!("{signal}: {other:?}"),
            }
        }
    }

    #[test]
    fn lack_of_memory_is_told_apart() {
        let cause = |verdict| match verdict {
            Verdict::Failed(reason, cause) => (cause, reason),
            other => panic!("{other:?}"),
        };
        let (killed, reason) = cause(verdict(Ended::Signal(KILL), "", true, None));
        assert_eq!(killed, Cause::OutOfMemory);
        assert!(reason.starts_with("out of memory"), "{reason}");
        let said = "memory allocation of 8000000000 bytes failed\nnote: run with a variable";
        let (refused, reason) = cause(verdict(Ended::Signal(ABORT), said, false, None));
        assert_eq!(refused, Cause::OutOfMemory);
        assert_eq!(
            reason,
            "out of memory: memory allocation of 8000000000 bytes failed"
        );
        let (limited, reason) = cause(verdict(Ended::Signal(ABORT), said, false, Some(500)));
        assert_eq!(limited, Cause::MemoryLimit { megabytes: 500 });
        assert!(reason.contains("500 MB"), "{reason}");
        let (other, _) = cause(verdict(Ended::Signal(ABORT), "assertion", false, Some(500)));
        assert_eq!(other, Cause::Crash);
    }

    #[test]
    fn a_crash_is_an_answer_and_a_full_disk_is_none() {
        for ended in [Ended::Signal(11), Ended::Signal(6), Ended::Code(101)] {
            assert!(
                matches!(
                    verdict(ended, "", true, None),
                    Verdict::Failed(_, Cause::Crash)
                ),
                "{ended:?}"
            );
        }
        let said = "warning\nerror: records: No space left on device\n";
        let full = verdict(Ended::Code(NO_ANSWER.into()), said, false, None);
        let expected = interrupted("records: No space left on device".into(), None);
        assert_eq!(full, expected);
        let unfit = verdict(Ended::Code(NEVER.into()), "error: no engine", false, None);
        let Verdict::Interrupted(unfit) = unfit else {
            panic!("{unfit:?}");
        };
        assert!(unfit.is_final && unfit.reason == "no engine", "{unfit:?}");
        let said = "error: `sh x.sh` was ended by signal 15";
        let signalled = verdict(Ended::Code(SIGNALLED.into()), said, false, None);
        let expected = Verdict::Signalled("`sh x.sh` was ended by signal 15".into());
        assert_eq!(signalled, expected);
        for code in [0, 2] {
            let other = verdict(Ended::Code(code), "", false, None);
            assert!(matches!(other, Verdict::Interrupted(_)), "{code}");
        }
    }
}
