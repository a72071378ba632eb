//! One file per command, and what several of them share.

mod answers;
pub(crate) mod completions;
pub(crate) mod data;
mod data_check;
mod data_files;
mod data_get;
pub(crate) mod diff;
pub(crate) mod evaluate;
pub(crate) mod export;
mod export_mlflow;
pub(crate) mod export_model;
pub(crate) mod import;
pub(crate) mod man;
pub(crate) mod models;
pub(crate) mod pictures;
pub(crate) mod plan;
pub(crate) mod predict;
mod predict_digits;
mod predict_table;
pub(crate) mod prepare;
mod prepared_files;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod rank;
pub(crate) mod report;
pub(crate) mod run;
mod search;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod trial;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use bakeoff_ask::Model;
use bakeoff_bench::{
    Experiment, ExperimentError, Interruption, Pulled, RunFolder, SharedRun, builtin_experiment,
    builtin_experiments, is_address,
};
use bakeoff_core::{Origin, StoreError, did_you_mean, record::PlannedTrial};
use bakeoff_store::atomic;

use crate::{args::CacheArgs, interrupt::SIGNALLED, overrides::OverrideArgs, text};

/// The experiment of that name or file, with the command line's changes.
fn experiment(name: &str, overrides: &OverrideArgs) -> anyhow::Result<Experiment> {
    let path = Path::new(name);
    let experiment = match builtin_experiment(name) {
        // A file of the same name comes before the built-in one.
        Some(builtin) if !path.is_file() => builtin?,
        _ => Experiment::read(path).map_err(|error| match error {
            ExperimentError::Io(StoreError::Io { .. }) => anyhow::anyhow!(
                "{error}{}; an experiment is a file, or one of: {}",
                did_you_mean(name, builtin_experiments()),
                builtin_experiments().collect::<Vec<_>>().join(", ")
            ),
            other => other.into(),
        })?,
    };
    Ok(experiment.with(&overrides.0)?)
}

/// A run by its folder or by its address in a store; then with the store, and in a folder below that
/// of caches.
fn run_at(run: &Path, cache: &CacheArgs) -> anyhow::Result<(RunFolder, Option<SharedRun>)> {
    let address = run.to_string_lossy();
    if !is_address(&address) {
        return Ok((RunFolder::open(run)?, None));
    }
    let shared = SharedRun::at(&address)?;
    let folder = shared.in_cache(&cache_folder(cache)?)?;
    Ok((folder, Some(shared)))
}

/// Says which records of a store cannot be used; their trials count as missing.
fn say_damaged(pulled: &Pulled) {
    for damaged in &pulled.damaged {
        text::note(format_args!(
            "warning: {}; its trial counts as missing, and the next attempt replaces it",
            damaged
        ));
    }
}

/// The folder of caches: as it is stated, or where the system keeps those of programs.
fn cache_folder(cache: &CacheArgs) -> anyhow::Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let of_system = || {
        let home = || Some(Path::new(&set("HOME")?).join(".cache"));
        let parent = set("XDG_CACHE_HOME").or_else(|| set("LOCALAPPDATA"));
        let parent = parent.map(PathBuf::from).or_else(home);
        parent.map(|parent| parent.join("bakeoff"))
    };
    let chosen = cache.cache.clone().or_else(of_system);
    chosen
        .context("no folder is known for files of a store: state --cache DIR or set BAKEOFF_CACHE")
}

/// The saved model of that name; says which one is used where the name could mean several.
fn saved_model(models_dir: &Path, name: &str) -> anyhow::Result<Model> {
    let (model, others) = Model::open(models_dir, name)?;
    if !others.is_empty() {
        text::note(format_args!(
            "note: using {}, the newest {name}; there {} {} too",
            model.name(),
            if others.len() == 1 { "is" } else { "are" },
            others.join(", ")
        ));
    }
    Ok(model)
}

/// Says how the data of a run were read, where something should be known about it.
fn notes(folder: &RunFolder) -> anyhow::Result<()> {
    for dataset in folder.info()?.datasets {
        for note in &dataset.notes {
            text::note(format_args!("{}: {note}", dataset.name));
        }
    }
    Ok(())
}

/// Writes a file that the command line names: whole, or what was there stays. What is no file (a pipe,
/// `/dev/stdout`) is written to.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = match fs::symlink_metadata(path).is_ok_and(|about| !about.is_file()) {
        true => fs::write(path, bytes),
        false => atomic::write_whole(path, bytes),
    };
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Success, or exit code 1.
fn exit_code(success: bool) -> ExitCode {
    match success {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The exit code of a run that something from outside ended: as if the signal had ended it.
fn interrupted(interruption: &Interruption) -> ExitCode {
    let signalled = interruption.signal.map(|signal| SIGNALLED + signal);
    signalled
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Says if programs that are trained will not answer later without consent, and why.
fn warn_of_no_trust(plan: &[PlannedTrial]) {
    let is_saved_program = |trial: &PlannedTrial| {
        trial.save_as.is_some()
            && bakeoff_zoo::family(&trial.trial.spec.family)
                .is_ok_and(|family| matches!(family.origin, Origin::Program(_)))
    };
    if plan.iter().any(is_saved_program)
        && let Err(error) = bakeoff_zoo::check_list()
    {
        text::note(format_args!(
            "warning: the models of the family `command` cannot be noted as trained by you, so that \
             they answer later with --allow-commands only: {error}"
        ));
    }
}

/// The command line that was typed, for the report. The program is called by its plain name,
/// because its path is of no use to a reader.
fn command_line() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let quoted = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
    format!("bakeoff {quoted}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_experiment_is_told_the_builtin_one_that_is_meant() {
        let error = experiment("qiuck", &OverrideArgs::default()).map(|it| it.name);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("did you mean `quick`?"), "{error}");
    }
}
