//! What the dense and the convolutional network share.
//!
//! A family turns its settings into [`Step`]s ([`NetworkFamily`]); everything after that is
//! here: the training loop with its schedules, early stopping and augmentation, weights in and
//! out of saved models, and the engines ([`engines()`]). What a network's layers are is described
//! once, by [`bakeoff_kernels::Network`].
//!
//! [`forward`] and [`input_gradient`] look inside any parametric model by its
//! [`bakeoff_core::Layers`]: feature maps and saliency.
//!
//! Burn's own training crate (`burn-train`) was rejected: it brings a terminal
//! interface, a metric store and threads of its own, and only Burn could be trained by it.

mod augment;
mod describe;
mod engine;
mod engines;
mod inspect;
mod model;
mod schedule;
mod settings;
mod stopping;
#[cfg(test)]
mod tests;
mod train;
mod views;
mod weights;

pub use bakeoff_kernels::{Padding, Step};
pub use inspect::{Activation, Activations, forward, input_gradient};
pub use model::{NetworkFamily, engines};
pub use schedule::ScheduleKind;
pub use settings::{DROPOUT_RATE, Training};
pub use stopping::KeptEpoch;
