//! The problem of one pair of classes, which every engine solves alike, and what a solution is.

use std::sync::OnceLock;

use bakeoff_kernels::{ByteRows, KernelFunction, add_rows};
use rayon::prelude::*;

use crate::sigmoid::Sigmoid;

/// What is known of a pair of classes after its fit.
pub(crate) struct FittedPair {
    pub(crate) classes: (usize, usize),
    /// Positions in the training data, and coefficients that are not 0.
    pub(crate) support: Vec<(usize, f64)>,
    pub(crate) bias: f64,
    pub(crate) sigmoid: Sigmoid,
    pub(crate) steps: u64,
    pub(crate) converged: Option<bool>,
    pub(crate) kernel: Option<&'static str>,
}

/// The images of two classes; those of the first are to get values above 0.
pub(crate) struct Pair {
    /// N×D bytes, the first class's images before the second's.
    pub(crate) pixels: Vec<u8>,
    /// Values in one image.
    pub(crate) columns: usize,
    /// Images of the first class.
    pub(crate) firsts: usize,
    pub(crate) function: KernelFunction,
    /// The largest size of a coefficient.
    pub(crate) c: f64,
    /// How far a solution may violate the optimality conditions.
    pub(crate) tolerance: f64,
    /// Bytes that a solver may keep of the kernel matrix.
    pub(crate) cache_bytes: usize,
    /// Whether to use all threads of the pool for this pair.
    pub(crate) parallel: bool,
    pub(crate) packed: OnceLock<ByteRows>,
}

/// `f(x) = Σ βᵢ K(xᵢ, x) + bias` of a pair; the value is above 0 for the first class.
#[derive(Clone, Debug)]
pub(crate) struct Solution {
    /// β of each image, within 0..=c for the first class and −c..=0 for the second.
    pub(crate) coefficients: Vec<f64>,
    pub(crate) bias: f64,
    /// The value of each image, where the solver has them.
    pub(crate) values: Option<Vec<f64>>,
    /// Steps of the solver, where it tells.
    pub(crate) steps: u64,
    /// Whether the optimality conditions hold within the tolerance, where it is known.
    pub(crate) converged: Option<bool>,
    /// What computed the kernel values, where the engine chooses it.
    pub(crate) kernel: Option<&'static str>,
}

impl Pair {
    pub(crate) fn len(&self) -> usize {
        self.pixels.len() / self.columns
    }

    /// 1 for the first class and −1 for the second.
    pub(crate) fn target(&self, index: usize) -> f64 {
        if index < self.firsts { 1.0 } else { -1.0 }
    }

    pub(crate) fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.columns..][..self.columns]
    }

    pub(crate) fn images(&self, indices: &[usize]) -> Vec<u8> {
        let images = indices.iter().flat_map(|&index| self.image(index));
        images.copied().collect()
    }

    /// All images, ready for products with others.
    pub(crate) fn packed(&self) -> &ByteRows {
        self.packed
            .get_or_init(|| ByteRows::new(&self.pixels, self.columns))
    }

    /// The kernel values of each image at `indices` with all images: `indices` × N.
    pub(crate) fn rows(&self, indices: &[usize]) -> Vec<f32> {
        let packed = self.packed();
        let mut out = vec![0.0; indices.len() * self.len()];
        let left = self.images(indices);
        let at_once = match self.parallel {
            true => indices.len().div_ceil(rayon::current_num_threads()).max(8),
            false => indices.len().max(1),
        };
        let work = |(out, left): (&mut [f32], &[u8])| packed.values(self.function, left, out);
        let parts = out.par_chunks_mut(at_once * self.len());
        match self.parallel {
            true => parts
                .zip(left.par_chunks(at_once * self.columns))
                .for_each(work),
            false => work((&mut out, &left)),
        }
        out
    }

    /// `values += Σ factor · row`.
    pub(crate) fn add(&self, values: &mut [f64], rows: &[(f64, &[f32])]) {
        /// Values of one task.
        const AT_ONCE: usize = 4096;
        if !self.parallel {
            return add_rows(values, rows);
        }
        let parts = values.par_chunks_mut(AT_ONCE).enumerate();
        parts.for_each(|(at, values)| {
            let rows = rows.iter();
            let rows: Vec<_> = rows
                .map(|&(factor, row)| (factor, &row[at * AT_ONCE..][..values.len()]))
                .collect();
            add_rows(values, &rows);
        });
    }

    /// The value of every image by a solution.
    pub(crate) fn values(&self, solution: &Solution) -> Vec<f64> {
        /// Rows of the kernel matrix in memory at once.
        const AT_ONCE: usize = 256;
        if let Some(values) = &solution.values {
            return values.clone();
        }
        let mut values = vec![solution.bias; self.len()];
        let all = 0..self.len();
        let support: Vec<usize> = all
            .filter(|&index| solution.coefficients[index] != 0.0)
            .collect();
        for indices in support.chunks(AT_ONCE) {
            let rows = self.rows(indices);
            let factors = indices.iter().map(|&index| solution.coefficients[index]);
            let rows: Vec<_> = factors.zip(rows.chunks_exact(self.len())).collect();
            self.add(&mut values, &rows);
        }
        values
    }
}
