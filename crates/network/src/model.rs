//! A network as the other crates see it: a [`Classifier`] and a [`FittedModel`].

use bakeoff_core::{
    Classifier, DataShape, Engine, EngineCode, FitContext, FitError, FittedModel, ImageShape,
    Images, Layers, ModelHeader, ModelReader, ModelSpec, ModelWriter, PredictError, Probabilities,
    Samples, SpecError, StoreError,
};
use bakeoff_kernels::{Blueprint, Layer, Network, Step};

use crate::{
    describe::describe,
    engine::{EngineError, Functions, Scorer},
    engines::ENGINES,
    settings::{OptimizerKind, Training},
    train::{SCORE_CHUNK, train},
    views::Views,
    weights::Weights,
};

/// What makes a network family: the hidden layers that follow from its settings.
pub trait NetworkFamily {
    /// The hidden layers that a resolved spec describes for images of this shape. Whether they
    /// fit the shape is found out later.
    ///
    /// # Errors
    /// Which setting is wrong.
    fn steps(spec: &ModelSpec, image: ImageShape) -> Result<Vec<Step>, SpecError>;
}

/// The engines of a network family, for its table.
pub const fn engines<F: NetworkFamily>() -> [Engine; ENGINES.len()] {
    let mut engines = [Engine {
        name: "",
        summary: "",
        deterministic: true,
        code: None,
    }; ENGINES.len()];
    let mut index = 0;
    while index < ENGINES.len() {
        engines[index].name = ENGINES[index].name;
        engines[index].summary = ENGINES[index].summary;
        if ENGINES[index].functions.is_some() {
            engines[index].code = Some(EngineCode {
                build: |spec| Ok(Box::new(NetworkClassifier::new::<F>(spec)?)),
                load: |spec, header, reader| {
                    NetworkClassifier::new::<F>(spec)
                        .map_err(|error| StoreError::Inconsistent(error.to_string()))?
                        .load(header, reader)
                },
            });
        }
        index += 1;
    }
    engines
}

/// A network recipe: its layers and how to train them.
struct NetworkClassifier {
    spec: ModelSpec,
    engine: &'static str,
    functions: Functions,
    steps: fn(&ModelSpec, ImageShape) -> Result<Vec<Step>, SpecError>,
    training: Training,
}

impl NetworkClassifier {
    /// # Errors
    /// What the family refuses, training settings that contradict each other, or an engine
    /// that this program lacks.
    fn new<F: NetworkFamily>(spec: &ModelSpec) -> Result<Self, SpecError> {
        let (row, functions) = ENGINES
            .iter()
            .find(|engine| engine.name == spec.engine)
            .and_then(|engine| Some((engine, engine.functions?)))
            .ok_or_else(|| SpecError::EngineNotBuilt {
                family: spec.family.clone(),
                engine: spec.engine.clone(),
            })?;
        let training = Training::from_spec(spec)?;
        if let Some((key, plain)) = training.beyond_plain().filter(|_| !row.takes_all) {
            let able = ENGINES.iter().filter(|engine| engine.takes_all);
            let able: Vec<&str> = able.map(|engine| engine.name).collect();
            let remedy = format!("use engine {}, or leave it at {plain}", able.join(" or "));
            return Err(spec.unsupported(key, remedy));
        }
        // Settings are wrong whatever the images are.
        F::steps(spec, ImageShape::new(1, 1, 1))?;
        Ok(Self {
            engine: row.name,
            functions,
            steps: F::steps,
            training,
            spec: spec.clone(),
        })
    }

    fn network(&self, image: ImageShape, classes: usize) -> Result<Network, SpecError> {
        let blueprint = Blueprint {
            steps: (self.steps)(&self.spec, image)?,
            norm: self.training.norm(),
        };
        let network = Network::new(&blueprint, image, classes)
            .map_err(|error| self.spec.bad_data(error.to_string()))?;
        let weighted: Vec<&Layer> = network
            .layers()
            .iter()
            .filter(|layer| matches!(layer, Layer::Conv(_) | Layer::Dense(_)))
            .collect();
        let between = weighted.get(1..weighted.len() - 1).unwrap_or_default();
        let is_matrix = |layer: &&Layer| !matches!(layer, Layer::Conv(conv) if conv.depthwise);
        if self.training.optimizer == OptimizerKind::Muon && !between.iter().any(is_matrix) {
            return Err(self.spec.bad_setting(
                "optimizer",
                "adam or sgd for a network without a layer between its first and its last one, depthwise \
                 ones apart: muon moves those only",
            ));
        }
        Ok(network)
    }

    fn fitted(
        &self,
        network: Network,
        weights: Vec<Weights>,
    ) -> Result<FittedNetwork, EngineError> {
        let members = weights.into_iter().map(|weights| {
            let scorer = (self.functions.scorer)(&network, &weights)?;
            Ok(Member { weights, scorer })
        });
        Ok(FittedNetwork {
            members: members.collect::<Result<_, EngineError>>()?,
            network,
            engine: self.engine,
            views: self.training.views(),
        })
    }

    /// Reads back what [`FittedNetwork`]'s `save` wrote.
    ///
    /// # Errors
    /// When the tensors do not fit the settings, or what the reader says.
    fn load(
        &self,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let network = self
            .network(header.input_shape, header.classes)
            .map_err(|error| StoreError::Inconsistent(error.to_string()))?;
        let members = (1..=self.training.members.0).map(prefix);
        let weights = members.map(|prefix| Weights::load(&network, &prefix, reader));
        let weights = weights.collect::<Result<_, _>>()?;
        let fitted = self.fitted(network, weights).map_err(|error| {
            StoreError::Inconsistent(format!("engine {}: {error}", self.engine))
        })?;
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
        let learner = &self.functions.learner;
        let weights = train(self.engine, learner, &network, &self.training, samples, ctx)?;
        let fitted = self.fitted(network, weights);
        Ok(Box::new(fitted.map_err(|error| error.in_fit(self.engine))?))
    }
}

/// What the names of a member's tensors begin with, counted from 1: nothing for the first.
fn prefix(member: u64) -> String {
    match member {
        1 => String::new(),
        _ => format!("member{member}."),
    }
}

struct Member {
    weights: Weights,
    scorer: Scorer,
}

/// A trained network, or several whose answers are averaged.
struct FittedNetwork {
    network: Network,
    members: Vec<Member>,
    engine: &'static str,
    views: Views,
}

impl FittedModel for FittedNetwork {
    fn input_shape(&self) -> ImageShape {
        self.network.input()
    }

    fn classes(&self) -> usize {
        self.network.classes()
    }

    fn parameters(&self) -> u64 {
        self.network.trained_values() * self.members.len() as u64
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.answers(images).map(|(probabilities, _)| probabilities)
    }

    fn predict_scored(
        &self,
        images: &Images,
    ) -> Result<(Probabilities, Option<Vec<f32>>), PredictError> {
        let (probabilities, scores) = self.answers(images)?;
        let rows = scores.chunks_exact(self.classes());
        let predicted = probabilities.predicted();
        let best = rows
            .zip(predicted)
            .map(|(row, class)| row[usize::from(class)]);
        Ok((probabilities, Some(best.collect())))
    }

    fn layers(&self) -> Option<Layers> {
        // Layers are of one network and answer one view.
        match self.members.as_slice() {
            [member] if self.views.is_plain() => describe(&self.network, member.weights.values()),
            _ => None,
        }
    }

    fn why_no_layers(&self) -> &'static str {
        match (self.views.is_plain(), self.members.len()) {
            (true, 1) => "its weights are too large",
            (true, _) => {
                "its answer is a mean over several networks (members), which the layers of one do not give"
            }
            (false, _) => {
                "its answer is a mean over moved or mirrored images (answer_shift, answer_flip), which layers of weights do not give"
            }
        }
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let mut numbered = (1..).zip(&self.members);
        numbered.try_for_each(|(number, member)| member.weights.save(&prefix(number), out))
    }
}

impl FittedNetwork {
    /// N×K probabilities and scores before the softmax, both the means over all members and views. An
    /// image's do not depend on the others.
    fn answers(&self, images: &Images) -> Result<(Probabilities, Vec<f32>), PredictError> {
        self.check_shape(images)?;
        let classes = self.classes();
        if let [member] = self.members.as_slice()
            && self.views.is_plain()
        {
            let scores = self.scores(member, images.pixels())?;
            return Ok((Probabilities::from_logits(classes, scores.clone())?, scores));
        }
        let shape = images.shape();
        let (mut probabilities, mut scores) = (Vec::new(), Vec::new());
        for pixels in images.pixels().chunks(SCORE_CHUNK * shape.pixels()) {
            let count = pixels.len() / shape.pixels() * classes;
            let (mut sum, mut score_sum) = (vec![0.0; count], vec![0.0; count]);
            let views = self.views.of(pixels, shape);
            let answers = (views.len() * self.members.len()) as f32;
            for view in views {
                for member in &self.members {
                    let scores = self.scores(member, &view)?;
                    add(&mut score_sum, &scores);
                    add(
                        &mut sum,
                        Probabilities::from_logits(classes, scores)?.values(),
                    );
                }
            }
            let mean = |sum: Vec<f32>| sum.into_iter().map(move |value| value / answers);
            probabilities.extend(mean(sum));
            scores.extend(mean(score_sum));
        }
        Ok((Probabilities::new(classes, probabilities)?, scores))
    }

    /// N×K scores of a member before the softmax, of N images as they are.
    fn scores(&self, member: &Member, images: &[u8]) -> Result<Vec<f32>, PredictError> {
        let failed = |reason| PredictError::Engine {
            engine: self.engine,
            reason,
        };
        let classes = self.classes();
        let each = self.network.input().pixels();
        let mut scores = Vec::with_capacity(images.len() / each * classes);
        for pixels in images.chunks(SCORE_CHUNK * each) {
            let chunk = (member.scorer)(pixels).map_err(|error| failed(error.0))?;
            let expected = pixels.len() / each * classes;
            if chunk.len() != expected {
                return Err(failed(format!(
                    "{} scores instead of {expected}",
                    chunk.len()
                )));
            }
            scores.extend_from_slice(&chunk);
        }
        Ok(scores)
    }
}

fn add(sum: &mut [f32], values: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}
