//! Every set of vector instructions that this machine has, against plain loops.

use proptest::prelude::*;

use super::*;

/// Images, weights and targets of some shape.
#[derive(Clone, Debug)]
struct Case {
    pixels: usize,
    classes: usize,
    bytes: Vec<u8>,
    /// Classes × pixels, for bytes.
    weights: Vec<f64>,
    biases: Vec<f64>,
    targets: Vec<u16>,
    /// Of each class, or none.
    class_weights: Vec<f64>,
}

fn case() -> impl Strategy<Value = Case> {
    (1usize..90, 2usize..13, 0usize..=BLOCK).prop_flat_map(|(pixels, classes, count)| {
        let bytes = prop::collection::vec(prop_oneof![Just(0), any::<u8>()], count * pixels);
        let weights = prop::collection::vec(-0.01..0.01, classes * pixels);
        let biases = prop::collection::vec(-3.0..3.0, classes);
        let targets = prop::collection::vec(0..classes as u16, count);
        let class_weights = prop_oneof![
            Just(Vec::new()),
            prop::collection::vec(0.1..4.0, classes..=classes),
        ];
        let parts = (bytes, weights, biases, targets, class_weights);
        parts.prop_map(
            move |(bytes, weights, biases, targets, class_weights)| Case {
                class_weights,
                pixels,
                classes,
                bytes,
                weights,
                biases,
                targets,
            },
        )
    })
}

impl Case {
    fn packed(&self) -> PackedWeights {
        let mut weights = PackedWeights::zeros(self.classes, self.pixels);
        for (class, row) in self.weights.chunks_exact(self.pixels).enumerate() {
            weights.tiles.fill(class, row, |w| w as f32);
        }
        weights.biases = self.biases.iter().map(|&b| b as f32).collect();
        weights
    }

    /// Probabilities in double precision, by the definition.
    fn probabilities(&self) -> Vec<f64> {
        let mut out = Vec::new();
        for picture in self.bytes.chunks_exact(self.pixels) {
            let scores = self.weights.chunks_exact(self.pixels).zip(&self.biases);
            let terms: Vec<f64> = scores
                .map(|(row, bias)| {
                    let products = row.iter().zip(picture).map(|(w, &x)| w * f64::from(x));
                    (products.sum::<f64>() + bias).exp()
                })
                .collect();
            let sum: f64 = terms.iter().sum();
            out.extend(terms.iter().map(|term| term / sum));
        }
        out
    }

    /// Loss, gradient (classes × pixels) and bias gradient, by the definition.
    fn loss_and_gradient(&self) -> (f64, Vec<f64>, Vec<f64>) {
        let mut loss = 0.0;
        let mut gradient = vec![0.0; self.classes * self.pixels];
        let mut biases = vec![0.0; self.classes];
        let pictures = self.bytes.chunks_exact(self.pixels);
        let probabilities = self.probabilities();
        let answers = probabilities.chunks_exact(self.classes);
        for ((picture, p), &target) in pictures.zip(answers).zip(&self.targets) {
            let weight = self.class_weights.get(usize::from(target));
            let weight = weight.copied().unwrap_or(1.0);
            loss -= weight * p[usize::from(target)].ln();
            for class in 0..self.classes {
                let truth = if class == usize::from(target) {
                    1.0
                } else {
                    0.0
                };
                let error = weight * (p[class] - truth);
                biases[class] += error;
                for (pixel, &x) in picture.iter().enumerate() {
                    gradient[class * self.pixels + pixel] += error * f64::from(x);
                }
            }
        }
        (loss, gradient, biases)
    }

    fn loss_gradient(&self, instructions: InstructionSet) -> Gradient {
        let weights = self.packed();
        let mut gradient = Gradient {
            rows: Tiles::zeros(self.classes, self.pixels, 1),
            biases: vec![0.0; self.classes],
            loss: 0.0,
        };
        instructions.run(LossGradient {
            weights: &weights,
            workspace: &mut Workspace::new(BLOCK, &weights),
            bytes: &self.bytes,
            next: &self.bytes,
            targets: &self.targets,
            class_weights: &self.class_weights,
            gradient: &mut gradient,
        });
        gradient
    }

    fn predict(&self, instructions: InstructionSet, bytes: &[u8]) -> Vec<f32> {
        let weights = self.packed();
        let count = bytes.len() / self.pixels;
        let mut out = vec![0.0; count * self.classes];
        instructions.run(Predict {
            weights: &weights,
            workspace: &mut Workspace::new(count, &weights),
            bytes,
            next: &[],
            out: &mut out,
        });
        out
    }
}

/// Whether `got` is within the rounding of single precision around `expected`, where
/// terms of size `scale` were added.
fn close(got: f64, expected: f64, scale: f64) -> Result<(), TestCaseError> {
    prop_assert!(
        (got - expected).abs() <= 1e-5 * scale.max(1.0),
        "{got} {expected}"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn probabilities_follow_the_definition(case in case()) {
        let expected = case.probabilities();
        for instructions in InstructionSet::all() {
            let got = case.predict(instructions, &case.bytes);
            prop_assert_eq!(got.len(), expected.len());
            for (&got, &expected) in got.iter().zip(&expected) {
                close(got.into(), expected, 1.0)?;
            }
        }
    }

    #[test]
    fn a_picture_has_the_same_bits_alone(case in case()) {
        for instructions in InstructionSet::all() {
            let alone: Vec<f32> = case
                .bytes
                .chunks_exact(case.pixels)
                .flat_map(|picture| case.predict(instructions, picture))
                .collect();
            prop_assert_eq!(alone, case.predict(instructions, &case.bytes));
        }
    }

    #[test]
    fn the_gradient_follows_the_definition(case in case()) {
        let (loss, gradient, biases) = case.loss_and_gradient();
        let count = case.targets.len() as f64;
        for instructions in InstructionSet::all() {
            let got = case.loss_gradient(instructions);
            close(got.loss, loss, count)?;
            let stride = got.rows.stride();
            for (class, expected) in gradient.chunks_exact(case.pixels).enumerate() {
                let row = &got.rows.padded()[class * stride..][..stride];
                for (&got, &expected) in row.iter().zip(expected) {
                    close(got.into(), expected, 255.0 * count)?;
                }
                // The padding must stay what it is.
                prop_assert!(row[case.pixels..].iter().all(|&value| value == 0.0));
                close(got.biases[class], biases[class], count)?;
            }
        }
    }

    #[test]
    fn double_precision_follows_the_definition(case in case()) {
        let (loss, gradient, biases) = case.loss_and_gradient();
        let stride = case.pixels + 3;
        for instructions in InstructionSet::all() {
            let mut got = vec![0.0; case.classes * stride];
            let mut got_biases = vec![0.0; case.classes];
            let got_loss = instructions.run(LossGradientDouble {
                weights: &case.weights,
                biases: &case.biases,
                bytes: &case.bytes,
                targets: &case.targets,
                class_weights: &case.class_weights,
                gradient: &mut got,
                stride,
                bias_gradient: &mut got_biases,
            });
            prop_assert!((got_loss - loss).abs() < 1e-9 * loss.max(1.0));
            for (class, expected) in gradient.chunks_exact(case.pixels).enumerate() {
                for (got, expected) in got[class * stride..].iter().zip(expected) {
                    prop_assert!((got - expected).abs() < 1e-8, "{got} {expected}");
                }
                prop_assert!((got_biases[class] - biases[class]).abs() < 1e-10);
            }
        }
    }
}

#[test]
fn this_machine_is_tested_with_more_than_portable_instructions() {
    // Every kernel test runs over `InstructionSet::all`; on common machines that must be more
    // than the portable set.
    let paths = InstructionSet::all().count();
    let wide = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    assert!(paths >= if wide { 2 } else { 1 });
    assert!(matches!(
        InstructionSet::all().last(),
        Some(InstructionSet::Portable)
    ));
}

#[test]
fn the_host_record_lists_the_instructions_of_every_kernel() {
    let found = bakeoff_kernels::Cpu::detected().names();
    for instructions in InstructionSet::all() {
        let needed: &[&str] = match instructions.name() {
            "avx512" => &["avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"],
            "avx2" => &["avx2", "fma"],
            "neon" => &["neon"],
            _ => &[],
        };
        assert!(needed.iter().all(|name| found.contains(name)), "{found:?}");
    }
}
