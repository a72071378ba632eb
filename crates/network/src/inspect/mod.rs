//! Looking inside a model by its [`Layers`]: what every layer gives, and the slope of an answer
//! along the pixels.
//!
//! Both are the reference for what [`Layers`] mean: plain loops over one image, made to be
//! read and to be compared with, not to be fast.
//!
//! [`Layers`]: bakeoff_core::Layers

mod backward;
mod forward;
#[cfg(test)]
mod tests;

pub use backward::input_gradient;
pub use forward::{Activation, Activations, forward};
