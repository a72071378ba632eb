//! Recipes are compared with seeds and samples random together: against the textbook's sums of
//! squares, and on simulated fits whose truth is known.

#![allow(
    clippy::unwrap_used,
    reason = "a test without its data must fail loudly"
)]

use bakeoff_core::{Probabilities, derive_seed};
use bakeoff_metrics::{Confidence, Influence, Influences, Metric, Predictions, RecipeScore};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which samples each fit is right about.
type Fits = Vec<Vec<bool>>;

/// The fits of a recipe. `samples` says how easy each sample is, in log-odds; `effect` is the
/// standard deviation of what a seed adds to all of them.
fn recipe(random: &mut ChaCha8Rng, samples: &[f64], fits: usize, effect: f64) -> Fits {
    (0..fits)
        .map(|_| {
            let seed = effect * normal(random);
            let right = |easy: &f64| 1.0 / (1.0 + (-(easy + seed)).exp());
            samples
                .iter()
                .map(|easy| random.random_bool(right(easy)))
                .collect()
        })
        .collect()
}

/// Nearly normal: the sum of twelve uniform numbers.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

/// The accuracy of every fit; all samples are of one class.
fn influences(fits: &Fits) -> Vec<Influences> {
    let labels = vec![0; fits[0].len()];
    fits.iter()
        .map(|fit| {
            let rows = fit
                .iter()
                .flat_map(|right| if *right { [0.75, 0.25] } else { [0.25, 0.75] });
            let p = Probabilities::new(2, rows.collect()).unwrap();
            let predictions = Predictions::new(&labels, &p).unwrap();
            Influences::new(&predictions, &[Metric::Accuracy])
        })
        .collect()
}

fn accuracies(of: &[Influences]) -> Vec<&Influence> {
    of.iter()
        .map(|fit| fit.get(Metric::Accuracy).unwrap())
        .collect()
}

fn compared(first: &Fits, second: &Fits) -> RecipeScore {
    let all: Fits = first.iter().chain(second).cloned().collect();
    let all = influences(&all);
    let (first, second) = all.split_at(first.len());
    RecipeScore::difference(&accuracies(first), &accuracies(second)).unwrap()
}

/// A score that is a mean of values has the jackknife of its resamples.
#[test]
fn means_of_values_are_compared_as_resampled_scores_are() {
    let mut random = ChaCha8Rng::seed_from_u64(derive_seed(7, "means of values"));
    let samples: Vec<f64> = (0..200).map(|_| 2.0 + normal(&mut random)).collect();
    let (first, second) = (
        recipe(&mut random, &samples, 3, 0.3),
        recipe(&mut random, &samples, 1, 0.3),
    );
    let values = |fits: &Fits| -> Vec<Vec<f64>> {
        let of = |fit: &Vec<bool>| fit.iter().map(|r| f64::from(u8::from(*r))).collect();
        fits.iter().map(of).collect()
    };
    let (a, b) = (values(&first), values(&second));
    let a: Vec<&[f64]> = a.iter().map(Vec::as_slice).collect();
    let b: Vec<&[f64]> = b.iter().map(Vec::as_slice).collect();
    let expected = compared(&first, &second);
    let found = RecipeScore::difference_of_values(&a, &b).unwrap();
    for (found, expected) in [
        (found.estimate, expected.estimate),
        (found.standard_error, expected.standard_error),
        (found.degrees_of_freedom, expected.degrees_of_freedom),
        (found.probability_ahead(), expected.probability_ahead()),
    ] {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
    assert!(RecipeScore::of_values(&[]).is_err());
    assert!(RecipeScore::difference_of_values(&a, &[&[1.0, 0.0]]).is_err());
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Mean squares of a table of fits × samples with both factors random: of fits, and of what is
/// left without the effects of fits and samples.
fn mean_squares(fits: &Fits) -> (f64, f64) {
    let cell = |fit: usize, sample: usize| f64::from(u8::from(fits[fit][sample]));
    let (rows, columns) = (fits.len(), fits[0].len());
    let row = |fit| mean((0..columns).map(|sample| cell(fit, sample)));
    let column = |sample| mean((0..rows).map(|fit| cell(fit, sample)));
    let grand = mean((0..rows).map(row));
    let of_fits: f64 = (0..rows).map(|fit| (row(fit) - grand).powi(2)).sum();
    let mut rest = 0.0;
    for sample in 0..columns {
        let column = column(sample);
        for fit in 0..rows {
            rest += (cell(fit, sample) - row(fit) - column + grand).powi(2);
        }
    }
    let freedom = (rows - 1) as f64;
    (
        columns as f64 * of_fits / freedom,
        rest / (freedom * (columns - 1) as f64),
    )
}

#[test]
fn variance_and_degrees_of_freedom_are_those_of_the_analysis_of_variance() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let easy: Vec<f64> = (0..200).map(|_| 2.0 + 2.0 * normal(&mut random)).collect();
    let first = recipe(&mut random, &easy, 3, 0.5);
    let second = recipe(&mut random, &easy, 5, 0.2);
    let found = compared(&first, &second);

    let samples = easy.len() as f64;
    let share =
        |fits: &Fits, sample: usize| mean(fits.iter().map(|fit| f64::from(u8::from(fit[sample]))));
    let apart: Vec<f64> = (0..easy.len())
        .map(|sample| share(&first, sample) - share(&second, sample))
        .collect();
    let difference = mean(apart.iter().copied());
    let squares: f64 = apart.iter().map(|d| (d - difference).powi(2)).sum();
    let mut of_samples = squares / (samples - 1.0) / samples;
    let mut parts = Vec::new();
    for fits in [&first, &second] {
        let count = fits.len() as f64;
        let (of_fits, rest) = mean_squares(fits);
        parts.push((of_fits / samples / count, count - 1.0));
        of_samples -= rest / samples / count;
    }
    parts.push((of_samples.max(0.0), samples - 1.0));
    let variance: f64 = parts.iter().map(|(part, _)| part).sum();
    let uncertainty: f64 = parts
        .iter()
        .map(|(part, freedom)| part * part / freedom)
        .sum();
    assert!((found.estimate - difference).abs() < 1e-12);
    assert!(
        (found.standard_error / variance.sqrt() - 1.0).abs() < 1e-9,
        "{found:?}"
    );
    let freedom = variance * variance / uncertainty;
    assert!(
        (found.degrees_of_freedom / freedom - 1.0).abs() < 1e-9,
        "{found:?}"
    );
}

#[test]
fn fits_that_are_all_the_same_add_nothing() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let easy = vec![1.0; 300];
    let one = recipe(&mut random, &easy, 1, 0.0);
    let other = recipe(&mut random, &easy, 1, 0.0);
    let thrice: Fits = vec![one[0].clone(); 3];
    let (once, three) = (compared(&one, &other), compared(&thrice, &other));
    assert!((once.standard_error - three.standard_error).abs() < 1e-12);
    assert!((once.degrees_of_freedom - three.degrees_of_freedom).abs() < 1e-6);
    // A model against itself has no spread to judge by.
    let same = compared(&one, &one);
    assert_eq!((same.p_value(), same.probability_ahead()), (None, 0.5));
    assert_eq!(same.detectable(0.05), 0.0);
}

/// How often two groups of fits differ at 5 %, and how often the interval holds the truth, where
/// the second recipe is better by `gain` in log-odds.
fn rates(seeds: usize, effect: f64, gain: f64, draws: u64) -> (f64, f64) {
    let mut shared = ChaCha8Rng::seed_from_u64(3);
    // What the recipes would reach on all samples that there are.
    let easy = |random: &mut ChaCha8Rng| 4.0 + 2.5 * normal(random);
    let truth = |gain: f64, random: &mut ChaCha8Rng| {
        let shares = (0..200_000).map(|_| {
            let seed = effect * normal(random);
            1.0 / (1.0 + (-(easy(random) + gain + seed)).exp())
        });
        mean(shares)
    };
    let truth = truth(gain, &mut shared.clone()) - truth(0.0, &mut shared);
    let (mut found, mut covered) = (0, 0);
    for draw in 0..draws {
        let mut random = ChaCha8Rng::seed_from_u64(derive_seed(4, "recipes"));
        random.set_stream(draw);
        let samples: Vec<f64> = (0..1000).map(|_| easy(&mut random)).collect();
        let better: Vec<f64> = samples.iter().map(|easy| easy + gain).collect();
        let first = recipe(&mut random, &better, seeds, effect);
        let second = recipe(&mut random, &samples, seeds, effect);
        let score = compared(&first, &second);
        found += u32::from(score.p_value().is_some_and(|p| p <= 0.05));
        covered += u32::from(score.interval(Confidence::P95).contains(truth));
    }
    let share = |count: u32| f64::from(count) / draws as f64;
    (share(found), share(covered))
}

#[test]
fn groups_of_fits_of_one_recipe_rarely_differ() {
    for seeds in [3, 5, 10] {
        for effect in [0.0, 0.2, 0.5] {
            let (found, covered) = rates(seeds, effect, 0.0, 400);
            // Two standard deviations of 400 draws are 2.2 points.
            assert!(
                (0.01..=0.08).contains(&found),
                "{seeds} seeds, {effect}: {found}"
            );
            assert!(
                (0.92..=0.99).contains(&covered),
                "{seeds} seeds, {effect}: {covered}"
            );
        }
    }
}

#[test]
fn a_better_recipe_is_found_more_often_with_more_seeds() {
    let (few, covered_few) = rates(3, 0.2, 0.6, 300);
    let (many, covered_many) = rates(10, 0.2, 0.6, 300);
    assert!(many > 0.9 && few > 0.4 && many > few, "{few} {many}");
    assert!(
        covered_few.min(covered_many) > 0.92,
        "{covered_few} {covered_many}"
    );
}
