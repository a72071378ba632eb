//! What it takes to measure a model on 10,000 samples of 10 classes.

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use bakeoff_core::Probabilities;
use bakeoff_metrics::{Evaluation, Influences, Metric, OneVsRest, Pair, Predictions, Temperature};
use criterion::{Criterion, criterion_group, criterion_main};

/// Labels and probabilities of a model that is usually right.
fn samples(count: usize, classes: usize) -> (Vec<u16>, Probabilities) {
    // A linear congruential generator (Knuth's MMIX) is random enough for timing.
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let labels: Vec<u16> = (0..count).map(|i| (i % classes) as u16).collect();
    let scores = labels
        .iter()
        .flat_map(|&label| {
            let mut row: Vec<f32> = (0..classes).map(|_| 6.0 * next()).collect();
            row[usize::from(label)] += 4.0;
            row
        })
        .collect();
    let probabilities = Probabilities::from_logits(classes, scores)
        .unwrap_or_else(|e| panic!("softmax is always valid: {e}"));
    (labels, probabilities)
}

fn evaluation(c: &mut Criterion) {
    let (labels, probabilities) = samples(10_000, 10);
    c.bench_function("evaluation 10000x10", |b| {
        b.iter(|| Evaluation::new(black_box(&labels), black_box(&probabilities)));
    });
    c.bench_function("one-vs-rest 10000x10", |b| {
        b.iter(|| {
            Predictions::new(black_box(&labels), black_box(&probabilities))
                .map(|predictions| OneVsRest::new(&predictions))
        });
    });
}

fn comparison(c: &mut Criterion) {
    let (labels, probabilities) = samples(10_000, 10);
    let predictions = Predictions::new(&labels, &probabilities)
        .unwrap_or_else(|e| panic!("they belong together: {e}"));
    let mut group = c.benchmark_group("10000x10");
    group.sample_size(10);
    for (name, metrics) in [
        ("accuracy", &[Metric::Accuracy] as &[Metric]),
        (
            "accuracy, log loss, macro AUC",
            &[Metric::Accuracy, Metric::LogLoss, Metric::MacroAuc],
        ),
        ("all metrics", &Metric::ALL),
    ] {
        group.bench_function(format!("jackknife: {name}"), |b| {
            b.iter(|| Influences::new(black_box(&predictions), metrics));
        });
    }
    group.bench_function("DeLong macro", |b| {
        b.iter(|| Pair::new(&predictions, &predictions).map(|pair| pair.delong_macro()));
    });
    group.bench_function("temperature", |b| {
        b.iter(|| Temperature::fit(black_box(&predictions)))
    });
    group.finish();
}

criterion_group!(benches, evaluation, comparison);
criterion_main!(benches);
