//! Images with blocks of other images, to measure which parts of them a model looks at.

use bakeoff_core::{ImageShape, Images, ImagesError};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// The blocks of images: squares from the upper left corner, smaller at the lower and the right edge.
pub struct Blocks<'a> {
    images: &'a Images,
    /// For each image the one that its blocks come from.
    others: Vec<usize>,
    side: usize,
}

impl<'a> Blocks<'a> {
    /// Blocks of `side` pixels, at least 1. Every image gives its blocks to one other; which, the seed says.
    pub fn new(images: &'a Images, side: usize, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut others = vec![0; order.len()];
        for (at, &image) in order.iter().enumerate() {
            others[image] = order[(at + 1) % order.len()];
        }
        Self {
            images,
            others,
            side: side.max(1),
        }
    }

    /// Rows and columns of blocks.
    pub fn grid(&self) -> [usize; 2] {
        let shape = self.images.shape();
        [shape.height, shape.width].map(|side| side.div_ceil(self.side))
    }

    /// All images, each with this block of another.
    ///
    /// # Errors
    /// None that images can cause; it passes on what [`Images::new`] says.
    pub fn exchanged(&self, [row, column]: [usize; 2]) -> Result<Images, ImagesError> {
        let shape = self.images.shape();
        let ImageShape { height, width, .. } = shape;
        let from = self.images.pixels();
        let mut pixels = from.to_vec();
        let size = shape.pixels();
        let lines = (row * self.side).min(height)..((row + 1) * self.side).min(height);
        let columns = (column * self.side).min(width)..((column + 1) * self.side).min(width);
        let images = pixels.chunks_exact_mut(size).zip(&self.others);
        for (image, &other) in images {
            let other = &from[other * size..][..size];
            let channels = image.chunks_exact_mut(height * width);
            for (to, from) in channels.zip(other.chunks_exact(height * width)) {
                for line in lines.clone() {
                    let line = line * width + columns.start..line * width + columns.end;
                    to[line.clone()].copy_from_slice(&from[line]);
                }
            }
        }
        Images::new(shape, pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_that_of_another_image_and_the_rest_is_as_it_was() {
        let shape = ImageShape::new(2, 5, 4);
        let pixels: Vec<u8> = (0..6_u8).flat_map(|image| vec![image; 40]).collect();
        let images = Images::new(shape, pixels).unwrap();
        let blocks = Blocks::new(&images, 3, 9);
        assert_eq!(blocks.grid(), [2, 2]);
        for (row, column, size) in [(0, 0, 9), (0, 1, 3), (1, 0, 6), (1, 1, 2)] {
            let exchanged = blocks.exchanged([row, column]).unwrap();
            let mut givers = Vec::new();
            for (image, own) in exchanged.iter().zip(0_u8..) {
                for (place, &value) in image.iter().enumerate() {
                    let (y, x) = (place % 20 / 4, place % 4);
                    let inside = y / 3 == row && x / 3 == column;
                    assert_eq!(value != own, inside, "{place} of image {own}");
                }
                let others: Vec<u8> = image.iter().copied().filter(|v| *v != own).collect();
                assert_eq!(others.len(), 2 * size);
                assert!(others.windows(2).all(|pair| pair[0] == pair[1]));
                givers.push(others[0]);
            }
            givers.sort_unstable();
            assert_eq!(givers, [0, 1, 2, 3, 4, 5], "each gives its block once");
        }
    }

    #[test]
    fn no_image_and_one_image_stay_as_they_are() {
        let shape = ImageShape::new(1, 2, 2);
        for pixels in [vec![], vec![1, 2, 3, 4]] {
            let images = Images::new(shape, pixels).unwrap();
            assert_eq!(
                Blocks::new(&images, 1, 1).exchanged([1, 1]).unwrap(),
                images
            );
        }
    }
}
