//! Whole networks against the plain reference, on shapes drawn at random.

mod behaviour;
mod optimizers;
mod reference;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use bakeoff_core::ImageShape;

/// Numbers that look random and are the same every time.
fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f32) / (1_u64 << 31) as f32
    }
}

/// A layer without sizes; more general than a blueprint's steps.
#[derive(Clone, Copy, Debug)]
enum Spec {
    Conv {
        filters: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        pad: [usize; 4],
        norm: Option<NormPlace>,
        relu: bool,
    },
    Depthwise {
        kernel: [usize; 2],
        stride: [usize; 2],
        pad: [usize; 4],
        norm: Option<NormPlace>,
        relu: bool,
    },
    /// Of means instead of maxima.
    Pool {
        size: [usize; 2],
        stride: [usize; 2],
        average: bool,
    },
    Skip,
    Add,
    Dense {
        units: usize,
        norm: Option<NormPlace>,
        relu: bool,
    },
    Dropout {
        rate: f64,
    },
}

/// The network of these layers, the last of which is the output; `None` where one does not fit.
fn network(input: [usize; 3], specs: &[Spec]) -> Option<Network> {
    let input = ImageShape::new(input[0], input[1], input[2]);
    let mut shape = input;
    let (mut layers, mut skipped) = (Vec::new(), Vec::new());
    for (index, spec) in specs.iter().enumerate() {
        let along = |size: usize, window: usize, stride: usize| {
            Some(size.checked_sub(window)? / stride + 1)
        };
        layers.push(match *spec {
            Spec::Conv {
                kernel,
                stride,
                pad,
                norm,
                relu,
                ..
            }
            | Spec::Depthwise {
                kernel,
                stride,
                pad,
                norm,
                relu,
            } => {
                let filters = match *spec {
                    Spec::Conv { filters, .. } => filters,
                    _ => shape.channels,
                };
                let rows = along(shape.height + pad[0] + pad[2], kernel[0], stride[0])?;
                let columns = along(shape.width + pad[1] + pad[3], kernel[1], stride[1])?;
                let output = ImageShape::new(filters, rows, columns);
                Layer::Conv(Conv {
                    name: format!("conv{}", index + 1),
                    input: std::mem::replace(&mut shape, output),
                    output,
                    depthwise: matches!(spec, Spec::Depthwise { .. }),
                    kernel,
                    stride,
                    pad,
                    norm,
                    relu,
                })
            }
            Spec::Pool {
                size,
                stride,
                average,
            } => {
                let rows = along(shape.height, size[0], stride[0])?;
                let columns = along(shape.width, size[1], stride[1])?;
                let output = ImageShape::new(shape.channels, rows, columns);
                let pool = Pooling {
                    input: std::mem::replace(&mut shape, output),
                    output,
                    size,
                    stride,
                };
                match average {
                    true => Layer::AveragePool(pool),
                    false => Layer::MaxPool(pool),
                }
            }
            Spec::Skip => {
                skipped.push(shape);
                Layer::Skip
            }
            Spec::Add if skipped.pop() == Some(shape) => Layer::Add,
            Spec::Add => return None,
            Spec::Dense { units, norm, relu } => {
                let output = ImageShape::new(units, 1, 1);
                Layer::Dense(Dense {
                    name: format!("dense{}", index + 1),
                    inputs: std::mem::replace(&mut shape, output).pixels(),
                    outputs: units,
                    norm,
                    relu,
                })
            }
            Spec::Dropout { rate } => Layer::Dropout(Dropout {
                index: specs[..index]
                    .iter()
                    .filter(|spec| matches!(spec, Spec::Dropout { .. }))
                    .count(),
                values: shape.pixels(),
                rate,
            }),
        });
    }
    Some(Network {
        input,
        classes: shape.channels,
        layers,
    })
}

fn norm() -> impl Strategy<Value = Option<NormPlace>> {
    let place = prop_oneof![Just(NormPlace::BeforePool), Just(NormPlace::AfterPool)];
    proptest::option::of(place)
}

fn convolution() -> impl Strategy<Value = Spec> {
    let kernel = [1_usize..5, 1_usize..5];
    let stride = [1_usize..3, 1_usize..3];
    let pad = [0_usize..3, 0_usize..3, 0_usize..3, 0_usize..3];
    let flags = (norm(), any::<bool>());
    (1_usize..40, kernel, stride, pad, flags).prop_map(
        |(filters, kernel, stride, pad, (norm, relu))| Spec::Conv {
            filters,
            kernel,
            stride,
            pad,
            norm,
            relu,
        },
    )
}

fn depthwise() -> impl Strategy<Value = Spec> {
    convolution().prop_map(|spec| match spec {
        Spec::Conv {
            kernel,
            stride,
            pad,
            norm,
            relu,
            ..
        } => Spec::Depthwise {
            kernel,
            stride,
            pad,
            norm,
            relu,
        },
        other => other,
    })
}

/// A convolution, and a connection around some that keep their shape, perhaps with one inside.
fn residual() -> impl Strategy<Value = Vec<Spec>> {
    let layer = (1_usize..4, 1_usize..4, norm(), any::<bool>());
    let inside = proptest::collection::vec((layer, any::<bool>()), 0..3);
    (convolution(), inside).prop_map(|(first, inside)| {
        let Spec::Conv { filters, .. } = first else {
            return Vec::new();
        };
        let mut specs = vec![first, Spec::Skip];
        for ((rows, columns, norm, relu), nested) in inside {
            let conv = Spec::Conv {
                filters,
                kernel: [rows, columns],
                stride: [1, 1],
                pad: [rows / 2, columns / 2, (rows - 1) / 2, (columns - 1) / 2],
                norm,
                relu,
            };
            match nested {
                true => specs.extend([Spec::Skip, conv, Spec::Add]),
                false => specs.push(conv),
            }
        }
        specs.push(Spec::Add);
        specs
    })
}

fn dense(units: usize, relu: bool) -> Spec {
    Spec::Dense {
        units,
        norm: None,
        relu,
    }
}

/// Shape of the images and layers.
fn networks() -> impl Strategy<Value = ([usize; 3], Vec<Spec>)> {
    let pool = (
        [1_usize..4, 1_usize..4],
        [1_usize..4, 1_usize..4],
        any::<bool>(),
    )
        .prop_map(|(size, stride, average)| Spec::Pool {
            size,
            stride,
            average,
        });
    let any_layer =
        prop_oneof![convolution(), convolution(), depthwise(), pool].prop_map(|layer| vec![layer]);
    let hidden = (1_usize..70, norm(), any::<bool>()).prop_map(|(units, norm, relu)| Spec::Dense {
        units,
        norm,
        relu,
    });
    (
        [1_usize..4, 4_usize..13, 4_usize..20],
        proptest::collection::vec(prop_oneof![3 => any_layer, 2 => residual()], 0..4),
        proptest::collection::vec(hidden, 0..2),
        2_usize..40,
    )
        .prop_map(|(input, layers, hidden, classes)| {
            let mut layers = layers.concat();
            layers.extend(hidden);
            layers.push(dense(classes, false));
            (input, layers)
        })
}

/// Values that are random everywhere, with variances above zero.
fn random_values(network: &Network, seed: u64) -> Vec<Vec<f32>> {
    let mut noise = noise(seed);
    let tensors = network.tensors().into_iter().map(|tensor| {
        let inputs: usize = tensor.shape[1..].iter().product();
        let positive = matches!(tensor.role, Role::NormScale | Role::RunningVariance);
        let values = 0..tensor.shape.iter().product();
        values
            .map(|_| match positive {
                true => 1.0 + 0.5 * noise(),
                false => (2.0 * noise() - 1.0) / (inputs as f32).sqrt(),
            })
            .collect()
    });
    tensors.collect()
}

/// A case: a network, the values of its tensors, samples.
struct Case {
    network: Network,
    values: Vec<Vec<f32>>,
    pixels: Vec<u8>,
    labels: Vec<u16>,
    /// Of each class, or none.
    class_weights: Vec<f32>,
    smoothing: f32,
}

impl Case {
    fn new(input: [usize; 3], specs: &[Spec], samples: usize, seed: u64) -> Option<Self> {
        let network = network(input, specs)?;
        let mut noise = noise(seed);
        let pixels = (0..samples * network.input().pixels())
            .map(|_| (noise() * 255.0) as u8)
            .collect();
        let labels = (0..samples)
            .map(|_| (noise() * network.classes() as f32) as u16)
            .collect();
        Some(Self {
            values: random_values(&network, seed),
            network,
            pixels,
            labels,
            class_weights: Vec::new(),
            smoothing: 0.0,
        })
    }

    fn batch(&self, rate: f64) -> Batch<'_> {
        Batch {
            step: 0,
            pixels: &self.pixels,
            labels: &self.labels,
            rows: None,
            rate,
        }
    }

    fn trainer(&self, isa: Isa) -> Trainer {
        Trainer::new(&self.network, &self.values, Adam::default(), 0, isa).unwrap()
    }

    fn predictor(&self, isa: Isa) -> Predictor {
        Predictor::new(&self.network, &self.values, isa).unwrap()
    }

    /// The score at `values`, and the gradients of the trained ones by name: without decay
    /// Adam's mean of gradients is the gradient.
    fn gradients(&self, values: &[Vec<f32>], isa: Isa) -> (Score, Vec<(String, Vec<f32>)>) {
        let adam = Adam {
            beta1: 0.0,
            ..Adam::default()
        };
        let trainer = Trainer::new(&self.network, values, adam, 0, isa).unwrap();
        let trainer = trainer.with_class_weights(&self.class_weights);
        let mut trainer = trainer.with_label_smoothing(self.smoothing);
        let score = trainer.step(&self.batch(0.0)).unwrap();
        let gradients = trainer.tensors(&trainer.parameters.means);
        let named = self.network.tensors().into_iter().zip(gradients);
        let trained = named.filter(|(tensor, _)| tensor.role.is_trained());
        let trained = trained.map(|(tensor, gradient)| (tensor.name, gradient));
        (score, trained.collect())
    }

    fn reference(&self, training: bool) -> reference::Outcome {
        let Self {
            network,
            values,
            pixels,
            labels,
            class_weights,
            smoothing,
        } = self;
        let smoothing = f64::from(*smoothing);
        reference::run(
            network,
            values,
            pixels,
            labels,
            class_weights,
            smoothing,
            training,
        )
    }
}

/// Within `tolerance` of the largest value, or of `floor` where all are smaller.
fn close(
    what: &str,
    ours: &[f32],
    exact: &[f64],
    floor: f64,
    tolerance: f64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.len(), exact.len(), "{}", what);
    let largest = exact
        .iter()
        .fold(floor, |most, value| most.max(value.abs()));
    for (index, (&ours, &exact)) in ours.iter().zip(exact).enumerate() {
        let error = (f64::from(ours) - exact).abs() / largest;
        prop_assert!(
            error < tolerance,
            "{what}[{index}]: {ours}, exactly {exact}, of {largest}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn forward_and_gradients_agree_with_the_reference(
        (input, specs) in networks(),
        samples in 2_usize..37,
        seed in any::<u64>(),
        weighted in any::<bool>(),
        smoothing in prop_oneof![Just(0.0_f32), 0.0_f32..0.5],
    ) {
        let case = Case::new(input, &specs, samples, seed);
        prop_assume!(case.is_some());
        let mut case = case.unwrap();
        case.smoothing = smoothing;
        if weighted {
            let mut noise = noise(seed ^ 1);
            case.class_weights = (0..case.network.classes()).map(|_| 3.0 * noise()).collect();
        }
        let exact = case.reference(true);
        // Where the exact gradient has a kink within rounding errors, either side is right.
        // Where few samples are normalised, `f32` has fewer digits left.
        let tolerance = 1e-4 * (exact.magnified / 10.0).max(1.0);
        prop_assume!(exact.margin > tolerance / 10.0 && tolerance < 1e-2);
        let answers = case.reference(false);
        for isa in Isa::available() {
            let (score, gradients) = case.gradients(&case.values, isa);
            let loss = score.loss();
            prop_assert!((loss - exact.loss).abs() < 1e-4 * exact.loss.max(1.0), "loss {loss}, exactly {}", exact.loss);
            prop_assert_eq!(gradients.len(), exact.gradients.len());
            // Before a normalisation gradients sum to nothing, so that one may be rounding errors alone:
            // all are measured by the largest.
            let largest = exact.gradients.iter().flatten().fold(0.0_f64, |most, g| most.max(g.abs()));
            for ((name, ours), exact) in gradients.iter().zip(&exact.gradients) {
                let what = format!("{} {name}", isa.name());
                close(&what, ours, exact, 0.5 * largest, tolerance)?;
            }
            let ours = case.predictor(isa).scores(&case.pixels).unwrap();
            close(isa.name(), &ours, &answers.logits.values, 0.1, tolerance)?;
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn threads_and_other_samples_change_no_bit(
        (input, mut specs) in networks(),
        samples in 17_usize..50,
        seed in any::<u64>(),
        average in prop_oneof![Just(0.0_f32), Just(0.9)],
        optimizer in prop_oneof![
            Just(Optimizer::from(Adam::default())),
            Just(Optimizer::Sgd(Sgd { momentum: 0.9, weight_decay: 0.0 })),
            Just(Optimizer::Muon(Muon { momentum: 0.9, adam: Adam::default() })),
        ],
    ) {
        specs.insert(specs.len() - 1, Spec::Dropout { rate: 0.3 });
        let case = Case::new(input, &specs, samples, seed);
        prop_assume!(case.is_some());
        let case = case.unwrap();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let trainer = Trainer::new(&case.network, &case.values, optimizer, 0, Isa::detect());
                let mut trainer = trainer.unwrap().with_average(average);
                let scores: Vec<Score> = (0..3)
                    .map(|step| {
                        // A rest changes no bit either.
                        if step == 2 && threads > 1 {
                            trainer.rest();
                        }
                        trainer.step(&Batch { step, ..case.batch(0.01) }).unwrap()
                    })
                    .collect();
                let answers = trainer.predictor().unwrap().scores(&case.pixels).unwrap();
                (scores, trainer.values(), answers)
            })
        };
        let one = run(1);
        prop_assert_eq!(&one, &run(2));
        prop_assert_eq!(&one, &run(3));

        let trained = Case { values: one.1, ..case };
        prop_assert_eq!(&trained.trainer(Isa::detect()).values(), &trained.values);
        let predictor = trained.predictor(Isa::detect());
        let classes = trained.network.classes();
        for (sample, picture) in trained.pixels.chunks(trained.network.input().pixels()).enumerate() {
            let alone = predictor.scores(picture).unwrap();
            prop_assert_eq!(&alone[..], &one.2[sample * classes..][..classes]);
        }
    }
}
