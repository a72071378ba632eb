//! The fitted forest.

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelWriter, PredictError,
    Probabilities, StoreError, TensorData,
};
use rayon::prelude::*;

use super::grow::Tree;
use crate::tree::{LEAF, Trees, leaf_of, length};

/// Images that go through a tree together, while it is in the cache.
const CHUNK: usize = 128;

/// The mean of the class shares of the leaves that an image comes to.
#[derive(Debug, PartialEq)]
pub(crate) struct Forest {
    shape: ImageShape,
    classes: usize,
    trees: Trees,
    /// Rows of class shares: first those of pure leaves, in the order of the classes, then all others.
    shares: Vec<f32>,
}

impl Forest {
    pub(crate) fn new(shape: ImageShape, classes: usize, grown: Vec<Tree>) -> Self {
        let mut shares = vec![0.0; classes * classes];
        for class in 0..classes {
            shares[class * classes + class] = 1.0;
        }
        let mut trees = Trees::default();
        for tree in grown {
            let own = (shares.len() / classes - classes) as u32;
            shares.extend(tree.shares);
            trees.push(tree.nodes.into_iter().map(|mut node| {
                if node.pixel == LEAF && node.next >= classes as u32 {
                    node.next += own;
                }
                node
            }));
        }
        Self {
            shape,
            classes,
            trees,
            shares,
        }
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
        let rows = length(reader, "shares")?;
        let shares = reader.f32("shares", &[rows, classes])?;
        Probabilities::new(classes, shares.clone())
            .map_err(|error| StoreError::Inconsistent(format!("tensor `shares`: {error}")))?;
        Ok(Self {
            shape,
            classes,
            trees: Trees::load(shape, rows, reader)?,
            shares,
        })
    }

    /// Writes the probabilities of some images, row by row; trees in one order, so that bits do not
    /// depend on the batch.
    fn predict(&self, images: &[u8], out: &mut [f32]) {
        let (pixels, classes) = (self.shape.pixels(), self.classes);
        for tree in self.trees.iter() {
            let rows = images
                .chunks_exact(pixels)
                .zip(out.chunks_exact_mut(classes));
            for (image, row) in rows {
                let leaf = leaf_of(tree, image) as usize;
                match leaf < classes {
                    true => row[leaf] += 1.0,
                    false => {
                        let shares = &self.shares[leaf * classes..][..classes];
                        row.iter_mut()
                            .zip(shares)
                            .for_each(|(sum, share)| *sum += share);
                    }
                }
            }
        }
        let trees = self.trees.len() as f32;
        out.iter_mut().for_each(|sum| *sum /= trees);
    }
}

impl FittedModel for Forest {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    /// Pixel, threshold and right child of each node, and the class shares of leaves.
    fn parameters(&self) -> u64 {
        self.trees.parameters() + self.shares.len() as u64
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let (pixels, classes) = (self.shape.pixels(), self.classes);
        let mut values = vec![0.0; images.len() * classes];
        if images.len() <= 1 {
            self.predict(images.pixels(), &mut values);
        } else {
            values
                .par_chunks_mut(CHUNK * classes)
                .zip(images.pixels().par_chunks(CHUNK * pixels))
                .for_each(|(out, images)| self.predict(images, out));
        }
        // Sums of many shares can come to a little more than 1.
        values.iter_mut().for_each(|value| *value = value.min(1.0));
        Ok(Probabilities::new(classes, values)?)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        self.trees.save(self.shape, out)?;
        let rows = self.shares.len() / self.classes;
        let shares = TensorData::F32(&self.shares);
        out.tensor("shares", &[rows, self.classes], shares)
    }
}
