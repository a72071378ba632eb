//! How long k nearest neighbours take on MNIST: the fit, a batch, one image; and how long the
//! libraries' searches take on a small part of it. `cargo bench -p bakeoff-knn`.

use std::{hint::black_box, ops::ControlFlow, time::Duration};

use bakeoff_core::{FitContext, FittedModel, Samples, Settings};
use bakeoff_knn::FAMILY;
use criterion::{BenchmarkId, Criterion, Throughput};

type Failure = Box<dyn std::error::Error>;

fn fit(
    engine: &str,
    settings: &[(&str, &str)],
    train: &Samples,
) -> Result<Box<dyn FittedModel>, Failure> {
    let given: Settings = settings
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.into()))
        .collect();
    let spec = FAMILY.resolve(Some(engine), &given)?;
    let mut ctx = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    Ok(FAMILY.build(&spec)?.fit(train, &mut ctx)?)
}

fn first(samples: &Samples, count: usize) -> Samples {
    samples.select(&(0..count).collect::<Vec<_>>())
}

fn native(c: &mut Criterion, train: &Samples, test: &Samples) -> Result<(), Failure> {
    let mut group = c.benchmark_group("native-60000");
    group.sample_size(10);
    group.bench_function("fit", |b| b.iter(|| fit("native", &[], train).is_ok()));
    let (batch, one) = (first(test, 1000), first(test, 1));
    for metric in ["l2", "l1", "cosine"] {
        let model = fit("native", &[("metric", metric)], train)?;
        for (name, samples) in [("batch", &batch), ("one", &one)] {
            group.throughput(Throughput::Elements(samples.len() as u64));
            group.bench_function(BenchmarkId::new(name, metric), |b| {
                b.iter(|| model.predict_proba(black_box(samples.images())).is_ok());
            });
        }
    }
    group.finish();
    Ok(())
}

fn engines(c: &mut Criterion, train: &Samples, test: &Samples) -> Result<(), Failure> {
    let (train, test) = (first(train, 2000), first(test, 20));
    let mut group = c.benchmark_group("engines-2000");
    group.sample_size(10);
    group.throughput(Throughput::Elements(test.len() as u64));
    for (engine, index) in [
        ("native", "linear"),
        ("linfa-nn", "linear"),
        ("linfa-nn", "kd-tree"),
        ("linfa-nn", "ball-tree"),
        ("smartcore", "linear"),
        ("smartcore", "cover-tree"),
    ] {
        let model = fit(engine, &[("index", index)], &train)?;
        group.bench_function(BenchmarkId::new(engine, index), |b| {
            b.iter(|| model.predict_proba(black_box(test.images())).is_ok());
        });
    }
    group.finish();
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mnist = bakeoff_data::open("mnist")?;
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    native(&mut criterion, mnist.train(), mnist.test())?;
    engines(&mut criterion, mnist.train(), mnist.test())?;
    criterion.final_summary();
    Ok(())
}
