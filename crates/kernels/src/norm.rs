//! Batch normalisation.
//!
//! Ioffe and Szegedy, "Batch Normalization" (2015). Mean and variance are taken over samples
//! and pixels, chunk by chunk in two passes, and the chunks are combined in their order by
//! Chan, Golub and LeVeque's formula ("Updating Formulae and a Pairwise Algorithm for Computing
//! Sample Variances", 1979), so that nothing cancels and no thread count changes a bit.

use super::geometry::Plane;
use super::pool::Pooled;
use super::simd::{Kernel, LANES, Simd};

/// The batch's share in the running statistics (PyTorch's meaning); both are those of the
/// population.
pub const MOMENTUM: f64 = 0.1;
/// Added to the variance, as in PyTorch.
pub const EPSILON: f64 = 1e-5;

/// Mean, then sum of squared deviations, of every channel over a chunk of samples.
pub(crate) struct Measure<'a> {
    /// Without border.
    pub(crate) plane: &'a Plane,
    pub(crate) samples: usize,
    pub(crate) input: &'a [f32],
    /// Means of all stored channels, then their sums of squared deviations.
    pub(crate) moments: &'a mut [f64],
}

impl Kernel for Measure<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            plane,
            samples,
            input,
            moments,
        } = self;
        let (stored, stride) = (plane.stored, plane.stride());
        let pixels = plane.height * plane.width;
        assert!(moments.len() >= 2 * stored, "too few moments");
        assert!(
            samples == 0 || input.len() >= samples * stride,
            "input too short"
        );
        let (means, squares) = moments.split_at_mut(stored);
        #[allow(clippy::cast_precision_loss, reason = "counts of pixels")]
        let count = (samples * pixels) as f64;
        for c in (0..stored).step_by(LANES) {
            let mut sums = [[0.0_f64; LANES]; 2];
            let mut mean = [0.0_f32; LANES];
            for pass in 0..2 {
                for sample in 0..samples {
                    let mut lanes = [0.0_f32; LANES];
                    // SAFETY: pixels of a sample of the plane, whole vectors of channels.
                    unsafe {
                        let start = input.as_ptr().add(sample * stride + c);
                        let mean = S::load(mean.as_ptr());
                        let mut sum = S::splat(0.0);
                        for pixel in 0..pixels {
                            let value = S::load(start.add(pixel * stored));
                            if pass == 0 {
                                sum = S::add(sum, value);
                            } else {
                                let deviation = S::sub(value, mean);
                                sum = S::fma(deviation, deviation, sum);
                            }
                        }
                        S::store(lanes.as_mut_ptr(), sum);
                    }
                    for (sum, lane) in sums[pass].iter_mut().zip(lanes) {
                        *sum += f64::from(lane);
                    }
                }
                if pass == 0 {
                    for (i, mean) in mean.iter_mut().enumerate() {
                        #[allow(clippy::cast_possible_truncation, reason = "rounded on purpose")]
                        {
                            *mean = (sums[0][i] / count.max(1.0)) as f32;
                        }
                        means[c + i] = f64::from(*mean);
                    }
                }
            }
            squares[c..c + LANES].copy_from_slice(&sums[1]);
        }
    }
}

/// What normalisation knows about one batch, per stored channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moments {
    pub(crate) mean: Vec<f32>,
    /// One over the standard deviation.
    pub(crate) inverse: Vec<f32>,
    /// Learned scale times `inverse`.
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    /// For the backward pass: what every pixel loses, and loses per deviation from the mean.
    pub(crate) loss: Vec<f32>,
    pub(crate) slope: Vec<f32>,
}

impl Moments {
    pub(crate) fn new(stored: usize) -> Self {
        let zero = vec![0.0; stored];
        Self {
            mean: zero.clone(),
            inverse: zero.clone(),
            scale: zero.clone(),
            shift: zero.clone(),
            loss: zero.clone(),
            slope: zero,
        }
    }

    /// Combines the chunks' moments (see [`Measure`]; `counts` pixels each) and moves the
    /// running statistics. Without weights, all are 1.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "rounded to f32 on purpose; counts of pixels"
    )]
    pub(crate) fn combine(
        &mut self,
        chunks: &[f64],
        counts: &[usize],
        weight: Option<&[f32]>,
        bias: &[f32],
        running: [&mut [f32]; 2],
    ) {
        let stored = self.mean.len();
        let [running_mean, running_variance] = running;
        for c in 0..stored {
            let (mut mean, mut squares, mut count) = (0.0, 0.0, 0.0);
            for (moments, &pixels) in chunks.chunks_exact(2 * stored).zip(counts) {
                let pixels = pixels as f64;
                let total = count + pixels;
                let distance = moments[c] - mean;
                mean += distance * pixels / total;
                squares += moments[stored + c] + distance * distance * count * pixels / total;
                count = total;
            }
            let variance = squares / count;
            let inverse = 1.0 / (variance + EPSILON).sqrt();
            let scale = weight.map_or(1.0, |weight| f64::from(weight[c])) * inverse;
            self.mean[c] = mean as f32;
            self.inverse[c] = inverse as f32;
            self.scale[c] = scale as f32;
            self.shift[c] = (f64::from(bias[c]) - mean * scale) as f32;
            for (running, new) in [
                (&mut running_mean[c], mean),
                (&mut running_variance[c], variance),
            ] {
                *running = ((1.0 - MOMENTUM) * f64::from(*running) + MOMENTUM * new) as f32;
            }
        }
    }

    /// Prepares the backward pass from the gradients of scale and shift over the whole batch.
    pub(crate) fn prepare_backward(&mut self, weight: &[f32], bias: &[f32], pixels: usize) {
        #[allow(clippy::cast_precision_loss, reason = "a count of pixels")]
        let share = 1.0 / pixels as f32;
        for c in 0..self.mean.len() {
            self.loss[c] = self.scale[c] * bias[c] * share;
            self.slope[c] = self.scale[c] * self.inverse[c] * weight[c] * share;
        }
    }
}

/// The gradients of scale and shift of one sample; both are added to.
pub(crate) struct NormSums<'a> {
    pub(crate) moments: &'a Moments,
    pub(crate) input: &'a [f32],
    pub(crate) pooled: Pooled<'a>,
    pub(crate) weight_gradient: &'a mut [f32],
    pub(crate) bias_gradient: &'a mut [f32],
}

/// The gradient of one sample's input.
pub(crate) struct NormBack<'a> {
    pub(crate) moments: &'a Moments,
    pub(crate) input: &'a [f32],
    pub(crate) pooled: Pooled<'a>,
    /// Laid out as the input; is overwritten.
    pub(crate) input_gradient: &'a mut [f32],
}

impl Kernel for NormSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let pooled = self.pooled;
        let stored = pooled.plane.stored;
        pooled.check();
        assert!(
            self.input.len() >= pooled.plane.len(),
            "input shorter than its plane"
        );
        assert!(
            self.moments.mean.len() >= pooled.plane.stored,
            "moments of another layer"
        );
        assert!(
            self.weight_gradient.len() >= stored && self.bias_gradient.len() >= stored,
            "too few channels"
        );
        for c in (0..stored).step_by(LANES) {
            // SAFETY: the lengths are checked; `for_each` gives pixels of the input.
            unsafe {
                let mean = S::load(self.moments.mean.as_ptr().add(c));
                let mut weight = S::splat(0.0);
                let mut bias = S::splat(0.0);
                pooled.for_each::<S>(c, |at, value| {
                    let deviation = S::sub(S::load(self.input.as_ptr().add(at)), mean);
                    weight = S::fma(deviation, value, weight);
                    bias = S::add(bias, value);
                });
                let inverse = S::load(self.moments.inverse.as_ptr().add(c));
                let to = self.weight_gradient.as_mut_ptr().add(c);
                S::store(to, S::fma(weight, inverse, S::load(to)));
                let to = self.bias_gradient.as_mut_ptr().add(c);
                S::store(to, S::add(bias, S::load(to)));
            }
        }
    }
}

impl Kernel for NormBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let pooled = self.pooled;
        let plane = pooled.plane;
        pooled.check();
        assert!(
            self.input.len() >= pooled.plane.len(),
            "input shorter than its plane"
        );
        assert!(
            self.moments.mean.len() >= pooled.plane.stored,
            "moments of another layer"
        );
        assert!(
            self.input_gradient.len() >= plane.len(),
            "gradient too short"
        );
        for c in (0..plane.stored).step_by(LANES) {
            // SAFETY: the lengths are checked; pixels of the input and its gradient.
            unsafe {
                let mean = S::load(self.moments.mean.as_ptr().add(c));
                let loss = S::load(self.moments.loss.as_ptr().add(c));
                let slope = S::load(self.moments.slope.as_ptr().add(c));
                let scale = S::load(self.moments.scale.as_ptr().add(c));
                let zero = S::splat(0.0);
                let is_alone = pooled.pool.area() == 1 && pooled.pool.stride == [1, 1];
                if is_alone {
                    let to = self.input_gradient.as_mut_ptr();
                    pooled.for_each::<S>(c, |at, value| {
                        let deviation = S::sub(mean, S::load(self.input.as_ptr().add(at)));
                        let rest = S::fma(deviation, slope, S::sub(zero, loss));
                        S::store(to.add(at), S::fma(value, scale, rest));
                    });
                    continue;
                }
                for pixel in 0..plane.height * plane.width {
                    let at = pixel * plane.stored + c;
                    let deviation = S::sub(mean, S::load(self.input.as_ptr().add(at)));
                    let value = S::fma(deviation, slope, S::sub(zero, loss));
                    S::store(self.input_gradient.as_mut_ptr().add(at), value);
                }
                let to = self.input_gradient.as_mut_ptr();
                pooled.for_each::<S>(c, |at, value| {
                    S::store(to.add(at), S::fma(value, scale, S::load(to.add(at))));
                });
            }
        }
    }
}
