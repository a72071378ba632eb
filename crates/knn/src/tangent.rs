//! Tangent distance on a shortlist: how far images are apart when one of them may be moved, turned, scaled, stretched and
//! thickened a little.
//!
//! To first order these seven changes of an image move it within a plane, spanned by its tangents; the distance of
//! another image from that plane is what small changes do not explain (Simard, LeCun and Denker 1993). Here it is the
//! plane of the image that is asked about (*one-sided*): its tangents are computed once, and each training image costs seven
//! products.
//!
//! It is computed for a shortlist only, the nearest by the metric of the search: an image that a small change makes near
//! is not far to begin with. Rejected: planes of both images (*two-sided*). On 600 images of MNIST's training part it got as many
//! right within one, and the tangents of all training images take seven times their memory as floats, or a hundred times the
//! time.

use bakeoff_core::{ImageShape, PredictError};
use bakeoff_kernels::{Strided, multiply};
use rayon::prelude::*;

use crate::search::{Neighbour, Search};

/// Number of changes.
const TANGENTS: usize = 7;

/// The smallest side of an image that has them.
pub(crate) const LEAST_SIDE: usize = 3;

/// Images whose shortlists are in memory at once.
const QUERIES_AT_ONCE: usize = 2048;

/// A search whose nearest images are put into a new order.
pub(crate) struct Tangent {
    pub(crate) search: Box<dyn Search>,
    /// The training images, N×D.
    pub(crate) rows: Vec<u8>,
    pub(crate) shape: ImageShape,
    /// How many of the nearest are looked at again.
    pub(crate) shortlist: usize,
}

impl Search for Tangent {
    fn nearest(&self, queries: &[u8], k: usize) -> Result<Vec<Neighbour>, PredictError> {
        let pixels = self.shape.pixels();
        let count = self.shortlist.max(k).min(self.rows.len() / pixels);
        let mut found = Vec::with_capacity(queries.len() / pixels * k);
        for queries in queries.chunks(QUERIES_AT_ONCE * pixels) {
            let mut lists = self.search.nearest(queries, count)?;
            lists
                .par_chunks_mut(count)
                .zip(queries.par_chunks(pixels))
                .for_each(|(list, query)| self.sort(query, list));
            found.extend(lists.chunks_exact(count).flat_map(|list| &list[..k]));
        }
        Ok(found)
    }

    fn rows(&self) -> Vec<u8> {
        self.rows.clone()
    }

    fn row(&self, index: usize) -> Vec<u8> {
        let pixels = self.shape.pixels();
        self.rows[index * pixels..][..pixels].to_vec()
    }

    fn kernel(&self) -> Option<&'static str> {
        self.search.kernel()
    }
}

impl Tangent {
    /// Puts the tangent distances of a shortlist in the place of its own, and sorts it by them.
    fn sort(&self, query: &[u8], list: &mut [Neighbour]) {
        let pixels = query.len();
        let basis = basis(query, self.shape);
        let mut away = vec![0.0; list.len() * pixels];
        let mut squares = Vec::with_capacity(list.len());
        for (neighbour, away) in list.iter().zip(away.chunks_exact_mut(pixels)) {
            let row = &self.rows[neighbour.index * pixels..][..pixels];
            let mut square = 0_u64;
            for ((away, &a), &b) in away.iter_mut().zip(row).zip(query) {
                let difference = i32::from(a) - i32::from(b);
                *away = difference as f32;
                square += u64::from(difference.unsigned_abs().pow(2));
            }
            squares.push(square as f64);
        }
        let mut along = vec![0.0; list.len() * TANGENTS];
        multiply(
            (list.len(), pixels, TANGENTS),
            Strided::rows(&away, pixels),
            Strided::rows(&basis, pixels).transposed(),
            1.0,
            false,
            &mut along,
            TANGENTS,
        );
        let along = along.chunks_exact(TANGENTS);
        for ((neighbour, square), along) in list.iter_mut().zip(squares).zip(along) {
            let explained: f64 = along.iter().map(|&value| f64::from(value).powi(2)).sum();
            neighbour.distance = (square - explained).max(0.0).sqrt();
        }
        let order = |a: &Neighbour, b: &Neighbour| {
            a.distance
                .total_cmp(&b.distance)
                .then(a.index.cmp(&b.index))
        };
        list.sort_unstable_by(order);
    }
}

/// The tangents of an image as directions of length one, each orthogonal to all others: 7 × D, those that it has
/// not are 0.
fn basis(image: &[u8], shape: ImageShape) -> Vec<f32> {
    let (height, width) = (shape.height, shape.width);
    let middle = [height, width].map(|side| (side as f64 - 1.0) / 2.0);
    let mut tangents: [Vec<f64>; TANGENTS] = Default::default();
    for plane in image.chunks_exact(height * width) {
        let smooth = blurred(plane, width);
        let at = |y: isize, x: isize| -> f64 {
            let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
            if inside {
                smooth[y as usize * width + x as usize]
            } else {
                0.0
            }
        };
        for y in 0..height as isize {
            for x in 0..width as isize {
                let across = 0.5 * (at(y, x + 1) - at(y, x - 1));
                let down = 0.5 * (at(y + 1, x) - at(y - 1, x));
                let (v, u) = (y as f64 - middle[0], x as f64 - middle[1]);
                let values = [
                    across,
                    down,
                    // Turned, scaled, stretched along the axes and along the diagonals, thickened.
                    v * across - u * down,
                    u * across + v * down,
                    u * across - v * down,
                    v * across + u * down,
                    across * across + down * down,
                ];
                for (tangent, value) in tangents.iter_mut().zip(values) {
                    tangent.push(value);
                }
            }
        }
    }
    let length = |tangent: &[f64]| {
        tangent
            .iter()
            .map(|value| value * value)
            .sum::<f64>()
            .sqrt()
    };
    for at in 0..TANGENTS {
        let (done, rest) = tangents.split_at_mut(at);
        let tangent = &mut rest[0];
        let before = length(tangent);
        // Twice: what cancels leaves rounding errors of what it was.
        for _ in 0..2 {
            for other in done.iter() {
                let along: f64 = tangent.iter().zip(other).map(|(a, b)| a * b).sum();
                let pairs = tangent.iter_mut().zip(other);
                pairs.for_each(|(value, other)| *value -= along * other);
            }
        }
        let after = length(tangent);
        let scale = if after > 1e-6 * before {
            after.recip()
        } else {
            0.0
        };
        tangent.iter_mut().for_each(|value| *value *= scale);
    }
    tangents
        .iter()
        .flatten()
        .map(|&value| value as f32)
        .collect()
}

/// A plane of an image, blurred by a quarter, a half and a quarter in both directions, so that its slopes are those of
/// more than one pixel.
fn blurred(plane: &[u8], width: usize) -> Vec<f64> {
    let height = plane.len() / width;
    let mean = |before: f64, here: f64, after: f64| 0.25 * before + 0.5 * here + 0.25 * after;
    let value = |index: usize| f64::from(plane[index]);
    let mut across = Vec::with_capacity(plane.len());
    for index in 0..plane.len() {
        let x = index % width;
        let before = if x > 0 { value(index - 1) } else { 0.0 };
        let after = if x + 1 < width { value(index + 1) } else { 0.0 };
        across.push(mean(before, value(index), after));
    }
    let down = (0..plane.len()).map(|index| {
        let y = index / width;
        let before = if y > 0 { across[index - width] } else { 0.0 };
        let after = if y + 1 < height {
            across[index + width]
        } else {
            0.0
        };
        mean(before, across[index], after)
    });
    down.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 16;
    const SHAPE: ImageShape = ImageShape::new(1, SIDE, SIDE);

    /// A smooth spot that is no circle, changed by a matrix and moved.
    fn spot(matrix: [f64; 4], by: [f64; 2]) -> Vec<u8> {
        let pixel = |at: usize| {
            let (x, y) = ((at % SIDE) as f64 - 7.5, (at / SIDE) as f64 - 7.5);
            let u = matrix[0] * x + matrix[1] * y - by[0];
            let v = matrix[2] * x + matrix[3] * y - by[1];
            let lobes = (-(u - 2.0).powi(2) / 6.0 - v * v / 3.0).exp()
                + 0.7 * (-u * u / 4.0 - (v - 2.0).powi(2) / 5.0).exp();
            (200.0 * lobes).min(255.0).round() as u8
        };
        (0..SIDE * SIDE).map(pixel).collect()
    }

    fn distances(query: &[u8], rows: &[Vec<u8>]) -> Vec<(f64, f64)> {
        struct All(Vec<Neighbour>);
        impl Search for All {
            fn nearest(&self, _: &[u8], _: usize) -> Result<Vec<Neighbour>, PredictError> {
                Ok(self.0.clone())
            }
            fn rows(&self) -> Vec<u8> {
                Vec::new()
            }
            fn row(&self, _: usize) -> Vec<u8> {
                Vec::new()
            }
        }
        let plain = |row: &Vec<u8>| {
            let pairs = row.iter().zip(query);
            let squares = pairs.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let plain: Vec<f64> = rows.iter().map(plain).collect();
        let all = (0..rows.len()).map(|index| Neighbour {
            index,
            distance: plain[index],
        });
        let search = Tangent {
            search: Box::new(All(all.collect())),
            rows: rows.concat(),
            shape: SHAPE,
            shortlist: rows.len(),
        };
        let mut found = search.nearest(query, rows.len()).unwrap();
        assert!(found.is_sorted_by(|a, b| a.distance <= b.distance));
        found.sort_by_key(|neighbour| neighbour.index);
        found.iter().map(|n| (n.distance, plain[n.index])).collect()
    }

    #[test]
    fn small_changes_are_explained_and_another_image_is_not() {
        let same = [1.0, 0.0, 0.0, 1.0];
        let changed = [
            spot(same, [0.3, 0.0]),
            spot(same, [0.0, -0.3]),
            spot([1.0, 0.05, -0.05, 1.0], [0.0; 2]),
            spot([1.05, 0.0, 0.0, 1.05], [0.0; 2]),
            spot([1.05, 0.0, 0.0, 0.95], [0.0; 2]),
            spot([1.0, 0.05, 0.05, 1.0], [0.0; 2]),
        ];
        for (tangent, plain) in distances(&spot(same, [0.0; 2]), &changed) {
            assert!(
                plain > 25.0 && tangent < 0.35 * plain,
                "{tangent} of {plain}"
            );
        }
        let other: Vec<u8> = (0..SIDE * SIDE).map(|at| (at * 97 % 256) as u8).collect();
        for (tangent, plain) in distances(&spot(same, [0.0; 2]), &[other]) {
            assert!(
                tangent > 0.8 * plain && tangent <= plain,
                "{tangent} of {plain}"
            );
        }
    }

    #[test]
    fn directions_are_orthogonal_and_an_empty_image_has_none() {
        let basis_of = |image: &[u8]| basis(image, SHAPE);
        let found = basis_of(&spot([1.0, 0.0, 0.0, 1.0], [0.0; 2]));
        let rows: Vec<&[f32]> = found.chunks_exact(SIDE * SIDE).collect();
        for (a, row) in rows.iter().enumerate() {
            for (b, other) in rows.iter().enumerate() {
                let product: f32 = row.iter().zip(*other).map(|(a, b)| a * b).sum();
                let expected = if a == b { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-5, "{a} {b} {product}");
            }
        }
        assert!(
            basis_of(&[0; SIDE * SIDE])
                .iter()
                .all(|&value| value == 0.0)
        );
    }
}
