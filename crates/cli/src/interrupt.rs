//! Ctrl-C during a run: what is done is kept, and the person is told how to go on.

use std::{io::IsTerminal as _, process, thread};

/// What shells give a program that was interrupted: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// From now on Ctrl-C ends the program with these words. A trial in progress ends with
/// it, because its standard input closes.
pub(crate) fn tell(words: String) {
    // Nothing else of a run is asynchronous, so that the runtime lives in a thread of its
    // own. Without one Ctrl-C ends the program as ever, in silence.
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
                eprint!("\r\u{1b}[2K");
            }
            eprintln!("{words}");
            process::exit(INTERRUPTED);
        }
    });
}
