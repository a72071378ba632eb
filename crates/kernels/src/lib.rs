//! What the processor can do, and the kernels that use it.
//!
//! Everything here is arithmetic on slices: no files, no model families, no machine-learning
//! library. Kernels choose their instructions when the program runs, by [`Cpu`].

mod cpu;

pub use cpu::Cpu;
