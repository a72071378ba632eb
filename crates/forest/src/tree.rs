//! A grown tree.

/// What a node has in place of a pixel if it is a leaf.
pub(crate) const LEAF: u32 = u32::MAX;

/// A node. An inner node's left child follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// The pixel that is looked at, or [`LEAF`].
    pub(crate) pixel: u32,
    /// Of an inner node its right child, by its place in the tree; of a leaf its row of class shares.
    pub(crate) next: u32,
    /// Images whose pixel is at most this go left.
    pub(crate) threshold: u8,
}

/// The row of class shares of the leaf that an image comes to. `nodes` are of one tree and checked:
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

/// What a tree's growth leaves behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// Rows of class shares of leaves that are not pure, which follow those of the pure ones: row k is
    /// that of class k.
    pub(crate) shares: Vec<f32>,
}
