//! The registry of model families.
//!
//! A family is registered by one line in [`families`]; the command line, the
//! experiment file, the conformance tests and the saved models all find it there.

mod ensemble;

pub use bakeoff_command::{
    allow_commands, check_list, end_programs, kill_descendants, program_processes,
    remember_commands, running_programs, stop_and_kill_descendants,
};
pub use bakeoff_knn::{Neighbour, nearest};
pub use ensemble::{
    ENSEMBLE, FitMember, Member, fit_members, member_settings, members, name_members,
};

use bakeoff_core::{Classifier, Family, ModelSpec, SpecError};
use bakeoff_features::STEPS;

/// Every family, in the order of listings. To add one, add it here; before what it learns from images, steps
/// may stand.
static FAMILIES: &[&Family] = &[
    &bakeoff_logistic::FAMILY.with_features(STEPS),
    &bakeoff_knn::FAMILY.with_features(STEPS),
    &bakeoff_ann::FAMILY.with_features(STEPS),
    &bakeoff_cnn::FAMILY.with_features(STEPS),
    &bakeoff_trees::RANDOM_FOREST.with_features(STEPS),
    &bakeoff_trees::EXTRA_TREES.with_features(STEPS),
    &bakeoff_trees::BOOSTED_TREES.with_features(STEPS),
    &bakeoff_svm::FAMILY.with_features(STEPS),
    &bakeoff_closed_form::LDA.with_features(STEPS),
    &bakeoff_closed_form::QDA.with_features(STEPS),
    &bakeoff_closed_form::RIDGE.with_features(STEPS),
    &bakeoff_closed_form::NAIVE_BAYES.with_features(STEPS),
    &bakeoff_closed_form::NEAREST_CENTROID.with_features(STEPS),
    &ensemble::FAMILY,
    &bakeoff_dummy::FAMILY,
    &bakeoff_command::FAMILY,
    &bakeoff_onnx::FAMILY,
];

/// Every family, in the order of listings.
pub fn families() -> &'static [&'static Family] {
    FAMILIES
}

/// The family of that name.
///
/// # Errors
/// [`SpecError::UnknownFamily`] with those there are.
pub fn family(name: &str) -> Result<&'static Family, SpecError> {
    FAMILIES
        .iter()
        .find(|family| family.name == name)
        .copied()
        .ok_or_else(|| SpecError::UnknownFamily {
            family: name.into(),
            allowed: FAMILIES.iter().map(|family| family.name.into()).collect(),
        })
}

/// Builds the recipe that a spec describes.
///
/// # Errors
/// When the family is not there, or the engine cannot do what a setting asks.
pub fn build(spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
    family(&spec.family)?.build(spec)
}
