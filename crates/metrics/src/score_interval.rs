//! Intervals of scores that cover as often as they say, also where there are few errors.
//!
//! Near its bound a score is a sum of a few rare and unequal parts: the errors. Its
//! distribution is skewed, and an interval that is symmetric, or that draws the samples at
//! hand again, ends too early on the side of more errors. What is used instead, each with the
//! jackknife's variance V:
//!
//! - **accuracy**: the exact mid-p interval of a share ([`mid_p`]);
//! - **scores of counts** (F1, precision, recall): the gamma interval of a weighted sum of
//!   Poisson counts, with half of the heaviest error added before the upper end, as a mid-p
//!   interval would (M. Fay and E. Feuer, "Confidence intervals for directly standardized
//!   rates: a method based on the gamma distribution", Statistics in Medicine 16 (1997); M.
//!   Fay and S. Kim, "Confidence intervals for directly standardized rates using mid-p gamma
//!   intervals", Biometrical Journal 59 (2017));
//! - **losses**: Student's t on the scale of the logarithm. V is itself uncertain where few
//!   samples make most of it; its degrees of freedom are 2V² over the variance of V
//!   (Satterthwaite), which is Σd⁴ − V²/n of the influences d;
//! - **areas**: the same on the scale of log-odds, with half of the heaviest error added before
//!   the upper end of 1 − area, and half of the degrees of freedom there: what an area misses
//!   is spread over the fewest samples;
//! - **means of several fits**: [`RecipeScore`].
//!
//! Where too few errors were seen, there is no interval but the reason ([`TooFew`]). The rule
//! looks at numbers of errors and samples only, not at how the errors spread: samples that happen
//! to lack their worst error look the most regular, and choosing by that makes coverage worse.
//!
//! `benches/coverage.rs` measures how often these intervals cover; `docs/decisions/intervals.md`
//! has its table and what was rejected.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Confidence, Influence, Interval, Metric, Predictions, RecipeScore, spread::Spread,
    statistics::mid_p,
};

/// Fewest errors, and fewest correct answers, for an interval.
const LEAST_ERRORS: f64 = 4.0;
/// Fewest errors for the interval of an area, in all and for each class.
const LEAST_ERRORS_OF_AREA: (f64, f64) = (25.0, 5.0);
/// Fewest samples of every class that a mean over classes needs for an interval.
const LEAST_OF_CLASS: u64 = 5;
/// Fewest samples that only one of two models gets right, for the interval of a difference.
const LEAST_APART: usize = 6;

/// Why a score or a difference has no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TooFew {
    /// Fewer errors than an interval can rest on.
    #[serde(rename = "too-few-errors")]
    Errors,
    /// Fewer correct predictions than an interval can rest on.
    #[serde(rename = "too-few-correct")]
    Correct,
    /// Every sample adds the same to the score.
    #[serde(rename = "no-variation")]
    Variation,
    /// Fewer than five test images of some class, in a mean over classes.
    #[serde(rename = "too-few-images-of-a-class")]
    ImagesOfAClass,
    /// Two models are right about the same images, or nearly.
    #[serde(rename = "too-few-differences")]
    Differences,
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Errors => "too few errors",
            Self::Correct => "too few correct predictions",
            Self::Variation => "every image adds the same",
            Self::ImagesOfAClass => "too few test images of a class",
            Self::Differences => "too few different predictions",
        })
    }
}

/// What an interval rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Basis {
    /// Wrong predictions, a mean over the fits.
    errors: f64,
    /// Correct ones.
    right: f64,
    /// Classes that occur.
    classes: usize,
    /// Samples of the rarest of them.
    rarest: u64,
}

impl Basis {
    /// Of one or several fits on the same samples.
    pub fn new(fits: &[&Predictions<'_>]) -> Self {
        let right = fits.iter().map(|fit| right(fit)).sum::<u64>() as f64;
        let right = right / fits.len().max(1) as f64;
        let support = fits.first().map_or(&[][..], |fit| fit.support());
        let occurring = support.iter().copied().filter(|&count| count > 0);
        Self {
            errors: support.iter().sum::<u64>() as f64 - right,
            right,
            classes: occurring.clone().count(),
            rarest: occurring.min().unwrap_or(0),
        }
    }

    /// Whether it carries an interval of a score.
    ///
    /// # Errors
    /// What there is too little of.
    pub fn check(&self, metric: Metric) -> Result<(), TooFew> {
        let least = match metric {
            Metric::MacroAuc | Metric::WeightedAuc => {
                let (all, each) = LEAST_ERRORS_OF_AREA;
                all.max(each * self.classes as f64)
            }
            _ => LEAST_ERRORS,
        };
        if self.errors < least {
            return Err(TooFew::Errors);
        }
        if self.right < LEAST_ERRORS {
            return Err(TooFew::Correct);
        }
        let over_classes = !matches!(
            metric,
            Metric::Accuracy
                | Metric::LogLoss
                | Metric::BrierScore
                | Metric::ExpectedCalibrationError
        );
        if over_classes && self.rarest < LEAST_OF_CLASS {
            return Err(TooFew::ImagesOfAClass);
        }
        Ok(())
    }

    /// Whether two models carry an interval of their difference in a score.
    ///
    /// # Errors
    /// What there is too little of.
    pub fn check_difference(
        metric: Metric,
        first: &[&Predictions<'_>],
        second: &[&Predictions<'_>],
    ) -> Result<(), TooFew> {
        if metric != Metric::Accuracy {
            Self::new(first).check(metric)?;
            Self::new(second).check(metric)?;
        }
        if matches!(
            metric,
            Metric::LogLoss | Metric::BrierScore | Metric::ExpectedCalibrationError
        ) {
            // Losses differ on every sample, unless the models are the same.
            return Ok(());
        }
        match apart(first, second) < LEAST_APART {
            true => Err(TooFew::Differences),
            false => Ok(()),
        }
    }
}

/// The interval of a score of a model: of one fit for other samples, of several for other seeds
/// as well. `influences` are those of the fits, in their order.
///
/// # Errors
/// What there is too little of.
pub fn score_interval(
    metric: Metric,
    fits: &[&Predictions<'_>],
    influences: &[&Influence],
    confidence: Confidence,
) -> Result<Interval, TooFew> {
    if let (Metric::Accuracy, [first, others @ ..]) = (metric, fits)
        && others.iter().all(|other| right_alike(first, other))
    {
        // A share of samples has an exact interval, at any number of errors; a mean of shares
        // has not, unless all are shares of the same samples.
        return Ok(mid_p(right(first), first.samples() as u64, confidence));
    }
    Basis::new(fits).check(metric)?;
    let found = match influences {
        [one] => of_one_fit(metric, one, confidence),
        several => {
            let score = RecipeScore::of(several).map_err(|_| TooFew::Errors)?;
            score.interval_of(metric, confidence)
        }
    };
    match found.low < found.high {
        true => Ok(found),
        false => Err(TooFew::Variation),
    }
}

fn of_one_fit(metric: Metric, score: &Influence, confidence: Confidence) -> Interval {
    let value = score.estimate();
    match metric {
        Metric::LogLoss | Metric::BrierScore | Metric::ExpectedCalibrationError => {
            let spread = Spread::new(score.each().iter().copied());
            spread.around_loss(value, confidence)
        }
        Metric::MacroAuc | Metric::WeightedAuc => {
            let spread = Spread::new(score.each().iter().map(|d| -d));
            from_loss(spread.around_area_loss(1.0 - value, confidence))
        }
        // Below one half, correct answers are what is rare.
        _ if value < 0.5 => {
            let spread = Spread::new(score.each().iter().copied());
            spread.around_counts(value, confidence)
        }
        _ => {
            let spread = Spread::new(score.each().iter().map(|d| -d));
            from_loss(spread.around_counts(1.0 - value, confidence))
        }
    }
}

/// The interval of a score from that of what it lacks to 1; no mean of shares is below 0.
fn from_loss(loss: Interval) -> Interval {
    Interval {
        low: (1.0 - loss.high).max(0.0),
        high: 1.0 - loss.low,
    }
}

fn right(fit: &Predictions<'_>) -> u64 {
    let answers = fit.predicted().iter().zip(fit.labels());
    answers.filter(|(answer, label)| answer == label).count() as u64
}

/// Whether two fits are right about the very same samples.
fn right_alike(first: &Predictions<'_>, other: &Predictions<'_>) -> bool {
    let answers = first.predicted().iter().zip(other.predicted());
    let mut samples = answers.zip(first.labels());
    samples.all(|((a, b), label)| (a == label) == (b == label))
}

/// Samples that the fits of two models are not equally often right about.
fn apart(first: &[&Predictions<'_>], second: &[&Predictions<'_>]) -> usize {
    let Some(one) = first.first() else {
        return 0;
    };
    let right = |fits: &[&Predictions<'_>], sample: usize, label: u16| {
        let answers = fits.iter().filter_map(|fit| fit.predicted().get(sample));
        answers.filter(|answer| **answer == label).count()
    };
    let labels = one.labels().iter().enumerate();
    labels
        .filter(|&(sample, &label)| {
            let (a, b) = (right(first, sample, label), right(second, sample, label));
            a * second.len() != b * first.len()
        })
        .count()
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;
    use serde_json::Value;

    use super::*;
    use crate::{Influences, spread::moved_odds};

    /// What scipy makes of the same sums; `tests/golden/make_statistics.py`.
    const GOLDEN: &str = include_str!("../tests/golden/statistics.json");

    #[test]
    fn gamma_intervals_are_those_of_scipy() {
        let golden: Value = serde_json::from_str(GOLDEN).unwrap();
        for case in golden["gamma"].as_array().unwrap() {
            // Their number, then up to four that repeat.
            let listed = case["weights"].as_array().unwrap();
            let listed: Vec<f64> = listed.iter().map(|w| w.as_f64().unwrap()).collect();
            let weights = listed[1..].iter().cycle().take(listed[0] as usize);
            let spread = Spread::new(weights.clone().copied());
            let level = Confidence::new(case["level"].as_f64().unwrap()).unwrap();
            let found = spread.around_counts(weights.sum(), level);
            for (found, expected) in [(found.low, 0), (found.high, 1)] {
                let expected = case["interval"][expected].as_f64().unwrap();
                assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
            }
        }
    }

    #[test]
    fn degrees_of_freedom_are_twice_the_number_of_equal_errors() {
        // One sample in a thousand of a count: V² / Σd⁴ is their number.
        let spread = Spread::new((0..9000).map(|i| f64::from(u8::from(i % 1000 == 0))));
        assert!((spread.freedom / 18.0 - 1.0).abs() < 2e-3, "{spread:?}");
        assert_eq!((spread.variance, spread.half_step), (9.0, 0.5));
        // Squares of normal influences tell as much as their number.
        let wave = |i: u32| (2.0 * (f64::from(i) / 500.0).ln().abs()).sqrt();
        let normal = (1..500).flat_map(|i| [wave(i) * 0.6, -wave(i) * 0.8]);
        assert!(Spread::new(normal).freedom > 300.0);
        // All alike, or none.
        assert_eq!(Spread::new([0.5; 4].into_iter()).freedom, 1e5);
        assert_eq!(Spread::new([0.0; 4].into_iter()).freedom, 1e5);
    }

    #[test]
    fn moved_odds_stay_within() {
        assert!((moved_odds(0.5, 0.0) - 0.5).abs() < 1e-15);
        assert!(moved_odds(0.999, 10.0) <= 1.0 && moved_odds(0.001, -10.0) >= 0.0);
        assert_eq!((moved_odds(0.0, 1.0), moved_odds(1.0, -1.0)), (0.0, 1.0));
        assert_eq!(moved_odds(1.25, 1.0), 1.0);
    }

    /// Balanced classes, the first `wrong` samples answered with the next class.
    fn fit(samples: u16, classes: u16, wrong: u16) -> (Vec<u16>, Probabilities) {
        let labels: Vec<u16> = (0..samples).map(|i| i % classes).collect();
        let rows = (0..samples).flat_map(|i| {
            let answer = (i + u16::from(i < wrong)) % classes;
            let sure = 0.75 + f32::from(i % 7) / 64.0;
            (0..classes).map(move |class| match class == answer {
                true => sure,
                false => (1.0 - sure) / f32::from(classes - 1),
            })
        });
        let p = Probabilities::new(usize::from(classes), rows.collect()).unwrap();
        (labels, p)
    }

    fn interval(metric: Metric, of: (u16, u16, u16)) -> Result<Interval, TooFew> {
        let (labels, p) = fit(of.0, of.1, of.2);
        let fit = Predictions::new(&labels, &p).unwrap();
        let influences = Influences::new(&fit, &Metric::ALL);
        let influence = influences.get(metric).unwrap();
        let found = score_interval(metric, &[&fit], &[influence], Confidence::P95);
        if let Ok(found) = found {
            assert!(found.low < found.high && found.contains(influence.estimate()));
        }
        found
    }

    #[test]
    fn too_few_errors_have_no_interval_but_accuracy_has() {
        for wrong in [0, 1, 3] {
            for metric in [Metric::MacroF1, Metric::LogLoss, Metric::MacroAuc] {
                assert_eq!(interval(metric, (90, 3, wrong)), Err(TooFew::Errors));
            }
            assert!(interval(Metric::Accuracy, (90, 3, wrong)).is_ok());
        }
        assert!(interval(Metric::MacroF1, (90, 3, 4)).is_ok());
        assert!(interval(Metric::LogLoss, (90, 3, 4)).is_ok());
        // As few right ones.
        assert_eq!(interval(Metric::MacroF1, (90, 3, 88)), Err(TooFew::Correct));
    }

    #[test]
    fn areas_need_errors_of_every_class() {
        assert_eq!(interval(Metric::MacroAuc, (90, 3, 24)), Err(TooFew::Errors));
        assert!(interval(Metric::MacroAuc, (90, 3, 25)).is_ok());
        assert_eq!(
            interval(Metric::MacroAuc, (900, 9, 44)),
            Err(TooFew::Errors)
        );
        assert!(interval(Metric::MacroAuc, (900, 9, 45)).is_ok());
    }

    #[test]
    fn means_over_classes_need_samples_of_every_class() {
        let few = Err(TooFew::ImagesOfAClass);
        assert_eq!(interval(Metric::MacroF1, (90, 20, 9)), few);
        assert!(interval(Metric::MacroF1, (100, 20, 9)).is_ok());
        assert!(interval(Metric::LogLoss, (90, 20, 9)).is_ok());
    }

    #[test]
    fn differences_need_different_predictions() {
        let (labels, p) = fit(90, 3, 30);
        let (_, other) = fit(90, 3, 35);
        let (_, another) = fit(90, 3, 36);
        let of = |p| Predictions::new(&labels, p).unwrap();
        let (first, near, far) = (of(&p), of(&other), of(&another));
        for metric in [Metric::Accuracy, Metric::MacroF1, Metric::MacroAuc] {
            let check = |other| Basis::check_difference(metric, &[&first], &[other]);
            assert_eq!(check(&near), Err(TooFew::Differences));
            assert_eq!(check(&far), Ok(()));
        }
        let check = |metric| Basis::check_difference(metric, &[&first], &[&near]);
        assert_eq!(check(Metric::LogLoss), Ok(()));
        // Fits that are right about a sample as often do not differ there.
        let both = [&first, &near];
        let swapped = [&near, &first];
        let none = Basis::check_difference(Metric::Accuracy, &both, &swapped);
        assert_eq!(none, Err(TooFew::Differences));
    }

    #[test]
    fn poor_models_have_intervals_within_bounds() {
        for metric in [Metric::MacroF1, Metric::MacroAuc, Metric::LogLoss] {
            let found = interval(metric, (300, 3, 290)).unwrap();
            assert!(found.low >= 0.0 && (metric == Metric::LogLoss || found.high <= 1.0));
        }
    }
}
