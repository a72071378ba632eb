//! Arrays as `numpy.load` reads them.

use npyz::{AutoSerialize, Serialize, WriteOptions, WriterBuilder as _};

use super::{
    file::{ExportError, ExportedFile},
    predictions::DatasetPredictions,
};

/// A file for the probabilities of each trial and one for each part's labels.
pub(super) fn files(datasets: &[DatasetPredictions<'_>]) -> Result<Vec<ExportedFile>, ExportError> {
    let mut files = Vec::new();
    for dataset in datasets {
        let path = |stem: &str| format!("predictions/{}/{stem}.npy", dataset.slug);
        for (stem, labels) in dataset.labels() {
            files.push(array(path(stem), &[labels.len()], labels)?);
        }
        for trial in dataset.with_probabilities() {
            let p = trial.probabilities;
            files.push(array(
                path(&trial.stem),
                &[p.len(), p.classes()],
                p.values(),
            )?);
        }
    }
    Ok(files)
}

/// One array.
pub(super) fn array<T: AutoSerialize + Serialize + Copy>(
    path: String,
    shape: &[usize],
    values: &[T],
) -> Result<ExportedFile, ExportError> {
    let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
    let mut bytes = Vec::new();
    let mut write = || {
        let mut writer = WriteOptions::new()
            .default_dtype()
            .shape(&shape)
            .writer(&mut bytes)
            .begin_nd()?;
        writer.extend(values.iter().copied())?;
        writer.finish()
    };
    write().map_err(|source| ExportError::Npy {
        file: path.clone(),
        source,
    })?;
    Ok(ExportedFile::new(path, bytes))
}
