//! Whole fits of every family with its default engine, on a part of MNIST, with one thread
//! and with all. `cargo bench -p bakeoff-zoo`.

use std::{error::Error, ops::ControlFlow, time::Duration};

use bakeoff_core::{Classifier, Family, FitContext, Samples, Settings};
use criterion::{BenchmarkId, Criterion, Throughput};
use serde_json::json;

type Failure = Box<dyn Error>;

/// Families whose models are trained here: a file that was trained elsewhere cannot be made by a fit.
fn trained_here() -> impl Iterator<Item = &'static Family> {
    let families = bakeoff_zoo::families().iter().copied();
    families.filter(|family| !family.is_trained_elsewhere())
}

/// Training images, and passes over them for families that make passes.
const PICTURES: usize = 4096;
const EPOCHS: u64 = 2;

fn recipe(family: &bakeoff_core::Family) -> Result<Box<dyn Classifier>, Failure> {
    let mut settings = Settings::new();
    if family.settings().any(|setting| setting.key == "epochs") {
        settings.insert("epochs".into(), json!(EPOCHS));
    }
    let spec = family.resolve(None, &settings)?;
    Ok(bakeoff_zoo::build(&spec)?)
}

fn fit(classifier: &dyn Classifier, train: &Samples) -> bool {
    let mut ctx = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    classifier.fit(train, &mut ctx).is_ok()
}

fn main() -> Result<(), Failure> {
    let mnist = bakeoff_data::open("mnist")?;
    let train = mnist.train().select(&(0..PICTURES).collect::<Vec<_>>());
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    for family in trained_here() {
        let classifier = recipe(family)?;
        let mut group = criterion.benchmark_group(format!("fit-{}", family.name));
        group.sample_size(10);
        group.throughput(Throughput::Elements(PICTURES as u64));
        for threads in [1, all] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()?;
            group.bench_function(BenchmarkId::new("threads", threads), |b| {
                b.iter(|| pool.install(|| fit(&*classifier, &train)));
            });
            if all == 1 {
                break;
            }
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
