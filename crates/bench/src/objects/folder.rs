//! A folder as a store: a disk that only the machine at its end sees, a mounted bucket, a stick.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use bakeoff_core::StoreError;
use bakeoff_store::{
    atomic::{self, TEMPORARY_PREFIX},
    files,
};

use super::traits::{Objects, Pair};
use crate::error::BenchError;

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.into() }
    }
}

impl Objects for Folder {
    fn names(&self, begin: &str) -> Result<Vec<String>, BenchError> {
        // Names have at most one folder, but for models; what begins so is in the last folder named.
        let above = begin.rsplit_once('/').map_or("", |(above, _)| above);
        let mut names = Vec::new();
        let mut folders = vec![above.to_owned()];
        while let Some(folder) = folders.pop() {
            let path = self.path.join(&folder);
            let entries = match fs::read_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(StoreError::io(&path))?,
            };
            for entry in entries {
                let entry = entry.map_err(StoreError::io(&path))?;
                let file = entry.file_name().to_string_lossy().into_owned();
                let name = match folder.as_str() {
                    "" => file.clone(),
                    folder => format!("{folder}/{file}"),
                };
                if file.starts_with(TEMPORARY_PREFIX) {
                    continue;
                }
                // Not through links: one to a folder above would never end.
                match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    true if name.starts_with(begin) => folders.push(name),
                    false if name.starts_with(begin) => names.push(name),
                    _ => {}
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn fetch(&self, wanted: &[Pair]) -> Result<Vec<bool>, BenchError> {
        let one = |(name, to): &Pair| {
            let from = self.path.join(name);
            // A pipe or a device would be read without an end.
            let mut file = match files::open(&from) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                file => file.map_err(StoreError::io(&from))?,
            };
            make_parent(to)?;
            atomic::write_whole_with(to, &mut |out| io::copy(&mut file, out).map(drop))
                .map_err(StoreError::io(to))?;
            Ok(true)
        };
        wanted.iter().map(one).collect()
    }

    fn create(&self, files: &[Pair]) -> Result<Vec<bool>, BenchError> {
        let one = |(name, from): &Pair| {
            let mut file = File::open(from).map_err(StoreError::io(from))?;
            let to = self.path.join(name);
            make_parent(&to)?;
            let created =
                atomic::write_new_with(&to, &mut |out| io::copy(&mut file, out).map(drop));
            Ok(created.map_err(StoreError::io(&to))?)
        };
        files.iter().map(one).collect()
    }

    fn address(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }
}

/// Makes the folder of a file.
fn make_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(StoreError::io(parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn pipes_and_links_in_circles_are_not_followed() -> Result<(), BenchError> {
        let folder = tempfile::tempdir().map_err(StoreError::io(Path::new("/tmp")))?;
        let at = |name: &str| folder.path().join(name);
        let failed = |_| StoreError::io(Path::new("test"))(io::ErrorKind::Other.into());
        fs::create_dir_all(at("store/models")).map_err(failed)?;
        for name in ["a", "b"] {
            std::os::unix::fs::symlink("..", at("store/models").join(name)).map_err(failed)?;
        }
        let device = at("store/records");
        std::os::unix::fs::symlink("/dev/zero", device).map_err(failed)?;
        let objects: Box<dyn Objects> = Box::new(Folder::new(&at("store")));
        assert_eq!(objects.names("")?, ["models/a", "models/b", "records"]);
        let refused = objects.fetch_one("records", &at("new"));
        assert!(refused.is_err_and(|error| error.to_string().contains("link out of its folder")));
        Ok(())
    }

    #[test]
    fn what_is_created_stays_and_can_be_listed_and_fetched() -> Result<(), BenchError> {
        let folder = tempfile::tempdir().map_err(StoreError::io(Path::new("/tmp")))?;
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| {
            fs::write(at(name), text).map_err(StoreError::io(Path::new("test")))
        };
        let objects: Box<dyn Objects> = Box::new(Folder::new(&at("store")));
        assert_eq!(objects.names("records/")?, Vec::<String>::new());
        assert!(!objects.fetch_one("a", &at("nothing"))?);
        write("one", "1")?;
        write("two", "2")?;
        assert!(objects.create_one("records/a.json", &at("one"))?);
        assert!(!objects.create_one("records/a.json", &at("two"))?);
        assert!(objects.create_one("records/ab", &at("two"))?);
        assert!(objects.create_one("models/x/m", &at("two"))?);
        // What a killed attempt left half-written.
        write("store/records/.tmp-1", "")?;
        assert_eq!(
            objects.names("records/a")?,
            ["records/a.json", "records/ab"]
        );
        assert_eq!(objects.names("models/")?, ["models/x/m"]);
        assert_eq!(objects.names("")?.len(), 3);
        assert!(objects.fetch_one("records/a.json", &at("new/file"))?);
        assert_eq!(fs::read(at("new/file")).ok().as_deref(), Some(&b"1"[..]));
        Ok(())
    }
}
