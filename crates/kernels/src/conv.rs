//! Convolution, bias, ReLU and max-pooling of one sample in one pass.
//!
//! One band of rows, as many as a pooling window is high, is convolved into a scratch that
//! stays in the first-level cache and pooled from there, so that the full result of the
//! convolution never reaches memory. Rows and columns that pooling drops are not computed.
//! For the backward pass only the place of each maximum is kept, one byte per pooled number.
//!
//! The sums are direct: the windows are read where they lie (see `tile`). Rejected: unfolding
//! the windows into a matrix (im2col), which writes and reads every pixel kernel-area times
//! for a product that is no faster; and Winograd's F(2×2, 3×3), 2.25 times fewer products for
//! the one kernel size and stride, which would save a seventh of a training step: it rounds
//! more, and equal windows no longer give equal results, so that rounding picks the maximum.

use super::geometry::{PANEL, Plane, Window};
use super::pool::{PoolRow, pool_row};
use super::simd::{Kernel, LANES, Simd};
use super::tile::{Base, Left, Right, Target, product};

/// How many numbers of scratch [`Convolve`] needs.
pub(crate) fn scratch_len(window: &Window) -> usize {
    let rows = if window.pool.rows_apart() {
        window.pool.size[0]
    } else {
        window.used[0]
    };
    rows * window.used[1] * window.out_stored
}

/// Forward pass of one sample.
pub(crate) struct Convolve<'a> {
    pub(crate) window: &'a Window,
    /// The sample, border included.
    pub(crate) input: &'a [f32],
    /// Panels of (kernel height · run) × up to 32 out channels.
    pub(crate) weights: &'a [f32],
    /// One per stored out channel.
    pub(crate) bias: &'a [f32],
    pub(crate) relu: bool,
    pub(crate) plane: &'a Plane,
    /// The sample's result in `plane`; its border is left alone.
    pub(crate) output: &'a mut [f32],
    /// Per pooled pixel and stored channel the place of the maximum in its window, or [`CUT`](super::pool::CUT).
    pub(crate) argmax: Option<&'a mut [u8]>,
    pub(crate) scratch: &'a mut [f32],
}

impl Kernel for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let window = self.window;
        let pool = window.pool;
        let (width, stored) = (window.used[1], window.out_stored);
        assert!(
            self.input.len() >= window.input.len(),
            "input shorter than its plane"
        );
        assert!(
            self.weights.len() >= window.taps() * stored,
            "too few weights"
        );
        assert!(self.bias.len() >= stored, "too few biases");
        assert!(
            self.scratch.len() >= scratch_len(window),
            "scratch too small"
        );
        let mut argmax = self.argmax;
        let mut done = 0;
        for py in 0..pool.output[0] {
            let first = py * pool.stride[0];
            // Windows that share rows find the earlier ones in the scratch.
            let kept = if pool.rows_apart() { first } else { 0 };
            let next = first + pool.size[0];
            for panel in (0..stored).step_by(PANEL) {
                let columns = PANEL.min(stored - panel);
                for y in done.max(first)..next {
                    // SAFETY: the window at (y, x) for x < width lies inside the input plane,
                    // panels follow each other in `weights`, and the scratch holds the rows
                    // from `kept` on; the lengths are asserted above.
                    unsafe {
                        product::<S>(
                            width,
                            columns / LANES,
                            Left {
                                start: self.input.as_ptr().add(window.offset(y, 0)),
                                row: window.stride[1] * window.input.stored,
                                step: 1,
                                len: window.run(),
                                run: window.input.row(),
                                runs: window.kernel[0],
                            },
                            Right {
                                start: self.weights.as_ptr().add(panel * window.taps()),
                                width: columns,
                                run: window.run() * columns,
                            },
                            Target {
                                start: self
                                    .scratch
                                    .as_mut_ptr()
                                    .add((y - kept) * width * stored + panel),
                                row: stored,
                                base: Base::Bias(self.bias.as_ptr().add(panel)),
                                relu: false,
                            },
                        );
                    }
                }
            }
            done = next;
            let count = pool.output[1] * stored;
            pool_row::<S>(
                &PoolRow {
                    pool: &pool,
                    band: &self.scratch[(first - kept) * width * stored..],
                    row: width * stored,
                    stored,
                    affine: None,
                    relu: self.relu,
                },
                &mut self.output[self.plane.at(py, 0)..][..count],
                argmax
                    .as_deref_mut()
                    .map(|argmax| &mut argmax[py * count..][..count]),
            );
        }
    }
}
