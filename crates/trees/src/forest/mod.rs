//! Forests: many decision trees, each grown on its own draw of the training images or of the
//! splits, whose leaves' class shares are averaged.
//!
//! | family | images of a tree | thresholds |
//! |---|---|---|
//! | `random-forest` (Breiman 2001) | as many as there are, drawn with replacement | the best one of each pixel |
//! | `extra-trees` (Geurts, Ernst and Wehenkel 2006) | all | one at random for each pixel |
//!
//! In every node the pixels that are looked at are drawn without replacement, and the split with the
//! lowest Gini impurity is taken; among equals the one that was drawn first. As in scikit-learn,
//! pixels that are the same in all of a node's images count as drawn, and drawing goes on until some pixel can be split.
//! Trees grow until their leaves are pure, unless a setting ends them before.
//!
//! Pixels are bytes, so that a node's best split of a pixel is found by counting (`split`): no value is
//! sorted, and none is put into bins, which would move thresholds. Counts and impurities are whole numbers until the
//! last division, so that a tree is the same on every processor.
//!
//! Rejected: finding splits from histograms of all pixels, which boosting does: a forest looks at a few
//! pixels in each node, and nearly all of its nodes have a few images.

mod grow;
mod model;
mod recipe;
mod settings;
mod split;
#[cfg(test)]
mod tests;

use bakeoff_core::{Engine, EngineCode, Family, Origin};

use self::{grow::Kind, model::Forest, recipe::Recipe, settings::ForestSettings};

/// Random forests, for the registry.
pub static RANDOM_FOREST: Family = Family {
    name: "random-forest",
    title: "Random forest",
    summary: "many decision trees, each grown on its own draw of images and pixels, vote",
    engines: &[engine(Kind::Random)],
    ..COMMON
};

/// Extremely randomised trees, for the registry.
pub static EXTRA_TREES: Family = Family {
    name: "extra-trees",
    title: "Extremely randomised trees",
    summary: "many decision trees whose thresholds are drawn at random vote",
    engines: &[engine(Kind::Extra)],
    ..COMMON
};

const COMMON: Family = Family {
    name: "",
    title: "",
    summary: "",
    engines: &[],
    settings: &[ForestSettings::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| true,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};

const fn engine(kind: Kind) -> Engine {
    let build = match kind {
        Kind::Random => Recipe::build_random,
        Kind::Extra => Recipe::build_extra,
    };
    Engine {
        name: "native",
        summary: "splits of bytes by counting; a tree is one thread's work",
        deterministic: true,
        code: Some(EngineCode {
            build,
            load: |_, header, reader| Ok(Box::new(Forest::load(header, reader)?)),
        }),
    }
}
