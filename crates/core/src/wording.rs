//! Words that several errors share, and names in addresses.

use std::any::Any;

/// The name that `word` is probably a misspelling of, if one is similar.
pub fn nearest_name(
    word: &str,
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> Option<String> {
    let word = word.to_lowercase();
    names
        .into_iter()
        .map(|name| name.as_ref().to_owned())
        .map(|name| (strsim::damerau_levenshtein(&word, &name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min()
        .map(|(_, name)| name)
}

/// ` (did you mean `x`?)`, or nothing where no name is similar to `word`.
pub fn did_you_mean(word: &str, names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    nearest_name(word, names)
        .map(|name| format!(" (did you mean `{name}`?)"))
        .unwrap_or_default()
}

/// `12,345`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 error`, `2 errors`.
pub fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// Names that a sentence can have.
const MOST_LISTED: usize = 100;

/// Names in a sentence: `a, b and c`. Of very many, which a file may hold, the first ones and their number.
pub fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown = names.iter().take(MOST_LISTED);
    let shown: Vec<&str> = shown.map(AsRef::as_ref).collect();
    match shown.as_slice() {
        shown if shown.len() < names.len() => {
            let more = names.len() - shown.len();
            format!("{} and {} more", shown.join(", "), count(more as u64))
        }
        [] => String::new(),
        [only] => (*only).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A word of a command, quoted for a shell if needed.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:+,@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A name as one segment of a path in an address.
pub fn percent_encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// A text as a part of one line for a terminal. What could be a command to the terminal (control
/// characters), begin another line, or change the direction of the text around it (U+202E and its
/// like, "Trojan Source", CVE-2021-42574) is escaped as Rust writes it: `\u{1b}`.
pub fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_plain(c) {
            true => shown.push(c),
            false => shown.extend(c.escape_default()),
        }
    }
    shown
}

/// Whether [`one_line`] leaves a character as it is.
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The message of a caught panic.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_a_hundred_names_at_most() {
        let names: Vec<String> = (0..100_001).map(|at| at.to_string()).collect();
        assert_eq!(list(&names[..3]), "0, 1 and 2");
        assert!(list(&names[..100]).ends_with("98 and 99"));
        assert!(list(&names).ends_with("98, 99 and 99,901 more"));
    }

    #[test]
    fn only_a_name_that_comes_close_is_suggested() {
        let hint = |word| did_you_mean(word, ["shift", "rotate"]);
        assert_eq!(hint("rotat"), " (did you mean `rotate`?)");
        assert_eq!(hint("Rotate"), " (did you mean `rotate`?)");
        assert_eq!(hint("x"), "");
    }

    #[test]
    fn words_of_a_command_are_quoted_where_a_shell_would_read_them_otherwise() {
        assert_eq!(quoted("runs/a-b_1.2"), "runs/a-b_1.2");
        assert_eq!(quoted("my runs"), "'my runs'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_panic_is_quoted_whatever_it_holds() {
        assert_eq!(panic_text(&"a"), "a");
        assert_eq!(panic_text(&String::from("b")), "b");
        assert_eq!(panic_text(&3), "a panic without a message");
    }
}
