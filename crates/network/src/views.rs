//! Images as they are and moved by some pixels, whose answers are averaged.
//!
//! Known as test-time augmentation: Krizhevsky et al. (2012) average the answers to five crops, which
//! are moves of a smaller image; here nothing of a small image is cut off that is not moved out. The
//! five views, and zeros for what comes from outside as in the augmentation of training.

use bakeoff_core::ImageShape;

/// How often a model that answers by views looks at an image.
pub(crate) const VIEWS: usize = 5;

/// Rows and columns that each view is moved by.
pub(crate) fn views(pixels: usize) -> [[isize; 2]; VIEWS] {
    let by = isize::try_from(pixels).unwrap_or(isize::MAX);
    [[0, 0], [-by, 0], [by, 0], [0, -by], [0, by]]
}

/// N×C×H×W bytes, each image moved down and to the right by so many pixels.
pub(crate) fn moved(images: &[u8], shape: ImageShape, [down, right]: [isize; 2]) -> Vec<u8> {
    let mut out = vec![0; images.len()];
    let (height, width) = (shape.height, shape.width);
    let from = |at: usize, by: isize, len: usize| {
        at.checked_add_signed(by.saturating_neg())
            .filter(|&place| place < len)
    };
    // The part of a row that stays inside.
    let start = right.clamp(0, width as isize).unsigned_abs();
    let end = width - right.clamp(-(width as isize), 0).unsigned_abs();
    for (to, image) in out
        .chunks_exact_mut(height * width)
        .zip(images.chunks_exact(height * width))
    {
        for (y, to) in to.chunks_exact_mut(width).enumerate() {
            let row = from(y, down, height);
            let column = from(start, right, width);
            if let Some((row, column)) = row.zip(column).filter(|_| start < end) {
                let row = &image[row * width..][..width];
                to[start..end].copy_from_slice(&row[column..][..end - start]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_move_and_zeros_come_in() {
        let shape = ImageShape::new(2, 2, 3);
        let images: Vec<u8> = (1..=12).collect();
        let moved = |by| moved(&images, shape, by);
        assert_eq!(moved([0, 0]), images);
        assert_eq!(moved([1, 0]), [0, 0, 0, 1, 2, 3, 0, 0, 0, 7, 8, 9]);
        assert_eq!(moved([-1, 0]), [4, 5, 6, 0, 0, 0, 10, 11, 12, 0, 0, 0]);
        assert_eq!(moved([0, 1]), [0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11]);
        assert_eq!(moved([0, -2]), [3, 0, 0, 6, 0, 0, 9, 0, 0, 12, 0, 0]);
        for by in [[2, 0], [-2, 0], [0, 3], [0, -3], [0, 9]] {
            assert_eq!(moved(by), [0; 12]);
        }
    }
}
