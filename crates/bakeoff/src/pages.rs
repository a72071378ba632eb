//! Writing what people look at: a run's report, and the index of a folder of runs.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use bakeoff_bench::RunFolder;
use bakeoff_core::{
    Layers, NO_LAYERS,
    record::{PlannedTrial, Record, Run},
};
use bakeoff_report::{INDEX_MARK, IndexedRun, Leaderboard};
use bakeoff_store::files;

use crate::Error;

/// Renders a run from its records and writes everything derived: report, charts, leaderboard.
///
/// Models that can answer inside the page are taken from the folder `models`; without it, or
/// without them, the page leaves out the part to draw in.
///
/// # Errors
/// When the records cannot be read, do not fit each other, or a file cannot be written.
pub fn render(run: &RunFolder, models: Option<&Path>) -> Result<Leaderboard, Error> {
    let records = run.read()?;
    let mut options = bakeoff_report::Options::default();
    if let Some(models) = models {
        options.layers = layers(&records, models);
    }
    let rendered = bakeoff_report::render(&records, &options)?;
    run.write_derived("leaderboard.json", rendered.leaderboard_json.as_bytes())?;
    run.write_derived("leaderboard.csv", rendered.leaderboard_csv.as_bytes())?;
    run.clear_derived("charts", "svg")?;
    for (name, svg) in &rendered.charts {
        run.write_derived(&format!("charts/{name}.svg"), svg.as_bytes())?;
    }
    run.write_derived("report.html", rendered.html.as_bytes())?;
    Ok(rendered.leaderboard)
}

/// The models of a run that can answer inside its page, by trial id. One that was
/// replaced by another run's or cannot be read is named with its reason: a report is
/// rendered from records, and models are an extra.
fn layers(records: &Run, models: &Path) -> BTreeMap<String, Result<Layers, String>> {
    let of_trial = |planned: &PlannedTrial| -> Result<Layers, String> {
        // A program may need consent to be read, and neither it nor a given file is layers of ours.
        let family = bakeoff_zoo::family(&planned.trial.spec.family);
        if family.is_ok_and(|family| family.is_program() || family.is_trained_elsewhere()) {
            return Err(NO_LAYERS.to_owned());
        }
        let not_here = || "the model is not saved here".to_owned();
        let save_as = planned.save_as.as_ref().ok_or_else(not_here)?;
        let data = &planned.trial.data.fingerprint;
        let (dataset, name) = (&save_as.dataset, &save_as.model);
        let folder = bakeoff_store::of_trial(models, dataset, data, name, &planned.id)
            .ok_or_else(not_here)?;
        let loaded = bakeoff_store::load(&folder, bakeoff_zoo::family)
            .map_err(|_| "its file is damaged".to_owned())?;
        let layers = loaded.model.layers();
        layers.ok_or_else(|| loaded.model.why_no_layers().to_owned())
    };
    records
        .plan
        .iter()
        .filter(|planned| {
            // Of models of other programs there are the predictions alone.
            let measured = records.records.get(&planned.id).and_then(Record::measured);
            measured.is_some_and(|measured| measured.external.is_none())
        })
        .map(|planned| (planned.id.clone(), of_trial(planned)))
        .collect()
}

/// Whether a folder has an index that bakeoff wrote.
pub fn has_index(folder: &Path) -> bool {
    files::read_to_string(&folder.join("index.html")).is_ok_and(|text| text.contains(INDEX_MARK))
}

/// Whether a folder holds runs.
pub fn holds_runs(folder: &Path) -> bool {
    runs_in(folder).is_ok_and(|runs| !runs.is_empty())
}

/// Writes `index.html` over all runs of a folder. One that bakeoff did not write is left
/// alone; then there is nothing to say where the index is.
///
/// # Errors
/// When the folder cannot be read or the index not be written.
pub fn write_index(folder: &Path) -> Result<Option<PathBuf>, Error> {
    let path = folder.join("index.html");
    if path.exists() && !has_index(folder) {
        return Ok(None);
    }
    // Two runs that end at once take turns, so that neither index misses the other's run;
    // the lock goes with the process.
    let lock_path = folder.join(".index.lock");
    let lock = files::check_if_there(&lock_path)
        .and_then(|()| File::create(&lock_path))
        .and_then(|lock| lock.lock().map(|()| lock))
        .map_err(Error::io(&lock_path))?;
    let runs: Vec<IndexedRun> = runs_in(folder)?.iter().map(|path| indexed(path)).collect();
    let html = bakeoff_report::index(&runs)?;
    bakeoff_store::atomic::remove_temporaries(folder);
    bakeoff_store::atomic::write_whole(&path, html.as_bytes()).map_err(Error::io(&path))?;
    drop(lock);
    Ok(Some(path))
}

/// The folders of runs within a folder, sorted.
fn runs_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    let mut runs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("run.json").is_file())
        .collect();
    runs.sort();
    Ok(runs)
}

fn indexed(path: &Path) -> IndexedRun {
    let folder = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let found = RunFolder::open(path)
        .and_then(|run| run.info())
        .map(|info| {
            (
                info,
                files::read_to_string(&path.join("leaderboard.json")).ok(),
            )
        })
        .map_err(|error| error.to_string());
    let found = match path.is_symlink() && files::leads_out(path, path.parent().unwrap_or(path)) {
        true => Err("it is a link out of the folder of runs, and is not read".to_owned()),
        false => found,
    };
    IndexedRun { folder, found }
}
