//! Trials that models are not ranked by: smaller training parts, folds and holdouts.
//!
//! They show how stable a ranking is, and what more training data would give. Their scores
//! come from their stored probabilities, as all others do.

use bakeoff_core::record::{PlannedTrial, Purpose, Run, SampleCounts, SplitSpec};
use bakeoff_metrics::{ConfusionMatrix, log_loss};

use super::trial::seconds;
use crate::results::{Fate, Results, read};

/// The trials of a dataset that models are not ranked by.
#[derive(Debug, Default)]
pub(crate) struct Variants<'a> {
    /// With results, in the order of the plan.
    pub(crate) points: Vec<Point<'a>>,
    /// Without, and why.
    pub(crate) problems: Vec<Problem<'a>>,
}

/// One trial with results.
#[derive(Debug)]
pub(crate) struct Point<'a> {
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Its model.
    pub(crate) model: &'a str,
    /// The samples it is reported on.
    pub(crate) split: SplitSpec,
    /// How many samples it was trained, validated and tested on.
    pub(crate) samples: SampleCounts,
    /// Whether another seed gives another model.
    pub(crate) varies_with_seed: bool,
    /// For smaller training parts, 1 for each test image that is predicted right and 0 for the
    /// others.
    pub(crate) right: Vec<f64>,
    /// Share of correct predictions.
    pub(crate) accuracy: f64,
    /// Mean F1 over classes.
    pub(crate) macro_f1: f64,
    /// Mean negative log probability of the correct class, in nats.
    pub(crate) log_loss: f64,
    /// Wall clock of the fit.
    pub(crate) fit_seconds: f64,
}

/// One trial without.
#[derive(Debug)]
pub(crate) struct Problem<'a> {
    /// As planned.
    pub(crate) planned: &'a PlannedTrial,
    /// Why; `None` where there is no record of it.
    pub(crate) reason: Option<String>,
}

impl<'a> Variants<'a> {
    /// Gathers the trials of a dataset.
    pub(crate) fn new(run: &'a Run, dataset: &str) -> Self {
        let mut found = Self::default();
        let planned = run.plan.iter().filter(|planned| {
            planned.trial.data.name == dataset && planned.trial.purpose() != Purpose::Headline
        });
        for planned in planned {
            let reason = match read(run, planned) {
                Fate::Ok(results) => {
                    found.points.push(point(planned, &results));
                    continue;
                }
                Fate::Failed { reason, .. } => Some(reason),
                Fate::Missing => None,
            };
            found.problems.push(Problem { planned, reason });
        }
        found
    }

    /// Those that serve one purpose.
    pub(crate) fn of(&self, purpose: Purpose) -> impl Iterator<Item = &Point<'a>> {
        self.points.iter().filter(move |p| p.purpose == purpose)
    }
}

fn point<'a>(planned: &'a PlannedTrial, results: &Results<'_>) -> Point<'a> {
    let Results {
        measured,
        predictions,
        ..
    } = results;
    let confusion = ConfusionMatrix::new(predictions);
    let purpose = planned.trial.purpose();
    Point {
        purpose,
        varies_with_seed: measured.varies_with_seed(),
        right: match purpose {
            Purpose::DataSize => right(predictions.labels(), predictions.predicted()),
            Purpose::Headline | Purpose::Resampling => Vec::new(),
        },
        model: &planned.trial.model,
        split: planned.trial.split,
        samples: measured.samples,
        accuracy: confusion.accuracy(),
        macro_f1: confusion.f1().macro_average,
        log_loss: log_loss(predictions),
        fit_seconds: seconds(measured.costs.fit_ns),
    }
}

/// 1 for each label that was predicted, and 0 for the others.
pub(crate) fn right(labels: &[u16], predicted: &[u16]) -> Vec<f64> {
    let answers = labels.iter().zip(predicted);
    answers
        .map(|(label, answer)| f64::from(u8::from(label == answer)))
        .collect()
}
