//! The kernels of `bakeoff-kernels` as an engine, with instructions chosen at run time.
//!
//! It is given exactly the work that the Burn engines are given (first values, batches,
//! dropout masks), so the tests compare it with them step by step.

use bakeoff_kernels::{Batch, Isa, Network, Predictor, Trainer};

use crate::{
    engine::{EngineError, Functions, Learner, StepOutcome},
    weights::Weights,
};

pub(super) const FUNCTIONS: Functions = Functions {
    learner: |start| {
        let trainer = Trainer::new(
            start.network,
            start.weights.values(),
            start.optimizer,
            start.dropout_seed,
            Isa::detect(),
        )?
        .with_class_weights(start.class_weights)
        .with_label_smoothing(start.label_smoothing)
        .with_average(start.average);
        Ok(Box::new(NativeLearner {
            network: start.network.clone(),
            trainer,
            predictor: None,
        }))
    },
    scorer: |network, weights| {
        let predictor = Predictor::new(network, weights.values(), Isa::detect())?;
        Ok(Box::new(move |pixels| Ok(predictor.scores(pixels)?)))
    },
};

struct NativeLearner {
    network: Network,
    trainer: Trainer,
    /// Answers with the weights as they are; made when it is needed, dropped by the next step.
    predictor: Option<Predictor>,
}

impl Learner for NativeLearner {
    fn step(&mut self, batch: &Batch<'_>) -> Result<StepOutcome, EngineError> {
        self.predictor = None;
        let score = self.trainer.step(batch)?;
        Ok(StepOutcome {
            scores: self.trainer.last_scores(),
            score: Some(score),
        })
    }

    fn scores(&mut self, pixels: &[u8]) -> Result<Vec<f32>, EngineError> {
        let predictor = match self.predictor.take() {
            Some(predictor) => predictor,
            None => {
                self.trainer.rest();
                self.trainer.predictor()?
            }
        };
        Ok(self.predictor.insert(predictor).scores(pixels)?)
    }

    fn weights(&mut self) -> Result<Weights, EngineError> {
        // A copy of the weights at a time: those of large images are most of a fit's memory.
        self.predictor = None;
        Ok(Weights::from_values(&self.network, self.trainer.values())?)
    }

    fn kernel(&self) -> Option<&'static str> {
        Some(self.trainer.isa().name())
    }
}
