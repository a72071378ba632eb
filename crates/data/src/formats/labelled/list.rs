//! Lists such as `train.txt`: a file and a label in each line.

use crate::{listing::Listing, words::Role};

/// Whether a file is a list: lines of a file's name and a label.
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
        .is_some_and(|(file, _)| file.contains('.'))
}

/// The file and the label in a line of a list: the label is the last word.
pub(super) fn list_row(line: &str) -> Option<(&str, &str)> {
    let (file, label) = line.rsplit_once([' ', '\t', ','])?;
    let (file, label) = (file.trim_end_matches([' ', '\t', ',']), label.trim());
    (!file.is_empty() && !label.is_empty()).then_some((file, label))
}
