//! What a program says: all of it is read, and the end is kept.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
    thread,
};

/// Of what a program says, the end is kept.
const KEPT_BYTES: usize = 4096;
/// Of that, lines for a message.
const KEPT_LINES: usize = 5;
/// The stack of a thread that listens. A limit of memory counts it.
pub(crate) const STACK: usize = 256 << 10;

/// The end of what a program said on one stream.
#[derive(Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    fn add(&self, new: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(new);
        let surplus = kept.len().saturating_sub(KEPT_BYTES);
        kept.drain(..surplus);
    }

    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// What a program said.
#[derive(Clone, Default)]
pub(crate) struct Said {
    pub(crate) output: Tail,
    pub(crate) errors: Tail,
}

impl Said {
    /// The last lines of its errors, or of its output where it has no errors, as the end of a
    /// message.
    pub(crate) fn last_lines(&self) -> String {
        let mut said = self.errors.text();
        if said.trim().is_empty() {
            said = self.output.text();
        }
        let lines: Vec<&str> = said
            .lines()
            .map(str::trim_end)
            .filter(|it| !it.is_empty())
            .collect();
        let last = &lines[lines.len().saturating_sub(KEPT_LINES)..];
        match last.is_empty() {
            true => String::new(),
            false => format!("; it said: {}", last.join(" | ")),
        }
    }

    /// Whether the last line of its output is nearly `done`: without its end, or in capitals.
    pub(crate) fn ends_in_half_an_answer(&self) -> bool {
        let text = self.output.text();
        let last = text.lines().next_back().unwrap_or_default().trim();
        last.eq_ignore_ascii_case("done") && (last != "done" || !text.ends_with('\n'))
    }
}

/// Reads all that a program says, so that it never waits for a full pipe. `done` gets a message
/// for each such line.
///
/// # Errors
/// Where the system has no thread left.
pub(crate) fn listen(
    mut pipe: impl Read + Send + 'static,
    tail: Tail,
    done: Option<Sender<()>>,
) -> io::Result<thread::JoinHandle<()>> {
    let work = move || {
        let mut buffer = [0; 8192];
        // The line that has begun, as far as it can be `done`.
        let mut line = Vec::new();
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            let new = &buffer[..count];
            tail.add(new);
            for &byte in new {
                if byte != b'\n' {
                    if line.len() < KEPT_BYTES {
                        line.push(byte);
                    }
                    continue;
                }
                if line.trim_ascii() == b"done"
                    && done.as_ref().is_some_and(|it| it.send(()).is_err())
                {
                    return;
                }
                line.clear();
            }
        }
    };
    thread::Builder::new().stack_size(STACK).spawn(work)
}
