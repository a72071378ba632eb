//! The program that trials run in.

use std::{
    io,
    path::{Path, PathBuf},
};

/// A `bakeoff` that is started for each trial.
///
/// It is this program, also where its file was replaced (a build, an upgrade) or removed meanwhile:
/// trials of one run come from one program. Linux only; elsewhere it is whatever is at the path.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// What the system starts this program again by; `None` where the program is another one.
    running: Option<&'static Path>,
}

impl Program {
    /// The program that is running.
    ///
    /// # Errors
    /// When the system does not say where it is.
    pub fn running() -> io::Result<Self> {
        let running = Path::new("/proc/self/exe");
        Ok(Self {
            path: std::env::current_exe()?,
            running: running.exists().then_some(running),
        })
    }

    /// Where it is, or was at the start.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to start. The path wherever it still leads to this program, because lists of processes
    /// show its name.
    pub(crate) fn file(&self) -> &Path {
        match self.running {
            Some(running) if !is_same_file(&self.path, running) => running,
            _ => &self.path,
        }
    }
}

impl From<PathBuf> for Program {
    /// A program of that path, whatever is there.
    fn from(path: PathBuf) -> Self {
        Self {
            path,
            running: None,
        }
    }
}

#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| std::fs::metadata(path).map(|it| (it.dev(), it.ino()));
    matches!((id(a), id(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> bool {
    true
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_file_is_another_one_now_is_started_as_it_runs() {
        let own = Program::running().unwrap();
        assert_eq!(own.file(), own.path());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bakeoff");
        let of = |path: PathBuf| Program {
            path,
            running: own.running,
        };
        // Removed, replaced, and another link to the same file.
        assert_eq!(of(path.clone()).file(), Path::new("/proc/self/exe"));
        std::fs::write(&path, "another program").unwrap();
        assert_eq!(of(path.clone()).file(), Path::new("/proc/self/exe"));
        assert_eq!(Program::from(path.clone()).file(), path);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(own.path(), &path).unwrap();
        assert_eq!(of(path.clone()).file(), path);
    }
}
