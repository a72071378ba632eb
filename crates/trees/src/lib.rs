//! Families of decision trees: forests, whose trees are grown apart and vote, and boosting, whose trees
//! are grown one after the other, each on what those before it left over.
//!
//! Pixels are bytes, so that a split is found by counting values and no value is sorted.

mod boosting;
mod forest;
mod tree;

pub use boosting::BOOSTED_TREES;
pub use forest::{EXTRA_TREES, RANDOM_FOREST};
