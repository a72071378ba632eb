//! The headline trials of a run by dataset and model, ready to be compared with those of
//! another run.

use bakeoff_core::record::{DataInfo, PlannedTrial, Purpose, Run};

use crate::{
    analysis::mean,
    results::{Fate, Results, data, read},
};

/// The fits of one model on one test part.
pub(crate) struct Fits<'a> {
    /// The name the user gave the model.
    pub(crate) model: &'a str,
    /// The dataset.
    pub(crate) data: &'a DataInfo,
    /// The first of them, as planned.
    pub(crate) planned: &'a PlannedTrial,
    /// Those with results, in the order of the plan.
    pub(crate) ok: Vec<Results<'a>>,
    /// Why the first one without results has none.
    pub(crate) problem: Option<String>,
}

impl Fits<'_> {
    /// The mean of a number over the fits.
    pub(crate) fn mean(&self, of: impl Fn(&Results<'_>) -> f64) -> Option<f64> {
        mean(self.ok.iter().map(of))
    }
}

/// Every model on every dataset, in the order of the plan.
pub(crate) fn fits(run: &Run) -> Vec<Fits<'_>> {
    let mut found: Vec<Fits<'_>> = Vec::new();
    for planned in &run.plan {
        let trial = &planned.trial;
        let Some(data) = data(run, &trial.data.name) else {
            continue;
        };
        if trial.purpose() != Purpose::Headline {
            continue;
        }
        let same = |fits: &Fits<'_>| fits.model == trial.model && fits.data == data;
        let place = found.iter().position(same).unwrap_or_else(|| {
            found.push(Fits {
                model: &trial.model,
                data,
                planned,
                ok: Vec::new(),
                problem: None,
            });
            found.len() - 1
        });
        let fate = read(run, planned);
        if let Some(reason) = fate.reason() {
            let reason = reason.to_owned();
            found[place].problem.get_or_insert(reason);
        }
        if let Fate::Ok(results) = fate {
            found[place].ok.push(results);
        }
    }
    found
}
