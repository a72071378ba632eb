//! The vocabulary of bakeoff as types.
//!
//! Everything that two rooms of the house speak about lives here: pictures and
//! their labels, probabilities, recipes ([`Classifier`]) and what they return
//! ([`FittedModel`]), the settings a family understands ([`Family`]), and the
//! records that a trial leaves behind ([`record`]).
//!
//! This crate does no I/O and knows no machine-learning library: the types of
//! `ndarray`, Burn, linfa or smartcore never appear in it, so that an engine can
//! be added, replaced or dropped without any other room noticing.

mod classifier;
mod corruption;
mod family;
mod hex;
mod images;
mod layers;
mod probabilities;
pub mod record;
mod samples;
mod seed;
mod settings_macros;
mod spec;
mod store;
mod wording;

pub use classifier::{
    Classifier, EpochMetrics, FitContext, FitError, FitEvent, FitSummary, FittedModel,
    PredictError, StepUnit, TrainingNeighbour,
};
pub use corruption::Corruption;
pub use family::{BuildFn, Engine, EngineCode, Family, LoadFn, Setting, SettingKind};
pub use hex::to_hex;
pub use images::{ImageShape, Images, ImagesError};
pub use layers::{ConvLayer, DenseLayer, Layer, Layers, LayersError, MaxPoolLayer};
pub use probabilities::{Probabilities, ProbabilitiesError};
pub use samples::{DataShape, Dataset, Samples, SamplesError};
pub use seed::derive_seed;
pub use spec::{ModelSpec, Settings, SpecError};
pub use store::{ModelHeader, ModelReader, ModelWriter, StoreError, TensorData};
pub use wording::{did_you_mean, nearest_name, panic_text};
