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
mod split;
#[cfg(test)]
mod tests;

use bakeoff_core::{Engine, EngineCode, Family, Origin, SettingKind};
use serde::{Deserialize, Deserializer, de::Error as _};

use self::{grow::Kind, model::Forest, recipe::Recipe};

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

/// How many pixels are looked at in a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// So many, or all if there are fewer.
    Fixed(usize),
    /// The square root of their number.
    Root,
}

impl Candidates {
    const ROOT: &'static str = "sqrt";
    const KIND: SettingKind = SettingKind::IntOr {
        min: 1,
        max: 1 << 30,
        word: Self::ROOT,
    };

    /// Of so many pixels.
    pub(crate) fn of(self, pixels: usize) -> usize {
        match self {
            Self::Fixed(count) => count.min(pixels),
            Self::Root => pixels.isqrt().max(1),
        }
    }
}

impl<'de> Deserialize<'de> for Candidates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(usize),
            Word(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Number(count) => Ok(Self::Fixed(count)),
            Raw::Word(word) if word == Self::ROOT => Ok(Self::Root),
            Raw::Word(word) => Err(D::Error::custom(format!("candidates = {word:?}"))),
        }
    }
}

bakeoff_core::settings! {
    /// The settings of both families.
    pub(crate) struct ForestSettings {
        trees: usize = 100, SettingKind::Int { min: 1, max: 10_000 },
            "how many trees vote";
        candidates: Candidates = "sqrt", Candidates::KIND,
            "pixels that are looked at in each node; sqrt: the square root of their number";
        max_depth: usize = 0, SettingKind::Int { min: 0, max: 10_000 },
            "nodes from the root of a tree to its leaves, at most; 0: as many as it takes";
        min_leaf: u32 = 1, SettingKind::Int { min: 1, max: 1_000_000 },
            "training images in a leaf, at least; images that were drawn twice count twice";
    }
}
