//! The fitted model.

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelWriter, PredictError,
    Probabilities, StoreError, TensorData,
};
use rayon::prelude::*;

use super::{gradients::softmax, grow::Grown};
use crate::tree::{LEAF, Trees, leaf_of, length};

/// Images that go through a tree together, while it is in the cache.
const CHUNK: usize = 128;

/// The softmax of the sum of the values of the leaves that an image comes to.
#[derive(Debug, PartialEq)]
pub(crate) struct Boosted {
    shape: ImageShape,
    /// What a class begins with.
    base: Vec<f32>,
    trees: Trees,
    /// Rows of values for each class, of the leaves of all trees.
    values: Vec<f32>,
}

impl Boosted {
    /// Without trees.
    pub(crate) fn new(shape: ImageShape, base: Vec<f32>) -> Self {
        Self {
            shape,
            base,
            trees: Trees::default(),
            values: Vec::new(),
        }
    }

    /// Adds a tree with the values of its leaves.
    pub(crate) fn push(&mut self, grown: &Grown, values: &[f32]) {
        let own = (self.values.len() / self.base.len()) as u32;
        self.values.extend_from_slice(values);
        self.trees.push(grown.nodes.iter().map(|node| {
            let mut node = *node;
            if node.pixel == LEAF {
                node.next += own;
            }
            node
        }));
    }

    /// Reads back what [`FittedModel::save`] wrote.
    pub(crate) fn load(
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let &ModelHeader {
            input_shape: shape,
            classes,
        } = header;
        let rows = length(reader, "values")?;
        let values = reader.f32("values", &[rows, classes])?;
        let base = reader.f32("base", &[classes])?;
        Ok(Self {
            shape,
            base,
            trees: Trees::load(shape, rows, reader)?,
            values,
        })
    }

    /// Writes the probabilities of some images, row by row; trees in one order, so that bits do not
    /// depend on the batch.
    fn predict(&self, images: &[u8], out: &mut [f32]) {
        let (pixels, classes) = (self.shape.pixels(), self.base.len());
        for row in out.chunks_exact_mut(classes) {
            row.copy_from_slice(&self.base);
        }
        for tree in self.trees.iter() {
            let rows = images.chunks_exact(pixels);
            for (image, row) in rows.zip(out.chunks_exact_mut(classes)) {
                let leaf = leaf_of(tree, image) as usize;
                let values = &self.values[leaf * classes..][..classes];
                row.iter_mut()
                    .zip(values)
                    .for_each(|(sum, value)| *sum += value);
            }
        }
        out.chunks_exact_mut(classes).for_each(softmax);
    }
}

impl FittedModel for Boosted {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.base.len()
    }

    /// Pixel, threshold and right child of each node, and the values of leaves.
    fn parameters(&self) -> u64 {
        self.trees.parameters() + (self.values.len() + self.base.len()) as u64
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let (pixels, classes) = (self.shape.pixels(), self.base.len());
        let mut values = vec![0.0; images.len() * classes];
        values
            .par_chunks_mut(CHUNK * classes)
            .zip(images.pixels().par_chunks(CHUNK * pixels))
            .for_each(|(out, images)| self.predict(images, out));
        Ok(Probabilities::new(classes, values)?)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        self.trees.save(self.shape, out)?;
        let classes = self.base.len();
        let rows = self.values.len() / classes;
        out.tensor("values", &[rows, classes], TensorData::F32(&self.values))?;
        out.tensor("base", &[classes], TensorData::F32(&self.base))
    }
}
