//! Which saved models may run their program.
//!
//! A saved model of this family is code. One that came from elsewhere must not run because it
//! was listed or asked: so a model that is trained is noted, by a hash of all that it consists
//! of, in a file of the user outside of every folder that is copied, and others need consent.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

static ALL_ALLOWED: AtomicBool = AtomicBool::new(false);

/// The hashes of the models that this process trained.
static OWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Lets every saved model run its program, from now until this process ends: the consent of the
/// person who started it.
pub fn allow_commands() {
    ALL_ALLOWED.store(true, Ordering::Relaxed);
}

/// Notes a model that this process trained.
pub(crate) fn note(hash: String) {
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    own.insert(hash);
}

/// Whether the program of a model may run.
pub(crate) fn is_trusted(hash: &str) -> bool {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    ALL_ALLOWED.load(Ordering::Relaxed)
        || own.contains(hash)
        || list_file().is_some_and(|path| holds(&path, hash))
}

fn holds(path: &Path, hash: &str) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line == hash)
}

/// Remembers the models that this process trained and noted, so that later processes of the same
/// user run their programs, too.
///
/// # Errors
/// When the user's list cannot be written; the models then need consent.
pub fn remember_commands() -> io::Result<()> {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    match list_file() {
        Some(path) => remember(&path, &own),
        None if own.is_empty() => Ok(()),
        None => Err(io::Error::other("neither XDG_STATE_HOME nor HOME is set")),
    }
}

fn remember(path: &Path, hashes: &BTreeSet<String>) -> io::Result<()> {
    for hash in hashes.iter().filter(|hash| !holds(path, hash)) {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // In one piece, so that two processes do not mix their lines.
        options
            .open(path)?
            .write_all(format!("{hash}\n").as_bytes())?;
    }
    Ok(())
}

/// The user's list.
fn list_file() -> Option<PathBuf> {
    let folder = |name: &str| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let state = folder("XDG_STATE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".local/state")))
        .or_else(|| folder("LOCALAPPDATA"))?;
    Some(state.join("bakeoff/trusted-commands"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_found_and_written_once() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state/bakeoff/trusted-commands");
        assert!(!holds(&path, "a1"));
        let hashes = BTreeSet::from(["a1".to_owned(), "b2".to_owned()]);
        remember(&path, &hashes).unwrap();
        remember(&path, &hashes).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a1\nb2\n");
        assert!(holds(&path, "a1") && !holds(&path, "a") && !holds(&path, ""));
    }
}
