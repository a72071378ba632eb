//! A network that answers.
//!
//! It has no moments, no gradients and no dropout, normalisation is folded into the layers,
//! and nothing is allocated once it has answered for the first time. A picture gets the same
//! logits, bit for bit, alone and among others.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::buffer::Buffer;
use super::conv::{Convolve, scratch_len};
use super::dense::Multiply;
use super::loss::{Score, cross_entropy};
use super::norm::EPSILON;
use super::pixels::Load;
use super::places::Place;
use super::plan::{Op, Plan, Purpose};
use super::pool::PoolForward;
use super::simd::Isa;
use super::spec::{Architecture, Batch, KernelError, Layer, PixelScale, Pixels, Tensor};
use super::trainer::find;

/// Samples that one worker takes at a time: so many share a dense layer's weights.
const BLOCK: usize = 32;

/// Weights for answers. It works on the ambient rayon pool and may be shared by threads.
#[derive(Debug)]
pub struct Predictor {
    isa: Isa,
    plan: Plan,
    pixel_scale: PixelScale,
    /// Numbers of a picture.
    sample_len: usize,
    values: Buffer,
    /// Room to work in, of which workers take one each and put it back.
    rooms: Mutex<Vec<Room>>,
}

/// What one worker writes on the way to the logits.
#[derive(Debug)]
struct Room {
    planes: Vec<Buffer>,
    scratch: Buffer,
}

impl Predictor {
    /// A predictor with the parameters of a [`Trainer`] of that architecture.
    ///
    /// [`Trainer`]: super::Trainer
    ///
    /// # Errors
    ///
    /// When a layer cannot follow those before it, or a parameter is missing or of another
    /// shape.
    pub fn new(
        architecture: &Architecture,
        parameters: &[Tensor],
        pixel_scale: PixelScale,
        isa: Isa,
    ) -> Result<Self, KernelError> {
        let plan = Plan::new(architecture, Purpose::Predict)?;
        let mut values = Buffer::zeroed(plan.parameters);
        let mut normed = architecture.layers.iter().filter_map(|layer| match layer {
            Layer::Convolution { batch_norm, .. } | Layer::Dense { batch_norm, .. } => {
                Some(*batch_norm)
            }
            Layer::MaxPool { .. } | Layer::Dropout { .. } => None,
        });
        // Weight and bias of one layer after the other.
        for pair in plan.places().chunks_exact(2) {
            let [weight, bias] = pair else { continue };
            let folded = if normed.next() == Some(true) {
                Folded::of(parameters, weight, bias)?
            } else {
                Folded {
                    weight: find(parameters, weight)?.values.clone(),
                    bias: find(parameters, bias)?.values.clone(),
                }
            };
            for (place, numbers) in [(weight, &folded.weight), (bias, &folded.bias)] {
                for (&index, &number) in place.indices.iter().zip(numbers) {
                    values[index] = number;
                }
            }
        }
        let sample_len = architecture.input.iter().product();
        Ok(Self {
            isa,
            plan,
            pixel_scale,
            sample_len,
            values,
            rooms: Mutex::default(),
        })
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.plan.classes
    }

    /// Logits of many pictures, picture by picture.
    ///
    /// # Errors
    ///
    /// When the pixels are no whole number of pictures.
    pub fn logits(&self, pixels: Pixels<'_>) -> Result<Vec<f32>, KernelError> {
        if !pixels.len().is_multiple_of(self.sample_len) {
            return Err(KernelError::Batch {
                reason: format!(
                    "{} pixels, where a picture has {}",
                    pixels.len(),
                    self.sample_len
                ),
            });
        }
        let count = pixels.len() / self.sample_len;
        Ok(self.logits_of(pixels, count, |sample| sample))
    }

    /// Logits of one picture into `logits`, one per class, on the calling thread.
    ///
    /// # Errors
    ///
    /// When picture or logits have another length.
    pub fn logits_one(&self, pixels: Pixels<'_>, logits: &mut [f32]) -> Result<(), KernelError> {
        if pixels.len() != self.sample_len || logits.len() != self.plan.classes {
            return Err(KernelError::Batch {
                reason: format!(
                    "{} pixels and {} logits, where a picture has {} and there are {} classes",
                    pixels.len(),
                    logits.len(),
                    self.sample_len,
                    self.plan.classes
                ),
            });
        }
        self.with_room(|room| self.block(room, pixels, |_| 0, logits));
        Ok(())
    }

    /// How well it does on labelled pictures.
    ///
    /// # Errors
    ///
    /// When pixels, labels and rows do not fit each other or the network.
    pub fn evaluate(&self, batch: &Batch<'_>) -> Result<Score, KernelError> {
        batch.check(self.sample_len, self.plan.classes)?;
        let count = batch.len();
        let logits = self.logits_of(batch.pixels, count, |sample| batch.row(sample));
        let mut score = Score {
            samples: count,
            ..Score::default()
        };
        for (sample, logits) in logits.chunks_exact(self.plan.classes).enumerate() {
            let label = batch.labels[batch.row(sample)];
            let (loss, hit) = cross_entropy(logits, label.into(), None);
            score.loss_sum += loss;
            score.hits += usize::from(hit);
        }
        Ok(score)
    }

    fn logits_of(
        &self,
        pixels: Pixels<'_>,
        count: usize,
        row: impl Fn(usize) -> usize + Sync,
    ) -> Vec<f32> {
        let classes = self.plan.classes;
        let mut logits = vec![0.0; count * classes];
        logits
            .par_chunks_mut(BLOCK * classes)
            .enumerate()
            .for_each(|(block, logits)| {
                self.with_room(|room| {
                    self.block(room, pixels, |sample| row(block * BLOCK + sample), logits);
                });
            });
        logits
    }

    fn with_room(&self, f: impl FnOnce(&mut Room)) {
        // A room is only taken or put back under the lock: one who panics leaves no harm.
        let rooms = || self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = rooms().pop();
        let mut room = kept.unwrap_or_else(|| self.room());
        f(&mut room);
        rooms().push(room);
    }

    /// Planes between convolutions hold one sample, those at dense layers a block.
    fn room(&self) -> Room {
        let mut samples = vec![1; self.plan.planes.len()];
        let mut scratch = 0;
        for op in &self.plan.ops {
            match op {
                Op::Dense(op) => {
                    samples[op.input] = BLOCK;
                    samples[op.output] = BLOCK;
                }
                Op::Convolution(op) => scratch = scratch.max(scratch_len(&op.window)),
                _ => {}
            }
        }
        let planes = self.plan.planes.iter().zip(samples);
        Room {
            planes: planes
                .map(|(plane, count)| Buffer::zeroed(count * plane.stride()))
                .collect(),
            scratch: Buffer::zeroed(scratch),
        }
    }

    /// Up to [`BLOCK`] pictures, as many as there is room for logits.
    fn block(
        &self,
        room: &mut Room,
        pixels: Pixels<'_>,
        row: impl Fn(usize) -> usize,
        logits: &mut [f32],
    ) {
        let plan = &self.plan;
        let samples = logits.len() / plan.classes;
        for sample in 0..samples {
            let start = |planes: &[Buffer], index: usize| {
                let stride = plan.planes[index].stride();
                if planes[index].len() > stride {
                    sample * stride
                } else {
                    0
                }
            };
            let first = start(&room.planes, 0);
            self.isa.run(Load {
                plane: &plan.planes[0],
                pixels,
                row: row(sample),
                soon: None,
                scale: &self.pixel_scale,
                output: &mut room.planes[0][first..],
            });
            for op in &plan.ops {
                let (from, to) = match op {
                    Op::Convolution(op) => (op.input, op.output),
                    Op::Pool(op) => (op.input, op.output),
                    _ => continue,
                };
                let starts = [start(&room.planes, from), start(&room.planes, to)];
                let (before, after) = room.planes.split_at_mut(to);
                let input = &before[from][starts[0]..];
                let output = &mut after[0][starts[1]..];
                let plane = &plan.planes[to];
                match op {
                    Op::Convolution(op) => self.isa.run(Convolve {
                        window: &op.window,
                        input,
                        weights: &self.values[op.weight.clone()],
                        bias: &self.values[op.bias.clone()],
                        relu: op.relu,
                        plane,
                        output,
                        places: None,
                        scratch: &mut room.scratch,
                    }),
                    Op::Pool(op) => self.isa.run(PoolForward {
                        pool: &op.pool,
                        input_plane: &plan.planes[from],
                        input,
                        affine: None,
                        relu: false,
                        plane,
                        output,
                        places: None,
                    }),
                    _ => {}
                }
            }
        }
        for op in &plan.ops {
            let Op::Dense(op) = op else { continue };
            let (before, after) = room.planes.split_at_mut(op.output);
            self.isa.run(Multiply {
                samples,
                inputs: op.inputs,
                outputs: op.outputs,
                input: &before[op.input],
                input_stride: op.inputs,
                weights: &self.values[op.weight.clone()],
                bias: Some(&self.values[op.bias.clone()]),
                relu: op.relu,
                output: &mut after[0],
                output_stride: op.outputs,
            });
        }
        let last = plan.planes.len() - 1;
        let rows = room.planes[last].chunks_exact(plan.planes[last].stride());
        for (to, from) in logits.chunks_exact_mut(plan.classes).zip(rows) {
            to.copy_from_slice(&from[..plan.classes]);
        }
    }
}

/// A layer with its normalisation folded in.
struct Folded {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Folded {
    #[allow(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
    fn of(parameters: &[Tensor], weight: &Place, bias: &Place) -> Result<Self, KernelError> {
        let layer = weight.name.trim_end_matches(".weight");
        let units = bias.indices.len();
        let norm = |what: &str| {
            let place = Place {
                name: format!("{layer}.norm.{what}"),
                shape: vec![units],
                indices: (0..units).collect(),
                statistic: false,
            };
            find(parameters, &place).map(|tensor| &tensor.values)
        };
        let (gamma, beta) = (norm("weight")?, norm("bias")?);
        let (mean, variance) = (norm("running_mean")?, norm("running_var")?);
        let mut weights = find(parameters, weight)?.values.clone();
        let mut biases = vec![0.0; units];
        let inputs = weights.len() / units;
        for unit in 0..units {
            let scale = f64::from(gamma[unit]) / (f64::from(variance[unit]) + EPSILON).sqrt();
            for weight in &mut weights[unit * inputs..][..inputs] {
                *weight = (f64::from(*weight) * scale) as f32;
            }
            biases[unit] = (f64::from(beta[unit]) - f64::from(mean[unit]) * scale) as f32;
        }
        Ok(Self {
            weight: weights,
            bias: biases,
        })
    }
}
