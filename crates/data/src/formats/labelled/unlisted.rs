//! Images of a folder that its tables do not name.

use std::{collections::HashSet, path::PathBuf};

use bakeoff_core::counted;

use super::rows::Row;
use crate::{
    archive::join, context::Context, endings::is_picture, error::DataError, listing::Listing,
    notes::some, words::Role,
};

/// Images are counted this many folders below that of the dataset.
const IMAGE_DEPTH: usize = 6;

/// Counts the images that no table names. They are refused where they lie in folders of parts and
/// classes: those would be a dataset of their own.
pub(super) fn say_unlisted(
    listing: &Listing,
    parts: &[(Role, PathBuf, Vec<Row>)],
    context: &mut Context<'_>,
) -> Result<(), DataError> {
    let rows = parts.iter().flat_map(|(.., rows)| rows);
    let listed: HashSet<&str> = rows.map(|row| row.file.as_str()).collect();
    let mut others = Vec::new();
    images_below(&listing.whole()?, "", IMAGE_DEPTH, &mut others)?;
    others.retain(|file| !listed.contains(file.as_str()));
    if others.is_empty() {
        return Ok(());
    }
    let in_parts = |file: &String| {
        let folders: Vec<&str> = file.split('/').collect();
        folders.len() > 2 && Role::of(folders[0]).is_some()
    };
    let images = counted(others.len() as u64, "image", "images");
    if others.iter().filter(|file| in_parts(file)).count() > listed.len() {
        let table = parts.first().map_or(listing.path(), |(_, path, _)| path);
        let problem = format!(
            "it names {} of the images here, and {images} in folders of parts and classes are not among them, such as {}. Take the table away to read the folders, or name the others in it",
            listed.len(),
            others[0]
        );
        return Err(DataError::invalid(table, problem));
    }
    context.note(format!(
        "{images} that no table names {} left out: {}",
        if others.len() == 1 { "is" } else { "are" },
        some(&others)
    ));
    Ok(())
}

/// The images of a folder and of those in it.
fn images_below(
    listing: &Listing,
    folder: &str,
    depth: usize,
    found: &mut Vec<String>,
) -> Result<(), DataError> {
    found.extend(
        listing
            .files()
            .filter(|file| is_picture(file))
            .map(|file| join(folder, file)),
    );
    if depth > 0 {
        for inner in listing.folders() {
            images_below(
                &listing.inside(inner)?,
                &join(folder, inner),
                depth - 1,
                found,
            )?;
        }
    }
    Ok(())
}
