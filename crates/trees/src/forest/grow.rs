//! The growth of one tree.

use bakeoff_core::Samples;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    settings::ForestSettings,
    split::{Entry, Found, Search, Split},
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

/// A part of at most so many images is read image by image, a larger one pixel by pixel. The images of
/// a small part stay in the cache for all parts of it; those of a large one are next to each other in a
/// column. Measured on MNIST: a forest takes half the time that it takes with columns alone.
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
        self.images[entry.image as usize * self.pixels + pixel as usize]
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
    random: ChaCha8Rng,
    entries: Vec<Entry>,
    spare: Vec<Entry>,
    /// All pixels. A part's constant ones come first; its children change only what comes after those.
    order: Vec<u32>,
    search: Search,
    counts: Vec<u32>,
}

/// Grows a tree.
pub(crate) fn grow(
    columns: &Columns<'_>,
    settings: &ForestSettings,
    kind: Kind,
    seed: u64,
) -> Tree {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
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
        spare: vec![Entry::default(); entries.len()],
        entries,
        order: (0..columns.pixels as u32).collect(),
        search,
        counts: vec![0; columns.classes],
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
            self.counts.fill(0);
            for entry in &self.entries[part.start..part.end] {
                self.counts[usize::from(entry.label)] += u32::from(entry.weight);
            }
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
        let classes = self.counts.len();
        let mut held = (0..classes).filter(|&class| self.counts[class] > 0);
        let next = match (held.next(), held.next()) {
            (Some(only), None) => only,
            _ => {
                let sum: u64 = self.counts.iter().map(|&count| u64::from(count)).sum();
                let row = classes + tree.shares.len() / classes;
                let share = |&count: &u32| (f64::from(count) / sum as f64) as f32;
                tree.shares.extend(self.counts.iter().map(share));
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
        let sum: u64 = self.counts.iter().map(|&count| u64::from(count)).sum();
        let is_pure = self.counts.iter().any(|&count| u64::from(count) == sum);
        let too_deep = settings.max_depth > 0 && part.depth >= settings.max_depth;
        if is_pure || too_deep || sum < 2 * u64::from(settings.min_leaf) {
            return None;
        }
        let wanted = settings.candidates.of(self.columns.pixels);
        let entries = &self.entries[part.start..part.end];
        let mut best: Option<(u32, Split)> = None;
        // Those that are known to be constant can be drawn, too; which of them does not matter.
        let mut known = part.constant;
        // Pixels up to here were drawn in this node.
        let mut passed = part.constant;
        let mut drawn = 0;
        while passed < self.order.len() && (drawn < wanted || best.is_none()) {
            drawn += 1;
            let left = known + self.order.len() - passed;
            let place = self.random.random_range(0..left);
            if place < known {
                known -= 1;
                continue;
            }
            let place = place - known + passed;
            let pixel = self.order[place];
            self.order.swap(place, passed);
            let (columns, search, counts) = (self.columns, &mut self.search, &self.counts);
            let column = columns.column(pixel);
            let by_image = |entry: &Entry| columns.value(entry, pixel);
            let by_pixel = |entry: &Entry| column[entry.image as usize];
            let random = &mut self.random;
            let draw = |low, high| random.random_range(low..=high);
            let found = match (self.kind, entries.len() <= FEW) {
                (Kind::Random, true) => search.best(by_image, entries, counts),
                (Kind::Random, false) => search.best(by_pixel, entries, counts),
                (Kind::Extra, true) => search.random(by_image, entries, counts, draw),
                (Kind::Extra, false) => search.random(by_pixel, entries, counts, draw),
            };
            match found {
                Found::Constant => {
                    self.order.swap(passed, part.constant);
                    part.constant += 1;
                }
                Found::TooFew => {}
                Found::Best(split) => {
                    if best.is_none_or(|(_, best)| split.score > best.score) {
                        best = Some((pixel, split));
                    }
                }
            }
            passed += 1;
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
