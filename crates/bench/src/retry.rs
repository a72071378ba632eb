//! Which failed trials may succeed with another attempt.
//!
//! A record that says "failed" stays: to train for hours and fail in the same way helps nobody.
//! It is otherwise where the cause was not the model: records of earlier versions say "failed" of
//! a signal, of a full disk and of absent data, and a limit may be another one now.

use bakeoff_core::record::{Cause, Outcome, PlannedTrial, Record, Stage};

use crate::process_end::is_from_outside;

/// Why a failed trial may succeed now; `None` where its record stays.
pub(crate) fn worth_retrying(record: &Record, trial: &PlannedTrial) -> Option<String> {
    let Outcome::Failed {
        stage,
        reason,
        cause,
    } = &record.outcome
    else {
        return None;
    };
    let because = match (cause, stage) {
        (Some(Cause::TimeLimit { seconds }), _) => {
            return is_raised(*seconds, trial.time_limit_seconds)
                .then(|| "the time limit is another one now".into());
        }
        (Some(Cause::MemoryLimit { megabytes }), _) => {
            return is_raised(*megabytes, trial.memory_limit_mb)
                .then(|| "the memory limit is another one now".into());
        }
        (Some(Cause::OutOfMemory | Cause::Crash), _) => return None,
        // What follows is of earlier versions.
        (None, Stage::Data) => "the data could not be used",
        (None, Stage::Process) if signal_in(reason).is_some_and(is_from_outside) => {
            "it was ended from outside"
        }
        (None, Stage::Process) if let Some(seconds) = time_limit_in(reason) => {
            return is_raised(seconds, trial.time_limit_seconds)
                .then(|| "the time limit is another one now".into());
        }
        (None, Stage::Process | Stage::Store) if reason.contains("(os error ") => {
            "the disk refused something"
        }
        (None, _) => return None,
    };
    Some(format!("{because} ({reason})"))
}

/// Whether a limit that was reached is larger now, or gone.
fn is_raised(reached: u64, now: Option<u64>) -> bool {
    now.is_none_or(|now| now > reached)
}

/// The number in `(signal: 15 (SIGTERM))`.
fn signal_in(reason: &str) -> Option<i32> {
    let (_, rest) = reason.split_once("(signal: ")?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// The number in `stopped at the time limit of 5 s`.
fn time_limit_in(reason: &str) -> Option<u64> {
    let rest = reason.strip_prefix("stopped at the time limit of ")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_versions_wrote_is_read() {
        assert_eq!(
            signal_in("its process ended (signal: 15 (SIGTERM)): x"),
            Some(15)
        );
        assert_eq!(
            signal_in("its process ended without a message (signal: 9 (SIGKILL)); out of memory?"),
            Some(9)
        );
        assert_eq!(signal_in("its process ended (exit status: 1)"), None);
        assert_eq!(
            time_limit_in("stopped at the time limit of 4 s (time_limit_seconds)"),
            Some(4)
        );
        assert_eq!(time_limit_in("it diverged"), None);
    }

    #[test]
    fn a_limit_is_raised_when_it_is_larger_or_gone() {
        assert!(is_raised(4, None) && is_raised(4, Some(5)));
        assert!(!is_raised(4, Some(4)) && !is_raised(4, Some(3)));
    }
}
