//! Files in a folder that a program has worked in. It may have made a pipe of a file, a link, or
//! nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Error, ErrorKind},
    path::Path,
};

/// Opens a regular file to read it, and neither follows a link nor waits for the other end of a
/// pipe.
///
/// # Errors
/// Of the system, and where it is no regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if let Ok(flags) = i32::try_from(flags.bits()) {
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
        }
    }
    let not_regular = || Error::new(ErrorKind::InvalidInput, "it is no regular file");
    // An error of the system would name a loop of links.
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(not_regular());
    }
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(not_regular()),
    }
}

/// Refuses what is no folder, or a link to one.
///
/// # Errors
/// Of the system, and that.
pub(crate) fn check_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::NotADirectory, "it is no folder")),
    }
}

/// Why a program in this folder may have failed that is no fault of its own: the disk is full.
#[cfg(unix)]
pub(crate) fn lack_of_space(folder: &Path) -> Option<String> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let blocks = match rustix::process::geteuid().is_root() {
        true => disk.f_bfree,
        false => disk.f_bavail,
    };
    let free = blocks.saturating_mul(disk.f_frsize);
    // Some file systems do not count files.
    let files = (disk.f_files > 0).then_some(disk.f_ffree);
    is_full(free, files).then(|| {
        format!(
            "the disk is full ({} has {free} bytes left)",
            folder.display()
        )
    })
}

#[cfg(not(unix))]
pub(crate) fn lack_of_space(_: &Path) -> Option<String> {
    None
}

/// Whether so many free bytes and files are too little for what programs write.
#[cfg(unix)]
fn is_full(bytes: u64, files: Option<u64>) -> bool {
    bytes < 4 << 20 || files.is_some_and(|files| files < 16)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "x").unwrap();
        symlink("file", at("link")).unwrap();
        symlink("loop", at("loop")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        assert_eq!(io::read_to_string(open(&at("file")).unwrap()).unwrap(), "x");
        for name in ["link", "loop", "folder", "pipe"] {
            let error = open(&at(name)).expect_err(name);
            assert_eq!(error.to_string(), "it is no regular file", "{name}");
        }
        assert_eq!(open(&at("absent")).unwrap_err().kind(), ErrorKind::NotFound);
        check_folder(&at("folder")).unwrap();
        symlink("folder", at("to-folder")).unwrap();
        check_folder(&at("to-folder")).unwrap_err();
    }

    #[test]
    fn a_disk_is_full_before_its_last_byte() {
        assert!(is_full(0, None) && is_full(1 << 20, Some(1000)) && is_full(1 << 40, Some(0)));
        assert!(!is_full(1 << 30, None) && !is_full(1 << 30, Some(1000)));
    }
}
