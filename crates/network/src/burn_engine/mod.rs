//! Burn as an engine: its modules, its autodiff, its Adam, on two of its backends.
//!
//! This is how a Burn user would write the network, so that what is measured is what
//! the library costs. What is random is not left to it (see [`crate::Weights`] and
//! [`crate::DropoutMasks`]): its layers are made from our tensors directly, and its
//! generator is never touched.
//!
//! Both backends give the same bits with one and with several threads; the tests check
//! it. burn-flex and the gemm crate below it split matrix products, convolutions and
//! pools by output only. The one sum that burn-flex splits by thread, over a contiguous
//! tensor of more than four million values, does not occur here: the loss is a
//! mean over one batch. burn-ndarray splits by picture, channel and output.

mod module;

use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, Int, Tensor, TensorData},
};

use self::module::{BurnNetwork, Mode};
use crate::{
    AdamOptions, Batch, DropoutMasks, EngineError, Learner, Network, NetworkEngine, Predictor,
    Weights, engine::catch_panic, scale_pixels,
};

/// A Burn backend as an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BurnEngine {
    /// `burn-flex`.
    Flex,
    /// `burn-ndarray`, deprecated by Burn in favour of `burn-flex`.
    NdArray,
}

impl BurnEngine {
    fn device(self) -> Device {
        match self {
            Self::Flex => Device::flex(),
            // Deprecated by Burn, and here to be compared with its successor.
            #[allow(deprecated)]
            Self::NdArray => Device::ndarray(),
        }
    }
}

impl NetworkEngine for BurnEngine {
    fn name(&self) -> &'static str {
        match self {
            Self::Flex => "burn-flex",
            Self::NdArray => "burn-ndarray",
        }
    }

    fn learner(
        &self,
        network: &Network,
        weights: &Weights,
        adam: AdamOptions,
        dropout: DropoutMasks,
    ) -> Result<Box<dyn Learner>, EngineError> {
        let device = self.device().autodiff();
        let module = catch_panic(self.name(), || BurnNetwork::new(network, weights, &device))?;
        let optimizer = AdamWConfig::new()
            .with_beta_1(adam.beta1)
            .with_beta_2(adam.beta2)
            .with_epsilon(adam.epsilon)
            .with_weight_decay(adam.weight_decay)
            .init();
        Ok(Box::new(BurnLearner {
            engine: self.name(),
            device,
            network: network.clone(),
            module: Some(module),
            optimizer,
            dropout,
        }))
    }

    fn predictor(
        &self,
        network: &Network,
        weights: &Weights,
    ) -> Result<Box<dyn Predictor>, EngineError> {
        let device = self.device();
        let module = catch_panic(self.name(), || BurnNetwork::new(network, weights, &device))?;
        Ok(Box::new(BurnPredictor {
            engine: self.name(),
            device,
            network: network.clone(),
            module,
        }))
    }
}

/// N×C×H×W bytes as a tensor on `device`.
fn pictures(network: &Network, pixels: &[u8], device: &Device) -> Tensor<4> {
    let shape = network.input();
    let count = pixels.len() / shape.pixels();
    let dims = [count, shape.channels, shape.height, shape.width];
    Tensor::from_data(TensorData::new(scale_pixels(pixels), dims), device)
}

/// A tensor's values, row-major.
fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    tensor
        .try_into_data()
        .map_err(|error| error.to_string())?
        .try_into_vec::<f32>()
        .map_err(|error| format!("{error:?}"))
}

struct BurnLearner {
    engine: &'static str,
    device: Device,
    network: Network,
    /// Empty only after a step that failed: Burn's optimiser takes the module by value.
    module: Option<BurnNetwork>,
    optimizer: ModuleOptimizer,
    dropout: DropoutMasks,
}

/// What a learner says that was used after it failed.
const SPENT: &str = "an earlier step failed; start again";

impl Learner for BurnLearner {
    fn step(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>, EngineError> {
        let Self {
            device,
            network,
            module: slot,
            optimizer,
            dropout,
            ..
        } = self;
        catch_panic(self.engine, || {
            let module = slot.take().ok_or(SPENT)?;
            let (pixels, labels) = batch.gather();
            let labels: Vec<i64> = labels.iter().map(|&label| label.into()).collect();
            let count = labels.len();
            let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), &*device);
            let mode = Mode::Train {
                masks: *dropout,
                step: batch.step,
            };
            let scores = module.forward(pictures(network, &pixels, device), mode);
            let loss = CrossEntropyLossConfig::new()
                .init(device)
                .forward(scores.clone(), labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &module);
            *slot = Some(optimizer.step(batch.rate, module, gradients));
            values(scores.detach())
        })
    }

    fn scores(&mut self, pixels: &[u8]) -> Result<Vec<f32>, EngineError> {
        catch_panic(self.engine, || {
            let module = self.module.as_ref().ok_or(SPENT)?.valid();
            let device = self.device.clone().without_autodiff();
            values(module.forward(pictures(&self.network, pixels, &device), Mode::Predict))
        })
    }

    fn weights(&mut self) -> Result<Weights, EngineError> {
        catch_panic(self.engine, || {
            let tensors = self.module.as_ref().ok_or(SPENT)?.tensors()?;
            Weights::from_values(&self.network, tensors).map_err(|error| error.to_string())
        })
    }
}

struct BurnPredictor {
    engine: &'static str,
    device: Device,
    network: Network,
    module: BurnNetwork,
}

impl Predictor for BurnPredictor {
    fn scores(&self, pixels: &[u8]) -> Result<Vec<f32>, EngineError> {
        catch_panic(self.engine, || {
            let pictures = pictures(&self.network, pixels, &self.device);
            values(self.module.forward(pictures, Mode::Predict))
        })
    }
}
