//! Single networks: what they learn, and what they refuse.

use super::*;

/// Convolution and pooling as the default network has them.
fn conv3(filters: usize, norm: Option<NormPlace>) -> [Spec; 2] {
    let convolution = Spec::Conv {
        filters,
        kernel: [3, 3],
        stride: [1, 1],
        pad: [0; 4],
        norm,
        relu: true,
    };
    [
        convolution,
        Spec::Pool {
            size: [2, 2],
            stride: [2, 2],
            average: false,
        },
    ]
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn the_default_network_agrees_with_the_reference() {
    let specs = [
        &conv3(32, None)[..],
        &conv3(64, None),
        &[dense(128, true), dense(10, false)],
    ]
    .concat();
    let case = (0..20)
        .map(|seed| Case::new([1, 28, 28], &specs, 3, seed).unwrap())
        .find(|case| case.reference(true).margin > 3e-7)
        .expect("a case without a kink");
    let exact = case.reference(true);
    for isa in Isa::available() {
        let (_, gradients) = case.gradients(&case.values, isa);
        for ((name, ours), exact) in gradients.iter().zip(&exact.gradients) {
            close(name, ours, exact, 0.0, 1e-4).unwrap();
        }
    }
}

/// Every kind of layer, small enough for Miri.
#[test]
fn a_tiny_network_agrees_with_the_reference() {
    let convolution = |stride: usize, norm: Option<NormPlace>| Spec::Conv {
        filters: 3,
        kernel: [3, 2],
        stride: [stride, 1],
        pad: [1, 0, 1, 0],
        norm,
        relu: true,
    };
    let specs = [
        convolution(1, Some(NormPlace::BeforePool)),
        Spec::Pool {
            size: [2, 2],
            stride: [2, 2],
            average: false,
        },
        convolution(2, None),
        dense(5, true),
        dense(3, false),
    ];
    let case = Case::new([2, 5, 7], &specs, 3, 11).unwrap();
    let (exact, answers) = (case.reference(true), case.reference(false));
    for isa in Isa::available() {
        let (score, gradients) = case.gradients(&case.values, isa);
        assert!((score.loss() - exact.loss).abs() < 1e-4, "{}", isa.name());
        for ((name, ours), exact) in gradients.iter().zip(&exact.gradients) {
            close(name, ours, exact, 1e-2, 1e-3).unwrap();
        }
        let ours = case.predictor(isa).scores(&case.pixels).unwrap();
        close(isa.name(), &ours, &answers.logits.values, 0.1, 1e-3).unwrap();
    }
    // With dropout, and by several threads.
    let dropout = [specs[0], Spec::Dropout { rate: 0.3 }, specs[4]];
    let case = Case::new([2, 5, 7], &dropout, 3, 11).unwrap();
    let mut trainer = case.trainer(Isa::detect());
    assert!(trainer.step(&case.batch(0.01)).unwrap().loss().is_finite());
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn gradients_are_the_slope_of_the_loss_with_dropout_too() {
    let specs = [
        Spec::Dropout { rate: 0.1 },
        Spec::Conv {
            filters: 3,
            kernel: [2, 2],
            stride: [1, 1],
            pad: [1, 0, 0, 1],
            norm: Some(NormPlace::BeforePool),
            relu: false,
        },
        Spec::Dropout { rate: 0.2 },
        Spec::Conv {
            filters: 4,
            kernel: [2, 3],
            stride: [2, 1],
            pad: [0, 1, 2, 0],
            norm: None,
            relu: false,
        },
        Spec::Dropout { rate: 0.5 },
        dense(5, false),
        Spec::Dropout { rate: 0.4 },
        dense(3, false),
    ];
    let case = Case::new([2, 5, 6], &specs, 19, 3).unwrap();
    let (_, gradients) = case.gradients(&case.values, Isa::detect());
    let loss = |values: &[Vec<f32>]| case.gradients(values, Isa::detect()).0.loss();
    let largest = gradients
        .iter()
        .flat_map(|(_, gradient)| gradient)
        .fold(0.0_f32, |most, slope| most.max(slope.abs()));
    let tensors = case.network.tensors();
    for (name, gradient) in gradients {
        let index = tensors.iter().position(|t| t.name == name).unwrap();
        for (place, &slope) in gradient.iter().enumerate() {
            let mut moved = case.values.clone();
            let width = 1e-2;
            moved[index][place] += width;
            let above = loss(&moved);
            moved[index][place] -= 2.0 * width;
            let difference = (above - loss(&moved)) / f64::from(2.0 * width);
            let error = (difference - f64::from(slope)).abs();
            assert!(
                error < 2e-3 * f64::from(largest),
                "{name}[{place}]: {slope}, by difference {difference}"
            );
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn running_statistics_move_towards_the_batch() {
    let specs = [
        &conv3(5, Some(NormPlace::BeforePool))[..],
        &[dense(2, false)],
    ]
    .concat();
    let case = Case::new([1, 9, 8], &specs, 40, 5).unwrap();
    let [mean, variance] = &case.reference(true).statistics[0];
    let mut trainer = case.trainer(Isa::detect());
    trainer.step(&case.batch(0.0)).unwrap();
    let moved = trainer.values();
    for (role, new) in [(Role::RunningMean, mean), (Role::RunningVariance, variance)] {
        let tensors = case.network.tensors();
        let index = tensors.iter().position(|t| t.role == role).unwrap();
        let expected: Vec<f64> = case.values[index]
            .iter()
            .zip(new)
            .map(|(&old, new)| 0.9 * f64::from(old) + 0.1 * new)
            .collect();
        close(&tensors[index].name, &moved[index], &expected, 0.0, 1e-4).unwrap();
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn the_average_follows_the_values_and_changes_no_step() {
    for norm in [None, Some(NormPlace::BeforePool)] {
        let specs = [&conv3(5, norm)[..], &[dense(40, true), dense(2, false)]].concat();
        let case = Case::new([1, 6, 6], &specs, 20, 5).unwrap();
        let mut expected: Vec<Vec<f64>> = case.values.clone().into_iter().map(wide).collect();
        let mut plain = case.trainer(Isa::detect());
        let mut averaged = case.trainer(Isa::detect()).with_average(0.3);
        assert_eq!(averaged.values(), case.values);
        for step in 0..6 {
            let batch = Batch {
                step,
                ..case.batch(0.02)
            };
            assert_eq!(plain.step(&batch), averaged.step(&batch));
            let t = step as f64;
            let share = 0.3_f64.min((1.0 + t) / (10.0 + t));
            for (old, new) in expected.iter_mut().zip(plain.values()) {
                for (old, new) in old.iter_mut().zip(new) {
                    *old = share * *old + (1.0 - share) * f64::from(new);
                }
            }
        }
        for (ours, exact) in averaged.values().iter().zip(&expected) {
            close("average", ours, exact, 0.1, 1e-5).unwrap();
        }
        // They are also what answers.
        let answers = averaged.predictor().unwrap().scores(&case.pixels).unwrap();
        let again = Case {
            values: averaged.values(),
            ..case
        };
        let predictor = again.predictor(Isa::detect());
        assert_eq!(answers, predictor.scores(&again.pixels).unwrap());
    }
}

fn wide(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
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
    let specs = [
        &conv3(6, Some(NormPlace::BeforePool))[..],
        &[Spec::Dropout { rate: 0.2 }, dense(2, false)],
    ]
    .concat();
    let network = network([1, 8, 8], &specs).unwrap();
    let start = random_values(&network, 1);
    for isa in Isa::available() {
        let mut trainer = Trainer::new(&network, &start, Adam::default(), 0, isa).unwrap();
        let rows: Vec<usize> = (0..400).map(|i| i * 7 % 400).collect();
        for step in 0..90 {
            let rows = rows.chunks(48).nth(step % 9);
            let batch = Batch {
                step: step as u64,
                pixels: &pixels,
                labels: &labels,
                rows,
                rate: 5e-3,
            };
            trainer.step(&batch).unwrap();
        }
        let answers = trainer.predictor().unwrap().scores(&pixels).unwrap();
        let mut score = Score::default();
        score.add(&answers, 2, &labels, &[]);
        assert!(score.hits >= 390, "{}: {} of 400", isa.name(), score.hits);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn what_is_not_a_number_shows_in_the_loss() {
    let specs = [
        &conv3(4, None)[..],
        &conv3(4, None),
        &[dense(8, true), dense(2, false)],
    ]
    .concat();
    // Weights of the first layer, biases of the second, weights of the third, biases at the end.
    for broken in [0, 3, 4, 7] {
        let mut case = Case::new([1, 12, 12], &specs, 3, 1).unwrap();
        case.values[broken].fill(f32::NAN);
        for isa in Isa::available() {
            let score = case.trainer(isa).step(&case.batch(0.1)).unwrap();
            assert!(score.loss_sum.is_nan(), "{} {broken}", isa.name());
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let large_pool = Spec::Pool {
        size: [16, 16],
        stride: [1, 1],
        average: false,
    };
    let pooled = network([1, 16, 16], &[large_pool, dense(2, false)]).unwrap();
    let refused = |network: &Network, values: &[Vec<f32>]| {
        Trainer::new(network, values, Adam::default(), 0, Isa::detect())
            .unwrap_err()
            .to_string()
    };
    let reason = refused(&pooled, &random_values(&pooled, 1));
    assert!(reason.starts_with("layer 1: a pooling window"), "{reason}");

    let network = network([1, 4, 4], &[dense(2, false)]).unwrap();
    let mut values = random_values(&network, 1);
    let mut trainer = Trainer::new(&network, &values, Adam::default(), 0, Isa::detect()).unwrap();
    let mut step = |pixels: &[u8], labels: &[u16], rows: &[usize]| {
        let batch = Batch {
            step: 0,
            pixels,
            labels,
            rows: Some(rows),
            rate: 0.1,
        };
        trainer.step(&batch).unwrap_err().to_string()
    };
    assert!(step(&[0; 16], &[0], &[]).contains("no samples"));
    assert!(step(&[0; 16], &[2], &[0]).contains("label 2 in row 0, of 2 classes"));
    assert!(step(&[0; 16], &[1], &[1]).contains("row 1 of 1"));
    assert!(step(&[0; 15], &[1], &[0]).contains("15 pixels for 1 labels"));

    assert!(refused(&network, &values[1..]).contains("1 tensors, where the network has 2"));
    values[0].pop();
    assert!(refused(&network, &values).starts_with("parameter dense1.weight: 31 values"));
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn a_dense_network_by_shares_is_the_same_to_the_bit() {
    let normed = |units| Spec::Dense {
        units,
        norm: Some(NormPlace::BeforePool),
        relu: true,
    };
    let networks = [
        vec![
            dense(128, true),
            Spec::Dropout { rate: 0.2 },
            dense(10, false),
        ],
        vec![normed(96), dense(40, true), dense(3, false)],
        vec![dense(130, false), normed(64), dense(70, false)],
        vec![dense(70, false)],
        // One panel fewer than the most threads below.
        vec![dense(224, true), dense(3, false)],
    ];
    for specs in networks {
        let case = Case::new([2, 7, 9], &specs, 128, 5).unwrap();
        for isa in Isa::available() {
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| {
                    let mut trainer = case.trainer(isa);
                    // Batches that grow and shrink, in another order of the samples.
                    let scores: Vec<Score> = (0..)
                        .zip([37, 128, 2, 64])
                        .map(|(step, samples)| {
                            let rows: Vec<usize> = (0..samples).map(|i| i * 57 % 128).collect();
                            let batch = Batch {
                                step,
                                rows: Some(&rows),
                                ..case.batch(0.01)
                            };
                            trainer.step(&batch).unwrap()
                        })
                        .collect();
                    (scores, trainer.last_scores(), trainer.values())
                })
            };
            let one = run(1);
            for threads in [2, 3, 4, 8] {
                assert!(one == run(threads), "{threads} threads, {}", isa.name());
            }
        }
    }
}
