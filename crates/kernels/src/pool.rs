//! Forward and backward pass of max-pooling and ReLU.

use super::geometry::{Plane, Pool};
use super::simd::{Kernel, LANES, Simd};

/// Stands in an argmax for a maximum that ReLU cut off.
pub(crate) const CUT: u8 = u8::MAX;

/// Affine map, ReLU and pooling of one sample.
pub(crate) struct PoolForward<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) input_plane: &'a Plane,
    pub(crate) input: &'a [f32],
    /// Scale and shift per channel, before all else.
    pub(crate) affine: Option<(&'a [f32], &'a [f32])>,
    pub(crate) relu: bool,
    pub(crate) plane: &'a Plane,
    pub(crate) output: &'a mut [f32],
    /// Per pooled pixel and stored channel the place of the maximum in its window, or [`CUT`].
    pub(crate) argmax: Option<&'a mut [u8]>,
}

impl Kernel for PoolForward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            pool,
            input_plane,
            input,
            affine,
            relu,
            plane,
            output,
            argmax,
        } = self;
        let mut argmax = argmax;
        let stored = plane.stored;
        let count = pool.output[1] * stored;
        for y in 0..pool.output[0] {
            let from = PoolRow {
                pool,
                band: &input[input_plane.at(y * pool.stride[0], 0)..],
                row: input_plane.row(),
                stored,
                affine,
                relu,
            };
            pool_row::<S>(
                &from,
                &mut output[plane.at(y, 0)..][..count],
                argmax
                    .as_deref_mut()
                    .map(|argmax| &mut argmax[y * count..][..count]),
            );
        }
    }
}

/// What one row of pooled pixels is made from.
pub(crate) struct PoolRow<'a> {
    pub(crate) pool: &'a Pool,
    /// From the first pixel of the row's first window.
    pub(crate) band: &'a [f32],
    /// From one row of the band to the next.
    pub(crate) row: usize,
    /// From one pixel to the next; whole vectors.
    pub(crate) stored: usize,
    /// Scale and shift per channel, before all else.
    pub(crate) affine: Option<(&'a [f32], &'a [f32])>,
    pub(crate) relu: bool,
}

/// Maximum over each window, the first of equals, then ReLU.
#[inline(always)]
pub(crate) fn pool_row<S: Simd>(from: &PoolRow<'_>, output: &mut [f32], argmax: Option<&mut [u8]>) {
    let PoolRow {
        pool,
        band,
        row,
        stored,
        affine,
        relu,
    } = *from;
    let width = pool.output[1];
    let last = (pool.size[0] - 1) * row + ((width - 1) * pool.stride[1] + pool.size[1]) * stored;
    assert!(
        stored % LANES == 0 && band.len() >= last,
        "band shorter than the windows"
    );
    assert!(output.len() >= width * stored, "row too short");
    let argmax = argmax.map(|argmax| {
        assert!(argmax.len() >= width * stored, "argmax too short");
        argmax.as_mut_ptr()
    });
    if let Some((scale, shift)) = affine {
        assert!(
            scale.len() >= stored && shift.len() >= stored,
            "too few channels"
        );
    }
    for x in 0..width {
        for c in (0..stored).step_by(LANES) {
            // SAFETY: whole vectors inside the slices whose lengths are asserted above.
            unsafe {
                let affine = affine.map(|(scale, shift)| {
                    (
                        S::load(scale.as_ptr().add(c)),
                        S::load(shift.as_ptr().add(c)),
                    )
                });
                let start = band.as_ptr().add(x * pool.stride[1] * stored + c);
                // Windows of two by two are nearly all there are: without loops they take
                // half the time.
                let (best, place) = match pool.size {
                    [2, 2] => window::<S>(start, [2, 2], row, stored, affine, relu),
                    size => window::<S>(start, size, row, stored, affine, relu),
                };
                S::store(output.as_mut_ptr().add(x * stored + c), best);
                if let Some(argmax) = argmax {
                    S::store_u8(argmax.add(x * stored + c), place);
                }
            }
        }
    }
}

/// Maximum of one window and its place.
///
/// # Safety
///
/// As for [`Simd`]; the window from `start` on is readable.
#[inline(always)]
unsafe fn window<S: Simd>(
    start: *const f32,
    size: [usize; 2],
    row: usize,
    stored: usize,
    affine: Option<(S::V, S::V)>,
    relu: bool,
) -> (S::V, S::V) {
    // SAFETY: as the caller guarantees.
    unsafe {
        let zero = S::splat(0.0);
        let one = S::splat(1.0);
        let at = |y: usize, x: usize| {
            let value = S::load(start.add(y * row + x * stored));
            affine.map_or(value, |(scale, shift)| S::fma(value, scale, shift))
        };
        let mut best = at(0, 0);
        let mut place = zero;
        let mut here = zero;
        for y in 0..size[0] {
            for x in 0..size[1] {
                let value = at(y, x);
                place = S::select_gt(value, best, here, place);
                best = S::max(value, best);
                here = S::add(here, one);
            }
        }
        if relu {
            place = S::select_gt(best, zero, place, S::splat(f32::from(CUT)));
            // In this order what is not a number stays so.
            best = S::max(zero, best);
        }
        (best, place)
    }
}

/// A pooled sample in the backward pass.
#[derive(Clone, Copy)]
pub(crate) struct Pooled<'a> {
    pub(crate) pool: &'a Pool,
    /// Of the input; without border.
    pub(crate) plane: &'a Plane,
    /// Of the pooled result, from its first pixel.
    pub(crate) gradient: &'a [f32],
    pub(crate) gradient_row: usize,
    pub(crate) argmax: &'a [u8],
}

impl Pooled<'_> {
    pub(crate) fn check(&self) {
        let [height, width] = self.pool.output;
        let stored = self.plane.stored;
        assert!(
            self.gradient.len() >= (height - 1) * self.gradient_row + width * stored,
            "gradient too short"
        );
        assert!(
            self.argmax.len() >= height * width * stored,
            "argmax too short"
        );
    }

    /// Calls `f` with an input pixel's index and the gradient that arrives there, for sixteen
    /// channels from `c`.
    ///
    /// # Safety
    ///
    /// As for [`Simd`], after [`Self::check`], and `c + 16` channels are stored.
    #[inline(always)]
    pub(crate) unsafe fn for_each<S: Simd>(&self, c: usize, mut f: impl FnMut(usize, S::V)) {
        let Self {
            pool,
            plane,
            gradient,
            gradient_row,
            argmax,
        } = *self;
        let [height, width] = pool.output;
        let stored = plane.stored;
        for y in 0..height {
            if pool.area() == 1 && pool.stride == [1, 1] {
                let (mut from, mut at) = (y * gradient_row + c, plane.at(y, 0) + c);
                for x in 0..width {
                    // SAFETY: the lengths are checked.
                    unsafe {
                        let value = S::load(gradient.as_ptr().add(from));
                        let place = S::load_u8(argmax.as_ptr().add((y * width + x) * stored + c));
                        f(at, S::keep_eq(place, S::splat(0.0), value));
                    }
                    from += stored;
                    at += stored;
                }
                continue;
            }
            for x in 0..width {
                // SAFETY: the lengths are checked.
                let (place, value) = unsafe {
                    (
                        S::load_u8(argmax.as_ptr().add((y * width + x) * stored + c)),
                        S::load(gradient.as_ptr().add(y * gradient_row + x * stored + c)),
                    )
                };
                for wy in 0..pool.size[0] {
                    for wx in 0..pool.size[1] {
                        #[allow(clippy::cast_precision_loss, reason = "at most 254")]
                        let here = (wy * pool.size[1] + wx) as f32;
                        let at = plane.at(y * pool.stride[0] + wy, x * pool.stride[1] + wx) + c;
                        // SAFETY: only registers.
                        f(at, unsafe { S::keep_eq(place, S::splat(here), value) });
                    }
                }
            }
        }
    }
}

/// The gradient of one sample's input.
pub(crate) struct PoolBack<'a> {
    pub(crate) pooled: Pooled<'a>,
    /// Laid out as the input; is overwritten.
    pub(crate) input_gradient: &'a mut [f32],
}

impl Kernel for PoolBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let pooled = self.pooled;
        pooled.check();
        assert!(
            self.input_gradient.len() >= pooled.plane.len(),
            "gradient too short"
        );
        self.input_gradient.fill(0.0);
        let to = self.input_gradient.as_mut_ptr();
        for c in (0..pooled.plane.stored).step_by(LANES) {
            // SAFETY: the lengths are checked; `for_each` gives pixels of the input.
            unsafe {
                pooled.for_each::<S>(c, |at, value| {
                    S::store(to.add(at), S::add(value, S::load(to.add(at))));
                });
            }
        }
    }
}
