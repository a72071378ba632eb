//! Every score with its interval as JSON, in types that describe themselves
//! (`docs/schema/metrics.schema.json`).
//!
//! They are apart from the types in memory, so that a rename there does not change what
//! other programs read.

use std::collections::BTreeMap;

use bakeoff_metrics::{Interval, TooFew};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::analysis::significance::Claim;

/// The version of this format: raised when the meaning of a field changes or one goes.
pub(super) const FORMAT: u32 = 1;

/// Everything that was measured in a run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "bakeoff metrics")]
pub struct MetricsExport {
    /// The version of this format, 1.
    pub format: u32,
    /// Version of bakeoff that planned the run.
    pub bakeoff: String,
    /// The run's name.
    pub run: String,
    /// The experiment's name.
    pub experiment: String,
    /// The level of every interval.
    pub confidence: f64,
    /// The datasets.
    pub datasets: Vec<DatasetMetrics>,
}

/// One dataset.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DatasetMetrics {
    /// Its name.
    pub name: String,
    /// Fingerprint of the whole dataset.
    pub fingerprint: Option<String>,
    /// Fingerprint of the test part that models are ranked by.
    pub test_fingerprint: Option<String>,
    /// The names of the classes.
    pub class_names: Vec<String>,
    /// The models, the best first, those without results last.
    pub models: Vec<ModelMetrics>,
    /// Every two models with results, the better one first.
    pub pairs: Vec<PairMetrics>,
    /// The common errors of the models, where there are at least two.
    pub agreement: Option<AgreementMetrics>,
    /// Trials that models are not ranked by: smaller training parts, folds, holdouts.
    pub variants: Vec<VariantMetrics>,
}

/// One model, means over its seeds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModelMetrics {
    /// The name the user gave it.
    pub model: String,
    /// Its family.
    pub family: String,
    /// The engine within the family.
    pub engine: String,
    /// Every setting.
    pub settings: BTreeMap<String, Value>,
    /// Whether it is the best one, or not significantly different from it; null without
    /// results.
    pub tied_with_best: Option<bool>,
    /// Headline scores by name: accuracy, macro_f1, macro_auc, log_loss, as far as they are
    /// defined.
    pub scores: BTreeMap<String, ScoreMetrics>,
    /// Robustness to corrupted images, where the experiment asks for it.
    pub robustness: Option<RobustnessMetrics>,
    /// Its trials, one for each seed.
    pub trials: Vec<TrialMetrics>,
}

/// A score with its interval and its spread over seeds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScoreMetrics {
    /// Mean over the seeds.
    pub mean: f64,
    /// For other test samples such as these, and with several fits for other seeds as well.
    pub interval: Option<Interval>,
    /// Why there is no interval.
    pub no_interval: Option<TooFew>,
    /// Standard deviation over the seeds, where there are several.
    pub seed_deviation: Option<f64>,
}

/// A model under corruption, means over its seeds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RobustnessMetrics {
    /// Mean accuracy over all corruptions and severities.
    pub mean_accuracy: f64,
    /// Errors over the baseline's, mean over the corruptions: less is more robust.
    pub mean_corruption_error: Option<f64>,
    /// The baseline's name.
    pub baseline: Option<String>,
    /// Two-sided p-value of the paired comparison with the most robust model, corrected over the
    /// models (Holm); none for that model itself.
    pub p_against_best: Option<f64>,
    /// Accuracy at severities 1 to 5 by corruption.
    pub accuracy: BTreeMap<String, Vec<f64>>,
}

/// One fit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TrialMetrics {
    /// The trial's id.
    pub trial: String,
    /// Seed of the fit.
    pub seed: u64,
    /// `ok`, `failed` or `missing`.
    pub status: String,
    /// Why there are no results.
    pub reason: Option<String>,
    /// Every score by name, as far as it is defined; empty without results.
    pub scores: BTreeMap<String, f64>,
    /// The intervals of headline scores by name.
    pub intervals: BTreeMap<String, Interval>,
    /// Why other headline scores have none, by name.
    pub no_interval: BTreeMap<String, TooFew>,
    /// Every class against the rest; empty without results.
    pub classes: Vec<ClassMetrics>,
    /// Samples by actual (row) and predicted class; empty without results.
    pub confusion: Vec<Vec<u64>>,
    /// What it cost, where it has results and was trained here.
    pub costs: Option<CostMetrics>,
    /// Where another program trained it and its predictions were imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalMetrics>,
}

/// A model of another program.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExternalMetrics {
    /// The name of the file that was imported.
    pub file: String,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
    /// Whether it gives the predicted classes alone, without probabilities.
    pub labels_alone: bool,
    /// Its training time as its author gives it, not measured here.
    pub given_fit_seconds: Option<f64>,
    /// Its time for one image alone in milliseconds, as its author gives it.
    pub given_predict_ms_per_image: Option<f64>,
    /// Its number of parameters, as its author gives it.
    pub given_parameters: Option<u64>,
    /// The size of its model, as its author gives it.
    pub given_model_bytes: Option<u64>,
    /// What its author says of it.
    pub notes: Option<String>,
    /// How the file was read.
    pub remarks: Vec<String>,
    /// Why its predictions may be wrong.
    pub warnings: Vec<String>,
}

/// One class against the rest.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClassMetrics {
    /// Its name.
    pub class: String,
    /// Test samples of it.
    pub support: u64,
    /// Test samples predicted as it.
    pub predicted: u64,
    /// Share of correct ones among those predicted as it; null where there are none.
    pub precision: Option<f64>,
    /// Share of correct ones among those of it; null where there are none.
    pub recall: Option<f64>,
    /// Harmonic mean of both; null where the class occurs nowhere.
    pub f1: Option<f64>,
    /// Area under its ROC curve; null where all samples or none are of it.
    pub auc: Option<f64>,
    /// Average precision; null where no sample is of it.
    pub average_precision: Option<f64>,
}

/// What a trial cost; METHODOLOGY.md says how it is measured.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CostMetrics {
    /// Samples trained on.
    pub train_samples: usize,
    /// Samples held out to choose by.
    pub validation_samples: usize,
    /// Samples reported on.
    pub test_samples: usize,
    /// Fit, wall clock, median of `fits`; null where the model was read from a file and not trained here.
    pub fit_seconds: Option<f64>,
    /// Where it would lie on the same machine while that does nothing else.
    pub fit_seconds_range: Option<RangeMetrics>,
    /// Fit, processor time over all threads, median of `fits`.
    pub fit_cpu_seconds: Option<f64>,
    /// Every fit: short ones are repeated with the same seed. Empty in runs of earlier versions.
    pub fits: Vec<TimingMetrics>,
    /// Whether other programs disturbed the fits; null where that is not known.
    pub fit_disturbed: Option<bool>,
    /// Predicting the whole test part in one call, median of `predictions`.
    pub predict_seconds: f64,
    /// Every one of these calls. Empty in runs of earlier versions.
    pub predictions: Vec<TimingMetrics>,
    /// Whether other programs disturbed these; null where that is not known.
    pub predict_disturbed: Option<bool>,
    /// Median time to predict one sample alone.
    pub latency_p50_seconds: f64,
    /// Where it would lie on the same machine while that does nothing else.
    pub latency_p50_seconds_range: Option<RangeMetrics>,
    /// Whether other programs disturbed the single predictions; null where that is not known.
    pub latency_disturbed: Option<bool>,
    /// 95 of 100 single predictions take less.
    pub latency_p95_seconds: f64,
    /// 99 of 100 single predictions take less.
    pub latency_p99_seconds: f64,
    /// Memory that the fit and the predictions added to what was there before, data included.
    pub memory_bytes: Option<u64>,
    /// Largest resident size of the trial's process, data included.
    pub peak_rss_bytes: Option<u64>,
    /// Load average of the machine over the minute before.
    pub load_average: Option<f64>,
    /// Size of the saved model.
    pub model_bytes: u64,
    /// Numbers that the fit chose or kept.
    pub parameters: u64,
}

/// Two bounds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RangeMetrics {
    /// The lower one.
    pub low: f64,
    /// The upper one.
    pub high: f64,
}

/// A timed call.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimingMetrics {
    /// Wall clock.
    pub seconds: f64,
    /// Processor time over all threads.
    pub cpu_seconds: Option<f64>,
    /// The share of the time in which its threads could have run that they waited for a
    /// processor, or that the host of a virtual machine took.
    pub lost_share: Option<f64>,
}

/// Two models on the same test samples.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PairMetrics {
    /// The better one.
    pub first: String,
    /// The other.
    pub second: String,
    /// Whether recipes are compared, or single fits of them.
    pub claim: Claim,
    /// The probability that one new fit of the first is more accurate than one of the second on
    /// as many new test samples; with single fits, that these fits are.
    pub probability_ahead: Option<f64>,
    /// The smallest true difference in accuracy that this design would have found in eight of
    /// ten repetitions, at 5 % without correction.
    pub detectable_difference: Option<f64>,
    /// Samples that more of the first model's fits predict correctly.
    pub only_first: u64,
    /// Samples that more of the second model's fits predict correctly.
    pub only_second: u64,
    /// McNemar's exact p-value (with several seeds, its extension to shares of fits) of the fits
    /// at hand, not corrected.
    pub exact_p: f64,
    /// The same by mid-p: with one fit each the p of the accuracy below.
    pub mid_p: f64,
    /// Whether the difference in accuracy is significant, at 5 % after correction.
    pub distinguishable: bool,
    /// The difference in each headline score by name.
    pub differences: BTreeMap<String, DifferenceMetrics>,
}

/// A difference in one score, first less second.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferenceMetrics {
    /// How large.
    pub difference: f64,
    /// Its interval, paired by test samples.
    pub interval: Option<Interval>,
    /// Why there is no interval.
    pub no_interval: Option<TooFew>,
    /// Two-sided p-value; with several seeds Student's t over seeds and samples together, with
    /// one fit each McNemar mid-p (accuracy), DeLong (macro AUC), Student's t (all else); null
    /// where there is no spread to judge by.
    pub p: Option<f64>,
    /// The same after Holm's correction over all pairs of the dataset.
    pub adjusted_p: Option<f64>,
}

/// The common errors of the models, each by its first fit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AgreementMetrics {
    /// Test samples that no model predicts correctly, by their place in the test part.
    pub missed_by_all: Vec<usize>,
    /// Accuracy of picking a correct model for each sample, where there is one.
    pub oracle_accuracy: f64,
    /// Accuracy of the mean of all probabilities; null where a model gives none.
    pub soft_vote_accuracy: Option<f64>,
}

/// A trial that models are not ranked by.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VariantMetrics {
    /// Its model.
    pub model: String,
    /// `data-size` (a share of the training part) or `resampling` (a fold or holdout).
    pub purpose: String,
    /// The samples it is reported on, in words: `test part`, `fold 2 of 5`.
    pub reported_on: String,
    /// Samples trained on.
    pub train_samples: usize,
    /// Samples held out to choose by.
    pub validation_samples: usize,
    /// Samples reported on.
    pub test_samples: usize,
    /// Share of correct predictions.
    pub accuracy: f64,
    /// Mean F1 over classes.
    pub macro_f1: f64,
    /// Mean negative log probability of the correct class, in nats.
    pub log_loss: f64,
    /// Fit, wall clock.
    pub fit_seconds: f64,
}
