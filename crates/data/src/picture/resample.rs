//! Averaging areas: each target pixel is the mean of what it covers.

use std::ops::Range;

use super::Plane;

/// A square on a plane. It may begin before the plane and end after it; there is no
/// ink there.
pub(super) struct Square {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) side: f64,
}

/// The square averaged to `side` × `side` values. Every target pixel is the mean of
/// the part of `ink` that it covers, partly covered pixels by their covered part.
pub(super) fn average(ink: &Plane, square: &Square, side: usize) -> Vec<f64> {
    let step = square.side / side as f64;
    let columns = Coverage::along(ink.width, square.left, step, side);
    let rows = Coverage::along(ink.height, square.top, step, side);
    let mut out = vec![0.0; side * side];
    for (row, covered) in rows.iter().enumerate() {
        let line = &mut out[row * side..][..side];
        for (values, weight) in ink.rows().skip(covered.pixels.start).zip(&covered.weights) {
            for (value, column) in line.iter_mut().zip(&columns) {
                let run = &values[column.pixels.clone()];
                let sum: f64 = run
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

/// What one target pixel covers along one axis.
struct Coverage {
    pixels: Range<usize>,
    /// The share of the target pixel that each of `pixels` fills.
    weights: Vec<f64>,
}

impl Coverage {
    /// For each of `count` target pixels that are `step` long and begin at `start`, on
    /// an axis of `len` pixels.
    fn along(len: usize, start: f64, step: f64, count: usize) -> Vec<Self> {
        let axis = len as f64;
        (0..count)
            .map(|index| {
                let from = (start + step * index as f64).clamp(0.0, axis);
                let to = (start + step * (index + 1) as f64).clamp(from, axis);
                let pixels = from.floor() as usize..(to.ceil() as usize).min(len);
                let weights = pixels
                    .clone()
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

    fn plane(width: usize, height: usize, values: &[u8]) -> Plane {
        Plane {
            width,
            height,
            values: values.to_vec(),
        }
    }

    fn square(left: f64, top: f64, side: f64) -> Square {
        Square { left, top, side }
    }

    #[test]
    fn whole_pixels_average_to_their_mean() {
        let ink = plane(4, 2, &[1, 3, 10, 20, 5, 7, 30, 40]);
        assert_eq!(average(&ink, &square(0.0, 0.0, 2.0), 1), [4.0]);
        assert_eq!(average(&ink, &square(2.0, 0.0, 2.0), 1), [25.0]);
        assert_eq!(
            average(&ink, &square(2.0, 0.0, 2.0), 2),
            [10.0, 20.0, 30.0, 40.0]
        );
    }

    #[test]
    fn partly_covered_pixels_count_by_their_part() {
        let ink = plane(3, 1, &[100, 200, 40]);
        // From 0.5 to 1.5: half of 100 and half of 200, in one of two rows.
        assert_eq!(average(&ink, &square(0.5, 0.0, 1.0), 1), [150.0]);
        assert_eq!(
            average(&ink, &square(0.0, 0.0, 3.0), 2)[..2],
            [(100.0 + 100.0) / 1.5 / 1.5, (100.0 + 40.0) / 1.5 / 1.5]
        );
    }

    #[test]
    fn beyond_the_plane_there_is_no_ink() {
        let ink = plane(1, 1, &[80]);
        assert_eq!(
            average(&ink, &square(-1.0, -1.0, 2.0), 2),
            [0.0, 0.0, 0.0, 80.0]
        );
        assert_eq!(average(&ink, &square(5.0, 5.0, 2.0), 1), [0.0]);
    }

    #[test]
    fn enlarging_repeats() {
        let ink = plane(2, 2, &[1, 2, 3, 4]);
        let out = average(&ink, &square(0.0, 0.0, 2.0), 4);
        assert_eq!(out[..8], [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
