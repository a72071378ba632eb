//! The folders that a program works in: `program` with its own files, which it is started in,
//! and `data` with what it is given and what it leaves.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bakeoff_core::ImageShape;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::{
    files::is_own_name,
    settings::{CommandSettings, Format},
};

/// The version of the protocol.
const PROTOCOL: u32 = 1;
/// The most files of a model, far more than any library writes.
const MOST_FILES: usize = 10_000;

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

/// The folders, which are removed with this.
pub(crate) struct Work {
    root: TempDir,
}

impl Work {
    /// Makes them, with the program's files and its task.
    ///
    /// # Errors
    /// Of the disk.
    pub(crate) fn new(settings: &CommandSettings, task: &[u8]) -> io::Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("bakeoff-command-")
            .tempdir()?;
        let work = Self { root };
        fs::create_dir_all(work.program())?;
        fs::create_dir_all(work.model())?;
        fs::write(work.data().join("task.json"), task)?;
        for (name, text) in &settings.files {
            let path = work.program().join(name);
            write_below(&path, text.as_bytes())?;
            // Any of them may be a script that is started by its name.
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
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

    fn model(&self) -> PathBuf {
        self.data().join("model")
    }

    /// Writes a file of the model.
    ///
    /// # Errors
    /// Of the disk.
    pub(crate) fn write_model(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write_below(&self.model().join(name), bytes)
    }

    /// Every file that the program left as its model, by its name there, sorted.
    ///
    /// # Errors
    /// What is there besides files and folders, or has a name that cannot be stored.
    pub(crate) fn model_files(&self) -> Result<Vec<(String, PathBuf)>, String> {
        let mut found = Vec::new();
        let mut folders = vec![(String::new(), self.model())];
        while let Some((prefix, folder)) = folders.pop() {
            let bad = |error: io::Error| format!("model/{prefix}: {error}");
            for entry in fs::read_dir(&folder).map_err(bad)? {
                let entry = entry.map_err(bad)?;
                let file_name = entry.file_name();
                let shown = file_name.to_string_lossy();
                let name = format!("{prefix}{shown}");
                if file_name.to_str().is_none() || !is_own_name(&name) {
                    let name = name.escape_debug();
                    return Err(format!("model/{name} has a name that other systems lack"));
                }
                let kind = entry.file_type().map_err(bad)?;
                if kind.is_dir() {
                    folders.push((format!("{name}/"), entry.path()));
                } else if kind.is_file() {
                    found.push((name, entry.path()));
                } else {
                    return Err(format!("model/{name} is no regular file"));
                }
                if found.len() > MOST_FILES {
                    return Err(format!("model/ holds more than {MOST_FILES} files"));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

fn write_below(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}
