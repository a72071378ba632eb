//! Reading files of folders that others may have filled: of models, runs and reports.
//!
//! Such a folder may come from an archive or a shared disk. Opening a named pipe in it waits for a
//! writer that never comes, and a link can lead to any file of the person who runs bakeoff. So a
//! file there is a regular file, or a link to one within its folder.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _},
    path::Path,
};

use bakeoff_core::StoreError;

/// Opens a file to read it.
///
/// # Errors
/// When it cannot be opened, or is a link out of its folder, a named pipe, a socket, a device or a
/// folder.
pub fn open(path: &Path) -> io::Result<File> {
    check(path)?;
    File::open(path)
}

/// All bytes of a file.
///
/// # Errors
/// As of [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// All bytes of a file of no more than `most` MiB: of one that should be small, and may be anything.
///
/// # Errors
/// [`StoreError::Damaged`] where it is larger, and as of [`open`].
pub fn read_small(path: &Path, most: u64) -> Result<Vec<u8>, StoreError> {
    let limit = most << 20;
    let mut bytes = Vec::new();
    open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(StoreError::io(path))?;
    if bytes.len() as u64 > limit {
        let problem = format!("it is larger than {most} MiB, the most that is read");
        return Err(StoreError::damaged(path, problem));
    }
    Ok(bytes)
}

/// All text of a file.
///
/// # Errors
/// As of [`open`], and when it is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Refuses what [`open`] refuses, where there is something. For files that are opened to write.
///
/// # Errors
/// As of [`open`].
pub fn check_if_there(path: &Path) -> io::Result<()> {
    match check(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => Ok(()),
        checked => checked,
    }
}

fn check(path: &Path) -> io::Result<()> {
    let mut kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_symlink() {
        if leads_out(path, path.parent().unwrap_or(Path::new(""))) {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "it is a link out of its folder: copy the file there instead",
            ));
        }
        kind = fs::metadata(path)?.file_type();
    }
    match kind.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        )),
    }
}

/// Whether a path within `folder` leads out of it by a link, or to nothing.
pub fn leads_out(path: &Path, folder: &Path) -> bool {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let found = fs::canonicalize(path).and_then(|path| Ok((path, fs::canonicalize(folder)?)));
    found.map_or(true, |(path, folder)| !path.starts_with(folder))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    #[test]
    fn only_regular_files_within_the_folder_are_read() {
        let outside = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(outside.path().join("secret"), "secret").unwrap();
        fs::write(at("plain"), "text").unwrap();
        symlink("plain", at("link")).unwrap();
        symlink(outside.path().join("secret"), at("out")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        symlink("nowhere", at("broken")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(made.unwrap().success());
        for name in ["plain", "link"] {
            assert_eq!(read(&at(name)).unwrap(), b"text");
            assert_eq!(read_to_string(&at(name)).unwrap(), "text");
            check_if_there(&at(name)).unwrap();
        }
        for name in ["out", "endless", "broken", "socket", "pipe", "."] {
            open(&at(name)).expect_err(name);
            check_if_there(&at(name)).expect_err(name);
        }
        let missing = open(&at("missing")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        check_if_there(&at("missing")).unwrap();
    }

    #[test]
    fn what_should_be_small_is_read_to_its_limit_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        fs::write(&path, "{}").unwrap();
        assert_eq!(read_small(&path, 1).unwrap(), b"{}");
        // It takes no room on the disk.
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(1 << 32).unwrap();
        let error = read_small(&path, 1).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("larger than 1 MiB"), "{error}");
    }
}
