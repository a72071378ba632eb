//! The engines. Each file holds its row: name, summary, and the function that solves the problem of a pair.

mod native;

use bakeoff_core::Engine;

/// The engines of the family; the first is the default.
pub(crate) const ENGINES: &[Engine] = &[native::ENGINE];
