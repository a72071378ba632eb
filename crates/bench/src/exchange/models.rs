//! Saved models on their way.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bakeoff_core::record::PlannedTrial;
use bakeoff_store::{MANIFEST, of_trial, read_manifest};

use super::{generation, shared::temporary};
use crate::{
    error::BenchError,
    objects::{Objects, Pair},
};

/// The folder of the model that a trial saved, if it is there.
fn folder(models: &Path, trial: &PlannedTrial) -> Option<PathBuf> {
    let save_as = trial.save_as.as_ref()?;
    let fingerprint = &trial.trial.data.fingerprint;
    of_trial(
        models,
        &save_as.dataset,
        fingerprint,
        &save_as.model,
        &trial.id,
    )
}

/// Whether the model of a trial is in a folder of models.
pub(super) fn is_here(models: &Path, trial: &PlannedTrial) -> bool {
    folder(models, trial).is_some()
}

/// The files of a trial's model with their names in a store, the manifest last.
pub(super) fn to_send(models: &Path, trial: &PlannedTrial, generation: u32) -> Vec<Pair> {
    let Some(folder) = folder(models, trial) else {
        return Vec::new();
    };
    let Ok(manifest) = read_manifest(&folder) else {
        return Vec::new();
    };
    [manifest.weights.file.as_str(), MANIFEST]
        .map(|file| {
            (
                generation::model(&trial.id, generation, file),
                folder.join(file),
            )
        })
        .into()
}

/// The models of a store: the files of each by trial.
pub(super) struct Models<'a> {
    files: BTreeMap<&'a str, Vec<&'a str>>,
    highest: &'a BTreeMap<&'a str, u32>,
}

impl<'a> Models<'a> {
    pub(super) fn of(names: &'a [String], highest: &'a BTreeMap<&'a str, u32>) -> Self {
        let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in names {
            if let Some((folder, file)) = name.rsplit_once('/') {
                files.entry(folder).or_default().push(file);
            }
        }
        Self { files, highest }
    }

    /// Brings the model of a trial into a folder of models; false where the store has none.
    pub(super) fn bring(
        &self,
        objects: &dyn Objects,
        trial: &PlannedTrial,
        models: &Path,
    ) -> Result<bool, BenchError> {
        let generation = self.highest.get(trial.id.as_str()).copied().unwrap_or(1);
        let manifest = generation::model(&trial.id, generation, MANIFEST);
        let folder = manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
        let files = self.files.get(folder).map_or(&[][..], Vec::as_slice);
        let Some(save_as) = trial.save_as.as_ref().filter(|_| files.contains(&MANIFEST)) else {
            return Ok(false);
        };
        let here = temporary(models)?;
        let pairs: Vec<Pair> = files
            .iter()
            .map(|file| {
                let name = generation::model(&trial.id, generation, file);
                (name, here.path().join(file))
            })
            .collect();
        objects.fetch(&pairs)?;
        let imported = bakeoff_store::import(models, here.path(), &save_as.dataset);
        imported.map_err(|error| BenchError::Objects {
            address: objects.address(folder),
            reason: error.to_string(),
        })?;
        Ok(true)
    }
}
