//! How certain the scores of a dataset's models are, and which models differ.
//!
//! Two models are compared as *recipes* where the seeds of both are known: each has several fits,
//! or does not depend on the seed. Test images and seeds are then random together
//! ([`RecipeScore`]). Where a model that depends on the seed has one fit, that *fit* is compared:
//! intervals and p-values say what other test images could have given, and nothing about
//! another seed ([`Claim`]).
//!
//! Rejected: overlapping intervals as a test (two models can differ significantly though
//! their intervals overlap, because they are tested on the same images).

use std::collections::BTreeMap;

use bakeoff_core::record::Measured;
use bakeoff_metrics::{
    Basis, Confidence, Influence, Influences, Interval, Metric, Pair, Predictions, RecipeScore,
    TooFew, score_interval,
    statistics::{SwapTest, hold_zero, holm, least_swap_p},
};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trial::Entry;

/// The scores that have intervals and are compared.
pub(crate) const HEADLINES: [Metric; 4] = [
    Metric::Accuracy,
    Metric::MacroF1,
    Metric::MacroAuc,
    Metric::LogLoss,
];

/// Differences with a corrected p-value above this are not significant.
pub(crate) const ALPHA: f64 = 0.05;

/// An interval, or what there is too little of for one.
pub(crate) type Interval95 = Result<Interval, TooFew>;

/// What the models of one dataset are compared by.
#[derive(Debug, Default)]
pub(crate) struct Significance {
    /// The models that have results, the best first.
    pub(crate) models: Vec<ModelScores>,
    /// Every two of them, the better one first, in the order of the models.
    pub(crate) pairs: Vec<PairDifference>,
    /// The intervals of single trials, by id.
    trials: BTreeMap<String, Vec<(Metric, Interval95)>>,
}

/// A model's headline scores, means over its fits.
#[derive(Debug)]
pub(crate) struct ModelScores {
    /// Its place among the entries of the group.
    pub(crate) entry: usize,
    /// Successful trials.
    pub(crate) fits: usize,
    /// Whether the scores are of one fit of a recipe that has others.
    pub(crate) claim: Claim,
    /// In the order of [`HEADLINES`], as far as they are defined.
    pub(crate) scores: Vec<Score>,
    /// Whether it is the best one, or not significantly different from it.
    pub(crate) tied_with_best: bool,
}

/// What a score or a comparison is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// Recipes: what another fit would give on other test images.
    Recipes,
    /// Single fits: what these fits would give on other test images. Another seed may change
    /// it.
    Fits,
}

impl Claim {
    /// Of the fits of one model: a recipe is known by several, unless all are the same.
    pub(crate) fn of<'m>(fits: impl Iterator<Item = &'m Measured>) -> Self {
        let varies: Vec<bool> = fits.map(Measured::varies_with_seed).collect();
        match varies.as_slice() {
            [true] => Self::Fits,
            _ => Self::Recipes,
        }
    }

    /// Of two models together.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Recipes, Self::Recipes) => Self::Recipes,
            _ => Self::Fits,
        }
    }
}

/// A score with its interval and its spread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    /// The score.
    pub(crate) metric: Metric,
    /// The mean over the fits.
    pub(crate) value: f64,
    /// The 95 % interval for other test images of the same kind, and with several fits for
    /// other seeds as well.
    pub(crate) interval: Interval95,
    /// The spread over the fits, where there are several.
    pub(crate) seeds: Option<Spread>,
}

/// The spread of a score over several fits of one model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    /// Standard deviation over the fits.
    pub(crate) deviation: f64,
    /// The lowest.
    pub(crate) low: f64,
    /// The highest.
    pub(crate) high: f64,
}

/// Two models on the same test images.
#[derive(Debug)]
pub(crate) struct PairDifference {
    /// The better one: place in [`Significance::models`].
    pub(crate) first: usize,
    /// The other.
    pub(crate) second: usize,
    /// What the differences are about.
    pub(crate) claim: Claim,
    /// Accuracy of the fits at hand, tested image by image; McNemar's test with one fit each.
    pub(crate) swap: SwapTest,
    /// The score that models are ranked by.
    pub(crate) headline: Metric,
    /// The difference in it with seeds and images random.
    pub(crate) together: Option<RecipeScore>,
    /// The true difference in it that this design would have found in eight of ten repetitions, at
    /// the level that is left after the correction for all pairs.
    pub(crate) detectable: Option<f64>,
    /// Every headline score, in the order of [`HEADLINES`], as far as they are defined.
    pub(crate) differences: Vec<Difference>,
}

/// The difference of two models in one score, first less second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Difference {
    /// The score.
    pub(crate) metric: Metric,
    /// First less second.
    pub(crate) value: f64,
    /// Its 95 % interval: paired, and containing 0 where the models differ on too few images to
    /// exclude it.
    pub(crate) interval: Interval95,
    /// Two-sided p-value; `None` where there is no spread to judge by.
    pub(crate) p: Option<f64>,
    /// The same after Holm's correction over all pairs of the dataset.
    pub(crate) adjusted_p: Option<f64>,
}

/// A model with its fits and what each image adds to their scores.
struct Candidate<'a> {
    entry: usize,
    /// Successful trials.
    count: usize,
    /// Those that differ from each other.
    predictions: Vec<&'a Predictions<'a>>,
    fits: Vec<&'a Influences>,
    claim: Claim,
}

impl Significance {
    /// Compares the models of a dataset.
    pub(crate) fn new(entries: &[Entry<'_>], headline: Metric) -> Self {
        let predictions: Vec<(usize, &str, Predictions<'_>)> = entries
            .iter()
            .enumerate()
            .flat_map(|(entry, of)| of.successes().map(move |fit| (entry, fit)))
            .filter_map(|(entry, (trial, success))| {
                Some((entry, trial.planned.id.as_str(), success.predictions()?))
            })
            .collect();
        let all: Vec<&Predictions<'_>> = predictions.iter().map(|(_, _, p)| p).collect();
        let influences: Vec<Influences> = all
            .par_iter()
            .map(|fit| Influences::new(fit, &HEADLINES))
            .collect();

        let trials = predictions
            .iter()
            .zip(&influences)
            .map(|((_, id, p), fit)| {
                let intervals = HEADLINES.iter().filter_map(|&metric| {
                    let influence = fit.get(metric)?;
                    let interval = score_interval(metric, &[p], &[influence], Confidence::P95);
                    Some((metric, interval))
                });
                ((*id).to_owned(), intervals.collect())
            })
            .collect();

        let mut candidates: Vec<Candidate<'_>> = Vec::new();
        for (((entry, _, _), p), fit) in predictions.iter().zip(&all).zip(&influences) {
            match candidates.iter_mut().find(|c| c.entry == *entry) {
                // A fit that is the same again says nothing new.
                Some(candidate) => {
                    candidate.count += 1;
                    let mut known = candidate.predictions.iter();
                    if !known.any(|known| known.probabilities() == p.probabilities()) {
                        candidate.predictions.push(p);
                        candidate.fits.push(fit);
                    }
                }
                None => candidates.push(Candidate {
                    entry: *entry,
                    count: 1,
                    predictions: vec![p],
                    fits: vec![fit],
                    claim: Claim::Fits,
                }),
            }
        }
        for candidate in &mut candidates {
            let fits = entries[candidate.entry].successes();
            candidate.claim = Claim::of(fits.map(|(_, success)| success.measured));
        }
        let mut pairs: Vec<PairDifference> = (0..candidates.len())
            .flat_map(|first| (first + 1..candidates.len()).map(move |second| (first, second)))
            .collect::<Vec<_>>()
            .into_par_iter()
            .filter_map(|(first, second)| compare(&candidates, (first, second), headline))
            .collect();
        correct(&mut pairs);
        let level = ALPHA / pairs.len().max(1) as f64;
        for pair in &mut pairs {
            pair.detectable = pair.together.map(|together| together.detectable(level));
        }
        let tied = |model: usize| {
            let is_baseline = entries[candidates[model].entry].is_baseline();
            if is_baseline && model > 0 {
                return false;
            }
            model == 0
                || pairs
                    .iter()
                    .any(|pair| (pair.first, pair.second) == (0, model) && !pair.differs())
        };
        let models = candidates
            .iter()
            .enumerate()
            .map(|(model, candidate)| ModelScores {
                entry: candidate.entry,
                fits: candidate.count,
                claim: candidate.claim,
                scores: candidate.scores(&entries[candidate.entry]),
                tied_with_best: tied(model),
            })
            .collect();
        Self {
            models,
            pairs,
            trials,
        }
    }

    /// The 95 % intervals of a trial's scores.
    pub(crate) fn of_trial(&self, id: &str) -> &[(Metric, Interval95)] {
        self.trials.get(id).map_or(&[], Vec::as_slice)
    }

    /// A model by its place among the entries.
    pub(crate) fn of_entry(&self, entry: usize) -> Option<&ModelScores> {
        self.models.iter().find(|model| model.entry == entry)
    }

    /// What the group of the best is about: fits as soon as one of the models has only one.
    pub(crate) fn claim(&self) -> Claim {
        let claims = self.models.iter().map(|model| model.claim);
        claims.fold(Claim::Recipes, Claim::and)
    }

    /// The models that are not significantly different from the best one, that one
    /// first.
    pub(crate) fn best_group(&self) -> impl Iterator<Item = &ModelScores> {
        self.models.iter().filter(|model| model.tied_with_best)
    }
}

impl ModelScores {
    /// One of its scores, where it is defined.
    pub(crate) fn score(&self, metric: Metric) -> Option<&Score> {
        self.scores.iter().find(|score| score.metric == metric)
    }
}

impl PairDifference {
    /// The difference in one score, where it is defined.
    pub(crate) fn difference(&self, metric: Metric) -> Option<&Difference> {
        self.differences.iter().find(|found| found.metric == metric)
    }

    /// The corrected p-value of the score that models are ranked by; 1 where there is none.
    pub(crate) fn p(&self) -> f64 {
        let difference = self.difference(self.headline);
        difference.and_then(|found| found.adjusted_p).unwrap_or(1.0)
    }

    /// Whether one of them is significantly better by the score that models are ranked by.
    pub(crate) fn differs(&self) -> bool {
        self.p() <= ALPHA
    }
}

impl Candidate<'_> {
    /// The metric of each fit.
    fn fits(&self, metric: Metric) -> Option<Vec<&Influence>> {
        self.fits.iter().map(|fit| fit.get(metric)).collect()
    }

    /// The mean over the fits, image by image.
    fn mean(&self, metric: Metric) -> Option<Influence> {
        Influence::mean(&self.fits(metric)?).ok()
    }

    fn scores(&self, entry: &Entry<'_>) -> Vec<Score> {
        HEADLINES
            .into_iter()
            .filter_map(|metric| {
                let values: Option<Vec<f64>> = entry
                    .successes()
                    .map(|(_, success)| success.evaluation.get(metric))
                    .collect();
                let values = values?;
                let fits = self.fits(metric)?;
                Some(Score {
                    metric,
                    value: values.iter().sum::<f64>() / values.len() as f64,
                    interval: score_interval(metric, &self.predictions, &fits, Confidence::P95),
                    seeds: Spread::of(&values),
                })
            })
            .collect()
    }
}

impl Spread {
    /// Of fewer than two values there is none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // The mean of equal numbers may be another one in its last digit.
        let equal = low == high;
        Some(Self {
            deviation: if equal {
                0.0
            } else {
                (squares / (count - 1.0)).sqrt()
            },
            low,
            high,
        })
    }
}

fn compare(
    candidates: &[Candidate<'_>],
    (first, second): (usize, usize),
    headline: Metric,
) -> Option<PairDifference> {
    let (a, b) = (&candidates[first], &candidates[second]);
    let swap = SwapTest::new(&a.predictions, &b.predictions).ok()?;
    let least = least_swap_p(&a.predictions, &b.predictions);
    let pair = match (a.predictions.as_slice(), b.predictions.as_slice()) {
        ([a], [b]) => Pair::new(a, b).ok(),
        _ => None,
    };
    let recipe = |metric| RecipeScore::difference(&a.fits(metric)?, &b.fits(metric)?).ok();
    let claim = a.claim.and(b.claim);
    let seeds = claim == Claim::Recipes && a.count.max(b.count) > 1;
    let differences = HEADLINES
        .into_iter()
        .filter_map(|metric| {
            let score = match seeds {
                true => recipe(metric)?,
                // The fits at hand, for other images.
                false => RecipeScore::of(&[&a.mean(metric)?.minus(&b.mean(metric)?).ok()?]).ok()?,
            };
            let own = score.interval(Confidence::P95);
            let (interval, p) = match metric {
                // The least p-value that so few different answers allow.
                Metric::Accuracy if seeds => {
                    let p = score.p_value().map(|p| p.max(swap.mid_p));
                    (own, p)
                }
                Metric::Accuracy => (own, Some(swap.mid_p)),
                Metric::MacroF1 => (own, score.p_value().map(|p| p.max(least))),
                // DeLong's test is of one fit each.
                Metric::MacroAuc if !seeds => match pair.and_then(|pair| pair.delong_macro()) {
                    Some(delong) => (delong.interval(Confidence::P95), delong.p),
                    None => (own, score.p_value()),
                },
                _ => (own, score.p_value()),
            };
            let supported = Basis::check_difference(metric, &a.predictions, &b.predictions);
            let supported = match interval.low < interval.high {
                true => supported,
                false => supported.and(Err(TooFew::Differences)),
            };
            // Where an interval would be wrong too often, so would be the test; that of accuracy is
            // exact.
            let p = p.filter(|_| metric == Metric::Accuracy || supported.is_ok());
            Some(Difference {
                metric,
                value: score.estimate,
                interval: supported.map(|()| match metric {
                    Metric::Accuracy | Metric::MacroF1 => {
                        hold_zero(interval, p.unwrap_or(1.0), Confidence::P95)
                    }
                    _ => interval,
                }),
                p,
                adjusted_p: None,
            })
        })
        .collect();
    Some(PairDifference {
        first,
        second,
        claim,
        swap,
        headline,
        together: recipe(headline),
        detectable: None,
        differences,
    })
}

/// Holm's correction, each score's over all pairs.
fn correct(pairs: &mut [PairDifference]) {
    for metric in HEADLINES {
        let mut found: Vec<&mut Difference> = pairs
            .iter_mut()
            .flat_map(|pair| &mut pair.differences)
            .filter(|difference| difference.metric == metric && difference.p.is_some())
            .collect();
        let p: Vec<f64> = found.iter().filter_map(|difference| difference.p).collect();
        for (difference, adjusted) in found.iter_mut().zip(holm(&p)) {
            difference.adjusted_p = Some(adjusted);
        }
    }
}
