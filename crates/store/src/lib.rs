//! Saved models: their format, their files and their folder.
//!
//! A saved model is a folder with two files: `manifest.json`, which says everything
//! about the model and names the other, and `weights-<hash>.safetensors`, readable
//! from Python. The manifest is renamed into place last, so whatever happens in
//! between, the folder holds either the old model or the new one, whole. A single
//! file with the manifest in the safetensors header was rejected: a person could
//! not read it, and the size of that header is limited.
//!
//! This crate knows no model family: who loads a model says how a family is found by its
//! name.

pub mod atomic;
mod calibrated;
pub mod files;
mod library;
mod manifest;
mod tensors;

pub use calibrated::Calibrated;
pub use library::{
    FindFamily, Listed, LoadedModel, MANIFEST, NAME_RULE, SavedModel, adopt, check_name, import,
    list, load, load_as_fitted, measured, of_trial, read_manifest, save,
};
pub use manifest::{FORMAT_VERSION, Manifest, ModelFacts, Origin, TestMetrics, WeightsFile};
pub use tensors::{TensorFile, TensorMap};
