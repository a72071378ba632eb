//! Whole networks against the plain reference, on shapes drawn at random.

mod behaviour;
mod reference;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

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

fn dense(units: usize, relu: bool) -> Layer {
    Layer::Dense {
        units,
        batch_norm: false,
        relu,
    }
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

    fn network(&self, isa: Isa) -> Trainer {
        let settings = Settings {
            pixel_scale: self.scale.clone(),
            isa,
            ..Settings::default()
        };
        Trainer::new(&self.architecture, &self.parameters, settings).expect("checked before")
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
