//! The bootstrap: how much a score varies between samples of the same kind.
//!
//! The samples are drawn again with replacement, class by class, so that every resample has
//! as many of each class as the test part (B. Efron and R. Tibshirani, "An
//! Introduction to the Bootstrap", 1993, chapters 8 and 14). A resample is a number of
//! copies per sample, never a copied set: what depends on the order of scores (areas) is
//! prepared once, and a resample then costs a few passes over integers instead of a sort per
//! class.
//!
//! Models that are resampled with the same seed on the same test part get the same
//! resamples, so two models are compared by subtracting their results, resample by resample
//! ([`Resampled::minus`]).
//!
//! This is the variation that comes from testing on few samples. It says nothing about
//! training with another seed or on other data.

mod counted;
mod layout;
mod ranked;
mod resampled;
mod row;

use bakeoff_core::derive_seed;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

pub use resampled::Resampled;

use crate::{Metric, MetricsError, Pair, Predictions};
use counted::Counted;
use layout::Layout;
use ranked::Ranked;
use resampled::Origin;
use row::Row;

/// Fewer resamples than this are too few for the ends of an interval.
const LEAST_RESAMPLES: usize = 100;

/// A stratified bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    seed: u64,
    resamples: usize,
}

/// Metrics of one model on every resample.
#[derive(Clone, Debug)]
pub struct Bootstrapped {
    metrics: Vec<(Metric, Option<Resampled>)>,
}

impl Bootstrap {
    /// Enough resamples for the ends of a 95 % interval.
    pub const RESAMPLES: usize = 2000;

    /// A bootstrap of [`Bootstrap::RESAMPLES`] resamples.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            resamples: Self::RESAMPLES,
        }
    }

    /// The same with another number of resamples.
    ///
    /// # Errors
    /// When there are fewer than 100.
    pub fn with_resamples(self, resamples: usize) -> Result<Self, MetricsError> {
        if resamples < LEAST_RESAMPLES {
            return Err(MetricsError::too_few(
                "resamples",
                resamples,
                LEAST_RESAMPLES,
            ));
        }
        Ok(Self { resamples, ..self })
    }

    /// Measures the metrics on every resample. The same seed and the same order of samples
    /// give the same bits, whatever the number of threads.
    ///
    /// Where a metric is undefined on a resample though it is defined on the samples (a
    /// correlation when all answers happen to be the same class), it counts as 0.
    pub fn run(self, predictions: &Predictions<'_>, metrics: &[Metric]) -> Bootstrapped {
        let layout = Layout::new(predictions);
        self.run_on(&layout, &[predictions], metrics)
            .pop()
            .unwrap_or_else(|| Bootstrapped {
                metrics: Vec::new(),
            })
    }

    /// [`Bootstrap::run`] of several models on the same samples, with the same bits in less
    /// time: every resample is drawn once for all of them.
    ///
    /// # Errors
    /// When the models are not of the same samples, as [`crate::Pair::new`].
    pub fn run_all(
        self,
        models: &[&Predictions<'_>],
        metrics: &[Metric],
    ) -> Result<Vec<Bootstrapped>, MetricsError> {
        let Some(&first) = models.first() else {
            return Ok(Vec::new());
        };
        for other in models {
            Pair::new(first, other)?;
        }
        Ok(self.run_on(&Layout::new(first), models, metrics))
    }

    /// One result for each model; `layout` is that of all of them.
    fn run_on(
        self,
        layout: &Layout,
        models: &[&Predictions<'_>],
        metrics: &[Metric],
    ) -> Vec<Bootstrapped> {
        let measures: Vec<Measures> = models
            .par_iter()
            .map(|predictions| Measures::new(predictions, layout, metrics))
            .collect();
        let rows: Vec<Vec<Row>> = (0..self.resamples as u64)
            .into_par_iter()
            .map_init(
                || (Vec::new(), Vec::new()),
                |(copies, above), resample| {
                    // A stream each, so that no resample depends on another's.
                    let mut random = ChaCha8Rng::seed_from_u64(derive_seed(self.seed, "bootstrap"));
                    random.set_stream(resample);
                    layout.draw(&mut random, copies);
                    measures
                        .iter()
                        .map(|measures| measures.values(copies, above))
                        .collect()
                },
            )
            .collect();
        models
            .par_iter()
            .zip(&measures)
            .enumerate()
            .map(|(model, (predictions, measures))| {
                let rows: Vec<Row> = rows.iter().map(|row| row[model]).collect();
                let origin = Origin::new(self.seed, self.resamples, predictions);
                Bootstrapped::new(measures, &rows, layout, &origin, metrics)
            })
            .collect()
    }
}

impl Bootstrapped {
    /// Gathers what each metric was on every resample (`rows`), and without each sample.
    fn new(
        measures: &Measures,
        rows: &[Row],
        layout: &Layout,
        origin: &Origin,
        metrics: &[Metric],
    ) -> Self {
        let once = vec![1; layout.samples().len()];
        let estimate = measures.values(&once, &mut Vec::new());
        let without = measures.without_each();
        let metrics = metrics
            .iter()
            .map(|&metric| {
                let resampled = estimate.get(metric).map(|estimate| {
                    let values = rows.iter().map(|row| row.get(metric).unwrap_or(0.0));
                    // A sample that a metric cannot do without is alone in its class and
                    // never resampled away.
                    let without = without
                        .iter()
                        .map(|row| row.get(metric).unwrap_or(estimate));
                    Resampled::new(
                        estimate,
                        values.collect(),
                        without.collect(),
                        layout.strata(),
                        origin.clone(),
                    )
                });
                (metric, resampled)
            })
            .collect();
        Self { metrics }
    }

    /// One metric; `None` where it was not asked for or is undefined on these samples.
    pub fn get(&self, metric: Metric) -> Option<&Resampled> {
        self.metrics
            .iter()
            .find(|(found, _)| *found == metric)
            .and_then(|(_, resampled)| resampled.as_ref())
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
    fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
        let (labels, p) = model();
        let predictions = Predictions::new(&labels, &p).unwrap();
        let run = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let bootstrap = Bootstrap::new(seed).with_resamples(200).unwrap();
            pool.unwrap().install(|| {
                let found = bootstrap.run(&predictions, &Metric::ALL);
                let values = found.metrics.iter().flat_map(|(_, resampled)| {
                    let resampled = resampled.as_ref().unwrap();
                    let interval = resampled.interval(crate::Confidence::P95);
                    let mut bits: Vec<u64> =
                        resampled.values().iter().map(|v| v.to_bits()).collect();
                    bits.extend([interval.low.to_bits(), interval.high.to_bits()]);
                    bits
                });
                values.collect::<Vec<u64>>()
            })
        };
        assert_eq!(run(1, 7), run(3, 7));
        assert_ne!(run(1, 7), run(1, 8));
    }

    #[test]
    fn a_model_differs_from_itself_by_nothing_and_other_resamples_are_refused() {
        let (labels, p) = model();
        let predictions = Predictions::new(&labels, &p).unwrap();
        let run = |seed| {
            let bootstrap = Bootstrap::new(seed).with_resamples(100).unwrap();
            bootstrap.run(&predictions, &[Metric::MacroAuc])
        };
        let (first, second) = (run(1), run(2));
        let (first, second) = (
            first.get(Metric::MacroAuc).unwrap(),
            second.get(Metric::MacroAuc).unwrap(),
        );
        let none = first.minus(first).unwrap().interval(crate::Confidence::P95);
        assert_eq!((none.low, none.high), (0.0, 0.0));
        assert_eq!(first.minus(second).unwrap_err(), MetricsError::Resamples);
        assert!(Bootstrap::new(1).with_resamples(99).is_err());
    }

    #[test]
    fn models_together_have_the_bits_they_have_alone() {
        let (labels, p) = model();
        let other = Probabilities::new(3, [0.5, 0.25, 0.25].repeat(300)).unwrap();
        let predictions = Predictions::new(&labels, &p).unwrap();
        let other = Predictions::new(&labels, &other).unwrap();
        let bootstrap = Bootstrap::new(3).with_resamples(100).unwrap();
        let together = bootstrap
            .run_all(&[&predictions, &other], &Metric::ALL)
            .unwrap();
        for (together, alone) in together.iter().zip([predictions, other]) {
            let alone = bootstrap.run(&alone, &Metric::ALL);
            for ((_, together), (_, alone)) in together.metrics.iter().zip(&alone.metrics) {
                let bits = |of: &Option<Resampled>| -> Option<Vec<u64>> {
                    of.as_ref()
                        .map(|of| of.values().iter().map(|v| v.to_bits()).collect())
                };
                assert_eq!(bits(together), bits(alone));
            }
        }
        assert!(bootstrap.run_all(&[], &Metric::ALL).unwrap().is_empty());
    }

    #[test]
    fn an_undefined_metric_stays_undefined() {
        let p = Probabilities::new(2, [0.75, 0.25].repeat(4)).unwrap();
        let predictions = Predictions::new(&[0; 4], &p).unwrap();
        let bootstrap = Bootstrap::new(1).with_resamples(100).unwrap();
        let found = bootstrap.run(&predictions, &Metric::ALL);
        assert!(found.get(Metric::MacroAuc).is_none());
        assert!(found.get(Metric::MatthewsCorrelation).is_none());
        assert_eq!(found.get(Metric::Accuracy).unwrap().estimate(), 1.0);
    }
}
