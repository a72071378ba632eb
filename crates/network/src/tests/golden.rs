//! Training steps against JAX and Optax: forward, gradients, Adam, weight decay and
//! running statistics, through the layout that saved models have.
//!
//! `golden/training_steps.py` made `golden/training_steps.json`.

use bakeoff_core::ImageShape;
use bakeoff_kernels::{Adam, Batch, Blueprint, Network, NormPlace, Padding, Step};
use serde::Deserialize;

use crate::{engines::ENGINES, weights::Weights};

#[derive(Deserialize)]
struct Case {
    batch_norm: bool,
    names: Vec<String>,
    initial: Vec<Vec<f32>>,
    pixels: Vec<Vec<u8>>,
    labels: Vec<Vec<u16>>,
    losses: Vec<f64>,
    #[serde(rename = "final")]
    last: Vec<Vec<f64>>,
}

fn network(norm: Option<NormPlace>) -> Network {
    let conv = |filters, kernel, stride| Step::Conv {
        filters,
        kernel,
        stride,
        padding: Padding::Same,
    };
    let blueprint = Blueprint {
        steps: vec![
            conv(3, [3, 2], 1),
            Step::MaxPool { size: 2, stride: 2 },
            conv(4, [2, 2], 2),
            Step::Dense { units: 5 },
        ],
        norm,
    };
    Network::new(&blueprint, ImageShape::new(2, 7, 6), 3).unwrap()
}

fn loss(scores: &[f32], labels: &[u16]) -> f64 {
    let each = scores.chunks_exact(3).zip(labels).map(|(row, &label)| {
        let sum: f64 = row.iter().map(|&score| f64::from(score).exp()).sum();
        sum.ln() - f64::from(row[usize::from(label)])
    });
    each.sum::<f64>() / labels.len() as f64
}

#[test]
fn training_steps_agree_with_jax() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("golden/training_steps.json")).unwrap();
    assert_eq!(cases.len(), 2);
    for (case, engine) in cases.iter().flat_map(|case| ENGINES.map(|e| (case, e))) {
        let network = network(case.batch_norm.then_some(NormPlace::BeforePool));
        let names: Vec<_> = network
            .tensors()
            .into_iter()
            .map(|spec| spec.name)
            .collect();
        assert_eq!(names, case.names);
        let weights = Weights::from_values(&network, case.initial.clone()).unwrap();
        let adam = Adam {
            weight_decay: 0.1,
            ..Adam::default()
        };
        let mut learner = engine.learner(&network, &weights, adam, 0);
        for (step, expected) in case.losses.iter().enumerate() {
            let labels = &case.labels[step];
            let scores = learner
                .step(&Batch {
                    step: step as u64,
                    pixels: &case.pixels[step],
                    labels,
                    rows: None,
                    rate: 0.01,
                })
                .unwrap()
                .scores;
            let got = loss(&scores, labels);
            assert!(
                (got - expected).abs() < 1e-4,
                "{} step {step}: loss {got} is not {expected}",
                engine.name
            );
        }
        let trained = learner.weights().unwrap();
        for ((spec, got), expected) in trained.iter().zip(&case.last) {
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(expected) {
                assert!(
                    (f64::from(*got) - expected).abs() < 1e-4,
                    "{} {}: {got} is not {expected}",
                    engine.name,
                    spec.name
                );
            }
        }
    }
}
