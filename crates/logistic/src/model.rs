//! The fitted model of every engine: a linear score for each class, and their softmax.

use bakeoff_core::{
    DenseLayer, FittedModel, ImageShape, Images, Layer, Layers, ModelHeader, ModelReader,
    ModelWriter, PredictError, Probabilities, StoreError, TensorData,
};
use rayon::prelude::*;

use crate::{
    kernel::{BLOCK, Lanes, Predict, Weights, Workspace},
    problem::PIXEL_SCALE,
};

/// Pictures that one thread answers before it takes more; fewer are not shared out.
const CHUNK: usize = 4 * BLOCK;

/// `softmax(W x + b)` of pixels divided by 255, in single precision.
///
/// A picture gets the same bits alone and in a batch, and at any number of threads.
/// Other vector instructions round differently in the last place.
#[derive(Clone, Debug)]
pub struct SoftmaxModel {
    shape: ImageShape,
    /// Classes × pixels.
    weights: Vec<f32>,
    biases: Vec<f32>,
    /// The same, as the kernels want them.
    ready: Weights,
    lanes: Lanes,
}

impl SoftmaxModel {
    /// From classes × pixels weights and one bias for each class.
    pub(crate) fn new(shape: ImageShape, weights: Vec<f32>, biases: Vec<f32>) -> Self {
        let pixels = shape.pixels();
        let mut ready = Weights::zeros(biases.len(), pixels);
        for (class, row) in weights.chunks_exact(pixels).enumerate() {
            // The kernels multiply with bytes.
            let for_bytes = |w| (f64::from(w) * PIXEL_SCALE) as f32;
            ready.tiles.fill(class, row, for_bytes);
        }
        ready.biases.copy_from_slice(&biases);
        Self {
            shape,
            weights,
            biases,
            ready,
            lanes: Lanes::detect(),
        }
    }

    /// Reads what [`FittedModel::save`] wrote.
    ///
    /// # Errors
    /// When a tensor is missing or of another shape.
    pub fn load(header: &ModelHeader, reader: &mut dyn ModelReader) -> Result<Self, StoreError> {
        let (classes, pixels) = (header.classes, header.input_shape.pixels());
        Ok(Self::new(
            header.input_shape,
            reader.f32("weights", &[classes, pixels])?,
            reader.f32("bias", &[classes])?,
        ))
    }

    /// Weights by class and pixel, row-major, for pixels divided by 255. All zero for a
    /// class that had no training samples.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// One for each class; the lowest finite number for one that had no training samples.
    pub fn biases(&self) -> &[f32] {
        &self.biases
    }

    /// Probabilities of some pictures, row by row.
    fn answer(&self, bytes: &[u8], out: &mut [f32]) {
        let (pixels, classes) = (self.shape.pixels(), self.biases.len());
        let mut workspace = Workspace::new(bytes.len() / pixels, &self.ready);
        let mut ahead = bytes;
        for (bytes, out) in bytes
            .chunks(BLOCK * pixels)
            .zip(out.chunks_mut(BLOCK * classes))
        {
            ahead = &ahead[bytes.len()..];
            self.lanes.run(Predict {
                weights: &self.ready,
                workspace: &mut workspace,
                bytes,
                ahead,
                out,
            });
        }
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
        let (pixels, classes) = (self.shape.pixels(), self.classes());
        let mut values = vec![0.0; images.len() * classes];
        if images.len() <= CHUNK {
            self.answer(images.pixels(), &mut values);
        } else {
            values
                .par_chunks_mut(CHUNK * classes)
                .zip(images.pixels().par_chunks(CHUNK * pixels))
                .for_each(|(out, bytes)| self.answer(bytes, out));
        }
        Ok(Probabilities::new(classes, values)?)
    }

    fn layers(&self) -> Option<Layers> {
        let dense = Layer::Dense(DenseLayer {
            weights: self.weights.clone(),
            bias: self.biases.clone(),
        });
        Layers::new(self.shape, PIXEL_SCALE as f32, vec![dense]).ok()
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
