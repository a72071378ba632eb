//! Every image with its answer, as CSV.

use bakeoff_ask::Doubt;
use bakeoff_core::cell_of_text;
use csv::Writer;

use super::{measured::Measured, shown::Shown};

/// A row for each image. One without an answer has empty cells, and the reason among the warnings.
pub(super) fn table(shown: &Shown, measured: &Measured) -> anyhow::Result<Vec<u8>> {
    let mut table = Writer::from_writer(Vec::new());
    table.write_record(["file", "label", "answer", "confidence", "doubt", "warnings"])?;
    let images = shown.names.iter().zip(&shown.fates);
    let answers = measured.labels.iter().zip(&measured.answers);
    for ((name, fate), (label, answer)) in images.zip(answers) {
        let class = answer.map_or("", |answer| measured.class(answer.class));
        let confidence = answer.map(|answer| answer.confidence.to_string());
        let doubt = answer
            .and_then(|answer| answer.doubt)
            .map_or("", Doubt::words);
        let remarks = match fate {
            Ok(warnings) => warnings.join("; "),
            Err(reason) => reason.clone(),
        };
        table.write_record([
            &*cell_of_text(name),
            &*cell_of_text(measured.class(*label)),
            &*cell_of_text(class),
            &confidence.unwrap_or_default(),
            doubt,
            &*cell_of_text(&remarks),
        ])?;
    }
    Ok(table.into_inner()?)
}
