//! The samples that trials are reported on, as a run keeps them.
//!
//! A test part is kept whole, because reports show its images. Folds and holdouts are kept
//! as labels and indices in the training part: their images would be a copy of the training
//! part for every repeat, and nothing shows them.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use bakeoff_core::{
    Images, ModelReader as _, ModelWriter as _, Samples, StoreError, TensorData,
    record::{Cut, CutInfo, DataInfo, SplitSpec},
};
use bakeoff_store::{TensorFile, TensorMap, files};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use crate::{
    error::BenchError,
    files::{sha256, write_whole},
};

/// The most bytes of the header of a file of tensors.
const HEADER_BYTES: u64 = 1 << 20;
/// The most bytes of the name of an image's file, which no system allows to be longer.
const FILE_NAME_BYTES: usize = 4096;

/// The parts that a run's trials are reported on.
#[derive(Default)]
pub(crate) struct Parts {
    /// By fingerprint.
    pub(crate) tests: BTreeMap<String, Samples>,
    /// By SHA-256 of their files: where a dataset has copies of images, two folds with
    /// different indices can have the same fingerprint.
    pub(crate) cuts: BTreeMap<String, Cut>,
}

impl Parts {
    /// Adds a fold or holdout, and returns its description.
    pub(crate) fn add_cut(
        &mut self,
        split: SplitSpec,
        samples: &Samples,
        indices: &[usize],
    ) -> Result<CutInfo, BenchError> {
        let places: Result<Vec<u32>, _> = indices.iter().map(|&i| u32::try_from(i)).collect();
        let cut = Cut {
            labels: samples.labels().to_vec(),
            indices: places.map_err(|_| {
                BenchError::Request("folds of more than 2³² samples cannot be kept".into())
            })?,
            files: samples.files().map(<[String]>::to_vec),
        };
        let info = CutInfo {
            split,
            fingerprint: samples.fingerprint(),
            samples: samples.len(),
            sha256: sha256(&cut_bytes(&cut)?),
        };
        self.cuts.insert(info.sha256.clone(), cut);
        Ok(info)
    }
}

/// The folders of these parts in a run.
pub(crate) const FOLDERS: [&str; 2] = ["tests", "cuts"];

/// `<run>/<folder>/<hash, shortened>.safetensors.gz`
fn part_path(run: &Path, folder: &str, hash: &str) -> PathBuf {
    let short = hash.get(..16).unwrap_or(hash);
    run.join(folder).join(format!("{short}.safetensors.gz"))
}

/// Writes every part.
pub(crate) fn write_parts(run: &Path, parts: &Parts) -> Result<(), StoreError> {
    for (fingerprint, samples) in &parts.tests {
        let shape = samples.images().shape();
        let mut tensors = TensorMap::default();
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
        add_files(&mut tensors, samples.files())?;
        write_packed(part_path(run, "tests", fingerprint), &tensors.to_bytes()?)?;
    }
    for (sha256, cut) in &parts.cuts {
        write_packed(part_path(run, "cuts", sha256), &cut_bytes(cut)?)?;
    }
    Ok(())
}

/// Reads a dataset's test part.
pub(crate) fn read_test(run: &Path, data: &DataInfo) -> Result<Samples, StoreError> {
    let path = part_path(run, "tests", &data.test_fingerprint);
    let counts = data.test_counts.iter();
    let count = counts.fold(0_usize, |sum, &count| sum.saturating_add(count));
    let shape = data.image;
    let bytes = read_packed(
        &path,
        count.saturating_mul(shape.pixels().saturating_add(2 + FILE_NAME_BYTES)),
    )?;
    let damaged = |error: String| StoreError::damaged(&path, error);
    let in_file = |error: StoreError| error.in_file(&path);
    let mut tensors = TensorFile::parse(&bytes).map_err(in_file)?;
    let dimensions = [count, shape.channels, shape.height, shape.width];
    let labels = tensors.u16("labels", &[count]).map_err(in_file)?;
    let pixels = tensors.u8("images", &dimensions).map_err(in_file)?;
    let pixels = pixels.into_owned();
    let files = read_files(&mut tensors).map_err(in_file)?;
    let images = Images::new(shape, pixels).map_err(|error| damaged(error.to_string()))?;
    let samples = Samples::new(images, labels, data.class_names.clone())
        .map_err(|error| damaged(error.to_string()))?;
    if samples.fingerprint() != data.test_fingerprint {
        return Err(damaged(
            "the fingerprint does not match: the file was altered or damaged; run the experiment again".into(),
        ));
    }
    Ok(match files {
        None => samples,
        Some(files) => samples.with_files(files),
    })
}

/// Adds the names of the images' files, as a list in JSON, where they are known.
fn add_files(tensors: &mut TensorMap, files: Option<&[String]>) -> Result<(), StoreError> {
    let Some(files) = files else { return Ok(()) };
    let json = serde_json::to_vec(files)
        .map_err(|error| StoreError::Inconsistent(format!("names of files: {error}")))?;
    tensors.tensor("files", &[json.len()], TensorData::U8(&json))
}

/// The names of the images' files; `None` where the images have none, and in runs of earlier versions.
fn read_files(tensors: &mut TensorFile<'_>) -> Result<Option<Vec<String>>, StoreError> {
    let shape = match tensors.shape("files") {
        Err(StoreError::Missing { .. }) => return Ok(None),
        shape => shape?,
    };
    let json = tensors.u8("files", &shape)?;
    serde_json::from_slice(&json)
        .map(Some)
        .map_err(|error| StoreError::Inconsistent(format!("names of files: {error}")))
}

/// Reads a fold or holdout.
pub(crate) fn read_cut(run: &Path, info: &CutInfo) -> Result<Cut, StoreError> {
    // Runs of earlier versions name them by fingerprint.
    let path = [&info.sha256, &info.fingerprint]
        .map(|hash| part_path(run, "cuts", hash))
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| part_path(run, "cuts", &info.sha256));
    let bytes = read_packed(&path, info.samples.saturating_mul(6 + FILE_NAME_BYTES))?;
    if sha256(&bytes) != info.sha256 {
        return Err(StoreError::damaged(
            &path,
            "the checksum does not match: the file was altered or damaged; run the experiment again",
        ));
    }
    let in_file = |error: StoreError| error.in_file(&path);
    let mut tensors = TensorFile::parse(&bytes).map_err(in_file)?;
    let shape = [info.samples];
    let labels = tensors.u16("labels", &shape).map_err(in_file)?;
    let indices = tensors.u32("indices", &shape).map_err(in_file)?;
    let files = read_files(&mut tensors).map_err(in_file)?;
    Ok(Cut {
        labels,
        indices,
        files: files.filter(|files| files.len() == info.samples),
    })
}

/// A fold or holdout as a file, not packed yet.
fn cut_bytes(cut: &Cut) -> Result<Vec<u8>, StoreError> {
    let mut tensors = TensorMap::default();
    let shape = [cut.labels.len()];
    tensors.tensor("labels", &shape, TensorData::U16(&cut.labels))?;
    tensors.tensor("indices", &shape, TensorData::U32(&cut.indices))?;
    add_files(&mut tensors, cut.files.as_deref())?;
    tensors.to_bytes()
}

/// Writes a gzip file of tensors, and its folder where it is missing.
fn write_packed(path: PathBuf, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
    }
    // Level 4 is within a few per cent of the best size at a tenth of its time.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(4));
    encoder.write_all(bytes).map_err(StoreError::io(&path))?;
    let bytes = encoder.finish().map_err(StoreError::io(&path))?;
    write_whole(&path, &bytes)
}

/// Unpacks a file of so many bytes of tensors: nothing larger is read.
fn read_packed(path: &Path, expected: usize) -> Result<Vec<u8>, StoreError> {
    let file = files::open(path).map_err(StoreError::io(path))?;
    let mut bytes = Vec::new();
    GzDecoder::new(file)
        .take((expected as u64).saturating_add(HEADER_BYTES))
        .read_to_end(&mut bytes)
        .map_err(StoreError::io(path))?;
    Ok(bytes)
}
