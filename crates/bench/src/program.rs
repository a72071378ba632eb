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

    /// What to start. A look at the path beforehand would not do: its file may be replaced between the
    /// look and the start.
    pub(crate) fn file(&self) -> &Path {
        self.running.unwrap_or(&self.path)
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_file_is_another_one_now_is_started_as_it_runs() {
        let own = Program::running().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bakeoff");
        std::fs::write(&path, "another program").unwrap();
        let replaced = Program {
            path: path.clone(),
            running: own.running,
        };
        assert_eq!(replaced.file(), Path::new("/proc/self/exe"));
        assert_eq!(replaced.path(), path);
        assert_eq!(Program::from(path.clone()).file(), path);
    }
}
