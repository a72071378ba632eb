//! Robustness to corrupted images.

use bakeoff_measures::{ACCURACY, CORRUPTED_ACCURACY, MEAN_CORRUPTION_ERROR, format};

use super::super::{figure::Figures, models::test_images, part::Part, table::Table, words::bold};
use crate::{
    analysis::{
        Group,
        robustness::{Corrupted, Robustness},
    },
    charts::{ClassErrors, class_errors, robustness},
};

/// What one dataset says.
pub(super) fn part(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let found = group.robustness.as_ref().filter(|r| !r.models.is_empty())?;
    let name = |model: &Corrupted| group.entries[model.entry].model;
    let models: Vec<(&str, usize)> = found
        .models
        .iter()
        .map(|model| (name(model), group.entries[model.entry].series))
        .collect();
    let curves: Vec<(&str, Vec<Vec<f64>>)> = found
        .corruptions
        .iter()
        .enumerate()
        .map(|(index, corruption)| {
            let accuracies = found.models.iter().map(|model| {
                let severities = model.accuracy[index].iter().copied();
                std::iter::once(model.clean).chain(severities).collect()
            });
            (corruption.title(), accuracies.collect())
        })
        .collect();
    let titles: Vec<String> = curves
        .iter()
        .map(|(title, _)| (*title).to_owned())
        .collect();
    let errors: Vec<ClassErrors<'_>> = found
        .models
        .iter()
        .map(|model| (name(model), model.errors().into_iter().map(Some).collect()))
        .collect();
    let figures = vec![
        charts.figure(
            "robustness",
            &robustness(&models, &curves),
            "Accuracy by corruption and severity",
            "The test images are corrupted in several ways, with severity 1 to 5; 0 is not \
             corrupted. All models predict the same corrupted images.",
            None,
        ),
        charts.figure(
            "robustness-errors",
            &class_errors(&titles, &errors),
            "Errors by corruption",
            "Percentage of the corrupted test images that a model classifies wrong, mean over \
             the five severities: the darker, the more.",
            None,
        ),
    ];
    let samples = test_images(group);
    Some(Part {
        lead: lead(group, found, samples).into(),
        sentences: found
            .models
            .iter()
            .map(|model| extremes(name(model), found, model).into())
            .collect(),
        figures,
        tables: vec![table(group, found, samples)],
        notes: vec![note(found)],
        ..Part::default()
    })
}

fn note(found: &Robustness) -> String {
    match &found.baseline {
        Some(baseline) if found.models.iter().all(|model| model.error.is_none()) => format!(
            "There is no mean corruption error: the baseline {baseline} makes no errors under \
             any corruption, so nothing can be divided by them."
        ),
        Some(baseline) => format!(
            "The mean corruption error (Hendrycks and Dietterich) divides the errors of a model \
             under each corruption by those of the baseline {baseline}, and averages these \
             ratios. {} is as robust as {baseline}; lower is better.",
            MEAN_CORRUPTION_ERROR.write(1.0, 0)
        ),
        None => "There is no mean corruption error, because the baseline model has no results."
            .to_owned(),
    }
}

fn lead(group: &Group<'_>, found: &Robustness, samples: usize) -> String {
    let Some(best) = found.models.first() else {
        return String::new();
    };
    let name = group.entries[best.entry].model;
    let is = match found.models.len() {
        1 => "is the only model tested",
        _ => "is the most robust model",
    };
    let error = match (&found.baseline, best.error) {
        (Some(baseline), Some(error)) if baseline != name => format!(
            "; its mean corruption error relative to {baseline} is {}",
            MEAN_CORRUPTION_ERROR.write(error, samples)
        ),
        _ => String::new(),
    };
    format!(
        "{} {is}: its accuracy is {} over all corruptions, and {} on the original images{error}.",
        bold(name),
        CORRUPTED_ACCURACY.write(best.mean, samples),
        ACCURACY.write(best.clean, samples)
    )
}

/// The corruptions with the most and the fewest errors of a model.
fn extremes(name: &str, found: &Robustness, model: &Corrupted) -> String {
    let name = bold(name);
    let mut errors: Vec<(f64, String)> = model
        .errors()
        .into_iter()
        .zip(&found.corruptions)
        .map(|(errors, corruption)| (errors, corruption.title().to_lowercase()))
        .collect();
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some((fewest, least)), Some((most, worst))) = (errors.first(), errors.last()) else {
        return String::new();
    };
    let (fewest, most) = (format::percent(*fewest, 100), format::percent(*most, 100));
    if errors.len() == 1 {
        format!("{name} has an error rate of {most} under “{worst}”.")
    } else if fewest == most {
        format!("{name} has an error rate of {most} under every corruption.")
    } else {
        format!(
            "{name} is least robust to “{worst}” (error rate {most}) and most robust to \
             “{least}” ({fewest})."
        )
    }
}

fn table(group: &Group<'_>, found: &Robustness, samples: usize) -> Table {
    Table::of(format!("Robustness on {}", group.name), &found.models)
        .text("model", |model| group.entries[model.entry].model)
        .numbers(
            "accuracy on original images",
            |value| ACCURACY.write(value, samples),
            |model| Some(model.clean),
        )
        .measure(&CORRUPTED_ACCURACY, samples, |model| Some(model.mean))
        .numbers(
            "difference, points",
            |value| ACCURACY.unit.write_difference(value),
            |model| Some(model.mean - model.clean),
        )
        .measure(&MEAN_CORRUPTION_ERROR, samples, |model| model.error)
        .done()
}
