//! From a folder to the store.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bakeoff_core::{
    StoreError,
    record::{PlannedTrial, Record},
};

use super::{generation, models, receive::Stored, shared::SharedRun};
use crate::{
    error::BenchError,
    files::{RUN_AGAIN, read_sealed},
    packs::{self, Packed},
    reported_parts::FOLDERS,
    run_folder::RunFolder,
    state::TrialState,
};

/// What was put into a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// The packed datasets.
    pub data: Vec<Packed>,
    /// Records that are new there.
    pub records: usize,
}

/// What became of a record that was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// It is the trial's record.
    First,
    /// Another attempt was quicker, and this is its record, which counts.
    Second(Box<Record>),
}

impl SharedRun {
    /// Puts a run there: what trials need, and the records that it has. What is there already stays.
    /// With `data`, datasets are packed and put there too.
    ///
    /// # Errors
    /// When another run is there, data cannot be read, or the store or the disk refuses. A second
    /// call goes on where the first one ended.
    pub fn push(
        &self,
        run: &RunFolder,
        data: bool,
        models: Option<&Path>,
    ) -> Result<Pushed, BenchError> {
        let mut pushed = Pushed::default();
        let info = run.path().join("run.json");
        let is_new = !self.has("run.json", &info)?;
        let plan = run.path().join("plan.jsonl");
        if !self.objects.create_one("plan.jsonl", &plan)? {
            self.has("plan.jsonl", &plan)?;
        }
        for folder in FOLDERS {
            self.objects.create(&files(run, folder)?)?;
        }
        if data {
            pushed.data = run.pack_data()?;
            self.objects.create(&files(run, packs::FOLDER)?)?;
        }
        if is_new {
            self.objects.create_one("run.json", &info)?;
        }
        // All that follows trusts in this.
        if self.objects.create_one("run.json", &info)? {
            return Err(BenchError::Objects {
                address: self.objects.address("run.json"),
                reason: "this store replaces objects although it is asked not to (If-None-Match: *), so \
                         that attempts could overwrite each other's records; use another store"
                    .into(),
            });
        }
        let names = self.objects.names("records/")?;
        let there = generation::highest(&names);
        for trial in run.plan()? {
            if !there.contains_key(trial.id.as_str())
                && let TrialState::Recorded(record) = run.state(&trial)?
            {
                let sent = self.send(run, &trial, &record, &Stored::Missing, models)?;
                pushed.records += usize::from(sent == Sent::First);
            }
        }
        Ok(pushed)
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// When it is and differs from a file.
    fn has(&self, name: &str, file: &Path) -> Result<bool, BenchError> {
        let Some(found) = self.bytes(name)? else {
            return Ok(false);
        };
        match found == fs::read(file).map_err(StoreError::io(file))? {
            true => Ok(true),
            false => Err(BenchError::Objects {
                address: self.objects.address(name),
                reason: "another run is there; choose another address".into(),
            }),
        }
    }

    /// The bytes of a small object.
    fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, BenchError> {
        let folder = tempfile::tempdir().map_err(StoreError::io(&std::env::temp_dir()))?;
        let path = folder.path().join("object");
        Ok(match self.objects.fetch_one(name, &path)? {
            true => Some(fs::read(&path).map_err(StoreError::io(&path))?),
            false => None,
        })
    }

    /// Sends a trial's record, after all that belongs to it: its files, and the model that it saved
    /// in `models`. `stored` is what was there before.
    ///
    /// # Errors
    /// When the store or the disk refuses. What was sent until then does no harm.
    pub fn send(
        &self,
        run: &RunFolder,
        trial: &PlannedTrial,
        record: &Record,
        stored: &Stored,
        models: Option<&Path>,
    ) -> Result<Sent, BenchError> {
        let (id, generation) = (trial.id.as_str(), stored.generation() + 1);
        let measured = record.measured();
        let sidecars = measured.iter().flat_map(|measured| measured.sidecars());
        let mut files: Vec<(String, PathBuf)> = sidecars
            .map(|sidecar| {
                let name = generation::sidecar(id, generation, &sidecar.file);
                (name, run.records().join(&sidecar.file))
            })
            .collect();
        if let (Some(_), Some(models)) = (measured, models) {
            files.extend(models::to_send(models, trial, generation));
        }
        self.objects.create(&files)?;
        let name = generation::record(id, generation);
        let path = run.record_path(id);
        if self.objects.create_one(&name, &path)? {
            return Ok(Sent::First);
        }
        // It may be this very one: an answer can be lost on its way.
        let found = self.bytes(&name)?.unwrap_or_default();
        if found == fs::read(&path).map_err(StoreError::io(&path))? {
            return Ok(Sent::First);
        }
        let first = self.receive(run, trial)?;
        match first {
            Stored::Whole { .. } => Ok(Sent::Second(Box::new(read_sealed(&path, RUN_AGAIN)?))),
            _ => Err(BenchError::Objects {
                address: self.objects.address(&name),
                reason: "another attempt left a record that cannot be read; run the trial again"
                    .into(),
            }),
        }
    }
}

/// The files of a folder of a run, with their names in a store.
fn files(run: &RunFolder, folder: &str) -> Result<Vec<(String, PathBuf)>, BenchError> {
    let path = run.path().join(folder);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&path).map_err(StoreError::io(&path))? {
        let entry = entry.map_err(StoreError::io(&path))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        // Temporary files and locks.
        if !file.starts_with('.') {
            files.push((format!("{folder}/{file}"), entry.path()));
        }
    }
    files.sort_unstable();
    Ok(files)
}
