//! Features: steps between the images and the model of any family.
//!
//! A step takes images and gives images, bytes in and bytes out. So every family and every engine can
//! stand behind every chain of steps and knows nothing of it: exact nearest neighbours stay exact, a
//! convolutional network sees the map of gradients as channels, and what a model gets can be looked at.
//! What a step computes in floating point is rounded to one of 256 levels; each step says how it is
//! scaled.
//!
//! Rejected: vectors of floats as a second kind of input. Every engine would need a second path, for
//! digits that no decision was seen to depend on.
//!
//! A step that learns (`pca`, `patches`, `standardise`) learns from the training part alone, and is
//! saved with the model.
//!
//! `grammar` is the table of steps; `steps` has a file for each; `recipe` and `model` put them before a
//! classifier and before what its fit returns.

mod grammar;
mod model;
mod recipe;
mod step;
mod steps;
#[cfg(test)]
mod tests;

use bakeoff_core::{FeatureSteps, ImageShape, ModelSpec, Setting, SettingKind, SpecError};
use serde_json::json;

use crate::{grammar::parse, model::FittedFeatures, recipe::Features};

/// The key of the setting.
const KEY: &str = "features";

/// The steps and their setting, for the registry.
pub static STEPS: FeatureSteps = FeatureSteps {
    setting: &Setting {
        key: KEY,
        kind: SettingKind::TextList(grammar::IN_WORDS),
        default: || json!([]),
        help: "steps that every image takes before the model sees it, in order; what they learn is of the \
               training images alone and saved with the model",
        omitted: true,
    },
    shape,
    build: |spec, build| {
        let (steps, inner) = (parse(spec)?, build(spec)?);
        Ok(match steps.is_empty() {
            true => inner,
            false => Box::new(Features { steps, inner }),
        })
    },
    load: |spec, header, reader, load| {
        let steps = parse(spec)
            .map_err(|error| bakeoff_core::StoreError::Inconsistent(error.to_string()))?;
        match steps.is_empty() {
            true => load(spec, header, reader),
            false => Ok(Box::new(FittedFeatures::load(
                &steps, spec, header, reader, load,
            )?)),
        }
    },
};

/// The shape that images of this shape come to.
fn shape(spec: &ModelSpec, image: ImageShape) -> Result<ImageShape, SpecError> {
    recipe::shape_after(&parse(spec)?, image).map_err(|reason| spec.bad_data(reason))
}
