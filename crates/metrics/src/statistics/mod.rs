//! The uncertainty of a score, and whether two models differ significantly.
//!
//! Distributions come from `statrs`, a kept library; only the studentized range, which it
//! lacks, is computed here. Every test returns its statistic with its p-value, so that a
//! report can show both, and says what happens when there is no spread to judge by.

mod delong;
pub(crate) mod distributions;
mod few;
mod friedman;
mod holm;
mod interval;
mod resampled_t;
mod signed_rank;
mod signed_rank_bayes;
mod studentized_range;
mod swap;

pub use delong::AucDifference;
pub use few::{hold_zero, least_swap_p};
pub use friedman::{Friedman, Nemenyi, mean_ranks};
pub use holm::holm;
pub use interval::{Confidence, Interval, mid_p};
pub use resampled_t::{Practical, ResampledT};
pub use signed_rank::signed_rank_p;
pub use signed_rank_bayes::practical_signed_rank;
pub use studentized_range::{studentized_range_cdf, studentized_range_quantile};
pub use swap::SwapTest;
