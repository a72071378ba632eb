//! Robustness: accuracy on corrupted images.

use bakeoff_core::Corruption;
use bakeoff_metrics::mean_corruption_error;

use super::trial::Entry;

/// The models of a dataset on corrupted images.
#[derive(Debug)]
pub(crate) struct Robustness {
    /// The corruptions, in the order of the records.
    pub(crate) corruptions: Vec<Corruption>,
    /// The models with results on all of them, the most robust first.
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
    pub(crate) fn new(entries: &[Entry<'_>], baseline: Option<&str>) -> Option<Self> {
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
        models.sort_by(|a, b| match (a.error, b.error) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => b.mean.total_cmp(&a.mean),
        });
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
        accuracy,
    })
}
