//! Average pooling.

use super::geometry::{Plane, Pool};
use super::simd::{Kernel, Simd};

/// Mean over each window of one sample.
pub(crate) struct AveragePoolForward<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) input_plane: &'a Plane,
    pub(crate) input: &'a [f32],
    pub(crate) plane: &'a Plane,
    pub(crate) output: &'a mut [f32],
}

impl Kernel for AveragePoolForward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let stored = self.plane.stored;
        let share = 1.0 / area(self.pool);
        for_each_window(self.pool, |[py, px], window| {
            let output = &mut self.output[self.plane.at(py, px)..][..stored];
            output.fill(0.0);
            for [y, x] in window {
                let input = &self.input[self.input_plane.at(y, x)..][..stored];
                for (sum, value) in output.iter_mut().zip(input) {
                    *sum += value;
                }
            }
            for value in output {
                *value *= share;
            }
        });
    }
}

/// The gradient of one sample's input.
pub(crate) struct AveragePoolBack<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) plane: &'a Plane,
    /// Of the means, laid out as `plane`.
    pub(crate) gradient: &'a [f32],
    pub(crate) input_plane: &'a Plane,
    /// Laid out as the input; is overwritten.
    pub(crate) input_gradient: &'a mut [f32],
}

impl Kernel for AveragePoolBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let stored = self.plane.stored;
        let share = 1.0 / area(self.pool);
        self.input_gradient.fill(0.0);
        for_each_window(self.pool, |[py, px], window| {
            let gradient = &self.gradient[self.plane.at(py, px)..][..stored];
            for [y, x] in window {
                let to = &mut self.input_gradient[self.input_plane.at(y, x)..][..stored];
                for (sum, value) in to.iter_mut().zip(gradient) {
                    *sum += value * share;
                }
            }
        });
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "an image has fewer than 2^24 pixels, or rounds"
)]
fn area(pool: &Pool) -> f32 {
    pool.area() as f32
}

/// Calls `f` with the place of each result and the places of its window.
#[inline(always)]
fn for_each_window(pool: &Pool, mut f: impl FnMut([usize; 2], Places)) {
    for y in 0..pool.output[0] {
        for x in 0..pool.output[1] {
            let first = [y * pool.stride[0], x * pool.stride[1]];
            let places = Places {
                first,
                size: pool.size,
                next: 0,
            };
            f([y, x], places);
        }
    }
}

/// Rows and columns of a window, row by row.
struct Places {
    first: [usize; 2],
    size: [usize; 2],
    next: usize,
}

impl Iterator for Places {
    type Item = [usize; 2];

    #[inline(always)]
    fn next(&mut self) -> Option<[usize; 2]> {
        let [rows, columns] = self.size;
        let (y, x) = (self.next / columns, self.next % columns);
        self.next += 1;
        (y < rows).then_some([self.first[0] + y, self.first[1] + x])
    }
}
