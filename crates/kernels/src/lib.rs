//! Training and answering of dense and convolutional networks on the processor.
//!
//! Forward and backward passes, losses, normalisation, dropout and the optimiser, written for
//! one purpose: a small network on small pictures, as fast as the processor multiplies, with
//! the same bits on every run whatever the number of threads.
//!
//! - [`Architecture`] says in plain layers what a network is made of, [`Tensor`]s name
//!   its parameters in PyTorch's layout, [`blank_parameters`] lists them.
//! - [`Trainer`] learns: [`Trainer::train_step`] takes a [`Batch`] and moves the parameters.
//! - [`Predictor`] answers: many pictures on all threads, or one picture without allocating.
//! - [`Cpu`] lists what the processor can do. [`Isa`] is found out at run time; every kernel is compiled for AVX-512 and AVX2 or
//!   NEON, and portably.
//!
//! How it is fast, in the order of what it brought: gradients after ReLU and max-pooling are
//! events, not matrices (`conv_grad`); convolutions read their windows in place and pool before
//! anything leaves the first-level cache (`conv`, `tile`, `geometry`); a chunk of samples goes
//! all the way there and back on one worker (`schedule`), and a dense layer at the front stays
//! with the workers that move its weights (`first_dense`); weights are moved and laid out anew
//! while their gradient is in the cache (`network`).
//!
//! Rejected: a backend of a tensor library with fused operations. Its tensors, its tape and its
//! optimiser allocate and pass over memory between all operations, and none can take a chunk of
//! samples through several layers.

mod adam;
mod buffer;
mod conv;
mod conv_first;
mod conv_grad;
mod cpu;
mod dense;
mod dropout;
mod events;
#[cfg(target_arch = "x86_64")]
mod events_avx512;
mod first_dense;
mod geometry;
mod loss;
mod norm;
mod pack;
mod pixels;
mod places;
mod plan;
mod pool;
mod predictor;
mod schedule;
mod simd;
mod spec;
mod step;
#[cfg(test)]
mod tests;
mod tile;
mod trainer;
mod update;
mod workspace;

pub use adam::Adam;
pub use cpu::Cpu;
pub use dropout::MaskKey;
pub use loss::{Score, cross_entropy};
pub use places::blank_parameters;
pub use predictor::Predictor;
pub use simd::Isa;
pub use spec::{Architecture, Batch, KernelError, Layer, PixelScale, Pixels, Tensor};
pub use trainer::{Settings, Trainer};
