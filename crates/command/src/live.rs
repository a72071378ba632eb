//! The programs that run and the folders that they work in, for whoever has to end this process
//! at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{group::kill_group, said::Said, tree};

/// A program that runs.
struct Program {
    /// How messages call it.
    name: String,
    said: Said,
}

/// By the number of its group.
static PROGRAMS: Mutex<BTreeMap<u32, Program>> = Mutex::new(BTreeMap::new());
static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
/// Whether the process is about to end.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

fn locked<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program is started in this group.
pub(crate) fn begins(group: u32, name: &str, said: &Said) {
    let (name, said) = (name.to_owned(), said.clone());
    locked(&PROGRAMS).insert(group, Program { name, said });
}

/// All of a group has ended.
pub(crate) fn has_ended(group: u32) {
    locked(&PROGRAMS).remove(&group);
}

/// A folder that a program works in, until this is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        locked(&FOLDERS).insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        locked(&FOLDERS).remove(&self.0);
    }
}

/// The programs of this process that run, each with its last lines; empty where there are none.
pub fn running_programs() -> String {
    let programs = locked(&PROGRAMS);
    let each = programs.values();
    let each: Vec<String> = each
        .map(|it| format!("{}{}", it.name, it.said.last_lines()))
        .collect();
    each.join("; ")
}

/// The numbers of the processes that programs of this process consist of.
pub fn program_processes() -> Vec<u32> {
    let mut found = tree::descendants(process::id());
    // Not the shells that end them.
    let programs = locked(&PROGRAMS);
    found.retain(|process| !programs.contains_key(process));
    found
}

/// Where the process is about to end, waits for that: its programs were ended with it, which is no
/// failure of theirs to tell.
pub(crate) fn wait_if_ending() {
    while IS_ENDING.load(Ordering::Acquire) {
        thread::park();
    }
}

/// Ends all programs of this process and removes their folders; the caller ends the process next.
/// Who asks a program meanwhile has no answer any more, and waits.
pub fn end_programs() {
    IS_ENDING.store(true, Ordering::Release);
    for group in locked(&PROGRAMS).keys() {
        kill_group(*group);
    }
    tree::kill_descendants(process::id());
    for folder in locked(&FOLDERS).iter() {
        // A process that is ending may still write, another thread may remove it, too.
        for _ in 0..200 {
            if fs::remove_dir_all(folder).is_ok() || !folder.exists() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}
