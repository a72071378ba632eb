//! The models ranked over several datasets.

use super::{
    parts::{Cell, Charts, Column, Table, Words},
    resampling::rank_figure,
    sections::Part,
    significance::p_text,
};
use crate::{
    ReportError,
    analysis::{Analysis, ranks::Ranks, significance::ALPHA},
    format,
};

/// What the run says of all its datasets together; nothing where there is only one.
///
/// # Errors
/// When the diagram cannot be drawn.
pub(super) fn part(
    analysis: &Analysis<'_>,
    charts: &mut Charts,
) -> Result<Option<Part>, ReportError> {
    if analysis.groups.len() < 2 {
        return Ok(None);
    }
    let Some(first) = analysis.groups.first() else {
        return Ok(None);
    };
    let accuracy = |group: &crate::analysis::Group<'_>, model: &str| {
        let entry = group.entries.iter().find(|entry| entry.model == model)?;
        entry.mean_accuracy()
    };
    let models: Vec<(&str, usize)> = first
        .entries
        .iter()
        .filter(|entry| {
            let mut groups = analysis.groups.iter();
            groups.all(|group| accuracy(group, entry.model).is_some())
        })
        .map(|entry| (entry.model, entry.series))
        .collect();
    if models.len() < 2 {
        return Ok(None);
    }
    let blocks: Vec<Vec<f64>> = analysis
        .groups
        .iter()
        .map(|group| {
            let scores = models
                .iter()
                .filter_map(|(model, _)| accuracy(group, model));
            scores.collect()
        })
        .collect();
    let mut figures = Vec::new();
    let lead = match Ranks::new(&blocks, "datasets") {
        Ok(found) => {
            figures.push(rank_figure("ranks", &models, &found, "datasets", charts)?);
            let words = Words::default().plain("Over all datasets, ");
            if found.friedman.f_p <= ALPHA {
                words
                    .strong("the models do differ")
                    .plain(format!(" (Friedman, {}).", p_text(found.friedman.f_p)))
            } else {
                words
                    .strong("the ranks could be chance")
                    .plain(format!(" (Friedman, {}).", p_text(found.friedman.f_p)))
            }
        }
        Err(reason) => Words::default()
            .plain("Whether the models differ over datasets cannot be tested here: ")
            .plain(reason)
            .plain("."),
    };
    let mut columns = vec![Column::text("model")];
    columns.extend(
        analysis
            .groups
            .iter()
            .map(|group| Column::number(group.name)),
    );
    let table = Table {
        caption: "Accuracy of the models that have results on every dataset".to_owned(),
        columns,
        rows: models
            .iter()
            .enumerate()
            .map(|(place, (model, _))| {
                let mut row = vec![Cell::from(*model)];
                row.extend(blocks.iter().map(|block| {
                    Cell::number(block.get(place).copied(), |a| format::percent(a, 10_000))
                }));
                row
            })
            .collect(),
        sortable: true,
        pairs: false,
    };
    Ok(Some(Part {
        heading: None,
        lead,
        sentences: Vec::new(),
        figures,
        tables: vec![table],
        notes: Vec::new(),
    }))
}
