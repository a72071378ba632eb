//! The settings of forests.

use bakeoff_core::SettingKind;
use serde::{Deserialize, Deserializer, de::Error as _};

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
