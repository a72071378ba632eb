//! Robustness: accuracy on corrupted images.

use bakeoff_core::{Corruption, record::Run};
use bakeoff_metrics::{RecipeScore, mean_corruption_error, statistics::holm};

use super::{
    significance::{ALPHA, Claim},
    trial::{Entry, Success},
};

/// The models of a dataset on corrupted images.
#[derive(Debug)]
pub(crate) struct Robustness {
    /// The corruptions, in the order of the records.
    pub(crate) corruptions: Vec<Corruption>,
    /// The models with results on all of them, the most robust first, baselines last.
    pub(crate) models: Vec<Corrupted>,
    /// The model that the errors of the others are divided by, if it has results too.
    pub(crate) baseline: Option<String>,
}

/// One model, means over its fits.
#[derive(Debug)]
pub(crate) struct Corrupted {
    /// Its place among the entries of the group.
    pub(crate) entry: usize,
    /// Accuracy on the test images as they are.
    pub(crate) clean: f64,
    /// For every corruption the accuracy at each severity, from 1.
    pub(crate) accuracy: Vec<Vec<f64>>,
    /// Mean accuracy over all corruptions and severities.
    pub(crate) mean: f64,
    /// Mean corruption error, relative to the baseline.
    pub(crate) error: Option<f64>,
    /// How it compares with the most robust model; `None` for that model itself, and where records of
    /// an earlier version keep no predictions.
    pub(crate) against_best: Option<AgainstBest>,
}

/// A paired comparison with the most robust model, with test images (and seeds, between recipes)
/// random. The weights of the corruptions are taken as given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgainstBest {
    /// What is compared.
    pub(crate) claim: Claim,
    /// Two-sided, corrected over the models by Holm's method.
    pub(crate) p: f64,
}

impl AgainstBest {
    /// Whether the best model is significantly more robust.
    pub(crate) fn is_significant(&self) -> bool {
        self.p <= ALPHA
    }
}

impl Corrupted {
    /// Errors of each corruption, means over the severities.
    pub(crate) fn errors(&self) -> Vec<f64> {
        self.accuracy
            .iter()
            .map(|severities| 1.0 - severities.iter().sum::<f64>() / severities.len() as f64)
            .collect()
    }
}

impl Robustness {
    /// Gathers the records of a dataset's models; `None` where none has corruptions.
    pub(crate) fn new(run: &Run, entries: &[Entry<'_>]) -> Option<Self> {
        let baseline = run.info.robustness_baseline.as_deref();
        // The plan asks the same of all fits.
        let (_, first) = entries
            .iter()
            .flat_map(Entry::successes)
            .find(|(_, success)| !success.measured.robustness.is_empty())?;
        let mut corruptions: Vec<Corruption> = Vec::new();
        for score in &first.measured.robustness {
            if !corruptions.contains(&score.corruption) {
                corruptions.push(score.corruption);
            }
        }
        let mut models: Vec<Corrupted> = entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| corrupted(index, entry, &corruptions))
            .collect();
        let errors = models
            .iter()
            .find(|model| Some(entries[model.entry].model) == baseline)
            .map(Corrupted::errors);
        if let Some(errors) = &errors {
            for model in &mut models {
                model.error = mean_corruption_error(&model.errors(), errors);
            }
        }
        // What does not look at the image is shown, and is no winner.
        let is_baseline = |model: &Corrupted| entries[model.entry].is_baseline();
        models.sort_by(|a, b| {
            is_baseline(a)
                .cmp(&is_baseline(b))
                .then_with(|| match (a.error, b.error) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    _ => b.mean.total_cmp(&a.mean),
                })
        });
        compare(run, entries, &mut models, errors.as_deref());
        Some(Self {
            corruptions,
            models,
            baseline: errors.and(baseline).map(str::to_owned),
        })
    }

    /// A model by its place among the entries.
    pub(crate) fn of_entry(&self, entry: usize) -> Option<&Corrupted> {
        self.models.iter().find(|model| model.entry == entry)
    }
}

/// The mean over the fits, if each has results on every corruption and severity.
fn corrupted(index: usize, entry: &Entry<'_>, corruptions: &[Corruption]) -> Option<Corrupted> {
    let fits = entry.successes().count();
    let mut accuracy: Vec<Vec<f64>> = Vec::new();
    for corruption in corruptions {
        let mut severities = Vec::new();
        for severity in 1..=Corruption::SEVERITIES {
            let found: Vec<f64> = entry
                .successes()
                .flat_map(|(_, success)| &success.measured.robustness)
                .filter(|score| score.corruption == *corruption && score.severity == severity)
                .map(|score| score.accuracy())
                .collect();
            if fits == 0 || found.len() != fits {
                return None;
            }
            severities.push(found.iter().sum::<f64>() / fits as f64);
        }
        accuracy.push(severities);
    }
    let all = || accuracy.iter().flatten();
    Some(Corrupted {
        entry: index,
        clean: entry.mean_accuracy()?,
        mean: all().sum::<f64>() / all().count() as f64,
        error: None,
        against_best: None,
        accuracy,
    })
}

/// Compares every model with the first, image by image.
fn compare(run: &Run, entries: &[Entry<'_>], models: &mut [Corrupted], baseline: Option<&[f64]>) {
    let values = |model: &Corrupted| weighted_errors(run, &entries[model.entry], model, baseline);
    let Some((best, others)) = models.split_first_mut() else {
        return;
    };
    let Some(first) = values(best) else {
        return;
    };
    let claim = |model: &Corrupted| {
        let fits = entries[model.entry].successes();
        Claim::of(fits.map(|(_, success)| success.measured))
    };
    let p_of = |model: &Corrupted| {
        let second = values(model)?;
        let first: Vec<&[f64]> = first.iter().map(Vec::as_slice).collect();
        let second: Vec<&[f64]> = second.iter().map(Vec::as_slice).collect();
        // Models that err alike on every image do not differ.
        let difference = RecipeScore::difference_of_values(&first, &second).ok()?;
        Some(difference.p_value().unwrap_or(1.0))
    };
    let Some(p) = others.iter().map(p_of).collect::<Option<Vec<f64>>>() else {
        return;
    };
    let of_best = claim(best);
    for (model, p) in others.iter_mut().zip(holm(&p)) {
        model.against_best = Some(AgainstBest {
            claim: of_best.and(claim(model)),
            p,
        });
    }
}

/// For every fit the errors of each image, weighted so that their mean is the mean corruption error:
/// a corruption counts by one over the errors of the baseline, or as any other where there is none.
fn weighted_errors(
    run: &Run,
    entry: &Entry<'_>,
    model: &Corrupted,
    baseline: Option<&[f64]>,
) -> Option<Vec<Vec<f64>>> {
    let severities = usize::from(Corruption::SEVERITIES);
    let equal = vec![1.0; model.accuracy.len()];
    let weights = baseline.filter(|_| model.error.is_some()).unwrap_or(&equal);
    let counted = weights.iter().filter(|weight| **weight > 0.0).count();
    let weight = |set: usize| match weights[set / severities] {
        errors if errors > 0.0 => 1.0 / (errors * (counted * severities) as f64),
        _ => 0.0,
    };
    let of_fit = |id: &str, success: &Success<'_>| {
        let (labels, predicted) = (success.test.labels(), run.corrupted.get(id)?);
        let mut errors = vec![0.0; labels.len()];
        for (set, predicted) in predicted.chunks(labels.len()).enumerate() {
            let weight = weight(set);
            for ((error, label), answer) in errors.iter_mut().zip(labels).zip(predicted) {
                *error += weight * f64::from(u8::from(label != answer));
            }
        }
        Some(errors)
    };
    let fits = entry.successes();
    fits.map(|(trial, success)| of_fit(&trial.planned.id, success))
        .collect()
}
