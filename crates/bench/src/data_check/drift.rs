//! Whether training and test images come from the same source: a classifier two-sample test
//! (Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", 2017).
//!
//! A classifier learns, from one half of a balanced sample, which part an image is from, and
//! answers for the other half. If the parts come from the same source, it is right as often as a coin.

use std::ops::ControlFlow;

use bakeoff_core::{FitContext, Images, Samples, Settings};
use bakeoff_data::split::{self, Split};
use bakeoff_metrics::statistics::SwapTest;
use serde::Serialize;

use super::together::together;
use crate::BenchError;

/// Images of each part: enough to notice 53 % instead of 50 %.
const MOST_IMAGES: usize = 5_000;
/// Below that, no accuracy is significant.
const LEAST_IMAGES: usize = 20;
/// Seed of the sample and of its halves.
const SEED: u64 = 1;

/// What a classifier two-sample test says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Images that it was right about.
    pub correct: u64,
    /// Images that it answered for, as many of each part.
    pub tested: u64,
    /// The probability of so many right answers or more if the parts do not differ (exact
    /// binomial test).
    pub p: f64,
}

impl Drift {
    /// Share of right answers; 0.5 where the parts do not differ.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.tested as f64
    }

    /// Whether the parts differ significantly, at the 1 % level.
    pub fn is_significant(&self) -> bool {
        self.p <= 0.01
    }
}

/// Tests whether the two parts differ, with logistic regression on at most 5,000 images of
/// each. `None` where a part has fewer than 20. The same images give the same answer.
///
/// # Errors
/// Those of the fit; none is known.
pub fn drift(train: &Samples, test: &Samples) -> Result<Option<Drift>, BenchError> {
    seeded(train, test, SEED)
}

pub(super) fn seeded(
    train: &Samples,
    test: &Samples,
    seed: u64,
) -> Result<Option<Drift>, BenchError> {
    let failed = |error: &dyn std::error::Error| BenchError::Request(error.to_string());
    let each = train.len().min(test.len()).min(MOST_IMAGES);
    if each < LEAST_IMAGES {
        return Ok(None);
    }
    let parts = [train, test].map(|part| split::limit(part.clone(), each, seed));
    let images: Images = together(&parts[0], &parts[1])?;
    let labels = [vec![0; each], vec![1; each]].concat();
    let names = vec!["train".to_owned(), "test".to_owned()];
    let all = Samples::new(images, labels, names).map_err(|error| failed(&error))?;
    let half = split::hold_out_indices(&all, 0.5, seed);
    let Split {
        train: learned,
        held_out,
    } = split::take_out(all, &half);
    let spec = bakeoff_zoo::family("logistic")
        .and_then(|family| family.resolve(None, &Settings::default()))
        .map_err(|error| failed(&error))?;
    let classifier = bakeoff_zoo::build(&spec).map_err(|error| failed(&error))?;
    let mut context = FitContext {
        seed,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    let fitted = classifier.fit(&learned, &mut context);
    let fitted = fitted.map_err(|error| failed(&error))?;
    let answers = fitted.predict_proba(held_out.images());
    let answers = answers.map_err(|error| failed(&error))?.predicted();
    let right = answers.iter().zip(held_out.labels());
    let correct = right.filter(|(answer, label)| answer == label).count() as u64;
    let tested = held_out.len() as u64;
    Ok(Some(Drift {
        correct,
        tested,
        p: as_good_by_chance(correct, tested),
    }))
}

/// P(X ≥ correct) for X of so many fair coins; 1 where it is no better than a coin, which says nothing
/// against the parts.
fn as_good_by_chance(correct: u64, tested: u64) -> f64 {
    if 2 * correct <= tested {
        return 1.0;
    }
    let wrong = tested - correct;
    let answers: Vec<i64> = (0..correct)
        .map(|_| 1)
        .chain((0..wrong).map(|_| -1))
        .collect();
    // The exact sign test is of both tails, which are the same.
    SwapTest::of_differences(&answers, 1).exact_p / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_as_good_as_binomials_say() {
        // 6 of 2⁵ ways to have four or five of five right.
        assert!((as_good_by_chance(4, 5) - 6.0 / 32.0).abs() < 1e-12);
        assert_eq!(as_good_by_chance(2, 4), 1.0);
        // scipy.stats.binom.sf(2599, 5000, 0.5)
        assert!((as_good_by_chance(2600, 5000) - 0.002441824868758747).abs() < 1e-12);
    }
}
