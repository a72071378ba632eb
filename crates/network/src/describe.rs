//! A network in the words of `core`: dropout gone, batch norm folded into its weights.

use bakeoff_core::{ConvLayer, DenseLayer, Layer as Described, Layers, PoolLayer};
use bakeoff_kernels::{Layer, Network, PIXEL_SCALE};

/// The network with these values of its tensors.
///
/// `None` only where folding overflows: weights that large no longer give an answer
/// either.
pub(crate) fn describe(network: &Network, values: &[Vec<f32>]) -> Option<Layers> {
    let (network, values) = network.folded(values)?;
    let mut values = values.into_iter();
    let (mut described, mut skipped) = (Vec::new(), Vec::new());
    for layer in network.layers() {
        let relu = match layer {
            Layer::Conv(conv) => {
                described.push(Described::Conv(ConvLayer {
                    filters: conv.output.channels,
                    groups: conv.input.channels / conv.seen_channels(),
                    kernel: conv.kernel,
                    stride: conv.stride,
                    pad: conv.pad,
                    weights: values.next()?,
                    bias: values.next()?,
                }));
                conv.relu
            }
            Layer::Dense(dense) => {
                described.push(Described::Dense(DenseLayer {
                    weights: values.next()?,
                    bias: values.next()?,
                }));
                dense.relu
            }
            Layer::MaxPool(pool) => {
                described.push(Described::MaxPool(PoolLayer {
                    size: pool.size,
                    stride: pool.stride,
                }));
                false
            }
            Layer::AveragePool(pool) => {
                described.push(Described::AveragePool(PoolLayer {
                    size: pool.size,
                    stride: pool.stride,
                }));
                false
            }
            Layer::Skip => {
                skipped.push(described.len().checked_sub(1)?);
                false
            }
            Layer::Add => {
                let from = skipped.pop()?;
                described.push(Described::Add { from });
                false
            }
            Layer::Dropout(_) => false,
        };
        if relu {
            described.push(Described::Relu);
        }
    }
    Layers::new(network.input(), PIXEL_SCALE, described).ok()
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{ImageShape, Probabilities};
    use bakeoff_kernels::{Blueprint, Padding, Role, Step};
    use rand::{Rng, RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{engines::ENGINES, inspect::forward, tests::NORMS, weights::Weights};

    /// Every kind of layer, with normalisation and without, both paddings and a stride.
    fn networks() -> Vec<Network> {
        let conv = |filters, kernel, stride, padding| Step::Conv {
            filters,
            kernel,
            stride,
            padding,
        };
        let steps = vec![
            conv(5, [3, 2], 1, Padding::Same),
            Step::Depthwise {
                kernel: [2, 3],
                stride: 1,
                padding: Padding::Same,
            },
            Step::MaxPool { size: 3, stride: 2 },
            conv(7, [3, 3], 2, Padding::Same),
            Step::Dropout { rate: 0.5 },
            Step::Skip,
            conv(9, [3, 3], 1, Padding::Same),
            Step::Skip,
            conv(9, [1, 1], 1, Padding::Same),
            Step::Add,
            conv(7, [1, 2], 1, Padding::Same),
            Step::Add,
            conv(4, [2, 2], 1, Padding::Valid),
            Step::AveragePool {
                size: None,
                stride: 1,
            },
            Step::Dense { units: 9 },
            Step::Dense { units: 6 },
        ];
        NORMS
            .map(|norm| {
                let blueprint = Blueprint {
                    steps: steps.clone(),
                    norm,
                };
                Network::new(&blueprint, ImageShape::new(3, 14, 11), 4).unwrap()
            })
            .into()
    }

    fn weights(network: &Network, rng: &mut ChaCha8Rng) -> Weights {
        let values = Weights::initial(network, 5)
            .iter()
            .map(|(spec, values)| match spec.role {
                Role::Weight { .. } => values.to_vec(),
                Role::NormScale | Role::RunningVariance => {
                    values.iter().map(|_| rng.random_range(0.3..2.0)).collect()
                }
                _ => values.iter().map(|_| rng.random_range(-0.3..0.3)).collect(),
            })
            .collect::<Vec<_>>();
        Weights::from_values(network, values).unwrap()
    }

    #[test]
    fn the_description_answers_as_every_engine_does() {
        for network in networks() {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let weights = weights(&network, &mut rng);
            let mut pixels = vec![0; 4 * network.input().pixels()];
            rng.fill_bytes(&mut pixels);
            let layers = describe(&network, weights.values()).unwrap();
            for engine in ENGINES {
                let scorer = engine.functions.unwrap().scorer;
                let scores = scorer(&network, &weights).unwrap()(&pixels).unwrap();
                let expected = Probabilities::from_logits(4, scores).unwrap();
                for (index, picture) in pixels.chunks(network.input().pixels()).enumerate() {
                    let found = forward(&layers, picture).unwrap().probabilities;
                    for (found, expected) in found.iter().zip(expected.row(index)) {
                        assert!(
                            (found - expected).abs() < 1e-5,
                            "{}: {found} is not {expected}",
                            engine.name
                        );
                    }
                }
            }
        }
    }
}
