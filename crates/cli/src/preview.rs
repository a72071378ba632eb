//! A small image in the characters of a terminal, two rows of pixels to a line.

use std::io::IsTerminal as _;

use bakeoff_core::Images;

use crate::{args::When, text::Drawing};

/// Spaces before each line.
const INDENT: usize = 2;

/// How an image can be shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Preview {
    /// Not at all.
    None,
    /// Half blocks in 24 grey levels.
    Grey,
    /// Half blocks, ink or not.
    Plain,
}

impl Preview {
    /// What suits standard output, where that is asked for.
    pub(crate) fn for_stdout(when: When) -> Self {
        // https://no-color.org: any value that is not empty.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let wanted = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stdout().is_terminal(),
        };
        match (wanted, plain) {
            (false, _) => Self::None,
            (true, false) => Self::Grey,
            (true, true) => Self::Plain,
        }
    }

    /// The first image of a batch; nothing where it is not grey, or wider than the
    /// terminal.
    pub(crate) fn draw(self, images: &Images) -> Drawing {
        let shape = images.shape();
        let columns = terminal_size::terminal_size_of(std::io::stdout())
            .map_or(80, |(width, _)| usize::from(width.0));
        let (Some(pixels), 1, true) = (
            images.get(0),
            shape.channels,
            shape.width + INDENT <= columns,
        ) else {
            return Drawing(String::new());
        };
        Drawing(match self {
            Self::None => String::new(),
            Self::Grey => lines(pixels, shape.width, grey),
            Self::Plain => lines(pixels, shape.width, plain),
        })
    }
}

/// Two rows of pixels on each line.
fn lines(pixels: &[u8], width: usize, draw: fn(u8, u8, bool, &mut String)) -> String {
    let blank = vec![0; width];
    let rows: Vec<&[u8]> = pixels.chunks_exact(width).collect();
    let mut out = String::new();
    for pair in rows.chunks(2) {
        let mut line = " ".repeat(INDENT);
        let lower = pair.get(1).copied().unwrap_or(&blank);
        let mut before = None;
        for (&upper, &lower) in pair[0].iter().zip(lower) {
            let same = before == Some((upper, lower));
            draw(upper, lower, same, &mut line);
            before = Some((upper, lower));
        }
        out += line.trim_end();
        if line.contains('\x1b') {
            out += "\x1b[0m";
        }
        out.push('\n');
    }
    out
}

/// The upper half in the foreground's grey, the lower in the background's: colours 232
/// to 255 of the 256 that terminals know. They stay where the last pixels were the same.
fn grey(upper: u8, lower: u8, same: bool, line: &mut String) {
    let level = |value: u8| 232 + u32::from(value) * 23 / 255;
    if !same {
        let (upper, lower) = (level(upper), level(lower));
        line.push_str(&format!("\x1b[38;5;{upper};48;5;{lower}m"));
    }
    line.push('▀');
}

fn plain(upper: u8, lower: u8, _: bool, line: &mut String) {
    line.push(match (upper > 127, lower > 127) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_share_a_line() {
        let pixels = [255, 0, 255, 255, 0, 0, 255, 255, 0];
        assert_eq!(lines(&pixels, 3, plain), "  █ ▀\n  ▀▀\n");
        let coloured = lines(&pixels[..3], 3, grey);
        assert!(
            coloured.starts_with("  \x1b[38;5;255;48;5;232m▀"),
            "{coloured:?}"
        );
        assert!(coloured.ends_with("▀\x1b[0m\n"), "{coloured:?}");
    }
}
