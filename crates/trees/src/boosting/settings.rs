//! The settings of boosted trees.

use bakeoff_core::SettingKind;

bakeoff_core::settings! {
    /// The settings.
    pub(crate) struct BoostingSettings {
        rounds: usize = 500, SettingKind::Int { min: 1, max: 100_000 },
            "how many trees are grown, one after the other";
        learning_rate: f64 = 0.1, SettingKind::Float { min: 1e-6, max: 1.0 },
            "the share of its step that a tree takes";
        max_depth: usize = 7, SettingKind::Int { min: 1, max: 12 },
            "nodes from the root of a tree to its leaves, at most";
        min_leaf: u32 = 1, SettingKind::Int { min: 1, max: 1_000_000 },
            "training images in a leaf, at least; only those that the trees before do not yet answer right count";
        pixels: f64 = 0.1, SettingKind::Float { min: 1e-6, max: 1.0 },
            "the share of pixels that a tree may look at, drawn anew for each";
        l2: f64 = 0.1, SettingKind::Float { min: 0.0, max: 1e9 },
            "weight decay of the numbers in leaves: added to their second derivative";
        bins: usize = 32, SettingKind::Int { min: 2, max: 256 },
            "values of a pixel that are told apart, at most";
    }
}
