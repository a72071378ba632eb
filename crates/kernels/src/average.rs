//! An average of the weights over the steps of a fit, which gives the answers.
//!
//! Averages of the iterates: Polyak and Juditsky (1992); with shares that fall exponentially:
//! Tarvainen and Valpola, "Mean teachers are better role models" (2017). Each step
//! `average = share · average + (1 − share) · values`. The first steps keep less, so that the first
//! values do not weigh for long: as `tf.train.ExponentialMovingAverage` has it.
//!
//! Running statistics of batch norm are averaged with the same shares. They belong to the
//! weights they were measured with, and follow those within ten steps, where an average takes a
//! hundred or more. Rejected: measuring them anew with the averaged weights, another pass over
//! the training data before every validation.

use super::simd::{Kernel, LANES, Simd};

/// The share of the average that stays in step number `step`, from 0, where it is `share` in the
/// end.
pub(crate) fn share_at(share: f32, step: u64) -> f32 {
    let step = step as f64;
    share.min(((1.0 + step) / (10.0 + step)) as f32)
}

/// One step of slices of equal length.
pub(crate) struct Average<'a> {
    /// What stays of the average.
    pub(crate) share: f32,
    pub(crate) values: &'a [f32],
    pub(crate) average: &'a mut [f32],
}

impl Kernel for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let len = self.values.len();
        assert!(len.is_multiple_of(LANES), "parameters come in vectors");
        assert_eq!(self.average.len(), len, "slices of different length");
        // SAFETY: `at + 16 <= len`, the length of both slices.
        unsafe {
            let rest = S::splat(1.0 - self.share);
            for at in (0..len).step_by(LANES) {
                let value = S::load(self.values.as_ptr().add(at));
                let to = self.average.as_mut_ptr().add(at);
                let old = S::load(to);
                // In this form what stays the same does so to the last bit.
                S::store(to, S::fma(rest, S::sub(value, old), old));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_keep_less() {
        assert_eq!(share_at(0.99, 0), 0.1);
        assert_eq!(share_at(0.99, 8), 0.5);
        assert_eq!(share_at(0.99, 10_000), 0.99);
        assert_eq!(share_at(0.05, 0), 0.05);
    }
}
