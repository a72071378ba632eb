//! The fitted model of every engine: softmax of a linear score for each class.

use bakeoff_core::{
    DenseLayer, FittedModel, ImageShape, Images, Layer, Layers, ModelHeader, ModelReader,
    ModelSpec, ModelWriter, PredictError, Probabilities, StoreError, TensorData,
};
use rayon::prelude::*;

use crate::kernel::{BLOCK, InstructionSet, PackedWeights, Predict, Workspace};

/// Pixels are multiplied by this and nothing else.
pub(crate) const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// Images in one thread's unit of work; fewer than this are not shared between threads.
const CHUNK: usize = 4 * BLOCK;

/// `softmax(W x + b)` of pixels divided by 255, in single precision.
///
/// An image gets the same bits alone and in a batch, and at any number of threads.
/// Other vector instructions round differently in the last place.
#[derive(Clone, Debug)]
pub(crate) struct SoftmaxModel {
    shape: ImageShape,
    /// Classes × pixels, for pixels divided by 255; zero for a class without training samples.
    weights: Vec<f32>,
    biases: Vec<f32>,
    /// The same in the layout of the kernels.
    packed: PackedWeights,
    instructions: InstructionSet,
}

impl SoftmaxModel {
    /// From classes × pixels weights and one bias for each class.
    pub(crate) fn new(shape: ImageShape, weights: Vec<f32>, biases: Vec<f32>) -> Self {
        let pixels = shape.pixels();
        let mut packed = PackedWeights::zeros(biases.len(), pixels);
        for (class, row) in weights.chunks_exact(pixels).enumerate() {
            // The kernels multiply with bytes.
            let for_bytes = |w| (f64::from(w) * PIXEL_SCALE) as f32;
            packed.tiles.fill(class, row, for_bytes);
        }
        packed.biases.copy_from_slice(&biases);
        Self {
            shape,
            weights,
            biases,
            packed,
            instructions: InstructionSet::best(),
        }
    }

    /// Reads what [`FittedModel::save`] wrote.
    ///
    /// # Errors
    /// When a tensor is missing or of another shape.
    pub(crate) fn load(
        _: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let (classes, pixels) = (header.classes, header.input_shape.pixels());
        Ok(Box::new(Self::new(
            header.input_shape,
            reader.f32("weights", &[classes, pixels])?,
            reader.f32("bias", &[classes])?,
        )))
    }

    /// Writes the probabilities of some images, row by row.
    fn predict(&self, bytes: &[u8], out: &mut [f32]) {
        let (pixels, classes) = (self.shape.pixels(), self.biases.len());
        let mut workspace = Workspace::new(bytes.len() / pixels, &self.packed);
        let mut next = bytes;
        for (bytes, out) in bytes
            .chunks(BLOCK * pixels)
            .zip(out.chunks_mut(BLOCK * classes))
        {
            next = &next[bytes.len()..];
            self.instructions.run(Predict {
                weights: &self.packed,
                workspace: &mut workspace,
                bytes,
                next,
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
            self.predict(images.pixels(), &mut values);
        } else {
            values
                .par_chunks_mut(CHUNK * classes)
                .zip(images.pixels().par_chunks(CHUNK * pixels))
                .for_each(|(out, bytes)| self.predict(bytes, out));
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
