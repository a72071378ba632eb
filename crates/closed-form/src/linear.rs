//! A model that is one weighted sum of the pixels for each class, and the softmax of the sums.

use bakeoff_core::{
    DenseLayer, FitError, FittedModel, ImageShape, Images, Layer, Layers, ModelHeader, ModelReader,
    ModelSpec, ModelWriter, PredictError, Probabilities, StoreError, TensorData,
};
use bakeoff_kernels::{Strided, multiply};
use rayon::prelude::*;

use crate::{NEVER, PIXEL_SCALE};

/// Images that are multiplied together; always as many, so that an image has the same bits in any batch.
const ROWS: usize = 32;

/// `softmax(W x + b)` of pixels divided by 255.
#[derive(Debug)]
pub(crate) struct Linear {
    shape: ImageShape,
    /// Classes × pixels.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// From a row of weights and a bias for each class that occurs; the others are `None`. What all classes
    /// have in common changes no probability and is taken away: it may be large, and single precision would
    /// lose the differences.
    ///
    /// # Errors
    /// [`FitError::Diverged`] for values that are not finite.
    pub(crate) fn fitted(
        shape: ImageShape,
        classes: Vec<Option<(Vec<f64>, f64)>>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let occurring = classes.iter().flatten();
        let count = occurring.clone().count().max(1) as f64;
        let mut common = vec![0.0; shape.pixels()];
        for (row, _) in occurring {
            let sums = common.iter_mut().zip(row);
            sums.for_each(|(sum, weight)| *sum += weight / count);
        }
        let mut weights = Vec::with_capacity(classes.len() * shape.pixels());
        let mut bias = Vec::with_capacity(classes.len());
        for class in classes {
            let (row, own) = class.unwrap_or_else(|| (common.clone(), NEVER.into()));
            let own_weights = row.iter().zip(&common);
            weights.extend(own_weights.map(|(weight, common)| (weight - common) as f32));
            bias.push(own as f32);
        }
        if !weights.iter().chain(&bias).all(|value| value.is_finite()) {
            let reason =
                "the weights are not finite; more shrinkage or a larger penalty keeps them small";
            return Err(FitError::Diverged(reason.into()));
        }
        Ok(Box::new(Self {
            shape,
            weights,
            bias,
        }))
    }

    /// Reads back what [`FittedModel::save`] wrote.
    pub(crate) fn load(
        _: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let (classes, pixels) = (header.classes, header.input_shape.pixels());
        Ok(Box::new(Self {
            shape: header.input_shape,
            weights: reader.f32("weights", &[classes, pixels])?,
            bias: reader.f32("bias", &[classes])?,
        }))
    }

    /// Writes the scores of at most [`ROWS`] images.
    fn scores(&self, images: &[u8], out: &mut [f32]) {
        let (pixels, classes) = (self.shape.pixels(), self.bias.len());
        let mut floats = vec![0.0; ROWS * pixels];
        for (float, &value) in floats.iter_mut().zip(images) {
            *float = f32::from(value) * PIXEL_SCALE as f32;
        }
        let mut scores = vec![0.0; ROWS * classes];
        multiply(
            (ROWS, pixels, classes),
            Strided::rows(&floats, pixels),
            Strided::rows(&self.weights, pixels).transposed(),
            1.0,
            false,
            &mut scores,
            classes,
        );
        let scores = scores
            .chunks_exact(classes)
            .zip(out.chunks_exact_mut(classes));
        for (scores, out) in scores {
            for ((out, score), bias) in out.iter_mut().zip(scores).zip(&self.bias) {
                *out = score + bias;
            }
        }
    }
}

impl FittedModel for Linear {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.bias.len()
    }

    fn parameters(&self) -> u64 {
        (self.weights.len() + self.bias.len()) as u64
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let (pixels, classes) = (self.shape.pixels(), self.classes());
        let mut scores = vec![0.0; images.len() * classes];
        scores
            .par_chunks_mut(ROWS * classes)
            .zip(images.pixels().par_chunks(ROWS * pixels))
            .for_each(|(out, images)| self.scores(images, out));
        Ok(Probabilities::from_logits(classes, scores)?)
    }

    fn layers(&self) -> Option<Layers> {
        let dense = Layer::Dense(DenseLayer {
            weights: self.weights.clone(),
            bias: self.bias.clone(),
        });
        Layers::new(self.shape, PIXEL_SCALE as f32, vec![dense]).ok()
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let (classes, pixels) = (self.classes(), self.shape.pixels());
        let weights = TensorData::F32(&self.weights);
        out.tensor("weights", &[classes, pixels], weights)?;
        out.tensor("bias", &[classes], TensorData::F32(&self.bias))
    }
}
