//! The types that the other crates share.
//!
//! They are images and their labels, probabilities, recipes ([`Classifier`]) and the
//! models that they return ([`FittedModel`]), model families with their engines and
//! settings ([`Family`]), and the records of trials ([`record`]).
//!
//! This crate does no I/O and depends on no machine-learning library. The types of
//! `ndarray`, Burn, linfa or smartcore do not appear in it, so an engine can be added,
//! replaced or removed without a change in other crates.

mod cell;
mod class_weight;
mod classifier;
mod corruption;
mod family;
mod hex;
mod images;
mod layers;
mod open_options;
mod preparation;
mod probabilities;
pub mod record;
mod samples;
mod seed;
mod settings_macros;
mod spec;
mod store;
mod wording;

pub use cell::{cell_of_text, text_of_cell};
pub use class_weight::ClassWeight;
pub use classifier::{
    Classifier, EpochMetrics, FitContext, FitError, FitEvent, FitSummary, FittedModel, NO_LAYERS,
    PredictError, StepUnit, TrainingNeighbour,
};
pub use corruption::Corruption;
pub use family::{
    BuildFn, Engine, EngineCode, Family, FeatureSteps, LoadFn, Origin, ReadFilesFn, Setting,
    SettingKind,
};
pub use hex::to_hex;
pub use images::{ImageShape, Images, ImagesError};
pub use layers::{ConvLayer, DenseLayer, Layer, Layers, LayersError, PoolLayer};
pub use open_options::{Colour, Fit, OpenOptions, Prepare, Size};
pub use preparation::Preparation;
pub use probabilities::{Probabilities, ProbabilitiesError};
pub use samples::{DataShape, Dataset, Samples, SamplesError, class_lines, id_rows, sample_id};
pub use seed::derive_seed;
pub use spec::{EVERY_ENGINE, ModelSpec, Settings, SpecError};
pub use store::{ModelHeader, ModelReader, ModelWriter, OpenBytes, StoreError, TensorData};
pub use wording::{
    count, counted, did_you_mean, is_plain, list, nearest_name, one_line, panic_text,
    percent_encoded, quoted,
};
