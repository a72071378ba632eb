//! The headline fits of a run by dataset and model, ready to be compared with another's.
//!
//! Less than [`crate::analysis`] gathers: no curves, no charts, no intervals of single
//! models.

use bakeoff_core::record::{DataInfo, Measured, PlannedTrial, Purpose, Run};
use bakeoff_metrics::Predictions;

/// The fits of one model on one test part.
pub(crate) struct Fits<'a> {
    /// The name the user gave the model.
    pub(crate) model: &'a str,
    /// The dataset.
    pub(crate) data: &'a DataInfo,
    /// As planned, the first of them.
    pub(crate) planned: &'a PlannedTrial,
    /// Those with results, in the order of the plan.
    pub(crate) ok: Vec<Fit<'a>>,
    /// Why one has none; the first of them.
    pub(crate) problem: Option<String>,
}

/// One fit with results.
pub(crate) struct Fit<'a> {
    /// What the record says.
    pub(crate) measured: &'a Measured,
    /// Labels and answers.
    pub(crate) predictions: Predictions<'a>,
}

impl Fits<'_> {
    /// The mean of something over the fits.
    pub(crate) fn mean(&self, of: impl Fn(&Fit<'_>) -> f64) -> Option<f64> {
        let sum: f64 = self.ok.iter().map(of).sum();
        (!self.ok.is_empty()).then(|| sum / self.ok.len() as f64)
    }
}

/// Every model on every dataset, in the order of the plan.
pub(crate) fn fits(run: &Run) -> Vec<Fits<'_>> {
    let mut found: Vec<Fits<'_>> = Vec::new();
    let headline = run
        .plan
        .iter()
        .filter(|planned| planned.trial.purpose() == Purpose::Headline);
    for planned in headline {
        let trial = &planned.trial;
        let data = run.info.datasets.iter().find(|d| d.name == trial.data.name);
        let Some(data) = data else {
            continue;
        };
        let same = |fits: &&mut Fits<'_>| fits.model == trial.model && fits.data == data;
        let place = match found.iter_mut().find(same) {
            Some(place) => place,
            None => {
                found.push(Fits {
                    model: &trial.model,
                    data,
                    planned,
                    ok: Vec::new(),
                    problem: None,
                });
                let last = found.len() - 1;
                &mut found[last]
            }
        };
        match fit(run, planned, data) {
            Ok(fit) => place.ok.push(fit),
            Err(reason) => {
                place.problem.get_or_insert(reason);
            }
        }
    }
    found
}

fn fit<'a>(run: &'a Run, planned: &'a PlannedTrial, data: &DataInfo) -> Result<Fit<'a>, String> {
    let record = run
        .records
        .get(&planned.id)
        .ok_or("there is no record of it")?;
    let measured = record.measured().ok_or_else(|| match &record.outcome {
        bakeoff_core::record::Outcome::Failed { reason, .. } => reason.clone(),
        bakeoff_core::record::Outcome::Ok(_) => String::new(),
    })?;
    if measured.test_fingerprint != data.test_fingerprint {
        return Err("it was measured on other test data than its run says".to_owned());
    }
    let labels = run
        .labels(&measured.test_fingerprint)
        .ok_or("the test data it was reported on is not at hand")?;
    let probabilities = run
        .probabilities
        .get(&planned.id)
        .ok_or("the record says ok, but its probabilities are not there")?;
    let predictions = Predictions::new(labels, probabilities).map_err(|error| error.to_string())?;
    Ok(Fit {
        measured,
        predictions,
    })
}
