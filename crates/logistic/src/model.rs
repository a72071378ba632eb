//! The fitted model of every engine: a linear score for each class, and their softmax.

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelWriter, PredictError,
    Probabilities, StoreError, TensorData,
};

/// `softmax(W x + b)` of pixels divided by 255, in single precision.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftmaxModel {
    shape: ImageShape,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl SoftmaxModel {
    /// From classes × pixels weights and one bias for each class.
    pub(crate) fn new(shape: ImageShape, weights: Vec<f32>, biases: Vec<f32>) -> Self {
        Self {
            shape,
            weights,
            biases,
        }
    }

    /// Reads what [`FittedModel::save`] wrote.
    ///
    /// # Errors
    /// When a tensor is missing or of another shape.
    pub(crate) fn load(
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let (classes, pixels) = (header.classes, header.input_shape.pixels());
        Ok(Self::new(
            header.input_shape,
            reader.f32("weights", &[classes, pixels])?,
            reader.f32("bias", &[classes])?,
        ))
    }
}

impl FittedModel for SoftmaxModel {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.biases.len()
    }

    fn parameters(&self) -> u64 {
        (self.weights.len() + self.biases.len()) as u64
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let pixels = self.shape.pixels();
        let scores = images
            .iter()
            .flat_map(|image| {
                self.weights
                    .chunks_exact(pixels)
                    .zip(&self.biases)
                    .map(move |(row, bias)| {
                        let dot: f32 = row.iter().zip(image).map(|(w, &x)| w * f32::from(x)).sum();
                        dot / 255.0 + bias
                    })
            })
            .collect();
        Ok(Probabilities::from_logits(self.classes(), scores)?)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let (classes, pixels) = (self.classes(), self.shape.pixels());
        out.tensor(
            "weights",
            &[classes, pixels],
            TensorData::F32(&self.weights),
        )?;
        out.tensor("bias", &[classes], TensorData::F32(&self.biases))
    }
}
