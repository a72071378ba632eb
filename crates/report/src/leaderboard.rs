//! The ranked summary of a run, and its two machine-readable forms.
//!
//! A row is plain numbers in base units, for programs; the page formats its own
//! copy for people. What was not measured is `None` — null in JSON, empty in
//! CSV — and never zero, so that a failed trial cannot be averaged by mistake.

use serde::Serialize;

use crate::ReportError;

/// How a planned trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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

/// One trial. The names of the fields are the keys of `leaderboard.json` and the
/// columns of `leaderboard.csv`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeaderboardRow {
    /// The name the user gave the model.
    pub model: String,
    /// Its family.
    pub family: String,
    /// The engine within the family.
    pub engine: String,
    /// The dataset's name.
    pub dataset: String,
    /// Seed of the fit.
    pub seed: u64,
    /// How the trial stands.
    pub status: Status,
    /// Why there are no measurements.
    pub reason: Option<String>,
    /// Share of right answers on the test part.
    pub accuracy: Option<f64>,
    /// Lower end of its 95 % interval (Wilson): what else could be true of all pictures
    /// such as these.
    pub accuracy_low: Option<f64>,
    /// Upper end of that interval.
    pub accuracy_high: Option<f64>,
    /// Whether its model is the most accurate one on this dataset or not distinguishable
    /// from it: a paired test on the test samples, corrected for all pairs of models
    /// (Holm), at 5 %. The same for all seeds of a model.
    pub tied_with_best: Option<bool>,
    /// Standard deviation of the accuracy over the seeds of its model, where it has
    /// several; no part of the intervals, which are of the test samples.
    pub accuracy_seed_deviation: Option<f64>,
    /// Wrong answers on the test part.
    pub errors: Option<u64>,
    /// Mean recall over the classes that occur.
    pub balanced_accuracy: Option<f64>,
    /// Share of samples whose class is among the three most probable ones; none
    /// where there are only three classes or fewer.
    pub top_3_accuracy: Option<f64>,
    /// Mean precision over classes.
    pub macro_precision: Option<f64>,
    /// Mean recall over classes.
    pub macro_recall: Option<f64>,
    /// Mean F1 over classes.
    pub macro_f1: Option<f64>,
    /// Lower end of its 95 % interval (bootstrap over the test samples, BCa).
    pub macro_f1_low: Option<f64>,
    /// Upper end of that interval.
    pub macro_f1_high: Option<f64>,
    /// Mean F1, each class weighted by its samples.
    pub weighted_f1: Option<f64>,
    /// Mean one-vs-rest area under the ROC curve over the classes that have one.
    pub macro_auc: Option<f64>,
    /// Lower end of its 95 % interval (bootstrap over the test samples, BCa).
    pub macro_auc_low: Option<f64>,
    /// Upper end of that interval.
    pub macro_auc_high: Option<f64>,
    /// Area under the ROC curve of all one-vs-rest decisions pooled.
    pub micro_auc: Option<f64>,
    /// Mean negative log probability of the right class, in nats.
    pub log_loss: Option<f64>,
    /// Lower end of its 95 % interval (bootstrap over the test samples, BCa).
    pub log_loss_low: Option<f64>,
    /// Upper end of that interval.
    pub log_loss_high: Option<f64>,
    /// Mean squared distance of the probabilities from the truth, from 0 to 2.
    pub brier_score: Option<f64>,
    /// How far probabilities of answers are from how often they are right, on average.
    pub expected_calibration_error: Option<f64>,
    /// Mean accuracy of its model over all corruptions and severities, where the
    /// experiment asks for them; over its seeds.
    pub corrupted_accuracy: Option<f64>,
    /// Mean corruption error of its model, relative to the experiment's baseline: 1 is as
    /// robust as the baseline, less is more robust.
    pub mean_corruption_error: Option<f64>,
    /// `fit`, wall clock.
    pub fit_seconds: Option<f64>,
    /// `fit`, processor time over all threads.
    pub fit_cpu_seconds: Option<f64>,
    /// Reading and splitting the dataset, wall clock.
    pub load_seconds: Option<f64>,
    /// Reading the saved model back, wall clock.
    pub model_load_seconds: Option<f64>,
    /// Answering the whole test part at once, wall clock.
    pub predict_seconds: Option<f64>,
    /// Median time to answer one picture alone.
    pub latency_p50_us: Option<f64>,
    /// 95 of 100 single answers were faster.
    pub latency_p95_us: Option<f64>,
    /// 99 of 100 single answers were faster.
    pub latency_p99_us: Option<f64>,
    /// Test samples answered per second, all at once.
    pub throughput_per_second: Option<f64>,
    /// Largest resident size of the trial's process, data included.
    pub peak_rss_bytes: Option<u64>,
    /// Size of the saved model.
    pub model_bytes: Option<u64>,
    /// Numbers that the fit chose or kept.
    pub parameters: Option<u64>,
    /// Samples trained on.
    pub train_samples: Option<usize>,
    /// Samples held out to choose by.
    pub validation_samples: Option<usize>,
    /// Samples reported on.
    pub test_samples: Option<usize>,
    /// The trial's id.
    pub trial: String,
}

/// Every planned trial: by dataset in the order of the run, within it by accuracy,
/// best first; then those that failed, then those without a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Leaderboard {
    /// The trials.
    pub rows: Vec<LeaderboardRow>,
}

impl Leaderboard {
    /// `leaderboard.json`: an array of objects.
    ///
    /// # Errors
    /// When a number cannot be written; a leaderboard of a run has none such.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// `leaderboard.csv`: a line of names, then one line per trial (RFC 4180, with
    /// plain newlines).
    ///
    /// # Errors
    /// When a row cannot be written; a leaderboard of a run has none such.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in &self.rows {
            writer.serialize(row)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| ReportError::Csv(error.into_error().into()))?;
        // What serde hands to the writer is UTF-8 already.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
