//! Histograms of gradients for boosted trees, and the best threshold of each.
//!
//! A sample's gradients are sixteen small whole numbers, so that adding a sample to a bin is one vector
//! addition, whatever the number of classes, and sums are exact and the same in any order (Shi et al. 2022,
//! "Quantized Training of Gradient Boosting Decision Trees"). Rejected: one histogram for each class, as
//! libraries with a tree per class have: ten times the additions, and each is of a single number.

use crate::simd::{Isa, Kernel, Simd};

/// Numbers of a sample: the gradients of [`OUTPUTS`] outputs, then the weight of the sample (its
/// Hessian), then 1.
pub const LANES: usize = 16;
/// Gradients among them.
pub const OUTPUTS: usize = 14;
const WEIGHT: usize = 14;
const COUNT: usize = 15;

/// A sample's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Gradients(pub [i8; LANES]);

/// Sums of samples' numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Sums(pub [i32; LANES]);

impl Sums {
    /// Adds the numbers of a sample.
    #[inline(always)]
    pub fn add(&mut self, gradients: &Gradients) {
        for (sum, &value) in self.0.iter_mut().zip(&gradients.0) {
            *sum = sum.wrapping_add(i32::from(value));
        }
    }

    /// Adds other sums.
    #[inline(always)]
    pub fn join(&mut self, other: &Self) {
        for (sum, &more) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.wrapping_add(more);
        }
    }

    /// These without others.
    #[inline(always)]
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|lane| {
            self.0[lane].wrapping_sub(other.0[lane])
        }))
    }

    /// How many samples there are.
    pub fn count(&self) -> u32 {
        self.0[COUNT].cast_unsigned()
    }

    /// The sum of their weights.
    pub fn weight(&self) -> i32 {
        self.0[WEIGHT]
    }

    /// Σ of the squared gradients over the weight and `penalty`: what a leaf of these samples lowers
    /// the loss by, but for a factor.
    #[inline(always)]
    pub fn score(&self, penalty: f32) -> f32 {
        squares(self) / (self.0[WEIGHT] as f32 + penalty)
    }
}

/// Σ of the squared gradients. Lanes are added in one order on every processor.
#[inline(always)]
fn squares(sums: &Sums) -> f32 {
    let mut lanes: [f32; LANES] = std::array::from_fn(|lane| sums.0[lane] as f32);
    lanes[WEIGHT] = 0.0;
    lanes[COUNT] = 0.0;
    let eight: [f32; 8] =
        std::array::from_fn(|at| lanes[at] * lanes[at] + lanes[at + 8] * lanes[at + 8]);
    let four: [f32; 4] = std::array::from_fn(|at| eight[at] + eight[at + 4]);
    let two: [f32; 2] = std::array::from_fn(|at| four[at] + four[at + 2]);
    two[0] + two[1]
}

/// The samples of a feature that have another value than most, with the bins of their values.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Their places.
    pub samples: &'a [u32],
    /// Their bins.
    pub bins: &'a [u8],
    /// The bin of all other samples.
    pub usual: u8,
}

/// What a split must keep to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Samples on each side, at least.
    pub min_count: u32,
    /// Added to the weight of each side.
    pub penalty: f32,
}

/// A threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The sum of both sides' scores.
    pub score: f32,
    /// Samples of bins up to this one go left.
    pub bin: u8,
    /// The sums of those that go right.
    pub right: Sums,
}

/// The best thresholds of a feature, one for each node, of samples that `nodes` sends to nodes; a number that
/// is no node is no node's. `totals` are the nodes' sums. Of equal thresholds it is the highest.
///
/// `cells` is memory of (`totals.len()` + 1) × `bins` sums, which are zero before and after.
pub fn thresholds(
    column: Column<'_>,
    nodes: &[u16],
    gradients: &[Gradients],
    totals: &[Sums],
    bins: usize,
    limits: Limits,
    cells: &mut [Sums],
) -> Vec<Option<Threshold>> {
    Isa::detect().run(Thresholds {
        column,
        nodes,
        gradients,
        totals,
        bins,
        limits,
        cells,
    })
}

struct Thresholds<'a> {
    column: Column<'a>,
    nodes: &'a [u16],
    gradients: &'a [Gradients],
    totals: &'a [Sums],
    bins: usize,
    limits: Limits,
    cells: &'a mut [Sums],
}

impl Kernel for Thresholds<'_> {
    type Output = Vec<Option<Threshold>>;

    #[inline(always)]
    fn run<S: Simd>(self) -> Self::Output {
        let Self {
            column,
            nodes,
            gradients,
            totals,
            bins,
            limits,
            cells,
        } = self;
        let last = totals.len();
        for (&sample, &bin) in column.samples.iter().zip(column.bins) {
            let sample = sample as usize;
            let node = usize::from(nodes[sample]).min(last);
            cells[node * bins + usize::from(bin)].add(&gradients[sample]);
        }
        let found = totals
            .iter()
            .zip(cells.chunks_exact_mut(bins))
            .map(|(total, cells)| best(total, cells, column.usual, limits));
        let found = found.collect();
        cells[last * bins..].fill(Sums::default());
        found
    }
}

#[inline(always)]
fn best(total: &Sums, cells: &mut [Sums], usual: u8, limits: Limits) -> Option<Threshold> {
    // What is in no other bin is in the usual one.
    let mut listed = Sums::default();
    for cell in cells.iter() {
        listed.join(cell);
    }
    if listed.count() == 0 {
        return None;
    }
    cells[usize::from(usual)].join(&total.without(&listed));
    let mut above = Sums::default();
    let mut found: Option<Threshold> = None;
    for (bin, cell) in cells.iter_mut().enumerate().skip(1).rev() {
        // Where a bin has no sample, the threshold above it is as good.
        if cell.count() == 0 {
            continue;
        }
        above.join(cell);
        *cell = Sums::default();
        let below = total.without(&above);
        if above.count() < limits.min_count || below.count() < limits.min_count {
            continue;
        }
        let score = above.score(limits.penalty) + below.score(limits.penalty);
        if found.is_none_or(|found| score > found.score) {
            found = Some(Threshold {
                score,
                bin: bin as u8 - 1,
                right: above,
            });
        }
    }
    cells[0] = Sums::default();
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BINS: usize = 9;

    /// The score of a threshold by its definition, or nothing where a side has too few samples.
    fn plain_score(
        samples: &[(usize, u8, Gradients)],
        node: usize,
        bin: u8,
        limits: Limits,
    ) -> Option<f64> {
        let mut score = 0.0;
        for left in [true, false] {
            let mut sums = [0_i64; LANES];
            for (_, _, gradients) in samples
                .iter()
                .filter(|(of, at, _)| *of == node && (*at <= bin) == left)
            {
                for (sum, &value) in sums.iter_mut().zip(&gradients.0) {
                    *sum += i64::from(value);
                }
            }
            if sums[COUNT] < i64::from(limits.min_count) {
                return None;
            }
            let squares: i64 = sums[..OUTPUTS].iter().map(|sum| sum * sum).sum();
            score += squares as f64 / (sums[WEIGHT] as f64 + f64::from(limits.penalty));
        }
        Some(score)
    }

    proptest! {
        #[test]
        fn the_best_threshold_is_the_plain_one(
            drawn in proptest::collection::vec(
                (0_usize..4, 0_u8..9, proptest::array::uniform16(-127_i8..=127)), 1..300),
            usual in 0_u8..9,
            min_count in 1_u32..6,
        ) {
            let samples: Vec<(usize, u8, Gradients)> = drawn
                .into_iter()
                .map(|(node, bin, mut lanes)| {
                    lanes[WEIGHT] = lanes[WEIGHT].saturating_abs();
                    lanes[COUNT] = 1;
                    (node, bin, Gradients(lanes))
                })
                .collect();
            let limits = Limits { min_count, penalty: 20.0 };
            let gradients: Vec<Gradients> = samples.iter().map(|sample| sample.2).collect();
            // The last node is none.
            let node_of = |sample: &(usize, u8, Gradients)| match sample.0 {
                3 => u16::MAX,
                node => node as u16,
            };
            let nodes: Vec<u16> = samples.iter().map(node_of).collect();
            let mut totals = vec![Sums::default(); 3];
            for (node, _, gradients) in samples.iter().filter(|sample| sample.0 < 3) {
                totals[*node].add(gradients);
            }
            let listed: Vec<usize> = (0..samples.len())
                .filter(|&sample| samples[sample].1 != usual)
                .collect();
            let places: Vec<u32> = listed.iter().map(|&sample| sample as u32).collect();
            let bins: Vec<u8> = listed.iter().map(|&sample| samples[sample].1).collect();
            let column = Column { samples: &places, bins: &bins, usual };
            for isa in Isa::available() {
                let mut cells = vec![Sums::default(); 4 * BINS];
                let found = isa.run(Thresholds {
                    column,
                    nodes: &nodes,
                    gradients: &gradients,
                    totals: &totals,
                    bins: BINS,
                    limits,
                    cells: &mut cells,
                });
                for (node, found) in found.into_iter().enumerate() {
                    let score = |bin| plain_score(&samples, node, bin, limits);
                    let best = (0..BINS as u8 - 1).filter_map(score).max_by(f64::total_cmp);
                    // A pixel whose images all have the usual value is not looked at.
                    let varies = samples.iter().any(|sample| sample.0 == node && sample.1 != usual);
                    prop_assert_eq!(found.is_some(), varies && best.is_some());
                    if let (Some(found), Some(best)) = (found, best) {
                        let own = score(found.bin).unwrap_or_default();
                        let mut right = Sums::default();
                        let above = |sample: &&(usize, u8, Gradients)| {
                            sample.0 == node && sample.1 > found.bin
                        };
                        samples.iter().filter(above).for_each(|sample| right.add(&sample.2));
                        prop_assert_eq!(found.right, right);
                        prop_assert!((own - best).abs() <= 1e-5 * best.abs() + 1e-9);
                        prop_assert!((f64::from(found.score) - own).abs() <= 1e-5 * own.abs() + 1e-9);
                    }
                }
                // What one search leaves behind must not change the next.
                prop_assert!(cells.iter().all(|cell| *cell == Sums::default()));
            }
        }
    }
}
