//! Whole networks against the plain reference, on shapes drawn at random.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::reference;
use super::*;

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

fn convolution() -> impl Strategy<Value = Layer> {
    let kernel = [1_usize..5, 1_usize..5];
    let stride = [1_usize..3, 1_usize..3];
    let padding = [0_usize..3, 0_usize..3, 0_usize..3, 0_usize..3];
    (
        1_usize..40,
        kernel,
        stride,
        padding,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(channels, kernel, stride, padding, batch_norm, relu)| Layer::Convolution {
                channels,
                kernel,
                stride,
                padding,
                batch_norm,
                relu,
            },
        )
}

fn architecture() -> impl Strategy<Value = Architecture> {
    let pool = ([1_usize..4, 1_usize..4], [1_usize..4, 1_usize..4])
        .prop_map(|(size, stride)| Layer::MaxPool { size, stride });
    let hidden =
        (1_usize..70, any::<bool>(), any::<bool>()).prop_map(|(units, batch_norm, relu)| {
            Layer::Dense {
                units,
                batch_norm,
                relu,
            }
        });
    (
        [1_usize..4, 4_usize..13, 4_usize..20],
        proptest::collection::vec(prop_oneof![convolution(), convolution(), pool], 0..5),
        proptest::collection::vec(hidden, 0..2),
        2_usize..40,
    )
        .prop_map(|(input, mut layers, hidden, classes)| {
            layers.extend(hidden);
            layers.push(dense(classes, false));
            Architecture { input, layers }
        })
}

/// Parameters that are random everywhere, with variances above zero.
fn random_parameters(architecture: &Architecture, seed: u64) -> Result<Vec<Tensor>, KernelError> {
    let mut parameters = blank_parameters(architecture)?;
    let mut noise = noise(seed);
    for tensor in &mut parameters {
        let inputs: usize = tensor.shape[1..].iter().product();
        for value in &mut tensor.values {
            *value += if *value == 1.0 {
                0.5 * noise()
            } else {
                (2.0 * noise() - 1.0) / (inputs as f32).sqrt()
            };
        }
    }
    Ok(parameters)
}

/// A case: network, its parameters, samples.
struct Case {
    architecture: Architecture,
    parameters: Vec<Tensor>,
    scale: PixelScale,
    pixels: Vec<f32>,
    labels: Vec<u16>,
}

impl Case {
    fn new(architecture: Architecture, samples: usize, seed: u64) -> Result<Self, KernelError> {
        let parameters = random_parameters(&architecture, seed)?;
        let mut noise = noise(seed);
        let [channels, height, width] = architecture.input;
        let scale = PixelScale {
            scale: (0..channels).map(|c| (1.0 + c as f32) / 255.0).collect(),
            shift: (0..channels).map(|c| -0.3 * c as f32).collect(),
        };
        let pixels = (0..samples * channels * height * width)
            .map(|_| (noise() * 255.0).floor())
            .collect();
        let Some(Layer::Dense { units, .. }) = architecture.layers.last() else {
            unreachable!()
        };
        let labels = (0..samples)
            .map(|_| (noise() * *units as f32) as u16)
            .collect();
        Ok(Self {
            architecture,
            parameters,
            scale,
            pixels,
            labels,
        })
    }

    fn batch(&self) -> Batch<'_> {
        Batch::all(Pixels::F32(&self.pixels), &self.labels)
    }

    fn network(&self, isa: Isa) -> Network {
        let settings = Settings {
            pixel_scale: self.scale.clone(),
            isa,
            ..Settings::default()
        };
        Network::new(&self.architecture, &self.parameters, settings).expect("checked before")
    }

    fn reference(&self, training: bool) -> reference::Outcome {
        let Self {
            architecture,
            parameters,
            scale,
            pixels,
            labels,
        } = self;
        reference::run(architecture, parameters, scale, pixels, labels, training)
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
    fn forward_and_gradients_agree_with_the_reference(
        architecture in architecture(),
        samples in 2_usize..37,
        seed in any::<u64>(),
    ) {
        let case = Case::new(architecture, samples, seed);
        prop_assume!(case.is_ok());
        let case = case.unwrap();
        let exact = case.reference(true);
        // Where the exact gradient has a kink within rounding errors, either side is right.
        // Where few samples are normalised, `f32` has fewer digits left.
        let tolerance = 1e-4 * (exact.magnified / 10.0).max(1.0);
        prop_assume!(exact.margin > tolerance / 10.0 && tolerance < 1e-2);
        let answers = case.reference(false);
        for isa in Isa::available() {
            let mut network = case.network(isa);
            let (score, gradients) = network.gradients(&case.batch()).unwrap();
            let loss = score.loss_sum / samples as f64;
            prop_assert!((loss - exact.loss).abs() < 1e-4 * exact.loss.max(1.0), "loss {loss}, exactly {}", exact.loss);
            prop_assert_eq!(gradients.len(), exact.gradients.len());
            let largest = exact.gradients.iter().flatten().fold(0.0_f64, |most, g| most.max(g.abs()));
            for (ours, exact) in gradients.iter().zip(&exact.gradients) {
                let what = format!("{} {}", isa.name(), ours.name);
                close(&what, &ours.values, exact, 0.1 * largest, tolerance)?;
            }
            let ours = case.network(isa).predictor().unwrap().logits(Pixels::F32(&case.pixels)).unwrap();
            close(isa.name(), &ours, &answers.logits.values, 0.1, tolerance)?;
        }
    }

    #[test]
    fn threads_and_company_change_no_bit(
        architecture in architecture(),
        samples in 17_usize..50,
        seed in any::<u64>(),
    ) {
        let mut architecture = architecture;
        architecture.layers.insert(architecture.layers.len() - 1, Layer::Dropout { rate: 0.3 });
        let case = Case::new(architecture, samples, seed);
        prop_assume!(case.is_ok());
        let case = case.unwrap();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut network = case.network(Isa::detect());
                let scores: Vec<Score> =
                    (0..3).map(|_| network.train_step(&case.batch(), 0.01).unwrap()).collect();
                let logits = network.predictor().unwrap().logits(Pixels::F32(&case.pixels)).unwrap();
                (scores, network.parameters(), logits)
            })
        };
        let one = run(1);
        prop_assert_eq!(&one, &run(2));
        prop_assert_eq!(&one, &run(3));

        let mut network = case.network(Isa::detect());
        network.set_parameters(&one.1).unwrap();
        prop_assert_eq!(&network.parameters(), &one.1);
        let predictor = network.predictor().unwrap();
        let classes = predictor.classes();
        let mut logits = vec![0.0; classes];
        for (sample, picture) in case.pixels.chunks(case.pixels.len() / samples).enumerate() {
            predictor.logits_one(Pixels::F32(picture), &mut logits).unwrap();
            prop_assert_eq!(&logits[..], &one.2[sample * classes..][..classes]);
        }
    }
}

/// Convolution and pooling as the default network has them.
fn conv3(channels: usize, batch_norm: bool) -> [Layer; 2] {
    let convolution = Layer::Convolution {
        channels,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [0; 4],
        batch_norm,
        relu: true,
    };
    [
        convolution,
        Layer::MaxPool {
            size: [2, 2],
            stride: [2, 2],
        },
    ]
}

fn dense(units: usize, relu: bool) -> Layer {
    Layer::Dense {
        units,
        batch_norm: false,
        relu,
    }
}

#[test]
fn the_default_network_agrees_with_the_reference() {
    let architecture = Architecture {
        input: [1, 28, 28],
        layers: [
            &conv3(32, false)[..],
            &conv3(64, false),
            &[dense(128, true), dense(10, false)],
        ]
        .concat(),
    };
    let case = (0..20)
        .map(|seed| Case::new(architecture.clone(), 3, seed).unwrap())
        .find(|case| case.reference(true).margin > 3e-7)
        .expect("a case without a kink");
    let exact = case.reference(true);
    for isa in Isa::available() {
        let (_, gradients) = case.network(isa).gradients(&case.batch()).unwrap();
        for (ours, exact) in gradients.iter().zip(&exact.gradients) {
            close(&ours.name, &ours.values, exact, 0.0, 1e-4).unwrap();
        }
    }
}

#[test]
fn gradients_are_the_slope_of_the_loss_with_dropout_too() {
    let mut layers = vec![
        Layer::Dropout { rate: 0.1 },
        Layer::Convolution {
            channels: 3,
            kernel: [2, 2],
            stride: [1, 1],
            padding: [1, 0, 0, 1],
            batch_norm: true,
            relu: false,
        },
        Layer::Dropout { rate: 0.2 },
        Layer::Convolution {
            channels: 4,
            kernel: [2, 3],
            stride: [2, 1],
            padding: [0, 1, 2, 0],
            batch_norm: false,
            relu: false,
        },
        Layer::Dropout { rate: 0.5 },
    ];
    layers.extend([
        dense(5, false),
        Layer::Dropout { rate: 0.4 },
        dense(3, false),
    ]);
    let case = Case::new(
        Architecture {
            input: [2, 5, 6],
            layers,
        },
        19,
        3,
    )
    .unwrap();
    let (_, gradients) = case
        .network(Isa::detect())
        .gradients(&case.batch())
        .unwrap();
    let loss = |parameters: &[Tensor]| {
        let mut network = case.network(Isa::detect());
        network.set_parameters(parameters).unwrap();
        let (score, _) = network.gradients(&case.batch()).unwrap();
        score.loss_sum / 19.0
    };
    let largest = gradients
        .iter()
        .flat_map(|t| &t.values)
        .fold(0.0_f32, |m, g| m.max(g.abs()));
    for gradient in gradients {
        let index = case
            .parameters
            .iter()
            .position(|t| t.name == gradient.name)
            .unwrap();
        for (place, &slope) in gradient.values.iter().enumerate() {
            let mut moved = case.parameters.clone();
            let width = 1e-2;
            moved[index].values[place] += width;
            let above = loss(&moved);
            moved[index].values[place] -= 2.0 * width;
            let difference = (above - loss(&moved)) / f64::from(2.0 * width);
            let error = (difference - f64::from(slope)).abs();
            let name = &gradient.name;
            assert!(
                error < 2e-3 * f64::from(largest),
                "{name}[{place}]: {slope}, by difference {difference}"
            );
        }
    }
}

#[test]
fn running_statistics_move_towards_the_batch() {
    let architecture = Architecture {
        input: [1, 9, 8],
        layers: [&conv3(5, true)[..], &[dense(2, false)]].concat(),
    };
    let case = Case::new(architecture, 40, 5).unwrap();
    let [mean, variance] = &case.reference(true).statistics[0];
    let mut network = case.network(Isa::detect());
    network.train_step(&case.batch(), 0.0).unwrap();
    for (name, new) in [
        ("conv1.norm.running_mean", mean),
        ("conv1.norm.running_var", variance),
    ] {
        let find = |list: &[Tensor]| list.iter().find(|t| t.name == name).unwrap().values.clone();
        let (old, moved) = (find(&case.parameters), find(&network.parameters()));
        let expected: Vec<f64> = old
            .iter()
            .zip(new)
            .map(|(&old, new)| 0.9 * f64::from(old) + 0.1 * new)
            .collect();
        close(name, &moved, &expected, 0.0, 1e-4).unwrap();
    }
}

#[test]
fn learns_which_half_is_brighter() {
    let mut noise = noise(11);
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for sample in 0..400 {
        let label = sample % 2;
        labels.push(label as u16);
        for y in 0..8 {
            for _ in 0..8 {
                let bright = (y < 4) == (label == 0);
                pixels.push((noise() * if bright { 200.0 } else { 120.0 }) as u8);
            }
        }
    }
    for isa in Isa::available() {
        let layers = vec![
            conv3(6, true)[0],
            conv3(6, true)[1],
            Layer::Dropout { rate: 0.2 },
            dense(2, false),
        ];
        let architecture = Architecture {
            input: [1, 8, 8],
            layers,
        };
        let start = random_parameters(&architecture, 1).unwrap();
        let mut network = Network::new(
            &architecture,
            &start,
            Settings {
                isa,
                ..Settings::default()
            },
        )
        .unwrap();
        let rows: Vec<usize> = (0..400).map(|i| i * 7 % 400).collect();
        for _ in 0..10 {
            for rows in rows.chunks(48) {
                network
                    .train_step(&Batch::rows(Pixels::U8(&pixels), &labels, rows), 5e-3)
                    .unwrap();
            }
        }
        let score = network
            .predictor()
            .unwrap()
            .evaluate(&Batch::all(Pixels::U8(&pixels), &labels))
            .unwrap();
        assert!(score.hits >= 390, "{}: {} of 400", isa.name(), score.hits);
    }
}

#[test]
fn what_is_not_a_number_shows_in_the_loss() {
    let layers = [
        &conv3(4, false)[..],
        &conv3(4, false),
        &[dense(8, true), dense(2, false)],
    ];
    let architecture = Architecture {
        input: [1, 12, 12],
        layers: layers.concat(),
    };
    for broken in ["conv1.weight", "conv2.bias", "dense1.weight", "output.bias"] {
        let mut case = Case::new(architecture.clone(), 3, 1).unwrap();
        let tensor = case
            .parameters
            .iter_mut()
            .find(|t| t.name == broken)
            .unwrap();
        tensor.values.fill(f32::NAN);
        for isa in Isa::available() {
            let score = case.network(isa).train_step(&case.batch(), 0.1).unwrap();
            assert!(score.loss_sum.is_nan(), "{} {broken}", isa.name());
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let with = |layers| Architecture {
        input: [1, 4, 4],
        layers,
    };
    let reason = |layers| blank_parameters(&with(layers)).unwrap_err().to_string();
    assert!(reason(vec![]).contains("last layer must be dense"));
    assert!(reason(vec![dense(2, true)]).contains("last layer must be dense"));
    assert!(
        reason(vec![
            conv3(1, false)[0],
            conv3(1, false)[0],
            dense(2, false)
        ])
        .starts_with("layer 2: a kernel of 3")
    );
    assert!(
        reason(vec![dense(2, true), conv3(1, false)[0], dense(2, false)]).contains("cannot follow")
    );
    assert!(
        reason(vec![Layer::Dropout { rate: 1.0 }, dense(2, false)]).contains("dropout rate of 1")
    );

    let architecture = with(vec![dense(2, false)]);
    let parameters = blank_parameters(&architecture).unwrap();
    let error = Network::new(&architecture, &parameters[1..], Settings::default()).unwrap_err();
    assert_eq!(error.to_string(), "parameter output.weight: missing");
    let mut network = Network::new(&architecture, &parameters, Settings::default()).unwrap();
    let mut step = |pixels: &[u8], labels: &[u16], rows: &[usize]| {
        let error = network.train_step(&Batch::rows(Pixels::U8(pixels), labels, rows), 0.1);
        error.unwrap_err().to_string()
    };
    assert!(step(&[0; 16], &[0], &[]).contains("no samples"));
    assert!(step(&[0; 16], &[2], &[0]).contains("label 2 in row 0, of 2 classes"));
    assert!(step(&[0; 16], &[1], &[1]).contains("row 1 of 1"));
    assert!(step(&[0; 15], &[1], &[0]).contains("15 pixels for 1 labels"));
}
