//! A folder with a small dataset, and someone who watches its runs.

use std::{
    fs::{self, File},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use bakeoff_bench::{
    BenchError, Experiment, InProcess, Observer, RunFolder, RunOutcome, Runner, TrialEnd,
    TrialEvent, TrialStage,
};
use bakeoff_core::{ImageShape, Samples, record::PlannedTrial};
use bakeoff_data::idx;
use bakeoff_tests::toy::{self, ToySpec};

pub(crate) struct House {
    root: tempfile::TempDir,
}

impl House {
    /// A folder with a dataset of 3 classes and an experiment on it.
    pub(crate) fn new() -> Self {
        let house = Self {
            root: tempfile::tempdir().unwrap(),
        };
        house.write_data(1);
        house
    }

    pub(crate) fn write_data(&self, seed: u64) {
        let data = toy::prototypes(ToySpec {
            shape: ImageShape::new(1, 7, 6),
            classes: 3,
            train: 60,
            test: 30,
            noise: 0.1,
            seed,
        })
        .unwrap();
        let folder = self.path("toy");
        fs::create_dir_all(&folder).unwrap();
        write_part(&folder, "train", data.train());
        write_part(&folder, "t10k", data.test());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn experiment(&self, models: &str) -> Experiment {
        let text = format!(
            "name = \"small\"\ndatasets = [{:?}]\n{models}",
            self.path("toy")
        );
        Experiment::parse(&text, Path::new("small.toml")).unwrap()
    }

    pub(crate) fn plan(&self, experiment: &Experiment, resume: bool) -> RunFolder {
        bakeoff_bench::plan(experiment, &self.path("runs"), "bakeoff run", resume).unwrap()
    }

    pub(crate) fn run(&self, run: &RunFolder, observer: &mut Recorder) -> RunOutcome {
        self.try_run(run, false, observer).unwrap()
    }

    pub(crate) fn try_run(
        &self,
        run: &RunFolder,
        retry_failed: bool,
        observer: &mut Recorder,
    ) -> Result<RunOutcome, BenchError> {
        let mut launcher = InProcess {
            models: self.path("models"),
            threads: 1,
        };
        Runner { run, retry_failed }.run(&run.lock().unwrap(), &mut launcher, observer)
    }
}

pub(crate) fn write_part(folder: &Path, part: &str, samples: &Samples) {
    let shape = samples.images().shape();
    let mut file = File::create(folder.join(format!("{part}-images-idx3-ubyte"))).unwrap();
    let dims = [samples.len(), shape.height, shape.width];
    idx::write(&mut file, &dims, samples.images().pixels()).unwrap();
    let mut file = File::create(folder.join(format!("{part}-labels-idx1-ubyte"))).unwrap();
    let labels: Vec<u8> = samples.labels().iter().map(|&label| label as u8).collect();
    idx::write(&mut file, &[labels.len()], &labels).unwrap();
}

/// Notes what happens; cancels at a stage if told to.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) started: Vec<String>,
    pub(crate) ended: Vec<TrialEnd>,
    pub(crate) set_aside: Vec<String>,
    pub(crate) cancel_at: Option<TrialStage>,
}

impl Observer for Recorder {
    fn started(&mut self, trial: &PlannedTrial) {
        self.started.push(trial.trial.model.clone());
    }

    fn event(&mut self, _: &PlannedTrial, event: &TrialEvent) -> ControlFlow<()> {
        match (event, self.cancel_at) {
            (TrialEvent::Stage { stage }, Some(at)) if *stage == at => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn ended(&mut self, _: &PlannedTrial, end: &TrialEnd) {
        self.ended.push(end.clone());
    }

    fn set_aside(&mut self, trial: &PlannedTrial, reason: &str) {
        self.set_aside
            .push(format!("{}: {reason}", trial.trial.model));
    }
}

pub(crate) const TWO_MODELS: &str =
    "[[models]]\nfamily = \"logistic\"\n[[models]]\nfamily = \"knn\"\nk = 1\n";
