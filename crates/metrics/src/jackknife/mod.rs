//! The jackknife: how much each sample adds to a score, found by leaving it out.
//!
//! The squares of these influences sum to the variance that the score has because the samples
//! are a sample (B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993,
//! chapter 11). Every sample is left out, whatever its class: the number of samples of a class
//! is as random as the samples, as in a test part that was collected and not composed. Where
//! class counts were fixed beforehand (stratified splits), the variance is a little too large.
//!
//! Leaving a sample out costs little: margins of the confusion matrix are counted once and changed
//! by one,
//! and the order of scores (areas) is prepared once.
//!
//! Two models on the same samples are compared by subtracting their influences, sample by
//! sample ([`Influence::minus`]).
//!
//! This is the variation that comes from testing on few samples. It says nothing about
//! training with another seed or on other data; [`crate::RecipeScore`] does.
//!
//! Rejected: a bootstrap with bias-corrected and accelerated (BCa) intervals. Near a
//! bound its intervals cover much less than they say, because no resample holds an error that
//! the samples do not have (see `docs/decisions/intervals.md`).

mod counted;
mod influence;
mod layout;
mod ranked;
mod row;

pub use influence::Influence;

use crate::{Metric, Predictions};
use counted::Counted;
use influence::Origin;
use layout::Layout;
use ranked::Ranked;
use row::Row;

/// Scores of one model with what each sample adds to them.
#[derive(Clone, Debug)]
pub struct Influences {
    metrics: Vec<(Metric, Option<Influence>)>,
}

impl Influences {
    /// Measures the metrics without each of the samples. The same samples in the same order
    /// give the same bits, whatever the number of threads.
    ///
    /// Of a model that only says the class, metrics that need probabilities are undefined.
    pub fn new(predictions: &Predictions<'_>, metrics: &[Metric]) -> Self {
        let labels_alone = predictions.are_labels_alone();
        let defined = |metric: &&Metric| !(labels_alone && metric.needs_probabilities());
        let metrics: Vec<Metric> = metrics.iter().filter(defined).copied().collect();
        let metrics = metrics.as_slice();
        let layout = Layout::new(predictions);
        let measures = Measures::new(predictions, &layout, metrics);
        let estimate = measures.values(&vec![1; layout.samples().len()], &mut Vec::new());
        let without = measures.without_each();
        let origin = Origin::new(predictions);
        let metrics = metrics
            .iter()
            .map(|&metric| {
                let influence = estimate.get(metric).map(|estimate| {
                    // A sample that a metric cannot do without is alone in its class.
                    let without: Vec<f64> = without
                        .iter()
                        .map(|row| row.get(metric).unwrap_or(estimate))
                        .collect();
                    Influence::new(estimate, &without, origin.clone())
                });
                (metric, influence)
            })
            .collect();
        Self { metrics }
    }

    /// One metric; `None` where it was not asked for or is undefined on these samples.
    pub fn get(&self, metric: Metric) -> Option<&Influence> {
        self.metrics
            .iter()
            .find(|(found, _)| *found == metric)
            .and_then(|(_, influence)| influence.as_ref())
    }
}

/// What is prepared once for the metrics that were asked for.
struct Measures {
    counted: Counted,
    ranked: Option<Ranked>,
}

impl Measures {
    fn new(predictions: &Predictions<'_>, layout: &Layout, metrics: &[Metric]) -> Self {
        let areas = [Metric::MacroAuc, Metric::WeightedAuc];
        let ranked = metrics.iter().any(|metric| areas.contains(metric));
        Self {
            counted: Counted::new(predictions, layout),
            ranked: ranked.then(|| Ranked::new(predictions, layout)),
        }
    }

    /// The metrics of so many copies of each sample, which are in the layout's order.
    fn values(&self, copies: &[u16], above: &mut Vec<u32>) -> Row {
        let mut row = Row::EMPTY;
        self.counted.measure(copies, &mut row);
        if let Some(ranked) = &self.ranked {
            ranked.measure(copies, above, &mut row);
        }
        row
    }

    /// The metrics without each of the samples, in the layout's order.
    fn without_each(&self) -> Vec<Row> {
        let mut rows = self.counted.without_each();
        if let Some(ranked) = &self.ranked {
            ranked.without_each(&mut rows);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;
    use proptest::prelude::*;

    use super::*;
    use crate::Evaluation;

    fn samples() -> impl Strategy<Value = (Vec<u16>, Probabilities)> {
        (2_usize..5, 2_usize..40, prop::bool::ANY).prop_flat_map(|(classes, samples, coarse)| {
            let labels = prop::collection::vec(0..classes as u16, samples);
            let scores = prop::collection::vec(-3.0_f32..3.0, samples * classes);
            (labels, scores).prop_map(move |(labels, mut scores)| {
                if coarse {
                    scores.iter_mut().for_each(|score| *score = score.round());
                }
                (labels, Probabilities::from_logits(classes, scores).unwrap())
            })
        })
    }

    fn close(a: Option<f64>, b: Option<f64>, tolerance: f64) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= tolerance * b.abs().max(1.0),
            (a, b) => a == b,
        }
    }

    proptest! {
        /// Copies of samples are measured as if the samples had been copied.
        #[test]
        fn copies_count_as_samples(
            ((labels, p), copies) in samples().prop_flat_map(|(labels, p)| {
                let copies = prop::collection::vec(0_u16..4, labels.len());
                (Just((labels, p)), copies)
            })
        ) {
            let predictions = Predictions::new(&labels, &p).unwrap();
            let layout = Layout::new(&predictions);
            let copied: Vec<usize> = layout
                .samples()
                .iter()
                .zip(&copies)
                .flat_map(|(&sample, &copies)| vec![sample; usize::from(copies)])
                .collect();
            prop_assume!(!copied.is_empty());
            let copied_labels: Vec<u16> = copied.iter().map(|&sample| labels[sample]).collect();
            let expected = Evaluation::new(&copied_labels, &p.select(&copied)).unwrap();
            let measures = Measures::new(&predictions, &layout, &Metric::ALL);
            let found = measures.values(&copies, &mut Vec::new());
            for metric in Metric::ALL {
                let (found, expected) = (found.get(metric), expected.get(metric));
                prop_assert!(
                    close(found, expected, 1e-12),
                    "{:?}: {:?} {:?}", metric, found, expected
                );
            }
        }

        /// The short cuts to the metrics without one sample agree with leaving it out.
        #[test]
        fn leaving_one_out_is_what_it_says((labels, p) in samples()) {
            let predictions = Predictions::new(&labels, &p).unwrap();
            let layout = Layout::new(&predictions);
            let measures = Measures::new(&predictions, &layout, &Metric::ALL);
            let mut copies = vec![1; labels.len()];
            let whole = measures.values(&copies, &mut Vec::new());
            let without = measures.without_each();
            for (place, &sample) in layout.samples().iter().enumerate() {
                if predictions.support()[usize::from(labels[sample])] == 1 {
                    continue;
                }
                copies[place] = 0;
                let expected = measures.values(&copies, &mut Vec::new());
                copies[place] = 1;
                for metric in Metric::ALL {
                    let (found, expected) = (without[place].get(metric), expected.get(metric));
                    prop_assert!(
                        close(found, expected, 1e-12),
                        "{:?} without {}: {:?}, not {:?} (whole {:?})",
                        metric, sample, found, expected, whole.get(metric)
                    );
                }
            }
        }
    }

    fn model() -> (Vec<u16>, Probabilities) {
        let labels: Vec<u16> = (0..300).map(|i| i % 3).collect();
        let scores = (0..900_u32).map(|i| {
            let own = i % 3 == (i / 3) % 3;
            // A fixed scramble of the index: 0..1 without an obvious pattern.
            let noise = (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32;
            2.0 * noise + f32::from(u8::from(own))
        });
        (
            labels,
            Probabilities::from_logits(3, scores.collect()).unwrap(),
        )
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let (labels, p) = model();
        let predictions = Predictions::new(&labels, &p).unwrap();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let found = Influences::new(&predictions, &Metric::ALL);
                let each = found.metrics.iter().flat_map(|(_, influence)| {
                    let each = influence.as_ref().unwrap().each();
                    each.iter().map(|d| d.to_bits()).collect::<Vec<u64>>()
                });
                each.collect::<Vec<u64>>()
            })
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn an_undefined_metric_stays_undefined() {
        let p = Probabilities::new(2, [0.75, 0.25].repeat(4)).unwrap();
        let predictions = Predictions::new(&[0; 4], &p).unwrap();
        let found = Influences::new(&predictions, &Metric::ALL);
        assert!(found.get(Metric::MacroAuc).is_none());
        assert!(found.get(Metric::MatthewsCorrelation).is_none());
        assert_eq!(found.get(Metric::Accuracy).unwrap().estimate(), 1.0);
        let asked = Influences::new(&predictions, &[Metric::LogLoss]);
        assert!(asked.get(Metric::Accuracy).is_none());
    }
}
