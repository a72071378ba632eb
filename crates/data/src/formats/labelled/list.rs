//! Lists such as `train.txt`: in each line a file and a label, or a file in the folder of its class.

use crate::{listing::Listing, words::Role};

/// Whether a file is a list.
pub(super) fn is_list(listing: &Listing, file: &str) -> bool {
    if !file.to_lowercase().ends_with(".txt") || Role::of(file).is_none() {
        return false;
    }
    let head = listing.head(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .next()
        .and_then(list_row)
        .is_some_and(|(file, _)| file.contains(['.', '/']))
}

/// The file and the label in a line of a list: the label is the last word; of a path alone it is the
/// folder of the file.
pub(super) fn list_row(line: &str) -> Option<(&str, &str)> {
    let Some((file, label)) = line.rsplit_once([' ', '\t', ',']) else {
        let (folder, name) = line.rsplit_once('/')?;
        let label = folder.rsplit('/').next()?;
        return (!name.is_empty() && !label.is_empty()).then_some((line, label));
    };
    let (file, label) = (file.trim_end_matches([' ', '\t', ',']), label.trim());
    (!file.is_empty() && !label.is_empty()).then_some((file, label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_file_and_a_label_or_a_folder_that_is_the_label() {
        for (line, row) in [
            ("a/1.png 3", Some(("a/1.png", "3"))),
            ("a b.png,\tcat", Some(("a b.png", "cat"))),
            ("cat/1.png", Some(("cat/1.png", "cat"))),
            ("images/cat/1", Some(("images/cat/1", "cat"))),
            ("1.png", None),
            ("cat/", None),
            ("/1.png", None),
        ] {
            assert_eq!(list_row(line), row, "{line}");
        }
    }
}
