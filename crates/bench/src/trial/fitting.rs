//! Fitting a model, and fitting it again for the time alone.

use std::time::Duration;

use bakeoff_core::{
    EpochMetrics, Family, FitContext, FitError, FitEvent, FitSummary, FittedModel, Samples,
    record::{Calibration, Costs, IterationPoint, Purpose, Stage, TrialSpec},
};
use bakeoff_metrics::Temperature;
use bakeoff_store::Calibrated;

use super::{contract::Stop, members::Members};
use crate::{
    clock::Stopwatch,
    event::{OnEvent, TrialEvent},
    measure::median,
};

/// A fit is timed this many times ...
const FITS: usize = 5;
/// ... unless the repeats took longer than this in all. A fit that takes longer is timed once:
/// the longer one is, the less does a moment of other work change it.
const REPEATS_BUDGET: Duration = Duration::from_secs(2);

/// What a model is fitted on.
pub(super) struct Parts {
    pub(super) train: Samples,
    /// To choose settings and to calibrate with.
    pub(super) validation: Option<Samples>,
}

/// A fitted model, calibrated where the trial asks for it.
pub(super) enum Fitted {
    Plain(Box<dyn FittedModel>),
    Calibrated(Calibrated, Temperature),
}

impl Fitted {
    pub(super) fn model(&self) -> &dyn FittedModel {
        match self {
            Self::Plain(model) => &**model,
            Self::Calibrated(model, _) => model,
        }
    }
}

/// Whether to fit once more for the time. Only trials that models are ranked by are worth it,
/// and only if another fit as long as the longest so far stays within the budget.
pub(super) fn repeat_is_due(trial: &TrialSpec, costs: &Costs) -> bool {
    let walls = || costs.fits.iter().map(|fit| fit.wall_ns);
    let repeats: u64 = walls().skip(1).sum();
    let longest = walls().max().unwrap_or_default();
    let budget = REPEATS_BUDGET.as_nanos() as u64;
    trial.purpose() == Purpose::Headline
        && costs.fits.len() < FITS
        && repeats.saturating_add(longest) <= budget
}

/// Fits the model of a trial, or its members and their mean, and adds the time to its costs.
pub(super) fn fit(
    trial: &TrialSpec,
    family: &Family,
    parts: &Parts,
    members: Option<&mut Members<'_>>,
    on_event: &mut OnEvent<'_>,
    costs: &mut Costs,
) -> Result<(Fitted, History), Stop> {
    let classifier = family
        .build(&trial.spec)
        .map_err(Stop::failed(Stage::Fit))?;
    let validation = parts.validation.as_ref();
    let mut history = History::default();
    let mut progress = |event: &FitEvent| {
        history.note(event);
        on_event(&TrialEvent::Fit { fit: event.clone() })
    };
    let mut context = FitContext {
        seed: trial.seed,
        // Not for a family that chooses nothing: the part is then held out for calibration
        // alone.
        validation: validation.filter(|_| family.uses_validation),
        progress: &mut progress,
    };
    let watch = Stopwatch::start();
    let mut before = None;
    let fitted = match members {
        None => classifier.fit(&parts.train, &mut context),
        Some(members) => {
            let fitted = members.fit(&mut context);
            before = Some(members.trained_before());
            fitted
        }
    };
    let model = fitted.map_err(|error| match error {
        FitError::Cancelled => Stop::Cancelled,
        FitError::Interrupted(reason) => Stop::Interrupted(reason),
        FitError::Signalled(reason) => Stop::Signalled(reason),
        other => Stop::failed(Stage::Fit)(other),
    })?;
    let fitted = calibrated(model, trial.calibration, validation)?;
    let mut took = watch.stop();
    if let Some(before) = before {
        took.wall_ns += before.wall_ns;
        took.cpu_ns = took
            .cpu_ns
            .zip(before.cpu_ns)
            .map(|(own, other)| own + other);
    }
    costs.fits.push(took);
    costs.fit_ns = median(costs.fits.iter().map(|fit| fit.wall_ns)).unwrap_or_default();
    costs.fit_cpu_ns = median(costs.fits.iter().filter_map(|fit| fit.cpu_ns));
    costs.parameters = fitted.model().parameters();
    Ok((fitted, history))
}

fn calibrated(
    model: Box<dyn FittedModel>,
    calibration: Option<Calibration>,
    validation: Option<&Samples>,
) -> Result<Fitted, Stop> {
    match calibration {
        None => Ok(Fitted::Plain(model)),
        Some(Calibration::Temperature) => {
            let validation = validation
                .ok_or("there is no validation part to fit a temperature on")
                .map_err(Stop::failed(Stage::Fit))?;
            let (model, temperature) =
                Calibrated::fit(model, validation).map_err(Stop::predict(Stage::Fit))?;
            Ok(Fitted::Calibrated(model, temperature))
        }
    }
}

/// The events of a fit that the record keeps.
#[derive(Default)]
pub(super) struct History {
    pub(super) epochs: Vec<EpochMetrics>,
    pub(super) iterations: Vec<IterationPoint>,
    pub(super) summary: FitSummary,
}

impl History {
    fn note(&mut self, event: &FitEvent) {
        match event {
            FitEvent::Epoch(epoch) => self.epochs.push(epoch.clone()),
            FitEvent::Iteration {
                iteration,
                loss: Some(loss),
            } => self.iterations.push(IterationPoint {
                iteration: *iteration,
                loss: *loss,
            }),
            FitEvent::Finished(summary) => self.summary = summary.clone(),
            FitEvent::Started { .. }
            | FitEvent::Progress { .. }
            | FitEvent::Iteration { loss: None, .. } => {}
        }
    }
}
