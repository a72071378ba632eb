//! Adam and AdamW in one pass over the parameters.
//!
//! Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1 with the
//! bias corrections folded into the step; Loshchilov and Hutter, "Decoupled Weight Decay
//! Regularization" (2019), algorithm 2, for the decay.
//!
//! Moments of parameters without gradient decay towards zero and become denormal, on which
//! processors compute up to a hundred times slower: below 1e-30 they are set to zero. That
//! changes no parameter: the step it leaves out is 1e-22 times the learning rate. Rejected:
//! the processor's flush-to-zero mode, which the language does not let a library change.

use super::simd::{Kernel, LANES, Simd};

/// Constants of the optimiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the root of the mean square.
    pub epsilon: f32,
    /// Decoupled weight decay (AdamW): each step multiplies every trained value by
    /// 1 − rate × this. 0 is plain Adam.
    pub weight_decay: f32,
}

impl Default for Adam {
    /// As Keras has them: 0.9, 0.999, 1e-7, no decay.
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-7,
            weight_decay: 0.0,
        }
    }
}

/// What all parameters share in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamStep {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    /// Learning rate over the first bias correction.
    rate: f32,
    /// One over the root of the second bias correction.
    root: f32,
    /// What decay leaves of a parameter.
    keep: f32,
}

impl Adam {
    /// Step number `step`, counted from 1.
    #[allow(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
    pub(crate) fn step(&self, step: u64, learning_rate: f32) -> AdamStep {
        let power = |beta: f32| 1.0 - f64::from(beta).powf(step as f64);
        AdamStep {
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            rate: (f64::from(learning_rate) / power(self.beta1)) as f32,
            root: (1.0 / power(self.beta2).sqrt()) as f32,
            keep: 1.0 - learning_rate * self.weight_decay,
        }
    }
}

/// One step of slices of equal length.
pub(crate) struct AdamUpdate<'a> {
    pub(crate) step: AdamStep,
    pub(crate) gradient: &'a [f32],
    pub(crate) values: &'a mut [f32],
    pub(crate) means: &'a mut [f32],
    pub(crate) squares: &'a mut [f32],
}

/// Moments below become zero: processors are slow at denormal numbers.
const SMALLEST: f32 = 1e-30;

/// Moments, where they are large enough; what is not a number stays so.
///
/// # Safety
///
/// As for [`Simd`].
#[inline(always)]
pub(crate) unsafe fn flushed<S: Simd>(moments: S::V) -> S::V {
    // SAFETY: as the caller guarantees; only registers.
    unsafe {
        let zero = S::splat(0.0);
        let size = S::max(moments, S::sub(zero, moments));
        // In this order, because comparisons with what is not a number are false.
        S::select_gt(S::splat(SMALLEST), size, zero, moments)
    }
}

impl Kernel for AdamUpdate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let len = self.values.len();
        assert!(len.is_multiple_of(LANES), "parameters come in vectors");
        assert!(
            self.gradient.len() == len && self.means.len() == len && self.squares.len() == len,
            "slices of different length"
        );
        let AdamStep {
            beta1,
            beta2,
            epsilon,
            rate,
            root,
            keep,
        } = self.step;
        // SAFETY: `at + 16 <= len`, the length of all four slices.
        unsafe {
            let (zero, smallest) = (S::splat(0.0), S::splat(SMALLEST));
            let (beta1, rest1) = (S::splat(beta1), S::splat(1.0 - beta1));
            let (beta2, rest2) = (S::splat(beta2), S::splat(1.0 - beta2));
            let (epsilon, rate) = (S::splat(epsilon), S::splat(rate));
            let (root, keep) = (S::splat(root), S::splat(keep));
            for at in (0..len).step_by(LANES) {
                let gradient = S::load(self.gradient.as_ptr().add(at));
                let mean = self.means.as_mut_ptr().add(at);
                let square = self.squares.as_mut_ptr().add(at);
                let value = self.values.as_mut_ptr().add(at);
                let m = S::fma(beta1, S::load(mean), S::mul(rest1, gradient));
                let m = flushed::<S>(m);
                let v = S::fma(
                    beta2,
                    S::load(square),
                    S::mul(S::mul(rest2, gradient), gradient),
                );
                // It has no sign.
                let v = S::select_gt(smallest, v, zero, v);
                let scale = S::fma(S::sqrt(v), root, epsilon);
                let change = S::div(S::mul(rate, m), scale);
                S::store(mean, m);
                S::store(square, v);
                S::store(value, S::sub(S::mul(keep, S::load(value)), change));
            }
        }
    }
}

/// `sum = Σ parts` in the order of the parts, which lie `stride` apart.
pub(crate) struct Reduce<'a> {
    pub(crate) parts: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) count: usize,
    pub(crate) sum: &'a mut [f32],
}

impl Kernel for Reduce<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let len = self.sum.len();
        assert!(len.is_multiple_of(LANES), "parameters come in vectors");
        assert!(
            self.count > 0 && self.parts.len() >= (self.count - 1) * self.stride + len,
            "parts too short"
        );
        for at in (0..len).step_by(LANES) {
            // SAFETY: `at + 16 <= len`, and every part has `len` numbers, as asserted.
            unsafe {
                let mut sum = S::load(self.parts.as_ptr().add(at));
                for part in 1..self.count {
                    sum = S::add(
                        sum,
                        S::load(self.parts.as_ptr().add(part * self.stride + at)),
                    );
                }
                S::store(self.sum.as_mut_ptr().add(at), sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    /// The papers' formulas as they stand there, in `f64`.
    fn plain(adam: &Adam, rate: f64, gradients: &[Vec<f32>], start: &[f32]) -> Vec<f64> {
        let mut values: Vec<f64> = start.iter().map(|&v| f64::from(v)).collect();
        let (mut m, mut v) = (vec![0.0; start.len()], vec![0.0; start.len()]);
        let (beta1, beta2) = (f64::from(adam.beta1), f64::from(adam.beta2));
        for (t, gradients) in gradients.iter().enumerate() {
            for (i, &g) in gradients.iter().enumerate() {
                let g = f64::from(g);
                m[i] = beta1 * m[i] + (1.0 - beta1) * g;
                v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
                let power = i32::try_from(t + 1).unwrap();
                let (mean, square) = (
                    m[i] / (1.0 - beta1.powi(power)),
                    v[i] / (1.0 - beta2.powi(power)),
                );
                values[i] -= rate * f64::from(adam.weight_decay) * values[i];
                values[i] -= rate * mean / (square.sqrt() + f64::from(adam.epsilon));
            }
        }
        values
    }

    #[test]
    fn steps_agree_with_the_plain_formulas() {
        let adam = Adam {
            weight_decay: 0.1,
            ..Adam::default()
        };
        let start: Vec<f32> = (0..48).map(|i| (i as f32 * 0.37).sin()).collect();
        let gradients: Vec<Vec<f32>> = (0..30)
            .map(|t| {
                (0..48)
                    .map(|i| ((i * 7 + t * 3) as f32).cos() * 0.01 * i as f32)
                    .collect()
            })
            .collect();
        let expected = plain(&adam, 0.02, &gradients, &start);
        for isa in Isa::available() {
            let mut values = start.clone();
            let (mut means, mut squares) = (vec![0.0; 48], vec![0.0; 48]);
            for (t, gradient) in (1..).zip(&gradients) {
                let step = adam.step(t, 0.02);
                let (values, means, squares) = (&mut values, &mut means, &mut squares);
                isa.run(AdamUpdate {
                    step,
                    gradient,
                    values,
                    means,
                    squares,
                });
            }
            for (ours, exact) in values.iter().zip(&expected) {
                assert!(
                    (f64::from(*ours) - exact).abs() < 1e-5,
                    "{ours}, exactly {exact}"
                );
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn moments_never_become_denormal() {
        for isa in Isa::available() {
            let (mut values, mut means, mut squares) = ([1.0; 16], [0.0; 16], [0.0; 16]);
            for t in 1..=100_000 {
                let gradient = if t == 1 { [1e-3; 16] } else { [0.0; 16] };
                let step = Adam::default().step(t, 1e-3);
                let (values, means, squares) = (&mut values, &mut means, &mut squares);
                isa.run(AdamUpdate {
                    step,
                    gradient: &gradient,
                    values,
                    means,
                    squares,
                });
                assert!(
                    means
                        .iter()
                        .chain(squares.iter())
                        .all(|m| *m == 0.0 || m.is_normal())
                );
            }
            assert_eq!((means, squares), ([0.0; 16], [0.0; 16]));
        }
    }

    #[test]
    fn parts_are_summed_in_order() {
        // 1e8 + 1 − 1e8 is 0 in this order and 1 in another.
        let parts: Vec<f32> = [1e8, 1.0, -1e8].into_iter().flat_map(|v| [v; 32]).collect();
        for isa in Isa::available() {
            let mut sum = [7.0; 16];
            isa.run(Reduce {
                parts: &parts,
                stride: 32,
                count: 3,
                sum: &mut sum,
            });
            assert_eq!(sum, [0.0; 16]);
        }
    }
}
