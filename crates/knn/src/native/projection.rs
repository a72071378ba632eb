//! A few numbers per picture that bound distances from below.
//!
//! Pictures are far from filling the space of their pixels: along the directions in which
//! the training pictures vary most, two pictures are nearly as far apart as they are
//! altogether. So a picture is projected on those directions, and a row whose projection
//! is already too far from the query's need not be looked at in full.
//!
//! The bound holds without any rounding error. The directions are the leading singular
//! vectors of a sample of the rows (found by subspace iteration: Golub and Van Loan,
//! *Matrix Computations*, 4th edition, §8.2.4), scaled and *rounded to whole numbers*; call
//! the matrix W. Then ‖W(a−b)‖² ≤ λ·‖a−b‖² for any λ not below the largest eigenvalue of
//! WWᵀ. It does not matter how well the directions were found: poor ones only let more rows
//! through. Each projection is then cut down to a byte, c = ⌊y⌋ with
//! y = clamp((W·a − base)/step, 0, most). Clamping moves no two numbers apart, and the floor
//! moves c(a) and c(b) apart by no more than the length of f(a) − f(b), where f = y − c is
//! what the floor cuts off. That is at most ‖f(a)−½‖ + ‖f(b)−½‖: the first is known for each
//! query, and the largest of all rows for the second. So
//! ‖c(a)−c(b)‖ ≤ √λ·‖a−b‖/step + ‖f(a)−½‖ + max ‖f(b)−½‖.
//!
//! A query unlike all rows, with noise on it or its tones inverted, differs from them in
//! directions that no row varies in. So one of the directions is that in which all pixels
//! change alike (`BRIGHTNESS`), which no row goes far along; and what all directions leave of
//! a row is one number more: g(a) = √(λ·‖a‖² − ‖W·a‖²) = ‖(λI − WᵀW)^½·a‖, a length, so that
//! |g(a)−g(b)|² ≤ (a−b)ᵀ(λI − WᵀW)(a−b). Added to ‖W(a−b)‖² that is λ·‖a−b‖² again: the
//! bound stays as it is. Rounded down to a whole number, exactly, it goes the way of the
//! others. Along these two such queries are far outside of the range of a byte. Their products
//! with the byte of a row are therefore spread over [`SLOTS`] bytes: that of the row repeated,
//! that of the query in parts. Inverted digits let through a twentieth of the rows that they
//! do without.
//!
//! Rejected: a fixed basis such as the cosine transform, which lets ten times as many
//! rows through; a second bound of 96 directions for the tiles that come through the first,
//! which stops most of them for a clean query and half for a hard one, and costs as much as it
//! saves; single rows instead of tiles where few come through, slower by their waiting for the
//! memory; more bits per number, because bytes can go through the same kernels
//! as pixels.

use rayon::prelude::*;

use super::{
    directions::{BRIGHTNESS, DIRECTIONS, directions, stretch, whole},
    kernel::Kernel,
};

/// Bytes for each row, a multiple of the columns in a group: one for each direction but that of
/// brightness, [`SLOTS`] for this and for what the directions leave, and an empty one.
/// Of MNIST's rows 0.8 % come through.
pub(super) const AXES: usize = 56;

/// Bytes for a number that queries may have far outside of the rows' range.
const SLOTS: usize = 4;

/// Where the slots begin, of brightness and of the rest.
const WIDE: [usize; 2] = [BRIGHTNESS, BRIGHTNESS + SLOTS];

/// Numbers that are cut down: one for each direction, and the rest.
const NUMBERS: usize = DIRECTIONS + 1;

/// The last of them: what the directions leave of a row.
const REST: usize = DIRECTIONS;

/// The largest byte.
const TOP: i32 = 255;

/// Products of sample rows and directions that learning may cost per pass, roughly.
const SAMPLE_VALUES: usize = 1 << 21;

/// How rows are projected.
pub(super) struct Projection {
    /// For each column, its weight in each direction.
    weights: Vec<[i16; DIRECTIONS]>,
    base: [i64; NUMBERS],
    step: i64,
    /// λ as explained above.
    stretch: u64,
    /// What numbers are cut down to: of rows a byte, of queries perhaps more.
    row_most: [i32; NUMBERS],
    query_most: [i32; NUMBERS],
    /// The largest ‖f(b)−½‖ of the rows.
    row_slack: f64,
    kernel: Kernel,
}

/// What [`Projection::row`] found besides the bytes.
#[derive(Clone, Copy)]
pub(super) struct RowFacts {
    /// ‖f−½‖.
    slack: f64,
    /// Whether brightness and rest lie below the top.
    fits: [bool; 2],
}

impl RowFacts {
    /// Of no rows at all.
    pub(super) const NONE: Self = Self {
        slack: 0.0,
        fits: [true; 2],
    };

    /// Of both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            slack: self.slack.max(other.slack),
            fits: [0, 1].map(|i| self.fits[i] && other.fits[i]),
        }
    }
}

/// A query's projection.
pub(super) struct Projected {
    pub(super) bytes: [u8; AXES],
    /// The sum of the numbers' squares.
    pub(super) norm: i32,
    /// ‖f−½‖.
    pub(super) slack: f64,
}

impl Projection {
    /// Rows to learn from, for rows of so many columns.
    pub(super) fn sample_size(columns: usize) -> usize {
        (SAMPLE_VALUES / columns.max(1)).clamp(256, 2048)
    }

    /// Learns from `sample`, whole rows of `columns` bytes; there is nothing to learn
    /// from black rows. At most 2¹⁶ columns.
    pub(super) fn learn(sample: &[u8], columns: usize, kernel: Kernel) -> Option<Self> {
        if sample.iter().all(|&byte| byte == 0) {
            return None;
        }
        let weights = whole(&directions(sample, columns))?;
        let mut projection = Self {
            stretch: stretch(&weights),
            weights,
            base: [0; NUMBERS],
            step: 1,
            row_most: [TOP; NUMBERS],
            query_most: [TOP; NUMBERS],
            row_slack: f64::INFINITY,
            kernel,
        };
        let projected: Vec<[i32; NUMBERS]> = sample
            .par_chunks(columns)
            .map(|row| projection.raw(row))
            .collect();
        let count = projected.len() as f64;
        let mut means = [0.0; NUMBERS];
        let mut widest: f64 = 0.0;
        for (number, mean) in means.iter_mut().enumerate().take(BRIGHTNESS) {
            let values = projected.iter().map(|row| f64::from(row[number]));
            *mean = values.clone().sum::<f64>() / count;
            let squares = values.map(|value| (value - *mean).powi(2)).sum::<f64>();
            widest = widest.max((squares / count).sqrt());
        }
        // 256 steps span 1.75 standard deviations to either side of the widest direction's
        // mean: wider makes the bytes too coarse, narrower clamps too much.
        projection.step = ((3.5 * widest / 256.0) as i64).max(1);
        // The wide ones must not be clamped, so that their range counts.
        for number in [BRIGHTNESS, REST] {
            let values = projected.iter().map(|row| f64::from(row[number]));
            let least = values.clone().fold(f64::INFINITY, f64::min);
            means[number] = (least + values.fold(f64::NEG_INFINITY, f64::max)) / 2.0;
        }
        projection.base = means.map(|mean| mean as i64 - 128 * projection.step);
        Some(projection)
    }

    /// W·row, at most 127 · 255 · 2¹⁶ < 2³¹, and what it leaves.
    fn raw(&self, row: &[u8]) -> [i32; NUMBERS] {
        let sums: [i32; DIRECTIONS] = self.kernel.weighted(row, &self.weights);
        let squares = |sum: &i32| u128::from(sum.unsigned_abs()).pow(2);
        let norm: u64 = row.iter().map(|&byte| u64::from(byte).pow(2)).sum();
        let whole = u128::from(self.stretch) * u128::from(norm);
        // λ is no smaller than the largest eigenvalue, so that nothing is cut off here; and
        // what is cut off above is cut off as by the clamp.
        let rest = whole.saturating_sub(sums.iter().map(squares).sum()).isqrt();
        let rest = i32::try_from(rest).unwrap_or(i32::MAX).min(1 << 30);
        std::array::from_fn(|number| sums.get(number).copied().unwrap_or(rest))
    }

    /// The numbers cut down to whole ones, and ‖f−½‖.
    fn cut(&self, raw: [i32; NUMBERS], most: [i32; NUMBERS]) -> ([i32; NUMBERS], f64) {
        let mut cut = [0; NUMBERS];
        // In halves of a step, so that all is exact.
        let mut off: i64 = 0;
        for number in 0..NUMBERS {
            let above = i64::from(raw[number]) - self.base[number];
            let whole = above.div_euclid(self.step);
            let most = i64::from(most[number]);
            cut[number] = whole.clamp(0, most) as i32;
            // A clamped number is a whole one; so is the top itself.
            let part = match (0..most).contains(&whole) {
                true => above - whole * self.step,
                false => 0,
            };
            off += (2 * part - self.step).pow(2);
        }
        let slack = (off as f64).sqrt() / (2 * self.step) as f64;
        // Two roundings are off by less than this.
        (cut, slack * (1.0 + 1e-12))
    }

    /// Writes the projection of a row of the index to `out`, [`AXES`] bytes.
    pub(super) fn row(&self, row: &[u8], out: &mut [u8]) -> RowFacts {
        let raw = self.raw(row);
        let (cut, slack) = self.cut(raw, self.row_most);
        out.fill(0);
        for (out, &number) in out.iter_mut().zip(&cut[..BRIGHTNESS]) {
            *out = number as u8;
        }
        for (from, number) in WIDE.into_iter().zip([BRIGHTNESS, REST]) {
            out[from..from + SLOTS].fill(cut[number] as u8);
        }
        RowFacts {
            slack,
            fits: [BRIGHTNESS, REST].map(|number| cut[number] < TOP),
        }
    }

    /// Takes in what is known of all rows of the index.
    pub(super) fn settle(&mut self, rows: RowFacts) {
        self.row_slack = rows.slack;
        for (number, fits) in [BRIGHTNESS, REST].into_iter().zip(rows.fits) {
            // A row at the top would be moved away from a query above it.
            self.query_most[number] = if fits { TOP * SLOTS as i32 } else { TOP };
        }
    }

    /// The projection of a query.
    pub(super) fn query(&self, row: &[u8]) -> Projected {
        let (cut, slack) = self.cut(self.raw(row), self.query_most);
        let mut bytes = [0; AXES];
        for (out, &number) in bytes.iter_mut().zip(&cut[..BRIGHTNESS]) {
            *out = number as u8;
        }
        for (from, number) in WIDE.into_iter().zip([BRIGHTNESS, REST]) {
            let mut left = cut[number];
            for out in &mut bytes[from..from + SLOTS] {
                *out = left.min(TOP) as u8;
                left -= i32::from(*out);
            }
        }
        Projected {
            bytes,
            norm: cut.iter().map(|number| number.pow(2)).sum(),
            slack,
        }
    }

    /// The sum of the squares of a row's numbers, from its bytes. 49 · 255² fits.
    pub(super) fn row_norm(bytes: &[u8]) -> i32 {
        let all: i32 = bytes.iter().map(|&byte| i32::from(byte).pow(2)).sum();
        let again = |from: usize| (SLOTS as i32 - 1) * i32::from(bytes[from]).pow(2);
        all - WIDE.map(again).iter().sum::<i32>()
    }

    /// An upper bound of the squared distance between the projections of a row of the index
    /// and of a query with this slack, whose own squared distance is at most `squared`.
    pub(super) fn bound(&self, squared: u64, slack: f64) -> i64 {
        let reach = (self.stretch as f64 * squared as f64).sqrt() / self.step as f64;
        let bound = (reach + slack + self.row_slack).powi(2);
        // The few roundings above are off by less than 2⁻⁴⁰ of the bound.
        (bound * (1.0 + 1e-9)).ceil() as i64
    }
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

    /// The rows' projections, with which the projection is settled.
    fn settled(projection: &mut Projection, rows: &[u8], columns: usize) -> Vec<[u8; AXES]> {
        let mut facts = RowFacts::NONE;
        let projected = rows
            .chunks_exact(columns)
            .map(|row| {
                let mut out = [0; AXES];
                facts = facts.and(projection.row(row, &mut out));
                out
            })
            .collect();
        projection.settle(facts);
        projected
    }

    /// The squared distance as the search computes it.
    fn short(row: &[u8; AXES], query: &Projected) -> i64 {
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
            light in any::<bool>(),
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
            let mut there = sample[..30 * columns].to_vec();
            // Rows brighter than any of the sample, so that they do not fit.
            if light {
                there.extend(&others);
            }
            let projected = settled(&mut projection, &there, columns);
            for query in others.chunks_exact(columns) {
                let asked = projection.query(query);
                for (row, bytes) in there.chunks_exact(columns).zip(&projected) {
                    let (full, short) = (squared(row, query), short(bytes, &asked));
                    let bound = projection.bound(full, asked.slack);
                    prop_assert!((0..=bound).contains(&short), "{} {} {}", short, bound, full);
                }
            }
        }
    }

    /// How many of the rows need not be looked at for a query, once its nearest is known.
    fn passed_over(rows: &[u8], columns: usize, query: &[u8]) -> usize {
        let mut projection = Projection::learn(rows, columns, Kernel::best()).unwrap();
        let projected = settled(&mut projection, rows, columns);
        let asked = projection.query(query);
        let distances = rows.chunks_exact(columns).map(|row| squared(row, query));
        let nearest = distances.filter(|&distance| distance > 0).min().unwrap();
        let bound = projection.bound(nearest, asked.slack);
        projected
            .iter()
            .filter(|row| short(row, &asked) > bound)
            .count()
    }

    #[test]
    fn most_of_the_distance_is_kept_where_rows_vary_in_few_directions() {
        let sample = rows(11, 600, 400, 4);
        let told = passed_over(&sample, 400, &sample[..400]);
        assert!(told > 500, "only {told} of 600 rows are told apart");
    }

    #[test]
    fn most_digits_are_passed_over_for_an_inverted_one_too() {
        let digits = bakeoff_data::open("mnist").unwrap();
        let rows = &digits.train().images().pixels()[..2000 * 784];
        let query = digits.test().images().get(0).unwrap();
        let told = passed_over(rows, 784, query);
        assert!(told > 1900, "only {told} of 2000 for a digit");
        let inverted: Vec<u8> = query.iter().map(|byte| 255 - byte).collect();
        let told = passed_over(rows, 784, &inverted);
        assert!(told > 1000, "only {told} of 2000 for an inverted one");
    }

    #[test]
    fn black_rows_teach_nothing() {
        assert!(Projection::learn(&[0; 500], 5, Kernel::best()).is_none());
    }
}
