//! Every prediction as CSV.

use bakeoff_core::cell_of_text;

use super::{
    file::{ExportError, ExportedFile},
    predictions::{DatasetPredictions, TrialPredictions},
};

/// A file for each trial: a line of names, then one line per sample (RFC 4180, with plain
/// newlines). Probabilities have the digits that bring back the same 32-bit value,
/// and class names are cells that no spreadsheet takes for a formula.
pub(super) fn files(datasets: &[DatasetPredictions<'_>]) -> Result<Vec<ExportedFile>, ExportError> {
    let mut files = Vec::new();
    for dataset in datasets {
        for trial in &dataset.trials {
            files.push(ExportedFile::new(
                format!("predictions/{}/{}.csv", dataset.slug, trial.stem),
                file(dataset.class_names, trial)?,
            ));
        }
    }
    Ok(files)
}

fn file(class_names: &[String], trial: &TrialPredictions<'_>) -> Result<Vec<u8>, ExportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header = ["sample", "actual", "predicted"]
        .map(str::to_owned)
        .to_vec();
    header.extend(class_names.iter().map(|name| format!("p_{name}")));
    writer.write_record(&header)?;
    let name = |class: u16| {
        class_names
            .get(usize::from(class))
            .map_or("", String::as_str)
    };
    let predicted = trial.probabilities.predicted();
    let mut line: Vec<String> = Vec::new();
    for (sample, row) in trial.probabilities.rows().enumerate() {
        line.clear();
        line.push(match trial.places {
            Some(places) => places[sample].to_string(),
            None => sample.to_string(),
        });
        line.push(cell_of_text(name(trial.labels[sample])).into_owned());
        line.push(cell_of_text(name(predicted[sample])).into_owned());
        line.extend(row.iter().map(|p| match trial.labels_alone {
            true => String::new(),
            false => p.to_string(),
        }));
        writer.write_record(&line)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(bytes)
}
