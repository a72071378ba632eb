//! Micro-averaged area and average precision: every pair of a sample and a class, ranked
//! together.

use super::{
    Row, Scratch,
    layout::Layout,
    ranked::{Order, PrecisionWithout, average_precision, sum_above, twice_beaten},
};
use crate::{Metric, Predictions};

/// The pairs of the samples with their own class, and with the others, in the layout's
/// order.
pub(super) struct AllPairs {
    groups: usize,
    /// For each sample, the group of its own class's score.
    own: Vec<u32>,
    /// For each sample, [`Order::code`] of its K - 1 other scores.
    others: Vec<u32>,
    classes: usize,
    /// Whether average precision was asked for.
    precision: bool,
}

impl AllPairs {
    pub(super) fn new(predictions: &Predictions<'_>, layout: &Layout, precision: bool) -> Self {
        let samples = layout.samples().iter().map(|&sample| {
            let label = usize::from(predictions.labels()[sample]);
            (predictions.probabilities().row(sample), label)
        });
        let order = Order::new(samples.clone().map(|(row, label)| row[label]));
        let own = samples
            .clone()
            .map(|(row, label)| order.group(row[label]))
            .collect();
        let others = samples
            .flat_map(|(row, label)| {
                let others = row.iter().enumerate().filter(move |(c, _)| *c != label);
                others.map(|(_, &score)| score)
            })
            .map(|score| order.code(score))
            .collect();
        Self {
            groups: order.groups(),
            own,
            others,
            classes: predictions.classes(),
            precision,
        }
    }

    pub(super) fn measure(&self, copies: &[u16], scratch: &mut Scratch, row: &mut Row) {
        self.sum_above(copies, &mut scratch.above);
        let above = &scratch.above;
        let mut wins = 0_u64;
        for (codes, &copies) in self.codes().zip(copies) {
            if copies > 0 {
                let twice: u64 = codes.iter().map(|&code| twice_beaten(above, code)).sum();
                wins += u64::from(copies) * twice;
            }
        }
        let positives = f64::from(above[self.groups]);
        let pairs = positives * positives * (self.classes - 1) as f64;
        row.set(
            Metric::MicroAuc,
            (pairs > 0.0).then(|| wins as f64 / (2.0 * pairs)),
        );
        if self.precision {
            self.count_entering(copies, &mut scratch.entering);
            let value = average_precision(&scratch.above, &scratch.entering);
            row.set(Metric::MicroAveragePrecision, value);
        }
    }

    /// The metrics without each of the samples; average precision to first order, as the
    /// sum of what each of a sample's K pairs changes.
    pub(super) fn without_each(&self, rows: &mut [Row]) {
        let samples = rows.len();
        if samples < 2 {
            return;
        }
        let (mut above, mut entering) = (Vec::new(), Vec::new());
        let copies = vec![1; samples];
        self.sum_above(&copies, &mut above);
        self.count_entering(&copies, &mut entering);

        // Twice the pairs of other classes that a sample's own wins against, by group.
        let mut counts = vec![0_u64; 2 * self.groups + 1];
        for &code in &self.others {
            counts[code as usize] += 1;
        }
        let mut beaten = 0;
        let mut by_group = vec![0_u64; self.groups];
        for (group, twice) in by_group.iter_mut().enumerate().rev() {
            beaten += counts[2 * group + 2];
            *twice = 2 * beaten + counts[2 * group + 1];
            beaten += counts[2 * group + 1];
        }
        let wins: u64 = self.own.iter().map(|&group| by_group[group as usize]).sum();
        let precision = self
            .precision
            .then(|| PrecisionWithout::new(&above, &entering));

        let left = (samples - 1) as f64;
        let pairs = left * left * (self.classes - 1) as f64;
        for (row, (&group, codes)) in rows.iter_mut().zip(self.own.iter().zip(self.codes())) {
            let mut lost = by_group[group as usize];
            // Pairs of the sample with itself are lost once, not twice.
            let mut twice = 0;
            for &code in codes {
                lost += twice_beaten(&above, code);
                twice += match code.cmp(&(2 * group + 1)) {
                    std::cmp::Ordering::Less => 0,
                    std::cmp::Ordering::Equal => 1,
                    std::cmp::Ordering::Greater => 2,
                };
            }
            let area = (wins + twice - lost) as f64 / (2.0 * pairs);
            row.set(Metric::MicroAuc, Some(area));
            if let Some(without) = &precision {
                let changes = codes
                    .iter()
                    .map(|&code| without.negative[(code / 2) as usize] - without.whole);
                let value = without.positive[group as usize] + changes.sum::<f64>();
                row.set(Metric::MicroAveragePrecision, Some(value));
            }
        }
    }

    /// The K - 1 codes of each sample.
    fn codes(&self) -> std::slice::ChunksExact<'_, u32> {
        self.others.chunks_exact(self.classes - 1)
    }

    fn sum_above(&self, copies: &[u16], above: &mut Vec<u32>) {
        above.clear();
        above.resize(self.groups + 1, 0);
        for (&group, &copies) in self.own.iter().zip(copies) {
            above[group as usize] += u32::from(copies);
        }
        sum_above(above);
    }

    fn count_entering(&self, copies: &[u16], entering: &mut Vec<u32>) {
        entering.clear();
        entering.resize(self.groups + 1, 0);
        for (codes, &copies) in self.codes().zip(copies) {
            if copies > 0 {
                for &code in codes {
                    entering[(code / 2) as usize] += u32::from(copies);
                }
            }
        }
    }
}
