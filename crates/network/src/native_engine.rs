//! Our kernels as an engine.
//!
//! It is given exactly the work that the Burn engines are given (first values, batches,
//! dropout masks), so the tests can hold it to them step by step.

use crate::{
    AdamOptions, Batch, DropoutMasks, EngineError, Layer, Learner, Network, NetworkEngine,
    Predictor, Weights,
};
use bakeoff_kernels::{self as kernels, Architecture, Isa, PixelScale, Pixels, Settings, Tensor};

/// Fused kernels with instructions chosen at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NativeEngine;

const NAME: &str = "native";

fn error(error: impl ToString) -> EngineError {
    EngineError {
        engine: NAME,
        reason: error.to_string(),
    }
}

impl NetworkEngine for NativeEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn learner(
        &self,
        network: &Network,
        weights: &Weights,
        adam: AdamOptions,
        dropout: DropoutMasks,
    ) -> Result<Box<dyn Learner>, EngineError> {
        let settings = Settings {
            adam: kernels::Adam {
                beta1: adam.beta1,
                beta2: adam.beta2,
                epsilon: adam.epsilon,
                weight_decay: adam.weight_decay,
            },
            pixel_scale: PixelScale::default(),
            seed: dropout.seed(),
            isa: Isa::detect(),
        };
        let learning = kernels::Trainer::new(&architecture(network), &tensors(weights), settings)
            .map_err(error)?;
        Ok(Box::new(NativeLearner {
            network: network.clone(),
            learning,
            answering: None,
            last_score: None,
        }))
    }

    fn predictor(
        &self,
        network: &Network,
        weights: &Weights,
    ) -> Result<Box<dyn Predictor>, EngineError> {
        let predictor = kernels::Predictor::new(
            &architecture(network),
            &tensors(weights),
            PixelScale::default(),
            Isa::detect(),
        )
        .map_err(error)?;
        Ok(Box::new(NativePredictor {
            predictor,
            values: network.input().pixels(),
        }))
    }
}

/// A network in the words of the kernels.
fn architecture(network: &Network) -> Architecture {
    let input = network.input();
    let layers = network.layers().iter().map(|layer| match layer {
        Layer::Conv(conv) => kernels::Layer::Convolution {
            channels: conv.output.channels,
            kernel: conv.kernel,
            stride: [conv.stride; 2],
            padding: conv.pad,
            batch_norm: conv.norm,
            relu: true,
        },
        Layer::MaxPool(pool) => kernels::Layer::MaxPool {
            size: [pool.size; 2],
            stride: [pool.stride; 2],
        },
        Layer::Dense(dense) => kernels::Layer::Dense {
            units: dense.outputs,
            batch_norm: dense.norm,
            relu: dense.relu,
        },
        Layer::Dropout(dropout) => kernels::Layer::Dropout {
            // Nothing finer than this tells two rates apart in a mask.
            rate: dropout.rate as f32,
        },
    });
    Architecture {
        input: [input.channels, input.height, input.width],
        layers: layers.collect(),
    }
}

/// Weights in the words of the kernels; names and layouts are the same.
fn tensors(weights: &Weights) -> Vec<Tensor> {
    let tensors = weights.iter().map(|(spec, values)| Tensor {
        name: spec.name.clone(),
        shape: spec.shape.clone(),
        values: values.to_vec(),
    });
    tensors.collect()
}

struct NativeLearner {
    network: Network,
    learning: kernels::Trainer,
    /// What answers with the weights as they are; made when asked for, gone with the
    /// next step.
    answering: Option<kernels::Predictor>,
    last_score: Option<kernels::Score>,
}

impl Learner for NativeLearner {
    fn step(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>, EngineError> {
        self.answering = None;
        let pixels = Pixels::U8(batch.pixels);
        let samples = match batch.rows {
            Some(rows) => kernels::Batch::rows(pixels, batch.labels, rows),
            None => kernels::Batch::all(pixels, batch.labels),
        };
        self.last_score = None;
        let score = self
            .learning
            .train_step(&samples, batch.rate as f32)
            .map_err(error)?;
        self.last_score = Some(score);
        Ok(self.learning.last_logits())
    }

    fn last_score(&self) -> Option<kernels::Score> {
        self.last_score
    }

    fn scores(&mut self, pixels: &[u8]) -> Result<Vec<f32>, EngineError> {
        let predictor = match self.answering.take() {
            Some(predictor) => predictor,
            None => self.learning.predictor().map_err(error)?,
        };
        let scores = predictor.logits(Pixels::U8(pixels)).map_err(error);
        self.answering = Some(predictor);
        scores
    }

    fn weights(&mut self) -> Result<Weights, EngineError> {
        let mut found = self.learning.parameters();
        let values = self.network.tensors().into_iter().map(|spec| {
            let position = found.iter().position(|tensor| tensor.name == spec.name);
            position.map_or_else(Vec::new, |position| found.swap_remove(position).values)
        });
        Weights::from_values(&self.network, values.collect::<Vec<_>>()).map_err(error)
    }
}

struct NativePredictor {
    predictor: kernels::Predictor,
    /// Bytes of one picture.
    values: usize,
}

impl Predictor for NativePredictor {
    fn scores(&self, pixels: &[u8]) -> Result<Vec<f32>, EngineError> {
        if pixels.len() != self.values {
            return self.predictor.logits(Pixels::U8(pixels)).map_err(error);
        }
        // One picture is answered on the calling thread: waking another costs more.
        let mut scores = vec![0.0; self.predictor.classes()];
        self.predictor
            .logits_one(Pixels::U8(pixels), &mut scores)
            .map_err(error)?;
        Ok(scores)
    }
}
