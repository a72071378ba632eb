//! How long the kernels of the networks take on MNIST: a training step of each default
//! network with every instruction set that this processor has, answers in a batch and
//! alone, and a layer of each kind in a step of its own. `cargo bench -p bakeoff-kernels`.

use std::{error::Error, hint::black_box, time::Duration};

use bakeoff_core::Samples;
use bakeoff_kernels::{
    Architecture, Batch, Isa, Layer, PixelScale, Pixels, Predictor, Settings, Tensor, Trainer,
    blank_parameters,
};
use criterion::{BenchmarkId, Criterion, Throughput};

type Failure = Box<dyn Error>;

const BATCH: usize = 128;

fn dense(units: usize, relu: bool, batch_norm: bool) -> Layer {
    Layer::Dense {
        units,
        batch_norm,
        relu,
    }
}

fn convolution(channels: usize, batch_norm: bool) -> Layer {
    Layer::Convolution {
        channels,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [0; 4],
        batch_norm,
        relu: true,
    }
}

const POOL: Layer = Layer::MaxPool {
    size: [2, 2],
    stride: [2, 2],
};

fn on_mnist(layers: Vec<Layer>) -> Architecture {
    Architecture {
        input: [1, 28, 28],
        layers,
    }
}

fn ann() -> Architecture {
    on_mnist(vec![
        dense(128, true, false),
        Layer::Dropout { rate: 0.2 },
        dense(10, false, false),
    ])
}

fn cnn(batch_norm: bool) -> Architecture {
    on_mnist(vec![
        convolution(32, batch_norm),
        POOL,
        convolution(64, batch_norm),
        POOL,
        dense(128, true, batch_norm),
        Layer::Dropout { rate: 0.5 },
        dense(10, false, false),
    ])
}

/// Small values without a pattern that matters: times do not depend on them, except that
/// about half of what reaches a ReLU must pass it, as in training.
fn parameters(architecture: &Architecture) -> Result<Vec<Tensor>, Failure> {
    let mut tensors = blank_parameters(architecture)?;
    for tensor in &mut tensors {
        if tensor.name.ends_with("weight") && tensor.shape.len() > 1 {
            let inputs: usize = tensor.shape[1..].iter().product();
            let range = (6.0 / inputs as f32).sqrt();
            for (i, value) in tensor.values.iter_mut().enumerate() {
                *value = (i as f32 * 12.9898).sin() * range;
            }
        }
    }
    Ok(tensors)
}

fn steps(
    c: &mut Criterion,
    name: &str,
    architecture: &Architecture,
    all: &Samples,
) -> Result<(), Failure> {
    let samples = all.select(&(0..BATCH).collect::<Vec<_>>());
    let start = parameters(architecture)?;
    let mut group = c.benchmark_group(format!("step-{name}"));
    group.sample_size(20);
    group.throughput(Throughput::Elements(BATCH as u64));
    for isa in Isa::available() {
        let settings = Settings {
            isa,
            ..Settings::default()
        };
        let mut network = Trainer::new(architecture, &start, settings)?;
        let batch = Batch::all(Pixels::U8(samples.images().pixels()), samples.labels());
        group.bench_function(isa.name(), |b| {
            // A rate of nearly nothing: the gradients stay those of an untrained network.
            b.iter(|| network.train_step(black_box(&batch), 1e-9).is_ok());
        });
    }
    group.finish();
    Ok(())
}

fn answers(
    c: &mut Criterion,
    name: &str,
    architecture: &Architecture,
    test: &Samples,
) -> Result<(), Failure> {
    let parameters = parameters(architecture)?;
    let mut group = c.benchmark_group(format!("answer-{name}"));
    group.sample_size(20);
    for isa in Isa::available() {
        let predictor = Predictor::new(architecture, &parameters, PixelScale::default(), isa)?;
        for count in [1, 1000] {
            let samples = test.select(&(0..count).collect::<Vec<_>>());
            let pixels = Pixels::U8(samples.images().pixels());
            group.throughput(Throughput::Elements(count as u64));
            let mut one = vec![0.0; predictor.classes()];
            group.bench_function(BenchmarkId::new(isa.name(), count), |b| {
                b.iter(|| match count {
                    1 => predictor.logits_one(black_box(pixels), &mut one).is_ok(),
                    _ => predictor.logits(black_box(pixels)).is_ok(),
                });
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
    for (name, architecture) in [
        ("ann", ann()),
        ("cnn", cnn(false)),
        ("cnn-norm", cnn(true)),
        ("dense-output", on_mnist(vec![dense(10, false, false)])),
        (
            "conv-pool",
            on_mnist(vec![convolution(32, false), POOL, dense(10, false, false)]),
        ),
    ] {
        steps(&mut criterion, name, &architecture, mnist.train())?;
    }
    answers(&mut criterion, "ann", &ann(), mnist.test())?;
    answers(&mut criterion, "cnn", &cnn(false), mnist.test())?;
    criterion.final_summary();
    Ok(())
}
