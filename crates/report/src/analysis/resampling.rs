//! Models over folds (cross-validation) or repeated holdouts: how much their scores depend
//! on the split of the data, and whether their differences remain.

use bakeoff_core::record::{Purpose, SplitSpec};
use bakeoff_metrics::statistics::{Practical, ResampledT, holm};

use super::{Group, mean, ranks::Ranks, significance::Spread, variants::Point};

/// Differences in accuracy up to this have no practical meaning: one point, as in A.
/// Benavoli et al., "Time for a change: a tutorial for comparing multiple classifiers
/// through Bayesian analysis", Journal of Machine Learning Research 18 (2017).
pub(crate) const PRACTICAL_MARGIN: f64 = 0.01;

/// With fewer folds than this models are not ranked over them.
const LEAST_FOLDS: usize = 5;

/// The models over the cuts of a dataset's training part.
#[derive(Debug)]
pub(crate) struct Resampling<'a> {
    /// What the cuts are: `5 folds`, `10 holdouts`.
    pub(crate) cuts: String,
    /// The models that have a result on every cut, the most accurate first.
    pub(crate) models: Vec<OverCuts<'a>>,
    /// The models that lack a result on one of the cuts.
    pub(crate) left_out: Vec<&'a str>,
    /// Every two of them, the better one first.
    pub(crate) pairs: Vec<CutsPair>,
    /// Their ranks, where there are enough cuts and models.
    pub(crate) ranks: Option<Ranks>,
}

/// A model on every cut, means over its seeds.
#[derive(Debug)]
pub(crate) struct OverCuts<'a> {
    /// Its name.
    pub(crate) model: &'a str,
    /// Accuracy on each.
    pub(crate) accuracy: Vec<f64>,
    /// Mean accuracy.
    pub(crate) mean: f64,
    /// Standard deviation of the accuracies.
    pub(crate) deviation: f64,
    /// Mean macro F1.
    pub(crate) macro_f1: f64,
    /// Mean log loss.
    pub(crate) log_loss: f64,
}

/// Two models over the cuts.
#[derive(Debug)]
pub(crate) struct CutsPair {
    /// The more accurate one: place among the models.
    pub(crate) first: usize,
    /// The other.
    pub(crate) second: usize,
    /// The corrected resampled t-test of their accuracies.
    pub(crate) test: ResampledT,
    /// Its p-value after Holm's correction over all pairs.
    pub(crate) adjusted_p: Option<f64>,
    /// The probability of a difference of more than [`PRACTICAL_MARGIN`].
    pub(crate) practical: Practical,
}

impl<'a> Resampling<'a> {
    /// Gathers the folds and the holdouts of a group, each on their own: their parts are
    /// not of one size. Nothing where no model has completed them.
    pub(crate) fn all(group: &Group<'a>) -> Vec<Self> {
        let points = || group.variants.of(Purpose::Resampling);
        let is_fold = |point: &&Point<'_>| matches!(point.split, SplitSpec::Fold { .. });
        let folds = points().filter(is_fold).collect();
        let holdouts = points().filter(|point| !is_fold(point)).collect();
        [folds, holdouts].into_iter().filter_map(Self::of).collect()
    }

    fn of(points: Vec<&Point<'a>>) -> Option<Self> {
        let mut splits: Vec<SplitSpec> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for point in &points {
            if !splits.contains(&point.split) {
                splits.push(point.split);
            }
            if !names.contains(&point.model) {
                names.push(point.model);
            }
        }
        if splits.len() < 2 {
            return None;
        }
        let mut models: Vec<OverCuts<'a>> = names
            .iter()
            .filter_map(|&model| over_cuts(model, &splits, &points))
            .collect();
        let complete = |name: &&str| models.iter().any(|model| model.model == *name);
        let left_out = names.iter().copied().filter(|n| !complete(n)).collect();
        if models.is_empty() {
            return None;
        }
        models.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        let trained = |of: fn(&Point<'_>) -> usize| {
            let total: usize = points.iter().map(|point| of(point)).sum();
            total / points.len()
        };
        let train = trained(|point| point.samples.train + point.samples.validation);
        let test = trained(|point| point.samples.test);
        let mut pairs = Vec::new();
        for first in 0..models.len() {
            for second in first + 1..models.len() {
                pairs.extend(pair(&models, (first, second), (train, test)));
            }
        }
        let p: Vec<f64> = pairs.iter().filter_map(|pair| pair.test.p).collect();
        let tested = pairs.iter_mut().filter(|pair| pair.test.p.is_some());
        for (pair, adjusted) in tested.zip(holm(&p)) {
            pair.adjusted_p = Some(adjusted);
        }
        let blocks: Vec<Vec<f64>> = (0..splits.len())
            .map(|cut| models.iter().map(|model| model.accuracy[cut]).collect())
            .collect();
        Some(Self {
            cuts: cuts_text(&splits),
            // Folds share training images: few of them are no evidence, however exact.
            ranks: (blocks.len() >= LEAST_FOLDS)
                .then(|| Ranks::new(&blocks, "folds").ok())
                .flatten(),
            models,
            left_out,
            pairs,
        })
    }
}

fn cuts_text(splits: &[SplitSpec]) -> String {
    let count = splits.len();
    match splits.first() {
        // A part on which every model failed is missing.
        Some(SplitSpec::Fold { folds, .. }) if !count.is_multiple_of(*folds) => format!(
            "{count} of {} parts of {folds}-fold cross-validation",
            folds * count.div_ceil(*folds)
        ),
        Some(SplitSpec::Fold { folds, .. }) if count > *folds => format!(
            "{folds}-fold cross-validation, {} times",
            count.div_ceil(*folds)
        ),
        Some(SplitSpec::Fold { folds, .. }) => format!("{folds}-fold cross-validation"),
        _ => format!("{count} repeated holdouts"),
    }
}

fn over_cuts<'a>(
    model: &'a str,
    splits: &[SplitSpec],
    points: &[&Point<'a>],
) -> Option<OverCuts<'a>> {
    let all = |of: fn(&Point<'_>) -> f64| -> Option<Vec<f64>> {
        let of_split = |split: &SplitSpec| {
            let own = points.iter().filter(|p| p.model == model);
            mean(own.filter(|p| p.split == *split).map(|p| of(p)))
        };
        splits.iter().map(of_split).collect()
    };
    let accuracy = all(|p| p.accuracy)?;
    Some(OverCuts {
        model,
        mean: mean(accuracy.iter().copied())?,
        deviation: Spread::of(&accuracy)?.deviation,
        macro_f1: mean(all(|p| p.macro_f1)?.into_iter())?,
        log_loss: mean(all(|p| p.log_loss)?.into_iter())?,
        accuracy,
    })
}

fn pair(
    models: &[OverCuts<'_>],
    (first, second): (usize, usize),
    (train, test): (usize, usize),
) -> Option<CutsPair> {
    let scores = models[first].accuracy.iter().zip(&models[second].accuracy);
    let differences: Vec<f64> = scores.map(|(a, b)| a - b).collect();
    let test = ResampledT::new(&differences, train, test).ok()?;
    Some(CutsPair {
        first,
        second,
        practical: test.practical(PRACTICAL_MARGIN),
        test,
        adjusted_p: None,
    })
}
