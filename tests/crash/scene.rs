//! A folder with a tiny dataset and experiment, and what comes out of it undisturbed.

use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use bakeoff_core::{ImageShape, Samples, to_hex};
use bakeoff_data::idx;
use bakeoff_tests::toy::{self, ToySpec};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What a part of the campaign has seen.
#[derive(Default)]
pub(crate) struct Tally {
    /// SIGKILLs that were sent.
    pub(crate) kills: u64,
    /// Of these, those that came before the command had ended.
    pub(crate) in_time: u64,
    /// Files and rows that were checked.
    pub(crate) checked: u64,
    /// Temporary files and folders that kills left and nothing has removed.
    pub(crate) leftovers: Vec<PathBuf>,
    /// What was lost, torn, there twice or not as it is undisturbed.
    pub(crate) faults: Vec<String>,
}

impl Tally {
    /// Counts a check, and what it found.
    pub(crate) fn check(&mut self, is_right: bool, fault: impl FnOnce() -> String) {
        self.checked += 1;
        if !is_right {
            self.faults.push(fault());
        }
    }
}

/// Models that train in milliseconds, some of them on folds.
const EXPERIMENT: &str = r#"name = "small"
datasets = ["toy"]
folds = 2

[[models]]
family = "dummy"

[[models]]
family = "logistic"

[[models]]
family = "knn"

[[models]]
family = "ann"
epochs = 1
hidden = [8]
"#;

/// The program, a folder for all, and what it gives undisturbed.
pub(crate) struct Scene {
    program: PathBuf,
    root: tempfile::TempDir,
    kept: Cell<bool>,
    /// Names of folders.
    next: Cell<usize>,
    /// The folder of the undisturbed run.
    pub(crate) undisturbed: PathBuf,
    /// How long that took.
    pub(crate) run_time: Duration,
}

impl Scene {
    pub(crate) fn new(program: &Path) -> Self {
        let program = fs::canonicalize(program).unwrap();
        let mut scene = Self {
            program,
            root: tempfile::tempdir().unwrap(),
            kept: Cell::new(false),
            next: Cell::new(0),
            undisturbed: PathBuf::new(),
            run_time: Duration::ZERO,
        };
        scene.undisturbed = scene.folder();
        let begin = Instant::now();
        let output = scene.finish(&scene.undisturbed, &["run", "e.toml"]);
        assert!(output.status.success(), "{}", said(&output));
        scene.run_time = begin.elapsed();
        scene
    }

    /// Leaves everything to be looked at.
    pub(crate) fn keep(&self) -> &Path {
        self.kept.set(true);
        self.root.path()
    }

    /// A new folder with data and experiment.
    pub(crate) fn folder(&self) -> PathBuf {
        let number = self.next.replace(self.next.get() + 1);
        let folder = self.root.path().join(number.to_string());
        let data = folder.join("toy");
        fs::create_dir_all(&data).unwrap();
        let dataset = toy::prototypes(ToySpec {
            shape: ImageShape::new(1, 6, 6),
            classes: 3,
            train: 60,
            test: 30,
            noise: 40.0,
            seed: 5,
        })
        .unwrap();
        write_part(&data, "train", dataset.train());
        write_part(&data, "t10k", dataset.test());
        fs::write(folder.join("e.toml"), EXPERIMENT).unwrap();
        folder
    }

    /// A command in a folder.
    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(folder)
            .env_remove("BAKEOFF_MODELS_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn finish(&self, folder: &Path, arguments: &[&str]) -> Output {
        let mut command = self.command(folder, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.output().unwrap()
    }

    /// How long a command takes in a folder.
    pub(crate) fn time_of(&self, folder: &Path, arguments: &[&str]) -> Duration {
        let begin = Instant::now();
        let output = self.finish(folder, arguments);
        assert!(output.status.success(), "{}", said(&output));
        begin.elapsed()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.root.disable_cleanup(self.kept.get());
    }
}

fn write_part(folder: &Path, part: &str, samples: &Samples) {
    let shape = samples.images().shape();
    let labels: Vec<u8> = samples.labels().iter().map(|&label| label as u8).collect();
    let dims = [samples.len(), shape.height, shape.width];
    let (mut images, mut names) = (Vec::new(), Vec::new());
    idx::write(&mut images, &dims, samples.images().pixels()).unwrap();
    idx::write(&mut names, &[samples.len()], &labels).unwrap();
    fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
    fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), names).unwrap();
}

/// What a command said.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}: {}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// Runs below a folder that are complete: those that have a description.
pub(crate) fn runs(folder: &Path) -> Vec<PathBuf> {
    let mut runs = entries(&folder.join("reports"));
    runs.retain(|path| path.join("run.json").is_file());
    runs
}

/// The entries of a folder, sorted; none where it is missing.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

/// Whether a file or folder is one that only a process at work has.
pub(crate) fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(".tmp-") || name.starts_with(".model-")
}

/// The temporary files and folders below a folder.
pub(crate) fn temporaries(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        match is_temporary(&path) {
            true => found.push(path),
            false if path.is_dir() => found.extend(temporaries(&path)),
            false => {}
        }
    }
    found
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

pub(crate) fn json(path: &Path) -> Result<Value, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}
