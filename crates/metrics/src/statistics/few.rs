//! What must not be concluded where few samples tell two models apart.
//!
//! A variance takes the samples at hand for all that could have come. Where three of
//! them speak for one model and none for the other, the interval of a difference leaves 0 out,
//! though three fair coins fall alike one time in four. Tests that swap the models' answers
//! count such coins ([`super::SwapTest`]); what they say bounds what an interval may.

use super::interval::{Confidence, Interval};
use crate::Predictions;

/// The interval of a difference, stretched to hold 0 where a test of no difference does not
/// reject it at the interval's level.
pub fn hold_zero(interval: Interval, p: f64, confidence: Confidence) -> Interval {
    // As a tail, because 1 less a level is not quite what the level was made of.
    if p / 2.0 <= confidence.tail() {
        return interval;
    }
    Interval {
        low: interval.low.min(0.0),
        high: interval.high.max(0.0),
    }
}

/// The smallest two-sided p-value that a test by swapping can give for a score of answers,
/// whichever score it is: 2 over the ways to swap the samples that are not answered alike
/// by all fits. 1 where all are. The fits of each model are of the same samples.
pub fn least_swap_p(first: &[&Predictions<'_>], second: &[&Predictions<'_>]) -> f64 {
    let mut fits = first.iter().chain(second).map(|fit| fit.predicted());
    let Some(one) = fits.next() else {
        return 1.0;
    };
    let others: Vec<&[u16]> = fits.collect();
    let apart = one
        .iter()
        .enumerate()
        .filter(|&(sample, answer)| others.iter().any(|other| other.get(sample) != Some(answer)))
        .count();
    // Past this it is 0 for every purpose.
    let ways = i32::try_from(apart.min(1000)).unwrap_or(1000);
    (2.0 * 0.5_f64.powi(ways)).min(1.0)
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;

    use super::*;
    use crate::statistics::SwapTest;

    #[test]
    fn three_samples_against_none_say_nothing() {
        // 100 samples of two classes; the second model is wrong about three of them more.
        let labels: Vec<u16> = (0..100).map(|i| i % 2).collect();
        let answers = |wrong: &dyn Fn(usize) -> bool| {
            let rows = labels.iter().enumerate().flat_map(|(sample, &label)| {
                let answer = usize::from(label) ^ usize::from(wrong(sample));
                [0, 1].map(|class| if class == answer { 0.75 } else { 0.25 })
            });
            Probabilities::new(2, rows.collect()).unwrap()
        };
        let (good, bad) = (answers(&|i| i >= 90), answers(&|i| !(3..90).contains(&i)));
        let good = Predictions::new(&labels, &good).unwrap();
        let bad = Predictions::new(&labels, &bad).unwrap();
        let swap = SwapTest::new(&[&good], &[&bad]).unwrap();
        let least = least_swap_p(&[&good], &[&bad]);
        assert_eq!((swap.exact_p, least), (0.25, 0.25));
        let interval = Interval {
            low: 0.01,
            high: 0.06,
        };
        for p in [swap.mid_p, least] {
            let held = hold_zero(interval, p, Confidence::P95);
            assert_eq!((held.low, held.high), (0.0, interval.high));
        }
        assert_eq!(least_swap_p(&[&good], &[&good]), 1.0);
        assert_eq!(least_swap_p(&[], &[]), 1.0);
    }

    #[test]
    fn what_a_test_rejects_stays_as_it_is() {
        let interval = Interval {
            low: 0.5,
            high: 1.0,
        };
        assert_eq!(hold_zero(interval, 0.05, Confidence::P95), interval);
        assert_eq!(hold_zero(interval, 0.0501, Confidence::P95).low, 0.0);
    }
}
