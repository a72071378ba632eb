//! How text looks in a chart, and how much space it takes.
//!
//! Nothing here can measure text exactly: the reader's font is not known. Widths are
//! estimated by characters, on the large side.

use super::theme::{self, Colour};

/// Size of the names of values on an axis.
pub(crate) const TICK_SIZE: f64 = 11.5;
/// Size of the titles of axes, and of labels in the plot.
pub(crate) const LABEL_SIZE: f64 = 12.0;

/// Which end of a text lies on its point.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextStyle {
    /// Pixels.
    pub(crate) size: f64,
    pub(crate) colour: Colour,
    pub(crate) anchor: Anchor,
    pub(crate) bold: bool,
    /// Turned by 90°, to be read from the bottom to the top.
    pub(crate) rotated: bool,
}

impl TextStyle {
    /// Plain text of this size and colour that starts at its point.
    pub(crate) const fn new(size: f64, colour: Colour) -> Self {
        Self {
            size,
            colour,
            anchor: Anchor::Start,
            bold: false,
            rotated: false,
        }
    }

    /// For titles of axes and labels in the plot.
    pub(crate) const fn label() -> Self {
        Self::new(LABEL_SIZE, theme::INK)
    }

    /// For the names of values on an axis.
    pub(crate) const fn tick() -> Self {
        Self::new(TICK_SIZE, theme::MUTED)
    }

    pub(crate) const fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(crate) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(crate) const fn rotated(self) -> Self {
        Self {
            rotated: true,
            ..self
        }
    }
}

/// The width of text in pixels, estimated on the large side by its characters.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    size * text.chars().map(ems).sum::<f64>()
}

/// The width of a character, in units of the size of the text.
fn ems(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '\u{A0}' => 0.35,
        'm' | 'M' | 'W' | '%' | '@' | '…' => 1.0,
        'w' | '<' | '=' | '>' | '+' | '~' | '#' => 0.84,
        'A'..='Z' => 0.72,
        '\0'..='\u{2FF}' => 0.62,
        '\u{300}'..='\u{36F}' | '\u{200B}'..='\u{200F}' | '\u{FE00}'..='\u{FE0F}' => 0.0,
        '\u{370}'..='\u{10FF}' | '\u{2010}'..='\u{205F}' => 0.65,
        // Wide scripts, symbols and emoji.
        _ => 1.25,
    }
}

/// The width of the widest of several texts; 0 of none.
pub(crate) fn widest(texts: &[String], size: f64) -> f64 {
    let widths = texts.iter().map(|text| text_width(text, size));
    widths.fold(0.0, f64::max)
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub(crate) fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if text_width(&kept, size) + size > width {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}
