//! The results of a planned trial: its record, labels and probabilities, or the reason why
//! there are none. Every view of a run reads trials through [`read`], so that all views
//! agree on which trials have results, and say why others have none in the same words.

use bakeoff_core::record::{DataInfo, Host, Measured, Outcome, PlannedTrial, Purpose, Run, Stage};
use bakeoff_metrics::Predictions;
use serde::{Deserialize, Serialize};

/// How a planned trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It has a record with measurements.
    Ok,
    /// It has a record that says why there are none.
    Failed,
    /// It was planned, and has no record.
    Missing,
}

impl Status {
    /// The word in the files and on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Missing => "missing",
        }
    }
}

/// What became of a trial.
#[derive(Debug)]
pub(crate) enum Fate<T> {
    /// It has results.
    Ok(T),
    /// It failed, and why.
    Failed {
        /// Where it stood, if its record says so.
        stage: Option<Stage>,
        /// Why, in words.
        reason: String,
    },
    /// There is no record of it.
    Missing,
}

impl<T> Fate<T> {
    fn failed(reason: impl Into<String>) -> Self {
        Self::Failed {
            stage: None,
            reason: reason.into(),
        }
    }

    /// The same with results that are computed from these, or a reason to fail.
    pub(crate) fn and_then<U>(self, compute: impl FnOnce(T) -> Result<U, String>) -> Fate<U> {
        match self {
            Self::Ok(results) => compute(results).map_or_else(Fate::failed, Fate::Ok),
            Self::Failed { stage, reason } => Fate::Failed { stage, reason },
            Self::Missing => Fate::Missing,
        }
    }

    /// The results, if it has any.
    pub(crate) fn ok(&self) -> Option<&T> {
        match self {
            Self::Ok(results) => Some(results),
            _ => None,
        }
    }

    /// How it stands.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Ok(_) => Status::Ok,
            Self::Failed { .. } => Status::Failed,
            Self::Missing => Status::Missing,
        }
    }

    /// Why it has no results.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Ok(_) => None,
            Self::Failed { reason, .. } => Some(reason),
            Self::Missing => Some("there is no record of it"),
        }
    }
}

/// What every view needs of a trial with results.
#[derive(Debug)]
pub(crate) struct Results<'a> {
    /// What the record says.
    pub(crate) measured: &'a Measured,
    /// Labels and probabilities.
    pub(crate) predictions: Predictions<'a>,
    /// The machine it ran on.
    pub(crate) host: &'a Host,
}

/// What a run says of a dataset.
pub(crate) fn data<'a>(run: &'a Run, name: &str) -> Option<&'a DataInfo> {
    run.info.datasets.iter().find(|data| data.name == name)
}

/// Reads the results of a planned trial.
pub(crate) fn read<'a>(run: &'a Run, planned: &PlannedTrial) -> Fate<Results<'a>> {
    let Some(record) = run.records.get(&planned.id) else {
        return Fate::Missing;
    };
    let measured = match &record.outcome {
        Outcome::Failed { stage, reason, .. } => {
            return Fate::Failed {
                stage: Some(*stage),
                reason: reason.clone(),
            };
        }
        Outcome::Ok(measured) => measured,
    };
    match predictions(run, planned, measured) {
        Ok(predictions) => Fate::Ok(Results {
            measured,
            predictions,
            host: &record.host,
        }),
        Err(reason) => Fate::failed(reason),
    }
}

fn predictions<'a>(
    run: &'a Run,
    planned: &PlannedTrial,
    measured: &Measured,
) -> Result<Predictions<'a>, String> {
    let trial = &planned.trial;
    let labels = run
        .labels(&measured.test_fingerprint)
        .ok_or("the test data that it was reported on is not available")?;
    let probabilities = run
        .probabilities
        .get(&planned.id)
        .ok_or("its record says ok, but its probabilities are not there")?;
    if let Some(data) = data(run, &trial.data.name) {
        let (own, classes) = (probabilities.classes(), data.class_names.len());
        if own != classes {
            return Err(format!(
                "its probabilities are of {own} classes, its test data of {classes}"
            ));
        }
        if trial.purpose() == Purpose::Headline
            && data.test_fingerprint != measured.test_fingerprint
        {
            return Err("it was reported on other test data than the run's".to_owned());
        }
    }
    let labels_alone = measured.external.as_ref().is_some_and(|e| e.labels_alone);
    Predictions::new(labels, probabilities)
        .map(|found| match labels_alone {
            true => found.of_labels_alone(),
            false => found,
        })
        .map_err(|error| format!("its probabilities do not fit its test data: {error}"))
}
