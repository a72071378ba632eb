//! Burn as an engine: its modules, its autodiff, its Adam, on two of its backends.
//!
//! This is how a Burn user would write the network, so that what is measured is what
//! the library costs. What is random is not left to it (see `weights` and
//! [`bakeoff_kernels::dropout_mask`]): its layers are made from our tensors directly, and its
//! generator is never touched.
//!
//! Both backends give the same bits with one and with several threads; the tests check
//! it. burn-flex and the gemm crate below it split matrix products, convolutions and
//! pools by output only. The one sum that burn-flex splits by thread, over a contiguous
//! tensor of more than four million values, does not occur here: the loss is a
//! mean over one batch. burn-ndarray splits by image, channel and output.

mod module;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bakeoff_kernels::{Batch, Network, Optimizer};
use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, Int, Tensor, TensorData},
};

use self::module::{BurnNetwork, Mode, values};
use crate::{
    engine::{EngineError, Functions, Learner, Scorer, Start, StepOutcome},
    weights::Weights,
};

/// The backend `burn-flex`.
pub(super) const FLEX: Option<Functions> = Some(Functions {
    learner: |start| learner(Device::flex(), start),
    scorer: |network, weights| scorer(Device::flex(), network, weights),
});

/// The backend `burn-ndarray`: deprecated by Burn, and here to be compared with its successor.
#[allow(deprecated)]
pub(super) const NDARRAY: Option<Functions> = Some(Functions {
    learner: |start| learner(Device::ndarray(), start),
    scorer: |network, weights| scorer(Device::ndarray(), network, weights),
});

fn learner(device: Device, start: &Start<'_>) -> Result<Box<dyn Learner>, EngineError> {
    let Optimizer::Adam(adam) = start.optimizer else {
        return Err(EngineError("it has no optimiser but Adam".to_owned()));
    };
    let device = device.autodiff();
    let module = catch_panic(|| BurnNetwork::new(start.network, start.weights, &device))?;
    let optimizer = AdamWConfig::new()
        .with_beta_1(adam.beta1)
        .with_beta_2(adam.beta2)
        .with_epsilon(adam.epsilon)
        .with_weight_decay(adam.weight_decay)
        .init();
    Ok(Box::new(BurnLearner {
        device,
        network: start.network.clone(),
        module: Some(module),
        optimizer,
        dropout_seed: start.dropout_seed,
    }))
}

fn scorer(device: Device, network: &Network, weights: &Weights) -> Result<Scorer, EngineError> {
    let module = catch_panic(|| BurnNetwork::new(network, weights, &device))?;
    let network = network.clone();
    Ok(Box::new(move |pixels| {
        catch_panic(|| values(module.forward(pictures(&network, pixels, &device), Mode::Predict)))
    }))
}

/// Runs a library that reports its errors by panicking.
fn catch_panic<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, EngineError> {
    let reason = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(reason)) => reason,
        Err(panic) => bakeoff_core::panic_text(&*panic).to_owned(),
    };
    Err(EngineError(reason))
}

/// A byte as the networks see it: x / 255, so that images lie in 0..=1.
fn scale_pixels(pixels: &[u8]) -> Vec<f32> {
    pixels.iter().map(|&byte| f32::from(byte) / 255.0).collect()
}

/// N×C×H×W bytes as a tensor on `device`.
fn pictures(network: &Network, pixels: &[u8], device: &Device) -> Tensor<4> {
    let shape = network.input();
    let count = pixels.len() / shape.pixels();
    let dims = [count, shape.channels, shape.height, shape.width];
    Tensor::from_data(TensorData::new(scale_pixels(pixels), dims), device)
}

struct BurnLearner {
    device: Device,
    network: Network,
    /// Empty only after a step that failed: Burn's optimiser takes the module by value.
    module: Option<BurnNetwork>,
    optimizer: ModuleOptimizer,
    dropout_seed: u64,
}

/// The error of a learner that is used after it failed.
const SPENT: &str = "an earlier step failed; start again";

impl Learner for BurnLearner {
    fn step(&mut self, batch: &Batch<'_>) -> Result<StepOutcome, EngineError> {
        let Self {
            device,
            network,
            module: slot,
            optimizer,
            dropout_seed,
        } = self;
        catch_panic(|| {
            let module = slot.take().ok_or(SPENT)?;
            let (pixels, labels) = batch.gather();
            let labels: Vec<i64> = labels.iter().map(|&label| label.into()).collect();
            let count = labels.len();
            let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), &*device);
            let mode = Mode::Train {
                dropout_seed: *dropout_seed,
                step: batch.step,
            };
            let scores = module.forward(pictures(network, &pixels, device), mode);
            let loss = CrossEntropyLossConfig::new()
                .init(device)
                .forward(scores.clone(), labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &module);
            *slot = Some(optimizer.step(batch.rate, module, gradients));
            Ok(StepOutcome {
                scores: values(scores.detach())?,
                score: None,
            })
        })
    }

    fn scores(&mut self, pixels: &[u8]) -> Result<Vec<f32>, EngineError> {
        catch_panic(|| {
            let module = self.module.as_ref().ok_or(SPENT)?.valid();
            let device = self.device.clone().without_autodiff();
            values(module.forward(pictures(&self.network, pixels, &device), Mode::Predict))
        })
    }

    fn weights(&mut self) -> Result<Weights, EngineError> {
        catch_panic(|| {
            let tensors = self.module.as_ref().ok_or(SPENT)?.tensors()?;
            Weights::from_values(&self.network, tensors).map_err(|error| error.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_scaled_to_one() {
        assert_eq!(scale_pixels(&[0, 51, 255]), [0.0, 0.2, 1.0]);
    }

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = |reason: &str| Err(EngineError(reason.into()));
        assert_eq!(
            catch_panic::<()>(|| panic!("bad shape {}", 3)),
            error("bad shape 3")
        );
        assert_eq!(catch_panic::<()>(|| panic!("bad")), error("bad"));
        assert_eq!(catch_panic(|| Ok(1)), Ok(1));
    }
}
