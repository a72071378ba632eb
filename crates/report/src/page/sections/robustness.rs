//! Robustness to corrupted images.

use bakeoff_measures::{ACCURACY, CORRUPTED_ACCURACY, MEAN_CORRUPTION_ERROR, format};

use super::super::{
    figure::Figures,
    models::{differences, test_images},
    part::Part,
    table::Table,
    words::bold,
};
use crate::{
    analysis::{
        Group,
        robustness::{AgainstBest, Corrupted, Robustness},
        significance::Claim,
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
    let score = score_note(found);
    if found
        .models
        .iter()
        .all(|model| model.against_best.is_none())
    {
        return score;
    }
    format!(
        "{score} Two models are compared image by image over all corrupted images, with the weights \
         of the corruptions taken as given; p-values are corrected over the models (Holm)."
    )
}

fn score_note(found: &Robustness) -> String {
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
    let Some((best, others)) = found.models.split_first() else {
        return String::new();
    };
    let name = group.entries[best.entry].model;
    let error = match (&found.baseline, best.error) {
        (Some(baseline), Some(error)) if baseline != name => format!(
            "; its mean corruption error relative to {baseline} is {}",
            MEAN_CORRUPTION_ERROR.write(error, samples)
        ),
        _ => String::new(),
    };
    let (is, certainty) = verdict(group, found, others);
    let same = |model: &&Corrupted| model.error == best.error && model.mean == best.mean;
    let tied = others.iter().filter(same);
    let tied: Vec<&str> = tied.map(|model| group.entries[model.entry].model).collect();
    let tied = match tied.as_slice() {
        [] => String::new(),
        tied => format!(" The same holds for {}.", format::list(tied)),
    };
    format!(
        "{} {is}: its accuracy is {} over all corruptions, and {} on the original images{error}.\
         {tied}{certainty}",
        bold(name),
        CORRUPTED_ACCURACY.write(best.mean, samples),
        ACCURACY.write(best.clean, samples)
    )
}

/// What the first model is, and how certain that is.
fn verdict(group: &Group<'_>, found: &Robustness, others: &[Corrupted]) -> (&'static str, String) {
    let score = match found.models.first().and_then(|best| best.error) {
        Some(_) => "has the lowest mean corruption error",
        None => "has the highest accuracy on corrupted images",
    };
    if others.is_empty() {
        return ("is the only model tested", String::new());
    }
    let compared: Option<Vec<(&str, AgainstBest)>> = others
        .iter()
        .map(|model| Some((group.entries[model.entry].model, model.against_best?)))
        .collect();
    let Some(compared) = compared else {
        let unknown = " Whether it differs from the others by more than chance is not known: an \
                       earlier version made these records, without the predictions.";
        return (score, unknown.to_owned());
    };
    let claims = compared.iter().map(|(_, test)| test.claim);
    let claim = claims.fold(Claim::Recipes, Claim::and);
    let is = match claim {
        _ if !compared.iter().all(|(_, test)| test.is_significant()) => score,
        Claim::Fits => "is the most robust of these fits",
        Claim::Recipes => "is the most robust model",
    };
    let others: Vec<(&str, f64)> = compared.iter().map(|(m, test)| (*m, test.p)).collect();
    let certainty = differences(claim, &others).unwrap_or_default();
    (is, format!(" {certainty}"))
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
        .numbers("p, against the first", format::p_value, |model| {
            model.against_best.map(|test| test.p)
        })
        .done()
}
