//! Areas and average precision of each class against the rest, and of each two classes.
//!
//! For one class, its distinct scores are put in order once. Each other sample is given a
//! code that says where among them its score falls; with the copies of a resample summed
//! up over that order, the pairs that a sample wins are two look-ups.

use std::ops::Range;

use super::{Row, Scratch, layout::Layout};
use crate::{Metric, Predictions, ranking::key};

/// All classes, each ranked by its own probability.
pub(super) struct Ranked {
    classes: Vec<ClassOrder>,
    strata: Vec<Range<usize>>,
    /// Whether average precision was asked for.
    precision: bool,
}

/// Samples in the layout's order, placed among the distinct scores of one class.
struct ClassOrder {
    class: usize,
    /// Number of distinct scores of the class's own samples, which are numbered from the
    /// highest on.
    groups: usize,
    /// For a sample of the class, the group of its score. For another, [`Order::code`].
    codes: Vec<u32>,
}

/// The distinct scores of the positives, from high to low.
pub(super) struct Order(Vec<u32>);

impl Order {
    pub(super) fn new(positives: impl Iterator<Item = f32>) -> Self {
        let mut keys: Vec<u32> = positives.map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        Self(keys)
    }

    pub(super) fn groups(&self) -> usize {
        self.0.len()
    }

    /// The group of a positive's score.
    pub(super) fn group(&self, score: f32) -> u32 {
        let key = key(score);
        self.0.partition_point(|&other| other < key) as u32
    }

    /// Twice the number of groups above a negative's score, and 1 more if it is equal to
    /// the next. With this code c, positives in the groups below c / 2 (rounded down) win
    /// against it, and those below (c + 1) / 2 at least tie.
    pub(super) fn code(&self, score: f32) -> u32 {
        let group = self.group(score);
        let tied = self.0.get(group as usize) == Some(&key(score));
        2 * group + u32::from(tied)
    }
}

/// Sums up how many positives lie above each group, from their number in each.
pub(super) fn sum_above(counts: &mut [u32]) {
    let mut sum = 0;
    for count in counts {
        sum += std::mem::replace(count, sum);
    }
}

/// Twice the positives that win against a negative with this code.
pub(super) fn twice_beaten(above: &[u32], code: u32) -> u64 {
    u64::from(above[(code / 2) as usize]) + u64::from(above[code.div_ceil(2) as usize])
}

/// Average precision from the positives above each group (one more than there are groups)
/// and the negatives that count from each group on; `None` without positives.
pub(super) fn average_precision(above: &[u32], entering: &[u32]) -> Option<f64> {
    let (mut negatives, mut sum) = (0, 0.0);
    for (pair, &more) in above.windows(2).zip(entering) {
        negatives += more;
        let here = pair[1] - pair[0];
        if here > 0 {
            sum += f64::from(here) * (f64::from(pair[1]) / f64::from(pair[1] + negatives));
        }
    }
    let positives = *above.last()?;
    (positives > 0).then(|| sum / f64::from(positives))
}

/// Average precision without one of the positives, by its group, and without one of the
/// negatives, by the group from which on it counts.
pub(super) struct PrecisionWithout {
    pub(super) whole: f64,
    pub(super) positive: Vec<f64>,
    pub(super) negative: Vec<f64>,
}

impl PrecisionWithout {
    /// Takes what [`average_precision`] does, with at least one positive. Without the only
    /// one there is no value, and that of all stands in for it.
    pub(super) fn new(above: &[u32], entering: &[u32]) -> Self {
        let groups = above.len() - 1;
        // Sums over the groups before each, and over those from each on, with one positive
        // or one negative fewer.
        let mut before = vec![0.0; groups + 1];
        let (mut negatives, mut seen) = (0, Vec::with_capacity(groups));
        for group in 0..groups {
            negatives += entering[group];
            let here = f64::from(above[group + 1] - above[group]);
            let right = f64::from(above[group + 1]);
            let wrong = f64::from(negatives);
            seen.push((here, right, wrong));
            before[group + 1] = before[group] + here * right / (right + wrong);
        }
        let precision = |here: f64, right: f64, wrong: f64| {
            // Nothing is divided by nothing where the last sample of a group goes.
            if here > 0.0 {
                here * right / (right + wrong)
            } else {
                0.0
            }
        };
        let (mut fewer_right, mut fewer_wrong) = (vec![0.0; groups + 1], vec![0.0; groups + 1]);
        for (group, &(here, right, wrong)) in seen.iter().enumerate().rev() {
            fewer_right[group] = fewer_right[group + 1] + precision(here, right - 1.0, wrong);
            // Read only at groups from which on there are negatives.
            fewer_wrong[group] =
                fewer_wrong[group + 1] + precision(here, right, (wrong - 1.0).max(0.0));
        }
        let positives = f64::from(above[groups]);
        let whole = before[groups] / positives;
        let positive = seen
            .iter()
            .enumerate()
            .map(|(group, &(here, right, wrong))| {
                if positives <= 1.0 {
                    return whole;
                }
                let own = precision(here - 1.0, right - 1.0, wrong);
                (before[group] + own + fewer_right[group + 1]) / (positives - 1.0)
            })
            .collect();
        let negative = (0..=groups)
            .map(|group| (before[group] + fewer_wrong[group]) / positives)
            .collect();
        Self {
            whole,
            positive,
            negative,
        }
    }
}

impl Ranked {
    pub(super) fn new(predictions: &Predictions<'_>, layout: &Layout, precision: bool) -> Self {
        let classes = layout
            .strata()
            .iter()
            .enumerate()
            .map(|(class, stratum)| ClassOrder::new(predictions, layout, class, stratum))
            .collect();
        Self {
            classes,
            strata: layout.strata().to_vec(),
            precision,
        }
    }

    pub(super) fn measure(&self, copies: &[u16], scratch: &mut Scratch, row: &mut Row) {
        let k = self.strata.len();
        scratch.sizes.clear();
        let sizes = self.strata.iter().map(|stratum| {
            let copies = copies[stratum.clone()].iter();
            copies.map(|&copies| u64::from(copies)).sum::<u64>()
        });
        scratch.sizes.extend(sizes);
        scratch.wins.clear();
        scratch.wins.resize(k * k, 0);
        let total: u64 = scratch.sizes.iter().sum();

        let (mut areas, mut precisions) = (Average::default(), Average::default());
        for order in &self.classes {
            let size = scratch.sizes[order.class];
            order.sum_above(copies, &self.strata, &mut scratch.above);
            let wins = &mut scratch.wins[order.class * k..(order.class + 1) * k];
            order.count_wins(copies, &self.strata, &scratch.above, wins);
            let pairs = size * (total - size);
            if pairs > 0 {
                let wins: u64 = wins.iter().sum();
                areas.add(wins as f64 / (2 * pairs) as f64, size as f64);
            }
            if self.precision && size > 0 {
                order.count_entering(copies, &self.strata, &mut scratch.entering);
                let value = average_precision(&scratch.above, &scratch.entering);
                precisions.add(value.unwrap_or(0.0), size as f64);
            }
        }
        row.set(Metric::MacroAuc, areas.plain());
        row.set(Metric::WeightedAuc, areas.weighted());
        row.set(
            Metric::OneVsOneAuc,
            one_vs_one(&scratch.wins, &scratch.sizes),
        );
        row.set(Metric::MacroAveragePrecision, precisions.plain());
        row.set(Metric::WeightedAveragePrecision, precisions.weighted());
    }

    /// The metrics without each of the samples. A sample alone in its class has the value
    /// of all samples: no resample lacks it.
    pub(super) fn without_each(&self, rows: &mut [Row]) {
        let k = self.strata.len();
        let samples = rows.len();
        let copies = vec![1; samples];
        let size = |class: usize| self.strata[class].len() as f64;
        let mut labels = vec![0; samples];
        for (class, stratum) in self.strata.iter().enumerate() {
            labels[stratum.clone()].fill(class);
        }

        let mut wins = vec![0; k * k];
        let mut above = Vec::new();
        let mut entering = Vec::new();
        let mut areas = vec![Average::default(); samples];
        let mut precisions = vec![Average::default(); samples];
        // For each sample, the pairs of its class with each other class that it takes part
        // in, each over the size of that other class.
        let mut taken = vec![0.0; samples];
        for order in &self.classes {
            let class = order.class;
            let own = &self.strata[class];
            order.sum_above(&copies, &self.strata, &mut above);
            let class_wins = &mut wins[class * k..(class + 1) * k];
            order.count_wins(&copies, &self.strata, &above, class_wins);
            if own.is_empty() {
                continue;
            }
            let total: u64 = class_wins.iter().sum();
            let (positives, negatives) = (own.len() as f64, (samples - own.len()) as f64);
            let by_group = order.wins_by_group(&self.strata);
            order.count_entering(&copies, &self.strata, &mut entering);
            let precision = self
                .precision
                .then(|| PrecisionWithout::new(&above, &entering));

            for sample in 0..samples {
                let code = order.codes[sample];
                let positive = own.contains(&sample);
                let weight = positives - f64::from(u8::from(positive));
                let (lost, left, apart) = if positive {
                    let (twice, apart) = by_group[code as usize];
                    (twice, (positives - 1.0) * negatives, apart)
                } else {
                    let twice = twice_beaten(&above, code);
                    (
                        twice,
                        positives * (negatives - 1.0),
                        twice as f64 / positives,
                    )
                };
                taken[sample] += apart;
                if negatives > 0.0 {
                    let area = if left > 0.0 {
                        (total - lost) as f64 / (2.0 * left)
                    } else {
                        total as f64 / (2.0 * positives * negatives)
                    };
                    areas[sample].add(area, weight);
                }
                let value = precision.as_ref().map_or(0.0, |without| {
                    if positive {
                        without.positive[code as usize]
                    } else {
                        without.negative[(code / 2) as usize]
                    }
                });
                precisions[sample].add(value, weight);
            }
        }

        let present = (0..k).filter(|&class| size(class) > 0.0);
        let present: Vec<usize> = present.collect();
        let pairs = (present.len() * (present.len().max(1) - 1) / 2) as f64;
        // For each class, its pairs with the others, each over the size of the other.
        let together: Vec<f64> = (0..k)
            .map(|a| {
                let others = present.iter().filter(|&&b| b != a);
                others
                    .map(|&b| (wins[a * k + b] + wins[b * k + a]) as f64 / size(b))
                    .sum()
            })
            .collect();
        let sum: f64 = present.iter().map(|&a| together[a] / size(a)).sum::<f64>() / 8.0;
        for (sample, row) in rows.iter_mut().enumerate() {
            let class = labels[sample];
            row.set(Metric::MacroAuc, areas[sample].plain());
            row.set(Metric::WeightedAuc, areas[sample].weighted());
            let left = size(class) - 1.0;
            if pairs > 0.0 && left > 0.0 {
                let other = sum - together[class] / (4.0 * size(class))
                    + (together[class] - taken[sample]) / (4.0 * left);
                row.set(Metric::OneVsOneAuc, Some(other / pairs));
            }
            if self.precision {
                row.set(Metric::MacroAveragePrecision, precisions[sample].plain());
                row.set(
                    Metric::WeightedAveragePrecision,
                    precisions[sample].weighted(),
                );
            }
        }
    }
}

impl ClassOrder {
    fn new(
        predictions: &Predictions<'_>,
        layout: &Layout,
        class: usize,
        stratum: &Range<usize>,
    ) -> Self {
        let scores = layout
            .samples()
            .iter()
            .map(|&sample| predictions.probabilities().row(sample)[class]);
        let order = Order::new(scores.clone().skip(stratum.start).take(stratum.len()));
        let codes = scores
            .enumerate()
            .map(|(place, score)| {
                if stratum.contains(&place) {
                    order.group(score)
                } else {
                    order.code(score)
                }
            })
            .collect();
        Self {
            class,
            groups: order.groups(),
            codes,
        }
    }

    /// Copies of the class's samples above each group, and above all at the end.
    fn sum_above(&self, copies: &[u16], strata: &[Range<usize>], above: &mut Vec<u32>) {
        above.clear();
        above.resize(self.groups + 1, 0);
        let own = strata[self.class].clone();
        for (&group, &copies) in self.codes[own.clone()].iter().zip(&copies[own]) {
            above[group as usize] += u32::from(copies);
        }
        sum_above(above);
    }

    /// Twice the pairs that the class wins against each other class, ties counting once.
    fn count_wins(&self, copies: &[u16], strata: &[Range<usize>], above: &[u32], wins: &mut [u64]) {
        for (other, stratum) in strata.iter().enumerate() {
            if other != self.class {
                let codes = self.codes[stratum.clone()].iter();
                wins[other] = codes
                    .zip(&copies[stratum.clone()])
                    .map(|(&code, &copies)| u64::from(copies) * twice_beaten(above, code))
                    .sum();
            }
        }
    }

    /// Copies of the other classes' samples by the group from which on they count.
    fn count_entering(&self, copies: &[u16], strata: &[Range<usize>], entering: &mut Vec<u32>) {
        entering.clear();
        entering.resize(self.groups + 1, 0);
        for (other, stratum) in strata.iter().enumerate() {
            if other != self.class {
                let codes = self.codes[stratum.clone()].iter();
                for (&code, &copies) in codes.zip(&copies[stratum.clone()]) {
                    entering[(code / 2) as usize] += u32::from(copies);
                }
            }
        }
    }

    /// For a sample of the class in each group, twice the samples of all others that it
    /// wins against, and the same over the size of each other class.
    fn wins_by_group(&self, strata: &[Range<usize>]) -> Vec<(u64, f64)> {
        let mut by_group = vec![(0, 0.0); self.groups];
        let mut counts = Vec::new();
        for (other, stratum) in strata.iter().enumerate() {
            if other == self.class || stratum.is_empty() {
                continue;
            }
            counts.clear();
            counts.resize(2 * self.groups + 1, 0_u64);
            for &code in &self.codes[stratum.clone()] {
                counts[code as usize] += 1;
            }
            // A code above 2·group + 1 is beaten, that one is tied with.
            let mut beaten = 0;
            for (group, (all, shares)) in by_group.iter_mut().enumerate().rev() {
                beaten += counts[2 * group + 2];
                let twice = 2 * beaten + counts[2 * group + 1];
                *all += twice;
                *shares += twice as f64 / stratum.len() as f64;
                beaten += counts[2 * group + 1];
            }
        }
        by_group
    }
}

/// The mean of areas over every two classes, from twice the wins of each over each other.
fn one_vs_one(wins: &[u64], sizes: &[u64]) -> Option<f64> {
    let k = sizes.len();
    let mut areas = Average::default();
    for a in 0..k {
        for b in a + 1..k {
            let pairs = sizes[a] * sizes[b];
            if pairs > 0 {
                let both = wins[a * k + b] + wins[b * k + a];
                areas.add(both as f64 / (4 * pairs) as f64, 1.0);
            }
        }
    }
    areas.plain()
}

/// A mean of values, plain and weighted.
#[derive(Clone, Copy, Debug, Default)]
struct Average {
    count: f64,
    sum: f64,
    weight: f64,
    weighted: f64,
}

impl Average {
    fn add(&mut self, value: f64, weight: f64) {
        self.count += 1.0;
        self.sum += value;
        self.weight += weight;
        self.weighted += value * weight;
    }

    fn plain(self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }

    fn weighted(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.weighted / self.weight)
    }
}
