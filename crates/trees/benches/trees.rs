//! How long forests of a hundred trees take on MNIST: the fit, a batch, one image.
//! `cargo bench -p bakeoff-trees`.

use std::ops::ControlFlow;

use bakeoff_core::{Family, FitContext, FittedModel, Samples, Settings};
use bakeoff_trees::{EXTRA_TREES, RANDOM_FOREST};
use criterion::{Criterion, Throughput};

type Failure = Box<dyn std::error::Error>;

fn fit(family: &Family, train: &Samples) -> Result<Box<dyn FittedModel>, Failure> {
    let spec = family.resolve(None, &Settings::new())?;
    let mut ctx = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    Ok(family.build(&spec)?.fit(train, &mut ctx)?)
}

fn main() -> Result<(), Failure> {
    let mnist = bakeoff_data::open("mnist")?;
    let mut criterion = Criterion::default().configure_from_args();
    for family in [&RANDOM_FOREST, &EXTRA_TREES] {
        let mut group = criterion.benchmark_group(family.name);
        group.sample_size(10);
        group.bench_function("fit", |b| b.iter(|| fit(family, mnist.train()).is_ok()));
        let model = fit(family, mnist.train())?;
        for count in [1, 10_000] {
            let batch = mnist.test().select(&(0..count).collect::<Vec<_>>());
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(format!("predict-{count}"), |b| {
                b.iter(|| model.predict_proba(batch.images()).is_ok());
            });
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
