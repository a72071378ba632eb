//! Models ranked over several datasets or folds.

use bakeoff_metrics::{
    Confidence,
    statistics::{Friedman, Nemenyi},
};

/// Ranks over datasets or cuts.
#[derive(Debug)]
pub(crate) struct Ranks {
    /// Friedman's test.
    pub(crate) friedman: Friedman,
    /// Which models differ.
    pub(crate) nemenyi: Nemenyi,
}

/// With fewer blocks than this the approximations of Friedman's test do not hold.
pub(crate) const LEAST_BLOCKS: usize = 5;
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
                "Friedman's test needs at least {LEAST_BLOCKS} {what}; there are {}",
                blocks.len()
            ));
        }
        let friedman = Friedman::new(blocks, true).map_err(|error| error.to_string())?;
        let nemenyi = friedman.nemenyi(Confidence::P95);
        Ok(Self { friedman, nemenyi })
    }
}
