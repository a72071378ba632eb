//! Dense layers: forward, the gradient of the input, the gradient of the weights.
//!
//! Weights are panels of (inputs × 32 outputs); both numbers are padded to multiples of 32 and
//! the padding stays zero. The gradient of the input is the same product with the transposed
//! weights, of which layers that need it keep a copy.

use super::geometry::PANEL;
use super::simd::{Kernel, LANES, Simd};
use super::tile::{Base, Left, Right, Target, product};

/// Inputs summed in one go: a panel of that many rows stays in the first-level cache for all
/// samples of a chunk, and no sum in `f32` gets longer.
const SUM_BLOCK: usize = 256;

/// `output = input · weights + bias`, sample by sample.
pub(crate) struct Multiply<'a> {
    pub(crate) samples: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) input: &'a [f32],
    /// From one sample to the next.
    pub(crate) input_stride: usize,
    pub(crate) weights: &'a [f32],
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) relu: bool,
    pub(crate) output: &'a mut [f32],
    pub(crate) output_stride: usize,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            samples,
            inputs,
            outputs,
            input_stride,
            output_stride,
            ..
        } = self;
        if samples == 0 {
            return;
        }
        assert!(outputs % PANEL == 0, "outputs come in panels");
        assert!(
            self.input.len() >= (samples - 1) * input_stride + inputs,
            "input too short"
        );
        assert!(
            self.output.len() >= (samples - 1) * output_stride + outputs,
            "output too short"
        );
        assert!(self.weights.len() >= inputs * outputs, "too few weights");
        assert!(
            self.bias.is_none_or(|bias| bias.len() >= outputs),
            "too few biases"
        );
        for panel in (0..outputs).step_by(PANEL) {
            for from in (0..inputs).step_by(SUM_BLOCK) {
                let count = SUM_BLOCK.min(inputs - from);
                // SAFETY: rows, columns and sums lie inside the slices asserted above.
                unsafe {
                    product::<S>(
                        samples,
                        PANEL / LANES,
                        Left {
                            start: self.input.as_ptr().add(from),
                            row: input_stride,
                            step: 1,
                            len: count,
                            run: 0,
                            runs: 1,
                        },
                        Right {
                            start: self.weights.as_ptr().add(panel * inputs + from * PANEL),
                            width: PANEL,
                            run: 0,
                        },
                        Target {
                            start: self.output.as_mut_ptr().add(panel),
                            row: output_stride,
                            base: match self.bias {
                                _ if from > 0 => Base::Target,
                                Some(bias) => Base::Bias(bias.as_ptr().add(panel)),
                                None => Base::Zero,
                            },
                            relu: self.relu && from + count == inputs,
                        },
                    );
                }
            }
        }
    }
}

/// Gradient of a block of 32 inputs × 32 outputs of the weights, summed over the samples.
pub(crate) struct WeightGradient<'a> {
    pub(crate) samples: usize,
    /// From the block's first input of the first sample.
    pub(crate) input: &'a [f32],
    pub(crate) input_stride: usize,
    /// From the block's first output of the first sample.
    pub(crate) gradient: &'a [f32],
    pub(crate) gradient_stride: usize,
    /// 32 × 32; is overwritten.
    pub(crate) block: &'a mut [f32],
}

impl Kernel for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            samples,
            input_stride,
            gradient_stride,
            ..
        } = self;
        if samples == 0 {
            self.block.fill(0.0);
            return;
        }
        let last = samples - 1;
        assert!(
            self.input.len() >= last * input_stride + PANEL,
            "input too short"
        );
        assert!(
            self.gradient.len() >= last * gradient_stride + PANEL,
            "gradient too short"
        );
        assert!(self.block.len() >= PANEL * PANEL, "block too small");
        for from in (0..samples).step_by(SUM_BLOCK) {
            // SAFETY: 32 rows and columns of every sample lie inside the slices, as asserted.
            unsafe {
                product::<S>(
                    PANEL,
                    PANEL / LANES,
                    Left {
                        start: self.input.as_ptr().add(from * input_stride),
                        row: 1,
                        step: input_stride,
                        len: SUM_BLOCK.min(samples - from),
                        run: 0,
                        runs: 1,
                    },
                    Right {
                        start: self.gradient.as_ptr().add(from * gradient_stride),
                        width: gradient_stride,
                        run: 0,
                    },
                    Target {
                        start: self.block.as_mut_ptr(),
                        row: PANEL,
                        base: if from == 0 { Base::Zero } else { Base::Target },
                        relu: false,
                    },
                );
            }
        }
    }
}

/// `sum += Σ gradient` over the samples, and first cuts the gradient where ReLU cut the output.
pub(crate) struct BiasGradient<'a> {
    pub(crate) outputs: usize,
    pub(crate) gradient: &'a mut [f32],
    pub(crate) stride: usize,
    /// What the layer gave, laid out as the gradient, if it went through ReLU.
    pub(crate) output: Option<&'a [f32]>,
    /// If there are biases.
    pub(crate) sum: Option<&'a mut [f32]>,
}

impl Kernel for BiasGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self {
            outputs, stride, ..
        } = self;
        assert!(
            outputs % LANES == 0 && outputs <= stride,
            "outputs come in vectors"
        );
        let sum = self.sum.map(|sum| {
            assert!(sum.len() >= outputs, "too few biases");
            sum.as_mut_ptr()
        });
        if let Some(output) = self.output {
            assert!(output.len() >= self.gradient.len(), "output too short");
        }
        for (sample, row) in self.gradient.chunks_exact_mut(stride).enumerate() {
            for c in (0..outputs).step_by(LANES) {
                // SAFETY: `c + 16 <= outputs <= stride`, the length of a row of either slice.
                unsafe {
                    let at = row.as_mut_ptr().add(c);
                    let mut value = S::load(at);
                    if let Some(output) = self.output {
                        let zero = S::splat(0.0);
                        let output = S::load(output.as_ptr().add(sample * stride + c));
                        value = S::select_gt(output, zero, value, zero);
                        S::store(at, value);
                    }
                    if let Some(sum) = sum {
                        let sum = sum.add(c);
                        S::store(sum, S::add(S::load(sum), value));
                    }
                }
            }
        }
    }
}
