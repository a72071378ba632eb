//! Probabilities and labels as safetensors, one file for each dataset.

use std::collections::HashMap;

use bakeoff_core::record::Run;
use safetensors::{Dtype, serialize, tensor::TensorView};
use serde_json::json;

use super::{
    file::{ExportError, ExportedFile},
    predictions::DatasetPredictions,
};

/// A file for each dataset: a tensor for each trial and for each part's labels. What they
/// are is said in its metadata, under `bakeoff`, as JSON.
pub(super) fn files(
    run: &Run,
    datasets: &[DatasetPredictions<'_>],
) -> Result<Vec<ExportedFile>, ExportError> {
    datasets
        .iter()
        .map(|dataset| {
            let path = format!("predictions/{}.safetensors", dataset.slug);
            let bytes = file(run, dataset).map_err(|error| ExportError::Safetensors {
                file: path.clone(),
                reason: error.to_string(),
            })?;
            Ok(ExportedFile::new(path, bytes))
        })
        .collect()
}

fn file(
    run: &Run,
    dataset: &DatasetPredictions<'_>,
) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    // safetensors is little-endian whatever the machine.
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (stem, labels) in dataset.labels() {
        let bytes = labels.iter().flat_map(|label| label.to_le_bytes());
        tensors.push((
            stem.to_owned(),
            Dtype::U16,
            vec![labels.len()],
            bytes.collect(),
        ));
    }
    let mut trials = Vec::new();
    for trial in dataset.with_probabilities() {
        let p = trial.probabilities;
        let bytes = p.values().iter().flat_map(|value| value.to_le_bytes());
        let shape = vec![p.len(), p.classes()];
        tensors.push((trial.stem.clone(), Dtype::F32, shape, bytes.collect()));
        trials.push(json!({
            "tensor": trial.stem,
            "labels": trial.labels_stem,
            "model": trial.planned.trial.model,
            "seed": trial.planned.trial.seed,
            "trial": trial.planned.id,
        }));
    }
    let about = json!({
        "run": run.info.name,
        "class_names": dataset.class_names,
        "trials": trials,
    });
    // One entry: several would come in another order each time.
    let metadata = HashMap::from([("bakeoff".to_owned(), about.to_string())]);
    let mut views = Vec::with_capacity(tensors.len());
    for (name, dtype, shape, bytes) in &tensors {
        views.push((
            name.as_str(),
            TensorView::new(*dtype, shape.clone(), bytes)?,
        ));
    }
    serialize(views, Some(metadata))
}
