//! The layout of MLflow's file store: a folder for each experiment and run, and a file for each parameter,
//! metric and tag.
//! Source: `mlflow/store/tracking/file_store.py`, the limits `mlflow/utils/validation.py` (MLflow 3.17).

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::file::ExportedFile;

/// The longest value of a parameter, in characters.
const MAX_PARAMETER: usize = 6000;
/// The longest value of a run's tag, in characters.
const MAX_TAG: usize = 8000;
/// The longest value of an experiment's tag, in characters.
const MAX_EXPERIMENT_TAG: usize = 20_000;
/// The longest name of a parameter, metric or tag; MLflow's is 250, and disks have one of 255 bytes.
const MAX_NAME: usize = 200;
/// The longest name of an experiment, in characters.
const MAX_EXPERIMENT_NAME: usize = 500;
/// What stands at the end of a text that is longer than MLflow takes.
const CUT: &str = "… (cut)";

/// The tag of every experiment and run that an export writes: the name of the run.
pub const MLFLOW_RUN_TAG: &str = "bakeoff.run";

/// A number with the step that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) value: f64,
    pub(super) step: u64,
}

/// `RunStatus` of MLflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Scheduled = 2,
    Finished = 3,
    Failed = 4,
}

/// The data that a run is about.
#[derive(Clone, Debug)]
pub(super) struct Dataset {
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) source: String,
    pub(super) profile: Value,
}

/// A run.
#[derive(Clone, Debug)]
pub(super) struct StoredRun {
    /// 32 hexadecimal digits.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: Status,
    /// Milliseconds since 1970.
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) params: BTreeMap<String, String>,
    pub(super) metrics: BTreeMap<String, Vec<Point>>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) artifacts: Vec<ExportedFile>,
    pub(super) dataset: Option<Dataset>,
}

/// An experiment.
#[derive(Clone, Debug)]
pub(super) struct Experiment {
    /// A whole number: MLflow's databases know no other ids.
    pub(super) id: String,
    pub(super) name: String,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) runs: Vec<StoredRun>,
}

/// An id that is the same for the same texts, as hexadecimal digits.
pub(super) fn id_of(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    bakeoff_core::to_hex(&hash.finalize())[..32].to_owned()
}

/// The same as a whole number of 18 digits, as MLflow's own ids of experiments.
pub(super) fn number_of(texts: &[&str]) -> String {
    let digits = id_of(texts);
    let number = u64::from_str_radix(&digits[..16], 16).unwrap_or_default();
    (100_000_000_000_000_000 + number % 900_000_000_000_000_000).to_string()
}

/// A name that MLflow and every disk takes: letters, digits, `_`, `-`, `.`, and `/` between groups; all
/// else becomes `_`.
pub(super) fn name_of(text: &str) -> String {
    let safe = |c: char| match c {
        '_' | '-' | '.' => c,
        _ if c.is_ascii_alphanumeric() => c,
        _ => '_',
    };
    let mut name: String = text.chars().map(safe).take(MAX_NAME).collect();
    // `.` and `..` are folders, and Windows drops dots at the end.
    if name.ends_with('.') || name.is_empty() {
        name.pop();
        name.push('_');
    }
    name
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept = most - CUT.chars().count();
    text.chars().take(kept).chain(CUT.chars()).collect()
}

/// A text in YAML, which has escapes for whatever its readers refuse.
fn yaml(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => out += &format!("\\U{:08x}", u32::from(c)),
        }
    }
    out.push('"');
    out
}

/// `meta.yaml`: scalars by their keys, which are sorted as MLflow sorts them.
fn meta(path: String, fields: &[(&str, String)]) -> ExportedFile {
    let text: String = fields
        .iter()
        .map(|(key, value)| format!("{key}: {value}\n"))
        .collect();
    ExportedFile::new(path, text.into_bytes())
}

impl Experiment {
    /// The folders that each run has to have.
    pub(super) fn folders(&self) -> Vec<String> {
        let of_run = |run: &StoredRun| {
            ["params", "metrics", "artifacts"].map(|part| format!("{}/{}/{part}", self.id, run.id))
        };
        self.runs.iter().flat_map(of_run).collect()
    }

    /// Its files; `store` is the URI of the folder that they come into. What makes a run one for MLflow comes last.
    pub(super) fn files(&self, store: &str) -> Vec<ExportedFile> {
        let folder = &self.id;
        let location = format!("{}/{folder}", store.trim_end_matches('/'));
        let mut files = Vec::new();
        for (name, value) in &self.tags {
            let path = format!("{folder}/tags/{name}");
            files.push(text(path, &cut(value, MAX_EXPERIMENT_TAG)));
        }
        files.push(meta(
            format!("{folder}/meta.yaml"),
            &[
                ("artifact_location", yaml(&location)),
                ("creation_time", self.created.to_string()),
                ("experiment_id", yaml(&self.id)),
                ("last_update_time", self.created.to_string()),
                ("lifecycle_stage", "active".into()),
                ("name", yaml(&cut(&self.name, MAX_EXPERIMENT_NAME))),
            ],
        ));
        let mut datasets = BTreeMap::new();
        for run in &self.runs {
            if let Some(dataset) = &run.dataset {
                datasets.insert(dataset.id(), dataset);
            }
            files.extend(run.files(folder, &location));
        }
        for (id, dataset) in datasets {
            files.push(meta(
                format!("{folder}/datasets/{id}/meta.yaml"),
                &[
                    ("digest", yaml(&dataset.digest)),
                    ("name", yaml(&cut(&dataset.name, MAX_EXPERIMENT_NAME))),
                    ("profile", yaml(&dataset.profile.to_string())),
                    ("schema", "null".into()),
                    (
                        "source",
                        yaml(&serde_json::json!({ "uri": dataset.source }).to_string()),
                    ),
                    ("source_type", "local".into()),
                ],
            ));
        }
        files
    }
}

impl Dataset {
    fn id(&self) -> String {
        id_of(&[&self.name, &self.digest])
    }
}

impl StoredRun {
    fn files(&self, experiment: &str, location: &str) -> Vec<ExportedFile> {
        let Self { id, .. } = self;
        let path = |part: &str, name: &str| format!("{experiment}/{id}/{part}/{name}");
        let mut files = Vec::new();
        for (name, value) in &self.params {
            files.push(text(path("params", name), &cut(value, MAX_PARAMETER)));
        }
        let time = self.end.unwrap_or(self.start);
        for (name, points) in &self.metrics {
            let lines: String = points
                .iter()
                .map(|point| format!("{time} {} {}\n", point.value, point.step))
                .collect();
            files.push(text(path("metrics", name), &lines));
        }
        for (name, value) in &self.tags {
            files.push(text(path("tags", name), &cut(value, MAX_TAG)));
        }
        for artifact in &self.artifacts {
            let path = path("artifacts", &artifact.path);
            files.push(ExportedFile::new(path, artifact.bytes.clone()));
        }
        if let Some(dataset) = &self.dataset {
            let input = id_of(&["input", &dataset.id(), id]);
            files.push(meta(
                format!("{experiment}/{id}/inputs/{input}/meta.yaml"),
                &[
                    ("destination_id", yaml(id)),
                    ("destination_type", "RUN".into()),
                    ("source_id", yaml(&dataset.id())),
                    ("source_type", "DATASET".into()),
                    ("tags", "{mlflow.data.context: eval}".into()),
                ],
            ));
        }
        files.push(meta(
            format!("{experiment}/{id}/meta.yaml"),
            &[
                ("artifact_uri", yaml(&format!("{location}/{id}/artifacts"))),
                (
                    "end_time",
                    self.end.map_or("null".into(), |end| end.to_string()),
                ),
                ("entry_point_name", "''".into()),
                ("experiment_id", yaml(experiment)),
                ("lifecycle_stage", "active".into()),
                ("run_id", yaml(id)),
                ("run_name", yaml(&cut(&self.name, MAX_NAME))),
                ("source_name", "''".into()),
                // `SourceType.LOCAL` of MLflow.
                ("source_type", "4".into()),
                ("source_version", "''".into()),
                ("start_time", self.start.to_string()),
                ("status", (self.status as u8).to_string()),
                ("tags", "[]".into()),
                ("user_id", "bakeoff".into()),
            ],
        ));
        files
    }
}

fn text(path: String, text: &str) -> ExportedFile {
    ExportedFile::new(path, text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_mlflow_takes() {
        for (text, name) in [
            ("epochs", "epochs"),
            ("a b:c/d", "a_b_c_d"),
            ("größe", "gr__e"),
            ("", "_"),
            (".", "_"),
            ("..", "._"),
            ("x.", "x_"),
        ] {
            assert_eq!(name_of(text), name);
        }
        assert_eq!(name_of(&"n".repeat(999)).len(), MAX_NAME);
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        let long = cut(&"é".repeat(7000), MAX_PARAMETER);
        assert_eq!(long.chars().count(), MAX_PARAMETER);
        assert!(long.ends_with(CUT));
        assert_eq!(cut("short", MAX_PARAMETER), "short");
    }

    #[test]
    fn yaml_has_only_characters_that_its_readers_take() {
        assert_eq!(yaml("a \"b\" \\"), r#""a \"b\" \\""#);
        assert_eq!(
            yaml("é\n\u{7f}😀"),
            r#""\U000000e9\U0000000a\U0000007f\U0001f600""#
        );
    }

    #[test]
    fn ids_are_of_the_texts_and_not_of_their_join() {
        assert_ne!(id_of(&["ab", "c"]), id_of(&["a", "bc"]));
        assert_eq!(id_of(&["a"]).len(), 32);
        let number = number_of(&["a"]);
        assert_eq!(number.len(), 18);
        assert!(number.parse::<u64>().unwrap() >= 100_000_000_000_000_000);
    }
}
