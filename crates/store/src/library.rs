//! Saved models on disk: `<models>/<dataset>/<name>/`.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bakeoff_core::{Family, FittedModel, SpecError, StoreError, to_hex};
use sha2::{Digest, Sha256};

use crate::{
    atomic,
    calibrated::Calibrated,
    files,
    manifest::{FORMAT_VERSION, Manifest, ModelFacts, WeightsFile},
    tensors::{TensorFile, TensorMap},
};

/// The name of the file that is written last, and says what the model is.
pub const MANIFEST: &str = "manifest.json";

/// Finds a family by its name: `bakeoff_zoo::family`. Saved models know no family.
pub type FindFamily = fn(&str) -> Result<&'static Family, SpecError>;

/// Where a model was saved and how large it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedModel {
    /// The model's folder.
    pub folder: PathBuf,
    /// Manifest and weights together.
    pub bytes: u64,
}

/// A model that was read, with its manifest.
pub struct LoadedModel {
    /// `<dataset>/<name>`, from the folders, as in [`Listed`]: the name of a model that was
    /// copied or renamed is that of its folder, not that in its manifest.
    pub full_name: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// Ready to answer.
    pub model: Box<dyn FittedModel>,
}

/// A model found in a folder of models: its manifest, or why that cannot be read.
#[derive(Debug)]
pub struct Listed {
    /// `<dataset>/<name>`, from the folders.
    pub full_name: String,
    /// The model's folder.
    pub folder: PathBuf,
    /// Its manifest, or why it cannot be read. A damaged model never hides the others.
    pub manifest: Result<Manifest, StoreError>,
}

/// Whether `name` can be one folder's name on any system, and nothing else.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('.')
        && name.trim() == name
        && !name
            .chars()
            .any(|c| c.is_control() || "/\\:*?\"<>|".contains(c))
}

/// What a name may be, in words.
pub const NAME_RULE: &str = "use 1 to 100 letters, digits, - or _ (or other characters but / \\ : * ? \" < > | and \
     control characters; no dot first, no blank at an end)";

/// Refuses what cannot be one of the two parts of a saved model's name.
///
/// # Errors
/// With what is allowed.
pub fn check_name(name: &str) -> Result<(), StoreError> {
    match is_plain_name(name) {
        true => Ok(()),
        false => Err(StoreError::Inconsistent(format!(
            "`{}` cannot be part of a saved model's name: {NAME_RULE}",
            name.escape_debug()
        ))),
    }
}

/// The folders that models of a dataset of this name can lie in: `data`, and `data-1a2b3c4d` by
/// its fingerprint where `data` is of another dataset.
fn dataset_folders(dataset: &str, fingerprint: &str) -> [String; 2] {
    let start: String = fingerprint.chars().take(8).collect();
    [dataset.to_owned(), format!("{dataset}-{start}")]
}

/// Whether a folder is that of another dataset: so says the model that would be replaced, else any
/// one of its models, because they are all of one dataset. To read them all would make the cost of
/// saving many models quadratic. One that cannot be read says nothing.
fn is_of_another(folder: &Path, facts: &ModelFacts) -> Result<bool, StoreError> {
    let of_another = |model: &Path| {
        let manifest = read_manifest(model).ok()?;
        Some(!manifest.facts.same_dataset(facts))
    };
    if let Some(answer) = of_another(&folder.join(&facts.name)) {
        return Ok(answer);
    }
    let entries = fs::read_dir(folder).map_err(StoreError::io(folder))?;
    let mut answers = entries.filter_map(|entry| of_another(&entry.ok()?.path()));
    Ok(answers.next().unwrap_or(false))
}

/// The folder for models of this dataset, and the lock by which processes that save models of a
/// dataset of this name take turns; it ends with the process.
fn own_folder(models: &Path, facts: &ModelFacts) -> Result<(PathBuf, File), StoreError> {
    let folder = |name: &str| -> Result<(PathBuf, File), StoreError> {
        let folder = models.join(name);
        fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
        let path = models.join(format!(".{name}.lock"));
        files::check_if_there(&path).map_err(StoreError::io(&path))?;
        let lock = File::create(&path).map_err(StoreError::io(&path))?;
        lock.lock().map_err(StoreError::io(&path))?;
        Ok((folder, lock))
    };
    let [first, second] = dataset_folders(&facts.dataset, &facts.data_fingerprint);
    let (path, lock) = folder(&first)?;
    match is_of_another(&path, facts)? {
        false => Ok((path, lock)),
        true => folder(&second),
    }
}

/// The folder of the model that a trial saved under this name, if it is still there.
pub fn of_trial(
    models: &Path,
    dataset: &str,
    fingerprint: &str,
    name: &str,
    trial: &str,
) -> Option<PathBuf> {
    dataset_folders(dataset, fingerprint)
        .iter()
        .map(|dataset| models.join(dataset).join(name))
        .find(|folder| read_manifest(folder).is_ok_and(|found| found.facts.trial == trial))
}

/// Saves a model as `<models>/<dataset>/<name>/`, replacing one of the same name only
/// once the new one is whole. A model of another dataset of the same name is left alone:
/// the new one is saved as `<models>/<dataset>-<fingerprint>/<name>/`.
///
/// # Errors
/// When a name is not possible for a folder, the model cannot be saved, or the disk fails;
/// the model that was there before is then still there.
pub fn save(
    models: &Path,
    model: &dyn FittedModel,
    facts: ModelFacts,
) -> Result<SavedModel, StoreError> {
    check_name(&facts.dataset)?;
    check_name(&facts.name)?;
    if facts.class_names.len() != model.classes() {
        return Err(StoreError::Inconsistent(format!(
            "{} class names for a model of {} classes",
            facts.class_names.len(),
            model.classes()
        )));
    }
    let mut tensors = TensorMap::default();
    model.save(&mut tensors)?;
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        bakeoff_version: env!("CARGO_PKG_VERSION").into(),
        input_shape: model.input_shape(),
        preprocessing: "pixels as bytes 0..=255, light ink on dark ground, N×C×H×W; \
                        the family scales them as it needs"
            .into(),
        parameters: model.parameters(),
        temperature: model.temperature(),
        weights: WeightsFile {
            file: String::new(),
            bytes: 0,
            sha256: String::new(),
        },
        checksum: String::new(),
        facts,
    };
    place(models, manifest, move |file, path| {
        tensors.write_to(file, path)
    })
}

/// Saves a model that lies in a folder from elsewhere, as [`save`] does; `dataset` is what its
/// dataset is called here.
///
/// # Errors
/// When it is damaged, or the disk fails; the model that was there before is then still there.
pub fn import(models: &Path, folder: &Path, dataset: &str) -> Result<SavedModel, StoreError> {
    bring(models, folder, dataset, |from, _, out| {
        io::copy(&mut File::open(from)?, out).map(drop)
    })
}

/// [`import`] of a model whose folder is not needed any more: its weights are moved, where both
/// folders are on one disk.
///
/// # Errors
/// As of [`import`].
pub fn adopt(models: &Path, folder: &Path, dataset: &str) -> Result<SavedModel, StoreError> {
    bring(models, folder, dataset, |from, to, out| {
        fs::rename(from, to).or_else(|_| io::copy(&mut File::open(from)?, out).map(drop))
    })
}

/// Saves a model that lies in a folder; `weights` brings its weights from their path to another,
/// which is open.
fn bring(
    models: &Path,
    folder: &Path,
    dataset: &str,
    weights: impl FnOnce(&Path, &Path, &mut File) -> io::Result<()>,
) -> Result<SavedModel, StoreError> {
    let mut manifest = read_manifest(folder)?;
    manifest.facts.dataset = dataset.into();
    let path = folder.join(&manifest.weights.file);
    let (bytes, sha256) = measured(&path).map_err(StoreError::io(&path))?;
    if (bytes, &sha256) != (manifest.weights.bytes, &manifest.weights.sha256) {
        return Err(StoreError::damaged(
            &path,
            "the checksum does not match: the file was altered or damaged",
        ));
    }
    place(models, manifest, move |file, to| {
        weights(&path, to, file).map_err(StoreError::io(&path))
    })
}

/// Brings a model into its folder: the weights that `write` writes, then its manifest, completed.
fn place(
    models: &Path,
    mut manifest: Manifest,
    write: impl FnOnce(&mut File, &Path) -> Result<(), StoreError>,
) -> Result<SavedModel, StoreError> {
    check_name(&manifest.facts.dataset)?;
    check_name(&manifest.facts.name)?;
    let (dataset, _lock) = own_folder(models, &manifest.facts)?;
    manifest.facts.dataset = file_name(&dataset);
    let folder = dataset.join(&manifest.facts.name);
    fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
    atomic::remove_temporaries(&folder);

    let mut unnamed = atomic::temporary(&folder).map_err(StoreError::io(&folder))?;
    let path = unnamed.path().to_owned();
    write(unnamed.as_file_mut(), &path)?;
    let (bytes, sha256) = measured(&path).map_err(StoreError::io(&path))?;
    // Named by content: the old manifest names the old weights until the new manifest
    // replaces it.
    let file = format!("weights-{}.safetensors", &sha256[..12]);
    let weights_path = folder.join(&file);
    atomic::keep(unnamed, &weights_path).map_err(StoreError::io(&weights_path))?;
    manifest.weights = WeightsFile {
        file: file.clone(),
        bytes,
        sha256,
    };
    manifest.checksum = manifest.computed_checksum();
    let text = manifest_text(&manifest)?;
    let manifest_path = folder.join(MANIFEST);
    atomic::write_whole(&manifest_path, &text).map_err(StoreError::io(&manifest_path))?;
    atomic::remove_where(&folder, |name| name.starts_with("weights-") && name != file);
    Ok(SavedModel {
        bytes: bytes + text.len() as u64,
        folder,
    })
}

/// The length of a file and the SHA-256 of its content, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn measured(path: &Path) -> io::Result<(u64, String)> {
    measured_file(&File::open(path)?)
}

fn measured_file(mut file: &File) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let (mut part, mut bytes) = (vec![0; 1 << 16], 0);
    loop {
        match file.read(&mut part)? {
            0 => return Ok((bytes, to_hex(&hasher.finalize()))),
            read => {
                hasher.update(&part[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// A manifest as it is written.
fn manifest_text(manifest: &Manifest) -> Result<Vec<u8>, StoreError> {
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| StoreError::Inconsistent(error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

/// The longest manifest that is read, far more than 65,536 names of classes take.
const MOST_MANIFEST_MIB: u64 = 64;

/// Reads and checks a model's manifest, without its weights.
///
/// # Errors
/// Naming the file: missing, not a manifest, another version, or altered.
pub fn read_manifest(folder: &Path) -> Result<Manifest, StoreError> {
    let path = folder.join(MANIFEST);
    let text = files::read_small(&path, MOST_MANIFEST_MIB)?;
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| {
        StoreError::damaged(&path, format!("not a manifest: {error}; train it again"))
    })?;
    // The version first: the fields of another version may well be others.
    let version = value.get("format_version").and_then(|v| v.as_u64());
    if version != Some(u64::from(FORMAT_VERSION)) {
        return Err(StoreError::damaged(
            &path,
            format!(
                "format version {}, this bakeoff reads {FORMAT_VERSION}; train it again or use the bakeoff that wrote it",
                version.map_or("unknown".into(), |v| v.to_string())
            ),
        ));
    }
    let manifest: Manifest = serde_json::from_value(value).map_err(|error| {
        StoreError::damaged(&path, format!("not a manifest: {error}; train it again"))
    })?;
    // The second half finds what the parser ignores, such as an unknown key instead of an
    // optional one.
    if manifest.checksum != manifest.computed_checksum() || manifest_text(&manifest)? != text {
        return Err(StoreError::damaged(
            &path,
            "the checksum does not match: the file was altered or damaged; train it again",
        ));
    }
    if !is_plain_name(&manifest.weights.file) {
        return Err(StoreError::damaged(
            &path,
            "the weights must lie in the same folder",
        ));
    }
    Ok(manifest)
}

/// Reads a model from its folder.
///
/// # Errors
/// Naming the file: missing, damaged (by checksum), of another version, or weights that
/// contradict the settings. Nothing larger than the files themselves is allocated.
pub fn load(folder: &Path, family: FindFamily) -> Result<LoadedModel, StoreError> {
    let mut loaded = load_as_fitted(folder, family)?;
    if let Some(temperature) = loaded.manifest.temperature {
        let calibrated = Calibrated::new(loaded.model, temperature)
            .map_err(|error| error.in_file(folder.join(MANIFEST)))?;
        loaded.model = Box::new(calibrated);
    }
    Ok(loaded)
}

/// The same without its temperature: the model as it was before it was calibrated.
///
/// # Errors
/// As [`load`].
pub fn load_as_fitted(folder: &Path, family: FindFamily) -> Result<LoadedModel, StoreError> {
    let manifest = read_manifest(folder)?;
    let path = folder.join(&manifest.weights.file);
    let found = fs::metadata(&path)
        .map_err(|error| StoreError::damaged(&path, format!("{error}; train it again")))?
        .len();
    if found != manifest.weights.bytes {
        return Err(StoreError::damaged(
            &path,
            format!(
                "{found} bytes, the manifest says {}; train it again",
                manifest.weights.bytes
            ),
        ));
    }
    let file = files::open(&path).map_err(StoreError::io(&path))?;
    let (_, sha256) = measured_file(&file).map_err(StoreError::io(&path))?;
    if sha256 != manifest.weights.sha256 {
        return Err(StoreError::damaged(
            &path,
            "the checksum does not match: the file was altered or damaged; train it again",
        ));
    }
    let spec = &manifest.facts.spec;
    let family = family(&spec.family)
        .map_err(|error| StoreError::damaged(&folder.join(MANIFEST), error.to_string()))?;
    // The settings are checked even if the family does not need them to load. A model of an earlier
    // version lacks newer ones: their defaults do what it did.
    let spec = &family
        .resolve(Some(&spec.engine), &spec.settings)
        .map_err(|error| StoreError::damaged(&folder.join(MANIFEST), error.to_string()))?;
    let mut tensors = TensorFile::open(&file).map_err(|error| error.in_file(&path))?;
    let model = family
        .load(spec, &manifest.header(), &mut tensors)
        .map_err(|error| error.in_file(&path))?;
    if model.input_shape() != manifest.input_shape
        || model.classes() != manifest.facts.class_names.len()
    {
        return Err(StoreError::damaged(
            &path,
            "the weights are of another shape than the manifest says",
        ));
    }
    Ok(LoadedModel {
        full_name: full_name(folder),
        manifest,
        model,
    })
}

/// Every saved model in a folder, sorted by full name; none if the folder is missing.
///
/// # Errors
/// When the folder exists but cannot be read.
pub fn list(models: &Path) -> Result<Vec<Listed>, StoreError> {
    let mut listed = Vec::new();
    for dataset in folders(models)? {
        for folder in folders(&dataset)? {
            // A link that leads nowhere is there, too: a model that cannot be read is named.
            if folder.join(MANIFEST).symlink_metadata().is_err() {
                continue;
            }
            listed.push(Listed {
                full_name: full_name(&folder),
                manifest: match files::leads_out(&folder, models) {
                    false => read_manifest(&folder),
                    true => Err(StoreError::damaged(
                        &folder,
                        "a link out of the folder of models: copy the model there, or name its \
                         own folder of models with --models-dir",
                    )),
                },
                folder,
            });
        }
    }
    Ok(listed)
}

/// The name that is never ambiguous: `mnist/cnn`.
fn full_name(folder: &Path) -> String {
    let dataset = folder.parent().map(file_name).unwrap_or_default();
    format!("{dataset}/{}", file_name(folder))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The folders within a folder, sorted; none if it is missing.
fn folders(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(StoreError::io(path))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::io(path))?;
        if entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
