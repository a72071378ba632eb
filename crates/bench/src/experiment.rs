//! The experiment file: what is compared, on which data, with which seeds.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use bakeoff_core::{ModelSpec, Settings, SpecError};
use serde_json::Value;

use crate::toml_tree::{Source, Table};

/// Experiments inside the binary: name and text.
static BUILTIN: [(&str, &str); 2] = [
    ("default", include_str!("../../../experiments/default.toml")),
    ("quick", include_str!("../../../experiments/quick.toml")),
];

/// Names of the experiments inside the binary, the default one first.
pub fn builtin_experiments() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// An experiment inside the binary, by name; `None` if there is none of that name.
///
/// # Errors
/// Never for the files that are shipped; a test checks every one.
pub fn builtin_experiment(name: &str) -> Option<Result<Experiment, ExperimentError>> {
    BUILTIN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(name, text)| Experiment::parse(text, Path::new(&format!("{name}.toml"))))
}

/// Why a file is not an experiment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error(
        "{}:{line}:{column}: {message}\n  {line} | {text}\n  {:pad$} | {:indent$}^",
        path.display(), "", "", pad = line.to_string().len(), indent = column - 1
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
        /// The line itself.
        text: String,
    },
}

/// One model of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// Its name in reports and of the saved model; unique within the experiment.
    pub name: String,
    /// The recipe, resolved.
    pub spec: ModelSpec,
}

/// An experiment: datasets × models × seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Its name, part of a run's name.
    pub name: String,
    /// Built-in names or paths.
    pub datasets: Vec<String>,
    /// Seeds of the fits.
    pub seeds: Vec<u64>,
    /// Share of the training data held out for families that choose something by it.
    pub validation_fraction: f64,
    /// Seed of the held-out part and of the limits.
    pub split_seed: u64,
    /// Use only so many training samples.
    pub limit_train: Option<usize>,
    /// Use only so many test samples.
    pub limit_test: Option<usize>,
    /// A trial that takes longer is stopped and recorded as failed.
    pub time_limit_seconds: Option<u64>,
    /// What is compared.
    pub models: Vec<ModelEntry>,
    /// The text it was read from.
    pub text: String,
}

const KEYS: [&str; 9] = [
    "name",
    "datasets",
    "seeds",
    "validation_fraction",
    "split_seed",
    "limit_train",
    "limit_test",
    "time_limit_seconds",
    "models",
];

/// Keys of a model that are not settings of its family.
const MODEL_KEYS: [&str; 3] = ["name", "family", "engine"];

impl Experiment {
    /// Reads an experiment file.
    ///
    /// # Errors
    /// With line, column, key and what is allowed.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let text = fs::read_to_string(path).map_err(|source| ExperimentError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads an experiment from text; `path` is for messages and the default name.
    ///
    /// # Errors
    /// With line, column, key and what is allowed.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ExperimentError> {
        let source = Source { path, text };
        let root = source.parse()?;
        source.only_keys(&root, "an experiment", &KEYS)?;
        let stem = path.file_stem().map_or("experiment".into(), |stem| {
            stem.to_string_lossy().into_owned()
        });
        let count = |v: &Value| v.as_u64().filter(|&n| n > 0);
        let limit = |key| {
            source.get(&root, key, "a whole number from 1", |v| {
                count(v).and_then(|n| usize::try_from(n).ok())
            })
        };
        Ok(Self {
            name: source.get(&root, "name", NAME_RULE, name)?.unwrap_or(stem),
            datasets: source
                .get(
                    &root,
                    "datasets",
                    "a list of built-in names or paths of folders",
                    |v| {
                        list(v, |v| {
                            v.as_str().filter(|s| !s.is_empty()).map(String::from)
                        })
                    },
                )?
                .unwrap_or_else(|| vec!["mnist".into()]),
            seeds: source
                .get(
                    &root,
                    "seeds",
                    "a list of different whole numbers from 0",
                    |v| list(v, Value::as_u64).filter(|seeds| all_different(seeds)),
                )?
                .unwrap_or_else(|| vec![1]),
            validation_fraction: source
                .get(
                    &root,
                    "validation_fraction",
                    "a number from 0 to 0.5",
                    |v| v.as_f64().filter(|x| (0.0..=0.5).contains(x)),
                )?
                .unwrap_or(0.1),
            split_seed: source
                .get(&root, "split_seed", "a whole number from 0", Value::as_u64)?
                .unwrap_or(1),
            limit_train: limit("limit_train")?,
            limit_test: limit("limit_test")?,
            time_limit_seconds: source.get(
                &root,
                "time_limit_seconds",
                "a whole number from 1 to 31536000 (a year)",
                |v| count(v).filter(|&seconds| seconds <= 31_536_000),
            )?,
            models: models(&source, &root)?,
            text: text.to_owned(),
        })
    }
}

const NAME_RULE: &str = "1 to 60 letters, digits, `-`, `_` or `.`, not starting with `.`";

/// A name that can be part of a file's name on any system.
fn name(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|s| {
            (1..=60).contains(&s.chars().count())
                && !s.starts_with('.')
                && s.chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        })
        .map(String::from)
}

/// A list of at least one item, each turned into a `T`.
fn list<T>(value: &Value, item: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value
        .as_array()
        .filter(|items| !items.is_empty())?
        .iter()
        .map(item)
        .collect()
}

fn all_different(seeds: &[u64]) -> bool {
    seeds
        .iter()
        .enumerate()
        .all(|(i, seed)| !seeds[..i].contains(seed))
}

fn models(source: &Source<'_>, root: Table<'_, '_>) -> Result<Vec<ModelEntry>, ExperimentError> {
    let example = "[[models]]\\nfamily = \"knn\"";
    let Some(value) = root.get("models") else {
        return Err(source.error(
            0..0,
            format!("no models: add at least one, as in `{example}`"),
        ));
    };
    let tables = value
        .get_ref()
        .as_array()
        .filter(|items| !items.is_empty())
        .ok_or_else(|| {
            source.error(
                value.span(),
                format!("`models` must be a list of tables, as in `{example}`"),
            )
        })?;
    let mut entries: Vec<ModelEntry> = Vec::with_capacity(tables.len());
    for item in tables.iter() {
        let table = item.get_ref().as_table().ok_or_else(|| {
            source.error(
                item.span(),
                format!("a model is a table, as in `{example}`"),
            )
        })?;
        let entry = model(source, table, item.span())?;
        if entries.iter().any(|other| other.name == entry.name) {
            let at = key_span(table, "name").unwrap_or(item.span());
            return Err(source.error(
                at,
                format!(
                    "two models are called `{0}`; give one another name, as in `name = \"{0}-2\"`",
                    entry.name
                ),
            ));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn model(
    source: &Source<'_>,
    table: Table<'_, '_>,
    at: Range<usize>,
) -> Result<ModelEntry, ExperimentError> {
    let text = |v: &Value| v.as_str().map(String::from);
    let at_key = |error: SpecError| {
        let place = error.key().and_then(|key| key_span(table, key));
        source.error(place.unwrap_or(at.clone()), error.to_string())
    };
    let family_name = source
        .get(table, "family", "the name of a model family", text)?
        .ok_or_else(|| {
            source.error(
                at.clone(),
                format!(
                    "a model needs `family`; there are: {}",
                    bakeoff_zoo::families()
                        .iter()
                        .map(|family| family.name)
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            )
        })?;
    let family = bakeoff_zoo::family(&family_name).map_err(&at_key)?;
    let engine = source.get(table, "engine", "the name of an engine", text)?;
    let mut settings = Settings::new();
    for (key, value) in table.iter() {
        let key = key.get_ref().as_ref();
        if !MODEL_KEYS.contains(&key) {
            settings.insert(key.to_owned(), source.value(value)?);
        }
    }
    let spec = family
        .resolve(engine.as_deref(), &settings)
        .map_err(&at_key)?;
    bakeoff_zoo::build(&spec).map_err(&at_key)?;
    Ok(ModelEntry {
        name: source
            .get(table, "name", NAME_RULE, name)?
            .unwrap_or(family_name),
        spec,
    })
}

/// Where a key of a table stands.
fn key_span(table: Table<'_, '_>, key: &str) -> Option<Range<usize>> {
    table
        .keys()
        .find(|known| known.get_ref().as_ref() == key)
        .map(|known| known.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Experiment::parse(text, Path::new("x.toml"))
            .map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn every_builtin_experiment_is_valid() {
        for name in builtin_experiments() {
            let experiment = builtin_experiment(name).expect(name).expect(name);
            assert_eq!(experiment.name, name);
            assert!(!experiment.models.is_empty());
        }
    }

    #[test]
    fn defaults_are_what_the_documentation_says() {
        let experiment =
            Experiment::parse("[[models]]\nfamily = \"knn\"", Path::new("dir/my.toml")).unwrap();
        assert_eq!(experiment.name, "my");
        assert_eq!(experiment.datasets, ["mnist"]);
        assert_eq!(experiment.seeds, [1]);
        assert_eq!(experiment.models[0].name, "knn");
    }

    #[test]
    fn errors_name_line_column_key_and_what_is_allowed() {
        let message = error("seeds = [1]\nlimt_train = 5\n");
        assert!(
            message.starts_with("x.toml:2:1: unknown key `limt_train`"),
            "{message}"
        );
        assert!(message.contains("did you mean `limit_train`?"), "{message}");
        assert!(
            message.contains("\n  2 | limt_train = 5\n    | ^"),
            "{message}"
        );

        let message = error("[[models]]\nfamily = \"knn\"\nk = 0\n");
        assert!(
            message.starts_with("x.toml:3:1: setting `k` of knn is 0"),
            "{message}"
        );

        let message = error("[[models]]\nfamily = \"kn\"\n");
        assert!(
            message.starts_with("x.toml:2:1: there is no model family `kn`"),
            "{message}"
        );
        assert!(message.contains("did you mean `knn`?"), "{message}");

        let message = error("[[models]]\nfamily = \"knn\"\nengine = \"burn\"\n");
        assert!(
            message.starts_with("x.toml:3:1: knn has no engine `burn`"),
            "{message}"
        );

        let message = error("seeds = [1, 1]\n[[models]]\nfamily = \"knn\"\n");
        assert!(
            message.starts_with("x.toml:1:9: `seeds` is [1,1]; allowed: a list of different"),
            "{message}"
        );

        let message = error("seeds = []\n");
        assert!(message.contains("x.toml:1:9: `seeds`"), "{message}");

        let message = error("name = 'a\n");
        assert!(message.starts_with("x.toml:1:"), "{message}");

        let message = error("seeds = [1]\n");
        assert!(message.contains("no models"), "{message}");

        let message = error("[[models]]\nk = 3\n");
        assert!(message.contains("a model needs `family`"), "{message}");

        let twice = "[[models]]\nfamily = \"knn\"\n[[models]]\nfamily = \"knn\"\n";
        assert!(error(twice).contains("two models are called `knn`"));
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let message = error("name = \"é\" \u{fe}\n");
        assert!(message.starts_with("x.toml:1:12"), "{message}");
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        assert!(
            error("name = \"../x\"\n[[models]]\nfamily = \"knn\"").contains("allowed: 1 to 60")
        );
        assert!(error("name = \"..\"\n[[models]]\nfamily = \"knn\"").contains("allowed"));
    }
}
