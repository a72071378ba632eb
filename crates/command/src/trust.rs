//! Which saved models may run their program.
//!
//! A saved model of this family is code. One that came from elsewhere must not run because it
//! was listed or asked: so a model that is trained is noted, by a hash of all that it consists
//! of, in a file of the user outside of every folder that is copied, and others need consent.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
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
///
/// # Errors
/// Why it may not, and how it may.
pub(crate) fn check(hash: &str) -> Result<(), String> {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if ALL_ALLOWED.load(Ordering::Relaxed) || own.contains(hash) {
        return Ok(());
    }
    let why = match list_file().and_then(|path| holds(&path, hash)) {
        Ok(true) => return Ok(()),
        Ok(false) => "was not trained here by this user".to_owned(),
        Err(error) => {
            format!("it cannot be known whether it was trained here by this user: {error}")
        }
    };
    Err(format!(
        "this model is a program, and {why}. To answer it runs the command and the files in its \
         manifest; if you know where it comes from, allow it with --allow-commands"
    ))
}

/// Whether a line of the list is this hash. Where there is no list, none is.
fn holds(path: &Path, hash: &str) -> io::Result<bool> {
    let file = match open(path, OpenOptions::new().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let mut lines = BufReader::new(file).split(b'\n');
    lines
        .try_fold(false, |found, line| Ok(found || line? == hash.as_bytes()))
        .map_err(|error| at(path, error))
}

/// Opens the list, which a person may have replaced by anything.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A pipe would wait for its other end.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        options.mode(0o600).custom_flags(flags);
    }
    let file = options.open(path).map_err(|error| at(path, error))?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(at(path, io::Error::other("it is no regular file"))),
    }
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Remembers the models that this process trained and noted, so that later processes of the same
/// user run their programs, too.
///
/// # Errors
/// When the user's list cannot be written; the models then need consent.
pub fn remember_commands() -> io::Result<()> {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    match own.is_empty() {
        true => Ok(()),
        false => remember(&list_file()?, &own),
    }
}

/// Whether models can be remembered, for a warning before they are trained. The list is made if
/// there is none.
///
/// # Errors
/// Why not.
pub fn check_list() -> io::Result<()> {
    append(&list_file()?).map(drop)
}

fn remember(path: &Path, hashes: &BTreeSet<String>) -> io::Result<()> {
    for hash in hashes {
        if holds(path, hash)? {
            continue;
        }
        let mut file = append(path)?;
        // A line that somebody left without its end would swallow this one.
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(-1)).is_ok() {
            file.read_exact(&mut last)?;
        }
        let before = if last == [b'\n'] { "" } else { "\n" };
        // In one piece, so that two processes do not mix their lines.
        file.write_all(format!("{before}{hash}\n").as_bytes())?;
    }
    Ok(())
}

/// Opens the list to add to it.
fn append(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
    }
    open(
        path,
        OpenOptions::new().create(true).read(true).append(true),
    )
}

/// The user's list.
///
/// # Errors
/// Where no variable says where it is.
fn list_file() -> io::Result<PathBuf> {
    // The XDG specification has relative paths ignored.
    let folder = |name: &str| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let state = folder("XDG_STATE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".local/state")))
        .or_else(|| folder("LOCALAPPDATA"));
    state
        .map(|state| state.join("bakeoff/trusted-commands"))
        .ok_or_else(|| io::Error::other("neither XDG_STATE_HOME nor HOME is an absolute path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_found_and_written_once() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state/bakeoff/trusted-commands");
        assert!(!holds(&path, "a1").unwrap());
        let hashes = BTreeSet::from(["a1".to_owned(), "b2".to_owned()]);
        remember(&path, &hashes).unwrap();
        remember(&path, &hashes).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a1\nb2\n");
        assert!(holds(&path, "a1").unwrap());
        assert!(!holds(&path, "a").unwrap() && !holds(&path, "").unwrap());
        // What is no text hides no line, and swallows none.
        fs::write(&path, b"\xff\xfe\0rubbish\na1\n\xff").unwrap();
        assert!(holds(&path, "a1").unwrap() && !holds(&path, "b2").unwrap());
        remember(&path, &hashes).unwrap();
        assert!(holds(&path, "a1").unwrap() && holds(&path, "b2").unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_list_that_cannot_be_used_says_why() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("list");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let hashes = BTreeSet::from(["a1".to_owned()]);
        let said = holds(&path, "a1").unwrap_err().to_string();
        assert!(said.ends_with("list: it is no regular file"), "{said}");
        assert!(remember(&path, &hashes).is_err());
        let below = path.join("deeper/list");
        let said = remember(&below, &hashes).unwrap_err().to_string();
        assert!(said.contains("list/deeper"), "{said}");
    }
}
