//! Averaging areas: each target pixel is the mean of what it covers.

use std::ops::Range;

use crate::plane::{Plane, Rect};

/// The square around the middle of `bounds` averaged to `side` × `side` values. Every
/// target pixel is the mean of what it covers, partly covered pixels by their covered
/// part; beyond the plane there is no ink.
///
/// The shorter side of the bounding box is extended by the same length, perhaps half a pixel,
/// on both ends. MNIST's was too: the outermost columns of its narrow digits are
/// equally grey on the left and on the right (means 123 and 126 over 42,287 digits,
/// where the outermost rows have 239 and 238). Only where the square is `side` pixels wide
/// as it is, whole pixels are kept whole: the image has been through this once.
pub(crate) fn average(ink: &Plane, bounds: Rect, side: usize) -> Vec<f64> {
    let length = bounds.width.max(bounds.height);
    let columns = bounds.left..bounds.left + bounds.width;
    let columns = Coverage::along(ink.width, columns, length, side);
    let rows = bounds.top..bounds.top + bounds.height;
    let rows = Coverage::along(ink.height, rows, length, side);
    let mut out = vec![0.0; side * side];
    for (line, row) in out.chunks_exact_mut(side).zip(&rows) {
        let lines = ink.rows().skip(row.pixels.start);
        for (values, weight) in lines.zip(&row.weights) {
            for (value, column) in line.iter_mut().zip(&columns) {
                let sum: f64 = values[column.pixels.clone()]
                    .iter()
                    .zip(&column.weights)
                    .map(|(&ink, share)| f64::from(ink) * share)
                    .sum();
                *value += weight * sum;
            }
        }
    }
    out
}

/// Means of squares of `factor` × `factor` pixels; those at the right and the bottom
/// may cover less.
pub(crate) fn shrink(plane: &Plane, factor: usize) -> Plane {
    let width = plane.width.div_ceil(factor);
    let mut values = Vec::with_capacity(width * plane.height.div_ceil(factor));
    let mut sums = vec![0_u32; width];
    for rows in plane.values.chunks(factor * plane.width) {
        sums.fill(0);
        for row in rows.chunks_exact(plane.width) {
            for (sum, square) in sums.iter_mut().zip(row.chunks(factor)) {
                *sum += square.iter().map(|&value| u32::from(value)).sum::<u32>();
            }
        }
        let lines = rows.len() / plane.width;
        for (square, &sum) in sums.iter().enumerate() {
            let columns = factor.min(plane.width - square * factor);
            let count = (lines * columns) as u32;
            // A mean of bytes is a byte.
            values.push(((sum + count / 2) / count) as u8);
        }
    }
    Plane::new(width, values)
}

/// The greatest values of squares of `factor` × `factor` pixels; those at the right and the bottom
/// may cover less.
pub(crate) fn strongest(plane: &Plane, factor: usize) -> Plane {
    let width = plane.width.div_ceil(factor);
    let mut values = Vec::with_capacity(width * plane.height.div_ceil(factor));
    let mut line = vec![0_u8; plane.width];
    for rows in plane.values.chunks(factor * plane.width) {
        // Whole rows first: these are many pixels at a time.
        line.fill(0);
        for row in rows.chunks_exact(plane.width) {
            for (most, &value) in line.iter_mut().zip(row) {
                *most = (*most).max(value);
            }
        }
        let most = |square: &[u8]| square.iter().copied().fold(0, u8::max);
        values.extend(line.chunks(factor).map(most));
    }
    Plane::new(width, values)
}

/// What one target pixel covers along one axis.
struct Coverage {
    pixels: Range<usize>,
    /// The share of the target pixel that each of `pixels` fills.
    weights: Vec<f64>,
}

impl Coverage {
    /// For each of `count` target pixels that fill `length` together, around the middle
    /// of `bounds`, on an axis of `len` pixels.
    fn along(len: usize, bounds: Range<usize>, length: usize, count: usize) -> Vec<Self> {
        // Positions are counted from the bounds, so that it does not matter where they lie.
        let mut start = (length - bounds.len()) as f64 / -2.0;
        if length == count {
            // Pixels that are as large as the target's need no averaging.
            start = start.ceil();
        }
        let step = length as f64 / count as f64;
        let (first, last) = (-(bounds.start as f64), (len - bounds.start) as f64);
        (0..count)
            .map(|index| {
                let from = (start + step * index as f64).clamp(first, last);
                let to = (start + step * (index + 1) as f64).clamp(from, last);
                let pixel = |position: f64| (position - first) as usize;
                let pixels = pixel(from.floor())..pixel(to.ceil());
                let weights = (from.floor() as i64..to.ceil() as i64)
                    .map(|pixel| {
                        let covered = to.min(pixel as f64 + 1.0) - from.max(pixel as f64);
                        covered.max(0.0) / step
                    })
                    .collect();
                Self { pixels, weights }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rectangle `[left, top, width, height]` of a plane, averaged.
    fn averaged(width: usize, values: &[u8], bounds: [usize; 4], side: usize) -> Vec<f64> {
        let plane = Plane::new(width, values.to_vec());
        let [left, top, width, height] = bounds;
        let bounds = Rect {
            left,
            top,
            width,
            height,
        };
        average(&plane, bounds, side)
    }

    const FOUR_BY_TWO: [u8; 8] = [1, 3, 10, 20, 5, 7, 30, 40];

    #[test]
    fn whole_pixels_average_to_their_mean() {
        assert_eq!(averaged(4, &FOUR_BY_TWO, [0, 0, 2, 2], 1), [4.0]);
        assert_eq!(averaged(4, &FOUR_BY_TWO, [2, 0, 2, 2], 1), [25.0]);
        assert_eq!(
            averaged(4, &FOUR_BY_TWO, [2, 0, 2, 2], 2),
            [10.0, 20.0, 30.0, 40.0]
        );
    }

    #[test]
    fn partly_covered_pixels_count_by_their_part() {
        // Three pixels by one row: in the square of 3, the row is in the middle, half in
        // each half; each half is one pixel and a half wide.
        let out = averaged(3, &[100, 200, 40], [0, 0, 3, 1], 2);
        for (value, expected) in out.iter().zip([100.0, 70.0, 100.0, 70.0]) {
            let expected = expected / 2.25;
            assert!(
                (value - expected).abs() < 1e-12,
                "{value} is not {expected}"
            );
        }
    }

    #[test]
    fn beyond_the_plane_there_is_no_ink() {
        let out = averaged(1, &[9; 3], [0, 0, 1, 3], 3);
        assert_eq!(out, [0.0, 9.0, 0.0, 0.0, 9.0, 0.0, 0.0, 9.0, 0.0]);
        // A shorter side of odd difference begins on half a pixel, except at scale 1.
        let out = averaged(4, &[8; 24], [0, 0, 4, 6], 3);
        assert_eq!(out[..3], [4.0, 8.0, 4.0]);
        let out = averaged(2, &[8; 6], [0, 0, 2, 3], 3);
        assert_eq!(out[..3], [8.0, 8.0, 0.0]);
    }

    #[test]
    fn what_the_square_covers_beside_the_bounding_box_counts() {
        let out = averaged(3, &[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 0, 1, 3], 3);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    }

    #[test]
    fn enlarging_repeats() {
        let out = averaged(2, &[1, 2, 3, 4], [0, 0, 2, 2], 4);
        assert_eq!(out[..8], [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
