//! Training and answering of dense and convolutional networks on the processor.
//!
//! Forward and backward passes, losses, normalisation, dropout and the optimiser, written for
//! one purpose: a small network on small images, as fast as the processor multiplies, with
//! the same bits on every run whatever the number of threads. Everything here is arithmetic on
//! slices: no files, no model families, no machine-learning library.
//!
//! - [`Network`] is the one description of a network's layers, made from a [`Blueprint`].
//! - [`Trainer`] learns: [`Trainer::step`] takes a [`Batch`] and moves the parameters.
//! - [`Predictor`] answers: many images on all threads, or one on the calling thread.
//! - [`Cpu`] lists what the processor can do; [`Isa`] is chosen by it when the program runs.
//!   Every kernel is compiled for AVX-512 and AVX2 or NEON, and portably.
//!
//! How it is fast, in the order of what it brought: gradients after ReLU and max-pooling are
//! events, not matrices (`conv_grad`); convolutions read their windows in place and pool before
//! anything leaves the first-level cache (`conv`, `tile`, `geometry`); one worker takes a chunk
//! of samples through the forward and the backward pass (`schedule`), and the weights of a
//! dense first layer stay with the workers that move them (`first_dense`); weights are moved
//! and laid out anew while their gradient is in the cache (`update`).
//!
//! Rejected: a backend of a tensor library with fused operations. Its tensors, its tape and its
//! optimiser allocate and pass over memory between all operations, and none can take a chunk of
//! samples through several layers.

mod adam;
mod average;
mod average_pool;
mod batch;
mod buffer;
mod conv;
mod conv_first;
mod conv_grad;
mod conv_products;
mod cpu;
mod dense;
mod depthwise;
mod dropout;
mod events;
mod first_dense;
pub mod forest;
mod geometry;
mod gram;
pub mod histogram;
mod loss;
mod matrix;
mod muon;
mod network;
mod norm;
mod optimizer;
mod pack;
mod pixels;
mod placements;
mod plan;
mod pool;
mod predictor;
mod schedule;
mod sgd;
mod simd;
mod smo;
mod sort_events;
#[cfg(target_arch = "x86_64")]
mod sort_events_avx512;
mod step;
mod sum;
#[cfg(test)]
mod tests;
mod tile;
mod trainer;
mod update;
mod warp;
mod workspace;

pub use adam::Adam;
pub use batch::{Batch, KernelError};
pub use cpu::Cpu;
pub use dropout::dropout_mask;
pub use gram::{ByteRows, KernelFunction, add_rows};
pub use loss::Score;
pub use matrix::{Strided, byte_products, multiply};
pub use muon::Muon;
pub use network::{
    Blueprint, Conv, Dense, Dropout, Layer, Network, NetworkError, NormPlace, Padding, Pooling,
    Role, Step, TensorSpec,
};
pub use norm::{EPSILON as NORM_EPSILON, MOMENTUM as NORM_MOMENTUM};
pub use optimizer::Optimizer;
pub use pixels::PIXEL_SCALE;
pub use predictor::Predictor;
pub use sgd::Sgd;
pub use simd::Isa;
pub use smo::{SMO_LANES, Smo};
pub use trainer::Trainer;
pub use warp::{WARP_GRID, WarpMap, WarpMemory};
