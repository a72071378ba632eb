//! The files that a program leaves as its model.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{files::is_own_name, left::check_folder};

/// The most files of a model, far more than any library writes.
const MOST_FILES: usize = 10_000;
/// The most megabytes of all of them.
const MOST_MEGABYTES: u64 = 10_000;

/// A file of a model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ModelFile {
    /// Its name below `model/`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// Whether its owner may run it.
    pub(crate) is_executable: bool,
}

/// Where a model lies in the folder of a program.
pub(crate) fn model_folder(folder: &Path) -> PathBuf {
    folder.join("model")
}

/// Every file that a program left as its model, sorted by name.
///
/// # Errors
/// What is there besides files and folders, has a name that cannot be stored, or is too much.
pub(crate) fn model_files(folder: &Path) -> Result<Vec<ModelFile>, String> {
    let model = model_folder(folder);
    check_folder(&model).map_err(|error| format!("FOLDER/model cannot be read: {error}"))?;
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), model)];
    while let Some((prefix, folder)) = folders.pop() {
        let bad = |error: io::Error| format!("model/{}: {error}", prefix.escape_debug());
        for entry in fs::read_dir(&folder).map_err(bad)? {
            let entry = entry.map_err(bad)?;
            let file_name = entry.file_name();
            let shown = file_name.to_string_lossy();
            let name = format!("{prefix}{shown}");
            if file_name.to_str().is_none() || !is_own_name(&name) {
                let name = name.escape_debug();
                return Err(format!("model/{name} has a name that other systems lack"));
            }
            // Of a link itself.
            let about = entry.metadata().map_err(bad)?;
            if about.is_dir() {
                folders.push((format!("{name}/"), entry.path()));
            } else if about.is_file() {
                found.push(ModelFile {
                    name,
                    path: entry.path(),
                    bytes: about.len(),
                    is_executable: is_executable(&about),
                });
            } else {
                return Err(format!("model/{name} is no regular file"));
            }
            if found.len() > MOST_FILES {
                return Err(format!("model/ holds more than {MOST_FILES} files"));
            }
        }
    }
    if let Some(why) = size_refused(found.iter().map(|file| file.bytes)) {
        return Err(why);
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(found)
}

/// Why the model in a folder of a program that may still write it is too large, if it is.
pub(crate) fn too_large(folder: &Path) -> Option<String> {
    let mut sizes = Vec::new();
    let mut folders = vec![model_folder(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => sizes.push(about.len()),
                Err(_) => {}
            }
        }
    }
    size_refused(sizes.into_iter())
}

fn size_refused(sizes: impl Iterator<Item = u64>) -> Option<String> {
    let megabytes = sizes.fold(0, u64::saturating_add) / 1_000_000;
    (megabytes > MOST_MEGABYTES).then(|| {
        format!(
            "model/ holds {megabytes} MB of files, more than the {MOST_MEGABYTES} MB that a saved \
             model may have"
        )
    })
}

#[cfg(unix)]
fn is_executable(about: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}
