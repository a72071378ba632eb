//! Images as they are, moved by some pixels and mirrored, whose answers are averaged.
//!
//! Known as test-time augmentation: Krizhevsky et al. (2012) average the answers to five crops, which
//! are moves of a smaller image; here nothing of a small image is cut off that is not moved out. The
//! five views, and zeros for what comes from outside as in the augmentation of training.

use bakeoff_core::ImageShape;

/// What a model looks at for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Views {
    /// Pixels that four copies are moved by; 0: there are none.
    pub(crate) shift: usize,
    /// Whether each is looked at in the mirror, too.
    pub(crate) flip: bool,
}

impl Views {
    /// Whether it is the image alone.
    pub(crate) fn is_plain(self) -> bool {
        self.shift == 0 && !self.flip
    }

    /// Each view of N×C×H×W bytes, made when it is asked for.
    pub(crate) fn of(
        self,
        images: &[u8],
        shape: ImageShape,
    ) -> impl ExactSizeIterator<Item = Vec<u8>> {
        let by = isize::try_from(self.shift).unwrap_or(isize::MAX);
        let moves = [[0, 0], [-by, 0], [by, 0], [0, -by], [0, by]];
        let moves = if by == 0 { &moves[..1] } else { &moves }.to_vec();
        let sides = if self.flip { 2 } else { 1 };
        (0..moves.len() * sides).map(move |view| {
            let mut seen = moved(images, shape, moves[view / sides]);
            if view % sides == 1 {
                mirror(&mut seen, shape);
            }
            seen
        })
    }
}

/// Exchanges left and right of N×C×H×W bytes.
pub(crate) fn mirror(images: &mut [u8], shape: ImageShape) {
    for row in images.chunks_exact_mut(shape.width) {
        row.reverse();
    }
}

/// N×C×H×W bytes, each image moved down and to the right by so many pixels.
fn moved(images: &[u8], shape: ImageShape, [down, right]: [isize; 2]) -> Vec<u8> {
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
    fn each_view_is_looked_at_once() {
        let shape = ImageShape::new(1, 2, 3);
        let images: Vec<u8> = (1..=6).collect();
        let all = |shift, flip| Views { shift, flip }.of(&images, shape).collect::<Vec<_>>();
        assert_eq!(all(0, false), [[1, 2, 3, 4, 5, 6]]);
        assert_eq!(all(0, true), [[1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4]]);
        let moved = [
            [1, 2, 3, 4, 5, 6],
            [4, 5, 6, 0, 0, 0],
            [0, 0, 0, 1, 2, 3],
            [2, 3, 0, 5, 6, 0],
            [0, 1, 2, 0, 4, 5],
        ];
        assert_eq!(all(1, false), moved);
        let both = all(1, true);
        assert_eq!(both.len(), 10);
        assert_eq!(both[8..], [[0, 1, 2, 0, 4, 5], [2, 1, 0, 5, 4, 0]]);
        assert!(
            Views {
                shift: 0,
                flip: false
            }
            .is_plain()
        );
    }

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
