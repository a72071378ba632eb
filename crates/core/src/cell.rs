//! Texts as cells of CSV files that people open in a spreadsheet.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a
//! formula, which can run programs and send data ("CSV injection", OWASP). Such a text gets an
//! apostrophe before it, unless it is a number. One that begins so after apostrophes of its own
//! gets another, so that [`text_of_cell`] gives every text back.

use std::borrow::Cow;

/// Whether a text would be a formula, without the apostrophes before it.
fn is_formula(text: &str) -> bool {
    let rest = text.trim_start_matches('\'');
    rest.starts_with(['=', '+', '-', '@', '\t', '\r'])
        // `-1` is no formula, `'-1` is a text of which the apostrophe is a part.
        && !(rest.len() == text.len() && rest.parse().is_ok_and(f64::is_finite))
}

/// A text as it is written into a cell.
pub fn cell_of_text(text: &str) -> Cow<'_, str> {
    match is_formula(text) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

/// The text that [`cell_of_text`] made a cell of.
pub fn text_of_cell(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_get_an_apostrophe_and_come_back() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("@cmd", "'@cmd"),
            ("-x", "'-x"),
            ("-", "'-"),
            ("+inf", "'+inf"),
            ("\t=1", "'\t=1"),
            ("'=1", "''=1"),
            ("'-1", "''-1"),
            ("-1.5e3", "-1.5e3"),
            ("+7", "+7"),
            ("a=1", "a=1"),
            ("'t", "'t"),
            ("'", "'"),
            ("", ""),
        ] {
            assert_eq!(cell_of_text(text), cell, "{text}");
            assert_eq!(text_of_cell(cell), text, "{cell}");
        }
    }
}
