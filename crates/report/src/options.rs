//! What a person may choose about a report.

use std::collections::BTreeMap;

use bakeoff_core::Layers;

/// What a person may choose about a report.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Test images shown for each model, "actual | predicted".
    pub gallery_pictures: usize,
    /// Confident mistakes shown for each model.
    pub mistake_pictures: usize,
    /// Test images in the error explorer at most, over all datasets. Large images
    /// and many models lower it further, so that a page can still be sent by mail.
    pub explorer_pictures: usize,
    /// Fitted models that answer inside the page, by trial id, or in a few words why one
    /// cannot ("it is not made of layers of weights"). Empty for a page without.
    pub layers: BTreeMap<String, Result<Layers, String>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gallery_pictures: 24,
            mistake_pictures: 24,
            explorer_pictures: 1_500,
            layers: BTreeMap::new(),
        }
    }
}
