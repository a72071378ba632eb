//! The experiment file: what is compared, on which data, with which seeds, and how far
//! the result can be trusted.

mod builtin;
mod error;
mod kind;
mod overrides;
mod parse;
mod settings;
mod toml_tree;

pub use builtin::{builtin_experiment, builtin_experiments};
pub use error::ExperimentError;
pub use overrides::Overrides;
pub use settings::{Experiment, Flag, Holdout, ModelEntry, Search, Setting, flags};

#[cfg(test)]
mod tests;
