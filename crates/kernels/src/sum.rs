//! The sum of two planes, as a residual connection needs it.

use super::geometry::Plane;
use super::simd::{Kernel, Simd};

/// One sample of a plane.
#[derive(Clone, Copy)]
pub(crate) struct Sample<'a> {
    pub(crate) plane: &'a Plane,
    pub(crate) values: &'a [f32],
}

impl<'a> Sample<'a> {
    #[inline(always)]
    fn row(self, y: usize, count: usize) -> &'a [f32] {
        &self.values[self.plane.at(y, 0)..][..count]
    }
}

/// `output = first`, with what is to be added.
pub(crate) struct Sum<'a> {
    pub(crate) first: Sample<'a>,
    pub(crate) second: Summand<'a>,
    pub(crate) plane: &'a Plane,
    pub(crate) output: &'a mut [f32],
}

/// What is added to the first sample.
#[derive(Clone, Copy)]
pub(crate) enum Summand<'a> {
    Other(Sample<'a>),
    Output,
    Nothing,
}

impl Kernel for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            first,
            second,
            plane,
            output,
        } = self;
        let count = plane.width * plane.stored;
        for y in 0..plane.height {
            let to = &mut output[plane.at(y, 0)..][..count];
            let first = first.row(y, count);
            match second {
                Summand::Other(second) => {
                    for ((to, a), b) in to.iter_mut().zip(first).zip(second.row(y, count)) {
                        *to = a + b;
                    }
                }
                Summand::Output => {
                    for (to, a) in to.iter_mut().zip(first) {
                        *to += a;
                    }
                }
                Summand::Nothing => to.copy_from_slice(first),
            }
        }
    }
}
