//! Labels that are probably wrong, as CSV.

use bakeoff_core::cell_of_text;

use super::file::{ExportError, ExportedFile};
use crate::analysis::Analysis;

/// `label-issues.csv`, where a model has results: a line of names, then a line for each label, by dataset and part, the most
/// confident first. Samples are numbered from 0 in their part; `file` is empty where they have no files of their own. `confidence` is the probability
/// that the given label is wrong; `confident` says whether confident learning counts it as an error.
pub(super) fn file(analysis: &Analysis<'_>) -> Result<Option<ExportedFile>, ExportError> {
    if analysis
        .groups
        .iter()
        .all(|group| group.label_checks.is_empty())
    {
        return Ok(None);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "dataset",
        "part",
        "sample",
        "file",
        "given",
        "suggested",
        "confidence",
        "confident",
    ])?;
    for group in &analysis.groups {
        let name = |class: u16| {
            let names = group.data.map_or(&[][..], |data| &data.class_names);
            names.get(usize::from(class)).map_or("", String::as_str)
        };
        for check in &group.label_checks {
            for issue in &check.found.issues {
                writer.write_record([
                    &*cell_of_text(group.name),
                    check.part,
                    &issue.sample.to_string(),
                    &cell_of_text(check.file(issue.sample).unwrap_or_default()),
                    &cell_of_text(name(issue.given)),
                    &cell_of_text(name(issue.suggested)),
                    &format!("{:.6}", issue.confidence),
                    if issue.confident { "yes" } else { "no" },
                ])?;
            }
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(Some(ExportedFile::new("label-issues.csv", bytes)))
}
