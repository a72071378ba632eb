//! From a name or a path to a dataset.

use std::{fs, path::Path};

use bakeoff_core::Dataset;

use crate::{
    builtin::builtins, error::DataError, format::Format, formats::FORMATS, listing::Listing,
};

/// The kinds of folder that [`open`] recognises.
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// Opens a dataset by its built-in name, or by the path of its folder.
///
/// A built-in name comes before a folder of the same name; `./mnist` is the folder.
/// The dataset is named as the built-in, or as the folder.
///
/// # Errors
/// Names the file, the place in it, what was found and what to do; see [`DataError`].
pub fn open(source: &str) -> Result<Dataset, DataError> {
    if let Some(builtin) = builtins().iter().find(|builtin| builtin.name == source) {
        return builtin.open();
    }
    let path = Path::new(source);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        // A word alone is more likely a misspelt name than a path.
        Err(_) if path.components().count() < 2 => return Err(unknown_name(source)),
        Err(problem) => return Err(DataError::unreadable(path)(problem)),
    };
    if !metadata.is_dir() {
        let problem = "this is a file; name the folder that holds the dataset instead";
        return Err(DataError::invalid(path, problem));
    }
    let listing = Listing::new(path)?;
    match FORMATS.iter().find(|format| (format.recognises)(&listing)) {
        Some(format) => (format.open)(&listing),
        None => Err(DataError::Unrecognised {
            path: path.into(),
            contents: listing.contents(),
            expects: expects(),
        }),
    }
}

fn unknown_name(name: &str) -> DataError {
    DataError::UnknownName {
        name: name.into(),
        builtins: builtins().iter().map(|builtin| builtin.name).collect(),
        expects: expects(),
    }
}

/// What the formats expect, as an error lists it.
fn expects() -> String {
    let each: Vec<&str> = FORMATS.iter().map(|format| format.expects).collect();
    each.join("; or ")
}

#[cfg(test)]
mod tests;
