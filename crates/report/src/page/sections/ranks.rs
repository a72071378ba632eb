//! The models ranked over several datasets.

use bakeoff_measures::{ACCURACY, format};

use super::super::{
    figure::{Figure, Figures},
    models::test_images,
    part::Part,
    table::{Cell, Table},
    words::bold,
};
use crate::{
    analysis::{Analysis, Group, ranks::Ranks, significance::ALPHA},
    charts::{Ranked, ranks},
};

/// What the run says about all its datasets together; nothing where there is only one.
pub(super) fn part(analysis: &Analysis<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let groups = &analysis.groups;
    let (first, [_, ..]) = groups.split_first()? else {
        return None;
    };
    let accuracy = |group: &Group<'_>, model: &str| {
        let entry = group.entries.iter().find(|entry| entry.model == model)?;
        entry.mean_accuracy()
    };
    let models: Vec<(&str, usize)> = first
        .entries
        .iter()
        .filter(|entry| groups.iter().all(|g| accuracy(g, entry.model).is_some()))
        .map(|entry| (entry.model, entry.series))
        .collect();
    if models.len() < 2 {
        return None;
    }
    let blocks: Vec<Vec<f64>> = groups
        .iter()
        .map(|group| {
            let models = models.iter();
            models
                .filter_map(|(model, _)| accuracy(group, model))
                .collect()
        })
        .collect();
    let mut figures = Vec::new();
    let lead = match Ranks::new(&blocks, "datasets") {
        Ok(found) => {
            figures.push(rank_figure("ranks", &models, &found, "datasets", charts));
            let differ = if found.friedman.best_p() <= ALPHA {
                "the models differ significantly"
            } else {
                "the models do not differ significantly"
            };
            format!(
                "Over all datasets, {} (Friedman test, {}).",
                bold(differ),
                format::p_text(found.friedman.best_p())
            )
        }
        Err(reason) => {
            format!("Whether the models differ over datasets cannot be tested here: {reason}.")
        }
    };
    let table = Table::of(
        "Accuracy of the models that have results on every dataset",
        &models,
    )
    .text("model", |(model, _)| *model)
    .each(groups, |table, group| {
        table.cells(group.name, |(model, _)| {
            Cell::measure(&ACCURACY, accuracy(group, model), test_images(group))
        })
    });
    Some(Part {
        lead: lead.into(),
        figures,
        tables: vec![table.done()],
        ..Part::default()
    })
}

/// The critical-difference diagram with what it says; `what` the models are ranked over.
pub(super) fn rank_figure(
    stem: &str,
    models: &[(&str, usize)],
    found: &Ranks,
    what: &str,
    charts: &mut Figures<'_>,
) -> Figure {
    let rows: Vec<Ranked<'_>> = models
        .iter()
        .zip(&found.friedman.mean_ranks)
        .map(|(&(label, series), &rank)| Ranked {
            label,
            series,
            rank,
        })
        .collect();
    let nemenyi = &found.nemenyi;
    charts.figure(
        stem,
        &ranks(&rows, nemenyi.critical_difference, &nemenyi.groups),
        "Mean ranks",
        format!(
            "Mean rank of each model over {} {what}, 1 is best. Models under one bar are not \
             significantly different (Nemenyi test, 95 %). Friedman test of the hypothesis that \
             all models are equal: {}.",
            found.friedman.blocks,
            format::p_text(found.friedman.best_p())
        ),
        None,
    )
}
