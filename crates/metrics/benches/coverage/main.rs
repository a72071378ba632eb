//! How often intervals hold the true score, on simulated models whose true scores are known.
//!
//! ```text
//! cargo bench -p bakeoff-metrics --bench coverage [-- scores | recipes | differences]
//! ```
//!
//! prints the Markdown tables of `docs/decisions/intervals.md`, the same numbers each time. All
//! of them take about half an hour on two cores. `tests/simulation.rs` holds a few cells.

#![allow(clippy::print_stdout, reason = "the tables are what it is for")]

mod model;

use bakeoff_core::Probabilities;
use bakeoff_metrics::{
    Basis, Confidence, Evaluation, Influence, Influences, Interval, Metric, Predictions,
    RecipeScore, TooFew, score_interval,
    statistics::{SwapTest, hold_zero, least_swap_p},
};
use model::{Kind, Model, normal, random};
use rayon::prelude::*;

const METRICS: [Metric; 4] = [
    Metric::Accuracy,
    Metric::MacroF1,
    Metric::MacroAuc,
    Metric::LogLoss,
];
const SIZES: [usize; 3] = [100, 1000, 10_000];
const ACCURACIES: [f64; 4] = [0.9, 0.97, 0.99, 0.999];
/// Samples that the truth is measured on.
const MANY: usize = 1_000_000;

/// How often an interval was shown, and how often it held the truth.
#[derive(Clone, Copy, Default)]
struct Rate {
    draws: u32,
    shown: u32,
    covered: u32,
}

impl Rate {
    fn count(&mut self, interval: Option<Interval>, truth: f64) {
        self.draws += 1;
        if let Some(interval) = interval {
            self.shown += 1;
            self.covered += u32::from(interval.contains(truth));
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            draws: self.draws + other.draws,
            shown: self.shown + other.shown,
            covered: self.covered + other.covered,
        }
    }

    /// Coverage, and the share refused where there is one; nothing where hardly any is shown.
    fn cell(self) -> String {
        let percent = |part: u32, whole: u32| 100.0 * f64::from(part) / f64::from(whole.max(1));
        let shown = percent(self.shown, self.draws);
        if shown < 5.0 {
            return format!("refused ({:.0})", 100.0 - shown);
        }
        let covered = percent(self.covered, self.shown);
        let marked = match (93.0..=97.0).contains(&covered) {
            true => format!("{covered:.1}"),
            false => format!("**{covered:.1}**"),
        };
        match self.shown == self.draws {
            true => marked,
            false => format!("{marked} ({:.0})", 100.0 - shown),
        }
    }
}

type Rates = [Rate; METRICS.len()];

fn trials(samples: usize, classes: usize) -> u64 {
    match samples * classes {
        0..=20_000 => 2000,
        20_001..=100_000 => 1000,
        _ => 600,
    }
}

/// All trials of a cell, added up.
fn gather(count: u64, trial: impl Fn(u64) -> Rates + Sync + Send) -> Rates {
    let rates: Vec<Rates> = (0..count).into_par_iter().map(trial).collect();
    let mut sum = Rates::default();
    for rates in rates {
        for (sum, rate) in sum.iter_mut().zip(rates) {
            *sum = sum.and(rate);
        }
    }
    sum
}

fn predictions<'a>(labels: &'a [u16], p: &'a Probabilities) -> Predictions<'a> {
    Predictions::new(labels, p).unwrap_or_else(|error| panic!("drawn together: {error}"))
}

fn evaluation(labels: &[u16], p: &Probabilities) -> [f64; METRICS.len()] {
    let found =
        Evaluation::new(labels, p).unwrap_or_else(|error| panic!("drawn together: {error}"));
    METRICS.map(|metric| found.get(metric).unwrap_or(f64::NAN))
}

fn row(what: &str, classes: usize, accuracy: f64, samples: usize, rates: Rates) {
    let cells: Vec<String> = rates.into_iter().map(Rate::cell).collect();
    println!(
        "| {what} | {classes} | {accuracy} | {samples} | {} |",
        cells.join(" | ")
    );
}

fn header(title: &str, first: &str) {
    println!("\n{title}\n");
    println!(
        "| {first} | classes | accuracy | images | accuracy | macro F1 | macro AUC | log loss |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
}

/// One fit.
fn scores() {
    header(
        "One fit: coverage in %, in parentheses how often it is refused.",
        "model",
    );
    for (kind, what, all_classes) in [
        (Kind::Balanced, "balanced", &[2, 10, 50][..]),
        (Kind::Unbalanced, "10 : 1", &[2, 10, 50]),
        (Kind::Overconfident, "overconfident", &[2, 10, 50]),
        (Kind::Votes, "three votes", &[2, 10]),
    ] {
        for &classes in all_classes {
            for accuracy in ACCURACIES {
                let model = Model::with_accuracy(kind, classes, accuracy);
                let mut truth_of = random("truth", classes as u64);
                let many = model.samples(&mut truth_of, MANY);
                let truth = evaluation(&many.labels, &model.fit(&mut truth_of, &many, 0.0));
                drop(many);
                for samples in SIZES {
                    let rates = gather(trials(samples, classes), |trial| {
                        let mut random =
                            random(&format!("{what}{classes}{accuracy}{samples}"), trial);
                        let drawn = model.samples(&mut random, samples);
                        let p = model.fit(&mut random, &drawn, 0.0);
                        let fit = predictions(&drawn.labels, &p);
                        let influences = Influences::new(&fit, &METRICS);
                        count(&[&fit], &[&influences], truth)
                    });
                    row(what, classes, accuracy, samples, rates);
                }
            }
        }
    }
}

fn count(fits: &[&Predictions<'_>], influences: &[&Influences], truth: [f64; 4]) -> Rates {
    let mut rates = Rates::default();
    for ((metric, rate), truth) in METRICS.into_iter().zip(&mut rates).zip(truth) {
        let of: Option<Vec<&Influence>> = influences.iter().map(|i| i.get(metric)).collect();
        let found = of.ok_or(TooFew::ImagesOfAClass);
        let found = found.and_then(|of| score_interval(metric, fits, &of, Confidence::P95));
        rate.count(found.ok(), truth);
    }
    rates
}

/// Several fits of a recipe, whose seeds vary its skill.
fn recipes() {
    header("Several fits of a recipe.", "fits");
    const SEED: f64 = 0.15;
    for classes in [2, 10] {
        for accuracy in ACCURACIES {
            let model = Model::with_accuracy(Kind::Balanced, classes, accuracy);
            // The mean over so many seeds that their own variation does not matter.
            let seeds: Vec<[f64; 4]> = (0..400)
                .into_par_iter()
                .map(|seed| {
                    let mut random = random("truth of recipes", seed);
                    let samples = model.samples(&mut random, MANY / 200);
                    let effect = SEED * normal(&mut random);
                    let p = model.fit(&mut random, &samples, effect);
                    evaluation(&samples.labels, &p)
                })
                .collect();
            let truth = [0, 1, 2, 3].map(|metric| {
                seeds.iter().map(|seed| seed[metric]).sum::<f64>() / seeds.len() as f64
            });
            for count_of_fits in [3, 5] {
                for samples in SIZES {
                    let rates = gather(trials(samples, 5 * classes), |trial| {
                        let name = format!("recipes{classes}{accuracy}{samples}");
                        let mut random = random(&name, trial);
                        let drawn = model.samples(&mut random, samples);
                        let p: Vec<Probabilities> = (0..count_of_fits)
                            .map(|_| {
                                let effect = SEED * normal(&mut random);
                                model.fit(&mut random, &drawn, effect)
                            })
                            .collect();
                        let fits: Vec<Predictions<'_>> =
                            p.iter().map(|p| predictions(&drawn.labels, p)).collect();
                        let influences: Vec<Influences> = fits
                            .iter()
                            .map(|fit| Influences::new(fit, &METRICS))
                            .collect();
                        let fits: Vec<&Predictions<'_>> = fits.iter().collect();
                        let influences: Vec<&Influences> = influences.iter().collect();
                        count(&fits, &influences, truth)
                    });
                    row(
                        &count_of_fits.to_string(),
                        classes,
                        accuracy,
                        samples,
                        rates,
                    );
                }
            }
        }
    }
}

/// The difference of one fit each, with the intervals of the report; of areas by the jackknife,
/// which is DeLong's variance with class counts that vary.
fn differences() {
    header("Differences of two fits.", "errors of the second");
    for (what, times) in [("as many", 1.0), ("twice as many", 2.0)] {
        for classes in [2, 10] {
            for accuracy in ACCURACIES {
                let model = |accuracy| Model::with_accuracy(Kind::Balanced, classes, accuracy);
                let models = [model(accuracy), model(1.0 - times * (1.0 - accuracy))];
                let mut truth_of = random("truth of differences", classes as u64);
                let many = models[0].samples(&mut truth_of, MANY);
                let [a, b] = models
                    .map(|model| evaluation(&many.labels, &model.fit(&mut truth_of, &many, 0.0)));
                let truth = [0, 1, 2, 3].map(|metric| match times == 1.0 {
                    true => 0.0,
                    false => a[metric] - b[metric],
                });
                drop(many);
                for samples in SIZES {
                    let rates = gather(trials(samples, 2 * classes), |trial| {
                        let name = format!("differences{what}{classes}{accuracy}{samples}");
                        let mut random = random(&name, trial);
                        let drawn = models[0].samples(&mut random, samples);
                        let p = models.map(|model| model.fit(&mut random, &drawn, 0.0));
                        let first = predictions(&drawn.labels, &p[0]);
                        let second = predictions(&drawn.labels, &p[1]);
                        let mut rates = Rates::default();
                        for ((metric, rate), truth) in
                            METRICS.into_iter().zip(&mut rates).zip(truth)
                        {
                            rate.count(difference(metric, &first, &second), truth);
                        }
                        rates
                    });
                    row(what, classes, accuracy, samples, rates);
                }
            }
        }
    }
}

fn difference(metric: Metric, a: &Predictions<'_>, b: &Predictions<'_>) -> Option<Interval> {
    Basis::check_difference(metric, &[a], &[b]).ok()?;
    let (first, second) = (Influences::new(a, &[metric]), Influences::new(b, &[metric]));
    let score = RecipeScore::difference(&[first.get(metric)?], &[second.get(metric)?]).ok()?;
    let interval = score.interval(Confidence::P95);
    let least = match metric {
        Metric::Accuracy => SwapTest::new(&[a], &[b]).ok()?.mid_p,
        Metric::MacroF1 => least_swap_p(&[a], &[b]),
        _ => 0.0,
    };
    Some(hold_zero(interval, least, Confidence::P95))
}

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    for (name, run) in [
        ("scores", scores as fn()),
        ("recipes", recipes),
        ("differences", differences),
    ] {
        if wanted(name) {
            run();
        }
    }
}
