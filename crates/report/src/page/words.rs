//! Sentences.

use std::fmt::Display;

use askama::{Template, filters::HtmlSafe};

/// Stand before and after bold words. They are for private use: no name needs them.
const MARKS: [char; 2] = ['\u{E000}', '\u{E001}'];

/// Words of a sentence in bold.
pub(crate) fn bold(words: impl Display) -> String {
    format!("{}{words}{}", MARKS[0], MARKS[1])
}

/// Sentences with some words in [`bold`].
#[derive(Clone, Debug, Default, PartialEq, Template)]
#[template(
    source = "{% for (bold, text) in self.parts() %}{% if bold %}<strong>{{ text }}</strong>\
              {% else %}{{ text }}{% endif %}{% endfor %}",
    ext = "html"
)]
pub(crate) struct Words(String);

impl HtmlSafe for Words {}

impl<T: Into<String>> From<T> for Words {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl Words {
    fn parts(&self) -> Vec<(bool, &str)> {
        let mut pieces = self.0.split(MARKS[0]);
        let mut parts = vec![(false, pieces.next().unwrap_or_default())];
        for piece in pieces {
            let (bold, plain) = piece.split_once(MARKS[1]).unwrap_or((piece, ""));
            parts.extend([(true, bold), (false, plain)]);
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped() {
        let html = Words::from(format!("{} & more", bold("<b>"))).to_string();
        assert_eq!(html, "<strong>&#60;b&#62;</strong> &#38; more");
    }

    #[test]
    fn marks_in_names_cannot_break_the_page() {
        let html = Words::from(format!("a{}b {} c", MARKS[0], bold("d"))).to_string();
        assert_eq!(html, "a<strong>b </strong><strong>d</strong> c");
    }
}
