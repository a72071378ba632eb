//! The engines. Each file holds its row: name, summary, and the function that builds it.

mod library;
mod linfa;
mod native;
mod smartcore;

use bakeoff_core::Engine;

/// The engines of the family; the first is the default.
pub(crate) const ENGINES: &[Engine] = &[native::ENGINE, linfa::ENGINE, smartcore::ENGINE];
