//! Joins plan, records, probabilities and test data, and has every metric computed once.
//!
//! Everything the page and the leaderboard say of a trial comes through here, so
//! that they cannot disagree. Trials are grouped by dataset, then by model: the
//! seeds of one model belong together. Folds and smaller training parts are left out
//! here: they are not what models are ranked by.

pub(crate) mod ranks;
pub(crate) mod resampling;
pub(crate) mod robustness;
pub(crate) mod significance;
pub(crate) mod variants;

use bakeoff_core::{
    Probabilities, Samples,
    record::{DataInfo, Measured, Outcome, PlannedTrial, Purpose, Record, Run, Stage},
};
use bakeoff_metrics::{
    Confidence, Evaluation, Interval, Metric, OneVsRest, Predictions, statistics::wilson,
};

use self::{
    robustness::Robustness,
    significance::{ModelScores, Significance},
    variants::Variants,
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
    /// How sure one can be of their scores, and which of them differ.
    pub(crate) significance: Significance,
    /// How they bear corrupted pictures, where that was asked for.
    pub(crate) robustness: Option<Robustness>,
    /// Its trials that models are not ranked by.
    pub(crate) variants: Variants<'a>,
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
    /// The same without calibration, where it was calibrated.
    pub(crate) uncalibrated: Option<&'a Probabilities>,
    /// The predicted class of each test sample.
    pub(crate) predicted: Vec<u16>,
    /// Every score.
    pub(crate) evaluation: Evaluation,
    /// Every class ranked against the rest, for curves.
    pub(crate) curves: OneVsRest,
}

impl<'a> Analysis<'a> {
    /// Joins and computes. Never fails: what is wrong with a trial becomes its fate.
    pub(crate) fn new(run: &'a Run) -> Self {
        let mut names: Vec<&str> = run.info.datasets.iter().map(|d| d.name.as_str()).collect();
        let mut models: Vec<&str> = Vec::new();
        let headline = || {
            run.plan
                .iter()
                .filter(|planned| planned.trial.purpose() == Purpose::Headline)
        };
        for planned in headline() {
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
                significance: Significance::default(),
                robustness: None,
                variants: Variants::new(run, name),
            });
        }
        for planned in headline() {
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
            group.significance = Significance::new(group);
            group.robustness = Robustness::new(group, run.info.robustness_baseline.as_deref());
        }
        Self { run, groups }
    }

    /// Every trial, by dataset, then by model, then in the order of the plan.
    pub(crate) fn trials(&self) -> impl Iterator<Item = &Trial<'a>> {
        self.groups
            .iter()
            .flat_map(|group| &group.entries)
            .flat_map(|entry| &entry.trials)
    }

    /// The rows of every trial, ranked.
    pub(crate) fn leaderboard(&self) -> Leaderboard {
        let mut rows = Vec::with_capacity(self.run.plan.len());
        for group in &self.groups {
            let start = rows.len();
            for (index, entry) in group.entries.iter().enumerate() {
                let scores = group.significance.of_entry(index);
                let corrupted = group.robustness.as_ref().and_then(|r| r.of_entry(index));
                rows.extend(entry.trials.iter().map(|trial| {
                    let row = LeaderboardRow {
                        corrupted_accuracy: corrupted.map(|found| found.mean),
                        mean_corruption_error: corrupted.and_then(|found| found.error),
                        ..trial.row(&group.significance, scores)
                    };
                    (trial.planned.index, row)
                }));
            }
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

impl Group<'_> {
    /// The place of a model among all models of the run, by its name.
    pub(crate) fn series(&self, model: &str) -> usize {
        let entry = self.entries.iter().find(|entry| entry.model == model);
        entry.map_or(0, |entry| entry.series)
    }
}

impl<'a> Entry<'a> {
    /// Its successful trials, in the order of the plan.
    pub(crate) fn successes(&self) -> impl Iterator<Item = (&Trial<'a>, &Success<'a>)> {
        self.trials
            .iter()
            .filter_map(|trial| Some((trial, trial.success()?)))
    }

    /// The trial that stands for the model where only one can: the first successful one
    /// of the plan, which no score has chosen.
    pub(crate) fn example(&self) -> Option<(&Trial<'a>, &Success<'a>)> {
        self.successes().next()
    }

    /// The mean of something over its successful trials; `None` where there are none.
    pub(crate) fn mean(&self, value: impl Fn(&Success<'a>) -> f64) -> Option<f64> {
        mean(self.successes().map(|(_, success)| value(success)))
    }

    /// Mean accuracy over its successful trials.
    pub(crate) fn mean_accuracy(&self) -> Option<f64> {
        self.mean(|success| success.evaluation.accuracy)
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
                    reason,
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

    /// How it stands.
    pub(crate) fn status(&self) -> Status {
        match self.fate {
            Fate::Ok(_) => Status::Ok,
            Fate::Failed { .. } => Status::Failed,
            Fate::Missing => Status::Missing,
        }
    }

    /// Why it has no results.
    pub(crate) fn reason(&self) -> Option<String> {
        match &self.fate {
            Fate::Ok(_) => None,
            Fate::Failed { reason, .. } => Some(reason.clone()),
            Fate::Missing => Some("no record of this trial".to_owned()),
        }
    }

    fn row(&self, significance: &Significance, model: Option<&ModelScores>) -> LeaderboardRow {
        let trial = &self.planned.trial;
        let reason = self.reason();
        let success = self.success();
        let scores = success.map(|success| &success.evaluation);
        let costs = success.map(|success| &success.measured.costs);
        let samples = success.map(|success| &success.measured.samples);
        let interval = |metric| {
            let interval = significance.of_trial(&self.planned.id, metric);
            interval.map_or((None, None), |i: Interval| (Some(i.low), Some(i.high)))
        };
        let (accuracy_low, accuracy_high) = interval(Metric::Accuracy);
        let (macro_f1_low, macro_f1_high) = interval(Metric::MacroF1);
        let (macro_auc_low, macro_auc_high) = interval(Metric::MacroAuc);
        let (log_loss_low, log_loss_high) = interval(Metric::LogLoss);
        // Of models, not of trials; a trial without results has no part in it.
        let model = model.filter(|_| success.is_some());
        LeaderboardRow {
            model: trial.model.clone(),
            family: trial.spec.family.clone(),
            engine: trial.spec.engine.clone(),
            dataset: trial.data.name.clone(),
            seed: trial.seed,
            status: self.status(),
            reason,
            accuracy: scores.map(|e| e.accuracy),
            accuracy_low,
            accuracy_high,
            tied_with_best: model.map(|model| model.tied_with_best),
            accuracy_seed_deviation: model
                .and_then(|model| model.score(Metric::Accuracy)?.seeds)
                .map(|seeds| seeds.deviation),
            errors: success.map(Success::errors),
            balanced_accuracy: scores.map(|e| e.balanced_accuracy),
            top_3_accuracy: scores
                .and_then(|e| e.top_k.iter().find(|top| top.k == 3))
                .map(|top| top.accuracy),
            macro_precision: scores.map(|e| e.macro_precision),
            macro_recall: scores.map(|e| e.macro_recall),
            macro_f1: scores.map(|e| e.macro_f1),
            macro_f1_low,
            macro_f1_high,
            weighted_f1: scores.map(|e| e.weighted_f1),
            macro_auc: scores.and_then(|e| e.macro_auc),
            macro_auc_low,
            macro_auc_high,
            micro_auc: scores.and_then(|e| e.micro_auc),
            log_loss: scores.map(|e| e.log_loss),
            log_loss_low,
            log_loss_high,
            brier_score: scores.map(|e| e.brier_score),
            expected_calibration_error: scores.map(|e| e.expected_calibration_error),
            corrupted_accuracy: None,
            mean_corruption_error: None,
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
    fn new(run: &'a Run, planned: &PlannedTrial, measured: &'a Measured) -> Result<Self, String> {
        let test = run
            .tests
            .get(&measured.test_fingerprint)
            .ok_or("the test data it was reported on is not at hand")?;
        let probabilities = run
            .probabilities
            .get(&planned.id)
            .ok_or("the record says ok, but its probabilities are not there")?;
        let predictions = Predictions::new(test.labels(), probabilities)
            .map_err(|error| format!("its probabilities do not fit its test data: {error}"))?;
        if probabilities.classes() != test.classes() {
            return Err(format!(
                "its probabilities are of {} classes, its test data of {}",
                probabilities.classes(),
                test.classes()
            ));
        }
        let curves = OneVsRest::new(&predictions);
        Ok(Self {
            measured,
            test,
            probabilities,
            uncalibrated: run.uncalibrated.get(&planned.id),
            predicted: predictions.predicted().to_vec(),
            evaluation: Evaluation::of(&predictions, &curves),
            curves,
        })
    }

    /// Labels and probabilities together, as the metrics take them.
    pub(crate) fn predictions(&self) -> Option<Predictions<'a>> {
        // They were together once already, in `new`.
        Predictions::new(self.test.labels(), self.probabilities).ok()
    }

    /// The 95 % interval of its accuracy.
    pub(crate) fn interval(&self) -> Interval {
        let confusion = &self.evaluation.confusion;
        wilson(confusion.correct(), confusion.total(), Confidence::P95)
    }

    /// Wrong answers.
    pub(crate) fn errors(&self) -> u64 {
        let confusion = &self.evaluation.confusion;
        confusion.total() - confusion.correct()
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
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, n), x| (sum + x, n + 1));
    (count > 0).then(|| sum / count as f64)
}

pub(crate) fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1e3
}
