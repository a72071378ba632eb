//! A few numbers per image that bound distances from below.
//!
//! Images do not fill the space of their pixels: along the directions in which the training
//! images vary most, two images are nearly as far apart as they are in all directions together.
//! So an image is projected on those directions, and a row whose projection is too far from
//! the query's need not be compared in full.
//!
//! The bound holds without any rounding error. The directions are the leading singular
//! vectors of a sample of the rows (found by subspace iteration: Golub and Van Loan,
//! *Matrix Computations*, 4th edition, §8.2.4), scaled and *rounded to whole numbers*; call
//! the matrix W. Then ‖W(a−b)‖² ≤ λ·‖a−b‖² for any λ that is at least the largest eigenvalue of
//! WWᵀ. It does not matter how exact the directions are: bad ones only exclude fewer rows.
//! Each coordinate of the projection is then quantized to a byte, c = ⌊y⌋ with
//! y = clamp((W·a − base)/step, 0, max). Clamping moves no two numbers apart, and the floor
//! moves c(a) and c(b) apart by at most the length of f(a) − f(b), where f = y − c is
//! what the floor removes. That is at most ‖f(a)−½‖ + ‖f(b)−½‖: the first is known for each
//! query, and for the second the largest of all rows. So
//! ‖c(a)−c(b)‖ ≤ √λ·‖a−b‖/step + ‖f(a)−½‖ + max ‖f(b)−½‖.
//! ‖f−½‖ is called the *slack*.
//!
//! A query unlike all rows (noisy, or with inverted brightness) differs from them in directions
//! in which no row varies. So one of the directions is that in which all pixels change alike
//! ([`BRIGHTNESS`]), along which all rows have small coordinates; and one more number is the
//! *residual* of a row, what all directions leave of it: g(a) = √(λ·‖a‖² − ‖W·a‖²) =
//! ‖(λI − WᵀW)^½·a‖. It is a length, so that |g(a)−g(b)|² ≤ (a−b)ᵀ(λI − WᵀW)(a−b). Added to
//! ‖W(a−b)‖² that is λ·‖a−b‖² again: the bound stays as it is. Rounded down to a whole number,
//! exactly, it is quantized like the others. In these two coordinates such queries are far
//! outside the range of a byte. So each of the two takes [`SLOTS`] bytes: the row's byte is
//! repeated, and the query's number is split into parts, which gives the same product. With
//! them, inverted digits visit a twentieth of the rows that they visit without.
//!
//! Rejected: a fixed basis such as the cosine transform, which lets ten times as many rows
//! through; a second bound of 96 directions for the tiles that pass the first, which excludes
//! most of them for a clean query and half for a hard one, and costs as much as it saves; single
//! rows instead of tiles where few pass, slower because they wait for the memory; and more bits
//! per number, because bytes go through the same kernels as pixels.

use rayon::prelude::*;

use super::{
    directions::{
        BRIGHTNESS, DIRECTIONS, eigenvalue_bound, principal_directions, round_directions,
    },
    kernel::Kernel,
};

/// Bytes for each row, a multiple of the columns in a group: one for each direction except
/// brightness, [`SLOTS`] each for brightness and residual, and an empty one. 0.8 % of MNIST's
/// rows pass.
pub(super) const PROJECTED: usize = 56;

/// Bytes for a coordinate in which queries can be far outside the rows' range.
const SLOTS: usize = 4;

/// Where the slots of brightness and residual begin.
const SLOTS_AT: [usize; 2] = [BRIGHTNESS, BRIGHTNESS + SLOTS];

/// One for each direction, and the residual.
const COORDINATES: usize = DIRECTIONS + 1;

/// The last coordinate: what the directions leave of a row.
const RESIDUAL: usize = DIRECTIONS;

/// The coordinates with [`SLOTS`].
const WIDE: [usize; 2] = [BRIGHTNESS, RESIDUAL];

/// The largest byte.
const MAX_BYTE: i32 = 255;

/// Products of sample rows and directions that each pass of learning computes, roughly.
const SAMPLE_VALUES: usize = 1 << 21;

/// How rows are projected.
pub(super) struct Projection {
    /// For each column, its weight in each direction.
    weights: Vec<[i16; DIRECTIONS]>,
    base: [i64; COORDINATES],
    step: i64,
    /// λ in the module's documentation.
    eigenvalue: u64,
    /// The largest coordinates of a query; those of a row are [`MAX_BYTE`].
    query_max: [i32; COORDINATES],
    /// The largest slack of the rows.
    row_slack: f64,
    kernel: Kernel,
}

/// What [`Projection::set_rows`] needs to know of all rows.
#[derive(Clone, Copy)]
pub(super) struct RowsSummary {
    /// The largest slack.
    slack: f64,
    /// Whether each of the [`WIDE`] coordinates is below [`MAX_BYTE`] in all rows.
    fits: [bool; 2],
}

impl RowsSummary {
    /// Without any rows.
    pub(super) const EMPTY: Self = Self {
        slack: 0.0,
        fits: [true; 2],
    };

    /// Of the rows of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            slack: self.slack.max(other.slack),
            fits: [0, 1].map(|i| self.fits[i] && other.fits[i]),
        }
    }
}

/// A query's projection.
pub(super) struct QueryProjection {
    pub(super) bytes: [u8; PROJECTED],
    /// The sum of squares of its coordinates.
    pub(super) norm: i32,
    /// ‖f−½‖.
    pub(super) slack: f64,
}

impl Projection {
    /// Number of rows to learn from, for rows of so many columns.
    pub(super) fn sample_size(columns: usize) -> usize {
        (SAMPLE_VALUES / columns.max(1)).clamp(256, 2048)
    }

    /// Learns from `sample`, whole rows of `columns` bytes; `None` if all rows are black. At
    /// most 2¹⁶ columns.
    pub(super) fn learn(sample: &[u8], columns: usize, kernel: Kernel) -> Option<Self> {
        if sample.iter().all(|&byte| byte == 0) {
            return None;
        }
        let weights = round_directions(&principal_directions(sample, columns))?;
        let mut projection = Self {
            eigenvalue: eigenvalue_bound(&weights),
            weights,
            base: [0; COORDINATES],
            step: 1,
            query_max: [MAX_BYTE; COORDINATES],
            row_slack: f64::INFINITY,
            kernel,
        };
        let projected: Vec<[i32; COORDINATES]> = sample
            .par_chunks(columns)
            .map(|row| projection.coordinates(row))
            .collect();
        let count = projected.len() as f64;
        let mut means = [0.0; COORDINATES];
        let mut widest: f64 = 0.0;
        for (coordinate, mean) in means.iter_mut().enumerate().take(BRIGHTNESS) {
            let values = projected.iter().map(|row| f64::from(row[coordinate]));
            *mean = values.clone().sum::<f64>() / count;
            let squares = values.map(|value| (value - *mean).powi(2)).sum::<f64>();
            widest = widest.max((squares / count).sqrt());
        }
        // 256 steps span 1.75 standard deviations on either side of the mean in the widest
        // direction: a wider range makes the bytes too coarse, a narrower one clamps too much.
        projection.step = ((3.5 * widest / 256.0) as i64).max(1);
        // The wide coordinates must not be clamped, so they are centred on their range.
        for coordinate in WIDE {
            let values = projected.iter().map(|row| f64::from(row[coordinate]));
            let least = values.clone().fold(f64::INFINITY, f64::min);
            means[coordinate] = (least + values.fold(f64::NEG_INFINITY, f64::max)) / 2.0;
        }
        projection.base = means.map(|mean| mean as i64 - 128 * projection.step);
        Some(projection)
    }

    /// W·row, at most 127 · 255 · 2¹⁶ < 2³¹, and the residual.
    fn coordinates(&self, row: &[u8]) -> [i32; COORDINATES] {
        let sums: [i32; DIRECTIONS] = self.kernel.weighted(row, &self.weights);
        let squares = |sum: &i32| u128::from(sum.unsigned_abs()).pow(2);
        let norm: u64 = row.iter().map(|&byte| u64::from(byte).pow(2)).sum();
        let scaled = u128::from(self.eigenvalue) * u128::from(norm);
        // λ is at least the largest eigenvalue, so that this does not saturate. The minimum
        // below is a clamp as in the module's documentation.
        let residual = scaled.saturating_sub(sums.iter().map(squares).sum());
        let residual = i32::try_from(residual.isqrt()).unwrap_or(i32::MAX);
        let residual = residual.min(1 << 30);
        std::array::from_fn(|coordinate| sums.get(coordinate).copied().unwrap_or(residual))
    }

    /// The coordinates of a row as whole numbers from 0 to `max`, and its slack.
    fn quantize(&self, row: &[u8], max: [i32; COORDINATES]) -> ([i32; COORDINATES], f64) {
        let coordinates = self.coordinates(row);
        let mut quantized = [0; COORDINATES];
        // In halves of a step, so that all of it is exact.
        let mut slack: i64 = 0;
        for coordinate in 0..COORDINATES {
            let above = i64::from(coordinates[coordinate]) - self.base[coordinate];
            let steps = above.div_euclid(self.step);
            let max = i64::from(max[coordinate]);
            quantized[coordinate] = steps.clamp(0, max) as i32;
            // A clamped number is a whole one; so is the maximum itself.
            let fraction = match (0..max).contains(&steps) {
                true => above - steps * self.step,
                false => 0,
            };
            slack += (2 * fraction - self.step).pow(2);
        }
        let slack = (slack as f64).sqrt() / (2 * self.step) as f64;
        // The error of two roundings is less than this.
        (quantized, slack * (1.0 + 1e-12))
    }

    /// Writes the projection of a row of the index to `out`, [`PROJECTED`] bytes.
    pub(super) fn row(&self, row: &[u8], out: &mut [u8]) -> RowsSummary {
        let (quantized, slack) = self.quantize(row, [MAX_BYTE; COORDINATES]);
        out.fill(0);
        for (out, &coordinate) in out.iter_mut().zip(&quantized[..BRIGHTNESS]) {
            *out = coordinate as u8;
        }
        for (at, coordinate) in SLOTS_AT.into_iter().zip(WIDE) {
            out[at..at + SLOTS].fill(quantized[coordinate] as u8);
        }
        RowsSummary {
            slack,
            fits: WIDE.map(|coordinate| quantized[coordinate] < MAX_BYTE),
        }
    }

    /// Adapts the bound to the rows of the index.
    pub(super) fn set_rows(&mut self, rows: RowsSummary) {
        self.row_slack = rows.slack;
        for (coordinate, fits) in WIDE.into_iter().zip(rows.fits) {
            // A clamped row and a query above it would be moved apart.
            let slots = if fits { SLOTS as i32 } else { 1 };
            self.query_max[coordinate] = MAX_BYTE * slots;
        }
    }

    /// The projection of a query.
    pub(super) fn query(&self, row: &[u8]) -> QueryProjection {
        let (quantized, slack) = self.quantize(row, self.query_max);
        let mut bytes = [0; PROJECTED];
        for (out, &coordinate) in bytes.iter_mut().zip(&quantized[..BRIGHTNESS]) {
            *out = coordinate as u8;
        }
        for (at, coordinate) in SLOTS_AT.into_iter().zip(WIDE) {
            let mut left = quantized[coordinate];
            for out in &mut bytes[at..at + SLOTS] {
                *out = left.min(MAX_BYTE) as u8;
                left -= i32::from(*out);
            }
        }
        QueryProjection {
            bytes,
            norm: quantized.iter().map(|coordinate| coordinate.pow(2)).sum(),
            slack,
        }
    }

    /// The sum of squares of a row's coordinates, from its bytes. 49 · 255² fits.
    pub(super) fn row_norm(bytes: &[u8]) -> i32 {
        let all: i32 = bytes.iter().map(|&byte| i32::from(byte).pow(2)).sum();
        let repeated = |at: usize| (SLOTS as i32 - 1) * i32::from(bytes[at]).pow(2);
        all - SLOTS_AT.map(repeated).iter().sum::<i32>()
    }

    /// An upper bound of the squared distance between the projections of a row of the index
    /// and of a query with this slack, if their own squared distance is at most `squared`.
    pub(super) fn bound(&self, squared: u64, slack: f64) -> i64 {
        let reach = (self.eigenvalue as f64 * squared as f64).sqrt() / self.step as f64;
        let bound = (reach + slack + self.row_slack).powi(2);
        // The error of the few roundings above is less than 2⁻⁴⁰ of the bound.
        (bound * (1.0 + 1e-9)).ceil() as i64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::reference::random_bytes;

    fn squared(a: &[u8], b: &[u8]) -> u64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2))
            .sum()
    }

    /// Rows that lie near a space of few dimensions, as images do.
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

    /// The rows' projections, and the projection adapted to them.
    fn project(projection: &mut Projection, rows: &[u8], columns: usize) -> Vec<[u8; PROJECTED]> {
        let mut summary = RowsSummary::EMPTY;
        let projected = rows
            .chunks_exact(columns)
            .map(|row| {
                let mut out = [0; PROJECTED];
                summary = summary.and(projection.row(row, &mut out));
                out
            })
            .collect();
        projection.set_rows(summary);
        projected
    }

    /// The squared distance as the search computes it.
    fn projected_distance(row: &[u8; PROJECTED], query: &QueryProjection) -> i64 {
        let products = row.iter().zip(&query.bytes);
        let dot: i32 = products.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
        (Projection::row_norm(row) + query.norm - 2 * dot).into()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_bound_holds_for_rows_seen_and_unseen(
            seed in any::<u64>(),
            columns in 1usize..300,
            noise in prop::sample::select(vec![0u8, 20, 255]),
            brighter in any::<bool>(),
        ) {
            let sample = rows(seed, 300, columns, noise);
            let Some(mut projection) = Projection::learn(&sample, columns, Kernel::best()) else {
                return Ok(());
            };
            let mut others = rows(seed, 20, columns, noise);
            others.extend(others.iter().map(|byte| 255 - byte).collect::<Vec<u8>>());
            others.extend(random_bytes(seed ^ 3, 20 * columns));
            others.extend(vec![0; columns]);
            others.extend(vec![255; columns]);
            let mut indexed = sample[..30 * columns].to_vec();
            // Rows brighter than any of the sample, so that they do not fit.
            if brighter {
                indexed.extend(&others);
            }
            let projected = project(&mut projection, &indexed, columns);
            for query in others.chunks_exact(columns) {
                let query_projection = projection.query(query);
                for (row, bytes) in indexed.chunks_exact(columns).zip(&projected) {
                    let full = squared(row, query);
                    let short = projected_distance(bytes, &query_projection);
                    let bound = projection.bound(full, query_projection.slack);
                    prop_assert!((0..=bound).contains(&short), "{} {} {}", short, bound, full);
                }
            }
        }
    }

    /// How many of the rows are excluded for a query, once its nearest row is known.
    fn count_excluded(rows: &[u8], columns: usize, query: &[u8]) -> usize {
        let mut projection = Projection::learn(rows, columns, Kernel::best()).unwrap();
        let projected = project(&mut projection, rows, columns);
        let query_projection = projection.query(query);
        let distances = rows.chunks_exact(columns).map(|row| squared(row, query));
        let nearest = distances.filter(|&distance| distance > 0).min().unwrap();
        let bound = projection.bound(nearest, query_projection.slack);
        projected
            .iter()
            .filter(|row| projected_distance(row, &query_projection) > bound)
            .count()
    }

    #[test]
    fn most_of_the_distance_is_kept_where_rows_vary_in_few_directions() {
        let sample = rows(11, 600, 400, 4);
        let excluded = count_excluded(&sample, 400, &sample[..400]);
        assert!(excluded > 500, "only {excluded} of 600 rows are excluded");
    }

    #[test]
    fn most_digits_are_excluded_for_an_inverted_one_too() {
        let digits = bakeoff_data::open("mnist").unwrap();
        let rows = &digits.train().images().pixels()[..2000 * 784];
        let query = digits.test().images().get(0).unwrap();
        let excluded = count_excluded(rows, 784, query);
        assert!(excluded > 1900, "only {excluded} of 2000 for a digit");
        let inverted: Vec<u8> = query.iter().map(|byte| 255 - byte).collect();
        let excluded = count_excluded(rows, 784, &inverted);
        assert!(
            excluded > 1000,
            "only {excluded} of 2000 for an inverted one"
        );
    }

    #[test]
    fn there_is_nothing_to_learn_from_black_rows() {
        assert!(Projection::learn(&[0; 500], 5, Kernel::best()).is_none());
    }
}
