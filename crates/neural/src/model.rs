//! A network as the rest of the house sees it: a [`Classifier`] and a [`FittedModel`].

use bakeoff_core::{
    Classifier, DataShape, Engine, FitContext, FitError, FittedModel, ImageShape, Images, Layers,
    ModelHeader, ModelReader, ModelSpec, ModelWriter, PredictError, Probabilities, Samples,
    SpecError, StoreError,
};

use crate::{
    Blueprint, BurnEngine, NativeEngine, Network, NetworkEngine, Predictor, Training, Weights,
    describe::describe,
    train::{SCORE_CHUNK, train},
};

/// The engines of both families; the first is the default.
pub const ENGINES: &[Engine] = &[
    Engine {
        name: "native",
        summary: "fused kernels of this project: AVX-512, AVX2, NEON or portable",
        deterministic: true,
    },
    Engine {
        name: "burn-flex",
        summary: "Burn's own CPU backend, on the gemm crate",
        deterministic: true,
    },
    Engine {
        name: "burn-ndarray",
        summary: "Burn's older CPU backend, on ndarray; slow at convolutions",
        deterministic: true,
    },
];

/// The engine called `name`.
fn engine(name: &str) -> Option<&'static dyn NetworkEngine> {
    match name {
        "native" => Some(&NativeEngine),
        "burn-flex" => Some(&BurnEngine::Flex),
        "burn-ndarray" => Some(&BurnEngine::NdArray),
        _ => None,
    }
}

/// A network recipe: a blueprint and how to train it.
pub struct NetworkClassifier {
    spec: ModelSpec,
    engine: &'static dyn NetworkEngine,
    blueprint: Blueprint,
    training: Training,
}

impl NetworkClassifier {
    /// A recipe from a resolved spec and the blueprint that the family made of it.
    ///
    /// # Errors
    /// When training settings contradict each other, or the engine is not one of [`ENGINES`].
    pub fn new(spec: &ModelSpec, blueprint: Blueprint) -> Result<Self, SpecError> {
        let engine = engine(&spec.engine).ok_or_else(|| SpecError::UnknownEngine {
            family: spec.family.clone(),
            engine: spec.engine.clone(),
            suggestion: None,
            allowed: ENGINES.iter().map(|engine| engine.name.into()).collect(),
        })?;
        Ok(Self {
            engine,
            training: Training::from_spec(spec)?,
            blueprint,
            spec: spec.clone(),
        })
    }

    fn network(&self, image: ImageShape, classes: usize) -> Result<Network, SpecError> {
        Network::new(&self.blueprint, image, classes)
            .map_err(|error| self.spec.bad_data(error.to_string()))
    }

    /// Reads back what [`FittedNetwork`]'s `save` wrote.
    ///
    /// # Errors
    /// When the tensors do not fit the settings, or what the reader says.
    pub fn load(
        &self,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let inconsistent = |reason: String| StoreError::Inconsistent(reason);
        let network = self
            .network(header.input_shape, header.classes)
            .map_err(|error| inconsistent(error.to_string()))?;
        let weights = Weights::load(&network, reader)?;
        let fitted = FittedNetwork::new(self.engine, network, weights)
            .map_err(|error| inconsistent(error.to_string()))?;
        Ok(Box::new(fitted))
    }
}

impl Classifier for NetworkClassifier {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        self.network(data.image, data.classes).map(|_| ())
    }

    fn fit(
        &self,
        samples: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let network = self.network(samples.images().shape(), samples.classes())?;
        let weights = train(self.engine, &network, &self.training, samples, ctx)?;
        Ok(Box::new(FittedNetwork::new(self.engine, network, weights)?))
    }
}

/// A trained network.
pub struct FittedNetwork {
    network: Network,
    weights: Weights,
    engine: &'static dyn NetworkEngine,
    predictor: Box<dyn Predictor>,
}

impl FittedNetwork {
    fn new(
        engine: &'static dyn NetworkEngine,
        network: Network,
        weights: Weights,
    ) -> Result<Self, crate::EngineError> {
        let predictor = engine.predictor(&network, &weights)?;
        Ok(Self {
            network,
            weights,
            engine,
            predictor,
        })
    }
}

impl FittedModel for FittedNetwork {
    fn input_shape(&self) -> ImageShape {
        self.network.input()
    }

    fn classes(&self) -> usize {
        self.network.classes()
    }

    fn parameters(&self) -> u64 {
        self.network.trained_values()
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let classes = self.classes();
        let mut scores = Vec::with_capacity(images.len() * classes);
        for pixels in images
            .pixels()
            .chunks(SCORE_CHUNK * images.shape().pixels())
        {
            let chunk = self.predictor.scores(pixels)?;
            let expected = pixels.len() / images.shape().pixels() * classes;
            if chunk.len() != expected {
                return Err(PredictError::Engine {
                    engine: self.engine.name(),
                    reason: format!("{} scores instead of {expected}", chunk.len()),
                });
            }
            scores.extend_from_slice(&chunk);
        }
        Ok(Probabilities::from_logits(classes, scores)?)
    }

    fn layers(&self) -> Option<Layers> {
        describe(&self.network, &self.weights)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        self.weights.save(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_that_is_declared_is_there_under_its_name() {
        for declared in ENGINES {
            assert_eq!(
                engine(declared.name).map(NetworkEngine::name),
                Some(declared.name)
            );
        }
        assert!(engine("torch").is_none());
    }
}
