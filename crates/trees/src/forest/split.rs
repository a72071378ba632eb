//! The best split of a node's images by one pixel.

use bakeoff_kernels::{
    Isa,
    forest::{SPARE, count_above, pack_nonzero},
};

/// A training image in a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its place in the training data.
    pub(crate) image: u32,
    pub(crate) label: u16,
    /// How often it was drawn, at least once.
    pub(crate) weight: u8,
}

/// A threshold and how good it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Split {
    /// Σ of both sides' squared class counts over their sums: the larger, the lower the Gini impurity.
    pub(crate) score: f64,
    /// Images whose pixel is at most this go left.
    pub(crate) threshold: u8,
}

/// What a pixel comes to in a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found {
    /// All images have the same value.
    Constant,
    /// No threshold leaves enough images on both sides.
    TooFew,
    Best(Split),
}

/// Counts of a node's classes above a threshold that moves down.
///
/// Of the classes' counts c and those above, m: Σ m² is kept up to date, and so is Σ c·m, because the
/// squares of the counts below are Σ c² − 2 Σ c·m + Σ m². All are whole numbers.
struct Above {
    moved: Vec<u32>,
    sum: u64,
    squares: u64,
    products: u64,
    all: u64,
    all_squares: u64,
}

impl Above {
    fn new(classes: usize) -> Self {
        Self {
            moved: vec![0; classes],
            sum: 0,
            squares: 0,
            products: 0,
            all: 0,
            all_squares: 0,
        }
    }

    /// Nothing of a node above the threshold.
    fn start(&mut self, counts: &[u32]) {
        self.moved.fill(0);
        (self.sum, self.squares, self.products) = (0, 0, 0);
        let counts = counts.iter().map(|&count| u64::from(count));
        self.all = counts.clone().sum();
        self.all_squares = counts.map(|count| count * count).sum();
    }

    /// Moves some images of a class above it.
    #[inline(always)]
    fn pass(&mut self, class: usize, count: u32, counts: &[u32]) {
        let moved = &mut self.moved[class];
        let many = u64::from(count);
        self.squares += many * (2 * u64::from(*moved) + many);
        self.products += many * u64::from(counts[class]);
        self.sum += many;
        *moved += count;
    }

    /// The score of the threshold, if both sides have images enough.
    #[inline(always)]
    fn score(&self, min_leaf: u64) -> Option<f64> {
        let below = self.all - self.sum;
        (self.sum >= min_leaf && below >= min_leaf).then(|| {
            let squares = self.all_squares + self.squares - 2 * self.products;
            squares as f64 / below as f64 + self.squares as f64 / self.sum as f64
        })
    }
}

/// A node's images, next to each other.
#[derive(Default)]
pub(crate) struct Node {
    /// See [`tag`].
    tags: Vec<u32>,
    /// Their classes, where a byte holds each.
    labels: Vec<u8>,
    /// Images of each class, by weight.
    pub(crate) counts: Vec<u32>,
    /// The classes that occur, where a byte holds each.
    present: Vec<u8>,
}

impl Node {
    /// The counts alone, for a leaf.
    pub(crate) fn count(&mut self, entries: &[Entry], classes: usize) {
        self.counts.clear();
        self.counts.resize(classes, 0);
        for entry in entries {
            self.counts[usize::from(entry.label)] += u32::from(entry.weight);
        }
    }

    /// What searches for a split need of the images that were counted.
    pub(crate) fn prepare(&mut self, entries: &[Entry]) {
        self.tags.clear();
        self.tags.extend(entries.iter().map(tag));
        self.labels.clear();
        self.present.clear();
        if self.counts.len() <= 256 {
            self.labels
                .extend(entries.iter().map(|entry| entry.label as u8));
            let classes = (0..=u8::MAX).zip(&self.counts);
            let present = classes.filter(|(_, count)| **count > 0);
            self.present.extend(present.map(|(class, _)| class));
        }
    }
}

/// Memory for the search, of one tree.
pub(crate) struct Search {
    classes: usize,
    min_leaf: u64,
    isa: Isa,
    above: Above,
    /// 256 values × classes.
    counts: Vec<u32>,
    /// The images whose pixel is not 0: the value, then the [`tag`], so that it sorts by value.
    keys: Vec<u32>,
    /// The same by value.
    sorted: Vec<u32>,
}

/// An image's label and weight in one number.
#[inline(always)]
fn tag(entry: &Entry) -> u32 {
    u32::from(entry.weight) << 16 | u32::from(entry.label)
}

#[inline(always)]
fn value(key: u32) -> u8 {
    (key >> 24) as u8
}

#[inline(always)]
fn weight(key: u32) -> u32 {
    key >> 16 & 0xff
}

#[inline(always)]
fn label(key: u32) -> usize {
    (key & 0xffff) as usize
}

/// Up to so many images for each class are sorted by value; of more, each value's classes are counted. Sorting has
/// the cost of the images, counting that of the classes of each value: measured on MNIST.
const SORTED: usize = 60;

/// Up to so many images are sorted by comparing them, more by counting their values.
const COMPARED: usize = 16;

/// Keys in the order of their values; there is room for as many in `sorted`.
fn by_value<'a>(keys: &'a mut [u32], sorted: &'a mut [u32]) -> &'a [u32] {
    if keys.len() <= COMPARED {
        keys.sort_unstable();
        return keys;
    }
    let mut places = [0_u32; 257];
    for &key in &*keys {
        places[usize::from(value(key)) + 1] += 1;
    }
    let mut sum = 0;
    for place in &mut places {
        sum += *place;
        *place = sum;
    }
    for &key in &*keys {
        let place = &mut places[usize::from(value(key))];
        sorted[*place as usize] = key;
        *place += 1;
    }
    &sorted[..keys.len()]
}

impl Search {
    pub(crate) fn new(classes: usize, min_leaf: u32, images: usize) -> Self {
        Self {
            classes,
            min_leaf: u64::from(min_leaf),
            isa: Isa::detect(),
            above: Above::new(classes),
            counts: vec![0; 256 * classes],
            keys: vec![0; images + SPARE],
            sorted: vec![0; images],
        }
    }

    /// The best threshold of a pixel, of which there are the values of the node's images. Of equal thresholds it
    /// is the lowest, in the middle between two values.
    pub(crate) fn best(&mut self, values: &[u8], node: &Node) -> Found {
        // In images of writing most pixels are 0, and what is above a threshold says all about what is
        // below.
        let length = pack_nonzero(self.isa, values, &node.tags, &mut self.keys);
        if length == 0 {
            return Found::Constant;
        }
        self.above.start(&node.counts);
        let has_zero = length < values.len();
        match length <= SORTED * self.classes {
            true => self.by_sorting(length, has_zero, &node.counts),
            false => self.by_counting(length, has_zero, &node.counts),
        }
    }

    fn by_counting(&mut self, length: usize, has_zero: bool, counts: &[u32]) -> Found {
        let classes = self.classes;
        let mut present = [0_u64; 4];
        for &key in &self.keys[..length] {
            let value = usize::from(value(key));
            present[value / 64] |= 1 << (value % 64);
            self.counts[value * classes + label(key)] += weight(key);
        }
        let mut best = Best::default();
        for (word, bits) in present.iter_mut().enumerate().rev() {
            while *bits > 0 {
                let bit = bits.ilog2() as usize;
                *bits ^= 1 << bit;
                let value = word * 64 + bit;
                best.offer(&self.above, value as u8, self.min_leaf);
                let row = &mut self.counts[value * classes..][..classes];
                for (class, count) in row.iter_mut().enumerate() {
                    self.above.pass(class, *count, counts);
                    *count = 0;
                }
            }
        }
        best.end(&self.above, has_zero, self.min_leaf)
    }

    fn by_sorting(&mut self, length: usize, has_zero: bool, counts: &[u32]) -> Found {
        let mut best = Best::default();
        let keys = by_value(&mut self.keys[..length], &mut self.sorted);
        for &key in keys.iter().rev() {
            best.offer(&self.above, value(key), self.min_leaf);
            self.above.pass(label(key), weight(key), counts);
        }
        best.end(&self.above, has_zero, self.min_leaf)
    }

    /// A pixel's split at a threshold that `draw` draws between its lowest value and the one below its highest,
    /// of images that each count once.
    pub(crate) fn random(
        &mut self,
        values: &[u8],
        node: &Node,
        draw: impl FnOnce(u8, u8) -> u8,
    ) -> Found {
        let ends = (u8::MAX, u8::MIN);
        let (low, high) = values.iter().fold(ends, |(low, high), &value| {
            (low.min(value), high.max(value))
        });
        if low >= high {
            return Found::Constant;
        }
        let threshold = draw(low, high - 1);
        let passed = &mut self.counts[..self.classes];
        if self.classes <= 256 {
            let present = &node.present;
            count_above(self.isa, values, &node.labels, threshold, present, passed);
        } else {
            for (&value, &tag) in values.iter().zip(&node.tags) {
                passed[label(tag)] += u32::from(value > threshold);
            }
        }
        self.above.start(&node.counts);
        for (class, count) in passed.iter_mut().enumerate() {
            self.above.pass(class, *count, &node.counts);
            *count = 0;
        }
        match self.above.score(self.min_leaf) {
            Some(score) => Found::Best(Split { score, threshold }),
            None => Found::TooFew,
        }
    }
}

/// The best threshold so far, and the last value that was passed.
#[derive(Default)]
struct Best {
    split: Option<Split>,
    last: Option<u8>,
    varies: bool,
}

impl Best {
    /// The threshold between the last value and the next one below it, if that is another.
    #[inline(always)]
    fn offer(&mut self, above: &Above, next: u8, min_leaf: u64) {
        let Some(last) = self.last.replace(next) else {
            return;
        };
        if last == next {
            return;
        }
        self.varies = true;
        let Some(score) = above.score(min_leaf) else {
            return;
        };
        // The later, the lower.
        if self.split.is_none_or(|best| score >= best.score) {
            let threshold = last.midpoint(next);
            self.split = Some(Split { score, threshold });
        }
    }

    /// All values but 0 were passed.
    fn end(mut self, above: &Above, has_zero: bool, min_leaf: u64) -> Found {
        if has_zero {
            self.offer(above, 0, min_leaf);
        }
        match (self.varies, self.split) {
            (false, _) => Found::Constant,
            (true, None) => Found::TooFew,
            (true, Some(split)) => Found::Best(split),
        }
    }
}
