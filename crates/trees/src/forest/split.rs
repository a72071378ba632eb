//! The best split of a node's images by one pixel.

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

/// Memory for the search, of one tree.
pub(crate) struct Search {
    classes: usize,
    min_leaf: u64,
    above: Above,
    /// 256 values × classes.
    counts: Vec<u32>,
    /// The images whose pixel is not 0, see [`key`].
    keys: Vec<u32>,
}

/// An image's value, label and weight in one number that sorts by value.
#[inline(always)]
fn key(value: u8, entry: &Entry) -> u32 {
    u32::from(value) << 24 | u32::from(entry.weight) << 16 | u32::from(entry.label)
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

impl Search {
    pub(crate) fn new(classes: usize, min_leaf: u32, images: usize) -> Self {
        Self {
            classes,
            min_leaf: u64::from(min_leaf),
            above: Above::new(classes),
            counts: vec![0; 256 * classes],
            keys: vec![0; images],
        }
    }

    /// Collects the images whose pixel is not 0, and says how many they are: in images of writing, most
    /// pixels are 0, and what is above a threshold says all about what is below.
    #[inline(always)]
    fn collect(&mut self, pixel: impl Fn(&Entry) -> u8, entries: &[Entry]) -> usize {
        let mut length = 0;
        for entry in entries {
            let value = pixel(entry);
            // Written in any case, kept if it counts: no branch is guessed wrongly.
            self.keys[length] = key(value, entry);
            length += usize::from(value > 0);
        }
        length
    }

    /// The best threshold of a pixel, which `pixel` gives of an image; `counts` are the node's classes. Of
    /// equal thresholds it is the lowest, in the middle between two values.
    pub(crate) fn best(
        &mut self,
        pixel: impl Fn(&Entry) -> u8,
        entries: &[Entry],
        counts: &[u32],
    ) -> Found {
        let length = self.collect(pixel, entries);
        if length == 0 {
            return Found::Constant;
        }
        self.above.start(counts);
        let has_zero = length < entries.len();
        // Counting has the cost of going through the classes of each value, sorting that of the images:
        // measured on MNIST.
        match length * length.ilog2() as usize <= 60 * self.classes {
            true => self.by_sorting(length, has_zero, counts),
            false => self.by_counting(length, has_zero, counts),
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
        let keys = &mut self.keys[..length];
        keys.sort_unstable();
        let mut best = Best::default();
        for &key in keys.iter().rev() {
            best.offer(&self.above, value(key), self.min_leaf);
            self.above.pass(label(key), weight(key), counts);
        }
        best.end(&self.above, has_zero, self.min_leaf)
    }

    /// A pixel's split at a threshold that `draw` draws between its lowest value and the one below its highest.
    pub(crate) fn random(
        &mut self,
        pixel: impl Fn(&Entry) -> u8,
        entries: &[Entry],
        counts: &[u32],
        draw: impl FnOnce(u8, u8) -> u8,
    ) -> Found {
        let length = self.collect(pixel, entries);
        let keys = &self.keys[..length];
        let values = keys.iter().map(|&key| value(key));
        let (low, high) = values.fold((u8::MAX, u8::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let low = if length < entries.len() { 0 } else { low };
        if low >= high {
            return Found::Constant;
        }
        let threshold = draw(low, high - 1);
        let passed = &mut self.counts[..self.classes];
        for &key in keys {
            passed[label(key)] += weight(key) * u32::from(value(key) > threshold);
        }
        self.above.start(counts);
        for (class, count) in passed.iter_mut().enumerate() {
            self.above.pass(class, *count, counts);
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
