//! The fitted forest.

use bakeoff_core::{
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelWriter, PredictError,
    Probabilities, StoreError, TensorData,
};
use rayon::prelude::*;

use crate::tree::{LEAF, Node, Tree, leaf_of};

/// Images that go through a tree together, while it is in the cache.
const CHUNK: usize = 128;

/// The mean of the class shares of the leaves that an image comes to.
#[derive(Debug, PartialEq)]
pub(crate) struct Forest {
    shape: ImageShape,
    classes: usize,
    /// Those of all trees, one after the other.
    nodes: Vec<Node>,
    /// Where each tree begins among the nodes.
    starts: Vec<u32>,
    /// Rows of class shares: first those of pure leaves, in the order of the classes, then all others.
    shares: Vec<f32>,
}

/// Channels, height and width, as they are saved.
fn shape_values(shape: ImageShape) -> [u32; 3] {
    // No image that was trained on is larger.
    [shape.channels, shape.height, shape.width].map(|side| u32::try_from(side).unwrap_or(u32::MAX))
}

impl Forest {
    pub(crate) fn new(shape: ImageShape, classes: usize, trees: Vec<Tree>) -> Self {
        let mut shares = vec![0.0; classes * classes];
        for class in 0..classes {
            shares[class * classes + class] = 1.0;
        }
        let mut nodes = Vec::with_capacity(trees.iter().map(|tree| tree.nodes.len()).sum());
        let mut starts = Vec::with_capacity(trees.len());
        for tree in trees {
            starts.push(nodes.len() as u32);
            let own = (shares.len() / classes - classes) as u32;
            shares.extend(tree.shares);
            nodes.extend(tree.nodes.into_iter().map(|mut node| {
                if node.pixel == LEAF && node.next >= classes as u32 {
                    node.next += own;
                }
                node
            }));
        }
        Self {
            shape,
            classes,
            nodes,
            starts,
            shares,
        }
    }

    /// Reads back what [`FittedModel::save`] wrote, and checks that every way through a tree ends in a leaf.
    pub(crate) fn load(
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let &ModelHeader {
            input_shape: shape,
            classes,
        } = header;
        // No other tensor depends on it.
        if reader.u32("shape", &[3])? != shape_values(shape) {
            return Err(StoreError::Inconsistent(format!(
                "tensor `shape` does not say that images are {shape}"
            )));
        }
        let length = |reader: &mut dyn ModelReader, name: &str| {
            Ok::<_, StoreError>(reader.shape(name)?.first().copied().unwrap_or_default())
        };
        let count = length(reader, "pixel")?;
        let pixels = reader.u32("pixel", &[count])?;
        let next = reader.u32("next", &[count])?;
        let thresholds = reader.u8("threshold", &[count])?;
        let nodes = pixels.iter().zip(&next).zip(thresholds.iter());
        let nodes: Vec<Node> = nodes
            .map(|((&pixel, &next), &threshold)| Node {
                pixel,
                next,
                threshold,
            })
            .collect();
        let trees = length(reader, "starts")?;
        let starts = reader.u32("starts", &[trees])?;
        let rows = length(reader, "shares")?;
        let shares = reader.f32("shares", &[rows, classes])?;
        Probabilities::new(classes, shares.clone())
            .map_err(|error| StoreError::Inconsistent(format!("tensor `shares`: {error}")))?;
        let forest = Self {
            shape,
            classes,
            nodes,
            starts,
            shares,
        };
        forest.check(rows)?;
        Ok(forest)
    }

    fn check(&self, rows: usize) -> Result<(), StoreError> {
        let wrong = |what: String| Err(StoreError::Inconsistent(what));
        let begins = self.starts.first() == Some(&0);
        if !begins || !self.starts.is_sorted_by(|one, next| one < next) {
            return wrong("tensor `starts` does not say where trees begin".into());
        }
        let ends = self.starts.iter().skip(1).map(|&end| end as usize);
        let ends = ends.chain([self.nodes.len()]);
        for (&start, end) in self.starts.iter().zip(ends) {
            let Some(tree) = self.nodes.get(start as usize..end) else {
                return wrong(format!(
                    "a tree begins at node {start}, of {}",
                    self.nodes.len()
                ));
            };
            for (at, node) in tree.iter().enumerate() {
                let next = node.next as usize;
                let fits = match node.pixel {
                    LEAF => next < rows,
                    // Children come after their parents, so that no way goes round.
                    pixel => {
                        (pixel as usize) < self.shape.pixels() && next > at + 1 && next < tree.len()
                    }
                };
                if !fits {
                    return wrong(format!(
                        "node {} leads out of its tree, to pixel {} and node or leaf {next}",
                        start as usize + at,
                        node.pixel
                    ));
                }
            }
            // Else the last node's left child would be of the next tree.
            if tree.last().is_none_or(|node| node.pixel != LEAF) {
                return wrong(format!(
                    "the tree that begins at node {start} ends in no leaf"
                ));
            }
        }
        Ok(())
    }

    /// The trees, each as its nodes.
    fn trees(&self) -> impl Iterator<Item = &[Node]> {
        let ends = self.starts.iter().skip(1).map(|&end| end as usize);
        let ends = ends.chain([self.nodes.len()]);
        let starts = self.starts.iter().map(|&start| start as usize);
        starts.zip(ends).map(|(start, end)| &self.nodes[start..end])
    }

    /// Writes the probabilities of some images, row by row; trees in one order, so that bits do not
    /// depend on the batch.
    fn predict(&self, images: &[u8], out: &mut [f32]) {
        let (pixels, classes) = (self.shape.pixels(), self.classes);
        for tree in self.trees() {
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
        let trees = self.starts.len() as f32;
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
        3 * self.nodes.len() as u64 + self.shares.len() as u64
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
        let count = [self.nodes.len()];
        let of = |part: fn(&Node) -> u32| self.nodes.iter().map(part).collect::<Vec<u32>>();
        let thresholds = self.nodes.iter().map(|node| node.threshold).collect();
        out.tensor("pixel", &count, TensorData::U32(&of(|node| node.pixel)))?;
        out.tensor("next", &count, TensorData::U32(&of(|node| node.next)))?;
        out.bytes("threshold", &count, thresholds)?;
        let shape = shape_values(self.shape);
        out.tensor("shape", &[3], TensorData::U32(&shape))?;
        let starts = TensorData::U32(&self.starts);
        out.tensor("starts", &[self.starts.len()], starts)?;
        let rows = self.shares.len() / self.classes;
        let shares = TensorData::F32(&self.shares);
        out.tensor("shares", &[rows, self.classes], shares)
    }
}
