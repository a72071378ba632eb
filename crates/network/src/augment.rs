//! Changing training images at random, so that a network sees more of them.
//!
//! Works on bytes, before any scaling, so that whatever changes stored images (a
//! corruption, say) can be plugged in. Each image has a random stream of its own that
//! depends on the seed, the epoch and its place in the training data: neither the
//! batch size nor the number of threads changes what it becomes.

use bakeoff_core::{ImageShape, derive_seed};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Changes one image.
pub(crate) trait Augmentation: Send + Sync {
    /// Changes the C×H×W bytes in place. What moves in from outside is 0, the
    /// background of MNIST and its relatives.
    fn apply(&self, shape: ImageShape, picture: &mut [u8], rng: &mut ChaCha8Rng);
}

/// Moves the image by up to `pixels` on each axis, evenly distributed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    /// At most this far, in pixels.
    pub(crate) pixels: usize,
}

impl Augmentation for Shift {
    fn apply(&self, shape: ImageShape, picture: &mut [u8], rng: &mut ChaCha8Rng) {
        let reach = i64::try_from(self.pixels).unwrap_or(i64::MAX / 4);
        let down = rng.random_range(-reach..=reach);
        let right = rng.random_range(-reach..=reach);
        sample(shape, picture, |row, column| {
            (row - down as f64, column - right as f64)
        });
    }
}

/// Turns the image about its centre by up to `degrees` either way, evenly distributed,
/// with bilinear interpolation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotate {
    /// At most this far, in degrees.
    pub(crate) degrees: f64,
}

impl Augmentation for Rotate {
    fn apply(&self, shape: ImageShape, picture: &mut [u8], rng: &mut ChaCha8Rng) {
        let angle = rng.random_range(-self.degrees..=self.degrees);
        let (sin, cos) = angle.to_radians().sin_cos();
        let centre_row = (shape.height as f64 - 1.0) / 2.0;
        let centre_column = (shape.width as f64 - 1.0) / 2.0;
        sample(shape, picture, |row, column| {
            let (y, x) = (row - centre_row, column - centre_column);
            (
                centre_row + cos * y - sin * x,
                centre_column + sin * y + cos * x,
            )
        });
    }
}

/// Replaces every pixel by the one that `source` says it comes from, between pixels by
/// bilinear interpolation, outside by 0.
fn sample(shape: ImageShape, picture: &mut [u8], source: impl Fn(f64, f64) -> (f64, f64)) {
    let (height, width) = (shape.height, shape.width);
    let mut before = vec![0; height * width];
    for plane in picture.chunks_exact_mut(height * width) {
        before.copy_from_slice(plane);
        let pixel = |row: f64, column: f64| {
            let inside =
                (0.0..height as f64).contains(&row) && (0.0..width as f64).contains(&column);
            if inside {
                f64::from(before[row as usize * width + column as usize])
            } else {
                0.0
            }
        };
        for (index, out) in plane.iter_mut().enumerate() {
            let (row, column) = source((index / width) as f64, (index % width) as f64);
            let (top, left) = (row.floor(), column.floor());
            let (down, right) = (row - top, column - left);
            let upper = pixel(top, left) * (1.0 - right) + pixel(top, left + 1.0) * right;
            let lower =
                pixel(top + 1.0, left) * (1.0 - right) + pixel(top + 1.0, left + 1.0) * right;
            *out = (upper * (1.0 - down) + lower * down).round() as u8;
        }
    }
}

/// Several augmentations one after the other, with the seed of one fit.
pub(crate) struct Augmenter {
    steps: Vec<Box<dyn Augmentation>>,
    seed: u64,
}

impl Augmenter {
    /// Applies `steps` in order, with random numbers that follow from `seed`.
    pub(crate) fn new(steps: Vec<Box<dyn Augmentation>>, seed: u64) -> Self {
        Self { steps, seed }
    }

    /// Whether there is nothing to apply, so that images may stay where they lie.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Changes a batch: `indices` says which training image each one is.
    pub(crate) fn apply(
        &self,
        shape: ImageShape,
        epoch: u64,
        indices: &[usize],
        pixels: &mut [u8],
    ) {
        if self.steps.is_empty() {
            return;
        }
        let seed = derive_seed(self.seed, &format!("augment/{epoch}"));
        pixels
            .par_chunks_exact_mut(shape.pixels())
            .zip(indices)
            .for_each(|(picture, &index)| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(index as u64);
                for step in &self.steps {
                    step.apply(shape, picture, &mut rng);
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape::new(2, 5, 7);

    /// One bright pixel in the middle of each channel.
    fn dot() -> Vec<u8> {
        let mut picture = vec![0; SHAPE.pixels()];
        picture[2 * 7 + 3] = 200;
        picture[35 + 2 * 7 + 3] = 100;
        picture
    }

    #[test]
    fn a_shift_moves_all_channels_alike_and_reaches_every_offset() {
        let shift = Shift { pixels: 1 };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut picture = dot();
            shift.apply(SHAPE, &mut picture, &mut ChaCha8Rng::seed_from_u64(seed));
            let bright: Vec<_> = (0..70).filter(|&i| picture[i] > 0).collect();
            assert_eq!(bright.len(), 2);
            assert_eq!(bright[1], bright[0] + 35);
            assert_eq!((picture[bright[0]], picture[bright[1]]), (200, 100));
            seen.insert(bright[0]);
        }
        let expected: Vec<usize> = [1, 2, 3]
            .iter()
            .flat_map(|row| [2, 3, 4].map(|column| row * 7 + column))
            .collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_moves_in_is_background() {
        let mut picture = vec![255; SHAPE.pixels()];
        Shift { pixels: 40 }.apply(SHAPE, &mut picture, &mut ChaCha8Rng::seed_from_u64(3));
        assert!(picture.contains(&0));
        let mut picture = vec![255; SHAPE.pixels()];
        Rotate { degrees: 0.0 }.apply(SHAPE, &mut picture, &mut ChaCha8Rng::seed_from_u64(3));
        assert_eq!(picture, vec![255; SHAPE.pixels()]);
    }

    #[test]
    fn a_rotation_keeps_the_centre_and_moves_the_rest() {
        let mut picture = vec![0; SHAPE.pixels()];
        picture[2 * 7 + 3] = 200;
        picture[2 * 7 + 6] = 200;
        let before = picture.clone();
        Rotate { degrees: 15.0 }.apply(SHAPE, &mut picture, &mut ChaCha8Rng::seed_from_u64(5));
        assert_eq!(picture[2 * 7 + 3], 200);
        assert_ne!(picture, before);
        // A turn by at most 15° moves a point three columns out by less than a row.
        assert!(picture[..7].iter().all(|&value| value == 0));
        assert!(picture[28..35].iter().all(|&value| value == 0));
    }

    #[test]
    fn a_quarter_turn_is_exact() {
        struct Quarter;
        impl Augmentation for Quarter {
            fn apply(&self, shape: ImageShape, picture: &mut [u8], _: &mut ChaCha8Rng) {
                sample(shape, picture, |row, column| (column, 2.0 - row));
            }
        }
        let mut picture: Vec<u8> = (1..=9).collect();
        let shape = ImageShape::new(1, 3, 3);
        Quarter.apply(shape, &mut picture, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(picture, [3, 6, 9, 2, 5, 8, 1, 4, 7]);
    }

    #[test]
    fn a_picture_becomes_the_same_wherever_it_stands_in_a_batch() {
        let augmenter = Augmenter::new(
            vec![
                Box::new(Shift { pixels: 2 }),
                Box::new(Rotate { degrees: 9.0 }),
            ],
            1,
        );
        let run = |epoch, indices: &[usize]| {
            let mut pixels: Vec<u8> = indices.iter().flat_map(|_| dot()).collect();
            augmenter.apply(SHAPE, epoch, indices, &mut pixels);
            pixels
        };
        let (ab, ba) = (run(1, &[4, 9]), run(1, &[9, 4]));
        assert_eq!(ab[..70], ba[70..]);
        assert_eq!(ab[70..], ba[..70]);
        assert_ne!(run(1, &[4]), run(2, &[4]));
    }
}
