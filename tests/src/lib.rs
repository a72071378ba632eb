//! What tests of several crates share. The end-to-end tests of bakeoff are in `e2e/`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

pub mod redrawn;
pub mod toy;

/// Every file below a folder by its path there, hidden ones too.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn files_below(folder: &Path) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                found.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(found)
}
