//! From the store to a folder.

use std::{fs, io, path::Path};

use bakeoff_core::{
    StoreError,
    record::{Outcome, PlannedTrial, Record, Sidecar},
};
use bakeoff_store::atomic::OwnedFolder;

use super::{
    generation,
    models::{self, Models},
    shared::{SharedRun, temporary},
};
use crate::{
    error::BenchError,
    files::{RUN_AGAIN, read_sealed, sha256},
    objects::Pair,
    run_folder::RunFolder,
    state::TrialState,
};

/// What a store has of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// No record.
    Missing,
    /// A whole one, which is in the run's folder now.
    Whole {
        /// Its number: 1, or more where it replaces others.
        generation: u32,
    },
    /// One that cannot be used; the next attempt's has the next number.
    Damaged {
        /// Its number.
        generation: u32,
        /// What is wrong with it.
        reason: String,
    },
}

impl Stored {
    pub(super) fn generation(&self) -> u32 {
        match self {
            Self::Missing => 0,
            Self::Whole { generation } | Self::Damaged { generation, .. } => *generation,
        }
    }
}

/// What was taken from a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Records that are new here.
    pub records: usize,
    /// Records that were here already.
    pub kept: usize,
    /// Records that replaced earlier ones, which were put aside.
    pub replaced: usize,
    /// Records of the store that cannot be used, with the reasons.
    pub damaged: Vec<String>,
    /// Models that are new here.
    pub models: usize,
    /// Trials whose model is neither here nor there.
    pub without_model: usize,
}

impl SharedRun {
    /// Brings the record of a trial into the run's folder, if there is one. A record that is here and
    /// that the store does not know stays; another one than the store's is replaced.
    ///
    /// # Errors
    /// When the store or the disk refuses.
    pub fn receive(&self, run: &RunFolder, trial: &PlannedTrial) -> Result<Stored, BenchError> {
        let id = trial.id.as_str();
        let names = self.objects.names(&format!("records/{id}"))?;
        let Some(&generation) = generation::highest(&names).get(id) else {
            return Ok(Stored::Missing);
        };
        let mut arrived = self.fetch(run, &[(id, generation)])?;
        Ok(match arrived.records.pop() {
            Some((_, Ok(record))) => {
                arrived.replace(run, &record)?;
                Stored::Whole { generation }
            }
            Some((_, Err(reason))) => Stored::Damaged { generation, reason },
            None => Stored::Missing,
        })
    }

    /// Brings what the store has into a folder, which is made where it is missing: the run, its
    /// records, and its models into `models`. Records that are here stay, but for those that have
    /// a successor or would run again: they are put aside.
    ///
    /// # Errors
    /// When the folder has another run, a process runs all of it, or the store or the disk refuses.
    pub fn pull(
        &self,
        path: &Path,
        models: Option<&Path>,
    ) -> Result<(RunFolder, Pulled), BenchError> {
        let run = self.in_folder(path)?;
        let lock = run.lock_for_a_trial()?;
        let pulled = self.pull_records(&run);
        drop(lock);
        let mut pulled = pulled?;
        if let Some(models) = models {
            self.pull_models(&run, models, &mut pulled)?;
        }
        Ok((run, pulled))
    }

    /// Brings records into a run's folder, as [`SharedRun::pull`] does.
    ///
    /// # Errors
    /// When the store or the disk refuses.
    pub fn pull_records(&self, run: &RunFolder) -> Result<Pulled, BenchError> {
        let mut pulled = Pulled::default();
        let names = self.objects.names("records/")?;
        let there = generation::highest(&names);
        let mut wanted = Vec::new();
        let plan = run.plan()?;
        for trial in &plan {
            let Some(&generation) = there.get(trial.id.as_str()) else {
                continue;
            };
            let is_here = matches!(run.state(trial)?, TrialState::Recorded(_));
            match is_here && generation == 1 {
                true => pulled.kept += 1,
                false => wanted.push((trial.id.as_str(), generation)),
            }
        }
        // Some at a time, so that an end in the middle keeps what was done.
        for wanted in wanted.chunks(256) {
            let arrived = self.fetch(run, wanted)?;
            for (name, record) in &arrived.records {
                match record {
                    Err(reason) => {
                        pulled
                            .damaged
                            .push(format!("{}: {reason}", self.objects.address(name)));
                    }
                    Ok(record) => match arrived.replace(run, record)? {
                        Placed::Same => pulled.kept += 1,
                        Placed::New => pulled.records += 1,
                        Placed::Replaced => pulled.replaced += 1,
                    },
                }
            }
        }
        Ok(pulled)
    }

    /// Brings the models of the trials that are done.
    fn pull_models(
        &self,
        run: &RunFolder,
        models: &Path,
        pulled: &mut Pulled,
    ) -> Result<(), BenchError> {
        let names = self.objects.names("models/")?;
        let records = self.objects.names("records/")?;
        let highest = generation::highest(&records);
        let there = Models::of(&names, &highest);
        for trial in &run.plan()? {
            if models::is_here(models, trial) {
                continue;
            }
            let is_done = run.record(&trial.id).is_ok_and(|record| {
                record.is_some_and(|record| matches!(record.outcome, Outcome::Ok(_)))
            });
            if !is_done || trial.save_as.is_none() {
                continue;
            }
            match there.bring(&*self.objects, trial, models)? {
                true => pulled.models += 1,
                false => pulled.without_model += 1,
            }
        }
        Ok(())
    }

    /// Fetches records with their files into a folder beside the run's records, and checks them.
    fn fetch(&self, run: &RunFolder, wanted: &[(&str, u32)]) -> Result<Arrived, BenchError> {
        let folder = temporary(run.path())?;
        let here = |file: &str| folder.path().join(file);
        let pairs: Vec<Pair> = wanted
            .iter()
            .map(|(id, generation)| {
                (
                    generation::record(id, *generation),
                    here(&format!("{id}.json")),
                )
            })
            .collect();
        let found = self.objects.fetch(&pairs)?;
        let mut records = Vec::new();
        let mut beside = Vec::new();
        for (((id, generation), (name, path)), found) in wanted.iter().zip(pairs).zip(found) {
            if !found {
                continue;
            }
            let record = checked(&path, id);
            if let Ok(record) = &record {
                for sidecar in sidecars(record) {
                    let name = generation::sidecar(id, *generation, &sidecar.file);
                    beside.push((name, here(&sidecar.file)));
                }
            }
            records.push((name, record));
        }
        self.objects.fetch(&beside)?;
        for (_, record) in &mut records {
            let damaged = record.as_ref().ok().and_then(|record| {
                let mut files = sidecars(record);
                files.find_map(|sidecar| wrong(&here(&sidecar.file), sidecar))
            });
            if let Some(reason) = damaged {
                *record = Err(reason);
            }
        }
        Ok(Arrived { folder, records })
    }
}

/// Records that arrived, checked, each with its name in the store.
struct Arrived {
    folder: OwnedFolder,
    records: Vec<(String, Result<Record, String>)>,
}

/// What a record from elsewhere met.
enum Placed {
    Same,
    New,
    Replaced,
}

impl Arrived {
    /// Puts a record into the run's folder, after the files that belong to it; another one that is
    /// there is put aside.
    fn replace(&self, run: &RunFolder, record: &Record) -> Result<Placed, BenchError> {
        let from = self.folder.path().join(format!("{}.json", record.id));
        let path = run.record_path(&record.id);
        let bytes = fs::read(&from).map_err(StoreError::io(&from))?;
        let mut placed = Placed::New;
        let old = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            old => Some(old.map_err(StoreError::io(&path))?),
        };
        // Files first: they are named by content, so that they replace none that is whole.
        for sidecar in sidecars(record) {
            let from = self.folder.path().join(&sidecar.file);
            let to = run.records().join(&sidecar.file);
            fs::rename(&from, &to).map_err(StoreError::io(&to))?;
        }
        match old {
            Some(old) if old == bytes => return Ok(Placed::Same),
            Some(_) => {
                run.set_aside(&record.id)?;
                placed = Placed::Replaced;
            }
            None => {}
        }
        fs::rename(&from, &path).map_err(StoreError::io(&path))?;
        Ok(placed)
    }
}

/// The files beside a record.
fn sidecars(record: &Record) -> impl Iterator<Item = &Sidecar> {
    record
        .measured()
        .into_iter()
        .flat_map(|measured| measured.sidecars())
}

/// A record that arrived, if it is whole and of that trial.
fn checked(path: &Path, id: &str) -> Result<Record, String> {
    let record = read_sealed(path, RUN_AGAIN).map_err(|error| match error {
        // The path is a temporary one, and the address is said.
        StoreError::Damaged { reason, .. } => reason,
        other => other.to_string(),
    })?;
    if record.id != id || record.trial.id() != id {
        return Err("it belongs to another trial".into());
    }
    // It becomes the name of a file here.
    let is_plain = |file: &str| file.starts_with(id) && !file.contains(['/', '\\']);
    let foreign = sidecars(&record).find(|sidecar| !is_plain(&sidecar.file));
    let foreign = foreign.map(|sidecar| sidecar.file.clone());
    match foreign {
        None => Ok(record),
        Some(file) => Err(format!("it names a file that is not beside it: {file}")),
    }
}

/// What is wrong with a file that arrived, if something is.
fn wrong(path: &Path, sidecar: &Sidecar) -> Option<String> {
    match fs::read(path) {
        Err(error) => Some(format!("{} is missing ({error})", sidecar.file)),
        Ok(bytes) if sha256(&bytes) != sidecar.sha256 => Some(format!(
            "{} is damaged: its checksum does not match",
            sidecar.file
        )),
        Ok(_) => None,
    }
}
