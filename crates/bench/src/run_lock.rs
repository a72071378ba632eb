//! One writer for each run.
//!
//! `bakeoff run` holds `<run>/.lock` alone; trials that are started by hand or by a scheduler hold
//! it together, because several of them may work on one run. It is a lock of the operating system
//! (`flock`, `LockFileEx`), which ends with its process however that ends: no lock is ever stale,
//! and none has to be broken. What the file says is for people: who has it, and since when.
//!
//! Rejected: a file with a process number alone. After a crash it must be judged whether that
//! process still lives, on which machine, and whether its number is another process's by now.
//!
//! On a network file system the lock holds between machines if the server has locks (NFS with a lock
//! manager). Where a file system has none, the run goes on without: records are still written
//! once, whole or not at all.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use bakeoff_core::StoreError;
use bakeoff_store::files;
use serde::{Deserialize, Serialize};

use crate::{error::BenchError, host, run_folder::RunFolder};

const LOCK: &str = ".lock";
const PLANNING: &str = ".planning.lock";

/// Who has the lock.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Owner {
    process: u32,
    machine: String,
    since: String,
}

/// The right to write to a run, until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    /// `None` where the file system has no locks.
    file: Option<File>,
    /// Whether it is held alone.
    exclusive: bool,
}

impl RunFolder {
    /// Takes the run for this process alone.
    ///
    /// # Errors
    /// When another process has it, with its number and since when.
    pub fn lock(&self) -> Result<RunLock, BenchError> {
        self.take(true)
    }

    /// Takes the run together with others that run single trials of it.
    ///
    /// # Errors
    /// When a process runs all of it.
    pub fn lock_for_a_trial(&self) -> Result<RunLock, BenchError> {
        self.take(false)
    }

    fn take(&self, exclusive: bool) -> Result<RunLock, BenchError> {
        let path = self.path().join(LOCK);
        let mut file = open(&path)?;
        let taken = match exclusive {
            true => file.try_lock(),
            false => file.try_lock_shared(),
        };
        match taken {
            Ok(()) => {
                // What a killed owner left there is not true any more.
                let said = match exclusive {
                    true => serde_json::to_vec(&Owner {
                        process: std::process::id(),
                        machine: sysinfo::System::host_name().unwrap_or_default(),
                        since: host::now(),
                    })
                    .unwrap_or_default(),
                    false => Vec::new(),
                };
                say(&mut file, &said);
                Ok(RunLock {
                    file: Some(file),
                    exclusive,
                })
            }
            Err(TryLockError::WouldBlock) => Err(BenchError::Request(in_use(self.path(), file))),
            Err(TryLockError::Error(_)) => Ok(RunLock {
                file: None,
                exclusive,
            }),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        if let Some(file) = self.file.as_mut().filter(|_| self.exclusive) {
            say(file, b"");
        }
    }
}

/// Replaces what the file says. On a full disk it says nothing, and the lock holds all the same.
fn say(file: &mut File, text: &[u8]) {
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(text));
}

/// The error of a process that finds the run locked.
fn in_use(run: &Path, mut file: File) -> String {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
    let run = run.display();
    match serde_json::from_str::<Owner>(&text) {
        Ok(Owner {
            process,
            machine,
            since,
        }) => format!(
            "{run} is in use: process {process} on {machine} has been running it since {since}. \
             Wait until it ends, or stop it; then start the command again (`bakeoff run` with --resume)"
        ),
        Err(_) => format!(
            "{run} is in use: trials of it are running (`bakeoff trial`). Wait until they end; \
             then start the command again (`bakeoff run` with --resume)"
        ),
    }
}

/// Held while a run is looked for or made in a folder of runs: moments.
pub(crate) fn lock_planning(out: &Path) -> Result<Option<File>, BenchError> {
    std::fs::create_dir_all(out).map_err(StoreError::io(out))?;
    let path: PathBuf = out.join(PLANNING);
    let file = open(&path)?;
    // Where the file system has no locks, go on without.
    Ok(file.lock().is_ok().then_some(file))
}

fn open(path: &Path) -> Result<File, BenchError> {
    files::check_if_there(path).map_err(StoreError::io(path))?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path);
    Ok(file.map_err(StoreError::io(path))?)
}
