//! How a planned trial stands: whether its record is there and stays.

use std::{fs, io::ErrorKind, path::PathBuf};

use bakeoff_core::{
    StoreError,
    record::{PlannedTrial, Record},
};

use crate::{error::BenchError, retry::worth_retrying, run_folder::RunFolder};

/// How a planned trial stands.
#[derive(Clone, Debug, PartialEq)]
pub enum TrialState {
    /// It has a valid record that stays.
    Recorded(Box<Record>),
    /// It has none: nobody ran it, it was ended from outside, or it is running.
    Missing,
    /// Its record is damaged, or says "failed" for a reason that may be gone: the trial runs
    /// again, and this is why.
    RunsAgain(String),
}

impl RunFolder {
    /// How a trial of it stands.
    ///
    /// # Errors
    /// When the disk does not answer.
    pub fn state(&self, trial: &PlannedTrial) -> Result<TrialState, BenchError> {
        Ok(match self.record(&trial.id) {
            Ok(None) => TrialState::Missing,
            Ok(Some(record)) => match worth_retrying(&record, trial) {
                Some(why) => {
                    TrialState::RunsAgain(format!("it failed, and may succeed now: {why}"))
                }
                None => TrialState::Recorded(Box::new(record)),
            },
            // A file that is not there will not come back; another error of the disk may pass.
            Err(BenchError::Store(StoreError::Io { source, path }))
                if source.kind() != ErrorKind::NotFound =>
            {
                return Err(StoreError::Io { path, source }.into());
            }
            Err(error) => TrialState::RunsAgain(error.to_string()),
        })
    }

    /// Puts a record aside, so that its trial counts as missing; nothing is deleted: where one was
    /// put aside before, this one gets a number.
    ///
    /// # Errors
    /// When the disk refuses it.
    pub fn set_aside(&self, id: &str) -> Result<PathBuf, BenchError> {
        let path = self.record_path(id);
        let mut number = 1;
        loop {
            let aside = path.with_extension(match number {
                1 => "json.damaged".to_owned(),
                _ => format!("json.{number}.damaged"),
            });
            // A link is never made over a file, as a rename is.
            match fs::hard_link(&path, &aside) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(_) if !aside.exists() => {
                    // A file system without links.
                    fs::rename(&path, &aside).map_err(StoreError::io(&path))?;
                    return Ok(aside);
                }
                linked => {
                    linked.map_err(StoreError::io(&path))?;
                    fs::remove_file(&path).map_err(StoreError::io(&path))?;
                    return Ok(aside);
                }
            }
        }
    }
}
