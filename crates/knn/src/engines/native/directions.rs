//! The directions of a projection: those in which rows vary most, and brightness.

use rayon::prelude::*;

/// Number of directions.
pub(super) const DIRECTIONS: usize = 48;

/// The direction in which all columns change alike, as far as it is orthogonal to the others.
pub(super) const BRIGHTNESS: usize = DIRECTIONS - 1;

/// Passes of the subspace iteration. On MNIST the second makes the search 5 % faster, and
/// more passes change nothing.
const PASSES: usize = 2;

/// Rows of the sample for one task.
const ROWS_PER_TASK: usize = 128;

/// Approximately the leading right singular vectors of the sample, columns × [`DIRECTIONS`];
/// the last one is [`BRIGHTNESS`].
pub(super) fn principal_directions(sample: &[u8], columns: usize) -> Vec<[f32; DIRECTIONS]> {
    let rows = sample.len() / columns;
    // Rows of the sample as the start: they lie in the space that is searched.
    let mut directions = vec![[0.0; DIRECTIONS]; columns];
    for axis in 0..DIRECTIONS {
        let row = &sample[axis * rows / DIRECTIONS * columns..][..columns];
        for (direction, &byte) in directions.iter_mut().zip(row) {
            direction[axis] = f32::from(byte);
        }
    }
    orthonormalise(&mut directions);
    for _ in 0..PASSES {
        let parts: Vec<Vec<[f32; DIRECTIONS]>> = sample
            .par_chunks(ROWS_PER_TASK * columns)
            .map(|rows| iterate(rows, &directions))
            .collect();
        directions.fill([0.0; DIRECTIONS]);
        for part in parts {
            for (sum, part) in directions
                .as_flattened_mut()
                .iter_mut()
                .zip(part.as_flattened())
            {
                *sum += part;
            }
        }
        orthonormalise(&mut directions);
    }
    for direction in &mut directions {
        direction[BRIGHTNESS] = 1.0;
    }
    orthonormalise(&mut directions);
    directions
}

/// XᵀX·V for some rows X.
fn iterate(rows: &[u8], directions: &[[f32; DIRECTIONS]]) -> Vec<[f32; DIRECTIONS]> {
    let mut out = vec![[0.0; DIRECTIONS]; directions.len()];
    for row in rows.chunks_exact(directions.len()) {
        let mut along = [0.0; DIRECTIONS];
        for (&byte, direction) in row.iter().zip(directions).filter(|(byte, _)| **byte != 0) {
            let value = f32::from(byte);
            for (sum, direction) in along.iter_mut().zip(direction) {
                *sum += value * direction;
            }
        }
        for (&byte, out) in row.iter().zip(&mut out).filter(|(byte, _)| **byte != 0) {
            let value = f32::from(byte);
            for (sum, along) in out.iter_mut().zip(along) {
                *sum += value * along;
            }
        }
    }
    out
}

/// Makes the directions orthogonal and of length one, one after the other (Gram-Schmidt). A
/// direction that depends on earlier ones becomes zero.
fn orthonormalise(directions: &mut [[f32; DIRECTIONS]]) {
    for axis in 0..DIRECTIONS {
        // Two rounds, because rounding errors of the first grow when much cancels.
        for _ in 0..2 {
            let mut along = [0.0; DIRECTIONS];
            for direction in directions.iter() {
                for earlier in 0..axis {
                    along[earlier] += direction[earlier] * direction[axis];
                }
            }
            for direction in directions.iter_mut() {
                let mut value = direction[axis];
                for earlier in 0..axis {
                    value -= along[earlier] * direction[earlier];
                }
                direction[axis] = value;
            }
        }
        let length = directions
            .iter()
            .map(|d| d[axis] * d[axis])
            .sum::<f32>()
            .sqrt();
        let scale = if length > 1e-3 { length.recip() } else { 0.0 };
        for direction in directions.iter_mut() {
            direction[axis] *= scale;
        }
    }
}

/// The directions scaled so that the largest weight is 127, and rounded; `None` if all are
/// zero.
pub(super) fn round_directions(directions: &[[f32; DIRECTIONS]]) -> Option<Vec<[i16; DIRECTIONS]>> {
    let largest = directions
        .as_flattened()
        .iter()
        .fold(0.0f32, |largest, weight| largest.max(weight.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return None;
    }
    let scale = 127.0 / largest;
    // `as` saturates, and the clamp keeps the range that `Kernel::weighted` needs.
    let round = |weight: f32| ((weight * scale).round() as i16).clamp(-127, 127);
    Some(
        directions
            .iter()
            .map(|weights| weights.map(round))
            .collect(),
    )
}

/// λ: a whole number at or a little above the largest eigenvalue of WWᵀ.
///
/// Power iteration finds the eigenvalue from below. That a slightly larger number λ is above
/// it, a Cholesky factorisation of λI − WWᵀ proves if its pivots are larger than rounding
/// errors. If this fails, the largest sum of absolute values in a row is a bound (Gershgorin).
pub(super) fn eigenvalue_bound(weights: &[[i16; DIRECTIONS]]) -> u64 {
    let mut gram = [[0i64; DIRECTIONS]; DIRECTIONS];
    for weights in weights {
        for (gram, &a) in gram.iter_mut().zip(weights) {
            for (sum, &b) in gram.iter_mut().zip(weights) {
                *sum += i64::from(a) * i64::from(b);
            }
        }
    }
    let rows = gram.map(|row| row.iter().map(|sum| sum.unsigned_abs()).sum::<u64>());
    let certain = rows.into_iter().max().unwrap_or_default();
    let gram = gram.map(|row| row.map(|sum| sum as f64));
    let mut along = [1.0; DIRECTIONS];
    let mut length = 0.0;
    for _ in 0..POWER_STEPS {
        let next = gram.map(|row| dot(&row, &along));
        length = dot(&next, &next).sqrt();
        if length == 0.0 {
            return certain;
        }
        along = next.map(|value| value / length);
    }
    [1.0005, 1.002, 1.005]
        .into_iter()
        .map(|factor| (length * factor).ceil())
        .find(|&bound| exceeds_eigenvalues(bound, &gram))
        .map_or(certain, |bound| certain.min(bound as u64))
}

/// Steps of the power iteration.
const POWER_STEPS: usize = 200;

fn dot(a: &[f64; DIRECTIONS], b: &[f64; DIRECTIONS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Whether `bound` is certainly above every eigenvalue of a symmetric matrix.
fn exceeds_eigenvalues(bound: f64, matrix: &[[f64; DIRECTIONS]; DIRECTIONS]) -> bool {
    // Rounding errors are about 10⁻¹⁴ of the bound.
    let tolerance = bound * 1e-6;
    let mut factor = [[0.0; DIRECTIONS]; DIRECTIONS];
    for row in 0..DIRECTIONS {
        for column in 0..=row {
            let shifted = if row == column { bound } else { 0.0 } - matrix[row][column];
            let known = factor[row][..column].iter().zip(&factor[column][..column]);
            let rest = shifted - known.map(|(a, b)| a * b).sum::<f64>();
            if row > column {
                factor[row][column] = rest / factor[column][column];
            } else if rest > tolerance {
                factor[row][row] = rest.sqrt();
            } else {
                return false;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_just_above_the_largest_eigenvalue() {
        // The eigenvalues of a diagonal matrix are the squares of the weights.
        let mut weights = vec![[0; DIRECTIONS]; DIRECTIONS];
        for (at, weights) in weights.iter_mut().enumerate() {
            weights[at] = 20 + at as i16;
        }
        let largest = (20 + DIRECTIONS as u64 - 1).pow(2);
        let found = eigenvalue_bound(&weights);
        assert!(
            found >= largest && found as f64 <= 1.01 * largest as f64,
            "{found}"
        );
        // All weights are the same: one eigenvalue is not zero.
        let found = eigenvalue_bound(&[[3; DIRECTIONS]; 7]);
        let largest = 9 * 7 * DIRECTIONS as u64;
        assert!(
            found >= largest && found as f64 <= 1.01 * largest as f64,
            "{found}"
        );
        assert_eq!(eigenvalue_bound(&[[0; DIRECTIONS]; 7]), 0);
    }

    #[test]
    fn a_number_below_an_eigenvalue_is_no_bound() {
        let mut matrix = [[0.0; DIRECTIONS]; DIRECTIONS];
        for (at, row) in matrix.iter_mut().enumerate() {
            row[at] = 2.0;
        }
        matrix[0][1] = 1.0;
        matrix[1][0] = 1.0;
        assert!(exceeds_eigenvalues(3.01, &matrix));
        assert!(!exceeds_eigenvalues(2.99, &matrix));
    }
}
