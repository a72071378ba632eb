//! The registry of model families, and the format of saved models.
//!
//! A family is registered by one line in [`families`]; the command line, the
//! experiment file, the conformance tests and the saved models all find it there.
//!
//! A saved model is a folder with two files: `manifest.json`, which says everything
//! about the model and names the other, and `weights-<hash>.safetensors`, readable
//! from Python. The manifest is renamed into place last, so whatever happens in
//! between, the folder holds either the old model or the new one, whole. A single
//! file with the manifest in the safetensors header was rejected: a person could
//! not read it, and the size of that header is limited.

pub mod atomic;
mod calibrated;
mod library;
mod manifest;
mod registry;
mod tensors;

pub use calibrated::Calibrated;
pub use library::{
    FindError, Listed, LoadedModel, SavedModel, find, list, load, read_manifest, save, short_name,
};
pub use manifest::{FORMAT_VERSION, Manifest, ModelFacts, TestMetrics, WeightsFile};
pub use registry::{build, families, family};
pub use tensors::{TensorFile, TensorMap};
