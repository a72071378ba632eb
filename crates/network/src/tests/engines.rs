//! What engines compute: gradients against finite differences, engines against each other.

use bakeoff_core::ImageShape;
use bakeoff_kernels::{Adam, Batch, Blueprint, Network, NormPlace, Padding, Role, Step};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    engine::{Learner, NetworkEngine},
    engines::ENGINES,
    tests::NORMS,
    weights::Weights,
};

const SHAPE: ImageShape = ImageShape::new(2, 8, 7);
const CLASSES: usize = 3;
const BATCH: usize = 6;

/// One of everything: padding of both kinds, a stride, a kernel that is not square,
/// overlapping pools, dropout on images and on values.
fn network(norm: Option<NormPlace>) -> Network {
    let blueprint = Blueprint {
        steps: vec![
            Step::Conv {
                filters: 3,
                kernel: [3, 2],
                stride: 1,
                padding: Padding::Same,
            },
            Step::MaxPool { size: 2, stride: 1 },
            Step::Dropout { rate: 0.2 },
            Step::Conv {
                filters: 4,
                kernel: [3, 3],
                stride: 2,
                padding: Padding::Valid,
            },
            Step::Dense { units: 5 },
            Step::Dropout { rate: 0.5 },
        ],
        norm,
    };
    Network::new(&blueprint, SHAPE, CLASSES).unwrap()
}

fn batch(seed: u64) -> (Vec<u8>, Vec<u16>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = vec![0; BATCH * SHAPE.pixels()];
    rng.fill_bytes(&mut pixels);
    let labels = (0..BATCH as u16).map(|i| i % CLASSES as u16).collect();
    (pixels, labels)
}

fn values(weights: &Weights) -> Vec<Vec<f32>> {
    weights.values().to_vec()
}

/// The mean cross-entropy of one batch in training mode, and the learner after a step.
fn step(
    engine: &NetworkEngine,
    network: &Network,
    weights: &Weights,
    adam: Adam,
    rate: f64,
) -> (f64, Box<dyn Learner>) {
    let (pixels, labels) = batch(3);
    let mut learner = engine.learner(network, weights, adam, 5);
    let scores = learner
        .step(&Batch {
            step: 0,
            pixels: &pixels,
            labels: &labels,
            rows: None,
            rate,
        })
        .unwrap()
        .scores;
    let loss = scores
        .chunks_exact(CLASSES)
        .zip(&labels)
        .map(|(row, &label)| {
            let sum: f64 = row.iter().map(|&score| f64::from(score).exp()).sum();
            sum.ln() - f64::from(row[usize::from(label)])
        })
        .sum::<f64>();
    (loss / BATCH as f64, learner)
}

/// The gradient at `weights`. An Adam step with an enormous epsilon is a step of plain
/// gradient descent: m / (√v + ε) → g / ε.
fn gradient(engine: &NetworkEngine, network: &Network, weights: &Weights) -> Vec<Vec<f32>> {
    let adam = Adam {
        epsilon: 1e5,
        ..Adam::default()
    };
    let (_, mut learner) = step(engine, network, weights, adam, 1e5);
    let after = values(&learner.weights().unwrap());
    values(weights)
        .iter()
        .zip(&after)
        .map(|(before, after)| before.iter().zip(after).map(|(b, a)| b - a).collect())
        .collect()
}

/// First weights with biases that are not 0: where dropout leaves a window empty, a ReLU
/// would otherwise stand exactly on its kink, which has no slope to compare with.
fn off_the_kinks(network: &Network) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let moved = Weights::initial(network, 1)
        .iter()
        .map(|(spec, values)| match spec.role {
            Role::Bias | Role::NormShift => {
                values.iter().map(|_| rng.random_range(-0.2..0.2)).collect()
            }
            _ => values.to_vec(),
        })
        .collect::<Vec<_>>();
    Weights::from_values(network, moved).unwrap()
}

#[test]
fn gradients_agree_with_finite_differences() {
    for (engine, norm) in ENGINES.iter().flat_map(|e| NORMS.map(|norm| (e, norm))) {
        let network = network(norm);
        let weights = off_the_kinks(&network);
        let gradient = gradient(engine, &network, &weights);
        for (index, spec) in network.tensors().iter().enumerate() {
            if !spec.role.is_trained() {
                continue;
            }
            // Along the gradient itself, where the loss changes most: along another
            // direction rounding in 32 bits and ReLUs that change sides hide the slope.
            let slope = gradient[index]
                .iter()
                .map(|&g| f64::from(g).powi(2))
                .sum::<f64>()
                .sqrt();
            assert!(slope > 1e-3, "{} has hardly any gradient", spec.name);
            let size = 1e-3;
            let loss_at = |sign: f64| {
                let mut moved = values(&weights);
                for (value, g) in moved[index].iter_mut().zip(&gradient[index]) {
                    *value += (sign * size * f64::from(*g) / slope) as f32;
                }
                let moved = Weights::from_values(&network, moved).unwrap();
                step(engine, &network, &moved, Adam::default(), 0.0).0
            };
            let measured = (loss_at(1.0) - loss_at(-1.0)) / (2.0 * size);
            assert!(
                (slope - measured).abs() < 5e-4 + 0.02 * measured,
                "{} norm {norm:?} {}: {slope} is not {measured}",
                engine.name,
                spec.name
            );
        }
    }
}

#[test]
fn engines_agree_after_some_steps() {
    for norm in NORMS {
        let network = network(norm);
        let weights = Weights::initial(&network, 1);
        let run = |engine: &NetworkEngine| {
            let adam = Adam {
                weight_decay: 0.1,
                ..Adam::default()
            };
            let mut learner = engine.learner(&network, &weights, adam, 5);
            for number in 0..5 {
                let (pixels, labels) = batch(number);
                learner
                    .step(&Batch {
                        step: number,
                        pixels: &pixels,
                        labels: &labels,
                        rows: None,
                        rate: 0.01,
                    })
                    .unwrap();
            }
            let trained = learner.weights().unwrap();
            let scores = learner.scores(&batch(9).0).unwrap();
            let scorer = engine.scorer(&network, &trained);
            assert_eq!(scores, scorer(&batch(9).0).unwrap());
            (values(&trained), scores)
        };
        let (weights_a, scores_a) = run(&ENGINES[0]);
        assert_ne!(weights_a, values(&weights), "nothing was learned");
        for engine in &ENGINES[1..] {
            let (weights_b, scores_b) = run(engine);
            for (spec, (a, b)) in network
                .tensors()
                .iter()
                .zip(weights_a.iter().zip(&weights_b))
            {
                assert_close(a, b, &spec.name);
            }
            assert_close(&scores_a, &scores_b, "scores");
        }
    }
}

fn assert_close(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!(
            (a - b).abs() < 1e-3 * (1.0 + a.abs()),
            "{what}: {a} is not {b}"
        );
    }
}

#[test]
fn running_statistics_follow_the_batches_and_are_not_trained() {
    for engine in &ENGINES {
        let network = network(Some(NormPlace::BeforePool));
        let weights = Weights::initial(&network, 1);
        // Without a learning rate only the statistics can change.
        let (_, mut learner) = step(engine, &network, &weights, Adam::default(), 0.0);
        let after = learner.weights().unwrap();
        for ((spec, before), (_, after)) in weights.iter().zip(after.iter()) {
            let changed = before != after;
            assert_eq!(changed, !spec.role.is_trained(), "{}", spec.name);
            if spec.role == Role::RunningVariance {
                // 0.9 of the old variance, 1, and a tenth of the batch's.
                assert!(after.iter().all(|&value| value >= 0.9), "{}", spec.name);
            }
        }
    }
}

#[test]
fn dropout_is_for_training_only_and_differs_by_step() {
    let network = network(None);
    let weights = Weights::initial(&network, 1);
    let (pixels, labels) = batch(3);
    for engine in &ENGINES {
        let run = |seed| {
            let adam = Adam::default();
            let mut learner = engine.learner(&network, &weights, adam, seed);
            let steps = [0, 1].map(|step| {
                let batch = Batch {
                    step,
                    pixels: &pixels,
                    labels: &labels,
                    rows: None,
                    rate: 0.0,
                };
                learner.step(&batch).unwrap().scores
            });
            assert_ne!(learner.scores(&pixels).unwrap(), steps[0]);
            steps
        };
        let steps = run(5);
        assert_ne!(steps[0], steps[1], "{}", engine.name);
        assert_eq!(steps, run(5), "{}", engine.name);
        assert_ne!(steps, run(6), "{}", engine.name);
    }
}

#[test]
fn a_failing_library_is_an_error_and_not_a_panic() {
    let network = network(None);
    let weights = Weights::initial(&network, 1);
    for engine in &ENGINES {
        let mut learner = engine.learner(&network, &weights, Adam::default(), 5);
        // A label that names no class.
        let bad = Batch {
            step: 0,
            pixels: &batch(1).0,
            labels: &[999; BATCH],
            rows: None,
            rate: 0.1,
        };
        assert!(learner.step(&bad).is_err());
        if engine.name == "native" {
            // It looks before it steps.
            continue;
        }
        // What is left of it says so instead of answering from half a step.
        assert!(
            learner
                .scores(&batch(1).0)
                .unwrap_err()
                .to_string()
                .contains("failed")
        );
    }
}

#[test]
fn an_engine_says_which_kernel_it_runs() {
    let network = network(None);
    let weights = Weights::initial(&network, 1);
    for engine in &ENGINES {
        let learner = engine.learner(&network, &weights, Adam::default(), 5);
        let expected = (engine.name == "native").then(|| bakeoff_kernels::Isa::detect().name());
        assert_eq!(learner.kernel(), expected, "{}", engine.name);
    }
}
