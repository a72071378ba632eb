//! Lines for a terminal.
//!
//! Names of classes, files, datasets and models come from other people, and so may hold what a
//! terminal obeys. A line can only be made here, where that is escaped; so nobody who writes a
//! table or a sentence has to think of it.

use std::fmt;

use bakeoff_core::one_line;
use bakeoff_measures::format::plain_spaces;

/// Lines for a terminal. Besides the ends of its lines it holds no control character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(String);

impl Lines {
    /// No line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one line, whatever is in it. Its non-breaking spaces become plain ones, so that a
    /// reader can search for `1.44 s`.
    pub fn line(&mut self, line: impl fmt::Display) {
        self.0 += &one_line(&plain_spaces(&line.to_string()));
        self.0.push('\n');
    }

    /// Adds an empty line.
    pub fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Adds other lines.
    pub fn append(&mut self, lines: &Self) {
        self.0 += &lines.0;
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, which ends with a line feed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let mut lines = Lines::new();
        lines.line(format_args!(
            "{} {}",
            "a\u{1b}[31m\nb\t\r", "\u{202e}\u{9b}é\u{a0}s"
        ));
        let shown = "a\\u{1b}[31m\\nb\\t\\r \\u{202e}\\u{9b}é s\n";
        assert_eq!(lines.as_str(), shown);
    }
}
