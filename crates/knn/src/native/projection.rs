//! A few numbers per picture that bound distances from below.
//!
//! Pictures are far from filling the space of their pixels: along the [`AXES`] directions
//! in which the training pictures vary most, two pictures are nearly as far apart as
//! they are altogether. So a picture is projected on those directions, and a row whose
//! projection is already too far from the query's need not be looked at in full.
//!
//! The bound holds without any rounding error. The directions are the leading singular
//! vectors of a sample of the rows (found by subspace iteration: Golub and Van Loan,
//! *Matrix Computations*, 4th edition, §8.2.4), scaled and *rounded to whole numbers*; call
//! the matrix W. Then ‖W(a−b)‖² ≤ λ·‖a−b‖² for any λ not below the largest eigenvalue of
//! WWᵀ, and the largest sum of absolute values in a row of WWᵀ, a whole number, is such
//! a λ (Gershgorin). It does not matter how well the directions were found: poor ones
//! only let more rows through. Each projection is then cut down to a byte,
//! c = clamp(⌊(W·a − base)/step⌋, 0, 255). Clamping moves no two numbers apart, and the
//! floor moves them apart by less than one, so
//! ‖c(a)−c(b)‖ ≤ √λ·‖a−b‖/step + √[`AXES`].
//!
//! A query unlike all rows, with noise on it or its tones inverted, differs from them in
//! directions that no row varies in. What is left of a row is one number more:
//! g(a) = √(λ·‖a‖² − ‖W·a‖²) = ‖(λI − WᵀW)^½·a‖, a length, so that
//! |g(a)−g(b)|² ≤ (a−b)ᵀ(λI − WᵀW)(a−b). Added to ‖W(a−b)‖² that is λ·‖a−b‖² again: the
//! bound stays as it is. Rounded down to a whole number, exactly, it goes the way of the
//! others.
//!
//! Rejected: a fixed basis such as the cosine transform, which lets ten times as many
//! rows through; more bits per number, because bytes can go through the same kernels
//! as pixels.

use rayon::prelude::*;

use super::kernel::Kernel;

/// Numbers for each row, one of them for [`REST`]: a multiple of the columns in a group.
/// Of MNIST's rows 0.5 % come through with 48 of them, 1.3 % with 32 and 0.2 % with 64.
pub(super) const AXES: usize = 48;

/// The last axis: what the directions leave of a row.
const REST: usize = AXES - 1;

/// Products of sample rows and directions that learning may cost per pass, roughly.
const SAMPLE_VALUES: usize = 1 << 21;

/// Passes of the subspace iteration. On MNIST the second makes the search a twentieth
/// faster, and further ones nothing.
const PASSES: usize = 2;

/// Sample rows added up by one task.
const ROWS_PER_TASK: usize = 128;

/// How rows are projected.
pub(super) struct Projection {
    /// For each column, its weight in each direction.
    weights: Vec<[i16; AXES]>,
    base: [i32; AXES],
    step: i32,
    /// λ as explained above.
    stretch: u64,
    kernel: Kernel,
}

impl Projection {
    /// Rows to learn from, for rows of so many columns.
    pub(super) fn sample_size(columns: usize) -> usize {
        (SAMPLE_VALUES / columns.max(1)).clamp(256, 2048)
    }

    /// Learns from `sample`, whole rows of `columns` bytes; there is nothing to learn
    /// from black rows. At most 2¹⁶ columns.
    pub(super) fn learn(sample: &[u8], columns: usize, kernel: Kernel) -> Option<Self> {
        let mut weights = whole(&directions(sample, columns))?;
        for weights in &mut weights {
            weights[REST] = 0;
        }
        let mut projection = Self {
            stretch: stretch(&weights),
            weights,
            base: [0; AXES],
            step: 1,
            kernel,
        };
        let projected: Vec<[i32; AXES]> = sample
            .par_chunks(columns)
            .map(|row| projection.raw(row))
            .collect();
        let count = projected.len() as f64;
        let mut means = [0.0; AXES];
        let mut widest: f64 = 0.0;
        for (axis, mean) in means.iter_mut().enumerate() {
            let values = projected.iter().map(|row| f64::from(row[axis]));
            *mean = values.clone().sum::<f64>() / count;
            let squares = values.map(|value| (value - *mean).powi(2)).sum::<f64>();
            widest = widest.max((squares / count).sqrt());
        }
        // 256 steps span 1.75 standard deviations to either side of the widest direction's
        // mean: wider makes the bytes too coarse, narrower clamps too much.
        projection.step = ((3.5 * widest / 256.0) as i32).max(1);
        projection.base = means.map(|mean| mean as i32 - 128 * projection.step);
        Some(projection)
    }

    /// W·row, at most 127 · 255 · 2¹⁶ < 2³¹, and what it leaves.
    fn raw(&self, row: &[u8]) -> [i32; AXES] {
        let mut sums = self.kernel.weighted(row, &self.weights);
        let squares = |sum: &i32| u128::from(sum.unsigned_abs()).pow(2);
        let norm: u64 = row.iter().map(|&byte| u64::from(byte).pow(2)).sum();
        let whole = u128::from(self.stretch) * u128::from(norm);
        // λ is no smaller than the largest eigenvalue, so that nothing is cut off here; and
        // what is cut off above is cut off as by the clamp.
        let rest = whole.saturating_sub(sums.iter().map(squares).sum()).isqrt();
        sums[REST] = i32::try_from(rest).unwrap_or(i32::MAX).min(1 << 30);
        sums
    }

    /// Writes the projection of `row` to `out`, [`AXES`] bytes.
    pub(super) fn project(&self, row: &[u8], out: &mut [u8]) {
        let sums = self.raw(row);
        for ((out, sum), base) in out.iter_mut().zip(sums).zip(self.base) {
            *out = (sum - base).div_euclid(self.step).clamp(0, 255) as u8;
        }
    }

    /// An upper bound of the squared distance between the projections of two rows whose
    /// own squared distance is at most `squared`.
    pub(super) fn bound(&self, squared: u64) -> i64 {
        let reach = (self.stretch as f64 * squared as f64).sqrt() / f64::from(self.step);
        let bound = (reach + (AXES as f64).sqrt()).powi(2);
        // The few roundings above are off by less than 2⁻⁴⁰ of the bound.
        (bound * (1.0 + 1e-9)).ceil() as i64
    }
}

/// The leading right singular vectors of the sample, columns × [`AXES`], nearly.
fn directions(sample: &[u8], columns: usize) -> Vec<[f32; AXES]> {
    let rows = sample.len() / columns;
    // Rows of the sample to begin with: they lie in the space that is looked for.
    let mut directions = vec![[0.0; AXES]; columns];
    for axis in 0..AXES {
        let row = &sample[axis * rows / AXES * columns..][..columns];
        for (direction, &byte) in directions.iter_mut().zip(row) {
            direction[axis] = f32::from(byte);
        }
    }
    orthonormalise(&mut directions);
    for _ in 0..PASSES {
        let parts: Vec<Vec<[f32; AXES]>> = sample
            .par_chunks(ROWS_PER_TASK * columns)
            .map(|rows| pass(rows, &directions))
            .collect();
        directions.fill([0.0; AXES]);
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
    directions
}

/// XᵀX·V for some rows X.
fn pass(rows: &[u8], directions: &[[f32; AXES]]) -> Vec<[f32; AXES]> {
    let mut out = vec![[0.0; AXES]; directions.len()];
    for row in rows.chunks_exact(directions.len()) {
        let mut along = [0.0; AXES];
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

/// Makes the directions orthogonal and of length one, in turn (Gram-Schmidt). Those that depend on earlier ones become zero.
fn orthonormalise(directions: &mut [[f32; AXES]]) {
    for axis in 0..AXES {
        // Two rounds, because one leaves rounding errors that grow when much cancels.
        for _ in 0..2 {
            let mut along = [0.0; AXES];
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

/// The directions scaled so that the largest weight is 127, and rounded; nothing where
/// all are zero.
fn whole(directions: &[[f32; AXES]]) -> Option<Vec<[i16; AXES]>> {
    let largest = directions
        .as_flattened()
        .iter()
        .fold(0.0f32, |largest, weight| largest.max(weight.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return None;
    }
    let scale = 127.0 / largest;
    // `as` saturates, and the clamp keeps what `raw` relies on.
    let round = |weight: f32| ((weight * scale).round() as i16).clamp(-127, 127);
    Some(
        directions
            .iter()
            .map(|weights| weights.map(round))
            .collect(),
    )
}

/// The largest sum of absolute values in a row of WWᵀ.
fn stretch(weights: &[[i16; AXES]]) -> u64 {
    let mut gram = [[0i64; AXES]; AXES];
    for weights in weights {
        for (gram, &a) in gram.iter_mut().zip(weights) {
            for (sum, &b) in gram.iter_mut().zip(weights) {
                *sum += i64::from(a) * i64::from(b);
            }
        }
    }
    let rows = gram.map(|row| row.iter().map(|sum| sum.unsigned_abs()).sum::<u64>());
    rows.into_iter().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reference::random_bytes;

    fn squared(a: &[u8], b: &[u8]) -> u64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2))
            .sum()
    }

    /// Rows that lie near a space of few dimensions, as pictures do.
    fn rows(seed: u64, count: usize, columns: usize, noise: u8) -> Vec<u8> {
        let patterns = random_bytes(seed, 5 * columns);
        let mixes = random_bytes(seed ^ 1, 5 * count);
        let noises = random_bytes(seed ^ 2, count * columns);
        (0..count * columns)
            .map(|at| {
                let (row, column) = (at / columns, at % columns);
                let mixed: u32 = (0..5)
                    .map(|p| {
                        u32::from(mixes[5 * row + p]) * u32::from(patterns[p * columns + column])
                    })
                    .sum();
                ((mixed / (5 * 255)) as u8).saturating_add(noises[at] % noise.max(1))
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_bound_holds_for_rows_seen_and_unseen(
            seed in any::<u64>(),
            columns in 1usize..300,
            noise in prop::sample::select(vec![0u8, 20, 255]),
        ) {
            let sample = rows(seed, 300, columns, noise);
            let Some(projection) = Projection::learn(&sample, columns, Kernel::best()) else {
                return Ok(());
            };
            let mut others = rows(seed, 20, columns, noise);
            others.extend(random_bytes(seed ^ 3, 20 * columns));
            others.extend(vec![0; columns]);
            others.extend(vec![255; columns]);
            let projected: Vec<[u8; AXES]> = others
                .chunks_exact(columns)
                .map(|row| {
                    let mut out = [0; AXES];
                    projection.project(row, &mut out);
                    out
                })
                .collect();
            for (a, at) in others.chunks_exact(columns).zip(&projected) {
                for (b, bt) in others.chunks_exact(columns).zip(&projected) {
                    let (full, short) = (squared(a, b), squared(at, bt));
                    prop_assert!(short as i64 <= projection.bound(full), "{} {}", short, full);
                }
            }
        }
    }

    #[test]
    fn most_of_the_distance_is_kept_where_rows_vary_in_few_directions() {
        let columns = 400;
        let sample = rows(11, 600, columns, 4);
        let projection = Projection::learn(&sample, columns, Kernel::best()).expect("a projection");
        let mut projected = vec![0; 600 * AXES];
        for (row, out) in sample
            .chunks_exact(columns)
            .zip(projected.chunks_exact_mut(AXES))
        {
            projection.project(row, out);
        }
        // Rows far apart must be recognised: their projections pass what the bound of
        // half their distance allows.
        let mut told = 0;
        for (row, short) in sample
            .chunks_exact(columns)
            .zip(projected.chunks_exact(AXES))
        {
            let full = squared(&sample[..columns], row);
            told +=
                usize::from(squared(&projected[..AXES], short) as i64 > projection.bound(full / 4));
        }
        assert!(told > 500, "only {told} of 600 rows are told apart");
    }

    #[test]
    fn black_rows_teach_nothing() {
        assert!(Projection::learn(&[0; 500], 5, Kernel::best()).is_none());
    }
}
