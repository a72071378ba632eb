//! What is asked of an import.

use bakeoff_core::record::GivenCosts;

/// Which imported model.
#[derive(Clone, Copy, Debug)]
pub struct ImportedName<'a> {
    /// Its name in reports.
    pub model: &'a str,
    /// The dataset that it predicts; `None` for the only one of the run.
    pub dataset: Option<&'a str>,
    /// The seed of its fit.
    pub seed: u64,
}

/// How predictions are read, and what is said of their model.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The name of the array, in an npz file with several.
    pub array: Option<String>,
    /// Whether scores are logits, so that softmax makes probabilities of them.
    pub logits: bool,
    /// What the author says of costs.
    pub given: GivenCosts,
    /// What the author says of the model.
    pub notes: Option<String>,
    /// Replace what was imported under the same name.
    pub replace: bool,
}
