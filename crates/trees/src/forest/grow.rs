//! The growth of one tree.

use bakeoff_core::Samples;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    settings::ForestSettings,
    split::{Entry, Found, Node as Images, Search, Split},
};
use crate::tree::{LEAF, Node};

/// What a tree's growth leaves behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// Rows of class shares of leaves that are not pure, which follow those of the pure ones: row k is
    /// that of class k.
    pub(crate) shares: Vec<f32>,
}

/// What is random about a tree, besides the pixels that it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The images that it is grown on.
    Random,
    /// Its thresholds.
    Extra,
}

/// A part of at most so many images is read image by image, all drawn pixels of each at once; a larger one pixel
/// by pixel. The images of a small part stay in the cache for all parts of it; those of a large one are next to
/// each other in a column. Measured on MNIST: a forest takes half the time that it takes with columns alone.
const FEW: usize = 2048;

/// Training images, also turned to be read pixel by pixel.
pub(crate) struct Columns<'a> {
    values: Vec<u8>,
    images: &'a [u8],
    labels: &'a [u16],
    pixels: usize,
    classes: usize,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(train: &'a Samples) -> Self {
        /// Images and pixels that are turned together: their bytes stay in the first cache.
        const BLOCK: usize = 64;
        let (images, pixels) = (train.len(), train.images().shape().pixels());
        let from = train.images().pixels();
        let mut values = vec![0; from.len()];
        for first in (0..images).step_by(BLOCK) {
            for start in (0..pixels).step_by(BLOCK) {
                for pixel in start..(start + BLOCK).min(pixels) {
                    let last = (first + BLOCK).min(images);
                    let column = &mut values[pixel * images + first..pixel * images + last];
                    for (image, value) in (first..last).zip(column) {
                        *value = from[image * pixels + pixel];
                    }
                }
            }
        }
        Self {
            values,
            images: from,
            labels: train.labels(),
            pixels,
            classes: train.classes(),
        }
    }

    fn value(&self, entry: &Entry, pixel: u32) -> u8 {
        self.image(entry)[pixel as usize]
    }

    fn image(&self, entry: &Entry) -> &[u8] {
        &self.images[entry.image as usize * self.pixels..][..self.pixels]
    }

    /// The values of these pixels, one pixel's of all entries after the other's.
    fn gather(&self, entries: &[Entry], pixels: &[u32], values: &mut Vec<u8>) {
        /// Images that are read together: their bytes stay in the first cache while all pixels of them are read.
        const TOGETHER: usize = 16;
        let length = entries.len();
        values.resize(length * pixels.len(), 0);
        for first in (0..length).step_by(TOGETHER) {
            let together = &entries[first..(first + TOGETHER).min(length)];
            for (at, &pixel) in pixels.iter().enumerate() {
                let values = &mut values[at * length + first..][..together.len()];
                for (value, entry) in values.iter_mut().zip(together) {
                    *value = self.value(entry, pixel);
                }
            }
        }
    }

    fn column(&self, pixel: u32) -> &[u8] {
        let images = self.labels.len();
        &self.values[pixel as usize * images..][..images]
    }
}

/// A part of a tree's images that becomes a node.
struct Part {
    /// Their places among the entries.
    start: usize,
    end: usize,
    /// Nodes above it.
    depth: usize,
    /// Pixels at the beginning of `order` that are known not to vary in it.
    constant: usize,
    /// The node whose right child it is.
    parent: Option<usize>,
}

struct Growth<'a> {
    columns: &'a Columns<'a>,
    settings: &'a ForestSettings,
    kind: Kind,
    /// Of the pixels, and of an extra tree's thresholds.
    random: ChaCha8Rng,
    thresholds: ChaCha8Rng,
    entries: Vec<Entry>,
    spare: Vec<Entry>,
    /// All pixels. A part's constant ones come first; its children change only what comes after those.
    order: Vec<u32>,
    search: Search,
    node: Images,
    /// The pixels that are drawn together, and their values.
    drawn: Vec<u32>,
    values: Vec<u8>,
}

/// Grows a tree.
pub(crate) fn grow(
    columns: &Columns<'_>,
    settings: &ForestSettings,
    kind: Kind,
    seed: u64,
) -> Tree {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut thresholds = random.clone();
    thresholds.set_stream(1);
    let entries = match kind {
        Kind::Extra => {
            let labels = columns.labels.iter().enumerate();
            let entry = |(image, &label): (usize, &u16)| Entry {
                image: image as u32,
                label,
                weight: 1,
            };
            labels.map(entry).collect()
        }
        Kind::Random => drawn(columns.labels, &mut random),
    };
    let search = Search::new(columns.classes, settings.min_leaf, entries.len());
    let growth = Growth {
        columns,
        settings,
        kind,
        random,
        thresholds,
        spare: vec![Entry::default(); entries.len()],
        entries,
        order: (0..columns.pixels as u32).collect(),
        search,
        node: Images::default(),
        drawn: Vec::new(),
        values: Vec::new(),
    };
    growth.run()
}

/// As many images as there are, drawn with replacement, each with how often it was drawn.
fn drawn(labels: &[u16], random: &mut impl Rng) -> Vec<Entry> {
    let mut weights = vec![0_u8; labels.len()];
    for _ in 0..labels.len() {
        let weight = &mut weights[random.random_range(0..labels.len())];
        // More than 255 times has no chance worth a name.
        *weight = weight.saturating_add(1);
    }
    let all = labels.iter().zip(weights).enumerate();
    all.filter(|(_, (_, weight))| *weight > 0)
        .map(|(image, (&label, weight))| Entry {
            image: image as u32,
            label,
            weight,
        })
        .collect()
}

impl Growth<'_> {
    fn run(mut self) -> Tree {
        let mut tree = Tree::default();
        let mut waiting = vec![Part {
            start: 0,
            end: self.entries.len(),
            depth: 0,
            constant: 0,
            parent: None,
        }];
        // The last one first, so that a left child follows its parent.
        while let Some(mut part) = waiting.pop() {
            let at = tree.nodes.len();
            if let Some(parent) = part.parent {
                tree.nodes[parent].next = at as u32;
            }
            let entries = &self.entries[part.start..part.end];
            self.node.count(entries, self.columns.classes);
            let Some((pixel, split)) = self.best(&mut part) else {
                self.leaf(&mut tree);
                continue;
            };
            tree.nodes.push(Node {
                pixel,
                next: 0,
                threshold: split.threshold,
            });
            let middle = self.divide(&part, pixel, split.threshold);
            let child = |start, end, parent| Part {
                start,
                end,
                depth: part.depth + 1,
                constant: part.constant,
                parent,
            };
            waiting.push(child(middle, part.end, Some(at)));
            waiting.push(child(part.start, middle, None));
        }
        tree
    }

    fn leaf(&self, tree: &mut Tree) {
        let classes = self.node.counts.len();
        let mut held = (0..classes).filter(|&class| self.node.counts[class] > 0);
        let next = match (held.next(), held.next()) {
            (Some(only), None) => only,
            _ => {
                let sum: u64 = self.node.counts.iter().map(|&count| u64::from(count)).sum();
                let row = classes + tree.shares.len() / classes;
                let share = |&count: &u32| (f64::from(count) / sum as f64) as f32;
                tree.shares.extend(self.node.counts.iter().map(share));
                row
            }
        };
        tree.nodes.push(Node {
            pixel: LEAF,
            next: next as u32,
            threshold: 0,
        });
    }

    /// The best split of a part among the pixels that are drawn, whose number of constant pixels is
    /// brought up to date; `None` for a leaf.
    fn best(&mut self, part: &mut Part) -> Option<(u32, Split)> {
        let settings = self.settings;
        let sum: u64 = self.node.counts.iter().map(|&count| u64::from(count)).sum();
        let is_pure = self
            .node
            .counts
            .iter()
            .any(|&count| u64::from(count) == sum);
        let too_deep = settings.max_depth > 0 && part.depth >= settings.max_depth;
        if is_pure || too_deep || sum < 2 * u64::from(settings.min_leaf) {
            return None;
        }
        let wanted = settings.candidates.of(self.columns.pixels);
        let entries = &self.entries[part.start..part.end];
        self.node.prepare(entries);
        let few = entries.len() <= FEW;
        let mut best: Option<(u32, Split)> = None;
        // Those that are known to be constant can be drawn, too; which of them does not matter.
        let mut known = part.constant;
        // Pixels up to here were drawn in this node.
        let mut passed = part.constant;
        let mut left = wanted;
        while passed < self.order.len() && (left > 0 || best.is_none()) {
            // As many as are wanted at once, and then, where all were constant, one after the other.
            let first = passed;
            for _ in 0..left.max(1) {
                let remaining = known + self.order.len() - passed;
                if remaining == known {
                    break;
                }
                let place = self.random.random_range(0..remaining);
                if place < known {
                    known -= 1;
                    continue;
                }
                self.order.swap(place - known + passed, passed);
                passed += 1;
            }
            left = 0;
            self.drawn.clear();
            self.drawn.extend_from_slice(&self.order[first..passed]);
            let length = entries.len();
            if few {
                self.columns.gather(entries, &self.drawn, &mut self.values);
            }
            for (at, &pixel) in self.drawn.iter().enumerate() {
                let values = match few {
                    true => &self.values[at * length..][..length],
                    false => {
                        let column = self.columns.column(pixel);
                        let values = entries.iter().map(|entry| column[entry.image as usize]);
                        self.values.clear();
                        self.values.extend(values);
                        self.values.as_slice()
                    }
                };
                let thresholds = &mut self.thresholds;
                let draw = |low, high| thresholds.random_range(low..=high);
                let found = match self.kind {
                    Kind::Random => self.search.best(values, &self.node),
                    Kind::Extra => self.search.random(values, &self.node, draw),
                };
                match found {
                    Found::Constant => {
                        self.order.swap(first + at, part.constant);
                        part.constant += 1;
                    }
                    Found::TooFew => {}
                    Found::Best(split) => {
                        if best.is_none_or(|(_, best)| split.score > best.score) {
                            best = Some((pixel, split));
                        }
                    }
                }
            }
        }
        best
    }

    /// Puts a part's images left of a threshold before the others, both in their order; where those begin.
    fn divide(&mut self, part: &Part, pixel: u32, threshold: u8) -> usize {
        let columns = self.columns;
        let column = columns.column(pixel);
        let entries = &mut self.entries[part.start..part.end];
        let few = entries.len() <= FEW;
        let (mut left, mut right) = (0, 0);
        for at in 0..entries.len() {
            let entry = entries[at];
            let value = match few {
                true => columns.value(&entry, pixel),
                false => column[entry.image as usize],
            };
            let goes = value <= threshold;
            // Both are written, one counts: no branch is guessed wrongly.
            entries[left] = entry;
            self.spare[right] = entry;
            left += usize::from(goes);
            right += usize::from(!goes);
        }
        entries[left..].copy_from_slice(&self.spare[..right]);
        part.start + left
    }
}
