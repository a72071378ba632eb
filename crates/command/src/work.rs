//! The folders that a program works in: `program` with its own files, which it is started in,
//! and `data` with what it is given and what it leaves.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use bakeoff_core::ImageShape;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::{
    live,
    model_files::model_folder,
    settings::{CommandSettings, Format},
};

/// The version of the protocol.
const PROTOCOL: u32 = 1;
/// How the names of the folders begin.
const PREFIX: &str = "bakeoff-command-";

/// `task.json`: the settings and the shape of the data, for the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Task {
    protocol: u32,
    pub(crate) seed: u64,
    settings: Map<String, Value>,
    format: String,
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) classes: usize,
    class_names: Vec<String>,
    train_images: usize,
}

impl Task {
    pub(crate) fn new(
        settings: &CommandSettings,
        seed: u64,
        shape: ImageShape,
        class_names: &[String],
        train_images: usize,
    ) -> Self {
        Self {
            protocol: PROTOCOL,
            seed,
            settings: settings.settings.clone(),
            format: match settings.format {
                Format::Npy => "npy".into(),
                Format::Text => "text".into(),
            },
            channels: shape.channels,
            height: shape.height,
            width: shape.width,
            classes: class_names.len(),
            class_names: class_names.to_vec(),
            train_images,
        }
    }

    /// Whether this is the task of a model for such images and as many classes.
    pub(crate) fn is_of(&self, shape: ImageShape, classes: usize) -> bool {
        self.protocol == PROTOCOL
            && (self.channels, self.height, self.width)
                == (shape.channels, shape.height, shape.width)
            && [self.classes, self.class_names.len()] == [classes; 2]
    }

    /// As it is written.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Plain data: serialising to memory cannot fail.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }
}

/// The folders, which are removed with this. Others than their user cannot read them.
pub(crate) struct Work {
    root: TempDir,
    /// After it was removed it need not be known any more.
    _known: live::Folder,
    /// Open and locked, for as long as this process lives: so a later one can tell what a killed
    /// one left.
    _lock: Option<File>,
}

impl Work {
    /// Makes them, with the program's files and its task.
    ///
    /// # Errors
    /// Of the disk.
    pub(crate) fn new(settings: &CommandSettings, task: &[u8]) -> io::Result<Self> {
        remove_leftovers(&std::env::temp_dir());
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        #[cfg(unix)]
        builder.permissions(private);
        let work = loop {
            let root = builder.tempdir()?;
            let lock = File::open(root.path()).ok();
            // Where the file system has no locks, nobody removes what cannot be locked.
            let _ = lock.as_ref().map(File::lock);
            // Somebody may have taken it for a leftover in the moment before.
            if root.path().exists() {
                break Self {
                    _known: live::Folder::new(root.path()),
                    root,
                    _lock: lock,
                };
            }
        };
        fs::create_dir_all(work.program())?;
        fs::create_dir_all(model_folder(&work.data()))?;
        fs::create_dir_all(work.outbox())?;
        fs::write(work.data().join("task.json"), task)?;
        for (name, text) in &settings.files {
            let path = work.program().join(name);
            make_folder_of(&path)?;
            fs::write(&path, text)?;
            // Any of them may be a script that is started by its name.
            make_executable(&path)?;
        }
        Ok(work)
    }

    /// The folder that the program is started in.
    pub(crate) fn program(&self) -> PathBuf {
        self.root.path().join("program")
    }

    /// The folder that it is given.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Where what it is given is written first.
    pub(crate) fn outbox(&self) -> PathBuf {
        self.root.path().join("outbox")
    }

    /// Makes an empty file of the model, to be written.
    ///
    /// # Errors
    /// Of the disk.
    pub(crate) fn new_model_file(&self, name: &str, is_executable: bool) -> io::Result<File> {
        let path = model_folder(&self.data()).join(name);
        make_folder_of(&path)?;
        let file = File::create_new(&path)?;
        if is_executable {
            make_executable(&path)?;
        }
        Ok(file)
    }
}

fn make_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes the folders of processes that were killed. One that stays only takes space.
fn remove_leftovers(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX))
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Ok(folder) = File::open(entry.path())
            && folder.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_goes_and_what_one_works_in_stays() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name: &str| parent.path().join(name);
        for name in ["bakeoff-command-left", "bakeoff-command-owned", "other"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("file"), "x").unwrap();
        }
        let owned = File::open(at("bakeoff-command-owned")).unwrap();
        owned.lock().unwrap();
        remove_leftovers(parent.path());
        assert!(!at("bakeoff-command-left").exists());
        assert!(at("bakeoff-command-owned/file").exists() && at("other/file").exists());
    }
}
