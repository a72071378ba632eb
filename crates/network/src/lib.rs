//! What the dense and the convolutional network share.
//!
//! A family turns its settings into a [`Blueprint`]; everything after that is here:
//! [`Network`] works out the shapes, [`Weights`] holds the values, [`train()`] is the
//! loop, a [`NetworkEngine`] computes, and [`NetworkClassifier`] shows all of it to the
//! rest of the house as a recipe.
//!
//! Engines are [`NativeEngine`], on [`bakeoff_kernels`], and [`BurnEngine`].
//!
//! Burn's own training crate (`burn-train`) was rejected: it brings a terminal
//! interface, a metric store and threads of its own, and only Burn could be trained by it.

mod augment;
#[cfg(feature = "burn")]
mod burn_engine;
mod describe;
mod dropout;
mod engine;
mod model;
mod native_engine;
mod network;
mod schedule;
mod settings;
mod stopping;
mod train;
mod weights;

pub use augment::{Augmentation, Augmenter, Rotate, Shift};
#[cfg(feature = "burn")]
pub use burn_engine::BurnEngine;
pub use dropout::DropoutMasks;
pub use engine::{
    AdamOptions, Batch, EngineError, Learner, NORM_EPSILON, NORM_MOMENTUM, NetworkEngine,
    Predictor, scale_pixels,
};
pub use model::{FittedNetwork, NetworkClassifier, engines};
pub use native_engine::NativeEngine;
pub use network::{
    Blueprint, Conv, Dense, Dropout, Layer, MaxPool, Network, NetworkError, Padding, Role, Step,
    TensorSpec,
};
pub use schedule::{Schedule, ScheduleKind};
pub use settings::{BATCH_NORM_SETTING, TRAINING_SETTINGS, Training, dropout_setting};
pub use stopping::{EarlyStopping, Keep, Validation, Verdict};
pub use train::train;
pub use weights::Weights;
