//! What is wrong with a dataset, as far as a search or a classifier can see it. What one look at every pixel
//! sees is in the crate `data`.

mod drift;
mod near;
#[cfg(test)]
mod tests;
mod together;

pub use drift::{Drift, drift};
pub use near::{NearDuplicates, NearPair, Place, near_duplicates};
