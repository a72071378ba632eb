//! Depthwise convolution: each channel has one filter of its own and sees no other (L. Sifre, "Rigid-motion
//! scattering for image classification", 2014; A. Howard et al., "MobileNets", 2017).
//!
//! Sixteen channels of a pixel are a vector, so that every product is of whole vectors: weights lie as
//! kernel rows × kernel columns × stored channels.

use super::geometry::{Plane, Window};
use super::simd::{Kernel, LANES, Simd};

/// Neighbouring results that share a load of their weights.
const TOGETHER: usize = 4;

/// The result of one sample.
pub(crate) struct DepthwiseForward<'a> {
    pub(crate) window: &'a Window,
    pub(crate) input: &'a [f32],
    pub(crate) weights: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) relu: bool,
    pub(crate) plane: &'a Plane,
    pub(crate) output: &'a mut [f32],
}

impl Kernel for DepthwiseForward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            window,
            input,
            weights,
            bias,
            relu,
            plane,
            output,
        } = self;
        let stored = window.input.stored;
        check(window, input, weights);
        assert!(bias.len() >= stored, "too few biases");
        let [height, width] = window.output;
        for y in 0..height {
            let to = &mut output[plane.at(y, 0)..][..width * stored];
            for c in (0..stored).step_by(LANES) {
                let mut x = 0;
                while x < width {
                    let from = window.offset(y, x) + c;
                    // SAFETY: windows inside the input, whose length is checked above; whole
                    // vectors inside the row, as `stored` is a multiple of them.
                    unsafe {
                        let first = S::load(bias.as_ptr().add(c));
                        let weights = weights.as_ptr().add(c);
                        let from = input.as_ptr().add(from);
                        let to = to.as_mut_ptr().add(x * stored + c);
                        if width - x >= TOGETHER {
                            results::<S, TOGETHER>(window, from, weights, first, relu, to);
                            x += TOGETHER;
                        } else {
                            results::<S, 1>(window, from, weights, first, relu, to);
                            x += 1;
                        }
                    }
                }
            }
        }
    }
}

/// Neighbouring results of sixteen channels.
///
/// # Safety
///
/// As for [`Simd`]; the windows from `from` on, their weights and the results are inside their slices.
#[inline(always)]
unsafe fn results<S: Simd, const N: usize>(
    window: &Window,
    from: *const f32,
    weights: *const f32,
    bias: S::V,
    relu: bool,
    to: *mut f32,
) {
    let stored = window.input.stored;
    // SAFETY: as the caller guarantees.
    unsafe {
        let mut sums = [bias; N];
        for ky in 0..window.kernel[0] {
            for kx in 0..window.kernel[1] {
                let weight = S::load(weights.add((ky * window.kernel[1] + kx) * stored));
                let from = from.add(ky * window.input.row() + kx * stored);
                for (i, sum) in sums.iter_mut().enumerate() {
                    let value = S::load(from.add(i * window.stride[1] * stored));
                    *sum = S::fma(weight, value, *sum);
                }
            }
        }
        for (i, &sum) in sums.iter().enumerate() {
            let sum = if relu {
                S::max(sum, S::splat(0.0))
            } else {
                sum
            };
            S::store(to.add(i * stored), sum);
        }
    }
}

/// The gradients of one sample.
pub(crate) struct DepthwiseBack<'a> {
    pub(crate) window: &'a Window,
    pub(crate) input: &'a [f32],
    pub(crate) weights: &'a [f32],
    pub(crate) plane: &'a Plane,
    /// Of the results, laid out as `plane`. Where ReLU cut one off it becomes zero.
    pub(crate) gradient: &'a mut [f32],
    /// The results, where a ReLU made them.
    pub(crate) cut: Option<&'a [f32]>,
    /// Is added to.
    pub(crate) weight_gradient: &'a mut [f32],
    /// Is added to.
    pub(crate) bias_gradient: Option<&'a mut [f32]>,
    /// Laid out as the input; is overwritten. None where the input is the image.
    pub(crate) input_gradient: Option<&'a mut [f32]>,
}

impl Kernel for DepthwiseBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            window,
            input,
            weights,
            plane,
            gradient,
            cut,
            weight_gradient,
            bias_gradient,
            input_gradient,
        } = self;
        let stored = window.input.stored;
        check(window, input, weights);
        check(window, input, weight_gradient);
        let [height, width] = window.output;
        let row = width * stored;
        if let Some(results) = cut {
            for y in 0..height {
                let results = &results[plane.at(y, 0)..][..row];
                let gradient = &mut gradient[plane.at(y, 0)..][..row];
                for (gradient, &result) in gradient.iter_mut().zip(results) {
                    *gradient = if result > 0.0 { *gradient } else { 0.0 };
                }
            }
        }
        if let Some(sums) = bias_gradient {
            for y in 0..height {
                for pixel in gradient[plane.at(y, 0)..][..row].chunks_exact(stored) {
                    for (sum, gradient) in sums.iter_mut().zip(pixel) {
                        *sum += gradient;
                    }
                }
            }
        }
        let taps = (0..window.kernel[0])
            .flat_map(|ky| (0..window.kernel[1]).map(move |kx| (ky, kx)))
            .enumerate();
        for (tap, (ky, kx)) in taps.clone() {
            let shift = ky * window.input.row() + kx * stored;
            for c in (0..stored).step_by(LANES) {
                // SAFETY: as in the forward pass.
                unsafe {
                    let mut sum = S::splat(0.0);
                    for y in 0..height {
                        let gradient = gradient[plane.at(y, 0)..][..row].as_ptr().add(c);
                        let from = input.as_ptr().add(window.offset(y, 0) + shift + c);
                        let step = window.stride[1] * stored;
                        // Sums of their own, so that a product need not wait for the one before.
                        let mut sums = [S::splat(0.0); TOGETHER];
                        let whole = width - width % TOGETHER;
                        for x in (0..whole).step_by(TOGETHER) {
                            for (i, sum) in sums.iter_mut().enumerate() {
                                let value = S::load(from.add((x + i) * step));
                                *sum = S::fma(S::load(gradient.add((x + i) * stored)), value, *sum);
                            }
                        }
                        for x in whole..width {
                            let value = S::load(from.add(x * step));
                            sums[0] = S::fma(S::load(gradient.add(x * stored)), value, sums[0]);
                        }
                        let [a, b, c, d] = sums;
                        sum = S::add(sum, S::add(S::add(a, b), S::add(c, d)));
                    }
                    let to = weight_gradient.as_mut_ptr().add(tap * stored + c);
                    S::store(to, S::add(S::load(to), sum));
                }
            }
        }
        let Some(back) = input_gradient else {
            return;
        };
        assert!(back.len() >= window.input.len(), "too short");
        back.fill(0.0);
        for (tap, (ky, kx)) in taps {
            let shift = ky * window.input.row() + kx * stored;
            for c in (0..stored).step_by(LANES) {
                // SAFETY: as in the forward pass.
                unsafe {
                    let weight = S::load(weights.as_ptr().add(tap * stored + c));
                    for y in 0..height {
                        let gradient = gradient[plane.at(y, 0)..][..row].as_ptr().add(c);
                        let to = back.as_mut_ptr().add(window.offset(y, 0) + shift + c);
                        for x in 0..width {
                            let to = to.add(x * window.stride[1] * stored);
                            let gradient = S::load(gradient.add(x * stored));
                            S::store(to, S::fma(gradient, weight, S::load(to)));
                        }
                    }
                }
            }
        }
    }
}

/// That every window is inside the input, and every weight there.
#[inline(always)]
fn check(window: &Window, input: &[f32], weights: &[f32]) {
    let [height, width] = window.output;
    let last = window.offset(height - 1, width - 1)
        + (window.kernel[0] - 1) * window.input.row()
        + window.run();
    assert!(
        window.input.stored.is_multiple_of(LANES) && input.len() >= last,
        "input shorter than the windows"
    );
    assert!(weights.len() >= window.taps(), "too few weights");
}
