//! From TOML to an experiment, with the place of every mistake.

use std::{ops::Range, path::Path};

use bakeoff_core::{Corruption, Settings, SpecError, record::Calibration};
use serde_json::Value;
use toml::de::DeValue;

use super::{Experiment, ExperimentError, Folds, Holdout, ModelEntry, values};
use crate::toml_tree::{Source, Table};

const KEYS: [&str; 16] = [
    "name",
    "datasets",
    "seeds",
    "validation_fraction",
    "split_seed",
    "limit_train",
    "limit_test",
    "time_limit_seconds",
    "folds",
    "fold_repeats",
    "holdout",
    "train_fractions",
    "calibrate",
    "robustness",
    "robustness_baseline",
    "models",
];

/// Keys of a model that are not settings of its family.
const MODEL_KEYS: [&str; 4] = ["name", "family", "engine", "calibrate"];

/// The experiment that a text describes.
pub(super) fn experiment(text: &str, path: &Path) -> Result<Experiment, ExperimentError> {
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
    let validation_fraction = source
        .get(
            &root,
            "validation_fraction",
            "a number from 0 to 0.5",
            |v| v.as_f64().filter(|x| (0.0..=0.5).contains(x)),
        )?
        .unwrap_or(0.1);
    let mut experiment = Experiment {
        name: source
            .get(&root, "name", values::NAME, values::name)?
            .unwrap_or(stem),
        datasets: source
            .get(
                &root,
                "datasets",
                "a list of built-in names or paths of folders",
                |v| {
                    values::list(v, |v| {
                        v.as_str().filter(|s| !s.is_empty()).map(String::from)
                    })
                },
            )?
            .unwrap_or_else(|| vec!["mnist".into()]),
        seeds: source
            .get(&root, "seeds", values::SEEDS, values::seeds)?
            .unwrap_or_else(|| vec![1]),
        validation_fraction,
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
        folds: folds(&source, &root)?,
        holdout: holdout(&source, &root)?,
        train_fractions: source
            .get(
                &root,
                "train_fractions",
                values::TRAIN_FRACTIONS,
                values::train_fractions,
            )?
            .unwrap_or_default()
            .into_iter()
            // The whole is the headline trial.
            .filter(|&share| share < 1.0)
            .collect(),
        robustness: robustness(&source, &root)?,
        robustness_baseline: None,
        models: Vec::new(),
        text: text.to_owned(),
    };
    experiment.models = models(&source, &root, validation_fraction)?;
    experiment.robustness_baseline = baseline(&source, &root, &experiment.models)?;
    Ok(experiment)
}

fn folds(source: &Source<'_>, root: Table<'_, '_>) -> Result<Option<Folds>, ExperimentError> {
    let folds = source.get(root, "folds", values::FOLDS, values::folds)?;
    let repeats = source.get(root, "fold_repeats", values::REPEATS, values::repeats)?;
    match (folds, repeats) {
        (Some(folds), repeats) => Ok(Some(Folds {
            folds,
            repeats: repeats.unwrap_or(1),
        })),
        (None, Some(_)) => Err(source.error(
            key_span(root, "fold_repeats").unwrap_or(0..0),
            "`fold_repeats` repeats nothing; say into how many parts, as in `folds = 5`".into(),
        )),
        (None, None) => Ok(None),
    }
}

fn holdout(source: &Source<'_>, root: Table<'_, '_>) -> Result<Option<Holdout>, ExperimentError> {
    let Some(value) = root.get("holdout") else {
        return Ok(None);
    };
    let table = value.get_ref().as_table().ok_or_else(|| {
        source.error(
            value.span(),
            format!("`holdout` must be {}", values::HOLDOUT),
        )
    })?;
    source.only_keys(table, "`holdout`", &["repeats", "fraction"])?;
    let repeats = source.get(table, "repeats", values::REPEATS, values::repeats)?;
    let fraction = source.get(
        table,
        "fraction",
        values::HOLDOUT_FRACTION,
        values::holdout_fraction,
    )?;
    Ok(Some(Holdout {
        repeats: repeats.unwrap_or(10),
        fraction: fraction.unwrap_or(0.2),
    }))
}

/// The corruptions asked for, each once, in the order of [`Corruption::ALL`].
fn robustness(
    source: &Source<'_>,
    root: Table<'_, '_>,
) -> Result<Vec<Corruption>, ExperimentError> {
    let Some(value) = root.get("robustness") else {
        return Ok(Vec::new());
    };
    let wrong = || {
        source.error(
            value.span(),
            format!("`robustness` must be {}", values::ROBUSTNESS),
        )
    };
    let items = match value.get_ref() {
        DeValue::Boolean(true) => return Ok(Corruption::ALL.to_vec()),
        DeValue::Boolean(false) => return Ok(Vec::new()),
        DeValue::Array(items) => items,
        _ => return Err(wrong()),
    };
    let mut asked = Vec::with_capacity(items.len());
    for item in items.iter() {
        let name = item.get_ref().as_str().ok_or_else(wrong)?;
        let corruption = Corruption::parse(name)
            .map_err(|error| source.error(item.span(), error.to_string()))?;
        if asked.contains(&corruption) {
            return Err(source.error(item.span(), format!("`{name}` is there twice")));
        }
        asked.push(corruption);
    }
    asked.sort_unstable();
    Ok(asked)
}

fn baseline(
    source: &Source<'_>,
    root: Table<'_, '_>,
    models: &[ModelEntry],
) -> Result<Option<String>, ExperimentError> {
    let there: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    let allowed = format!("the name of one of the models: {}", there.join(", "));
    source.get(root, "robustness_baseline", &allowed, |value| {
        value
            .as_str()
            .filter(|name| there.contains(name))
            .map(String::from)
    })
}

fn models(
    source: &Source<'_>,
    root: Table<'_, '_>,
    validation_fraction: f64,
) -> Result<Vec<ModelEntry>, ExperimentError> {
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
    let for_all = calibration(source, root, validation_fraction)?.flatten();
    let mut entries: Vec<ModelEntry> = Vec::with_capacity(tables.len());
    for item in tables.iter() {
        let table = item.get_ref().as_table().ok_or_else(|| {
            source.error(
                item.span(),
                format!("a model is a table, as in `{example}`"),
            )
        })?;
        let own = calibration(source, table, validation_fraction)?;
        let entry = model(source, table, item.span(), own.unwrap_or(for_all))?;
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

/// What `calibrate` says in a table, for all models or for one: `None` if it is not there.
fn calibration(
    source: &Source<'_>,
    table: Table<'_, '_>,
    validation_fraction: f64,
) -> Result<Option<Option<Calibration>>, ExperimentError> {
    let found = source.get(table, "calibrate", values::CALIBRATE, values::calibrate)?;
    match found {
        Some(Some(_)) if validation_fraction == 0.0 => Err(source.error(
            key_span(table, "calibrate").unwrap_or(0..0),
            "calibration needs a validation part, and `validation_fraction` is 0; \
             allow it some, as in `validation_fraction = 0.1`"
                .into(),
        )),
        found => Ok(found),
    }
}

fn model(
    source: &Source<'_>,
    table: Table<'_, '_>,
    at: Range<usize>,
    calibration: Option<Calibration>,
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
            .get(table, "name", values::NAME, values::name)?
            .unwrap_or(family_name),
        spec,
        calibration,
    })
}

/// Where a key of a table stands.
fn key_span(table: Table<'_, '_>, key: &str) -> Option<Range<usize>> {
    table
        .keys()
        .find(|known| known.get_ref().as_ref() == key)
        .map(|known| known.span())
}
