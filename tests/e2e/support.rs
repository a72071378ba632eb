//! What several tests need: the program, a folder to work in, small experiments.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use bakeoff_core::{Dataset, ImageShape, Samples};
use bakeoff_data::idx;
use bakeoff_tests::toy;
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Cargo, at the root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root());
    command
}

/// What `cargo metadata` says.
pub(crate) fn cargo_metadata(arguments: &[&str]) -> Value {
    let output = cargo()
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Bytes that must be text.
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Whether the tests are of a program without Burn's engines.
pub(crate) fn without_burn() -> bool {
    env::var_os("BAKEOFF_NO_BURN").is_some()
}

/// The program, built at most once by each test process, so that it is never stale.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let output = cargo()
            .args(["build", "--release", "--bin", "bakeoff"])
            // Burn takes most of a build, and few of these tests ask for its engines.
            .args(without_burn().then_some("--no-default-features"))
            .args(["--message-format", "json-render-diagnostics"])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "the program does not build");
        text(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo names the program it built")
    })
}

/// A new empty folder for one test, inside the build folder: it stays to be looked at
/// until the tests run again.
pub(crate) fn scratch(name: &str) -> PathBuf {
    static ROOT: OnceLock<(PathBuf, File)> = OnceLock::new();
    let (root, _lock) = ROOT.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e");
        // Held until this process ends: others that run these tests wait.
        let lock = File::create(root.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        fs::create_dir_all(&root).unwrap();
        (root, lock)
    });
    let folder = root.join(name);
    fs::create_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// How a command ended.
pub(crate) struct Output {
    /// The words it was called with, for messages.
    command: String,
    /// Its exit code; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Itself, if it ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.said());
        self
    }

    /// Everything about it, for messages.
    pub(crate) fn said(&self) -> String {
        format!(
            "{} → {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.code, self.stdout, self.stderr
        )
    }

    /// Its standard output, a value of JSON on each line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{error}: {line}\n{}", self.said()))
            })
            .collect()
    }

    /// Its standard output as one value of JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let mut lines = self.json_lines();
        assert_eq!(lines.len(), 1, "{}", self.said());
        lines.remove(0)
    }

    /// Asserts that standard error holds each of these words.
    #[track_caller]
    pub(crate) fn complains_of(&self, words: &[&str]) {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "no `{word}` in\n{}",
                self.said()
            );
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.said());
    }
}

/// The program in a folder, with nothing on its standard input.
pub(crate) fn bakeoff(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .current_dir(folder)
        .env_remove("BAKEOFF_MODELS_DIR")
        // The list of programs that were trained here is the test's own.
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdin(Stdio::null());
    command
}

/// Runs the program in a folder to its end.
pub(crate) fn run<A: AsRef<OsStr>>(folder: &Path, arguments: &[A]) -> Output {
    finish(bakeoff(folder).args(arguments))
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    Output {
        command: format!("{command:?}"),
        code: output.status.code(),
        stdout: text(&output.stdout).to_owned(),
        stderr: text(&output.stderr).to_owned(),
    }
}

/// The four families as they come, on little data, so that a run takes seconds.
pub(crate) const SMALL: &str = r#"name = "small"
limit_train = 3000
limit_test = 500

[[models]]
family = "logistic"

[[models]]
family = "knn"
k = 3

[[models]]
family = "ann"
epochs = 2
batch_size = 32

[[models]]
family = "cnn"
epochs = 1
batch_size = 32
"#;

/// The names of its models, in its order.
pub(crate) const SMALL_MODELS: [&str; 4] = ["logistic", "knn", "ann", "cnn"];

/// [`SMALL`], run once for all tests that only look.
pub(crate) struct Comparison {
    /// Where it was run: `small.toml`, `reports` and `models` are in it.
    pub(crate) folder: PathBuf,
    /// The run's folder.
    pub(crate) run: PathBuf,
    /// What it said into pipes.
    pub(crate) output: Output,
}

/// [`SMALL`], run once, on two threads.
pub(crate) fn comparison() -> &'static Comparison {
    static COMPARISON: OnceLock<Comparison> = OnceLock::new();
    COMPARISON.get_or_init(|| {
        let folder = scratch("comparison");
        fs::write(folder.join("small.toml"), SMALL).unwrap();
        let output = run(&folder, &["run", "small.toml", "--threads", "2"]).expect(0);
        Comparison {
            run: only_entry(&folder.join("reports")),
            folder,
            output,
        }
    })
}

/// The one folder in a folder; beside it there may be files.
#[track_caller]
pub(crate) fn only_entry(folder: &Path) -> PathBuf {
    let mut entries = entries(folder);
    entries.retain(|path| path.is_dir());
    assert_eq!(entries.len(), 1, "in {}: {entries:?}", folder.display());
    entries.remove(0)
}

/// The entries of a folder, sorted.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

/// A file of JSON.
#[track_caller]
pub(crate) fn read_json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of a run's leaderboard.
pub(crate) fn leaderboard(run: &Path) -> Vec<Value> {
    read_json(&run.join("leaderboard.json"))
        .as_array()
        .unwrap()
        .clone()
}

/// The row of one model.
#[track_caller]
pub(crate) fn row<'a>(rows: &'a [Value], model: &str) -> &'a Value {
    rows.iter()
        .find(|row| row["model"] == model)
        .unwrap_or_else(|| panic!("no {model} in {rows:?}"))
}

/// The ids of a run's trials, by model, in the order of the plan.
pub(crate) fn trial_ids(run: &Path) -> Vec<(String, String)> {
    fs::read_to_string(run.join("plan.jsonl"))
        .unwrap()
        .lines()
        .map(|line| {
            let trial: Value = serde_json::from_str(line).unwrap();
            let field = |value: &Value| value.as_str().unwrap().to_owned();
            (field(&trial["trial"]["model"]), field(&trial["id"]))
        })
        .collect()
}

/// Where the record of a model lies, or would lie.
#[track_caller]
pub(crate) fn record_path(run: &Path, model: &str) -> PathBuf {
    let ids = trial_ids(run);
    let (_, id) = ids
        .iter()
        .find(|(name, _)| name == model)
        .unwrap_or_else(|| panic!("no {model} in {ids:?}"));
    run.join("records").join(format!("{id}.json"))
}

/// The record of a model.
#[track_caller]
pub(crate) fn record(run: &Path, model: &str) -> Value {
    read_json(&record_path(run, model))
}

/// The file with a model's test probabilities, as its record names it.
#[track_caller]
pub(crate) fn sidecar(run: &Path, model: &str) -> PathBuf {
    let record = record(run, model);
    let name = record["probabilities"]["file"]
        .as_str()
        .unwrap_or_else(|| panic!("{record:#}"));
    run.join("records").join(name)
}

/// A dataset unlike MNIST: images of 12×10, four classes with names.
pub(crate) fn shapes() -> Dataset {
    let spec = toy::ToySpec {
        shape: ImageShape::new(1, 12, 10),
        classes: SHAPES.len(),
        train: 240,
        test: 80,
        noise: 30.0,
        seed: 7,
    };
    let toy = toy::prototypes(spec).unwrap();
    let named = |part: &Samples| {
        let names: Vec<String> = SHAPES.map(String::from).into();
        Samples::new(part.images().clone(), part.labels().to_vec(), names).unwrap()
    };
    Dataset::new("shapes", named(toy.train()), named(toy.test())).unwrap()
}

/// Its class names.
pub(crate) const SHAPES: [&str; 4] = ["circle", "square", "star", "cross & line"];

/// Writes a dataset as a folder of IDX files, two of them compressed, with its names.
pub(crate) fn write_folder(folder: &Path, dataset: &Dataset) {
    fs::create_dir_all(folder).unwrap();
    for (part, samples) in [("train", dataset.train()), ("t10k", dataset.test())] {
        let (images, labels) = idx_bytes(samples);
        fs::write(
            folder.join(format!("{part}-images-idx3-ubyte.gz")),
            gzip(&images),
        )
        .unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
    fs::write(
        folder.join("classes.txt"),
        dataset.train().class_names().join("\n"),
    )
    .unwrap();
}

/// The images and the labels as IDX.
pub(crate) fn idx_bytes(samples: &Samples) -> (Vec<u8>, Vec<u8>) {
    let shape = samples.images().shape();
    let labels: Vec<u8> = samples
        .labels()
        .iter()
        .map(|&label| u8::try_from(label).unwrap())
        .collect();
    let dims = [samples.len(), shape.height, shape.width];
    let (mut images_file, mut labels_file) = (Vec::new(), Vec::new());
    idx::write(&mut images_file, &dims, samples.images().pixels()).unwrap();
    idx::write(&mut labels_file, &[samples.len()], &labels).unwrap();
    (images_file, labels_file)
}

/// Compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in entries(from) {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Changes one byte in the middle of a file.
pub(crate) fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(path, bytes).unwrap();
}
