//! `bakeoff export --mlflow`: a run into a file store of MLflow.

use std::{
    fs, io,
    path::{Component, Path, absolute},
};

use anyhow::{Context as _, bail};
use bakeoff_bench::RunFolder;
use bakeoff_core::{percent_encoded, quoted};
use bakeoff_measures::format;
use bakeoff_report::{
    Options,
    export::{MLFLOW_RUN_TAG, mlflow},
    render,
    terminal::Lines,
};
use bakeoff_store::files;

use crate::text;

pub(crate) fn main(run: &RunFolder, store: &Path) -> anyhow::Result<()> {
    let store = absolute(store).with_context(|| store.display().to_string())?;
    let name = run.info()?.name;
    let records = run.read()?;
    let rendered = render(&records, &Options::default())?;
    let found = mlflow(&records, &rendered, &uri(&store)?)?;
    let experiment = store.join(&found.experiment);
    check_store(&store, &experiment)?;
    make_room(&store, &experiment, &name)?;
    for file in &found.files {
        // Paths of an export are relative and made of safe names. Thousands of small files, which
        // exporting again mends: they are not forced to the disk one by one.
        let path = store.join(&file.path);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&store))?;
            fs::write(&path, &file.bytes)
        };
        write().with_context(|| path.display().to_string())?;
    }
    for folder in &found.folders {
        let path = store.join(folder);
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
    }
    let bytes: usize = found.files.iter().map(|file| file.bytes.len()).sum();
    let mut out = Lines::new();
    out.line(format_args!(
        "{}: experiment {name} with {}, {}",
        store.display(),
        format::counted(found.runs as u64, "run", "runs"),
        text::bytes(bytes as u64)
    ));
    out.line(format_args!(
        "Look at it: MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {}",
        quoted(&store.to_string_lossy())
    ));
    text::print(&out)
}

/// Refuses a folder that holds something else than a file store, or what an export of this experiment left that
/// was cut off.
fn check_store(store: &Path, experiment: &Path) -> anyhow::Result<()> {
    let is_artifacts = |part: Component<'_>| part.as_os_str() == "artifacts";
    if store.components().any(is_artifacts) {
        bail!(
            "{}: MLflow finds no runs below a folder that is called artifacts: choose another one",
            store.display()
        );
    }
    let entries = match fs::read_dir(store) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| store.display().to_string())?,
    };
    let mut is_empty = true;
    for entry in entries {
        let path = entry.with_context(|| store.display().to_string())?.path();
        if path.join("meta.yaml").is_file() || path.ends_with(".trash") || path == experiment {
            return Ok(());
        }
        is_empty = false;
    }
    if !is_empty {
        bail!(
            "{} is no file store of MLflow and not empty: choose another folder, such as {}",
            store.display(),
            store.join("mlruns").display()
        );
    }
    Ok(())
}

/// Takes out what an earlier export of the same run left, so that nothing old is beside the new; runs that
/// others added to the experiment stay.
fn make_room(store: &Path, experiment: &Path, name: &str) -> anyhow::Result<()> {
    if let Some(id) = experiment.file_name()
        && store.join(".trash").join(id).exists()
    {
        bail!(
            "the experiment {name} was deleted in MLflow and is still in {}: restore it with `mlflow experiments \
             restore`, or remove that folder",
            store.join(".trash").display()
        );
    }
    if !experiment.exists() {
        return Ok(());
    }
    let is_of = |folder: &Path| {
        let tag = folder.join("tags").join(MLFLOW_RUN_TAG);
        files::read_to_string(&tag).is_ok_and(|text| text == name)
    };
    // Without its description it is none for MLflow yet: its tags are written before.
    if experiment.join("meta.yaml").exists() && !is_of(experiment) {
        bail!(
            "{} is not of this run: choose another folder",
            experiment.display()
        );
    }
    let context = || experiment.display().to_string();
    for entry in fs::read_dir(experiment).with_context(context)? {
        let entry = entry.with_context(context)?;
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_of(&path) {
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// A folder as MLflow names it.
fn uri(folder: &Path) -> anyhow::Result<String> {
    let mut uri = "file://".to_owned();
    for part in folder.components() {
        let text = part.as_os_str().to_str().with_context(|| {
            format!(
                "{} is not Unicode, and MLflow needs its name in a URI",
                folder.display()
            )
        })?;
        match part {
            Component::RootDir | Component::CurDir => {}
            // A drive of Windows.
            Component::Prefix(_) => uri += &format!("/{text}"),
            _ => uri += &format!("/{}", percent_encoded(text)),
        }
    }
    Ok(uri)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_as_a_uri() {
        let found = uri(Path::new("/data/my runs/50%/é")).unwrap();
        assert_eq!(found, "file:///data/my%20runs/50%25/%C3%A9");
    }
}
