//! One ranking over several runs and datasets.
//!
//! Every dataset counts once, however many runs and seeds there are of it. Seeds and folds
//! of one dataset are not independent: a test that treated them as independent would find
//! winners by chance.

use bakeoff_core::{ModelSpec, record::Run};
use bakeoff_measures::Measure;
use bakeoff_metrics::{
    Evaluation, Metric, OneVsRest,
    statistics::{Practical, mean_ranks, practical_signed_rank},
};
use serde::Serialize;

use crate::{
    analysis::{
        mean,
        ranks::{Ranks, ranked_pairs},
    },
    fits::{Fits, fits},
};

/// Why runs cannot be ranked together.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum RankError {
    /// One name stands for two recipes.
    #[error(
        "`{model}` has different settings in {first} and in {second}; give the two different names"
    )]
    Recipes {
        /// The model's name.
        model: String,
        /// A run that has one of the recipes.
        first: String,
        /// A run that has the other.
        second: String,
    },
    /// Two test parts are parts of the same data.
    #[error(
        "{first} and {second} report on different parts of the test images of {dataset} ({parts}), \
         so that it would count twice; rank runs with the same --limit-test together"
    )]
    OneDataset {
        /// The dataset.
        dataset: String,
        /// A run that has one of the parts.
        first: String,
        /// A run that has the other.
        second: String,
        /// How many images each has.
        parts: String,
    },
    /// One name on one test part stands for two ways of training.
    #[error(
        "`{model}` on {dataset} has different training data or calibration in {first} and in \
         {second}, so that the mean of both says nothing; give the two different names"
    )]
    Training {
        /// The model's name.
        model: String,
        /// The dataset.
        dataset: String,
        /// A run that has one of them.
        first: String,
        /// A run that has the other.
        second: String,
    },
    /// Fewer than two models have results on every dataset.
    #[error(
        "no two models have results on every dataset, so there is nothing to rank; missing: {0}"
    )]
    NothingInCommon(String),
    /// There is one model, or none.
    #[error("ranking takes at least two models; there is {0}")]
    TooFew(String),
}

/// A model with its rank.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankedModel {
    /// Its name.
    pub model: String,
    /// Mean rank over the datasets; 1 is best, ties share their ranks.
    pub mean_rank: f64,
    /// Its score on each dataset, means over runs and seeds.
    pub scores: Vec<f64>,
}

/// Whether the ranks differ significantly.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankTest {
    /// Friedman's statistic, corrected for ties; `None` where every dataset is one tie.
    pub friedman_chi_squared: Option<f64>,
    /// Its p-value.
    pub friedman_p: f64,
    /// p-value of the less conservative statistic of Iman and Davenport.
    pub iman_davenport_p: f64,
    /// p-value of the exact distribution; `None` for so many datasets and models that the
    /// approximations hold.
    pub friedman_exact_p: Option<f64>,
    /// The one to use: the exact one, or that of Iman and Davenport.
    pub p: f64,
    /// Models whose mean ranks differ by at least this are significantly different (Nemenyi,
    /// 95 %).
    pub critical_difference: f64,
    /// The groups of models that are not significantly different, best first.
    pub groups: Vec<Vec<String>>,
}

/// Two models over the datasets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankedPair {
    /// The one with the better mean rank.
    pub first: String,
    /// The other.
    pub second: String,
    /// p-value of no difference (Wilcoxon's signed-rank test, exact), after Holm's correction
    /// over all pairs.
    pub adjusted_p: f64,
    /// How probable it is that they differ by more than the margin of the ranking (Bayesian
    /// signed-rank test); higher is better, whatever the score.
    pub practical: Practical,
}

/// Models ranked over datasets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// The score that decides.
    pub metric: Metric,
    /// Models whose scores differ by no more than this are practically equivalent.
    pub margin: f64,
    /// The datasets, with how much of their test part was used where names repeat.
    pub datasets: Vec<String>,
    /// Test samples of each dataset.
    #[serde(skip)]
    pub test_samples: Vec<usize>,
    /// The best first.
    pub models: Vec<RankedModel>,
    /// Models without results on some dataset: name, and where.
    pub left_out: Vec<(String, Vec<String>)>,
    /// Every two models over the datasets; none of one dataset.
    pub pairs: Vec<RankedPair>,
    /// Friedman's test with Nemenyi's, where there are enough datasets and models.
    pub test: Option<RankTest>,
    /// Why there is no test.
    pub no_test: Option<String>,
}

/// A test part with all fits that were measured on it.
struct Block<'a> {
    fingerprint: &'a str,
    name: String,
    /// With the name of their run.
    fits: Vec<(&'a str, Fits<'a>)>,
}

impl Block<'_> {
    fn samples(&self) -> usize {
        let first = self.fits.first();
        first.map_or(0, |(_, fits)| fits.data.test_counts.iter().sum())
    }
}

/// Ranks the models of all runs by a score; scores that differ by no more than `margin` are
/// practically equivalent.
///
/// # Errors
/// When one name stands for two recipes, or when fewer than two models have results everywhere.
pub fn rank(runs: &[&Run], metric: Metric, margin: f64) -> Result<Ranking, RankError> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut recipes: Vec<(&str, &ModelSpec, &str)> = Vec::new();
    for run in runs {
        for fits in fits(run) {
            let spec = &fits.planned.trial.spec;
            match recipes.iter().find(|(model, _, _)| *model == fits.model) {
                Some((_, known, first)) if *known != spec => {
                    return Err(RankError::Recipes {
                        model: fits.model.to_owned(),
                        first: (*first).to_owned(),
                        second: run.info.name.clone(),
                    });
                }
                Some(_) => {}
                None => recipes.push((fits.model, spec, &run.info.name)),
            }
            let fingerprint = fits.data.test_fingerprint.as_str();
            match blocks.iter_mut().find(|b| b.fingerprint == fingerprint) {
                Some(block) => {
                    let mut same = block.fits.iter().filter(|(_, f)| f.model == fits.model);
                    if let Some((first, _)) = same.find(|(_, known)| !trained_alike(known, &fits)) {
                        return Err(RankError::Training {
                            model: fits.model.to_owned(),
                            dataset: fits.data.name.clone(),
                            first: (*first).to_owned(),
                            second: run.info.name.clone(),
                        });
                    }
                    block.fits.push((&run.info.name, fits));
                }
                None => blocks.push(Block {
                    fingerprint,
                    name: fits.data.name.clone(),
                    fits: vec![(&run.info.name, fits)],
                }),
            }
        }
    }
    refuse_parts_of_one(&blocks)?;
    make_names_distinct(&mut blocks);

    let table: Vec<(&str, Vec<Option<f64>>)> = recipes
        .iter()
        .map(|(model, _, _)| {
            let scores = blocks.iter().map(|block| score(block, model, metric));
            (*model, scores.collect())
        })
        .collect();
    let left_out: Vec<(String, Vec<String>)> = table
        .iter()
        .filter(|(_, scores)| scores.contains(&None))
        .map(|(model, scores)| {
            let missing = blocks
                .iter()
                .zip(scores)
                .filter(|(_, score)| score.is_none());
            let names = missing.map(|(block, _)| block.name.clone());
            ((*model).to_owned(), names.collect())
        })
        .collect();
    let complete: Vec<(&str, Vec<f64>)> = table
        .into_iter()
        .filter_map(|(model, scores)| {
            let scores: Option<Vec<f64>> = scores.into_iter().collect();
            Some((model, scores?))
        })
        .collect();
    if complete.len() < 2 && left_out.is_empty() {
        let found = complete.first();
        return Err(RankError::TooFew(found.map_or_else(
            || "none".to_owned(),
            |(model, _)| format!("only {model}"),
        )));
    }
    if complete.len() < 2 {
        let missing: Vec<String> = left_out
            .iter()
            .map(|(model, datasets)| format!("{model} on {}", datasets.join(", ")))
            .collect();
        return Err(RankError::NothingInCommon(missing.join("; ")));
    }
    // Turned so that higher is better, whatever the score.
    let sign = Measure::of(metric).gain(1.0, 0.0);
    let rows: Vec<Vec<f64>> = (0..blocks.len())
        .map(|block| complete.iter().map(|(_, s)| sign * s[block]).collect())
        .collect();
    let mean_ranks = mean_ranks(&rows, true);
    let (test, no_test) = match Ranks::new(&rows, "datasets") {
        Ok(found) => (Some(rank_test(&found, &complete)), None),
        Err(reason) => (None, Some(reason)),
    };
    let pairs = match rows.len() {
        0 | 1 => Vec::new(),
        _ => ranked_pairs(&rows)
            .into_iter()
            .map(|pair| ranked_pair(pair, &complete, &mean_ranks, (sign, margin)))
            .collect(),
    };
    let mut models: Vec<RankedModel> = complete
        .into_iter()
        .zip(mean_ranks)
        .map(|((model, scores), mean_rank)| RankedModel {
            model: model.to_owned(),
            mean_rank,
            scores,
        })
        .collect();
    models.sort_by(|a, b| a.mean_rank.total_cmp(&b.mean_rank));
    Ok(Ranking {
        metric,
        margin,
        test_samples: blocks.iter().map(Block::samples).collect(),
        datasets: blocks.into_iter().map(|block| block.name).collect(),
        models,
        pairs,
        left_out,
        test,
        no_test,
    })
}

/// Refuses two test parts of the same data: one holds images of the other.
fn refuse_parts_of_one(blocks: &[Block<'_>]) -> Result<(), RankError> {
    let first_of = |block: &Block<'_>| {
        block
            .fits
            .first()
            .map(|(_, fits)| fits.data.fingerprint.clone())
    };
    for (place, block) in blocks.iter().enumerate() {
        let same = |other: &&Block<'_>| first_of(other) == first_of(block);
        if let Some(other) = blocks[..place].iter().find(same)
            && let (Some((first, _)), Some((second, _))) = (other.fits.first(), block.fits.first())
        {
            return Err(RankError::OneDataset {
                dataset: block.name.clone(),
                first: (*first).to_owned(),
                second: (*second).to_owned(),
                parts: format!("{} and {} images", other.samples(), block.samples()),
            });
        }
    }
    Ok(())
}

/// Whether two runs have trained a model on the same number of images of the same data,
/// with the same calibration. Seeds may differ: scores are means over them.
fn trained_alike(a: &Fits<'_>, b: &Fits<'_>) -> bool {
    let (Some(first), Some(second)) = (a.ok.first(), b.ok.first()) else {
        return true;
    };
    first.measured.samples == second.measured.samples
        && a.data.fingerprint == b.data.fingerprint
        && a.planned.trial.calibration == b.planned.trial.calibration
}

/// Adds the number of test images, and then the fingerprint, to names that repeat.
fn make_names_distinct(blocks: &mut [Block<'_>]) {
    let repeats = |blocks: &[Block<'_>]| -> Vec<bool> {
        blocks
            .iter()
            .map(|block| blocks.iter().filter(|b| b.name == block.name).count() > 1)
            .collect()
    };
    for (repeated, block) in repeats(blocks).into_iter().zip(blocks.iter_mut()) {
        if repeated {
            block.name = format!("{} ({} test images)", block.name, block.samples());
        }
    }
    for (repeated, block) in repeats(blocks).into_iter().zip(blocks.iter_mut()) {
        if repeated {
            let short = block.fingerprint.get(..8).unwrap_or(block.fingerprint);
            block.name = format!("{} {short}", block.name);
        }
    }
}

/// The mean over all fits of a model on a test part.
fn score(block: &Block<'_>, model: &str, metric: Metric) -> Option<f64> {
    let scores = block
        .fits
        .iter()
        .filter(|(_, fits)| fits.model == model)
        .flat_map(|(_, fits)| &fits.ok)
        .filter_map(|fit| {
            let curves = OneVsRest::new(&fit.predictions);
            Evaluation::of(&fit.predictions, &curves).get(metric)
        });
    mean(scores)
}

/// The better one by its mean rank first. `complete` are scores, `sign` turns them so that higher is
/// better.
fn ranked_pair(
    (a, b, adjusted_p): (usize, usize, f64),
    complete: &[(&str, Vec<f64>)],
    mean_ranks: &[f64],
    (sign, margin): (f64, f64),
) -> RankedPair {
    let (first, second) = match mean_ranks[a] <= mean_ranks[b] {
        true => (a, b),
        false => (b, a),
    };
    let scores = complete[first].1.iter().zip(&complete[second].1);
    let differences: Vec<f64> = scores.map(|(a, b)| sign * (a - b)).collect();
    RankedPair {
        first: complete[first].0.to_owned(),
        second: complete[second].0.to_owned(),
        adjusted_p,
        practical: practical_signed_rank(&differences, margin),
    }
}

fn rank_test(found: &Ranks, models: &[(&str, Vec<f64>)]) -> RankTest {
    RankTest {
        friedman_chi_squared: found.friedman.chi_squared,
        friedman_p: found.friedman.p,
        iman_davenport_p: found.friedman.f_p,
        friedman_exact_p: found.friedman.exact_p,
        p: found.friedman.best_p(),
        critical_difference: found.nemenyi.critical_difference,
        groups: found
            .nemenyi
            .groups
            .iter()
            .map(|group| group.iter().map(|&m| models[m].0.to_owned()).collect())
            .collect(),
    }
}
