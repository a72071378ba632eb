//! Single networks: what they learn, and what they refuse.

use super::*;

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
        let mut network = Trainer::new(
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
    let error = Trainer::new(&architecture, &parameters[1..], Settings::default()).unwrap_err();
    assert_eq!(error.to_string(), "parameter output.weight: missing");
    let mut network = Trainer::new(&architecture, &parameters, Settings::default()).unwrap();
    let mut step = |pixels: &[u8], labels: &[u16], rows: &[usize]| {
        let error = network.train_step(&Batch::rows(Pixels::U8(pixels), labels, rows), 0.1);
        error.unwrap_err().to_string()
    };
    assert!(step(&[0; 16], &[0], &[]).contains("no samples"));
    assert!(step(&[0; 16], &[2], &[0]).contains("label 2 in row 0, of 2 classes"));
    assert!(step(&[0; 16], &[1], &[1]).contains("row 1 of 1"));
    assert!(step(&[0; 15], &[1], &[0]).contains("15 pixels for 1 labels"));
}

#[test]
fn a_dense_network_by_shares_is_the_same_to_the_bit() {
    let normed = |units| Layer::Dense {
        units,
        batch_norm: true,
        relu: true,
    };
    let networks = [
        vec![
            dense(128, true),
            Layer::Dropout { rate: 0.2 },
            dense(10, false),
        ],
        vec![normed(96), dense(40, true), dense(3, false)],
        vec![dense(130, false), normed(64), dense(70, false)],
        vec![dense(70, false)],
        // One panel fewer than the most threads below.
        vec![dense(224, true), dense(3, false)],
    ];
    for layers in networks {
        let architecture = Architecture {
            input: [2, 7, 9],
            layers,
        };
        let case = Case::new(architecture, 128, 5).unwrap();
        let picture = 2 * 7 * 9;
        for isa in Isa::available() {
            let run = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| {
                    let mut network = case.network(isa);
                    // Batches that grow and shrink, in another order of the samples.
                    let scores: Vec<Score> = [37, 128, 2, 64]
                        .into_iter()
                        .map(|samples| {
                            let rows: Vec<usize> = (0..samples).map(|i| i * 57 % 128).collect();
                            let pixels = Pixels::F32(&case.pixels[..128 * picture]);
                            let batch = Batch::rows(pixels, &case.labels, &rows);
                            network.train_step(&batch, 0.01).unwrap()
                        })
                        .collect();
                    (scores, network.last_logits(), network.parameters())
                })
            };
            let one = run(1);
            for threads in [2, 3, 4, 8] {
                assert!(one == run(threads), "{threads} threads, {}", isa.name());
            }
        }
    }
}
