//! A fitted model with steps in front of it.

use bakeoff_core::{
    FittedModel, ImageShape, Images, LoadFn, ModelHeader, ModelReader, ModelSpec, ModelWriter,
    PredictError, Probabilities, StoreError, TrainingNeighbour,
};
use rayon::prelude::*;

use crate::step::{FittedStep, Step};

/// Images in one thread's unit of work.
const CHUNK: usize = 64;

/// A step, and the shape of the images that it gives.
pub(crate) type Placed = (Box<dyn FittedStep>, ImageShape);

/// Steps that have learned, and the model that gets what they give.
pub(crate) struct FittedFeatures {
    pub(crate) input: ImageShape,
    pub(crate) steps: Vec<Placed>,
    pub(crate) inner: Box<dyn FittedModel>,
}

/// What images come to after one step, in images of `shape`.
pub(crate) fn applied(
    step: &dyn FittedStep,
    images: &Images,
    shape: ImageShape,
) -> Result<Images, String> {
    let (from, to) = (images.shape().pixels(), shape.pixels());
    let mut out = vec![0; images.len() * to];
    if images.len() <= 1 {
        step.apply(images.pixels(), &mut out);
    } else {
        out.par_chunks_mut(CHUNK * to)
            .zip(images.pixels().par_chunks(CHUNK * from))
            .for_each(|(out, images)| step.apply(images, out));
    }
    Images::new(shape, out).map_err(|error| error.to_string())
}

/// What images come to after all steps.
pub(crate) fn through(steps: &[Placed], images: &Images) -> Result<Images, String> {
    steps
        .iter()
        .try_fold(images.clone(), |images, (step, shape)| {
            applied(&**step, &images, *shape)
        })
}

/// The names of a step's tensors begin so.
fn name(at: usize) -> String {
    format!("features.{at}")
}

impl FittedFeatures {
    /// Reads back what [`FittedModel::save`] wrote.
    pub(crate) fn load(
        steps: &[Box<dyn Step>],
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
        load: LoadFn,
    ) -> Result<Self, StoreError> {
        let mut shape = header.input_shape;
        let mut placed = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            let after = step.shape(shape).map_err(StoreError::Inconsistent)?;
            placed.push((step.load(shape, &name(at), reader)?, after));
            shape = after;
        }
        let seen = ModelHeader {
            input_shape: shape,
            ..header.clone()
        };
        Ok(Self {
            input: header.input_shape,
            steps: placed,
            inner: load(spec, &seen, reader)?,
        })
    }

    /// What the model sees of images.
    fn seen(&self, images: &Images) -> Result<Images, PredictError> {
        self.check_shape(images)?;
        through(&self.steps, images).map_err(|reason| PredictError::Engine {
            engine: "features",
            reason,
        })
    }
}

impl FittedModel for FittedFeatures {
    fn input_shape(&self) -> ImageShape {
        self.input
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }

    fn parameters(&self) -> u64 {
        let steps = self.steps.iter().map(|(step, _)| step.parameters());
        steps.sum::<u64>() + self.inner.parameters()
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.inner.predict_proba(&self.seen(images)?)
    }

    fn predict_scored(
        &self,
        images: &Images,
    ) -> Result<(Probabilities, Option<Vec<f32>>), PredictError> {
        self.inner.predict_scored(&self.seen(images)?)
    }

    /// Where the steps keep the shape, neighbours are shown as the model sees them; where they do not,
    /// there is nothing to show.
    fn training_neighbours(
        &self,
        images: &Images,
        count: usize,
    ) -> Result<Option<Vec<TrainingNeighbour>>, PredictError> {
        let seen = self.seen(images)?;
        match seen.shape() == self.input {
            true => self.inner.training_neighbours(&seen, count),
            false => Ok(None),
        }
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        for (at, (step, _)) in self.steps.iter().enumerate() {
            step.save(&name(at), out)?;
        }
        self.inner.save(out)
    }

    fn why_no_layers(&self) -> &'static str {
        "feature steps stand before it"
    }
}
