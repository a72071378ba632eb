//! A network in the words of `core`: dropout gone, batch norm folded into its weights.

use bakeoff_core::{ConvLayer, DenseLayer, Layer as Described, Layers, MaxPoolLayer};

use crate::{Layer, NORM_EPSILON, Network, Weights};

/// The network with these weights, which belong to it.
///
/// `None` only where folding overflows: weights that large no longer give an answer
/// either.
pub(crate) fn describe(network: &Network, weights: &Weights) -> Option<Layers> {
    let mut tensors = weights.iter().map(|(_, values)| values);
    let mut described = Vec::new();
    for layer in network.layers() {
        match layer {
            Layer::Conv(conv) => {
                let (weights, bias) = folded(&mut tensors, conv.norm)?;
                described.push(Described::Conv(ConvLayer {
                    filters: conv.output.channels,
                    kernel: conv.kernel,
                    stride: [conv.stride; 2],
                    pad: conv.pad,
                    weights,
                    bias,
                }));
                described.push(Described::Relu);
            }
            Layer::MaxPool(pool) => described.push(Described::MaxPool(MaxPoolLayer {
                size: [pool.size; 2],
                stride: [pool.stride; 2],
            })),
            Layer::Dense(dense) => {
                let (weights, bias) = folded(&mut tensors, dense.norm)?;
                described.push(Described::Dense(DenseLayer { weights, bias }));
                if dense.relu {
                    described.push(Described::Relu);
                }
            }
            Layer::Dropout(_) => {}
        }
    }
    Layers::new(network.input(), 1.0 / 255.0, described).ok()
}

/// The next weights and biases; behind a batch norm `γ (w·x − mean) / √(var + ε) + β` is
/// written as weights and biases of their own.
fn folded<'a>(
    tensors: &mut impl Iterator<Item = &'a [f32]>,
    norm: bool,
) -> Option<(Vec<f32>, Vec<f32>)> {
    let mut weights = tensors.next()?.to_vec();
    if !norm {
        return Some((weights, tensors.next()?.to_vec()));
    }
    let (gamma, beta) = (tensors.next()?, tensors.next()?);
    let (mean, variance) = (tensors.next()?, tensors.next()?);
    let mut bias = Vec::with_capacity(beta.len());
    let each = weights.len() / beta.len();
    for (output, row) in weights.chunks_exact_mut(each).enumerate() {
        let factor = f64::from(gamma[output]) / (f64::from(variance[output]) + NORM_EPSILON).sqrt();
        for weight in row {
            *weight = (f64::from(*weight) * factor) as f32;
        }
        bias.push((f64::from(beta[output]) - f64::from(mean[output]) * factor) as f32);
    }
    Some((weights, bias))
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{ImageShape, Probabilities};
    use rand::{Rng, RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{Blueprint, BurnEngine, NativeEngine, NetworkEngine, Padding, Role, Step};

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
            Step::MaxPool { size: 3, stride: 2 },
            conv(7, [3, 3], 2, Padding::Same),
            Step::Dropout { rate: 0.5 },
            conv(4, [2, 2], 1, Padding::Valid),
            Step::Dense { units: 9 },
            Step::Dense { units: 6 },
        ];
        [false, true]
            .map(|batch_norm| {
                let blueprint = Blueprint {
                    steps: steps.clone(),
                    batch_norm,
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
            let layers = describe(&network, &weights).unwrap();
            let engines: [&dyn NetworkEngine; 3] =
                [&NativeEngine, &BurnEngine::Flex, &BurnEngine::NdArray];
            for engine in engines {
                let scores = engine.predictor(&network, &weights).unwrap();
                let scores = scores.scores(&pixels).unwrap();
                let expected = Probabilities::from_logits(4, scores).unwrap();
                for (index, picture) in pixels.chunks(network.input().pixels()).enumerate() {
                    let found = layers.forward(picture).unwrap().probabilities;
                    for (found, expected) in found.iter().zip(expected.row(index)) {
                        assert!(
                            (found - expected).abs() < 1e-5,
                            "{}: {found} is not {expected}",
                            engine.name()
                        );
                    }
                }
            }
        }
    }
}
