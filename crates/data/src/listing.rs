//! What is in a folder, and how a missing file is reported.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::DataError;

/// The names in a folder, read once. What is not UTF-8 in a name is replaced, so that a
/// file of such a name can be listed but not opened.
#[derive(Debug)]
pub(crate) struct Listing {
    path: PathBuf,
    files: Vec<String>,
    folders: Vec<String>,
}

impl Listing {
    pub(crate) fn new(path: &Path) -> Result<Self, DataError> {
        let unreadable = DataError::unreadable(path);
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(path).map_err(&unreadable)? {
            let entry = entry.map_err(&unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Follows links: a link to a data file is as good as the file.
            if entry.path().is_dir() {
                folders.push(name);
            } else {
                files.push(name);
            }
        }
        files.sort_unstable();
        folders.sort_unstable();
        Ok(Self {
            path: path.into(),
            files,
            folders,
        })
    }

    /// The folder, as it was named.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the files in it, sorted.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The names of the folders in it, sorted.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    /// The folder's own name, also where the path is `.` or ends in `..`.
    pub(crate) fn name(&self) -> String {
        let named = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
        named(&self.path)
            .or_else(|| named(&fs::canonicalize(&self.path).ok()?))
            .unwrap_or_else(|| "dataset".into())
    }

    /// What is there, for an error message: the first twelve names, then a count.
    pub(crate) fn contents(&self) -> String {
        const SHOWN: usize = 12;
        let folders = self.folders.iter().map(|name| format!("{name}/"));
        let names: Vec<String> = self.files.iter().cloned().chain(folders).collect();
        match names.len() {
            0 => "nothing".into(),
            count if count <= SHOWN => names.join(", "),
            count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        }
    }

    /// That some of the files of a dataset are not there.
    pub(crate) fn missing(&self, files: &str) -> DataError {
        DataError::invalid(
            &self.path,
            format!(
                "{files} not found (gzip, with or without .gz, works too). The folder holds {}",
                self.contents()
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_that_is_the_current_one_has_a_name() {
        let here = Listing::new(Path::new(".")).unwrap();
        let expected = std::env::current_dir().unwrap();
        assert_eq!(
            Some(here.name().as_str()),
            expected.file_name().and_then(|n| n.to_str())
        );
    }
}
