//! Grown trees, and how they are saved.

use bakeoff_core::{ImageShape, ModelReader, ModelWriter, StoreError, TensorData};

/// What a node has in place of a pixel if it is a leaf.
pub(crate) const LEAF: u32 = u32::MAX;

/// A node. An inner node's left child follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// The pixel that is looked at, or [`LEAF`].
    pub(crate) pixel: u32,
    /// Of an inner node its right child, by its place in the tree; of a leaf its row of values.
    pub(crate) next: u32,
    /// Images whose pixel is at most this go left.
    pub(crate) threshold: u8,
}

/// The row of values of the leaf that an image comes to. `nodes` are of one tree and checked:
/// children come after their parents.
pub(crate) fn leaf_of(nodes: &[Node], image: &[u8]) -> u32 {
    let mut at = 0;
    loop {
        let node = &nodes[at];
        if node.pixel == LEAF {
            return node.next;
        }
        at = match image[node.pixel as usize] <= node.threshold {
            true => at + 1,
            false => node.next as usize,
        };
    }
}

/// The trees of a model, one after the other.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Trees {
    nodes: Vec<Node>,
    /// Where each begins among the nodes.
    starts: Vec<u32>,
}

/// Channels, height and width, as they are saved.
fn shape_values(shape: ImageShape) -> [u32; 3] {
    // No image that was trained on is larger.
    [shape.channels, shape.height, shape.width].map(|side| u32::try_from(side).unwrap_or(u32::MAX))
}

fn wrong<T>(what: String) -> Result<T, StoreError> {
    Err(StoreError::Inconsistent(what))
}

impl Trees {
    /// Adds a tree.
    pub(crate) fn push(&mut self, nodes: impl IntoIterator<Item = Node>) {
        self.starts.push(self.nodes.len() as u32);
        self.nodes.extend(nodes);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Pixel, threshold and right child of each node.
    pub(crate) fn parameters(&self) -> u64 {
        3 * self.nodes.len() as u64
    }

    /// The nodes of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Node]> {
        let ends = self.starts.iter().skip(1).map(|&end| end as usize);
        let ends = ends.chain([self.nodes.len()]);
        let starts = self.starts.iter().map(|&start| start as usize);
        starts.zip(ends).map(|(start, end)| &self.nodes[start..end])
    }

    /// Writes them, and the shape of the images that they look at.
    pub(crate) fn save(
        &self,
        shape: ImageShape,
        out: &mut dyn ModelWriter,
    ) -> Result<(), StoreError> {
        let count = [self.nodes.len()];
        let of = |part: fn(&Node) -> u32| self.nodes.iter().map(part).collect::<Vec<u32>>();
        let thresholds = self.nodes.iter().map(|node| node.threshold).collect();
        out.tensor("pixel", &count, TensorData::U32(&of(|node| node.pixel)))?;
        out.tensor("next", &count, TensorData::U32(&of(|node| node.next)))?;
        out.bytes("threshold", &count, thresholds)?;
        out.tensor("shape", &[3], TensorData::U32(&shape_values(shape)))?;
        let starts = TensorData::U32(&self.starts);
        out.tensor("starts", &[self.starts.len()], starts)
    }

    /// Reads back what [`Self::save`] wrote, and checks that every way through a tree ends in a leaf whose
    /// row of values is one of `rows`.
    pub(crate) fn load(
        shape: ImageShape,
        rows: usize,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        // No other tensor depends on it.
        if reader.u32("shape", &[3])? != shape_values(shape) {
            return wrong(format!(
                "tensor `shape` does not say that images are {shape}"
            ));
        }
        let count = length(reader, "pixel")?;
        let pixels = reader.u32("pixel", &[count])?;
        let next = reader.u32("next", &[count])?;
        let thresholds = reader.u8("threshold", &[count])?;
        let nodes = pixels.iter().zip(&next).zip(thresholds.iter());
        let nodes = nodes.map(|((&pixel, &next), &threshold)| Node {
            pixel,
            next,
            threshold,
        });
        let nodes = nodes.collect();
        let count = length(reader, "starts")?;
        let starts = reader.u32("starts", &[count])?;
        let trees = Self { nodes, starts };
        trees.check(shape, rows)?;
        Ok(trees)
    }

    fn check(&self, shape: ImageShape, rows: usize) -> Result<(), StoreError> {
        let begins = self.starts.first() == Some(&0);
        if !begins || !self.starts.is_sorted_by(|one, next| one < next) {
            return wrong("tensor `starts` does not say where trees begin".into());
        }
        let last = self.starts.last().copied().unwrap_or_default() as usize;
        if last >= self.nodes.len() {
            let count = self.nodes.len();
            return wrong(format!("a tree begins at node {last}, of {count}"));
        }
        for (tree, &start) in self.iter().zip(&self.starts) {
            for (at, node) in tree.iter().enumerate() {
                let next = node.next as usize;
                let fits = match node.pixel {
                    LEAF => next < rows,
                    // Children come after their parents, so that no way goes round.
                    pixel => {
                        (pixel as usize) < shape.pixels() && next > at + 1 && next < tree.len()
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
}

/// How many rows a tensor has.
pub(crate) fn length(reader: &mut dyn ModelReader, name: &str) -> Result<usize, StoreError> {
    Ok(reader.shape(name)?.first().copied().unwrap_or_default())
}
