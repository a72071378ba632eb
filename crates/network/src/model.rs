//! A network as the rest of the house sees it: a [`Classifier`] and a [`FittedModel`].

use bakeoff_core::{
    Classifier, DataShape, Engine, EngineCode, FitContext, FitError, FittedModel, ImageShape,
    Images, Layers, ModelHeader, ModelReader, ModelSpec, ModelWriter, PredictError, Probabilities,
    Samples, SpecError, StoreError,
};

use crate::{
    Blueprint, NativeEngine, Network, NetworkEngine, Predictor, Training, Weights,
    describe::describe,
    train::{SCORE_CHUNK, train},
};

/// An engine of both families, and what computes it.
struct EngineRow {
    name: &'static str,
    summary: &'static str,
    engine: Option<&'static dyn NetworkEngine>,
}

#[cfg(feature = "burn")]
const BURN: [Option<&'static dyn NetworkEngine>; 2] = [
    Some(&crate::BurnEngine::Flex),
    Some(&crate::BurnEngine::NdArray),
];
#[cfg(not(feature = "burn"))]
const BURN: [Option<&'static dyn NetworkEngine>; 2] = [None, None];

/// The engines of both families; the first is the default.
const ROWS: [EngineRow; 3] = [
    EngineRow {
        name: "native",
        summary: "fused kernels of this project: AVX-512, AVX2, NEON or portable",
        engine: Some(&NativeEngine),
    },
    EngineRow {
        name: "burn-flex",
        summary: "Burn's own CPU backend, on the gemm crate",
        engine: BURN[0],
    },
    EngineRow {
        name: "burn-ndarray",
        summary: "Burn's older CPU backend, on ndarray; slow at convolutions",
        engine: BURN[1],
    },
];

/// The engines of a network family whose recipes are built and loaded by `code`.
pub const fn engines(code: EngineCode) -> [Engine; ROWS.len()] {
    let mut engines = [Engine {
        name: "",
        summary: "",
        deterministic: true,
        code: None,
    }; ROWS.len()];
    let mut index = 0;
    while index < ROWS.len() {
        engines[index].name = ROWS[index].name;
        engines[index].summary = ROWS[index].summary;
        if ROWS[index].engine.is_some() {
            engines[index].code = Some(code);
        }
        index += 1;
    }
    engines
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
    /// When training settings contradict each other, or this program lacks the engine.
    pub fn new(spec: &ModelSpec, blueprint: Blueprint) -> Result<Self, SpecError> {
        let engine = ROWS
            .iter()
            .find(|row| row.name == spec.engine)
            .and_then(|row| row.engine)
            .ok_or_else(|| SpecError::EngineNotBuilt {
                family: spec.family.clone(),
                engine: spec.engine.clone(),
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
        for row in ROWS {
            match row.engine {
                Some(engine) => assert_eq!(engine.name(), row.name),
                None => assert!(!cfg!(feature = "burn") && row.name.starts_with("burn-")),
            }
        }
    }
}
