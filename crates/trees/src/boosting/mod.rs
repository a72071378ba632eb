//! Gradient-boosted trees (Friedman 2001), with one tree for all classes in each round: a leaf holds a number
//! for every class (Zhang and Jung 2020, "GBDT-MO").
//!
//! 1. Gradients of the cross-entropy are rounded to seven bits at random, without bias (Shi et al. 2022,
//!    "Quantized Training of Gradient Boosting Decision Trees"), see [`gradients`]. More outputs than fit into
//!    a vector are projected at random for the search of splits (Iosipoi and Vakhrushev 2022, "SketchBoost").
//!    Images whose gradients all round to zero are left out of the search: on MNIST half of them after a hundred
//!    rounds.
//! 2. A tree grows level by level: histograms of gradients over the bins of a pixel give the best threshold
//!    of all nodes of a level, pixel by pixel, see [`grow`] and `kernels::histogram`. Only images whose pixel
//!    has another value than most are gone through.
//! 3. Leaves get the Newton step of each class, from gradients that were not rounded.
//!
//! All sums of rounded gradients are whole numbers, and sums of others have one order, so that the same seed
//! gives the same bits at any number of threads.
//!
//! Rejected: a tree for each class, as LightGBM and XGBoost have by default: ten times the histograms
//! for MNIST, for about the same loss per round.

mod bins;
mod gradients;
mod grow;
mod model;
mod recipe;
mod settings;
#[cfg(test)]
mod tests;

use bakeoff_core::{Engine, EngineCode, Family, Origin};

use self::{model::Boosted, recipe::Recipe, settings::BoostingSettings};

/// Boosted trees, for the registry.
pub static BOOSTED_TREES: Family = Family {
    name: "boosted-trees",
    title: "Gradient-boosted trees",
    summary: "decision trees grown one after the other, each on the errors of those before it",
    engines: &[Engine {
        name: "native",
        summary: "one tree for all classes in a round; histograms of gradients of seven bits",
        deterministic: true,
        code: Some(EngineCode {
            build: Recipe::build,
            load: |_, header, reader| Ok(Box::new(Boosted::load(header, reader)?)),
        }),
    }],
    settings: &[BoostingSettings::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| true,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};
