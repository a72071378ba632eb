//! From TOML to an experiment, with the place of every mistake.

use std::{fs, io::Read as _, ops::Range, path::Path};

use bakeoff_core::{ModelSpec, Origin, Settings, SpecError, StoreError};
use toml::{Spanned, de::DeValue};

use super::{
    error::ExperimentError,
    settings::{
        Experiment, MODEL_SETTINGS, ModelDraft, ModelEntry, SETTINGS, Setting,
        calibration_conflict, check_engine,
    },
    toml_tree::{Source, Table, key_span},
};

/// A thousand models with every setting take less.
const MOST_BYTES: u64 = 1_000_000;

/// What the list of models looks like, for errors.
const EXAMPLE: &str = "`[[models]]` with `family = \"knn\"` on the next line";

impl Experiment {
    /// Reads an experiment file.
    ///
    /// # Errors
    /// With line, column, key and what is allowed.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let bytes = read_bounded(path)?;
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = str::from_utf8(&bytes) {
            let source = Source { path, text: &text };
            let start = error.valid_up_to();
            return Err(source.error(start..start, "not UTF-8; save the file as UTF-8".into()));
        }
        Self::parse(&text, path)
    }

    /// Reads an experiment from text; `path` is for messages and the default name.
    ///
    /// # Errors
    /// With line, column, key and what is allowed.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ExperimentError> {
        let source = Source { path, text };
        let root = source.parse()?;
        let known = keys(&SETTINGS, None).chain(["models"]).collect::<Vec<_>>();
        source.only_keys(&root, "an experiment", &known)?;
        let stem = path.file_stem().unwrap_or("experiment".as_ref());
        let mut experiment = Self {
            name: stem.to_string_lossy().into_owned(),
            text: text.to_owned(),
            ..Self::default()
        };
        apply(&source, &root, &SETTINGS, &mut experiment)?;
        models(&source, &root, &mut experiment)?;
        for setting in &SETTINGS {
            if let Some(at) = setting.key.and_then(|key| key_span(&root, key))
                && let Some(problem) = (setting.conflict)(&experiment)
            {
                return Err(source.error(at, problem));
            }
        }
        Ok(experiment)
    }
}

/// Reads a file that is small enough to be an experiment: a large one is another file by mistake,
/// and to parse it would take thirty times its size of memory.
fn read_bounded(path: &Path) -> Result<Vec<u8>, StoreError> {
    let file = fs::File::open(path).map_err(StoreError::io(path))?;
    let mut bytes = Vec::new();
    // What a device or a pipe holds is not known before.
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(StoreError::io(path))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(StoreError::damaged(
            path,
            "larger than 1 MB; an experiment is a small TOML file",
        ));
    }
    Ok(bytes)
}

/// The keys of a table: the root, or the one that is called `outer`.
fn keys<T>(
    settings: &'static [Setting<T>],
    outer: Option<&str>,
) -> impl Iterator<Item = &'static str> {
    let mut before = None;
    settings
        .iter()
        .filter_map(move |setting| match (setting.key?.split_once('.'), outer) {
            (None, None) => setting.key,
            (Some((table, _)), None) => Some(table),
            (Some((table, key)), Some(outer)) => (table == outer).then_some(key),
            (None, Some(_)) => None,
        })
        // `holdout` once, for all that is in it.
        .filter(move |key| before.replace(*key) != Some(*key))
}

/// Sets every setting of `settings` to what the table says, or to its default.
fn apply<T>(
    source: &Source<'_>,
    root: Table<'_, '_>,
    settings: &'static [Setting<T>],
    target: &mut T,
) -> Result<(), ExperimentError> {
    for setting in settings {
        let Some(path) = setting.key else {
            continue;
        };
        let (table, key) = match path.split_once('.') {
            None => (root, path),
            Some((outer, key)) => {
                let Some(value) = root.get(outer) else {
                    continue;
                };
                let table = value.get_ref().as_table().ok_or_else(|| {
                    let example = format!("`{outer} = {{ {key} = {} }}`", (setting.default)());
                    let problem = format!("`{outer}` must be a table, as in {example}");
                    source.error(value.span(), problem)
                })?;
                let known: Vec<&str> = keys(settings, Some(outer)).collect();
                source.only_keys(table, &format!("`{outer}`"), &known)?;
                (table, key)
            }
        };
        let value = source.get(table, key, setting.kind)?;
        let value = value.unwrap_or_else(setting.default);
        if !value.is_null() {
            (setting.set)(target, value).map_err(|problem| {
                let at = key_span(table, key).unwrap_or(0..0);
                source.error(at, format!("`{key}`: {problem}"))
            })?;
        }
    }
    Ok(())
}

fn models(
    source: &Source<'_>,
    root: Table<'_, '_>,
    experiment: &mut Experiment,
) -> Result<(), ExperimentError> {
    let Some(value) = root.get("models") else {
        if experiment.search.is_some() {
            return Ok(());
        }
        let problem = format!("no models: add at least one, as in {EXAMPLE}");
        return Err(source.error(0..0, problem));
    };
    let not_tables = |at: Range<usize>| {
        let problem = format!("`models` must be a list of tables, as in {EXAMPLE}");
        source.error(at, problem)
    };
    let items = value.get_ref().as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| not_tables(value.span()))?;
    for item in items.iter() {
        let table = item.get_ref().as_table();
        let table = table.ok_or_else(|| not_tables(item.span()))?;
        let entry = model(source, item, table, experiment)?;
        if experiment
            .models
            .iter()
            .any(|other| other.name == entry.name)
        {
            let at = key_span(table, "name").unwrap_or(item.span());
            let problem = format!(
                "two models are called `{0}`; give one another name, as in `name = \"{0}-2\"`",
                entry.name
            );
            return Err(source.error(at, problem));
        }
        experiment.models.push(entry);
    }
    // When all are known: an ensemble may name what comes after it.
    for (at, item) in items.iter().enumerate() {
        let mut spec = experiment.models[at].spec.clone();
        let others = experiment.models.iter().enumerate();
        let others: Vec<(&str, &ModelSpec)> = others
            .filter(|(other, _)| *other != at)
            .map(|(_, model)| (model.name.as_str(), &model.spec))
            .collect();
        let named = bakeoff_zoo::name_members(&mut spec, &others);
        let missing = named.and_then(|()| check_engine(&spec));
        let missing = missing.map_err(|error| at_key(source, item, &error))?;
        let model = &mut experiment.models[at];
        model.spec = spec;
        // What this program lacks is an error only where it is used.
        experiment.not_built.extend(missing.map(|error| {
            let error = at_key(source, item, &error);
            (model.name.clone(), error.to_string())
        }));
    }
    Ok(())
}

/// The error of a model, at the key at fault or at the model.
fn at_key(source: &Source<'_>, item: &Spanned<DeValue<'_>>, error: &SpecError) -> ExperimentError {
    let table = item.get_ref().as_table();
    let key = error.key().zip(table);
    let place = key.and_then(|(key, table)| key_span(table, key));
    source.error(place.unwrap_or(item.span()), error.to_string())
}

/// The model that an item of the list, which is this table, describes.
fn model(
    source: &Source<'_>,
    item: &Spanned<DeValue<'_>>,
    table: Table<'_, '_>,
    experiment: &Experiment,
) -> Result<ModelEntry, ExperimentError> {
    let mut draft = ModelDraft::default();
    apply(source, table, &MODEL_SETTINGS, &mut draft)?;
    let at_key = |error: SpecError| at_key(source, item, &error);
    let family_name = draft.family.ok_or_else(|| {
        let families: Vec<&str> = bakeoff_zoo::families().iter().map(|f| f.name).collect();
        let problem = format!("a model needs `family`; there are: {}", families.join(", "));
        source.error(item.span(), problem)
    })?;
    let family = bakeoff_zoo::family(&family_name).map_err(&at_key)?;
    let mut settings = Settings::new();
    for (key, value) in table.iter() {
        let key = key.get_ref().as_ref();
        if !keys(&MODEL_SETTINGS, None).any(|known| known == key) {
            settings.insert(key.to_owned(), source.value(value)?);
        }
    }
    let mut spec = family
        .resolve(draft.engine.as_deref(), &settings)
        .map_err(&at_key)?;
    if let Origin::Program(read_files) | Origin::File(read_files) = family.origin {
        let folder = source.path.parent().unwrap_or(Path::new(""));
        read_files(&mut spec, folder).map_err(&at_key)?;
    }
    if let Some(own) = draft.calibration
        && let Some(problem) = calibration_conflict(experiment, own)
    {
        return Err(source.error(key_span(table, "calibrate").unwrap_or(item.span()), problem));
    }
    Ok(ModelEntry {
        name: draft.name.unwrap_or(family_name),
        spec,
        calibration: draft.calibration.unwrap_or(experiment.calibration),
    })
}
