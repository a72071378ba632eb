//! The backward pass of the first convolution.
//!
//! Nothing before it learns, so only its weights need a gradient. Its few input channels
//! do not fill a vector, so the vectors run over the out channels. For each place in the pooling window, the gradients of
//! the channels whose maximum is there are multiplied with the window's pixels.

use super::events::{PooledGradient, sum_bias};
use super::geometry::{PANEL, Window};
use super::simd::{Kernel, LANES, Simd};

/// Gradient of one sample for the first convolution, whose input needs none.
///
/// The method is described at the top of this file.
pub(crate) struct FirstBack<'a> {
    /// [`Window::pooled_offsets`].
    pub(crate) offsets: &'a [u32],
    /// Per weight of a window, where it is from the start of the window: [`tap_offsets`].
    pub(crate) taps: &'a [u32],
    pub(crate) input: &'a [f32],
    /// Of the result.
    pub(crate) pooled: PooledGradient<'a>,
    /// Panels of (kernel height · run) × up to 32 out channels; is added to.
    pub(crate) weight_gradient: &'a mut [f32],
    /// One per stored out channel, if there are biases; is added to.
    pub(crate) bias_gradient: Option<&'a mut [f32]>,
}

/// Where a window's numbers lie, from its start.
pub(crate) fn tap_offsets(window: &Window) -> Vec<u32> {
    let run = window.run();
    (0..window.taps())
        .map(|k| u32::try_from(k / run * window.input.row() + k % run).unwrap_or(u32::MAX))
        .collect()
}

impl Kernel for FirstBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let window = self.pooled.window;
        let (stored, taps) = (window.out_stored, self.taps.len());
        assert!(
            self.input.len() >= window.input.len(),
            "input shorter than its plane"
        );
        assert!(
            self.weight_gradient.len() >= taps * stored,
            "too few weight gradients"
        );
        assert!(self.taps.len() == window.taps(), "taps of another window");
        self.pooled.check();
        if let Some(bias_gradient) = self.bias_gradient.take() {
            sum_bias::<S>(self.pooled, bias_gradient);
        }
        // Registers for the gradients and argmax of one block stay free.
        let limit = if S::TILE_VECTORS == 2 {
            10
        } else {
            S::TILE_ROWS - 1
        };
        let blocks = taps.div_ceil(limit);
        for panel in (0..stored).step_by(PANEL) {
            let columns = PANEL.min(stored - panel);
            let wide = columns == PANEL && S::TILE_VECTORS == 2;
            let mut c = 0;
            while c < columns {
                let mut tap = 0;
                for block in 0..blocks {
                    let next = taps * (block + 1) / blocks;
                    // SAFETY: the sums are inside `weight_gradient`; the rest as asserted.
                    unsafe {
                        let sums = self
                            .weight_gradient
                            .as_mut_ptr()
                            .add(panel * taps + tap * columns + c);
                        if wide {
                            first_of::<S, 2>(
                                &self,
                                &self.taps[tap..next],
                                panel + c,
                                sums,
                                columns,
                            );
                        } else {
                            first_of::<S, 1>(
                                &self,
                                &self.taps[tap..next],
                                panel + c,
                                sums,
                                columns,
                            );
                        }
                    }
                    tap = next;
                }
                c += if wide { PANEL } else { LANES };
            }
        }
    }
}

/// Picks the block compiled for this number of taps.
#[inline(always)]
unsafe fn first_of<S: Simd, const N: usize>(
    from: &FirstBack<'_>,
    taps: &[u32],
    channel: usize,
    sums: *mut f32,
    step: usize,
) {
    macro_rules! pick {
        ($($m:literal)*) => {
            match taps.len() {
                // SAFETY: as the caller guarantees.
                $($m if $m <= S::TILE_ROWS => unsafe {
                    first::<S, $m, N>(from, taps, channel, sums, step);
                },)*
                _ => unreachable!("a block has at most ten taps"),
            }
        };
    }
    pick!(1 2 3 4 5 6 7 8 9 10);
}

#[inline(always)]
unsafe fn first<S: Simd, const M: usize, const N: usize>(
    from: &FirstBack<'_>,
    taps: &[u32],
    channel: usize,
    to: *mut f32,
    step: usize,
) {
    let FirstBack { offsets, input, .. } = *from;
    let PooledGradient {
        window,
        gradient,
        row,
        argmax,
    } = from.pooled;
    let [height, width] = window.pool.output;
    let area = window.pool.area();
    let stored = window.out_stored;
    let taps: [usize; M] = std::array::from_fn(|m| taps[m] as usize);
    // SAFETY: windows lie inside the input, vectors inside gradient and argmax, sums inside
    // the weights' gradient: the caller has asserted the lengths.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; M];
        for y in 0..height {
            for x in 0..width {
                let mut values = [S::splat(0.0); N];
                let mut where_ = [S::splat(0.0); N];
                for n in 0..N {
                    let c = channel + n * LANES;
                    values[n] = S::load(gradient.as_ptr().add(y * row + x * stored + c));
                    where_[n] = S::load_u8(argmax.as_ptr().add((y * width + x) * stored + c));
                }
                let offsets = &offsets[(y * width + x) * area..][..area];
                for (place, &offset) in offsets.iter().enumerate() {
                    #[allow(clippy::cast_precision_loss, reason = "at most 254")]
                    let place = S::splat(place as f32);
                    let mut here = [S::splat(0.0); N];
                    for n in 0..N {
                        here[n] = S::keep_eq(where_[n], place, values[n]);
                    }
                    let start = input.as_ptr().add(offset as usize);
                    for (sums, &tap) in sums.iter_mut().zip(&taps) {
                        let pixel = S::splat(*start.add(tap));
                        for (sum, &here) in sums.iter_mut().zip(&here) {
                            *sum = S::fma(pixel, here, *sum);
                        }
                    }
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            for (n, &sum) in sums.iter().enumerate() {
                let to = to.add(m * step + n * LANES);
                S::store(to, S::add(S::load(to), sum));
            }
        }
    }
}
