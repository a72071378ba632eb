//! Files that are written completely or not at all.
//!
//! Whatever happens in between (a kill, a full disk), the file has the old content or the
//! new one; what is left of a failed attempt starts with [`TEMPORARY_PREFIX`].
//!
//! A temporary file is locked by the process that writes it, and the lock ends with that process.
//! So whoever cleans up can tell a leftover from the work of another process: what can be locked
//! belongs to nobody. Rejected: the process's number in the name, which says nothing on another
//! machine or after a restart.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use tempfile::{NamedTempFile, TempDir};

/// How the names of unfinished files begin.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

/// Writes `path` completely, replacing what is there.
///
/// # Errors
/// Of the system; the old content is then still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path, &mut |file| file.write_all(bytes))
}

/// [`write_whole`] of what `write` writes, for what should not be in memory as bytes.
///
/// # Errors
/// Of the system and of `write`; the old content is then still there.
pub fn write_whole_with(
    path: &Path,
    write: &mut dyn FnMut(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    keep(temporary_with(folder_of(path), write)?, path)
}

/// Writes `path` completely unless it exists; returns whether it was written.
///
/// # Errors
/// Of the system.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    write_new_with(path, &mut |file| file.write_all(bytes))
}

/// [`write_new`] of what `write` writes.
///
/// # Errors
/// Of the system and of `write`.
pub fn write_new_with(
    path: &Path,
    write: &mut dyn FnMut(&mut File) -> io::Result<()>,
) -> io::Result<bool> {
    let folder = folder_of(path);
    match temporary_with(folder, write)?.persist_noclobber(path) {
        Ok(_) => {
            sync_folder(folder);
            Ok(true)
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Renames a temporary file of the same folder to `path`, flushed to the disk before.
///
/// # Errors
/// Of the system; the old content is then still there.
pub fn keep(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder_of(path));
    Ok(())
}

/// A temporary file in `folder` with what `write` writes, flushed to the disk.
fn temporary_with(
    folder: &Path,
    write: &mut dyn FnMut(&mut File) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    let mut file = temporary(folder)?;
    write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// An empty temporary file in `folder`.
///
/// # Errors
/// Of the system.
pub fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    // Temporary files are private by default; these become files to share, with what
    // the user's umask allows.
    #[cfg(unix)]
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    loop {
        let file = builder.tempfile_in(folder)?;
        if own(file.as_file(), file.path()) {
            return Ok(file);
        }
    }
}

/// Locks a new temporary file or folder for as long as it is open. False if somebody took it for
/// a leftover and removed it in the moment before.
fn own(file: &File, path: &Path) -> bool {
    // Where the file system has no locks, nobody removes what cannot be locked.
    let _ = file.lock();
    path.exists()
}

/// A temporary folder that is removed when it is dropped, and that nobody else takes for a
/// leftover before.
#[derive(Debug)]
pub struct OwnedFolder {
    folder: TempDir,
    /// Open, and so locked. Not every system can open a folder.
    _handle: Option<File>,
}

impl OwnedFolder {
    /// Makes one in `parent`; its name begins with `prefix`.
    ///
    /// # Errors
    /// Of the system.
    pub fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        loop {
            let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
            let handle = File::open(folder.path()).ok();
            if handle.as_ref().is_none_or(|it| own(it, folder.path())) {
                return Ok(Self {
                    folder,
                    _handle: handle,
                });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders in `parent` whose names begin with `prefix` and that killed processes left,
/// with all that is in them; not those that a process owns. One that stays only takes space.
pub fn remove_unowned_folders(parent: &Path, prefix: &str) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(prefix))
            && let Ok(handle) = File::open(entry.path())
            && handle.try_lock().is_ok()
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Makes a rename durable. Not every system can open a folder, and the content is
/// safe already, so a failure is no error.
fn sync_folder(folder: &Path) {
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
}

/// Removes what killed attempts left in `folder`; not what a process is writing.
pub fn remove_temporaries(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_temporary = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(TEMPORARY_PREFIX));
        if is_temporary
            && let Ok(file) = File::options().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Removes files that nothing refers to; one that stays does no harm.
pub(crate) fn remove_where(folder: &Path, unwanted: impl Fn(&str) -> bool) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(&unwanted) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_never_replace_and_whole_files_do() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a");
        assert!(write_new(&path, b"1")?);
        assert!(!write_new(&path, b"2")?);
        assert_eq!(std::fs::read(&path)?, b"1");
        write_whole(&path, b"3")?;
        assert_eq!(std::fs::read(&path)?, b"3");
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn leftovers_go_and_files_stay() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join(".tmp-x"), b"")?;
        std::fs::write(folder.path().join("a"), b"")?;
        remove_temporaries(folder.path());
        assert!(folder.path().join("a").exists());
        assert!(!folder.path().join(".tmp-x").exists());
        Ok(())
    }

    #[test]
    fn what_somebody_writes_is_no_leftover() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let writing = temporary_with(folder.path(), &mut |file| file.write_all(b"half"))?;
        let owned = OwnedFolder::new(folder.path(), ".model-")?;
        remove_temporaries(folder.path());
        remove_unowned_folders(folder.path(), ".model-");
        assert!(writing.path().exists() && owned.path().exists());
        let left = folder.path().join(".model-left");
        std::fs::create_dir(&left)?;
        std::fs::write(left.join("weights"), b"x")?;
        remove_unowned_folders(folder.path(), ".model-");
        assert!(!left.exists());
        writing
            .persist(folder.path().join("a"))
            .map_err(|error| error.error)?;
        drop(owned);
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }
}
