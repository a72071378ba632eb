//! Names for files and links.

use std::collections::BTreeSet;

/// Hands out names that are safe in files and links, each once.
#[derive(Debug, Default)]
pub(crate) struct Slugs {
    taken: BTreeSet<String>,
}

impl Slugs {
    /// A name made of lower-case letters, digits and dashes that was not handed out before.
    pub(crate) fn new_slug(&mut self, name: &str) -> String {
        let mut slug = String::new();
        for c in name.chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            // File names have a length limit.
            if slug.len() >= 60 {
                break;
            }
        }
        let base = match slug.trim_end_matches('-') {
            "" => "unnamed",
            slug => slug,
        };
        let mut unique = base.to_owned();
        let mut number = 2;
        while !self.taken.insert(unique.clone()) {
            unique = format!("{base}-{number}");
            number += 1;
        }
        unique
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_safe_and_unique() {
        let mut slugs = Slugs::default();
        let given: Vec<String> = ["CNN", "cnn", "../a b", "😀", "<script>", "é"]
            .iter()
            .map(|name| slugs.new_slug(name))
            .collect();
        assert_eq!(
            given,
            ["cnn", "cnn-2", "a-b", "unnamed", "script", "unnamed-2"]
        );
    }
}
