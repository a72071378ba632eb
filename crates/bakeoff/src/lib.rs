//! **Which classifier should I use for this image data, and what does each one cost me?**
//!
//! This crate is bakeoff as a library: [`compare()`] trains and measures the models of an
//! experiment and writes the report, [`load`] reads a saved model, [`predict()`] asks it about an
//! image.
//!
//! ```no_run
//! use std::{fs, path::Path};
//!
//! // Train, measure and compare; the report is an HTML file.
//! let experiment = bakeoff::builtin_experiment("quick").expect("it is built in")?;
//! let comparison = bakeoff::compare(&experiment, &bakeoff::Options::default())?;
//! for row in &comparison.leaderboard.rows {
//!     println!("{}", row.model);
//! }
//! println!("{}", comparison.report.display());
//!
//! // Ask one of the models.
//! let model = bakeoff::load(Path::new("models"), "cnn")?;
//! let answer = bakeoff::predict(&model, &fs::read("digit.png")?)?;
//! println!("{} ({:.1} %)", answer.class, 100.0 * answer.probability);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The crates behind it
//!
//! Each can be used by itself; arrows point down only.
//!
//! | crate | what it holds |
//! |---|---|
//! | `bakeoff-core` | the vocabulary as types: [`Samples`], [`Classifier`], [`FittedModel`], records |
//! | `bakeoff-metrics` | scores, curves and statistics from labels and probabilities |
//! | `bakeoff-measures` | every number that people are shown, and how it is written |
//! | `bakeoff-picture` | a person's image → what a model sees |
//! | `bakeoff-data` | datasets: formats, splits, corruptions, the built-in MNIST |
//! | `bakeoff-kernels`, `bakeoff-network` | instruction sets and training kernels; networks of layers |
//! | `bakeoff-logistic`, `-knn`, `-ann`, `-cnn`, `-dummy` | the model families |
//! | `bakeoff-zoo` | the registry: [`families`] |
//! | `bakeoff-store` | saved models |
//! | `bakeoff-ask` | [`Model`]s by name, prepared images, answers |
//! | `bakeoff-bench` | [`Experiment`] → plan → trials → records |
//! | `bakeoff-report` | records → [`Leaderboard`], charts, the page |
//!
//! `ARCHITECTURE.md` in the repository draws the same with the reasons.

mod compare;
mod error;
mod pages;
mod predict;

pub use bakeoff_ask::Model;
pub use bakeoff_bench::{Experiment, builtin_experiment, builtin_experiments};
pub use bakeoff_core::{Classifier, FittedModel, Samples};
pub use bakeoff_report::Leaderboard;
pub use bakeoff_zoo::families;

pub use compare::{Comparison, Options, compare};
pub use error::Error;
pub use pages::{has_index, holds_runs, render, write_index};
pub use predict::{Prediction, load, predict};
