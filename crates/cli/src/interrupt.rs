//! Signals that ask to end (Ctrl-C, SIGTERM, SIGHUP): finished trials of a run are kept, and a
//! message says how to continue; programs behind models end, and nothing of them stays.
//!
//! A signal that is ignored when the program starts stays ignored, as `nohup` and shells that
//! start something in the background want it.

use std::{process, thread};

use crate::text;

/// What a program's exit code is when a signal ended it: this plus the signal's number.
pub(crate) const SIGNALLED: i32 = 128;

/// Signals that ask to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signals {
    All,
    /// SIGHUP, for what ends at the others by itself.
    HangUp,
}

/// From now on such a signal prints this message and ends the program. A trial in progress ends
/// too, because its standard input closes.
pub(crate) fn on_signals(message: Vec<String>) {
    on(Signals::All, message);
}

/// From now on such a signal prints this message and ends the program and those that it started.
pub(crate) fn on(signals: Signals, message: Vec<String>) {
    // Nothing else in a run is asynchronous, so the runtime has its own thread. If it cannot
    // start, a signal ends the program without a message.
    let _ = thread::Builder::new().spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else {
            return;
        };
        if let Some(signal) = runtime.block_on(first_signal(signals)) {
            text::clear_bar();
            message.iter().for_each(text::note);
            bakeoff_zoo::end_programs();
            process::exit(SIGNALLED + signal);
        }
    });
}

/// The number of the first signal that asks this program to end; `None` where it cannot wait for
/// any.
#[cfg(unix)]
async fn first_signal(signals: Signals) -> Option<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let ignored = ignored();
    let mut waits = tokio::task::JoinSet::new();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let number = kind.as_raw_value();
        if signals == Signals::HangUp && kind != SignalKind::hangup() {
            continue;
        }
        if ignored & (1 << (number - 1)) == 0
            && let Ok(mut stream) = signal(kind)
        {
            waits.spawn(async move { stream.recv().await.map(|()| number) });
        }
    }
    waits.join_next().await?.ok()?
}

#[cfg(not(unix))]
async fn first_signal(signals: Signals) -> Option<i32> {
    /// SIGINT.
    const INTERRUPT: i32 = 2;
    if signals == Signals::HangUp {
        return None;
    }
    tokio::signal::ctrl_c().await.ok().map(|()| INTERRUPT)
}

/// The signals that this process ignores, a bit for each; none where the system does not say it.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
