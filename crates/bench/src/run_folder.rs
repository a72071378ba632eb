//! A run on disk.
//!
//! ```text
//! <run>/run.json             what it is about; written once
//! <run>/plan.jsonl           a trial a line; written once
//! <run>/tests/<hash>.safetensors.gz   the test part: `images` u8 N×C×H×W, `labels` u16 N
//! <run>/records/<id>.json    a trial's record; written once, whole or not at all
//! <run>/records/<id>-<hash>.safetensors   its `probabilities`, f32 N×K
//! ```
//!
//! All else in the folder is derived and can be deleted: `bakeoff report` brings it back.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use bakeoff_core::{
    Images, ModelReader as _, ModelWriter as _, Probabilities, Samples, StoreError, TensorData,
    record::{DataInfo, PlannedTrial, Record, Run, RunInfo, SCHEMA, Sidecar},
};
use bakeoff_zoo::{TensorFile, TensorMap, atomic};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{error::BenchError, plan::trials_hash};

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Starts a run: writes what it is about, its plan and its test parts.
    ///
    /// `run.json` comes last, so a folder that has it is complete.
    ///
    /// # Errors
    /// When the folder has a run already, or the disk fails.
    pub(crate) fn create(
        path: &Path,
        info: &RunInfo,
        plan: &[PlannedTrial],
        tests: &BTreeMap<String, Samples>,
    ) -> Result<Self, BenchError> {
        let folder = Self {
            path: path.to_owned(),
        };
        let info_path = path.join("run.json");
        if info_path.exists() {
            return Err(BenchError::Request(format!(
                "{} is a run already; continue it with --resume or choose another folder",
                path.display()
            )));
        }
        for part in [folder.records(), path.join("tests")] {
            fs::create_dir_all(&part).map_err(BenchError::io(&part))?;
        }
        for (fingerprint, samples) in tests {
            folder.write_test(fingerprint, samples)?;
        }
        let mut lines = Vec::new();
        for trial in plan {
            lines.extend(to_json(trial, false)?);
            lines.push(b'\n');
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
        if path.join("run.json").is_file() && path.join("plan.jsonl").is_file() {
            Ok(Self {
                path: path.to_owned(),
            })
        } else {
            Err(BenchError::Request(format!(
                "{} is not a run: it has no run.json and plan.jsonl (`bakeoff run` and `bakeoff plan` make runs)",
                path.display()
            )))
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn records(&self) -> PathBuf {
        self.path.join("records")
    }

    fn record_path(&self, id: &str) -> PathBuf {
        self.records().join(format!("{id}.json"))
    }

    fn test_path(&self, fingerprint: &str) -> PathBuf {
        let short = fingerprint.get(..16).unwrap_or(fingerprint);
        self.path
            .join("tests")
            .join(format!("{short}.safetensors.gz"))
    }

    /// What it is about.
    ///
    /// # Errors
    /// When the file is damaged or of another schema.
    pub fn info(&self) -> Result<RunInfo, BenchError> {
        let path = self.path.join("run.json");
        let info: RunInfo = read_json(&path)?;
        check_schema(&path, info.schema)?;
        Ok(info)
    }

    /// Its trials, in order.
    ///
    /// # Errors
    /// When a line is damaged or of another schema.
    pub fn plan(&self) -> Result<Vec<PlannedTrial>, BenchError> {
        let path = self.path.join("plan.jsonl");
        let text = fs::read_to_string(&path).map_err(BenchError::io(&path))?;
        let mut plan = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let bad = |reason: String| {
                BenchError::damaged(
                    &path,
                    format!("line {}: {reason}; plan the run again", index + 1),
                )
            };
            let trial: PlannedTrial =
                serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            check_schema(&path, trial.trial.schema)?;
            if trial.index != index || trial.id != trial.trial.id() {
                return Err(bad("the trial's index or id does not match it".into()));
            }
            plan.push(trial);
        }
        // The run's name holds a hash of its trials, so a lost line is noticed too.
        let name = self.info()?.name;
        if !name.contains(&trials_hash(&plan)) {
            return Err(BenchError::damaged(
                &path,
                format!("its trials are not those of the run `{name}`; plan the run again"),
            ));
        }
        Ok(plan)
    }

    /// A trial's record, or `None` where it has none yet. The record is checked: of
    /// this schema, of this trial, and its probabilities are there undamaged.
    ///
    /// # Errors
    /// [`BenchError::Damaged`] naming the file.
    pub fn record(&self, id: &str) -> Result<Option<Record>, BenchError> {
        let path = self.record_path(id);
        if !path.exists() {
            return Ok(None);
        }
        let record: Record = read_json(&path)?;
        check_schema(&path, record.schema)?;
        if record.id != id || record.trial.id() != id {
            return Err(BenchError::damaged(&path, "it is of another trial"));
        }
        if let Some(measured) = record.measured() {
            self.sidecar_bytes(&measured.probabilities)?;
        }
        Ok(Some(record))
    }

    /// Puts a damaged record aside, so that its trial counts as missing; nothing is deleted.
    pub(crate) fn set_aside(&self, id: &str) -> Result<PathBuf, BenchError> {
        let path = self.record_path(id);
        let aside = path.with_extension("json.damaged");
        fs::rename(&path, &aside).map_err(BenchError::io(&path))?;
        Ok(aside)
    }

    /// Writes a trial's probabilities; the record that names them is written after.
    pub(crate) fn write_probabilities(
        &self,
        id: &str,
        probabilities: &Probabilities,
    ) -> Result<Sidecar, BenchError> {
        let mut tensors = TensorMap::new();
        tensors.tensor(
            "probabilities",
            &[probabilities.len(), probabilities.classes()],
            TensorData::F32(probabilities.values()),
        )?;
        let bytes = tensors.to_bytes()?;
        let sha256 = sha256(&bytes);
        // Named by content: a second attempt of the same trial cannot spoil the file
        // that the first one's record speaks of.
        let file = format!("{id}-{}.safetensors", &sha256[..12]);
        write_whole(&self.records().join(&file), &bytes)?;
        Ok(Sidecar { file, sha256 })
    }

    /// Writes a record, unless there is one already: then returns that one.
    pub(crate) fn write_record(&self, record: &Record) -> Result<Option<Record>, BenchError> {
        let path = self.record_path(&record.id);
        match atomic::write_new(&path, &to_json(record, true)?).map_err(BenchError::io(&path))? {
            true => Ok(None),
            false => self.record(&record.id),
        }
    }

    /// Removes what killed attempts left half-written. Only the one process that runs
    /// the whole plan calls this: another's file in progress would go too.
    pub(crate) fn remove_temporaries(&self) {
        atomic::remove_temporaries(&self.records());
    }

    /// Writes a derived file below the run's folder (a report, a chart).
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write_derived(&self, relative: &str, bytes: &[u8]) -> Result<PathBuf, BenchError> {
        let path = self.path.join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(BenchError::io(parent))?;
        }
        write_whole(&path, bytes)?;
        Ok(path)
    }

    /// Removes the derived files of one ending in a folder below the run's, so that
    /// none stays that the next rendering does not write.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn clear_derived(&self, relative: &str, ending: &str) -> Result<(), BenchError> {
        let folder = self.path.join(relative);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|found| found == ending) {
                fs::remove_file(&path).map_err(BenchError::io(&path))?;
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
        let plan = self.plan()?;
        let mut records = BTreeMap::new();
        let mut probabilities = BTreeMap::new();
        let mut tests = BTreeMap::new();
        for trial in &plan {
            let Some(record) = self.record(&trial.id)? else {
                continue;
            };
            if let Some(measured) = record.measured() {
                let fingerprint = &measured.test_fingerprint;
                let data = info
                    .datasets
                    .iter()
                    .find(|data| data.test_fingerprint == *fingerprint)
                    .ok_or_else(|| {
                        BenchError::damaged(
                            &self.record_path(&trial.id),
                            "it was measured on test data that run.json does not know",
                        )
                    })?;
                if !tests.contains_key(fingerprint) {
                    tests.insert(fingerprint.clone(), self.read_test(fingerprint, data)?);
                }
                let found = self.read_probabilities(&measured.probabilities)?;
                let expected = (measured.samples.test, data.class_names.len());
                if (found.len(), found.classes()) != expected {
                    return Err(BenchError::damaged(
                        &self.records().join(&measured.probabilities.file),
                        format!(
                            "{}×{} probabilities, expected {}×{}",
                            found.len(),
                            found.classes(),
                            expected.0,
                            expected.1
                        ),
                    ));
                }
                probabilities.insert(trial.id.clone(), found);
            }
            records.insert(trial.id.clone(), record);
        }
        // The data section wants its pictures even where every trial failed.
        for data in &info.datasets {
            if !tests.contains_key(&data.test_fingerprint) {
                tests.insert(
                    data.test_fingerprint.clone(),
                    self.read_test(&data.test_fingerprint, data)?,
                );
            }
        }
        Ok(Run {
            info,
            plan,
            records,
            probabilities,
            tests,
        })
    }

    fn sidecar_bytes(&self, sidecar: &Sidecar) -> Result<Vec<u8>, BenchError> {
        let path = self.records().join(&sidecar.file);
        let bytes = fs::read(&path).map_err(BenchError::io(&path))?;
        if sha256(&bytes) != sidecar.sha256 {
            return Err(BenchError::damaged(
                &path,
                "the checksum does not match: the file was altered or damaged; run the trial again with --resume",
            ));
        }
        Ok(bytes)
    }

    fn read_probabilities(&self, sidecar: &Sidecar) -> Result<Probabilities, BenchError> {
        let path = self.records().join(&sidecar.file);
        let bytes = self.sidecar_bytes(sidecar)?;
        let mut file = TensorFile::parse(&bytes).map_err(|error| error.in_file(&path))?;
        let mut read = || -> Result<(Vec<f32>, usize), StoreError> {
            let shape = file.shape("probabilities")?;
            let classes = shape.get(1).copied().unwrap_or_default();
            Ok((file.f32("probabilities", &shape)?, classes))
        };
        let (values, classes) = read().map_err(|error| error.in_file(&path))?;
        Probabilities::new(classes, values)
            .map_err(|error| BenchError::damaged(&path, error.to_string()))
    }

    fn write_test(&self, fingerprint: &str, samples: &Samples) -> Result<(), BenchError> {
        let shape = samples.images().shape();
        let mut tensors = TensorMap::new();
        tensors.tensor(
            "images",
            &[samples.len(), shape.channels, shape.height, shape.width],
            TensorData::U8(samples.images().pixels()),
        )?;
        tensors.tensor(
            "labels",
            &[samples.len()],
            TensorData::U16(samples.labels()),
        )?;
        let path = self.test_path(fingerprint);
        // Level 4 is within a few per cent of the best size at a tenth of its time.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(4));
        encoder
            .write_all(&tensors.to_bytes()?)
            .map_err(BenchError::io(&path))?;
        let bytes = encoder.finish().map_err(BenchError::io(&path))?;
        write_whole(&path, &bytes)
    }

    fn read_test(&self, fingerprint: &str, data: &DataInfo) -> Result<Samples, BenchError> {
        let path = self.test_path(fingerprint);
        let file = File::open(&path).map_err(BenchError::io(&path))?;
        let count: usize = data.test_counts.iter().sum();
        let shape = data.image;
        // What the samples need, and room for the header: nothing larger is read.
        let limit = count.saturating_mul(shape.pixels().saturating_add(2)) as u64 + (1 << 20);
        let mut bytes = Vec::new();
        GzDecoder::new(file)
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(BenchError::io(&path))?;
        let damaged = |error: String| BenchError::damaged(&path, error);
        let mut tensors = TensorFile::parse(&bytes).map_err(|error| error.in_file(&path))?;
        let dimensions = [count, shape.channels, shape.height, shape.width];
        let pixels = tensors
            .u8("images", &dimensions)
            .map_err(|error| error.in_file(&path))?;
        let labels = tensors
            .u16("labels", &[count])
            .map_err(|error| error.in_file(&path))?;
        let images = Images::new(shape, pixels).map_err(|error| damaged(error.to_string()))?;
        let samples = Samples::new(images, labels, data.class_names.clone())
            .map_err(|error| damaged(error.to_string()))?;
        if samples.fingerprint() != fingerprint {
            return Err(damaged(
                "the fingerprint does not match: the file was altered or damaged; run the experiment again".into(),
            ));
        }
        Ok(samples)
    }
}

fn check_schema(path: &Path, found: u32) -> Result<(), BenchError> {
    if found == SCHEMA {
        return Ok(());
    }
    Err(BenchError::damaged(
        path,
        format!("schema {found}, this bakeoff reads {SCHEMA}; run the experiment again"),
    ))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn to_json<T: Serialize>(value: &T, pretty: bool) -> Result<Vec<u8>, BenchError> {
    let result = if pretty {
        serde_json::to_vec_pretty(value).map(|mut bytes| {
            bytes.push(b'\n');
            bytes
        })
    } else {
        serde_json::to_vec(value)
    };
    result.map_err(|error| BenchError::Request(error.to_string()))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, BenchError> {
    let bytes = fs::read(path).map_err(BenchError::io(path))?;
    serde_json::from_slice(&bytes).map_err(|error| BenchError::damaged(path, error.to_string()))
}

/// Writes a file whole or not at all, replacing what is there.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BenchError> {
    atomic::write_whole(path, bytes).map_err(BenchError::io(path))
}
