//! The folders that the server reads, and its errors about them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bakeoff_store::files;

use crate::problem::Problem;

/// Makes an error of the operating system one about this file or folder.
pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> Problem {
    let path = path.display().to_string();
    move |error| Problem::internal(format!("{path}: {error}"))
}

/// The folders in a folder, by name, without links out of it; none where it does not exist.
///
/// # Errors
/// When the folder is there and cannot be read.
pub(crate) fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, Problem> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed(folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name
            .filter(|_| path.is_dir() && !(path.is_symlink() && files::leads_out(&path, folder)))
        {
            found.push((name.to_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}
