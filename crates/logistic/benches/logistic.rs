//! Fitting and answering on images of MNIST's size.

use std::{hint::black_box, ops::ControlFlow};

use bakeoff_core::{Dataset, FitContext, FittedModel, ImageShape, Settings};
use bakeoff_logistic::FAMILY;
use bakeoff_tests::toy::{ToySpec, prototypes};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn data(train: usize) -> Dataset {
    prototypes(ToySpec {
        shape: ImageShape::new(1, 28, 28),
        classes: 10,
        train,
        test: 1000,
        noise: 120.0,
        seed: 1,
    })
    .expect("a possible toy")
}

fn fit(engine: &str, data: &Dataset) -> Box<dyn FittedModel> {
    let spec = FAMILY.resolve(Some(engine), &Settings::new());
    let recipe = FAMILY
        .build(&spec.expect("a known engine"))
        .expect("a possible recipe");
    let mut context = FitContext {
        seed: 0,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    recipe.fit(data.train(), &mut context).expect("a fit")
}

fn fits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("logistic/fit");
    group.sample_size(10);
    let data = data(6000);
    group.bench_function("native/6000", |bencher| {
        bencher.iter(|| fit("native", black_box(&data)));
    });
    let few = data.train().select(&(0..500).collect::<Vec<_>>());
    let few = Dataset::new("few", few, data.test().clone()).expect("parts agree");
    for engine in ["native", "linfa"] {
        group.bench_function(format!("{engine}/500"), |bencher| {
            bencher.iter(|| fit(engine, black_box(&few)));
        });
    }
}

fn answers(criterion: &mut Criterion) {
    let data = data(1000);
    let model = fit("native", &data);
    let batch = data.test().images();
    let one = batch.single(0).expect("a test image");
    let mut group = criterion.benchmark_group("logistic/predict");
    for images in [&one, batch] {
        group.throughput(Throughput::Elements(images.len() as u64));
        group.bench_function(images.len().to_string(), |bencher| {
            bencher.iter(|| model.predict_proba(black_box(images)));
        });
    }
}

criterion_group!(benches, fits, answers);
criterion_main!(benches);
