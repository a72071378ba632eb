//! Arrays as `numpy.load` reads them.

use super::{file::ExportedFile, predictions::DatasetPredictions};

/// A file for the probabilities of each trial and one for each part's labels.
pub(super) fn files(datasets: &[DatasetPredictions<'_>]) -> Vec<ExportedFile> {
    let mut files = Vec::new();
    for dataset in datasets {
        let path = |stem: &str| format!("predictions/{}/{stem}.npy", dataset.slug);
        for (stem, labels) in dataset.labels() {
            let bytes = bakeoff_npy::write(&[labels.len()], labels);
            files.push(ExportedFile::new(path(stem), bytes));
        }
        for trial in dataset.with_probabilities() {
            let p = trial.probabilities;
            let bytes = bakeoff_npy::write(&[p.len(), p.classes()], p.values());
            files.push(ExportedFile::new(path(&trial.stem), bytes));
        }
    }
    files
}
