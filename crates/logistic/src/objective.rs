//! The objective and its gradient over the whole training set.
//!
//! The images are divided into chunks whose size depends only on the data. Each chunk
//! has its own sums in double precision, and these are added in the order of the chunks.
//! So the result has the same bits at any number of threads.
//!
//! The images stay bytes (47 MB for MNIST); blocks of them are converted to numbers when
//! they are needed. One copy in single precision was rejected: it takes four times the
//! memory, and reading it takes longer than converting again.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::{
    kernel::{
        BLOCK, Gradient, InstructionSet, LossGradient, LossGradientDouble, PackedWeights, Predict,
        Tiles, Workspace,
    },
    model::PIXEL_SCALE,
    problem::Data,
    vector::{add, dot},
};

/// Images whose gradient is summed in single precision before that partial sum is added
/// in double precision: few enough to keep six digits, enough to cost no time.
const PARTIAL_SUM: usize = 4 * BLOCK;

/// Below this tolerance a gradient in single precision is mostly rounding.
pub(crate) const SINGLE_TOLERANCE: f64 = 2e-6;

/// The precision of scores, softmax and products. Sums over all images are always in
/// double precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Fast; the components of the gradient are accurate to about 1e-7.
    Single,
    /// Slower, for small tolerances.
    Double,
}

impl Precision {
    /// The precision that a gradient needs to be compared with `tolerance`.
    pub(crate) fn for_tolerance(tolerance: f64) -> Self {
        if tolerance < SINGLE_TOLERANCE {
            Self::Double
        } else {
            Self::Single
        }
    }
}

/// Mean cross-entropy plus the penalty's share, as a function of all parameters:
/// classes × pixels weights, then one bias for each class.
pub(crate) struct Objective<'a> {
    data: &'a Data,
    instructions: InstructionSet,
    pub(crate) precision: Precision,
    /// Classes × pixels, for bytes instead of pixels in 0..=1.
    weights: Vec<f64>,
    biases: Vec<f64>,
    /// The same in single precision.
    packed: PackedWeights,
    /// Images in a chunk.
    chunk: usize,
    sums: Vec<Sums>,
    /// One for each thread of the pool; kept, because allocating one takes as long as a chunk.
    scratch: Vec<Mutex<Scratch>>,
}

/// The sums of one chunk.
struct Sums {
    /// Classes × pixels, padded as [`Tiles`] are; for bytes.
    weights: Vec<f64>,
    biases: Vec<f64>,
    loss: f64,
}

impl<'a> Objective<'a> {
    pub(crate) fn new(data: &'a Data, instructions: InstructionSet, precision: Precision) -> Self {
        let packed = PackedWeights::zeros(data.classes, data.columns());
        let padded = data.classes * packed.tiles.stride();
        // At most 32 chunks with sums of at most 64 MB in all, but at least 8 chunks, for
        // the threads of a desktop.
        let chunks = ((64 << 20) / (8 * padded)).clamp(8, 32);
        let chunk = data
            .samples()
            .div_ceil(chunks)
            .next_multiple_of(PARTIAL_SUM);
        let sums = (0..data.samples().div_ceil(chunk))
            .map(|_| Sums {
                weights: vec![0.0; padded],
                biases: vec![0.0; data.classes],
                loss: 0.0,
            })
            .collect();
        let scratch = (0..rayon::current_num_threads())
            .map(|_| Mutex::new(Scratch::new(&packed)))
            .collect();
        Self {
            data,
            instructions,
            precision,
            weights: vec![0.0; data.classes * data.columns()],
            biases: vec![0.0; data.classes],
            packed,
            chunk,
            sums,
            scratch,
        }
    }

    /// Number of parameters.
    pub(crate) fn len(&self) -> usize {
        self.weights.len() + self.biases.len()
    }

    /// The objective at `parameters`, and its gradient into `gradient`.
    pub(crate) fn evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        self.set_parameters(parameters);
        let mut sums = std::mem::take(&mut self.sums);
        let chunks = sums
            .par_iter_mut()
            .zip(
                self.data
                    .images
                    .pixels()
                    .par_chunks(self.chunk * self.data.columns()),
            )
            .zip(self.data.targets.par_chunks(self.chunk));
        chunks.for_each(|((sums, bytes), targets)| match self.precision {
            Precision::Single => self.with_scratch(|scratch| {
                scratch.add_up(
                    self.instructions,
                    &self.packed,
                    self.data,
                    bytes,
                    targets,
                    sums,
                );
            }),
            Precision::Double => self.add_up_double(bytes, targets, sums),
        });
        self.sums = sums;
        self.combine(parameters, gradient)
    }

    /// Probabilities at `parameters`, samples × classes, in single precision.
    pub(crate) fn probabilities(&mut self, parameters: &[f64]) -> Vec<f32> {
        self.set_parameters(parameters);
        let (columns, classes) = (self.data.columns(), self.data.classes);
        let mut out = vec![0.0; self.data.samples() * classes];
        out.par_chunks_mut(BLOCK * classes)
            .zip(self.data.images.pixels().par_chunks(BLOCK * columns))
            .for_each(|(out, bytes)| {
                self.with_scratch(|scratch| {
                    self.instructions.run(Predict {
                        weights: &self.packed,
                        workspace: &mut scratch.workspace,
                        bytes,
                        next: &[],
                        out,
                    });
                });
            });
        out
    }

    /// Calls `work` with this thread's scratch, whose contents mean nothing between calls.
    fn with_scratch(&self, work: impl FnOnce(&mut Scratch)) {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.scratch.len();
        let mut scratch = self.scratch[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        work(&mut scratch);
    }

    /// Scales the parameters for bytes, in both precisions.
    fn set_parameters(&mut self, parameters: &[f64]) {
        let (weights, biases) = parameters.split_at(self.weights.len());
        for (to, from) in self.weights.iter_mut().zip(weights) {
            *to = from * PIXEL_SCALE;
        }
        self.biases.copy_from_slice(biases);
        for (class, row) in self.weights.chunks_exact(self.data.columns()).enumerate() {
            self.packed.tiles.fill(class, row, |w| w as f32);
        }
        for (to, &from) in self.packed.biases.iter_mut().zip(biases) {
            *to = from as f32;
        }
    }

    /// The loss and gradient of one chunk in double precision.
    fn add_up_double(&self, bytes: &[u8], targets: &[u16], sums: &mut Sums) {
        sums.weights.fill(0.0);
        sums.biases.fill(0.0);
        sums.loss = self.instructions.run(LossGradientDouble {
            weights: &self.weights,
            biases: &self.biases,
            bytes,
            targets,
            class_weights: &self.data.class_weights,
            gradient: &mut sums.weights,
            stride: self.packed.tiles.stride(),
            bias_gradient: &mut sums.biases,
        });
    }

    /// Adds the sums of the chunks and the penalty.
    fn combine(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let stride = self.packed.tiles.stride();
        let share = 1.0 / self.data.samples() as f64;
        let (weights, _) = parameters.split_at(self.weights.len());
        let (to_weights, to_biases) = gradient.split_at_mut(self.weights.len());
        for (to, &weight) in to_weights.iter_mut().zip(weights) {
            *to = self.data.penalty * weight;
        }
        to_biases.fill(0.0);
        let mut loss = 0.0;
        for sums in &self.sums {
            loss += sums.loss;
            let rows = to_weights.chunks_exact_mut(self.data.columns());
            for (to, from) in rows.zip(sums.weights.chunks_exact(stride)) {
                add(to, PIXEL_SCALE * share, from);
            }
            add(to_biases, share, &sums.biases);
        }
        loss * share + 0.5 * self.data.penalty * dot(weights, weights)
    }
}

/// What a thread needs to work on chunks in single precision.
struct Scratch {
    workspace: Workspace,
    gradient: Gradient,
}

impl Scratch {
    fn new(weights: &PackedWeights) -> Self {
        let (classes, columns) = (weights.biases.len(), weights.tiles.columns());
        Self {
            workspace: Workspace::new(BLOCK, weights),
            gradient: Gradient {
                rows: Tiles::zeros(classes, columns, 1),
                biases: vec![0.0; classes],
                loss: 0.0,
            },
        }
    }

    /// The loss and gradient of one chunk.
    fn add_up(
        &mut self,
        instructions: InstructionSet,
        weights: &PackedWeights,
        data: &Data,
        bytes: &[u8],
        targets: &[u16],
        sums: &mut Sums,
    ) {
        let columns = weights.tiles.columns();
        sums.weights.fill(0.0);
        self.gradient.loss = 0.0;
        self.gradient.biases.fill(0.0);
        let mut next = bytes;
        let partial_sums = bytes.chunks(PARTIAL_SUM * columns);
        for (bytes, targets) in partial_sums.zip(targets.chunks(PARTIAL_SUM)) {
            self.gradient.rows.padded_mut().fill(0.0);
            let blocks = bytes.chunks(BLOCK * columns);
            for (bytes, targets) in blocks.zip(targets.chunks(BLOCK)) {
                next = &next[bytes.len()..];
                instructions.run(LossGradient {
                    weights,
                    workspace: &mut self.workspace,
                    bytes,
                    next,
                    targets,
                    class_weights: &data.class_weights,
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

#[cfg(test)]
mod tests {
    use bakeoff_core::{ImageShape, Images};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn data(samples: usize, columns: usize, classes: usize) -> Data {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let pixels: Vec<u8> = (0..samples * columns).map(|_| rng.random()).collect();
        let targets: Vec<u16> = (0..samples)
            .map(|_| rng.random_range(0..classes as u16))
            .collect();
        Data {
            images: Images::new(ImageShape::new(1, 1, columns), pixels).unwrap(),
            targets,
            classes,
            class_weights: Vec::new(),
            penalty: 0.01,
        }
    }

    fn point(len: usize) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let data = data(500, 11, 4);
        let mut objective = Objective::new(&data, InstructionSet::best(), Precision::Double);
        let x = point(objective.len());
        let mut gradient = vec![0.0; x.len()];
        objective.evaluate(&x, &mut gradient);
        let mut unused = gradient.clone();
        for at in 0..x.len() {
            let mut loss = |shift: f64| {
                let mut x = x.clone();
                x[at] += shift;
                objective.evaluate(&x, &mut unused)
            };
            let slope = (loss(1e-5) - loss(-1e-5)) / 2e-5;
            assert!((slope - gradient[at]).abs() < 1e-8, "{at}: {slope}");
        }
    }

    #[test]
    fn both_precisions_agree_over_many_chunks() {
        let data = data(9_001, 37, 5);
        let mut single = Objective::new(&data, InstructionSet::best(), Precision::Single);
        let mut double = Objective::new(&data, InstructionSet::best(), Precision::Double);
        assert!(single.sums.len() > 8);
        let x = point(single.len());
        let (mut a, mut b) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let (loss_a, loss_b) = (single.evaluate(&x, &mut a), double.evaluate(&x, &mut b));
        assert!((loss_a - loss_b).abs() < 1e-7 * loss_b);
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
        // Nothing is left from one evaluation to the next.
        let again = single.evaluate(&x, &mut b);
        assert_eq!((again, b), (loss_a, a));
    }
}
