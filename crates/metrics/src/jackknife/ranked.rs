//! The area under the ROC curve of each class against the rest.
//!
//! For one class, its distinct scores are put in order once. Each other sample is given a
//! code that says where among them its score falls; with the copies of samples summed up
//! over that order, the pairs that a sample wins are two look-ups.

use std::ops::Range;

use super::{layout::Layout, row::Row};
use crate::{Metric, Predictions, ranking::key};

/// All classes, each ranked by its own probability.
pub(super) struct Ranked {
    classes: Vec<ClassOrder>,
    strata: Vec<Range<usize>>,
}

/// Samples in the layout's order, placed among the distinct scores of one class.
struct ClassOrder {
    class: usize,
    /// Number of distinct scores of the class's own samples, which are numbered from the
    /// highest on.
    groups: usize,
    /// For a sample of the class, the group of its score. For any other sample, twice the
    /// number of groups above its score, and 1 more if its score is equal to the next
    /// group's. With this code c, positives in the groups below c / 2 (rounded down) win
    /// against the sample, and those below (c + 1) / 2 at least tie.
    codes: Vec<u32>,
}

/// Twice the positives that win against a negative with this code.
fn twice_beaten(above: &[u32], code: u32) -> u64 {
    u64::from(above[(code / 2) as usize]) + u64::from(above[code.div_ceil(2) as usize])
}

impl Ranked {
    pub(super) fn new(predictions: &Predictions<'_>, layout: &Layout) -> Self {
        let classes = layout.strata().iter().enumerate();
        Self {
            classes: classes
                .map(|(class, stratum)| ClassOrder::new(predictions, layout, class, stratum))
                .collect(),
            strata: layout.strata().to_vec(),
        }
    }

    /// `above` is memory that is used again.
    pub(super) fn measure(&self, copies: &[u16], above: &mut Vec<u32>, row: &mut Row) {
        let copies_of = |copies: &[u16]| copies.iter().map(|&n| u64::from(n)).sum::<u64>();
        let total = copies_of(copies);
        let mut areas = Average::default();
        for order in &self.classes {
            let own = &self.strata[order.class];
            let size = copies_of(&copies[own.clone()]);
            let pairs = size * (total - size);
            if pairs > 0 {
                order.sum_above(copies, own, above);
                let wins = order.count_wins(copies, own, above);
                areas.add(wins as f64 / (2 * pairs) as f64, size as f64);
            }
        }
        areas.write(row);
    }

    /// The metrics without each of the samples. A sample alone in its class has the value
    /// of all samples.
    pub(super) fn without_each(&self, rows: &mut [Row]) {
        let samples = rows.len();
        let copies = vec![1; samples];
        let mut above = Vec::new();
        let mut areas = vec![Average::default(); samples];
        for order in &self.classes {
            let own = &self.strata[order.class];
            let (positives, negatives) = (own.len() as f64, (samples - own.len()) as f64);
            if own.is_empty() || negatives == 0.0 {
                continue;
            }
            order.sum_above(&copies, own, &mut above);
            let total = order.count_wins(&copies, own, &above);
            let by_group = order.wins_by_group(own);
            for (sample, area) in areas.iter_mut().enumerate() {
                let code = order.codes[sample];
                let positive = own.contains(&sample);
                let (lost, left) = if positive {
                    (by_group[code as usize], (positives - 1.0) * negatives)
                } else {
                    (twice_beaten(&above, code), positives * (negatives - 1.0))
                };
                let value = if left > 0.0 {
                    (total - lost) as f64 / (2.0 * left)
                } else {
                    total as f64 / (2.0 * positives * negatives)
                };
                area.add(value, positives - f64::from(u8::from(positive)));
            }
        }
        for (area, row) in areas.into_iter().zip(rows) {
            area.write(row);
        }
    }
}

impl ClassOrder {
    fn new(
        predictions: &Predictions<'_>,
        layout: &Layout,
        class: usize,
        own: &Range<usize>,
    ) -> Self {
        let keys: Vec<u32> = layout
            .samples()
            .iter()
            .map(|&sample| key(predictions.probabilities().row(sample)[class]))
            .collect();
        // The distinct scores of the positives, from high to low.
        let mut groups = keys[own.clone()].to_vec();
        groups.sort_unstable();
        groups.dedup();
        let codes = keys.iter().enumerate().map(|(place, key)| {
            let group = groups.partition_point(|other| other < key);
            let tied = groups.get(group) == Some(key);
            if own.contains(&place) {
                group as u32
            } else {
                2 * group as u32 + u32::from(tied)
            }
        });
        Self {
            class,
            codes: codes.collect(),
            groups: groups.len(),
        }
    }

    /// Copies of the class's samples above each group, and above all at the end.
    fn sum_above(&self, copies: &[u16], own: &Range<usize>, above: &mut Vec<u32>) {
        above.clear();
        above.resize(self.groups + 1, 0);
        let codes = self.codes[own.clone()].iter();
        for (&group, &copies) in codes.zip(&copies[own.clone()]) {
            above[group as usize] += u32::from(copies);
        }
        let mut sum = 0;
        for count in above {
            sum += std::mem::replace(count, sum);
        }
    }

    /// Twice the pairs that the class wins against all others, ties counting once.
    fn count_wins(&self, copies: &[u16], own: &Range<usize>, above: &[u32]) -> u64 {
        let wins = |others: Range<usize>| -> u64 {
            let codes = self.codes[others.clone()].iter().zip(&copies[others]);
            codes
                .map(|(&code, &copies)| u64::from(copies) * twice_beaten(above, code))
                .sum()
        };
        wins(0..own.start) + wins(own.end..self.codes.len())
    }

    /// For a sample of the class in each group, twice the samples of all others that it
    /// wins against.
    fn wins_by_group(&self, own: &Range<usize>) -> Vec<u64> {
        let mut counts = vec![0_u64; 2 * self.groups + 1];
        let others = self.codes[..own.start].iter().chain(&self.codes[own.end..]);
        for &code in others {
            counts[code as usize] += 1;
        }
        // A code above 2·group + 1 is beaten, that one is tied with.
        let mut by_group = vec![0; self.groups];
        let mut beaten = 0;
        for (group, twice) in by_group.iter_mut().enumerate().rev() {
            beaten += counts[2 * group + 2];
            *twice = 2 * beaten + counts[2 * group + 1];
            beaten += counts[2 * group + 1];
        }
        by_group
    }
}

/// A mean of areas, plain and weighted.
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

    fn write(self, row: &mut Row) {
        let plain = (self.count > 0.0).then(|| self.sum / self.count);
        let weighted = (self.weight > 0.0).then(|| self.weighted / self.weight);
        row.set(Metric::MacroAuc, plain);
        row.set(Metric::WeightedAuc, weighted);
    }
}
