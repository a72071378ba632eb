//! The gradients that pooling and ReLU leave, as lists.

use super::geometry::{Window, for_each_pooled};
use super::pool::CUT;
use super::simd::{LANES, Simd};

/// What the gradient of a convolution needs to know beforehand.
#[derive(Debug, Clone)]
pub(crate) struct EventMap {
    /// Per pooled pixel and place in its window where that place's window begins in the input.
    pub(crate) offsets: Vec<u32>,
    /// Likewise, which pixel of the convolution it is.
    pub(crate) pixels: Vec<u32>,
    /// Where the window of each pixel of the convolution begins in the input.
    pub(crate) pixel_offsets: Vec<u32>,
    /// How many pooling windows may share a pixel.
    pub(crate) cover: usize,
}

impl EventMap {
    pub(crate) fn new(window: &Window) -> Self {
        let index = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let [height, width] = window.used;
        let mut pixels = Vec::new();
        for_each_pooled(&window.pool, |y, x| pixels.push(index(y * width + x)));
        let pixel_offsets = (0..height * width)
            .map(|at| index(window.offset(at / width, at % width)))
            .collect();
        let cover = |i: usize| window.pool.size[i].div_ceil(window.pool.stride[i]);
        Self {
            offsets: window.pooled_offsets(),
            pixels,
            pixel_offsets,
            cover: cover(0) * cover(1),
        }
    }
}

/// Events of one sample, listed twice: by out channel and by pixel of the convolution.
///
/// Gradients and offsets are apart, so that either is written sixteen at a time; behind every list
/// is space for one more vector.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events {
    pub(crate) channels: Lists,
    pub(crate) pixels: Lists,
}

/// Lists of events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    pub(crate) gradients: Vec<f32>,
    /// Where an event's window begins in the input, or where its channel's weights begin.
    pub(crate) offsets: Vec<u32>,
    pub(crate) starts: Vec<u32>,
    pub(crate) counts: Vec<u32>,
}

impl Lists {
    /// Equal space for every list.
    fn new(lists: usize, capacity: usize) -> Self {
        let capacity = capacity + LANES;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the network's size is checked before"
        )]
        let starts = (0..lists).map(|list| (list * capacity) as u32).collect();
        Self {
            gradients: vec![0.0; lists * capacity],
            offsets: vec![0; lists * capacity],
            starts,
            counts: vec![0; lists],
        }
    }

    /// Gradients and offsets of one list.
    #[inline(always)]
    pub(crate) fn list(&self, index: usize) -> (&[f32], &[u32]) {
        let (start, count) = (self.starts[index] as usize, self.counts[index] as usize);
        (
            &self.gradients[start..start + count],
            &self.offsets[start..start + count],
        )
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, index: usize, gradient: f32, offset: u32, keep: bool) {
        let end = (self.starts[index] + self.counts[index]) as usize;
        self.gradients[end] = gradient;
        self.offsets[end] = offset;
        self.counts[index] += u32::from(keep);
    }
}

impl Events {
    /// Space for the events of one sample.
    pub(crate) fn new(window: &Window, map: &EventMap) -> Self {
        let pooled = window.pool.output[0] * window.pool.output[1];
        Self {
            channels: Lists::new(window.out_channels, pooled),
            pixels: Lists::new(map.pixel_offsets.len(), window.out_channels * map.cover),
        }
    }
}

/// The gradient of a pooled result, and where its maxima were.
#[derive(Clone, Copy)]
pub(crate) struct PooledGradient<'a> {
    pub(crate) window: &'a Window,
    /// Rows of `row`, pixels of stored channels.
    pub(crate) gradient: &'a [f32],
    pub(crate) row: usize,
    pub(crate) argmax: &'a [u8],
}

impl PooledGradient<'_> {
    pub(crate) fn check(&self) {
        let [height, width] = self.window.pool.output;
        let stored = self.window.out_stored;
        assert!(
            self.gradient.len() >= (height - 1) * self.row + width * stored,
            "gradient too short"
        );
        assert!(
            self.argmax.len() >= height * width * stored,
            "argmax too short"
        );
    }
}

/// Adds up the gradients of all pooled pixels that were not cut off.
#[inline(always)]
pub(crate) fn sum_bias<S: Simd>(from: PooledGradient<'_>, bias_gradient: &mut [f32]) {
    from.check();
    let PooledGradient {
        window,
        gradient,
        row,
        argmax,
    } = from;
    let [height, width] = window.pool.output;
    let stored = window.out_stored;
    assert!(bias_gradient.len() >= stored, "too few biases");
    for c in (0..stored).step_by(LANES) {
        // SAFETY: whole vectors inside the slices whose lengths are checked above.
        unsafe {
            let (zero, cut) = (S::splat(0.0), S::splat(f32::from(CUT)));
            let mut sum = zero;
            for y in 0..height {
                for x in 0..width {
                    let place = S::load_u8(argmax.as_ptr().add((y * width + x) * stored + c));
                    let value = S::load(gradient.as_ptr().add(y * row + x * stored + c));
                    sum = S::add(sum, S::select_gt(cut, place, value, zero));
                }
            }
            let to = bias_gradient.as_mut_ptr().add(c);
            S::store(to, S::add(S::load(to), sum));
        }
    }
}
