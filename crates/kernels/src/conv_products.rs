//! The backward pass of a convolution behind which nothing is pooled, as products of matrices.
//!
//! All its results have a gradient (or half of them, behind a ReLU), so that a list of events
//! would be the matrix, and slower to read: each event is one multiply-add for each load, where a tile
//! of the product does 28 for 16. The gradient is first copied into a frame of zeros.
//!
//! - Weights: for each row of the kernel the product of gradient and input over all pixels, both
//!   read where they lie, a few rows of the image at a time so that they stay in the first cache.
//! - Input: the convolution of the framed gradient with the kernel turned by half a circle.

use super::events::{PooledGradient, sum_bias};
use super::geometry::{PANEL, Window};
use super::pool::CUT;
use super::simd::{Kernel, LANES, Simd};
use super::tile::{Base, Left, Right, Target, product};

/// Pixels whose products are summed before the sums go back to memory.
const PIXELS: usize = 112;

/// Whether the gradient of this convolution goes back so: half of it is zero behind a ReLU, and events
/// are faster.
pub(crate) fn goes_back_by_products(window: &Window, relu: bool) -> bool {
    !relu && window.stride == [1, 1] && window.pool.area() == 1 && window.pool.stride == [1, 1]
}

/// Numbers of scratch that [`ConvolveProductsBack`] needs.
pub(crate) fn scratch_len(window: &Window) -> usize {
    let [height, width] = framed(window);
    height * width * window.out_stored
}

/// Height and width of the gradient in its frame.
fn framed(window: &Window) -> [usize; 2] {
    [0, 1].map(|i| window.output[i] + 2 * (window.kernel[i] - 1))
}

/// Numbers of the turned weights: panels of (kernel area · out channels) × up to 32 in channels.
pub(crate) fn turned_len(window: &Window) -> usize {
    window.kernel[0] * window.kernel[1] * window.out_stored * window.input.stored
}

/// Turns weights of kernel height × out channels × run into panels for the input's gradient.
pub(crate) fn turn(window: &Window, weights: &[f32], turned: &mut [f32]) {
    let [height, width] = window.kernel;
    let (stored, out) = (window.input.stored, window.out_channels);
    let run = window.run();
    let taps = height * width * window.out_stored;
    for panel in (0..stored).step_by(PANEL) {
        let columns = PANEL.min(stored - panel);
        for ky in 0..height {
            for kx in 0..width {
                let place = ((height - 1 - ky) * width + width - 1 - kx) * window.out_stored;
                for o in 0..out {
                    let from = (ky * out + o) * run + kx * stored + panel;
                    let to = panel * taps + (place + o) * columns;
                    turned[to..to + columns].copy_from_slice(&weights[from..from + columns]);
                }
            }
        }
    }
}

/// Gradient of one sample for a convolution that has others before it.
pub(crate) struct ConvolveProductsBack<'a> {
    /// The sample, border included.
    pub(crate) input: &'a [f32],
    /// See [`turn`].
    pub(crate) turned: &'a [f32],
    /// Of the result.
    pub(crate) pooled: PooledGradient<'a>,
    /// Whether a ReLU follows, which cut some results.
    pub(crate) relu: bool,
    /// Kernel height × out channels × run; is added to.
    pub(crate) weight_gradient: &'a mut [f32],
    /// One per stored out channel, if there are biases; is added to.
    pub(crate) bias_gradient: Option<&'a mut [f32]>,
    /// Laid out as `input`; is overwritten inside its border.
    pub(crate) input_gradient: &'a mut [f32],
    /// See [`scratch_len`].
    pub(crate) scratch: &'a mut [f32],
}

impl Kernel for ConvolveProductsBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let window = self.pooled.window;
        assert!(
            self.input.len() >= window.input.len(),
            "input shorter than its plane"
        );
        assert!(
            self.input_gradient.len() >= window.input.len(),
            "gradient too short"
        );
        assert!(self.turned.len() >= turned_len(window), "too few weights");
        assert!(
            self.weight_gradient.len() >= window.kernel[0] * window.out_channels * window.run(),
            "too few weight gradients"
        );
        assert!(
            self.scratch.len() >= scratch_len(window),
            "scratch too small"
        );
        self.pooled.check();
        if let Some(bias_gradient) = self.bias_gradient.take() {
            sum_bias::<S>(self.pooled, bias_gradient);
        }
        self.frame::<S>();
        self.weights_back::<S>();
        self.input_back::<S>();
    }
}

impl ConvolveProductsBack<'_> {
    /// Copies the gradient into its frame, without what ReLU cut.
    #[inline(always)]
    fn frame<S: Simd>(&mut self) {
        let PooledGradient {
            window,
            gradient,
            row,
            argmax,
        } = self.pooled;
        let stored = window.out_stored;
        let [height, width] = window.output;
        let [above, left] = window.kernel.map(|size| size - 1);
        let [_, columns] = framed(window);
        let scratch = &mut self.scratch[..scratch_len(window)];
        let length = width * stored;
        let mut done = 0;
        for y in 0..height {
            let start = ((above + y) * columns + left) * stored;
            scratch[done..start].fill(0.0);
            done = start + length;
            let (from, to) = (&gradient[y * row..][..length], &mut scratch[start..done]);
            if !self.relu {
                to.copy_from_slice(from);
                continue;
            }
            let places = &argmax[y * length..][..length];
            for c in (0..length).step_by(LANES) {
                // SAFETY: whole vectors inside three slices of the same length.
                unsafe {
                    let cut = S::splat(f32::from(CUT));
                    let place = S::load_u8(places.as_ptr().add(c));
                    let value = S::load(from.as_ptr().add(c));
                    let kept = S::select_gt(cut, place, value, S::splat(0.0));
                    S::store(to.as_mut_ptr().add(c), kept);
                }
            }
        }
        scratch[done..].fill(0.0);
    }

    #[inline(always)]
    fn weights_back<S: Simd>(&mut self) {
        let window = self.pooled.window;
        let (stored, run) = (window.out_stored, window.run());
        let [height, width] = window.output;
        let [above, left] = window.kernel.map(|size| size - 1);
        let columns = framed(window)[1];
        let rows = PIXELS.div_ceil(width);
        for y in (0..height).step_by(rows) {
            for ky in 0..window.kernel[0] {
                // SAFETY: the gradient's pixels lie inside the scratch, their windows inside the input
                // and the sums inside the weights' gradient; the lengths are asserted.
                unsafe {
                    product::<S>(
                        window.out_channels,
                        run / LANES,
                        Left {
                            start: self
                                .scratch
                                .as_ptr()
                                .add(((above + y) * columns + left) * stored),
                            row: 1,
                            step: stored,
                            len: width,
                            run: columns * stored,
                            runs: rows.min(height - y),
                        },
                        Right {
                            start: self.input.as_ptr().add((y + ky) * window.input.row()),
                            width: window.input.stored,
                            run: window.input.row(),
                        },
                        Target {
                            start: self
                                .weight_gradient
                                .as_mut_ptr()
                                .add(ky * window.out_channels * run),
                            row: run,
                            base: Base::Target,
                            relu: false,
                        },
                    );
                }
            }
        }
    }

    #[inline(always)]
    fn input_back<S: Simd>(&mut self) {
        let window = self.pooled.window;
        let plane = window.input;
        let stored = window.out_stored;
        let [height, width] = window.kernel;
        let columns = framed(window)[1];
        let taps = height * width * stored;
        // All of the input that some window covers; the rest of it has no gradient.
        let [tall, wide] = [0, 1].map(|i| window.output[i] + window.kernel[i] - 1);
        for panel in (0..plane.stored).step_by(PANEL) {
            let here = PANEL.min(plane.stored - panel);
            for y in 0..tall {
                // SAFETY: the turned windows lie inside the scratch, the targets inside the input's
                // plane, whose windows are inside it; the lengths are asserted.
                unsafe {
                    product::<S>(
                        wide,
                        here / LANES,
                        Left {
                            start: self.scratch.as_ptr().add(y * columns * stored),
                            row: stored,
                            step: 1,
                            len: width * stored,
                            run: columns * stored,
                            runs: height,
                        },
                        Right {
                            start: self.turned.as_ptr().add(panel * taps),
                            width: here,
                            run: width * stored * here,
                        },
                        Target {
                            start: self
                                .input_gradient
                                .as_mut_ptr()
                                .add(y * plane.row() + panel),
                            row: plane.stored,
                            base: Base::Zero,
                            relu: false,
                        },
                    );
                }
            }
        }
    }
}
