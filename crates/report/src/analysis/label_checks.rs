//! Labels that are probably wrong, by what the first model of the leaderboard predicts.
//!
//! No prediction is of an image that the model was trained on: those of the test part come from its
//! headline trials, those of the training part from its folds; where there are several of an
//! image (seeds, repeats), their mean is taken. The list scores nothing: the model is
//! chosen by its score on the labels that it checks, and nothing else depends on that choice.
//!
//! Rejected: the mean of all models, each counting the same. Weak models hide what a strong
//! one sees (METHODOLOGY.md has the figures).

use std::collections::BTreeMap;

use bakeoff_core::{
    Probabilities, Samples,
    record::{PlannedTrial, Purpose, Run, SplitSpec},
};
use bakeoff_metrics::{LabelIssues, Predictions};

use super::trial::Entry;
use crate::results::{Fate, read};

/// What is found in one part of a dataset.
#[derive(Debug)]
pub(crate) struct LabelCheck<'a> {
    /// `test` or `training`.
    pub(crate) part: &'static str,
    /// The model whose predictions were used.
    pub(crate) model: &'a str,
    /// How many labels were checked.
    pub(crate) samples: usize,
    /// What was found; samples are positions in the part.
    pub(crate) found: LabelIssues,
    /// The file of each sample by its position in the part, where samples have files.
    files: BTreeMap<usize, &'a str>,
}

impl LabelCheck<'_> {
    /// Whether samples have files.
    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// The file of a sample.
    pub(crate) fn file(&self, sample: usize) -> Option<&str> {
        self.files.get(&sample).copied()
    }
}

/// The test part of a dataset, and its training part where there are folds, by the best of
/// these models; nothing where no model has results.
pub(crate) fn label_checks<'a>(
    run: &'a Run,
    dataset: &str,
    ranked: &[Entry<'a>],
) -> Vec<LabelCheck<'a>> {
    // What does not look at an image knows nothing of its label.
    let mut looking = ranked.iter().filter(|entry| !entry.is_baseline());
    let has_probabilities = |entry: &&Entry<'_>| {
        let example = entry.example();
        example.is_some_and(|(_, success)| success.curves.is_some())
    };
    let Some(best) = looking.find(has_probabilities) else {
        return Vec::new();
    };
    let of = |part, wanted: fn(&PlannedTrial) -> bool| {
        let planned = run.plan.iter().filter(|planned| {
            let trial = &planned.trial;
            trial.data.name == dataset && trial.model == best.model && wanted(planned)
        });
        check(run, part, best.model, planned)
    };
    let headline = of("test", |p| p.trial.purpose() == Purpose::Headline);
    let folds = of("training", |p| {
        matches!(p.trial.split, SplitSpec::Fold { .. })
    });
    headline.into_iter().chain(folds).collect()
}

/// What the mean predictions of some trials say of the labels.
fn check<'a>(
    run: &'a Run,
    part: &'static str,
    model: &'a str,
    trials: impl Iterator<Item = &'a PlannedTrial>,
) -> Option<LabelCheck<'a>> {
    let mut files = BTreeMap::new();
    // By position in the part: the label, sums of probabilities and how many there are.
    let mut samples: BTreeMap<usize, (u16, Vec<f64>, f64)> = BTreeMap::new();
    for planned in trials {
        let Fate::Ok(results) = read(run, planned) else {
            continue;
        };
        let fingerprint = &results.measured.test_fingerprint;
        let cut = run.cuts.get(fingerprint);
        let names = match cut {
            Some(cut) => cut.files.as_deref(),
            None => run.tests.get(fingerprint).and_then(Samples::files),
        };
        let rows = results.predictions.probabilities().rows();
        for (at, (row, &label)) in rows.zip(results.predictions.labels()).enumerate() {
            let position = match cut {
                Some(cut) => *cut.indices.get(at)? as usize,
                None => at,
            };
            if let Some(name) = names.and_then(|names| names.get(at)) {
                files.insert(position, name.as_str());
            }
            let (_, sums, count) = samples
                .entry(position)
                .or_insert_with(|| (label, vec![0.0; row.len()], 0.0));
            *count += 1.0;
            for (sum, p) in sums.iter_mut().zip(row) {
                *sum += f64::from(*p);
            }
        }
    }
    let labels: Vec<u16> = samples.values().map(|(label, ..)| *label).collect();
    let classes = samples.values().next()?.1.len();
    let means = samples
        .values()
        .flat_map(|(_, sums, count)| sums.iter().map(move |sum| (sum / count) as f32));
    let probabilities = Probabilities::new(classes, means.collect()).ok()?;
    let predictions = Predictions::new(&labels, &probabilities).ok()?;
    let mut found = LabelIssues::new(&predictions);
    let positions: Vec<usize> = samples.keys().copied().collect();
    for issue in &mut found.issues {
        issue.sample = positions[issue.sample];
    }
    Some(LabelCheck {
        part,
        model,
        samples: labels.len(),
        found,
        files,
    })
}
