//! The backward pass of convolution, ReLU and max-pooling, one sample at a time.
//!
//! After a 2 × 2 max-pooling at most a quarter of the convolution's results have a gradient,
//! after ReLU still fewer. The gradient is therefore a list of events (result, gradient) and
//! each event costs one multiply-add per weight of its window, with the operand from memory:
//! two a cycle, as fast as a dense product, for a fraction of the products.
//!
//! - Weights: per out channel the window's gradient is held in registers while all events of
//!   that channel add their windows to it.
//! - Input: per pixel of the convolution the window's gradient is held in registers while all
//!   channels with an event there add their weights to it; then it is added to the input's.
//!
//! Rejected: the two dense matrix products per layer that other libraries do, which multiply
//! mostly by zero. Where nothing is pooled and no ReLU cuts, all results are events, and this
//! is about as fast as those.

use super::events::{EventMap, Events, PooledGradient, sum_bias};
use super::simd::{Kernel, LANES, Simd};

/// Weights that the first cache holds beside all else.
const CACHED: usize = 10 * 1024;

/// Gradient of one sample for a convolution that has others before it.
pub(crate) struct ConvolveBack<'a> {
    pub(crate) map: &'a EventMap,
    /// Of this sample, sorted: [`sort_events`](super::sort_events::sort_events).
    pub(crate) events: &'a Events,
    /// The sample, border included.
    pub(crate) input: &'a [f32],
    /// Kernel height × out channels × run.
    pub(crate) weights: &'a [f32],
    /// Of the result.
    pub(crate) pooled: PooledGradient<'a>,
    /// Laid out as `weights`; is added to.
    pub(crate) weight_gradient: &'a mut [f32],
    /// One per stored out channel, if there are biases; is added to.
    pub(crate) bias_gradient: Option<&'a mut [f32]>,
    /// Laid out as `input`; is overwritten.
    pub(crate) input_gradient: &'a mut [f32],
}

impl Kernel for ConvolveBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let window = self.pooled.window;
        let run = window.run();
        let weights = window.kernel[0] * window.out_channels * run;
        assert!(
            self.input.len() >= window.input.len(),
            "input shorter than its plane"
        );
        assert!(
            self.input_gradient.len() >= window.input.len(),
            "gradient too short"
        );
        assert!(self.weights.len() >= weights, "too few weights");
        assert!(
            self.weight_gradient.len() >= weights,
            "too few weight gradients"
        );
        self.pooled.check();
        if let Some(bias_gradient) = self.bias_gradient {
            sum_bias::<S>(self.pooled, bias_gradient);
        }
        let events = self.events;
        let vectors = run / LANES;
        let row = window.input.row();
        // Three rows of the window at once where the registers hold them.
        let mut ky = 0;
        while ky < window.kernel[0] {
            let rows = if window.kernel[0] - ky >= 3 && S::ACCUMULATORS >= 24 {
                3
            } else {
                1
            };
            let limit = if rows == 3 { 8 } else { S::ACCUMULATORS.min(8) };
            let blocks = vectors.div_ceil(limit);
            for channel in 0..window.out_channels {
                let list = events.channels.list(channel);
                let mut vector = 0;
                for block in 0..blocks {
                    let next = vectors * (block + 1) / blocks;
                    // SAFETY: every event's window lies inside the input plane, and the
                    // channel's weights inside `weight_gradient`, as asserted above.
                    unsafe {
                        let input = self.input.as_ptr().add(ky * row + vector * LANES);
                        let sums = self
                            .weight_gradient
                            .as_mut_ptr()
                            .add((ky * window.out_channels + channel) * run + vector * LANES);
                        let step = window.out_channels * run;
                        if rows == 3 {
                            add_windows_of::<S, 3>(next - vector, list, input, row, sums, step);
                        } else {
                            add_windows_of::<S, 1>(next - vector, list, input, row, sums, step);
                        }
                    }
                    vector = next;
                }
            }
            ky += rows;
        }

        self.input_gradient.fill(0.0);
        // Lists are short, so that the end of each costs as much as some events: three rows of the window
        // at once where the first cache holds their weights.
        let limit = S::ACCUMULATORS.min(8);
        let blocks = vectors.div_ceil(limit);
        let step = window.out_channels * run;
        let fit = 3 * window.out_channels * vectors.div_ceil(blocks) * LANES <= CACHED;
        let mut ky = 0;
        while ky < window.kernel[0] {
            let rows = match window.kernel[0] - ky >= 3 && S::ACCUMULATORS >= 24 && fit {
                true => 3,
                false => 1,
            };
            let mut vector = 0;
            for block in 0..blocks {
                let next = vectors * (block + 1) / blocks;
                for (pixel, &at) in self.map.pixel_offsets.iter().enumerate() {
                    let list = events.pixels.list(pixel);
                    // SAFETY: an event's weights lie inside `weights`, and the pixel's window
                    // inside the input plane, as asserted above.
                    unsafe {
                        let from = self.weights.as_ptr().add(ky * step + vector * LANES);
                        let to = self
                            .input_gradient
                            .as_mut_ptr()
                            .add(at as usize + ky * row + vector * LANES);
                        if rows == 3 {
                            add_weights_of::<S, 3>(next - vector, list, from, step, to, row);
                        } else {
                            add_weights_of::<S, 1>(next - vector, list, from, step, to, row);
                        }
                    }
                }
                vector = next;
            }
            ky += rows;
        }
    }
}

/// Picks the block compiled for this number of vectors.
#[inline(always)]
unsafe fn add_windows_of<S: Simd, const R: usize>(
    vectors: usize,
    events: (&[f32], &[u32]),
    input: *const f32,
    row: usize,
    sums: *mut f32,
    step: usize,
) {
    macro_rules! pick {
        ($($n:literal)*) => {
            match vectors {
                // SAFETY: as the caller guarantees.
                $($n if $n <= S::ACCUMULATORS => unsafe {
                    add_windows::<S, R, $n>(events, input, row, sums, step);
                },)*
                _ => unreachable!("a block has at most eight vectors"),
            }
        };
    }
    pick!(1 2 3 4 5 6 7 8);
}

/// `sums[r][n] += Σ gradient · input[at + r · row + n]` over the events.
#[inline(always)]
unsafe fn add_windows<S: Simd, const R: usize, const N: usize>(
    events: (&[f32], &[u32]),
    input: *const f32,
    row: usize,
    to: *mut f32,
    step: usize,
) {
    // SAFETY: the caller guarantees all windows and sums.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; R];
        for (r, sums) in sums.iter_mut().enumerate() {
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(to.add(r * step + n * LANES));
            }
        }
        for (&gradient, &place) in events.0.iter().zip(events.1) {
            let gradient = S::splat(gradient);
            let from = input.add(place as usize);
            for (r, sums) in sums.iter_mut().enumerate() {
                for (n, sum) in sums.iter_mut().enumerate() {
                    *sum = S::fma(gradient, S::load(from.add(r * row + n * LANES)), *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (n, &sum) in sums.iter().enumerate() {
                S::store(to.add(r * step + n * LANES), sum);
            }
        }
    }
}

/// Picks the block compiled for this number of vectors.
#[inline(always)]
unsafe fn add_weights_of<S: Simd, const R: usize>(
    vectors: usize,
    events: (&[f32], &[u32]),
    from: *const f32,
    step: usize,
    to: *mut f32,
    row: usize,
) {
    macro_rules! pick {
        ($($n:literal)*) => {
            match vectors {
                // SAFETY: as the caller guarantees.
                $($n if $n <= S::ACCUMULATORS => unsafe {
                    add_weights::<S, R, $n>(events, from, step, to, row);
                },)*
                _ => unreachable!("a block has at most eight vectors"),
            }
        };
    }
    pick!(1 2 3 4 5 6 7 8);
}

/// `to[r · row + n] += Σ gradient · weights[at + r · step + n]` over the events.
#[inline(always)]
unsafe fn add_weights<S: Simd, const R: usize, const N: usize>(
    events: (&[f32], &[u32]),
    from: *const f32,
    step: usize,
    to: *mut f32,
    row: usize,
) {
    // SAFETY: the caller guarantees all weights and the target.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; R];
        for (&gradient, &place) in events.0.iter().zip(events.1) {
            let gradient = S::splat(gradient);
            let weights = from.add(place as usize);
            for (r, sums) in sums.iter_mut().enumerate() {
                for (n, sum) in sums.iter_mut().enumerate() {
                    *sum = S::fma(gradient, S::load(weights.add(r * step + n * LANES)), *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (n, &sum) in sums.iter().enumerate() {
                let to = to.add(r * row + n * LANES);
                S::store(to, S::add(S::load(to), sum));
            }
        }
    }
}
