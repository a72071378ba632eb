//! A run on disk.
//!
//! ```text
//! <run>/run.json             the description of the run; written once
//! <run>/plan.jsonl           a trial a line; written once
//! <run>/tests/<hash>.safetensors.gz   a test part: `images` u8 N×C×H×W, `labels` u16 N
//! <run>/cuts/<hash>.safetensors.gz    a fold or holdout: `labels` u16 N, `indices` u32 N
//! <run>/records/<id>.json    a trial's record; written once, whole or not at all; its `seal` is
//!                            a checksum of the file
//! <run>/records/<id>-<hash>.safetensors   its `probabilities`, f32 N×K (a second one
//!                            for a calibrated trial: those without calibration); of S sets
//!                            of corrupted images `predicted` u16 S×N, and as f32 S×N the
//!                            probability `of_the_label` and the `confidence`
//! ```
//!
//! Predictions of other programs lie in `<run>/external` (`external/mod.rs`), which no plan knows.
//! Everything else in the folder is derived and can be deleted: `bakeoff report` writes it
//! again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use bakeoff_core::{
    StoreError,
    record::{Measured, PlannedTrial, Record, Run, RunInfo, SplitSpec},
};
use bakeoff_store::{
    atomic::{self, OwnedFolder},
    files,
};

use crate::{
    error::BenchError,
    files::{
        IMPORT_AGAIN, RUN_AGAIN, check_schema, read_json, read_sealed, sealed_json, to_json,
        write_whole,
    },
    limits::Limits,
    reported_parts::{Parts, read_cut, read_test, write_parts},
    run_name::trials_hash,
    scores::{check_corrupted, check_scores},
};

/// The prefix of folders for models that are not saved.
const SCRATCH: &str = ".model-";

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Replaces the limits in the plan, where it is given.
    limits: Option<Limits>,
    /// What helps if one of its records is damaged.
    pub(crate) remedy: &'static str,
}

impl RunFolder {
    /// Starts a run: writes its description, its plan and its test parts.
    ///
    /// `run.json` comes last, so a folder that has it is complete.
    ///
    /// # Errors
    /// When the folder has a run already, or the disk fails.
    pub(crate) fn create(
        path: &Path,
        info: &RunInfo,
        plan: &[PlannedTrial],
        parts: &Parts,
    ) -> Result<Self, BenchError> {
        let folder = Self {
            path: path.to_owned(),
            limits: None,
            remedy: RUN_AGAIN,
        };
        let info_path = path.join("run.json");
        if info_path.exists() {
            return Err(BenchError::Request(format!(
                "{} is a run already; continue it with --resume or choose another folder",
                path.display()
            )));
        }
        let records = folder.records();
        fs::create_dir_all(&records).map_err(StoreError::io(&records))?;
        write_parts(path, parts)?;
        let mut lines = Vec::new();
        for trial in plan {
            lines.extend(to_json(trial, false)?);
        }
        write_whole(&path.join("plan.jsonl"), &lines)?;
        write_whole(&info_path, &to_json(info, true)?)?;
        Ok(folder)
    }

    /// Opens a run.
    ///
    /// # Errors
    /// When there is none at that path.
    pub fn open(path: &Path) -> Result<Self, BenchError> {
        let records = path.join("records");
        if records.is_symlink() && files::leads_out(&records, path) {
            return Err(StoreError::damaged(
                &records,
                "a link out of the run's folder: copy the records there",
            )
            .into());
        }
        if path.join("run.json").is_file() && path.join("plan.jsonl").is_file() {
            Ok(Self {
                path: path.to_owned(),
                limits: None,
                remedy: RUN_AGAIN,
            })
        } else {
            Err(BenchError::Request(format!(
                "{} is not a run: it has no run.json and plan.jsonl (`bakeoff run` and `bakeoff plan` make runs)",
                path.display()
            )))
        }
    }

    /// The same run with other limits than it was planned with, because trials have reached
    /// those.
    pub fn within(self, limits: Limits) -> Self {
        Self {
            limits: Some(limits),
            ..self
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a trial has a record, valid or not.
    pub(crate) fn has_record(&self, id: &str) -> bool {
        self.record_path(id).exists()
    }

    /// Where the records of models of other programs are, laid out as here.
    pub(crate) fn external(&self) -> Self {
        Self {
            path: self.path.join("external"),
            limits: None,
            remedy: IMPORT_AGAIN,
        }
    }

    /// The folder of the records.
    pub(crate) fn records(&self) -> PathBuf {
        self.path.join("records")
    }

    pub(crate) fn record_path(&self, id: &str) -> PathBuf {
        self.records().join(format!("{id}.json"))
    }

    /// The description of the run.
    ///
    /// # Errors
    /// When the file is damaged or of another schema.
    pub fn info(&self) -> Result<RunInfo, BenchError> {
        Ok(read_json(&self.path.join("run.json"))?)
    }

    /// Its trials, in order.
    ///
    /// # Errors
    /// When a line is damaged or of another schema.
    pub fn plan(&self) -> Result<Vec<PlannedTrial>, BenchError> {
        let path = self.path.join("plan.jsonl");
        let text = files::read_to_string(&path).map_err(StoreError::io(&path))?;
        let mut plan = Vec::new();
        for (index, line) in text.lines().enumerate() {
            plan.push(self.planned(&path, index, line)?);
        }
        // The run's name holds a hash of its trials, so a missing line is noticed too.
        let name = self.info()?.name;
        if !name.contains(&trials_hash(&plan)) {
            return Err(StoreError::damaged(
                &path,
                format!("its trials are not those of the run `{name}`; plan the run again"),
            )
            .into());
        }
        Ok(plan)
    }

    /// Some of its trials, by their places in the plan, in its order. The other lines are passed
    /// over: to read all of a long plan takes longer than a small trial.
    ///
    /// # Errors
    /// When a line is damaged or of another schema, or there is no trial of that number.
    pub fn trials_at(&self, places: &BTreeSet<usize>) -> Result<Vec<PlannedTrial>, BenchError> {
        let path = self.path.join("plan.jsonl");
        let file = BufReader::new(files::open(&path).map_err(StoreError::io(&path))?);
        let mut trials = Vec::with_capacity(places.len());
        let mut lines = 0;
        for line in file.lines() {
            let line = line.map_err(StoreError::io(&path))?;
            if places.contains(&lines) {
                trials.push(self.planned(&path, lines, &line)?);
                if trials.len() == places.len() {
                    return Ok(trials);
                }
            }
            lines += 1;
        }
        Err(BenchError::NoSuchTrial {
            run: self.path.clone(),
            trials: lines,
        })
    }

    /// The trial of a line of the plan.
    fn planned(&self, path: &Path, index: usize, line: &str) -> Result<PlannedTrial, BenchError> {
        let bad = |reason: String| {
            StoreError::damaged(
                path,
                format!("line {}: {reason}; plan the run again", index + 1),
            )
        };
        let line: serde_json::Value =
            serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
        check_schema(path, &line["trial"], "run the experiment again")?;
        let mut trial: PlannedTrial =
            serde_json::from_value(line).map_err(|error| bad(error.to_string()))?;
        if trial.index != index || trial.id != trial.trial.id() {
            return Err(bad("the trial's index or id does not match it".into()).into());
        }
        if let Some(limits) = self.limits {
            limits.applied_to(&mut trial);
        }
        Ok(trial)
    }

    /// A trial's record, or `None` where it has none yet. The record is checked: it has this
    /// schema, belongs to this trial, matches its seal, and its probabilities are undamaged.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] naming the file.
    pub fn record(&self, id: &str) -> Result<Option<Record>, BenchError> {
        let path = self.record_path(id);
        if !path.exists() {
            return Ok(None);
        }
        let record = read_sealed(&path, self.remedy)?;
        if record.id != id || record.trial.id() != id {
            return Err(StoreError::damaged(
                &path,
                "it belongs to another trial; remove it and use --resume",
            )
            .into());
        }
        if let Some(measured) = record.measured() {
            for sidecar in measured.sidecars() {
                self.sidecar_bytes(sidecar)?;
            }
        }
        Ok(Some(record))
    }

    /// Seals and writes a record, unless there is one already: then returns that one.
    pub(crate) fn write_record(&self, record: &mut Record) -> Result<Option<Record>, BenchError> {
        let path = self.record_path(&record.id);
        match atomic::write_new(&path, &sealed_json(record)?).map_err(StoreError::io(&path))? {
            true => Ok(None),
            false => self.record(&record.id),
        }
    }

    /// Removes what killed attempts left half-written. What a process is still writing is locked
    /// and stays.
    pub(crate) fn remove_temporaries(&self) {
        for folder in [&self.path, &self.records()] {
            atomic::remove_temporaries(folder);
        }
        atomic::remove_unowned_folders(&self.path, SCRATCH);
    }

    /// A folder below the run's that is removed when it is dropped, for a model that is
    /// measured and not saved.
    pub(crate) fn scratch(&self) -> Result<OwnedFolder, BenchError> {
        let scratch = OwnedFolder::new(&self.path, SCRATCH);
        Ok(scratch.map_err(StoreError::io(&self.path))?)
    }

    /// Writes a derived file below the run's folder (a report, a chart).
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write_derived(&self, relative: &str, bytes: &[u8]) -> Result<PathBuf, BenchError> {
        let path = self.path.join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(StoreError::io(parent))?;
        }
        write_whole(&path, bytes)?;
        Ok(path)
    }

    /// Removes the derived files with one ending in a folder below the run's, so that no
    /// outdated one stays, and what killed reports left half-written there and beside it.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn clear_derived(&self, relative: &str, ending: &str) -> Result<(), BenchError> {
        let folder = self.path.join(relative);
        // Not those of records: trials may be at work on other machines.
        atomic::remove_temporaries(&self.path);
        atomic::remove_unowned_folders(&self.path, SCRATCH);
        atomic::remove_temporaries(&folder);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|found| found == ending) {
                match fs::remove_file(&path) {
                    // Another report of the same run was quicker.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    removed => removed.map_err(StoreError::io(&path))?,
                }
            }
        }
        Ok(())
    }

    /// Reads everything that a report needs.
    ///
    /// # Errors
    /// Naming the file that is damaged or not there.
    pub fn read(&self) -> Result<Run, BenchError> {
        let info = self.info()?;
        let mut plan = self.plan()?;
        let (mut tests, mut cuts) = (BTreeMap::new(), BTreeMap::new());
        // The report shows test images even where every trial failed.
        for data in &info.datasets {
            let test = read_test(&self.path, data)?;
            tests.insert(data.test_fingerprint.clone(), test);
            for cut in &data.cuts {
                let found = read_cut(&self.path, cut)?;
                cuts.insert(cut.fingerprint.clone(), found);
            }
        }
        let mut run = Run {
            info,
            plan: Vec::new(),
            records: BTreeMap::new(),
            probabilities: BTreeMap::new(),
            uncalibrated: BTreeMap::new(),
            corrupted: BTreeMap::new(),
            tests,
            cuts,
        };
        for trial in &plan {
            if let Some(record) = self.record(&trial.id)? {
                self.add_results(&mut run, trial, record)?;
            }
        }
        // Whoever reads the run finds models of other programs as further lines of its plan.
        let own = self.external();
        for record in own.imported()? {
            let trial = PlannedTrial {
                index: plan.len(),
                id: record.id.clone(),
                trial: record.trial.clone(),
                save_as: None,
                time_limit_seconds: None,
                memory_limit_mb: None,
                resources: None,
            };
            own.add_results(&mut run, &trial, record)?;
            plan.push(trial);
        }
        run.plan = plan;
        Ok(run)
    }

    /// Adds a record with the probabilities beside it, which are checked, to a run in memory.
    fn add_results(
        &self,
        run: &mut Run,
        trial: &PlannedTrial,
        record: Record,
    ) -> Result<(), BenchError> {
        if let Some(measured) = record.measured() {
            let (labels, classes) =
                reported_labels(run, trial, measured).ok_or_else(|| {
                    StoreError::damaged(
                        &self.record_path(&trial.id),
                        "it was measured on test data that is not in run.json; run the experiment again",
                    )
                })?;
            let expected = (labels.len(), classes);
            let probabilities = self.read_probabilities(&measured.probabilities, expected)?;
            let path = self.record_path(&trial.id);
            let other =
                |problem: String| StoreError::damaged(&path, format!("{problem}; {}", self.remedy));
            check_scores(&measured.scores, labels, &probabilities).map_err(other)?;
            let mut uncalibrated = None;
            if let Some(calibration) = &measured.calibration {
                let found = self.read_probabilities(&calibration.uncalibrated, expected)?;
                check_scores(&calibration.uncalibrated_scores, labels, &found).map_err(other)?;
                uncalibrated = Some(found);
            }
            if let Some(corrupted) = &measured.corrupted {
                let shape = [measured.robustness.len(), expected.0];
                let predicted = self.read_predicted(corrupted, shape, classes)?;
                check_corrupted(&measured.robustness, labels, &predicted).map_err(other)?;
                run.corrupted.insert(trial.id.clone(), predicted);
            }
            run.probabilities.insert(trial.id.clone(), probabilities);
            run.uncalibrated
                .extend(uncalibrated.map(|found| (trial.id.clone(), found)));
        }
        run.records.insert(trial.id.clone(), record);
        Ok(())
    }
}

/// The labels of the part that a trial was reported on, and the number of classes, if the
/// run has that part for that trial.
fn reported_labels<'a>(
    run: &'a Run,
    trial: &PlannedTrial,
    measured: &Measured,
) -> Option<(&'a [u16], usize)> {
    let trial = &trial.trial;
    let fingerprint = measured.test_fingerprint.as_str();
    let data = run
        .info
        .datasets
        .iter()
        .find(|data| data.name == trial.data.name)?;
    let known = match trial.split {
        SplitSpec::Given => data.test_fingerprint == fingerprint,
        split => data
            .cuts
            .iter()
            .any(|cut| cut.split == split && cut.fingerprint == fingerprint),
    };
    let labels = run.labels(fingerprint)?;
    known.then_some((labels, data.class_names.len()))
}
