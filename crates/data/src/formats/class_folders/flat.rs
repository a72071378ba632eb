//! Folders that are classes themselves, without parts, and those that only seem to be.

use crate::{
    context::Context,
    error::DataError,
    listing::Listing,
    notes::some,
    words::{Role, words},
};

/// Whether the folders are classes: two or more of them have images. A class may be named as a part
/// is (`train`, `bus`), but not all of them.
pub(super) fn is_flat(listing: &Listing) -> bool {
    let with_images = listing.folders().filter(|folder| {
        listing
            .inside(folder)
            .is_ok_and(|inside| has_pictures(&inside, 2))
    });
    with_images.take(2).count() == 2 && !listing.folders().all(|folder| Role::of(folder).is_some())
}

/// Whether a folder is probably meant as a part, though its name is not read as one: `traindata`,
/// `test2`, `fold0`, `tr`.
fn looks_like_a_part(name: &str) -> bool {
    const STARTS: [&str; 7] = ["train", "test", "valid", "eval", "fold", "split", "holdout"];
    const WORDS: [&str; 5] = ["tr", "te", "ts", "va", "dev"];
    let one = |word: &String| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        STARTS.iter().any(|start| word.starts_with(start)) || WORDS.contains(&word)
    };
    words(name).iter().any(one)
}

/// Refuses folders that would be classes if the names of their folders did not say that they are
/// parts, and says where the folders in those of the classes are not told apart.
pub(super) fn check_flat(listing: &Listing, context: &mut Context<'_>) -> Result<(), DataError> {
    let mut inner: Vec<(&str, Vec<String>)> = Vec::new();
    for folder in listing.folders() {
        let folders = listing
            .inside(folder)?
            .folders()
            .map(String::from)
            .collect();
        inner.push((folder, folders));
    }
    inner.retain(|(_, folders)| !folders.is_empty());
    let like_parts: Vec<&str> = inner
        .iter()
        .map(|(folder, _)| *folder)
        .filter(|folder| looks_like_a_part(folder))
        .collect();
    if like_parts.len() > 1 {
        let problem = format!(
            "{} have folders themselves and seem to be parts of the data, not classes: name the folder to train on `train`, the one to test on `test`, and perhaps one `val`",
            some(&like_parts)
        );
        return Err(DataError::invalid(listing.path(), problem));
    }
    let with_parts: Vec<&str> = inner
        .iter()
        .filter(|(_, folders)| folders.iter().any(|folder| Role::of(folder).is_some()))
        .map(|(folder, _)| *folder)
        .collect();
    if let Some(first) = with_parts.first() {
        let problem = format!(
            "the parts are in the folders of the classes ({}): put them outside, as in train/{first}/ and test/{first}/",
            some(&with_parts)
        );
        return Err(DataError::invalid(listing.path(), problem));
    }
    let several = inner.iter().filter(|(_, folders)| folders.len() > 1);
    let several: Vec<String> = several
        .map(|(folder, folders)| format!("{folder}/{{{}}}", some(folders)))
        .collect();
    if !several.is_empty() {
        context.note(format!(
            "the classes are the outer folders; those in them are not told apart: {}",
            some(&several)
        ));
    }
    Ok(())
}

fn has_pictures(listing: &Listing, depth: usize) -> bool {
    listing.files().any(|file| listing.is_picture(file))
        || (depth > 0
            && listing.folders().take(20).any(|folder| {
                listing
                    .inside(folder)
                    .is_ok_and(|inside| has_pictures(&inside, depth - 1))
            }))
}
