//! Training a first set of models where there are none, while the page is up.
//!
//! Each trial is a process of its own, started by the harness: this process keeps its
//! memory, and a trial ends with it, however it ends.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use bakeoff_bench::{
    Experiment, Observer, Program, RunFolder, Runner, Subprocess, TrialEnd, TrialEvent, TrialStage,
};
use bakeoff_core::{
    FitEvent,
    record::{Outcome, PlannedTrial},
};
use serde::Serialize;

use crate::models::ModelFolder;

/// How to train a first set of models.
pub struct FirstTraining {
    /// What to train.
    pub experiment: Experiment,
    /// The `bakeoff` that runs the trials.
    pub program: Program,
    /// Makes the report of the finished run; says why it could not.
    pub report: ReportFn,
}

/// Makes the report of a finished run.
pub type ReportFn = Box<dyn FnOnce(&RunFolder) -> Result<(), String> + Send>;

/// The state of the training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TrainingState {
    /// Nothing is trained: there were models.
    #[default]
    None,
    /// Models are being trained.
    Running,
    /// All of them are trained.
    Finished,
    /// It ended early; `problems` say why.
    Failed,
}

/// The progress of the training.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct TrainingProgress {
    pub(crate) state: TrainingState,
    /// Models that are done.
    pub(crate) done: usize,
    /// Models in all.
    pub(crate) total: usize,
    /// The model that is being trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// What is done with it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stage: Option<String>,
    /// What went wrong.
    pub(crate) problems: Vec<String>,
}

struct Shared {
    progress: Mutex<TrainingProgress>,
    stop: AtomicBool,
}

impl Shared {
    fn update(&self, change: impl FnOnce(&mut TrainingProgress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The training in the background, if there is one.
#[derive(Default)]
pub(crate) struct Training {
    background: Option<Background>,
}

struct Background {
    shared: Arc<Shared>,
    /// `None` once it is waited for.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Training {
    /// Starts to train. `folder` is read again after each model.
    pub(crate) fn start(
        first: FirstTraining,
        models: PathBuf,
        reports: PathBuf,
        folder: Arc<ModelFolder>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            progress: Mutex::new(TrainingProgress {
                state: TrainingState::Running,
                total: first.experiment.models.len(),
                ..TrainingProgress::default()
            }),
            stop: AtomicBool::new(false),
        });
        let inner = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("training".into())
            .spawn(move || {
                let failed = train(first, models, reports, &folder, &inner).err();
                inner.update(|progress| {
                    progress.model = None;
                    progress.stage = None;
                    progress.problems.extend(failed);
                    progress.state = if progress.problems.is_empty() {
                        TrainingState::Finished
                    } else {
                        TrainingState::Failed
                    };
                });
            })?;
        Ok(Self {
            background: Some(Background {
                shared,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Whether there is a training.
    pub(crate) fn exists(&self) -> bool {
        self.background.is_some()
    }

    /// Its progress so far.
    pub(crate) fn progress(&self) -> TrainingProgress {
        self.background
            .as_ref()
            .map(|background| {
                let progress = background.shared.progress.lock();
                progress.unwrap_or_else(PoisonError::into_inner).clone()
            })
            .unwrap_or_default()
    }

    /// Asks it to end; its trial ends at its next event, and with this process at the
    /// latest. Returns the thread to wait for, the first time.
    pub(crate) fn stop(&self) -> Option<JoinHandle<()>> {
        let background = self.background.as_ref()?;
        background.shared.stop.store(true, Ordering::Relaxed);
        let thread = background.thread.lock();
        thread.unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn train(
    first: FirstTraining,
    models: PathBuf,
    reports: PathBuf,
    folder: &ModelFolder,
    shared: &Arc<Shared>,
) -> Result<(), String> {
    std::fs::create_dir_all(&models).map_err(|error| format!("{}: {error}", models.display()))?;
    let command = format!("bakeoff run {}", first.experiment.name);
    let run = bakeoff_bench::plan(&first.experiment, &reports, &command, false)
        .map_err(|error| error.to_string())?;
    let mut launcher = Subprocess {
        program: first.program,
        models,
        threads: 0,
        packs: None,
    };
    let mut observer = Progress { shared, folder };
    let outcome = Runner {
        run: &run,
        retry_failed: false,
    }
    .run(
        &run.lock().map_err(|error| error.to_string())?,
        &mut launcher,
        &mut observer,
    )
    .map_err(|error| error.to_string())?;
    if let Some(interruption) = outcome.interrupted {
        return Err(interruption.reason);
    }
    if outcome.cancelled {
        return Err("it was stopped".into());
    }
    (first.report)(&run)
}

/// Records the progress.
struct Progress<'a> {
    shared: &'a Arc<Shared>,
    folder: &'a ModelFolder,
}

impl Observer for Progress<'_> {
    fn started(&mut self, trial: &PlannedTrial) {
        self.shared.update(|progress| {
            progress.model = Some(trial.trial.model.clone());
            progress.stage = Some("starting".into());
        });
    }

    fn event(&mut self, _: &PlannedTrial, event: &TrialEvent) -> ControlFlow<()> {
        if let Some(stage) = stage(event) {
            self.shared.update(|progress| progress.stage = Some(stage));
        }
        if self.shared.stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn ended(&mut self, trial: &PlannedTrial, end: &TrialEnd) {
        // A folder that cannot be read now is read again later.
        let _ = self.folder.refresh();
        let failure = end.record().and_then(|record| match &record.outcome {
            Outcome::Failed { reason, .. } => Some(format!("{}: {reason}", trial.trial.model)),
            Outcome::Ok(_) => None,
        });
        self.shared.update(|progress| {
            progress.done += 1;
            progress.problems.extend(failure);
        });
    }
}

/// An event in a few words, if it is shown.
fn stage(event: &TrialEvent) -> Option<String> {
    let words = match event {
        TrialEvent::Stage { stage } => match stage {
            TrialStage::Data => "reading the data".into(),
            TrialStage::Fit => "training".into(),
            TrialStage::Predict => "measuring on the test images".into(),
            TrialStage::Latency => "measuring one image at a time".into(),
            TrialStage::Repeat => "training again, for the time".into(),
            TrialStage::Save => "saving".into(),
            TrialStage::Robustness => "measuring on corrupted images".into(),
            TrialStage::Importance => "measuring what the model looks at".into(),
        },
        TrialEvent::Again { .. } => "beginning again: a signal ended the program".into(),
        TrialEvent::Corruption {
            corruption,
            position,
            total,
        } => format!("measuring on corrupted images: {corruption} ({position} of {total})"),
        TrialEvent::Fit {
            fit: FitEvent::Epoch(epoch),
        } if epoch.epoch < epoch.epochs => {
            format!("training: epoch {} of {}", epoch.epoch + 1, epoch.epochs)
        }
        TrialEvent::Fit { .. } => return None,
    };
    Some(words)
}
