//! Numbers in a terminal, and writing to it without a panic: the printing macros panic when
//! the stream is closed, so that no crate uses them.

use std::{
    fmt,
    io::{self, Write as _},
};

use bakeoff_measures::{ACCURACY, Measure, format};

/// Prints to standard output; a reader that has gone is an error, not a panic.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes a line to standard error.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    error_stream(&format!("{line}\n"));
}

/// Writes to standard error. A reader that has gone changes nothing of what the program does.
pub(crate) fn error_stream(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Prints a value as one line of JSON.
pub(crate) fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    print(&line)
}

/// Prints what a command tells about its work, which is not what it is for: a reader that has gone,
/// a full disk or a terminal that hung up change nothing of what it does.
pub(crate) fn report(text: &str) {
    let _ = print(text);
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

/// A path for a terminal: control characters, which a file name may hold, are escaped.
pub(crate) fn path(path: &std::path::Path) -> String {
    plain(&path.to_string_lossy())
}

/// A text for a terminal: control characters are escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
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
    fn numbers_have_plain_spaces() {
        assert_eq!(seconds(125.0), "2 min 05 s");
        assert_eq!(seconds(0.001_25), "1.25 ms");
        assert_eq!(bytes(1_500), "1.50 kB");
        assert_eq!(percent(Some(0.98765)), "98.77 %");
    }
}
