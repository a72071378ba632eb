//! The names of a dataset's classes, where its folder has a file of them.

use std::path::Path;

use crate::{error::DataError, listing::Listing, parts::ClassNames};

/// Class names are optional, one per line, in a file of one of these names.
const CLASS_FILES: [&str; 2] = ["classes.txt", "labels.txt"];

/// A megabyte of class names is 65,536 names of 16 letters.
const MAX_CLASS_FILE_BYTES: u64 = 1 << 20;

/// The names in the folder's own file of them, with its path.
pub(crate) fn find(listing: &Listing) -> Result<Option<ClassNames>, DataError> {
    let Some(file) = listing
        .files()
        .find(|file| CLASS_FILES.contains(&file.to_lowercase().as_str()))
    else {
        return Ok(None);
    };
    let path = listing.path_of(file);
    let bytes = listing.read(file, MAX_CLASS_FILE_BYTES)?;
    if bytes.len() as u64 > MAX_CLASS_FILE_BYTES {
        let problem = format!("more than {MAX_CLASS_FILE_BYTES} bytes of class names");
        return Err(DataError::line(&path, 1, problem));
    }
    let names = read(&path, bytes)?;
    Ok(Some((path, names)))
}

/// One name per line; blank lines at the end do not count.
fn read(path: &Path, bytes: Vec<u8>) -> Result<Vec<String>, DataError> {
    let wrong = |line: usize, problem: String| DataError::line(path, line as u64, problem);
    let text = String::from_utf8(bytes)
        .map_err(|_| wrong(1, "the file is not UTF-8 text: save it as such".into()))?;
    let text = text.trim_start_matches('\u{feff}').trim_end();
    let mut names: Vec<String> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let name = line.trim();
        if name.is_empty() {
            return Err(wrong(index + 1, "a class without a name".into()));
        }
        if let Some(first) = names.iter().position(|known| known == name) {
            let problem = format!("{name:?} is already in line {}", first + 1);
            return Err(wrong(index + 1, problem));
        }
        names.push(name.into());
    }
    if names.len() < 2 {
        let problem = format!(
            "{} class name(s), one per line: a classifier needs two or more",
            names.len()
        );
        return Err(wrong(1, problem));
    }
    Ok(names)
}
