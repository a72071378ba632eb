//! The progress of a run: bars on a terminal, plain lines in a pipe, lines of JSON, or
//! nothing.

use std::{
    io::IsTerminal as _,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use bakeoff_bench::{Observer, TrialEnd, TrialEvent, TrialStage};
use bakeoff_core::{
    EpochMetrics, FitEvent, StepUnit, one_line,
    record::{Outcome, PlannedTrial},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::text;

/// The observer that suits the flags and the terminal.
pub(crate) fn observer(quiet: bool, as_json: bool, plan: &[PlannedTrial]) -> Box<dyn Observer> {
    if as_json {
        Box::new(JsonLines)
    } else if quiet {
        Box::new(Quiet)
    } else {
        Box::new(People::new(plan))
    }
}

/// The same for many short trials: in a pipe each is a line.
pub(crate) fn brief_observer(
    quiet: bool,
    as_json: bool,
    plan: &[PlannedTrial],
) -> Box<dyn Observer> {
    if quiet || as_json {
        return observer(quiet, as_json, plan);
    }
    Box::new(People {
        brief: true,
        ..People::new(plan)
    })
}

struct Quiet;

impl Observer for Quiet {
    fn ended(&mut self, trial: &PlannedTrial, end: &TrialEnd) {
        // The exit code says that something failed: this says what.
        if let Some(Outcome::Failed { reason, .. }) = end.record().map(|record| &record.outcome) {
            text::error(format_args!(
                "error: {} on {} failed: {reason}",
                trial.trial.model, trial.trial.data.name
            ));
        }
    }

    fn set_aside(&mut self, trial: &PlannedTrial, reason: &str) {
        text::error(format_args!(
            "{}: record put aside: {reason}",
            trial.trial.model
        ));
    }
}

struct JsonLines;

impl JsonLines {
    /// A reader that goes away does not stop a run: its records are still wanted.
    fn line(value: &Value) {
        text::report_json(value);
    }
}

impl Observer for JsonLines {
    fn started(&mut self, trial: &PlannedTrial) {
        Self::line(&json!({ "kind": "started", "trial": trial }));
    }

    fn event(&mut self, trial: &PlannedTrial, event: &TrialEvent) -> ControlFlow<()> {
        Self::line(
            &json!({ "kind": "event", "id": trial.id, "model": trial.trial.model, "event": event }),
        );
        ControlFlow::Continue(())
    }

    fn ended(&mut self, trial: &PlannedTrial, end: &TrialEnd) {
        let how = match end {
            TrialEnd::Ran(_) => "ran",
            TrialEnd::AlreadyDone(_) => "already-done",
            TrialEnd::CameSecond { .. } => "came-second",
            TrialEnd::Cancelled => "cancelled",
            TrialEnd::Interrupted(_) => "interrupted",
        };
        Self::line(&json!({
            "kind": "ended", "id": trial.id, "model": trial.trial.model, "how": how, "record": end.record(),
        }));
    }

    fn set_aside(&mut self, trial: &PlannedTrial, reason: &str) {
        Self::line(&json!({ "kind": "set-aside", "id": trial.id, "reason": reason }));
    }
}

/// The state of the fit in progress.
#[derive(Default)]
struct FitProgress {
    unit: Option<StepUnit>,
    total: Option<u64>,
    /// Whole steps done.
    done: u64,
    last_epoch: Option<EpochMetrics>,
    last_loss: Option<f64>,
}

/// For people: a bar on a terminal, else lines.
struct People {
    trials: usize,
    several_datasets: bool,
    bar: Option<ProgressBar>,
    is_terminal: bool,
    /// Whether only the end of a trial gets a line.
    brief: bool,
    fit: FitProgress,
    last_line: Instant,
}

/// In a pipe, every epoch of so many is printed.
const EPOCH_LINES: u64 = 50;

/// In a pipe, iterations and the epochs of longer fits are printed at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A bar counts thousandths of a step, so that it moves within an epoch too.
const PARTS: u64 = 1000;

impl People {
    fn new(plan: &[PlannedTrial]) -> Self {
        let mut datasets = plan.iter().map(|trial| &trial.trial.data.name);
        let first = datasets.next();
        Self {
            trials: plan.len(),
            several_datasets: datasets.any(|name| Some(name) != first),
            bar: None,
            is_terminal: std::io::stderr().is_terminal(),
            brief: false,
            fit: FitProgress::default(),
            last_line: Instant::now(),
        }
    }

    fn label(&self, trial: &PlannedTrial) -> String {
        let seed = match trial.trial.seed {
            1 => String::new(),
            seed => format!(", seed {seed}"),
        };
        let variant = trial
            .trial
            .variant()
            .map_or_else(String::new, |variant| format!(", {variant}"));
        let dataset = match self.several_datasets {
            true => format!(" on {}", trial.trial.data.name),
            false => String::new(),
        };
        format!(
            "[{}/{}] {}{dataset} ({}{seed}{variant})",
            trial.index + 1,
            self.trials,
            trial.trial.model,
            trial.trial.spec.engine
        )
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| text::error(line)),
            None => text::error(line),
        }
    }

    fn stage(&mut self, trial: &PlannedTrial, stage: TrialStage) {
        let what = match stage {
            TrialStage::Data => "reading data",
            TrialStage::Fit => "training",
            TrialStage::Predict => "predicting the test part",
            TrialStage::Latency => "timing single images",
            TrialStage::Repeat => "training again, for the time",
            TrialStage::Save => "saving the model",
            TrialStage::Robustness => "predicting corrupted images",
            TrialStage::Importance => "measuring what the model looks at",
        };
        if let Some(bar) = &self.bar {
            // Only for a fit the length is known.
            bar.set_style(spinner());
            set_message(bar, &format!("{} {what}", self.label(trial)));
        }
    }

    fn fit_event(&mut self, trial: &PlannedTrial, event: &FitEvent) {
        match event {
            FitEvent::Started { unit, total } => {
                self.fit = FitProgress {
                    unit: Some(*unit),
                    total: *total,
                    ..FitProgress::default()
                };
                self.show_fit(trial, 0);
            }
            FitEvent::Progress { samples, total } => {
                let within = samples.saturating_mul(PARTS) / (*total).max(1);
                let steps = match self.fit.unit {
                    Some(StepUnit::Sample | StepUnit::Member) => samples.saturating_mul(PARTS),
                    _ => self.fit.done * PARTS + within.min(PARTS),
                };
                self.show_fit(trial, steps);
            }
            FitEvent::Epoch(epoch) => {
                self.fit.done = epoch.epoch;
                self.fit.last_epoch = Some(epoch.clone());
                self.show_fit(trial, epoch.epoch * PARTS);
                let due = epoch.epochs <= EPOCH_LINES
                    || epoch.epoch == epoch.epochs
                    || self.last_line.elapsed() >= LINE_EVERY;
                if self.bar.is_none() && !self.brief && due {
                    self.last_line = Instant::now();
                    self.say(&format!("{} {}", self.label(trial), epoch_text(epoch)));
                }
            }
            FitEvent::Iteration { iteration, loss } => {
                self.fit.done = *iteration;
                self.fit.last_loss = *loss;
                self.show_fit(trial, iteration * PARTS);
                let due = self.last_line.elapsed() >= LINE_EVERY;
                if self.bar.is_none() && !self.brief && due {
                    self.last_line = Instant::now();
                    self.say(&format!("{} {}", self.label(trial), self.iteration_text()));
                }
            }
            FitEvent::Finished(_) => {}
        }
    }

    fn iteration_text(&self) -> String {
        let loss = self
            .fit
            .last_loss
            .map_or_else(String::new, |loss| format!("  loss {loss:.6}"));
        let unit = match self.fit.unit {
            Some(StepUnit::Tree) => "tree",
            Some(StepUnit::Pair) => "pair of classes",
            _ => "iteration",
        };
        format!("{unit} {}{loss}", self.fit.done)
    }

    fn show_fit(&mut self, trial: &PlannedTrial, position: u64) {
        let Some(bar) = &self.bar else {
            return;
        };
        let label = self.label(trial);
        let detail = match (&self.fit.last_epoch, self.fit.unit) {
            (Some(epoch), _) => epoch_text(epoch),
            (None, Some(StepUnit::Iteration | StepUnit::Tree | StepUnit::Pair))
                if self.fit.done > 0 =>
            {
                self.iteration_text()
            }
            _ => "training".to_owned(),
        };
        match (self.fit.total, self.fit.unit) {
            // A solver may end long before the most iterations that are allowed.
            (
                Some(total),
                Some(
                    StepUnit::Epoch
                    | StepUnit::Sample
                    | StepUnit::Tree
                    | StepUnit::Pair
                    | StepUnit::Member,
                ),
            ) => {
                bar.set_style(bar_style());
                bar.set_length(total.saturating_mul(PARTS));
                bar.set_position(position);
            }
            _ => bar.set_style(spinner()),
        }
        set_message(bar, &format!("{label} {detail}"));
    }
}

/// The words of a bar, which is drawn without [`text`].
fn set_message(bar: &ProgressBar, words: &str) {
    bar.set_message(one_line(words));
}

fn epoch_text(epoch: &EpochMetrics) -> String {
    let validation = match (epoch.validation_loss, epoch.validation_accuracy) {
        (Some(loss), Some(accuracy)) => {
            format!(
                "  validation loss {loss:.4}  accuracy {}",
                text::percent(Some(accuracy))
            )
        }
        _ => String::new(),
    };
    format!(
        "epoch {}/{}  loss {:.4}  accuracy {}{validation}",
        epoch.epoch,
        epoch.epochs,
        epoch.train_loss,
        text::percent(Some(epoch.train_accuracy)),
    )
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:24} {msg}  {elapsed}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for People {
    fn started(&mut self, trial: &PlannedTrial) {
        if self.is_terminal {
            let bar = ProgressBar::new_spinner().with_style(spinner());
            bar.enable_steady_tick(Duration::from_millis(120));
            self.bar = Some(bar);
        } else if !self.brief {
            self.say(&format!("{} begins", self.label(trial)));
        }
        self.last_line = Instant::now();
    }

    fn event(&mut self, trial: &PlannedTrial, event: &TrialEvent) -> ControlFlow<()> {
        match event {
            TrialEvent::Stage { stage } => self.stage(trial, *stage),
            TrialEvent::Fit { fit } => self.fit_event(trial, fit),
            TrialEvent::Again { reason } => {
                self.say(&format!("{} begins again: {reason}", self.label(trial)));
            }
            TrialEvent::Corruption {
                corruption,
                position,
                total,
            } => {
                if let Some(bar) = &self.bar {
                    let label = self.label(trial);
                    let what = format!("{corruption} ({position} of {total})");
                    set_message(bar, &format!("{label} predicting corrupted images: {what}"));
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn ended(&mut self, trial: &PlannedTrial, end: &TrialEnd) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let label = self.label(trial);
        let outcome = end.record().map(|record| match &record.outcome {
            Outcome::Ok(measured) => format!(
                "accuracy {}, {}",
                text::accuracy(Some(measured.scores.accuracy), measured.samples.test),
                match measured.trained_elsewhere {
                    true => "not trained here".to_owned(),
                    false => format!(
                        "fit in {}",
                        text::seconds(measured.costs.fit_ns as f64 / 1e9)
                    ),
                }
            ),
            Outcome::Failed { reason, .. } => format!("FAILED: {reason}"),
        });
        let line = match (end, outcome) {
            (TrialEnd::AlreadyDone(_), Some(outcome)) => format!("{label} done already: {outcome}"),
            (TrialEnd::CameSecond { agrees: false, .. }, Some(outcome)) => format!(
                "{label} another attempt was first, with OTHER probabilities; its record stays: {outcome}"
            ),
            (TrialEnd::Interrupted(interruption), _) => {
                format!("{label} no record: {}", interruption.reason)
            }
            (_, Some(outcome)) => format!("{label} {outcome}"),
            // The time of a search was over before it began.
            (_, None) if self.brief => return,
            (_, None) => format!("{label} cancelled"),
        };
        self.say(&line);
    }

    fn set_aside(&mut self, trial: &PlannedTrial, reason: &str) {
        self.say(&format!("{} record put aside: {reason}", self.label(trial)));
    }
}
