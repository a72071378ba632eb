//! Ctrl-C during a run: finished trials are kept, and a message says how to continue.

use std::{io::IsTerminal as _, process, thread};

use crate::text;

/// The exit code of an interrupted program: 128 plus the signal's number.
const INTERRUPTED: i32 = 130;

/// From now on Ctrl-C prints this message and ends the program. A trial in progress ends
/// too, because its standard input closes.
pub(crate) fn on_ctrl_c(message: String) {
    // Nothing else in a run is asynchronous, so the runtime has its own thread. If it cannot
    // start, Ctrl-C ends the program without a message.
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let interrupted = runtime.is_ok_and(|runtime| {
            runtime
                .block_on(async { tokio::signal::ctrl_c().await })
                .is_ok()
        });
        if interrupted {
            if std::io::stderr().is_terminal() {
                // What is left of a progress bar, and the `^C` on it.
                text::error_stream("\r\u{1b}[2K");
            }
            text::note(format_args!("{message}"));
            process::exit(INTERRUPTED);
        }
    });
}
