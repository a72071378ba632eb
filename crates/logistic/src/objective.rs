//! The objective and its gradient over the whole training set.
//!
//! Pictures are taken in chunks whose size depends on nothing but the data; each
//! chunk has sums of its own in double precision, and these are added in the order of
//! the chunks. So the same bits come out whatever the number of threads.

use rayon::prelude::*;

use crate::{
    kernel::{BLOCK, Gradient, Lanes, Learn, Rows, Weights, Workspace},
    problem::{PIXEL_SCALE, Problem},
};

/// Pictures whose gradient is summed in single precision before it is added to the
/// double-precision sums: few enough to keep six digits, enough to cost nothing.
const STRETCH: usize = 4 * BLOCK;

/// Mean cross-entropy plus the penalty's share, as a function of all parameters:
/// classes × pixels weights, then one bias for each class.
pub(crate) struct Objective<'a> {
    problem: &'a Problem<'a>,
    lanes: Lanes,
    weights: Weights,
    /// Pictures in a chunk.
    chunk: usize,
    sums: Vec<Sums>,
}

/// What one chunk adds.
struct Sums {
    /// Classes × pixels, padded as [`Rows`] are.
    weights: Vec<f64>,
    biases: Vec<f64>,
    loss: f64,
}

/// What a thread needs to work on a chunk.
struct Scratch {
    workspace: Workspace,
    gradient: Gradient,
}

impl<'a> Objective<'a> {
    pub(crate) fn new(problem: &'a Problem<'a>, lanes: Lanes) -> Self {
        let (classes, pixels) = (problem.present(), problem.shape().pixels());
        let weights = Weights {
            rows: Rows::zeros(classes, pixels),
            biases: vec![0.0; classes],
        };
        let padded = classes * weights.rows.stride();
        // At most 32 chunks, and their sums within 64 MB, but enough for the threads of
        // a desktop.
        let chunks = ((64 << 20) / (8 * padded)).clamp(8, 32);
        let chunk = problem.samples().div_ceil(chunks).next_multiple_of(STRETCH);
        let sums = (0..problem.samples().div_ceil(chunk))
            .map(|_| Sums {
                weights: vec![0.0; padded],
                biases: vec![0.0; classes],
                loss: 0.0,
            })
            .collect();
        Self {
            problem,
            lanes,
            weights,
            chunk,
            sums,
        }
    }

    /// Number of parameters.
    pub(crate) fn len(&self) -> usize {
        self.weights.rows.count() * (self.weights.rows.columns() + 1)
    }

    /// The objective at `parameters`, and its gradient into `gradient`.
    pub(crate) fn evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        self.set_weights(parameters);
        let (problem, lanes, weights) = (self.problem, self.lanes, &self.weights);
        let (pixels, chunk) = (weights.rows.columns(), self.chunk);
        self.sums
            .par_iter_mut()
            .zip(problem.pixels().par_chunks(chunk * pixels))
            .zip(problem.targets.par_chunks(chunk))
            .for_each_init(
                || Scratch::new(weights),
                |scratch, ((sums, bytes), targets)| {
                    scratch.add_up(lanes, weights, bytes, targets, sums);
                },
            );
        self.combine(parameters, gradient)
    }

    /// Rounds the parameters to single precision, for bytes instead of pixels in 0..=1.
    fn set_weights(&mut self, parameters: &[f64]) {
        let (classes, pixels) = (self.weights.rows.count(), self.weights.rows.columns());
        let (weights, biases) = parameters.split_at(classes * pixels);
        for (class, row) in weights.chunks_exact(pixels).enumerate() {
            self.weights
                .rows
                .fill(class, row.iter().map(|w| (w * PIXEL_SCALE) as f32));
        }
        for (to, &from) in self.weights.biases.iter_mut().zip(biases) {
            *to = from as f32;
        }
    }

    /// Adds the chunks and the penalty.
    fn combine(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let (classes, pixels) = (self.weights.rows.count(), self.weights.rows.columns());
        let stride = self.weights.rows.stride();
        let share = 1.0 / self.problem.samples() as f64;
        let penalty = self.problem.penalty() * share;
        let (weights, _) = parameters.split_at(classes * pixels);
        let (to_weights, to_biases) = gradient.split_at_mut(classes * pixels);
        to_weights.fill(0.0);
        to_biases.fill(0.0);
        let mut loss = 0.0;
        for sums in &self.sums {
            loss += sums.loss;
            for (to, from) in to_weights
                .chunks_exact_mut(pixels)
                .zip(sums.weights.chunks_exact(stride))
            {
                for (to, from) in to.iter_mut().zip(from) {
                    *to += from;
                }
            }
            for (to, from) in to_biases.iter_mut().zip(&sums.biases) {
                *to += from;
            }
        }
        let mut square = 0.0;
        for (to, weight) in to_weights.iter_mut().zip(weights) {
            *to = *to * (PIXEL_SCALE * share) + penalty * weight;
            square += weight * weight;
        }
        for to in to_biases {
            *to *= share;
        }
        loss * share + 0.5 * penalty * square
    }
}

impl Scratch {
    fn new(weights: &Weights) -> Self {
        let (classes, pixels) = (weights.rows.count(), weights.rows.columns());
        Self {
            workspace: Workspace::new(BLOCK, weights),
            gradient: Gradient {
                rows: Rows::zeros(classes, pixels),
                biases: vec![0.0; classes],
                loss: 0.0,
            },
        }
    }

    /// The loss and gradient of one chunk.
    fn add_up(
        &mut self,
        lanes: Lanes,
        weights: &Weights,
        bytes: &[u8],
        targets: &[u16],
        sums: &mut Sums,
    ) {
        let pixels = weights.rows.columns();
        sums.weights.fill(0.0);
        self.gradient.loss = 0.0;
        self.gradient.biases.fill(0.0);
        for (bytes, targets) in bytes.chunks(STRETCH * pixels).zip(targets.chunks(STRETCH)) {
            self.gradient.rows.padded_mut().fill(0.0);
            for (bytes, targets) in bytes.chunks(BLOCK * pixels).zip(targets.chunks(BLOCK)) {
                lanes.run(Learn {
                    weights,
                    workspace: &mut self.workspace,
                    bytes,
                    targets,
                    gradient: &mut self.gradient,
                });
            }
            for (to, &from) in sums.weights.iter_mut().zip(self.gradient.rows.padded()) {
                *to += f64::from(from);
            }
        }
        sums.biases.copy_from_slice(&self.gradient.biases);
        sums.loss = self.gradient.loss;
    }
}
