//! Models ranked over several datasets or folds.

use bakeoff_metrics::{
    Confidence,
    statistics::{Friedman, Nemenyi, holm, signed_rank_p},
};

/// Ranks over datasets or cuts.
#[derive(Debug)]
pub(crate) struct Ranks {
    /// Friedman's test.
    pub(crate) friedman: Friedman,
    /// Which models differ, by their mean ranks.
    pub(crate) nemenyi: Nemenyi,
}

/// One block ranks the models and says nothing about another one.
pub(crate) const LEAST_BLOCKS: usize = 2;
/// Two models are a pair, which has better tests.
pub(crate) const LEAST_MODELS: usize = 3;

impl Ranks {
    /// Ranks models by a table of accuracies, a row for each dataset or cut.
    ///
    /// # Errors
    /// Why there are too few of them to say anything.
    pub(crate) fn new(blocks: &[Vec<f64>], what: &str) -> Result<Self, String> {
        let models = blocks.first().map_or(0, Vec::len);
        if models < LEAST_MODELS {
            return Err(format!(
                "Friedman's test needs at least {LEAST_MODELS} models that all {what} have; \
                 there are {models}"
            ));
        }
        if blocks.len() < LEAST_BLOCKS {
            return Err(format!(
                "Friedman's test needs at least {LEAST_BLOCKS} {what}; {} {}",
                if blocks.len() == 1 {
                    "there is"
                } else {
                    "there are"
                },
                blocks.len()
            ));
        }
        let friedman = Friedman::new(blocks, true).map_err(|error| error.to_string())?;
        let nemenyi = friedman.nemenyi(Confidence::P95);
        Ok(Self { friedman, nemenyi })
    }
}

/// p-values of every two models (places in the order of the table, the first before the second)
/// by Wilcoxon's signed-rank test, after Holm's correction.
pub(crate) fn ranked_pairs(blocks: &[Vec<f64>]) -> Vec<(usize, usize, f64)> {
    let models = blocks.first().map_or(0, Vec::len);
    let places: Vec<(usize, usize)> = (0..models)
        .flat_map(|first| (first + 1..models).map(move |second| (first, second)))
        .collect();
    let p = places.iter().map(|&(first, second)| {
        let apart = blocks.iter().map(|block| block[first] - block[second]);
        signed_rank_p(&apart.collect::<Vec<f64>>())
    });
    let corrected = holm(&p.collect::<Vec<f64>>());
    let pairs = places.iter().zip(corrected);
    pairs
        .map(|(&(first, second), p)| (first, second, p))
        .collect()
}
