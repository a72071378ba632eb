//! Which recipes to try next, and which of them to average.
//!
//! A search first tries recipes that are known to be good, those of [`SPACES`], and then recipes that
//! [`propose`] draws where good ones were found. How recipes are trained and scored, and when a search ends,
//! is the harness's business: nothing here trains, reads a clock or a disk.

mod ensemble;
mod parzen;
mod space;
mod table;

pub use ensemble::select;
pub use parzen::{Seen, propose};
pub use space::{Dimension, Range, Space};
pub use table::{SPACES, space};
