//! Two runs compared model by model, where their test data is the same.
//!
//! A model got better or worse only if the whole interval of the paired difference lies on
//! one side; everything else is noise. Where both runs have several seeds of a model, or it does
//! not depend on the seed, the interval holds for other seeds and other test images, and the
//! recipes are compared. Otherwise it is about the fits at hand ([`Claim::Fits`]).

mod changes;

use bakeoff_core::record::{Host, Run};
use bakeoff_measures::{
    FIT_TIME, LATENCY_P50, Measure,
    timing::{self, Range},
};
use bakeoff_metrics::{
    Basis, Confidence, Influence, Influences, Interval, Metric, Predictions, RecipeScore, TooFew,
    statistics::{SwapTest, hold_zero, least_swap_p},
};
use rayon::prelude::*;
use serde::Serialize;

use self::changes::changes;
use crate::{
    analysis::significance::{Claim, HEADLINES},
    fits::{Fits, fits},
    results::Results,
    timing::Relation,
};

/// The choices of a comparison of two runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiffOptions {
    /// The score that decides: accuracy, macro F1, macro AUC or log loss.
    pub metric: Metric,
    /// Differences up to this do not matter, in units of the score (0.001 of accuracy is 0.1
    /// percentage points).
    pub margin: f64,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self {
            metric: Metric::Accuracy,
            margin: 0.0,
        }
    }
}

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum DiffError {
    /// The runs have no test part in common.
    #[error(
        "the runs were reported on different test data, so their scores cannot be compared: \
         {first} against {second}; run both on the same data with the same limits"
    )]
    NothingInCommon {
        /// The test parts of the first, in words.
        first: String,
        /// The test parts of the second.
        second: String,
    },
    /// The test parts agree, but no model is in both.
    #[error(
        "the runs have no model name in common: {first} against {second}; models are \
         compared by the name that the experiment gives them"
    )]
    NoModels {
        /// The models of the first.
        first: String,
        /// The models of the second.
        second: String,
    },
    /// The score has no interval.
    #[error("{0} cannot be compared; choose accuracy, macro F1, macro AUC or log loss")]
    Metric(&'static str),
    /// The margin is not a number from 0.
    #[error("a margin of {0}; it must be 0 or more")]
    Margin(f64),
}

/// How a model changed from the first run to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The whole interval is better by more than the margin.
    Better,
    /// The whole interval is worse by more than the margin.
    Worse,
    /// The interval includes differences that do not matter.
    WithinNoise,
    /// Every probability of every image is the same.
    Same,
    /// It had results and has no results now.
    Lost,
    /// It had no results before, or has none in either.
    NotComparable,
}

/// A score in both runs, means over the fits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ScoreDiff {
    /// The score.
    pub metric: Metric,
    /// In the first run.
    pub first: f64,
    /// In the second run.
    pub second: f64,
    /// Second less first.
    pub difference: f64,
    /// Test samples that the scores are of.
    #[serde(skip)]
    pub samples: usize,
    /// Its interval, paired by test images, and containing 0 where the predictions differ on
    /// too few images to exclude chance. Over all models together the level is 95 %
    /// (Bonferroni). None, and within noise, where too little differs for one.
    pub interval: Option<Interval>,
    /// Why there is no interval.
    pub no_interval: Option<TooFew>,
}

/// How a time changed from the first run to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeChange {
    /// Less, whatever was measured beside what differs from run to run.
    Faster,
    /// More.
    Slower,
    /// The ranges of both overlap.
    WithinNoise,
    /// The ranges overlap so much that nothing is known: other programs disturbed a measurement.
    Disturbed,
    /// Measured on different machines or with other numbers of threads.
    OtherMachine,
}

/// A time in both runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CostDiff {
    /// In the first run, mean over the fits.
    pub first: f64,
    /// In the second run.
    pub second: f64,
    /// How it changed, as far as its ranges tell.
    pub change: TimeChange,
}

/// One model in both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelDiff {
    /// The dataset's name in the second run.
    pub dataset: String,
    /// The model's name.
    pub model: String,
    /// How it changed.
    pub verdict: Change,
    /// Whether the verdict is about recipes, or about single fits of them.
    pub claim: Claim,
    /// Fits with results in the first run.
    pub first_fits: usize,
    /// Fits with results in the second run.
    pub second_fits: usize,
    /// Every headline score that is defined in both.
    pub scores: Vec<ScoreDiff>,
    /// Seconds to fit.
    pub fit_seconds: Option<CostDiff>,
    /// Seconds to predict one image, median.
    pub latency_p50_seconds: Option<CostDiff>,
    /// Other differences: settings, engine, training data.
    pub changes: Vec<String>,
    /// Why a run has no results of it.
    pub reason: Option<String>,
}

/// Two runs compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The first run's name.
    pub first: String,
    /// The second run's name.
    pub second: String,
    /// The score that decides.
    pub metric: Metric,
    /// Differences up to this do not matter.
    pub margin: f64,
    /// The models that both planned on the same test data, in the order of the second.
    pub models: Vec<ModelDiff>,
    /// Models that only the first run has, as `dataset/model`.
    pub only_first: Vec<String>,
    /// Models that only the second run has.
    pub only_second: Vec<String>,
    /// Datasets with the same name but other test data, which are not compared.
    pub other_test_data: Vec<String>,
}

impl Diff {
    /// Models that got worse or lost their results.
    pub fn worse(&self) -> impl Iterator<Item = &ModelDiff> {
        self.models
            .iter()
            .filter(|model| matches!(model.verdict, Change::Worse | Change::Lost))
    }

    /// Of these, those of which more is known than that one fit is worse than another.
    pub fn recipes_worse(&self) -> impl Iterator<Item = &ModelDiff> {
        self.worse()
            .filter(|model| model.verdict == Change::Lost || model.claim == Claim::Recipes)
    }
}

/// Compares two runs.
///
/// # Errors
/// When they have no test data or no model in common, or when an option makes no sense.
pub fn diff(first: &Run, second: &Run, options: &DiffOptions) -> Result<Diff, DiffError> {
    if !HEADLINES.contains(&options.metric) {
        return Err(DiffError::Metric(Measure::of(options.metric).label));
    }
    if !(options.margin >= 0.0 && options.margin.is_finite()) {
        return Err(DiffError::Margin(options.margin));
    }
    let (before, after) = (fits(first), fits(second));
    let comparable = |a: &Fits<'_>, b: &Fits<'_>| {
        a.data.test_fingerprint == b.data.test_fingerprint
            && a.data.class_names.len() == b.data.class_names.len()
    };
    if !before
        .iter()
        .any(|a| after.iter().any(|b| comparable(a, b)))
    {
        return Err(DiffError::NothingInCommon {
            first: test_parts(first),
            second: test_parts(second),
        });
    }
    let counterpart = |one: &Fits<'_>, others: &[Fits<'_>]| {
        others
            .iter()
            .position(|other| comparable(one, other) && one.model == other.model)
    };
    let pairs: Vec<(&Fits<'_>, &Fits<'_>)> = after
        .iter()
        .filter_map(|b| Some((&before[counterpart(b, &before)?], b)))
        .collect();
    if pairs.is_empty() {
        return Err(DiffError::NoModels {
            first: names(&before),
            second: names(&after),
        });
    }
    let compared = pairs
        .iter()
        .filter(|(a, b)| !a.ok.is_empty() && !b.ok.is_empty())
        .count();
    // A level strictly between 0 and 1 by construction.
    let confidence =
        Confidence::new(1.0 - 0.05 / compared.max(1) as f64).unwrap_or(Confidence::P95);
    let models = pairs
        .iter()
        .map(|(a, b)| compare(a, b, options, confidence))
        .collect();
    let alone = |of: &[Fits<'_>], others: &[Fits<'_>]| {
        of.iter()
            .filter(|fits| counterpart(fits, others).is_none())
            .map(|fits| format!("{}/{}", fits.data.name, fits.model))
            .collect()
    };
    let mut other_test_data = Vec::new();
    for data in &second.info.datasets {
        let mut same_name = first.info.datasets.iter().filter(|d| d.name == data.name);
        if same_name.any(|d| d.test_fingerprint != data.test_fingerprint) {
            other_test_data.push(data.name.clone());
        }
    }
    Ok(Diff {
        first: first.info.name.clone(),
        second: second.info.name.clone(),
        metric: options.metric,
        margin: options.margin,
        models,
        only_first: alone(&before, &after),
        only_second: alone(&after, &before),
        other_test_data,
    })
}

fn compare(
    before: &Fits<'_>,
    after: &Fits<'_>,
    options: &DiffOptions,
    confidence: Confidence,
) -> ModelDiff {
    let claim = claim(before).and(claim(after));
    let scores = scores(before, after, claim, confidence);
    let own = scores.iter().find(|score| score.metric == options.metric);
    let verdict = match (before.ok.is_empty(), after.ok.is_empty()) {
        (false, true) => Change::Lost,
        (true, _) => Change::NotComparable,
        _ if same_answers(before, after) => Change::Same,
        _ => own.map_or(Change::NotComparable, |score| judge(score, options.margin)),
    };
    let cost = |measure: &Measure, of: fn(&Results<'_>) -> u64| {
        // Those of models of other programs were not measured.
        let mut all = before.ok.iter().chain(&after.ok);
        if all.any(|fit| fit.measured.external.is_some()) {
            return None;
        }
        let seconds = |fits: &Fits<'_>| fits.mean(|fit| of(fit) as f64 / 1e9);
        Some(CostDiff {
            first: seconds(before)?,
            second: seconds(after)?,
            change: time_change(before, after, measure),
        })
    };
    ModelDiff {
        dataset: after.data.name.clone(),
        model: after.model.to_owned(),
        verdict,
        claim,
        first_fits: before.ok.len(),
        second_fits: after.ok.len(),
        fit_seconds: match is_fit_timed(before) && is_fit_timed(after) {
            true => cost(&FIT_TIME, |fit| fit.measured.costs.fit_ns),
            false => None,
        },
        latency_p50_seconds: cost(&LATENCY_P50, |fit| fit.measured.costs.latency.p50_ns),
        changes: changes(before, after),
        reason: after.problem.clone().or_else(|| before.problem.clone()),
        scores,
    }
}

/// Whether its fits trained something.
fn is_fit_timed(fits: &Fits<'_>) -> bool {
    let mut all = fits.ok.iter();
    all.all(|fit| !fit.measured.trained_elsewhere)
}

fn time_change(before: &Fits<'_>, after: &Fits<'_>, measure: &Measure) -> TimeChange {
    let mut hosts = before.ok.iter().chain(&after.ok).map(|fit| fit.host);
    let machine = |host: &Host| (host.cpu.clone(), host.logical_cpus, host.threads);
    let first = hosts.next().map(machine);
    if hosts.any(|host| Some(machine(host)) != first) {
        return TimeChange::OtherMachine;
    }
    let range = |fits: &Fits<'_>| {
        let ranges = fits
            .ok
            .iter()
            .map(|fit| timing::range(measure, &fit.measured.costs, fit.host.threads));
        ranges
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .reduce(Range::and)
    };
    match range(after).zip(range(before)) {
        None => TimeChange::Disturbed,
        Some((after, before)) => match Relation::of(after, before) {
            Relation::Longer(_) => TimeChange::Slower,
            Relation::Shorter(_) => TimeChange::Faster,
            Relation::Alike => TimeChange::WithinNoise,
            Relation::Unknown => TimeChange::Disturbed,
        },
    }
}

fn claim(fits: &Fits<'_>) -> Claim {
    Claim::of(fits.ok.iter().map(|fit| fit.measured))
}

fn judge(score: &ScoreDiff, margin: f64) -> Change {
    let Some(Interval { low, high }) = score.interval else {
        return Change::WithinNoise;
    };
    let measure = Measure::of(score.metric);
    let ends = [measure.gain(low, 0.0), measure.gain(high, 0.0)];
    let (gain_low, gain_high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    if gain_low > margin {
        Change::Better
    } else if gain_high < -margin {
        Change::Worse
    } else {
        Change::WithinNoise
    }
}

/// The headline scores with paired differences, means over the fits of each run.
fn scores(
    before: &Fits<'_>,
    after: &Fits<'_>,
    claim: Claim,
    confidence: Confidence,
) -> Vec<ScoreDiff> {
    let all: Vec<&Predictions<'_>> = before
        .ok
        .iter()
        .chain(&after.ok)
        .map(|fit| &fit.predictions)
        .collect();
    if before.ok.is_empty() || after.ok.is_empty() {
        return Vec::new();
    }
    let influences: Vec<Influences> = all
        .par_iter()
        .map(|fit| Influences::new(fit, &HEADLINES))
        .collect();
    let (first, second) = influences.split_at(before.ok.len());
    let (first_fits, second_fits) = all.split_at(before.ok.len());
    // The least p-value that so few different predictions allow; scores of the
    // probabilities have no such bound.
    let least_p = |metric| match metric {
        Metric::Accuracy => SwapTest::new(first_fits, second_fits).map_or(1.0, |test| test.mid_p),
        Metric::MacroF1 => least_swap_p(first_fits, second_fits),
        _ => 0.0,
    };
    HEADLINES
        .into_iter()
        .filter_map(|metric| {
            let before: Option<Vec<&Influence>> = first.iter().map(|fit| fit.get(metric)).collect();
            let after: Option<Vec<&Influence>> = second.iter().map(|fit| fit.get(metric)).collect();
            let (a, b) = (before?, after?);
            let (first, second) = (Influence::mean(&a).ok()?, Influence::mean(&b).ok()?);
            let difference = second.minus(&first).ok()?;
            let score = if claim == Claim::Recipes && a.len().max(b.len()) > 1 {
                RecipeScore::difference(&b, &a)
            } else {
                RecipeScore::of(&[&difference])
            };
            let interval = score.ok()?.interval(confidence);
            // Other samples are ruled out by the fingerprint.
            let supported = Basis::check_difference(metric, first_fits, second_fits);
            Some(ScoreDiff {
                metric,
                first: first.estimate(),
                second: second.estimate(),
                difference: difference.estimate(),
                samples: all[0].samples(),
                interval: supported
                    .is_ok()
                    .then(|| hold_zero(interval, least_p(metric), confidence)),
                no_interval: supported.err(),
            })
        })
        .collect()
}

fn same_answers(before: &Fits<'_>, after: &Fits<'_>) -> bool {
    before.ok.len() == after.ok.len()
        && before
            .ok
            .iter()
            .zip(&after.ok)
            .all(|(a, b)| a.predictions.probabilities() == b.predictions.probabilities())
}

fn test_parts(run: &Run) -> String {
    let parts: Vec<String> = run
        .info
        .datasets
        .iter()
        .map(|data| {
            let samples: usize = data.test_counts.iter().sum();
            let short = data.test_fingerprint.get(..12);
            format!(
                "{} ({samples} test images, fingerprint {}…)",
                data.name,
                short.unwrap_or(&data.test_fingerprint)
            )
        })
        .collect();
    parts.join(", ")
}

fn names(of: &[Fits<'_>]) -> String {
    let names: Vec<&str> = of.iter().map(|fits| fits.model).collect();
    names.join(", ")
}
