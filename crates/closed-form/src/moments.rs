//! Sums over the training images of each class.

use bakeoff_core::Samples;

/// Counts and sums of bytes, exactly.
pub(crate) struct Moments {
    pub(crate) pixels: usize,
    /// Images of each class.
    pub(crate) counts: Vec<usize>,
    /// Classes × pixels.
    pub(crate) sums: Vec<u64>,
    /// Sums of squares, classes × pixels.
    pub(crate) squares: Vec<u64>,
}

impl Moments {
    pub(crate) fn new(train: &Samples) -> Self {
        let pixels = train.images().shape().pixels();
        let mut sums = vec![0; train.classes() * pixels];
        let mut squares = sums.clone();
        for (image, &label) in train.images().iter().zip(train.labels()) {
            let row = usize::from(label) * pixels;
            let own = sums[row..row + pixels].iter_mut();
            let own = own.zip(&mut squares[row..row + pixels]);
            for ((sum, square), &value) in own.zip(image) {
                *sum += u64::from(value);
                *square += u64::from(value).pow(2);
            }
        }
        Self {
            pixels,
            counts: train.class_counts(),
            sums,
            squares,
        }
    }

    pub(crate) fn images(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The classes that occur.
    pub(crate) fn occurring(&self) -> impl Iterator<Item = usize> {
        (0..self.counts.len()).filter(|&class| self.counts[class] > 0)
    }

    pub(crate) fn sums_of(&self, class: usize) -> &[u64] {
        &self.sums[class * self.pixels..][..self.pixels]
    }

    /// The mean of a class that occurs, in bytes.
    pub(crate) fn mean(&self, class: usize) -> Vec<f64> {
        let count = self.counts[class] as f64;
        let sums = self.sums_of(class).iter();
        sums.map(|&sum| sum as f64 / count).collect()
    }

    /// Sums of all classes together.
    pub(crate) fn all(&self) -> Vec<u64> {
        let sum = |pixel: usize| self.sums[pixel..].iter().step_by(self.pixels).sum();
        (0..self.pixels).map(sum).collect()
    }

    /// The natural logarithm of a class's share of the images.
    pub(crate) fn log_share(&self, class: usize) -> f64 {
        (self.counts[class] as f64 / self.images() as f64).ln()
    }
}
