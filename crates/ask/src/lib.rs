//! Asking saved models what an image shows.
//!
//! `bakeoff predict`, `bakeoff evaluate` and the local page all ask here, so that they find
//! the same models by the same names, prepare an image in the same way and give the same
//! numbers:
//!
//! 1. [`Model::open`] finds one saved model by its name, [`Models::read`] reads all of them.
//! 2. [`Inputs`] prepares an image once for each input shape that the models have.
//! 3. [`Model::answer`] asks one model, [`Model::explain`] asks it why, [`Model::read_numbers`] reads
//!    several digits.

mod explain;
mod input;
mod models;
mod names;
mod numbers;
mod occlusion;

pub use explain::{ExplainError, ExplainKind, Explanation};
pub use input::{Input, InputError, Inputs, Subject};
pub use models::{Answer, Doubt, Model, Models, OpenError, SURE, Unreadable, models_dir_flag};
pub use names::{NameError, short_name};
pub use numbers::{ClassProbability, NumbersError, ReadDigit, ReadNumbers};
