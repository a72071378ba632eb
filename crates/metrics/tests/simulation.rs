//! Do intervals cover as often as they say, and do tests cry wolf no more often than they
//! say? On simulated models whose true scores are known.

#![allow(
    clippy::unwrap_used,
    reason = "a test without its data must fail loudly"
)]

use bakeoff_core::{Probabilities, derive_seed};
use bakeoff_metrics::{
    Basis, Confidence, Evaluation, Influence, Influences, Interval, Metric, Pair, Predictions,
    RecipeScore, TooFew, score_interval,
    statistics::{SwapTest, mid_p},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CLASSES: usize = 3;
/// Samples of each class in a simulated test part.
const SIZES: [usize; CLASSES] = [160, 100, 60];

fn random(purpose: &str, index: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(derive_seed(20_240_229, purpose));
    random.set_stream(index);
    random
}

fn labels(sizes: [usize; CLASSES]) -> Vec<u16> {
    let classes = sizes.iter().zip(0_u16..);
    classes
        .flat_map(|(&size, class)| vec![class; size])
        .collect()
}

/// A model that gives the right class `skill` more than the others, all with noise.
fn model(random: &mut ChaCha8Rng, labels: &[u16], skill: f32) -> Probabilities {
    let scores = labels.iter().flat_map(|&label| {
        let mut row: Vec<f32> = (0..CLASSES)
            // A logistic variable: its tails are those of scores of real models.
            .map(|_| {
                let u: f32 = random.random_range(1e-6..1.0 - 1e-6);
                (u / (1.0 - u)).ln()
            })
            .collect();
        row[usize::from(label)] += skill;
        row
    });
    Probabilities::from_logits(CLASSES, scores.collect()).unwrap()
}

/// How often something came true.
#[derive(Default)]
struct Rate {
    hits: u32,
    trials: u32,
}

impl Rate {
    fn count(&mut self, hit: bool) {
        self.hits += u32::from(hit);
        self.trials += 1;
    }

    #[track_caller]
    fn within(&self, what: &str, low: f64, high: f64) {
        let rate = f64::from(self.hits) / f64::from(self.trials);
        assert!((low..=high).contains(&rate), "{what}: {rate}");
    }
}

const METRICS: [Metric; 4] = [
    Metric::Accuracy,
    Metric::MacroF1,
    Metric::MacroAuc,
    Metric::LogLoss,
];

fn interval(metric: Metric, labels: &[u16], p: &Probabilities) -> Result<Interval, TooFew> {
    let fit = Predictions::new(labels, p).unwrap();
    let influences = Influences::new(&fit, &[metric]);
    score_interval(
        metric,
        &[&fit],
        &[influences.get(metric).unwrap()],
        Confidence::P95,
    )
}

/// A few cells of `benches/coverage`: classes of any size, drawn at random.
#[test]
fn intervals_cover_the_true_score_or_are_refused() {
    // Accuracies of about 0.9, 0.99 and 0.999.
    for (skill, count, shown) in [
        (4.0, 300, [true, true, true, true]),
        (6.6, 1000, [true, true, false, true]),
        (9.9, 1000, [true, false, false, false]),
    ] {
        let draw = |random: &mut ChaCha8Rng, count: usize| -> Vec<u16> {
            let classes = (0..count).map(|_| random.random_range(0..CLASSES as u16));
            classes.collect()
        };
        // The truth is the score of so many samples that its own error does not matter.
        let mut truth = random("truth", 0);
        let many = draw(&mut truth, 300_000);
        let truth = model(&mut truth, &many, skill);
        let truth = Evaluation::new(&many, &truth).unwrap();
        let mut covered: Vec<Rate> = METRICS.iter().map(|_| Rate::default()).collect();
        const DRAWS: u32 = 1000;
        for index in 0..DRAWS {
            let mut random = random("coverage", u64::from(index));
            let labels = draw(&mut random, count);
            let p = model(&mut random, &labels, skill);
            for (&metric, covered) in METRICS.iter().zip(&mut covered) {
                if let Ok(found) = interval(metric, &labels, &p) {
                    assert!(found.low < found.high);
                    covered.count(found.contains(truth.get(metric).unwrap()));
                }
            }
        }
        for ((metric, covered), shown) in METRICS.iter().zip(covered).zip(shown) {
            let what = format!("{metric:?} at {:.4} of {count}", truth.accuracy);
            if shown {
                // Two standard deviations of 1000 trials are 1.4 %. With one error expected, a
                // share has so few values that no interval covers 93 to 97 %.
                let most = if metric == &Metric::Accuracy {
                    0.995
                } else {
                    0.985
                };
                covered.within(&what, 0.93, most);
                assert!(
                    f64::from(covered.trials) > 0.75 * f64::from(DRAWS),
                    "{what}"
                );
            } else {
                assert!(
                    f64::from(covered.trials) < 0.05 * f64::from(DRAWS),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn mid_p_intervals_cover_the_true_share() {
    for (share, trials) in [
        (0.5, 40),
        (0.9, 60),
        (0.97, 200),
        (0.99, 100),
        (0.999, 1000),
    ] {
        let mut covered = Rate::default();
        let mut random = random("mid-p", trials);
        for _ in 0..4000 {
            let hits = (0..trials).filter(|_| random.random_bool(share)).count();
            let interval = mid_p(hits as u64, trials, Confidence::P95);
            covered.count(interval.contains(share));
        }
        // One error is expected in the last two: then no interval is between 92 and 98 %.
        covered.within(&format!("{share} of {trials}"), 0.93, 0.99);
    }
}

#[test]
fn models_of_equal_skill_rarely_differ() {
    let labels = labels(SIZES);
    let (mut mid, mut exact) = (Rate::default(), Rate::default());
    let (mut delong, mut delong_macro) = (Rate::default(), Rate::default());
    for index in 0..1000 {
        let mut random = random("equals", index);
        let first = model(&mut random, &labels, 1.5);
        let second = model(&mut random, &labels, 1.5);
        let first = Predictions::new(&labels, &first).unwrap();
        let second = Predictions::new(&labels, &second).unwrap();
        let pair = Pair::new(&first, &second).unwrap();
        let swap = SwapTest::new(&[&first], &[&second]).unwrap();
        mid.count(swap.mid_p <= 0.05);
        exact.count(swap.exact_p <= 0.05);
        delong.count(pair.delong(0).unwrap().p.unwrap() <= 0.05);
        delong_macro.count(pair.delong_macro().unwrap().p.unwrap() <= 0.05);
    }
    // Three standard deviations of 1000 trials are 2 %.
    mid.within("McNemar mid-p", 0.03, 0.07);
    exact.within("McNemar exact", 0.01, 0.05);
    delong.within("DeLong", 0.03, 0.07);
    delong_macro.within("DeLong macro", 0.03, 0.075);
}

#[test]
fn models_of_equal_skill_with_several_fits_rarely_differ() {
    let labels = labels(SIZES);
    let (mut mid, mut exact) = (Rate::default(), Rate::default());
    let (mut f1, mut loss) = (Rate::default(), Rate::default());
    for index in 0..600 {
        let mut random = random("equals with seeds", index);
        let fits: Vec<Probabilities> = (0..5).map(|_| model(&mut random, &labels, 1.5)).collect();
        let fits: Vec<Predictions<'_>> = fits
            .iter()
            .map(|p| Predictions::new(&labels, p).unwrap())
            .collect();
        let fits: Vec<&Predictions<'_>> = fits.iter().collect();
        // Three seeds against two.
        let (first, second) = fits.split_at(3);
        let swap = SwapTest::new(first, second).unwrap();
        mid.count(swap.mid_p <= 0.05);
        exact.count(swap.exact_p <= 0.05);

        let metrics = [Metric::MacroF1, Metric::LogLoss];
        let influences: Vec<Influences> = fits
            .iter()
            .map(|fit| Influences::new(fit, &metrics))
            .collect();
        for (metric, rate) in metrics.into_iter().zip([&mut f1, &mut loss]) {
            let of: Vec<&Influence> = influences.iter().map(|i| i.get(metric).unwrap()).collect();
            let (first, second) = of.split_at(3);
            let difference = Influence::mean(first)
                .unwrap()
                .minus(&Influence::mean(second).unwrap())
                .unwrap();
            // The fits at hand, without what other seeds could have given.
            let score = RecipeScore::of(&[&difference]).unwrap();
            rate.count(score.p_value().unwrap() <= 0.05);
        }
    }
    // Three standard deviations of 600 trials are 2.7 %.
    mid.within("swap test, mid-p", 0.023, 0.077);
    // Shares of fits are nearly continuous, so that counting the observed outcome whole
    // hardly makes the test more careful.
    exact.within("swap test, exact", 0.023, 0.077);
    f1.within("p of macro F1", 0.023, 0.077);
    loss.within("p of log loss", 0.023, 0.077);
}

#[test]
fn differences_of_models_are_found_and_cover_the_truth() {
    let many = labels(SIZES.map(|size| 200 * size));
    let mut random_truth = random("difference truth", 0);
    let score = |skill: f32, random: &mut ChaCha8Rng| {
        Evaluation::new(&many, &model(random, &many, skill))
            .unwrap()
            .accuracy
    };
    let truth = score(2.0, &mut random_truth) - score(1.0, &mut random_truth);

    let labels = labels(SIZES);
    let (mut covered, mut found) = (Rate::default(), Rate::default());
    for index in 0..400 {
        let mut random = random("difference", index);
        let first = model(&mut random, &labels, 2.0);
        let second = model(&mut random, &labels, 1.0);
        let first = Predictions::new(&labels, &first).unwrap();
        let second = Predictions::new(&labels, &second).unwrap();
        let metric = Metric::Accuracy;
        Basis::check_difference(metric, &[&first], &[&second]).unwrap();
        let [a, b] = [&first, &second].map(|fit| Influences::new(fit, &[metric]));
        let score = RecipeScore::difference(&[a.get(metric).unwrap()], &[b.get(metric).unwrap()]);
        let interval = score.unwrap().interval(Confidence::P95);
        covered.count(interval.contains(truth));
        found.count(interval.low > 0.0);
    }
    covered.within("coverage of a difference", 0.92, 0.98);
    found.within("power", 0.8, 1.0);
}
