//! What is checked before hours of training, and not found out after them: that the folders can be
//! written and that their disks have room.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use bakeoff_core::{
    Corruption, StoreError, count,
    record::{DataInfo, PlannedTrial, RunInfo, SplitSpec},
};
use bakeoff_store::atomic::TEMPORARY_PREFIX;

use crate::{error::BenchError, host, run_folder::RunFolder};

/// For a record, a manifest and weights that are no copy of the training data.
const SMALL_FILES: u64 = 2_000_000;

impl RunFolder {
    /// Checks that those of some trials that have no record can leave their files: in the run's folder and in
    /// that of models, which is made where it is missing.
    ///
    /// # Errors
    /// Naming the folder that cannot be written, or the disk that has too little room.
    pub fn check_folders(&self, models: &Path, trials: &[PlannedTrial]) -> Result<(), BenchError> {
        let records = self.records();
        for folder in [self.path(), &records, models] {
            std::fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
            check_writable(folder)?;
        }
        let info = self.info()?;
        let missing: Vec<&PlannedTrial> = trials
            .iter()
            .filter(|trial| !self.has_record(&trial.id))
            .collect();
        let for_records = missing.iter().map(|trial| record_bytes(&info, trial)).sum();
        let needs = [
            (records, for_records),
            (models.into(), model_bytes(&info, &missing)),
        ];
        check_room(&needs)
    }
}

impl RunFolder {
    /// What to say before training where those of some trials that have no record may need more
    /// memory than this machine has free; `None` where they will not, or where the machine does not tell.
    pub fn memory_warning(&self, trials: &[PlannedTrial]) -> Option<String> {
        let missing = trials.iter().filter(|trial| !self.has_record(&trial.id));
        let largest = missing.max_by_key(|trial| needed_mb(trial))?;
        let name = format!("{} on {}", largest.trial.model, largest.trial.data.name);
        too_large(&name, needed_mb(largest), host::available_memory_mb()?)
    }
}

fn needed_mb(trial: &PlannedTrial) -> u64 {
    let resources = trial.resources.as_ref();
    resources.map_or(0, |resources| resources.memory_mb)
}

/// What is said of a trial that may need more memory than is free, if it may.
fn too_large(name: &str, needed: u64, free: u64) -> Option<String> {
    (needed > free).then(|| {
        format!(
            "{name} may need {} MB of memory, and {} MB are free. Smaller images (--size) or fewer \
             (--limit-train) need less; with --memory-limit a trial that needs too much is recorded as failed \
             and the others run",
            count(needed),
            count(free)
        )
    })
}

/// Writes a byte to a file that nobody sees, because permissions say less than trying does.
fn check_writable(folder: &Path) -> Result<(), StoreError> {
    tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempfile_in(folder)
        .and_then(|mut file| file.write_all(b"x"))
        .map_err(StoreError::io(folder))
}

fn data<'a>(info: &'a RunInfo, trial: &PlannedTrial) -> Option<&'a DataInfo> {
    let name = &trial.trial.data.name;
    info.datasets.iter().find(|data| data.name == *name)
}

/// What a trial leaves beside its record: the probabilities of every image that it reports on,
/// twice if it is calibrated, and its answers to corrupted images.
fn record_bytes(info: &RunInfo, trial: &PlannedTrial) -> u64 {
    let Some(data) = data(info, trial) else {
        return SMALL_FILES;
    };
    let spec = &trial.trial;
    let images = match spec.split {
        SplitSpec::Given => data.test_counts.iter().sum(),
        split => data
            .cuts
            .iter()
            .find(|cut| cut.split == split)
            .map_or(0, |cut| cut.samples),
    };
    let copies = 1 + u64::from(spec.calibration.is_some());
    let corrupted = spec.robustness.as_ref().map_or(0, |robustness| {
        // The class as u16 and two probabilities as f32, in every severity.
        robustness.corruptions.len() as u64 * u64::from(Corruption::SEVERITIES) * 10
    });
    let per_image = copies * 4 * data.class_names.len() as u64 + corrupted;
    SMALL_FILES + images as u64 * per_image
}

/// What saved models take: any of them may keep all its training images, but hardly each does.
fn model_bytes(info: &RunInfo, trials: &[&PlannedTrial]) -> u64 {
    let saved = || trials.iter().filter(|trial| trial.save_as.is_some());
    let training = |trial: &&PlannedTrial| {
        data(info, trial).map_or(0, |data| {
            let images: usize = data.train_counts.iter().sum();
            (images * data.image.pixels()) as u64
        })
    };
    saved().count() as u64 * SMALL_FILES + saved().map(training).max().unwrap_or_default()
}

/// Compares what is needed with what the disks have left.
#[cfg(unix)]
fn check_room(needs: &[(PathBuf, u64)]) -> Result<(), BenchError> {
    use std::os::unix::fs::MetadataExt as _;
    let device = |folder: &Path| std::fs::metadata(folder).ok().map(|found| found.dev());
    for (folder, _) in needs {
        // Folders on the same disk share its room.
        let here = device(folder);
        let needed: u64 = needs
            .iter()
            .filter(|(other, _)| device(other) == here)
            .map(|(_, bytes)| bytes)
            .sum();
        // A system that does not tell is believed to have room.
        if let Ok(disk) = rustix::fs::statvfs(folder) {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            if let Some(problem) = too_little(folder, needed, free) {
                return Err(BenchError::Request(problem));
            }
        }
    }
    Ok(())
}

/// Only Unix tells without further libraries.
#[cfg(not(unix))]
fn check_room(_: &[(PathBuf, u64)]) -> Result<(), BenchError> {
    Ok(())
}

/// What is said of a disk that has too little room, if it has.
#[cfg(unix)]
fn too_little(folder: &Path, needed: u64, free: u64) -> Option<String> {
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    (free < needed).then(|| {
        format!(
            "{}: its disk has {} MB left, and the trials that are missing need about {} MB; make \
             room, or choose a folder on another disk",
            folder.display(),
            megabytes(free),
            megabytes(needed)
        )
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_said_with_both_numbers() {
        let folder = Path::new("reports");
        assert_eq!(too_little(folder, 5, 5), None);
        let problem = too_little(folder, 40_000_001, 3_000_000).expect("too little");
        assert!(
            problem.contains("3 MB left") && problem.contains("41 MB"),
            "{problem}"
        );
    }

    #[test]
    fn too_little_memory_is_said_with_both_numbers() {
        assert_eq!(too_large("cnn on photos", 4_100, 4_100), None);
        let warning = too_large("cnn on photos", 4_100, 2_000).expect("too little");
        let said = "cnn on photos may need 4,100 MB of memory, and 2,000 MB are free";
        assert!(warning.starts_with(said), "{warning}");
    }

    #[test]
    fn a_folder_that_is_a_file_cannot_be_written() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = check_writable(file.path()).expect_err("no folder");
        assert!(
            error
                .to_string()
                .starts_with(&file.path().display().to_string()),
            "{error}"
        );
    }
}
