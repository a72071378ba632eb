//! How long the kernels of the networks take on MNIST: a training step of each default
//! network with every instruction set that this processor has, answers in a batch and
//! alone, and a layer of each kind in a step of its own. `cargo bench -p bakeoff-kernels`.

use std::{error::Error, hint::black_box, time::Duration};

use bakeoff_core::{ImageShape, Samples};
use bakeoff_kernels::{
    Adam, Batch, Blueprint, Isa, Network, NormPlace, Padding, Predictor, Role, Step, Trainer,
};
use criterion::{BenchmarkId, Criterion, Throughput};

type Failure = Box<dyn Error>;

const BATCH: usize = 128;

fn conv(filters: usize) -> Step {
    Step::Conv {
        filters,
        kernel: [3, 3],
        stride: 1,
        padding: Padding::Valid,
    }
}

const POOL: Step = Step::MaxPool { size: 2, stride: 2 };
const DENSE: Step = Step::Dense { units: 128 };

fn ann() -> Vec<Step> {
    vec![DENSE, Step::Dropout { rate: 0.2 }]
}

fn cnn() -> Vec<Step> {
    let dropout = Step::Dropout { rate: 0.5 };
    vec![conv(32), POOL, conv(64), POOL, DENSE, dropout]
}

/// Small values without a pattern that matters: times do not depend on them, except that
/// about half of what reaches a ReLU must pass it, as in training.
fn network(steps: Vec<Step>, norm: Option<NormPlace>) -> Result<(Network, Vec<Vec<f32>>), Failure> {
    let blueprint = Blueprint { steps, norm };
    let network = Network::new(&blueprint, ImageShape::new(1, 28, 28), 10)?;
    let values = network.tensors().into_iter().map(|tensor| {
        let count = tensor.shape.iter().product();
        match tensor.role {
            Role::Weight { fan_in, .. } => {
                let range = (6.0 / fan_in as f32).sqrt();
                (0..count)
                    .map(|i| (i as f32 * 12.9898).sin() * range)
                    .collect()
            }
            Role::NormScale | Role::RunningVariance => vec![1.0; count],
            Role::Bias | Role::NormShift | Role::RunningMean => vec![0.0; count],
        }
    });
    let values = values.collect();
    Ok((network, values))
}

fn steps(
    c: &mut Criterion,
    name: &str,
    (network, values): &(Network, Vec<Vec<f32>>),
    all: &Samples,
) -> Result<(), Failure> {
    let samples = all.select(&(0..BATCH).collect::<Vec<_>>());
    let mut group = c.benchmark_group(format!("step-{name}"));
    group.sample_size(20);
    group.throughput(Throughput::Elements(BATCH as u64));
    for isa in Isa::available() {
        let mut trainer = Trainer::new(network, values, Adam::default(), 0, isa)?;
        let batch = Batch {
            step: 0,
            pixels: samples.images().pixels(),
            labels: samples.labels(),
            rows: None,
            // Nearly nothing: the gradients stay those of an untrained network.
            rate: 1e-9,
        };
        group.bench_function(isa.name(), |b| {
            b.iter(|| trainer.step(black_box(&batch)).is_ok());
        });
    }
    group.finish();
    Ok(())
}

fn answers(
    c: &mut Criterion,
    name: &str,
    (network, values): &(Network, Vec<Vec<f32>>),
    test: &Samples,
) -> Result<(), Failure> {
    let mut group = c.benchmark_group(format!("answer-{name}"));
    group.sample_size(20);
    for isa in Isa::available() {
        let predictor = Predictor::new(network, values, isa)?;
        for count in [1, 1000] {
            let samples = test.select(&(0..count).collect::<Vec<_>>());
            let pixels = samples.images().pixels();
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new(isa.name(), count), |b| {
                b.iter(|| predictor.scores(black_box(pixels)).is_ok());
            });
        }
    }
    group.finish();
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mnist = bakeoff_data::open("mnist")?;
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for (name, network) in [
        ("ann", network(ann(), None)?),
        ("cnn", network(cnn(), None)?),
        ("cnn-norm", network(cnn(), Some(NormPlace::BeforePool))?),
        (
            "cnn-norm-after-pool",
            network(cnn(), Some(NormPlace::AfterPool))?,
        ),
        ("dense-output", network(vec![], None)?),
        ("conv-pool", network(vec![conv(32), POOL], None)?),
    ] {
        steps(&mut criterion, name, &network, mnist.train())?;
    }
    answers(&mut criterion, "ann", &network(ann(), None)?, mnist.test())?;
    answers(&mut criterion, "cnn", &network(cnn(), None)?, mnist.test())?;
    criterion.final_summary();
    Ok(())
}
