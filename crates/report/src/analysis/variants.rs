//! Trials that models are not ranked by: smaller training parts, folds and holdouts.
//!
//! They say how far a ranking can be trusted, and what more data would give. Their scores
//! come from their stored probabilities as all others do.

use bakeoff_core::record::{Outcome, PlannedTrial, Purpose, Run, SampleCounts, SplitSpec};
use bakeoff_metrics::{ConfusionMatrix, Predictions, log_loss};

use super::seconds;

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
    /// Who saw how much.
    pub(crate) samples: SampleCounts,
    /// Share of right answers.
    pub(crate) accuracy: f64,
    /// Mean F1 over classes.
    pub(crate) macro_f1: f64,
    /// Mean negative log probability of the right class, in nats.
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
            match point(run, planned) {
                Ok(point) => found.points.push(point),
                Err(reason) => found.problems.push(Problem { planned, reason }),
            }
        }
        found
    }

    /// Those that serve one purpose.
    pub(crate) fn of(&self, purpose: Purpose) -> impl Iterator<Item = &Point<'a>> {
        self.points.iter().filter(move |p| p.purpose == purpose)
    }
}

fn point<'a>(run: &'a Run, planned: &'a PlannedTrial) -> Result<Point<'a>, Option<String>> {
    let measured = match run.records.get(&planned.id).map(|record| &record.outcome) {
        None => return Err(None),
        Some(Outcome::Failed { reason, .. }) => return Err(Some(reason.clone())),
        Some(Outcome::Ok(measured)) => measured,
    };
    let lost = |what: &str| Some(format!("{what} it was reported on are not at hand"));
    let labels = run
        .labels(&measured.test_fingerprint)
        .ok_or_else(|| lost("the labels that"))?;
    let probabilities = run.probabilities.get(&planned.id).ok_or_else(|| {
        Some("the record says ok, but its probabilities are not there".to_owned())
    })?;
    let predictions = Predictions::new(labels, probabilities)
        .map_err(|error| Some(format!("its probabilities do not fit its labels: {error}")))?;
    let confusion = ConfusionMatrix::new(&predictions);
    Ok(Point {
        purpose: planned.trial.purpose(),
        model: &planned.trial.model,
        split: planned.trial.split,
        samples: measured.samples,
        accuracy: confusion.accuracy(),
        macro_f1: confusion.f1().macro_average,
        log_loss: log_loss(&predictions),
        fit_seconds: seconds(measured.costs.fit_ns),
    })
}
