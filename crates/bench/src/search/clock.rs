//! The clock of a search, which stands still while the program does not run.
//!
//! What a search decides by time, it decides by what is written here when a trial ends: a search that
//! was killed and goes on decides as if it had not been.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use bakeoff_core::record::SCHEMA;
use serde::{Deserialize, Serialize};

use crate::{
    error::BenchError,
    files::{read_json, to_json, write_whole},
};

/// What is written: when each trial ended, in seconds from the start of the search, and what it took since
/// the one before.
#[derive(Serialize, Deserialize)]
struct File {
    schema: u32,
    ends: BTreeMap<String, (f64, f64)>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            ends: BTreeMap::new(),
        }
    }
}

/// The clock of one search.
pub(super) struct Clock {
    path: PathBuf,
    file: File,
    /// The latest end, and when this process came there.
    latest: f64,
    since: Instant,
}

impl Clock {
    /// Goes on with what is in the folder; this process began at `since`.
    pub(super) fn open(folder: &Path, since: Instant) -> Result<Self, BenchError> {
        let path = folder.join("clock.json");
        let file = match path.is_file() {
            true => read_json(&path)?,
            false => File::default(),
        };
        Ok(Self {
            path,
            file,
            latest: 0.0,
            since,
        })
    }

    /// The time at the end of the latest trial.
    pub(super) fn latest(&self) -> f64 {
        self.latest
    }

    /// A trial ended now, or had ended before.
    pub(super) fn ended(&mut self, trial: &str) -> Result<(), BenchError> {
        match self.file.ends.get(trial) {
            Some(&(end, _)) => self.latest = self.latest.max(end),
            None => {
                let took = self.since.elapsed().as_secs_f64();
                self.latest += took;
                let end = (self.latest, took);
                self.file.ends.insert(trial.to_owned(), end);
                write_whole(&self.path, &to_json(&self.file, false)?)?;
            }
        }
        self.since = Instant::now();
        Ok(())
    }

    /// When a trial ended, and what it took; zeros for one that is not known.
    pub(super) fn of(&self, trial: &str) -> (f64, f64) {
        self.file.ends.get(trial).copied().unwrap_or_default()
    }
}
