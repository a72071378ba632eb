//! Datasets that are downloaded once, by name, and then opened by that name like a built-in one.
//!
//! A download is checked by the checksums that are stated here, so that it does not matter who
//! serves it; what is half-way is continued. Files are fetched by the program `curl`, which every
//! common system has: it knows the system's certificates and proxies (docs/decisions/downloads.md).

mod error;
mod fetch;
mod remote;
mod table;
mod unpack;

use std::{
    env,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

pub use self::{
    error::DownloadError,
    remote::{Download, DownloadProgress},
};
use self::{fetch::fetch, remote::Remote, table::DOWNLOADS};

/// The datasets that can be downloaded.
pub fn downloads() -> &'static [Download] {
    DOWNLOADS
}

/// Whether a dataset is opened by this name rather than as a path: it is built in or downloaded.
pub fn is_name(source: &str) -> bool {
    let builtin = || crate::builtins().iter().any(|it| it.name == source);
    builtin() || downloaded(source).is_some()
}

/// A source of data that means the same in every folder: built-in names stay, and paths are made
/// absolute.
pub fn absolute(source: &str) -> String {
    if is_name(source) {
        return source.into();
    }
    std::path::absolute(source).map_or_else(
        |_| source.into(),
        |path| path.to_string_lossy().into_owned(),
    )
}

/// The folder of a downloaded dataset.
pub(crate) fn downloaded(name: &str) -> Option<PathBuf> {
    let download = DOWNLOADS.iter().find(|download| download.name == name)?;
    download.folder().ok().filter(|folder| folder.is_dir())
}

/// The folder of downloaded datasets: `$BAKEOFF_DATA`, or where the system keeps the data of
/// programs (`~/.local/share/bakeoff`).
fn root() -> Result<PathBuf, DownloadError> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let home = |below: &str| set("HOME").map(|home| Path::new(&home).join(below));
    let chosen = || set("BAKEOFF_DATA").map(PathBuf::from);
    let of_system = || {
        let parent = if cfg!(windows) {
            set("LOCALAPPDATA").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            home("Library/Application Support")
        } else {
            let data = set("XDG_DATA_HOME").map(PathBuf::from);
            data.or_else(|| home(".local/share"))
        };
        parent.map(|parent| parent.join("bakeoff"))
    };
    chosen().or_else(of_system).ok_or(DownloadError::NoFolder)
}

impl Download {
    /// Where it is, or will be.
    ///
    /// # Errors
    /// When the system names no folder for data.
    pub fn folder(&self) -> Result<PathBuf, DownloadError> {
        Ok(root()?.join(self.name))
    }

    /// The size of all its files, as far as they are known.
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The addresses of its files.
    pub fn addresses(&self, from: Option<&str>) -> Vec<String> {
        let base = from.unwrap_or(self.base).trim_end_matches('/');
        let address = |file: &Remote| format!("{base}/{}", file.name);
        self.files.iter().map(address).collect()
    }

    /// Downloads it, or goes on where an earlier download stopped; `from` is the address of a
    /// folder that serves the same files. Does nothing where it is there already.
    ///
    /// # Errors
    /// When it cannot be downloaded, is not what it is known to be, or the disk refuses.
    pub fn get(
        &self,
        from: Option<&str>,
        on_progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<PathBuf, DownloadError> {
        self.get_into(&root()?, Path::new("curl"), from, on_progress)
    }

    fn get_into(
        &self,
        root: &Path,
        curl: &Path,
        from: Option<&str>,
        on_progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<PathBuf, DownloadError> {
        let folder = root.join(self.name);
        if folder.is_dir() {
            return Ok(folder);
        }
        // Everything is brought about in a folder of its own and shown at its end.
        let staging = root.join(format!(".{}.part", self.name));
        fs::create_dir_all(&staging).map_err(DownloadError::io(&staging))?;
        let lock_path = root.join(format!(".{}.lock", self.name));
        let lock = File::create(&lock_path).map_err(DownloadError::io(&lock_path))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(DownloadError::Running(self.name)),
            // A file system without locks has no second download to fear more than the first.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let ready = staging.join("ready");
        fs::create_dir_all(&ready).map_err(DownloadError::io(&ready))?;
        for (file, address) in self.files.iter().zip(self.addresses(from)) {
            let packed = staging.join(file.name);
            if !file.is_whole(&packed)? {
                fetch(curl, &address, file, &packed, on_progress).map_err(|error| {
                    error.with_way_around(&folder, self.addresses(from), &file.keep)
                })?;
            }
            unpack::keep(&packed, file, &ready)?;
        }
        if !self.classes.is_empty() {
            let path = ready.join("classes.txt");
            fs::write(&path, self.classes.join("\n") + "\n").map_err(DownloadError::io(&path))?;
        }
        // Another process may have been as quick; its files are the same.
        if !folder.is_dir() {
            fs::rename(&ready, &folder).map_err(DownloadError::io(&folder))?;
        }
        fs::remove_dir_all(&staging).map_err(DownloadError::io(&staging))?;
        drop(lock);
        Ok(folder)
    }
}

#[cfg(test)]
mod tests;
