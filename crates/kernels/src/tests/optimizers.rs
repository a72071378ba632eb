//! Whole networks moved by other optimisers than Adam, against the papers' programs.

use super::*;

const MUON: Muon = Muon {
    momentum: 0.9,
    adam: Adam {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-7,
        weight_decay: 0.1,
    },
};

/// `zeropower_via_newtonschulz5` of Jordan's program, in `f64`, of rows × columns.
fn orthogonal(rows: usize, columns: usize, matrix: &[f64]) -> Vec<f64> {
    let norm = matrix.iter().map(|x| x * x).sum::<f64>().sqrt() + 1e-7;
    let mut x: Vec<f64> = matrix.iter().map(|x| x / norm).collect();
    let product = |a: &[f64], b: &[f64], columns: usize| -> Vec<f64> {
        let inner = b.len() / columns;
        let rows = a.len() / inner;
        let sum = |r: usize, c: usize| {
            (0..inner)
                .map(|k| a[r * inner + k] * b[k * columns + c])
                .sum()
        };
        (0..rows * columns)
            .map(|at| sum(at / columns, at % columns))
            .collect()
    };
    for _ in 0..5 {
        let turned: Vec<f64> = (0..rows * columns)
            .map(|at| x[at % rows * columns + at / rows])
            .collect();
        let a = product(&x, &turned, rows);
        let b: Vec<f64> = a
            .iter()
            .zip(product(&a, &a, rows))
            .map(|(a, aa)| -4.7750 * a + 2.0315 * aa)
            .collect();
        let moved = product(&b, &x, columns);
        x = x.iter().zip(moved).map(|(x, b)| 3.4445 * x + b).collect();
    }
    x
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn muon_moves_hidden_matrices_as_its_authors_program_does() {
    let convolution = |filters: usize, kernel: [usize; 2]| Spec::Conv {
        filters,
        kernel,
        stride: [1, 1],
        pad: [0; 4],
        norm: None,
        relu: true,
    };
    // Filters fewer and more than taps, units fewer and more than inputs.
    let specs = [
        convolution(3, [2, 2]),
        convolution(10, [3, 3]),
        convolution(37, [1, 2]),
        dense(40, true),
        dense(70, true),
        dense(4, false),
    ];
    let case = Case::new([1, 8, 9], &specs, 30, 5).unwrap();
    let tensors = case.network.tensors();
    let hidden = |name: &str| {
        name.ends_with("weight") && !["conv1", "dense6"].contains(&&name[..name.len() - 7])
    };
    let rate = 0.01;
    for isa in Isa::available() {
        let mut muon =
            Trainer::new(&case.network, &case.values, Optimizer::Muon(MUON), 0, isa).unwrap();
        let mut adam = Trainer::new(&case.network, &case.values, MUON.adam, 0, isa).unwrap();
        let mut means: Vec<Vec<f64>> = case.values.iter().map(|v| vec![0.0; v.len()]).collect();
        for step in 0..2 {
            let before = muon.values();
            let (_, gradients) = case.gradients(&before, isa);
            let batch = Batch {
                step,
                ..case.batch(rate)
            };
            muon.step(&batch).unwrap();
            adam.step(&batch).unwrap();
            let (after, of_adam) = (muon.values(), adam.values());
            for (index, tensor) in tensors.iter().enumerate() {
                if !hidden(&tensor.name) {
                    // In the second step the gradients are no longer the same.
                    assert!(
                        step > 0 || after[index] == of_adam[index],
                        "{}",
                        tensor.name
                    );
                    continue;
                }
                let rows = tensor.shape[0];
                let columns = tensor.shape[1..].iter().product();
                let gradient = gradients[index].1.iter().map(|&g| f64::from(g));
                let beta = f64::from(MUON.momentum);
                let directions: Vec<f64> = means[index]
                    .iter_mut()
                    .zip(gradient)
                    .map(|(m, g)| {
                        *m = beta * *m + (1.0 - beta) * g;
                        beta * *m + (1.0 - beta) * g
                    })
                    .collect();
                let moved = orthogonal(rows, columns, &directions);
                let scale = 0.2 * (rows.max(columns) as f64).sqrt();
                let ours: Vec<f32> = after[index]
                    .iter()
                    .zip(&before[index])
                    .map(|(after, before)| {
                        (before * (1.0 - rate as f32 * 0.1) - after) / rate as f32
                    })
                    .collect();
                let expected: Vec<f64> = moved.iter().map(|x| x * scale).collect();
                // Directions of small singular values are multiplied by up to 485, and so are rounding errors.
                close(&tensor.name, &ours, &expected, 0.1, 5e-3).unwrap();
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn every_optimizer_lowers_the_loss() {
    let specs = [dense(40, true), dense(33, true), dense(3, false)];
    let case = Case::new([1, 6, 6], &specs, 50, 2).unwrap();
    let sgd = Sgd {
        momentum: 0.9,
        weight_decay: 1e-3,
    };
    for (optimizer, rate) in [
        (Optimizer::Adam(MUON.adam), 0.003),
        (Optimizer::Sgd(sgd), 0.03),
        (Optimizer::Muon(MUON), 0.003),
    ] {
        let trainer = Trainer::new(&case.network, &case.values, optimizer, 0, Isa::detect());
        let mut trainer = trainer.unwrap();
        let mut step = |step| {
            let batch = Batch {
                step,
                ..case.batch(rate)
            };
            trainer.step(&batch).unwrap().loss()
        };
        let first = step(0);
        let last = (1..100).map(&mut step).last().unwrap();
        assert!(last < 0.5 * first, "{optimizer:?}: {first}, then {last}");
    }
}
