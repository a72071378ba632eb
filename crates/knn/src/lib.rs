//! k nearest neighbours: engines behind one classifier.
//!
//! A picture is answered with the labels of the `k` training pictures nearest to it.
//! All engines answer the same question and give the same neighbours:
//!
//! - distances between pictures are exact, because pixels are bytes and sums of
//!   their squares are whole numbers;
//! - of training pictures equally far away, the one that comes first in the training
//!   data is the nearer (the *lower index* rule). So the k neighbours of a picture are
//!   always the same ones, whatever the engine, the processor or the number of threads.
//!
//! Rejected alternatives: approximate search (HNSW, IVF), because a comparison of
//! families needs the answer that the family stands for, and because exact search over
//! 60,000 pictures takes far less than a millisecond per picture; and the libraries' own
//! classifiers, because linfa has none and smartcore's gives no probabilities. From
//! both libraries only the search is taken; votes are counted in one place for all.

mod best;
mod classifier;
mod family;
mod features;
mod library;
mod linfa_nn;
mod model;
mod native;
#[cfg(test)]
mod reference;
mod search;
mod settings;
mod smartcore_nn;
#[cfg(test)]
mod tests;
mod vote;

pub use family::FAMILY;
pub use features::{FeatureIndex, FeaturesError};
pub use model::KnnModel;
pub use search::Neighbour;
pub use settings::{IndexKind, KnnSettings, Metric, Weights};
