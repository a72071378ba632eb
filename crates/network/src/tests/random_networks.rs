//! Engines against each other on networks and images of random shapes.

use bakeoff_core::ImageShape;
use bakeoff_kernels::{Adam, Batch, Blueprint, Network, Padding, Role, Step};
use proptest::{prelude::*, test_runner::RngSeed};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{engine::NetworkEngine, engines::ENGINES, tests::NORMS, weights::Weights};

/// A gradient step of this size: Adam with an epsilon that drowns its second moment.
/// Adam itself divides by a root that may be as small as rounding, and so shows
/// rounding where there is hardly any gradient.
const PLAIN: f32 = 1e5;

fn picture_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..20usize, 1..5usize, 1..5usize, 1..3usize, any::<bool>()).prop_map(
            |(filters, rows, columns, stride, same)| Step::Conv {
                filters,
                kernel: [rows, columns],
                stride,
                padding: if same { Padding::Same } else { Padding::Valid },
            }
        ),
        1 => (1..5usize, 1..5usize, 1..3usize, any::<bool>()).prop_map(
            |(rows, columns, stride, same)| Step::Depthwise {
                kernel: [rows, columns],
                stride,
                padding: if same { Padding::Same } else { Padding::Valid },
            }
        ),
        2 => (1..4usize, 1..4usize).prop_map(|(size, stride)| Step::MaxPool { size, stride }),
        1 => (prop::option::of(1..4usize), 1..4usize).prop_map(|(size, stride)| Step::AveragePool {
            size,
            stride: if size.is_none() { 1 } else { stride },
        }),
        1 => (0.0..0.6).prop_map(|rate| Step::Dropout { rate }),
    ]
}

/// A convolution, and a connection around one or two that keep its shape.
fn residual() -> impl Strategy<Value = Vec<Step>> {
    let conv = |filters, kernel| Step::Conv {
        filters,
        kernel: [kernel; 2],
        stride: 1,
        padding: Padding::Same,
    };
    (1..20usize, 1..4usize, prop::option::of(1..4usize)).prop_map(move |(filters, kernel, more)| {
        let first = [conv(filters, 2), Step::Skip, conv(filters, kernel)];
        let more = more.map(|kernel| conv(filters, kernel));
        first.into_iter().chain(more).chain([Step::Add]).collect()
    })
}

fn dense_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..40usize).prop_map(|units| Step::Dense { units }),
        1 => (0.0..0.6).prop_map(|rate| Step::Dropout { rate }),
    ]
}

prop_compose! {
    fn networks()(
        pictures in prop::collection::vec(
            prop_oneof![4 => picture_step().prop_map(|step| vec![step]), 1 => residual()],
            0..4,
        ),
        dense in prop::collection::vec(dense_step(), 0..3),
        norm in prop::sample::select(&NORMS[..]),
        channels in 1..4usize,
        height in 1..20usize,
        width in 1..20usize,
        classes in 2..12usize,
    ) -> Option<Network> {
        let blueprint = Blueprint {
            steps: pictures.into_iter().flatten().chain(dense).collect(),
            norm,
        };
        Network::new(&blueprint, ImageShape::new(channels, height, width), classes).ok()
    }
}

/// Weights with biases that are not 0, so that no ReLU stands on its kink.
fn weights(network: &Network, rng: &mut ChaCha8Rng) -> Weights {
    let values = Weights::initial(network, rng.next_u64())
        .iter()
        .map(|(spec, values)| match spec.role {
            Role::Bias | Role::NormShift => {
                values.iter().map(|_| rng.random_range(-0.2..0.2)).collect()
            }
            _ => values.to_vec(),
        })
        .collect::<Vec<_>>();
    Weights::from_values(network, values).unwrap()
}

/// Scores in training, scores when answering, and weights after one step.
fn run(
    engine: &NetworkEngine,
    network: &Network,
    weights: &Weights,
    pixels: &[u8],
    labels: &[u16],
) -> [Vec<f32>; 3] {
    let adam = Adam {
        epsilon: PLAIN,
        ..Adam::default()
    };
    let mut learner = engine.learner(network, weights, adam, 1);
    let answered = engine.scorer(network, weights)(pixels).unwrap();
    let trained = learner
        .step(&Batch {
            step: 0,
            pixels,
            labels,
            rows: None,
            rate: f64::from(PLAIN),
        })
        .unwrap()
        .scores;
    let after = learner.weights().unwrap();
    let after = after.iter().flat_map(|(_, values)| values.to_vec());
    [trained, answered, after.collect()]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        // Always the same networks: among enough of them, rounding would some day put a
        // value on the other side of a ReLU or a maximum, and the slope with it.
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn native_and_burn_agree(network in networks(), samples in 1..9usize, seed in any::<u64>()) {
        prop_assume!(network.is_some());
        let network = network.unwrap();
        // The variance of a few images can be so small that batch norm blows rounding up.
        let samples = samples + if network.has_norm() { 16 } else { 0 };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let weights = weights(&network, &mut rng);
        let mut pixels = vec![0; samples * network.input().pixels()];
        rng.fill_bytes(&mut pixels);
        let labels: Vec<u16> = (0..samples)
            .map(|_| rng.random_range(0..network.classes() as u16))
            .collect();
        let native = run(&ENGINES[0], &network, &weights, &pixels, &labels);
        let burn = run(&ENGINES[1], &network, &weights, &pixels, &labels);
        for (part, (native, burn)) in ["training", "answers", "weights"]
            .into_iter()
            .zip(native.iter().zip(&burn))
        {
            prop_assert_eq!(native.len(), burn.len());
            for (native, burn) in native.iter().zip(burn) {
                prop_assert!(
                    (native - burn).abs() < 1e-4 * (1.0 + burn.abs()),
                    "{}: {} is not {} in {:?}",
                    part,
                    native,
                    burn,
                    network
                );
            }
        }
    }
}
