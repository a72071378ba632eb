//! Stochastic gradient descent with Nesterov's momentum, in one pass over the parameters.
//!
//! Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013),
//! in PyTorch's form: `m = momentum · m + g`, `w = w − rate · (g + momentum · m)`. Weight decay is
//! decoupled, as of the other optimisers (Loshchilov and Hutter 2019, algorithm 1); PyTorch's
//! `weight_decay`, which is added to the gradient, is the same only without momentum.

use super::adam::flushed;
use super::simd::{Kernel, LANES, Simd};

/// Constants of the optimiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// What stays of the sum of past gradients in each step, in `0..1`.
    pub momentum: f32,
    /// Each step multiplies every trained value by 1 − rate × this.
    pub weight_decay: f32,
}

/// What all parameters share in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SgdStep {
    momentum: f32,
    rate: f32,
    /// What decay leaves of a parameter.
    keep: f32,
}

impl Sgd {
    pub(crate) fn step(&self, rate: f32) -> SgdStep {
        SgdStep {
            momentum: self.momentum,
            rate,
            keep: 1.0 - rate * self.weight_decay,
        }
    }
}

/// One step of slices of equal length.
pub(crate) struct SgdUpdate<'a> {
    pub(crate) step: SgdStep,
    pub(crate) gradient: &'a [f32],
    pub(crate) values: &'a mut [f32],
    pub(crate) momenta: &'a mut [f32],
}

impl Kernel for SgdUpdate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let len = self.values.len();
        assert!(len.is_multiple_of(LANES), "parameters come in vectors");
        assert!(
            self.gradient.len() == len && self.momenta.len() == len,
            "slices of different length"
        );
        // SAFETY: `at + 16 <= len`, the length of all three slices.
        unsafe {
            let momentum = S::splat(self.step.momentum);
            let (rate, keep) = (S::splat(self.step.rate), S::splat(self.step.keep));
            for at in (0..len).step_by(LANES) {
                let gradient = S::load(self.gradient.as_ptr().add(at));
                let moment = self.momenta.as_mut_ptr().add(at);
                let value = self.values.as_mut_ptr().add(at);
                let m = S::fma(momentum, S::load(moment), gradient);
                let m = flushed::<S>(m);
                let change = S::mul(rate, S::fma(momentum, m, gradient));
                S::store(moment, m);
                S::store(value, S::sub(S::mul(keep, S::load(value)), change));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    /// `torch.optim.SGD(lr=rate, momentum=…, nesterov=True)` as its documentation has it, in `f64`,
    /// with decoupled decay.
    fn plain(sgd: Sgd, rate: f64, gradients: &[Vec<f32>], start: &[f32]) -> Vec<f64> {
        let momentum = f64::from(sgd.momentum);
        let mut values: Vec<f64> = start.iter().map(|&v| f64::from(v)).collect();
        let mut buffer: Option<Vec<f64>> = None;
        for gradients in gradients {
            let gradients: Vec<f64> = gradients.iter().map(|&g| f64::from(g)).collect();
            let moved = match buffer {
                None => gradients.clone(),
                Some(old) => old
                    .iter()
                    .zip(&gradients)
                    .map(|(b, g)| momentum * b + g)
                    .collect(),
            };
            for ((value, b), g) in values.iter_mut().zip(&moved).zip(&gradients) {
                *value -= rate * f64::from(sgd.weight_decay) * *value;
                *value -= rate * (g + momentum * b);
            }
            buffer = Some(moved);
        }
        values
    }

    #[test]
    fn steps_agree_with_the_plain_formulas() {
        let start: Vec<f32> = (0..48).map(|i| (i as f32 * 0.37).sin()).collect();
        let gradients: Vec<Vec<f32>> = (0..30)
            .map(|t| {
                (0..48)
                    .map(|i| ((i * 7 + t * 3) as f32).cos() * 0.1)
                    .collect()
            })
            .collect();
        for (momentum, weight_decay) in [(0.9, 0.0), (0.9, 0.1), (0.0, 0.1)] {
            let sgd = Sgd {
                momentum,
                weight_decay,
            };
            let expected = plain(sgd, 0.02, &gradients, &start);
            for isa in Isa::available() {
                let mut values = start.clone();
                let mut momenta = vec![0.0; 48];
                for gradient in &gradients {
                    isa.run(SgdUpdate {
                        step: sgd.step(0.02),
                        gradient,
                        values: &mut values,
                        momenta: &mut momenta,
                    });
                }
                for (ours, exact) in values.iter().zip(&expected) {
                    let error = (f64::from(*ours) - exact).abs();
                    assert!(error < 1e-5, "{ours}, exactly {exact}");
                }
            }
        }
    }

    #[test]
    fn two_steps_are_those_of_pytorch() {
        // w = torch.tensor([1.0]); torch.optim.SGD([w], lr=0.1, momentum=0.9, nesterov=True);
        // gradients 0.5 and −0.25: w = 0.905, then w = 0.905 − 0.1 · (−0.25 + 0.9 · 0.2).
        let sgd = Sgd {
            momentum: 0.9,
            weight_decay: 0.0,
        };
        let (mut values, mut momenta) = ([1.0; 16], [0.0; 16]);
        for (gradient, expected) in [(0.5, 0.905), (-0.25, 0.912)] {
            Isa::detect().run(SgdUpdate {
                step: sgd.step(0.1),
                gradient: &[gradient; 16],
                values: &mut values,
                momenta: &mut momenta,
            });
            assert!((values[0] - expected).abs() < 1e-6, "{}", values[0]);
        }
    }
}
