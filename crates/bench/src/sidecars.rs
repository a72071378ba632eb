//! Files beside a record: what a trial answered, image by image.

use bakeoff_core::{
    ModelReader as _, ModelWriter as _, Probabilities, StoreError, TensorData, record::Sidecar,
};
use bakeoff_metrics::Predictions;
use bakeoff_store::{TensorFile, TensorMap, files};

use crate::{
    error::BenchError,
    files::{sha256, write_whole},
    run_folder::RunFolder,
};

/// The answers to every set of corrupted images, set after set.
#[derive(Default)]
pub(crate) struct CorruptedAnswers {
    /// Number of sets.
    pub(crate) sets: usize,
    /// The predicted classes.
    pub(crate) predicted: Vec<u16>,
    /// The probability of the correct class.
    pub(crate) of_the_label: Vec<f32>,
    /// The probability of the predicted class.
    pub(crate) confidence: Vec<f32>,
}

impl CorruptedAnswers {
    /// Adds the answers to images of a set.
    pub(crate) fn push(&mut self, predictions: &Predictions<'_>) {
        let (labels, predicted) = (predictions.labels(), predictions.predicted());
        let rows = predictions.probabilities().rows();
        self.predicted.extend(predicted);
        for ((row, label), answer) in rows.zip(labels).zip(predicted) {
            self.of_the_label.push(row[usize::from(*label)]);
            self.confidence.push(row[usize::from(*answer)]);
        }
    }
}

impl RunFolder {
    /// Writes a trial's probabilities; the record that names them is written after.
    pub(crate) fn write_probabilities(
        &self,
        id: &str,
        probabilities: &Probabilities,
    ) -> Result<Sidecar, BenchError> {
        let mut tensors = TensorMap::default();
        tensors.tensor(
            "probabilities",
            &[probabilities.len(), probabilities.classes()],
            TensorData::F32(probabilities.values()),
        )?;
        self.write_sidecar(id, &tensors)
    }

    /// Writes what a trial answered to the corrupted images, set by set.
    pub(crate) fn write_corrupted(
        &self,
        id: &str,
        answers: &CorruptedAnswers,
    ) -> Result<Sidecar, BenchError> {
        let shape = [answers.sets, answers.predicted.len() / answers.sets.max(1)];
        let mut tensors = TensorMap::default();
        tensors.tensor("predicted", &shape, TensorData::U16(&answers.predicted))?;
        tensors.tensor(
            "of_the_label",
            &shape,
            TensorData::F32(&answers.of_the_label),
        )?;
        tensors.tensor("confidence", &shape, TensorData::F32(&answers.confidence))?;
        self.write_sidecar(id, &tensors)
    }

    fn write_sidecar(&self, id: &str, tensors: &TensorMap) -> Result<Sidecar, BenchError> {
        let bytes = tensors.to_bytes()?;
        let sha256 = sha256(&bytes);
        // Named by content: a second attempt at the same trial cannot change the file that
        // the record of the first one names.
        let file = format!("{id}-{}.safetensors", &sha256[..12]);
        write_whole(&self.records().join(&file), &bytes)?;
        Ok(Sidecar { file, sha256 })
    }

    /// The bytes of a file beside a record, undamaged.
    pub(crate) fn sidecar_bytes(&self, sidecar: &Sidecar) -> Result<Vec<u8>, StoreError> {
        let path = self.records().join(&sidecar.file);
        let bytes = files::read(&path).map_err(StoreError::io(&path))?;
        if sha256(&bytes) != sidecar.sha256 {
            return Err(StoreError::damaged(
                &path,
                format!(
                    "the checksum does not match: the file was altered or damaged; {}",
                    self.remedy
                ),
            ));
        }
        Ok(bytes)
    }

    /// Reads the predicted classes on (sets, samples) of corrupted images.
    pub(crate) fn read_predicted(
        &self,
        sidecar: &Sidecar,
        shape: [usize; 2],
        classes: usize,
    ) -> Result<Vec<u16>, StoreError> {
        let path = self.records().join(&sidecar.file);
        let bytes = self.sidecar_bytes(sidecar)?;
        let in_file = |error: StoreError| error.in_file(&path);
        let mut file = TensorFile::parse(&bytes).map_err(in_file)?;
        let predicted = file.u16("predicted", &shape).map_err(in_file)?;
        match predicted
            .iter()
            .find(|&&class| usize::from(class) >= classes)
        {
            None => Ok(predicted),
            Some(class) => Err(StoreError::damaged(
                &path,
                format!(
                    "an image is predicted to be of class {class} of {classes}, counted from 0"
                ),
            )),
        }
    }

    /// Reads the probabilities of (samples, classes).
    pub(crate) fn read_probabilities(
        &self,
        sidecar: &Sidecar,
        expected: (usize, usize),
    ) -> Result<Probabilities, StoreError> {
        let path = self.records().join(&sidecar.file);
        let bytes = self.sidecar_bytes(sidecar)?;
        let in_file = |error: StoreError| error.in_file(&path);
        let mut file = TensorFile::parse(&bytes).map_err(in_file)?;
        let read = file
            .shape("probabilities")
            .and_then(|shape| Ok((file.f32("probabilities", &shape)?, shape)));
        let (values, shape) = read.map_err(in_file)?;
        if shape != [expected.0, expected.1] {
            return Err(StoreError::damaged(
                &path,
                format!(
                    "probabilities of shape {shape:?}, expected {}×{}",
                    expected.0, expected.1
                ),
            ));
        }
        Probabilities::new(expected.1, values)
            .map_err(|error| StoreError::damaged(&path, error.to_string()))
    }
}
