//! Joins plan, records, probabilities and test data, and has every metric computed once.
//!
//! Everything the page and the leaderboard say of a trial comes through here, so
//! that they cannot disagree. Trials are grouped by dataset, then by model: the
//! seeds of one model belong together.

use bakeoff_core::{
    Probabilities, Samples,
    record::{DataInfo, Measured, Outcome, PlannedTrial, Record, Run, Stage},
};

use crate::leaderboard::{Leaderboard, LeaderboardRow, Status};

/// A run with everything derived from it.
pub(crate) struct Analysis<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// One group per dataset, in the order of the run.
    pub(crate) groups: Vec<Group<'a>>,
}

/// The trials on one dataset.
pub(crate) struct Group<'a> {
    /// The dataset's name.
    pub(crate) name: &'a str,
    /// What the run says of it.
    pub(crate) data: Option<&'a DataInfo>,
    /// Its models, the best first, those without a successful trial last.
    pub(crate) entries: Vec<Entry<'a>>,
}

/// The trials of one model on one dataset: one for each seed.
pub(crate) struct Entry<'a> {
    /// The name the user gave the model.
    pub(crate) model: &'a str,
    /// The model's place among all models of the run; decides its colour everywhere.
    pub(crate) series: usize,
    /// Its trials, in the order of the plan.
    pub(crate) trials: Vec<Trial<'a>>,
}

/// A planned trial and what became of it.
pub(crate) struct Trial<'a> {
    /// As planned.
    pub(crate) planned: &'a PlannedTrial,
    /// Its record, if there is one.
    pub(crate) record: Option<&'a Record>,
    /// What became of it.
    pub(crate) fate: Fate<'a>,
}

/// What became of a trial.
pub(crate) enum Fate<'a> {
    /// It was measured, and everything to judge it by is there.
    Ok(Box<Success<'a>>),
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

/// A trial that succeeded, with all that its charts need.
pub(crate) struct Success<'a> {
    /// What the record says.
    pub(crate) measured: &'a Measured,
    /// The test part it was reported on.
    pub(crate) test: &'a Samples,
    /// Its answers.
    pub(crate) probabilities: &'a Probabilities,
    /// The predicted class of each test sample.
    pub(crate) predicted: Vec<u16>,
}

impl<'a> Analysis<'a> {
    /// Joins and computes. Never fails: what is wrong with a trial becomes its fate.
    pub(crate) fn new(run: &'a Run) -> Self {
        let mut names: Vec<&str> = run.info.datasets.iter().map(|d| d.name.as_str()).collect();
        let mut models: Vec<&str> = Vec::new();
        for planned in &run.plan {
            push_new(&mut names, &planned.trial.data.name);
            push_new(&mut models, &planned.trial.model);
        }
        let mut groups: Vec<Group<'a>> = Vec::new();
        for name in names {
            if groups.iter().any(|group| group.name == name) {
                continue;
            }
            groups.push(Group {
                name,
                data: run.info.datasets.iter().find(|data| data.name == name),
                entries: Vec::new(),
            });
        }
        for planned in &run.plan {
            let trial = Trial::new(run, planned);
            let name = planned.trial.data.name.as_str();
            let Some(group) = groups.iter_mut().find(|group| group.name == name) else {
                continue;
            };
            let model = planned.trial.model.as_str();
            match group.entries.iter_mut().find(|entry| entry.model == model) {
                Some(entry) => entry.trials.push(trial),
                None => group.entries.push(Entry {
                    model,
                    series: models.iter().position(|m| *m == model).unwrap_or_default(),
                    trials: vec![trial],
                }),
            }
        }
        for group in &mut groups {
            // A stable sort: equals stay in the order of the plan.
            group
                .entries
                .sort_by(|a, b| descending(a.mean_accuracy(), b.mean_accuracy()));
        }
        Self { run, groups }
    }

    /// The rows of every trial, ranked.
    pub(crate) fn leaderboard(&self) -> Leaderboard {
        let mut rows = Vec::with_capacity(self.run.plan.len());
        for group in &self.groups {
            let start = rows.len();
            rows.extend(
                group
                    .entries
                    .iter()
                    .flat_map(|entry| &entry.trials)
                    .map(|trial| (trial.planned.index, trial.row())),
            );
            rows[start..].sort_by(|(i, a), (j, b)| {
                a.status
                    .cmp(&b.status)
                    .then(descending(a.accuracy, b.accuracy))
                    .then(i.cmp(j))
            });
        }
        Leaderboard {
            rows: rows.into_iter().map(|(_, row)| row).collect(),
        }
    }
}

impl<'a> Entry<'a> {
    /// Its successful trials, in the order of the plan.
    pub(crate) fn successes(&self) -> impl Iterator<Item = (&Trial<'a>, &Success<'a>)> {
        self.trials
            .iter()
            .filter_map(|trial| Some((trial, trial.success()?)))
    }

    /// Mean accuracy over its successful trials.
    pub(crate) fn mean_accuracy(&self) -> Option<f64> {
        mean(self.successes().map(|(_, success)| success.accuracy()))
    }
}

impl<'a> Trial<'a> {
    fn new(run: &'a Run, planned: &'a PlannedTrial) -> Self {
        let record = run.records.get(&planned.id);
        let fate = match record.map(|record| &record.outcome) {
            None => Fate::Missing,
            Some(Outcome::Failed { stage, reason }) => Fate::Failed {
                stage: Some(*stage),
                reason: reason.clone(),
            },
            Some(Outcome::Ok(measured)) => match Success::new(run, planned, measured) {
                Ok(success) => Fate::Ok(Box::new(success)),
                Err(reason) => Fate::Failed {
                    stage: None,
                    reason: reason.to_owned(),
                },
            },
        };
        Self {
            planned,
            record,
            fate,
        }
    }

    /// Its measurements, if it succeeded.
    pub(crate) fn success(&self) -> Option<&Success<'a>> {
        match &self.fate {
            Fate::Ok(success) => Some(success),
            _ => None,
        }
    }

    fn row(&self) -> LeaderboardRow {
        let trial = &self.planned.trial;
        let (status, reason) = match &self.fate {
            Fate::Ok(_) => (Status::Ok, None),
            Fate::Failed { reason, .. } => (Status::Failed, Some(reason.clone())),
            Fate::Missing => (Status::Missing, Some("no record of this trial".to_owned())),
        };
        let success = self.success();
        let costs = success.map(|success| &success.measured.costs);
        let samples = success.map(|success| &success.measured.samples);
        LeaderboardRow {
            model: trial.model.clone(),
            family: trial.spec.family.clone(),
            engine: trial.spec.engine.clone(),
            dataset: trial.data.name.clone(),
            seed: trial.seed,
            status,
            reason,
            accuracy: success.map(Success::accuracy),
            accuracy_low: None,
            accuracy_high: None,
            errors: None,
            balanced_accuracy: None,
            top_3_accuracy: None,
            macro_precision: None,
            macro_recall: None,
            macro_f1: None,
            weighted_f1: None,
            macro_auc: None,
            micro_auc: None,
            log_loss: None,
            fit_seconds: costs.map(|c| seconds(c.fit_ns)),
            fit_cpu_seconds: costs.and_then(|c| c.fit_cpu_ns).map(seconds),
            load_seconds: costs.map(|c| seconds(c.data_load_ns)),
            model_load_seconds: costs.map(|c| seconds(c.model_load_ns)),
            predict_seconds: costs.map(|c| seconds(c.predict_ns)),
            latency_p50_us: costs.map(|c| microseconds(c.latency.p50_ns)),
            latency_p95_us: costs.map(|c| microseconds(c.latency.p95_ns)),
            latency_p99_us: costs.map(|c| microseconds(c.latency.p99_ns)),
            throughput_per_second: costs.map(|c| c.throughput_per_second),
            peak_rss_bytes: costs.and_then(|c| c.peak_rss_bytes),
            model_bytes: costs.map(|c| c.model_bytes),
            parameters: costs.map(|c| c.parameters),
            train_samples: samples.map(|s| s.train),
            validation_samples: samples.map(|s| s.validation),
            test_samples: samples.map(|s| s.test),
            trial: self.planned.id.clone(),
        }
    }
}

impl<'a> Success<'a> {
    fn new(
        run: &'a Run,
        planned: &PlannedTrial,
        measured: &'a Measured,
    ) -> Result<Self, &'static str> {
        let test = run
            .tests
            .get(&measured.test_fingerprint)
            .ok_or("the test data it was reported on is not at hand")?;
        let probabilities = run
            .probabilities
            .get(&planned.id)
            .ok_or("the record says ok, but its probabilities are not there")?;
        if probabilities.len() != test.len() || probabilities.classes() != test.classes() {
            return Err("its probabilities do not fit its test data");
        }
        Ok(Self {
            measured,
            test,
            probabilities,
            predicted: probabilities.predicted(),
        })
    }

    pub(crate) fn accuracy(&self) -> f64 {
        let right = self
            .predicted
            .iter()
            .zip(self.test.labels())
            .filter(|(a, b)| a == b)
            .count();
        right as f64 / self.test.len() as f64
    }
}

fn push_new<'a>(list: &mut Vec<&'a str>, item: &'a str) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Larger first; what is not there last.
fn descending(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    let key = |x: Option<f64>| x.unwrap_or(f64::NEG_INFINITY);
    key(b).total_cmp(&key(a))
}

/// The mean, or `None` of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, n), x| (sum + x, n + 1));
    (count > 0).then(|| sum / count as f64)
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1e3
}
