//! Numbers in a terminal, and all that is written to it.
//!
//! Everything that people read goes through here as [`Lines`] or as one line, in which nothing is
//! left that a terminal obeys: names come from other people's files. What programs read is exact
//! ([`print_json`], [`print_exact`]). The printing macros panic when the stream is closed, so that
//! no crate uses them.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt,
    io::{self, IsTerminal as _, Write as _},
    panic::PanicHookInfo,
};

use anyhow::Context as _;
use bakeoff_core::{is_plain, one_line, panic_text};
use bakeoff_measures::{ACCURACY, Measure, format};
use bakeoff_report::terminal::Lines;

/// Prints to standard output; a reader that has gone is an error, not a panic.
pub(crate) fn print(lines: &Lines) -> anyhow::Result<()> {
    write_out(lines.as_str().as_bytes())
}

/// [`print`] of one line.
pub(crate) fn print_line(line: impl fmt::Display) -> anyhow::Result<()> {
    let mut lines = Lines::new();
    lines.line(line);
    print(&lines)
}

/// An image in characters, with the only colours that are printed: made by `preview` alone.
pub(crate) struct Drawing(pub(crate) String);

/// Prints an image in characters, with colours.
pub(crate) fn draw(drawing: &Drawing) -> anyhow::Result<()> {
    write_out(drawing.0.as_bytes())
}

/// Prints what is for a program, byte for byte; where a terminal shows it, as lines for people.
pub(crate) fn print_exact(bytes: &[u8]) -> anyhow::Result<()> {
    if !io::stdout().is_terminal() {
        return write_out(bytes);
    }
    let mut lines = Lines::new();
    String::from_utf8_lossy(bytes)
        .lines()
        .for_each(|line| lines.line(line));
    print(&lines)
}

fn write_out(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .context("standard output")
}

/// Writes a line to standard error.
pub(crate) fn note(line: impl fmt::Display) {
    write_error(&one_line(&line.to_string()));
}

/// Writes an error to standard error. What it lists stands on lines of its own, which begin with
/// two spaces: no other line break is one of ours.
pub(crate) fn error(error: impl fmt::Display) {
    const BREAK: &str = "\n  ";
    let error = error.to_string();
    let lines: Vec<String> = error.split(BREAK).map(one_line).collect();
    write_error(&lines.join(BREAK));
}

/// Says that a thread panicked, as the standard library does, in one line.
pub(crate) fn panicked(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    note(format_args!(
        "panicked at {}: {}",
        place.unwrap_or_default(),
        panic_text(panic.payload())
    ));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        backtrace.to_string().lines().for_each(note);
    }
}

/// A reader that has gone changes nothing of what the program does.
fn write_error(text: &str) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Clears what is left of a progress bar, and the `^C` on it.
pub(crate) fn clear_bar() {
    if io::stderr().is_terminal() {
        let _ = io::stderr().write_all(b"\r\x1b[2K");
    }
}

/// Prints a value as one line of JSON. What JSON itself does not escape and a terminal would obey
/// stands in its strings only, and has an escape there: what is read is exact.
pub(crate) fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    write_out(json_line(&serde_json::to_string(value)?).as_bytes())
}

fn json_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match is_plain(c) {
            true => line.push(c),
            // None of them lies beyond 16 bits.
            false => line += &format!("\\u{:04x}", u32::from(c)),
        }
    }
    line.push('\n');
    line
}

/// Prints what a command tells about its work, which is not what it is for: a reader that has gone,
/// a full disk or a terminal that hung up change nothing of what it does.
pub(crate) fn report(lines: &Lines) {
    let _ = print(lines);
}

/// [`report`] of one line.
pub(crate) fn report_line(line: impl fmt::Display) {
    let _ = print_line(line);
}

/// [`report`] of a value, as one line of JSON.
pub(crate) fn report_json<T: serde::Serialize>(value: &T) {
    let _ = print_json(value);
}

/// Whether an error is only that the reader of our output has gone.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// An error with its causes, each of which many libraries repeat in their own words:
/// one that has been said already is left out.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text += ": ";
        }
        text += &cause;
    }
    text
}

/// A share as a percentage with two decimals, or a dash.
pub(crate) fn percent(share: Option<f64>) -> String {
    accuracy(share, usize::MAX)
}

/// The accuracy on so many samples, which decide its digits, or a dash.
pub(crate) fn accuracy(share: Option<f64>, samples: usize) -> String {
    measure(&ACCURACY, share, samples)
}

/// A measure as every view writes it, or a dash.
pub(crate) fn measure(measure: &Measure, value: Option<f64>, samples: usize) -> String {
    format::plain_spaces(&measure.write_or_dash(value, samples))
}

/// Seconds with a unit that suits their size.
pub(crate) fn seconds(value: f64) -> String {
    format::plain_spaces(&format::seconds(value))
}

/// Bytes with a unit that suits their size.
pub(crate) fn bytes(value: u64) -> String {
    format::plain_spaces(&format::bytes(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_said_once() {
        let error = anyhow::anyhow!("b").context("a: b").context("c");
        assert_eq!(chain(&error), "c: a: b");
    }

    #[test]
    fn json_is_exact_and_harmless() {
        let value = "a\u{1b}\u{9b}\u{202e}\u{7f}é";
        let line = json_line(&serde_json::to_string(value).unwrap());
        assert_eq!(line, "\"a\\u001b\\u009b\\u202e\\u007fé\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), value);
    }

    #[test]
    fn numbers_have_plain_spaces() {
        assert_eq!(seconds(125.0), "2 min 05 s");
        assert_eq!(seconds(0.001_25), "1.25 ms");
        assert_eq!(bytes(1_500), "1.50 kB");
        assert_eq!(percent(Some(0.98765)), "98.77 %");
    }
}
