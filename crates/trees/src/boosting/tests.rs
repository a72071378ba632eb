//! Bins, gradients and leaves against their definitions, trees against what they were grown on.

use std::ops::ControlFlow;

use bakeoff_core::{FitContext, FitEvent, FittedModel, ImageShape, Images, Samples, Settings};
use bakeoff_kernels::histogram::{LANES, Limits};
use proptest::prelude::*;
use serde_json::json;

use super::{
    BOOSTED_TREES, bins,
    gradients::{Scores, drawn},
    grow::grow,
};
use crate::tree::{LEAF, leaf_of};

/// Images whose bytes look random, of labels that depend on the first two pixels.
fn samples(count: usize, classes: u16) -> Samples {
    let shape = ImageShape::new(1, 3, 4);
    let mut state = 11_u32;
    let pixels: Vec<u8> = (0..count * shape.pixels())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Half of the bytes are alike, as the background of an image.
            ((state >> 24) as u8).saturating_sub(128) * 2
        })
        .collect();
    let label = |image: &[u8]| (u16::from(image[0]) + u16::from(image[1])) * classes / 512;
    let labels: Vec<u16> = pixels.chunks_exact(12).map(label).collect();
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    Samples::new(Images::new(shape, pixels).unwrap(), labels, names).unwrap()
}

fn fit(train: &Samples, given: serde_json::Value) -> (Box<dyn FittedModel>, Vec<f64>) {
    let given: Settings = given.as_object().unwrap().clone().into_iter().collect();
    let spec = BOOSTED_TREES.resolve(None, &given).unwrap();
    let mut losses = Vec::new();
    let mut ctx = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |event| {
            if let FitEvent::Iteration {
                loss: Some(loss), ..
            } = event
            {
                losses.push(*loss);
            }
            ControlFlow::Continue(())
        },
    };
    let model = BOOSTED_TREES.build(&spec).unwrap().fit(train, &mut ctx);
    (model.unwrap(), losses)
}

fn accuracy(model: &dyn FittedModel, samples: &Samples) -> f64 {
    let answers = model.predict_proba(samples.images()).unwrap();
    let right = answers
        .predicted()
        .iter()
        .zip(samples.labels())
        .filter(|(answer, label)| answer == label)
        .count();
    right as f64 / samples.len() as f64
}

#[test]
fn every_way_through_a_tree_is_that_of_its_growth() {
    let train = samples(700, 3);
    for bins in [4, 256] {
        let pixels = bins::pixels(&train, bins);
        let pixels: Vec<_> = pixels.iter().collect();
        let scores = Scores::new(train.labels(), &[0.0; 3]);
        let (active, factor) = scores.rounded(5);
        let limits = Limits {
            min_count: 4,
            penalty: factor,
        };
        let grown = grow(train.images(), &pixels, &active, limits, 5);
        let mut sizes = vec![0; grown.count];
        for (image, &leaf) in train.images().iter().zip(&grown.leaves) {
            assert_eq!(leaf_of(&grown.nodes, image), u32::from(leaf));
            sizes[usize::from(leaf)] += 1;
        }
        assert!(grown.count > 8, "{} leaves", grown.count);
        assert!(sizes.iter().all(|&size| size >= 4), "{sizes:?}");
        let leaves = grown.nodes.iter().filter(|node| node.pixel == LEAF);
        assert_eq!(leaves.count(), grown.count);
        assert!(grown.count <= 32);
    }
}

#[test]
fn rounded_gradients_are_right_on_average() {
    for classes in [4_u16, 40] {
        let train = samples(60, classes);
        let base: Vec<f32> = (0..classes)
            .map(|class| f32::from(class % 5) * 0.3)
            .collect();
        let scores = Scores::new(train.labels(), &base);
        // Squares of sums keep their mean in a projection, sums themselves where there is none.
        let mut sums = [0.0; LANES];
        let rounds = 4000;
        for seed in 0..rounds {
            let (active, factor) = scores.rounded(seed);
            for (lane, sum) in sums.iter_mut().enumerate() {
                let all: i32 = active.gradients.iter().map(|g| i32::from(g.0[lane])).sum();
                let all = f64::from(all) / f64::from(factor);
                *sum += if classes > 14 { all * all } else { all } / rounds as f64;
            }
        }
        let mut expected = vec![0.0; usize::from(classes)];
        let rows = scores.probabilities.chunks_exact(expected.len());
        for (row, &label) in rows.zip(train.labels()) {
            for (class, (sum, p)) in expected.iter_mut().zip(row).enumerate() {
                *sum += f64::from(*p) - f64::from(u8::from(class == usize::from(label)));
            }
        }
        match classes {
            4 => {
                for (sum, expected) in sums.iter().zip(&expected) {
                    assert!((sum - expected).abs() < 0.01, "{sums:?}, not {expected:?}");
                }
            }
            _ => {
                let squares: f64 = expected.iter().map(|sum| sum * sum).sum();
                let mean = sums[..14].iter().sum::<f64>() / 14.0;
                assert!((mean / squares - 1.0).abs() < 0.05, "{mean}, not {squares}");
            }
        }
    }
}

#[test]
fn leaves_take_the_newton_step() {
    let train = samples(50, 3);
    let scores = Scores::new(train.labels(), &[0.5, 0.0, -0.25]);
    let leaves: Vec<u16> = (0..50).map(|image| image % 2).collect();
    let steps = scores.steps(&leaves, 2, 1.5, 0.1);
    for (leaf, steps) in steps.chunks_exact(3).enumerate() {
        for (class, step) in steps.iter().enumerate() {
            let (mut first, mut second) = (0.0, 0.0);
            for image in (leaf..50).step_by(2) {
                let p = f64::from(scores.probabilities[image * 3 + class]);
                first += p - f64::from(u8::from(usize::from(train.labels()[image]) == class));
                second += 1.5 * p * (1.0 - p);
            }
            let expected = -0.1 * first / (second + 1.5);
            assert!((f64::from(*step) - expected).abs() < 1e-6);
        }
    }
}

#[test]
fn the_loss_falls_and_is_that_of_the_model() {
    let train = samples(600, 3);
    let (model, losses) = fit(
        &train,
        json!({ "rounds": 40, "pixels": 1.0, "min_leaf": 2 }),
    );
    assert!(
        losses.is_sorted_by(|before, after| before > after),
        "{losses:?}"
    );
    let answers = model.predict_proba(train.images()).unwrap();
    let labels = train.labels().iter().enumerate();
    let loss: f64 = labels
        .map(|(image, &label)| -f64::from(answers.row(image)[usize::from(label)]).ln())
        .sum();
    assert!((loss / 600.0 - losses[39]).abs() < 1e-5);
    assert!(accuracy(&*model, &train) > 0.99);
    let other = samples(900, 3).select(&(600..900).collect::<Vec<_>>());
    assert!(accuracy(&*model, &other) > 0.9);
}

#[test]
fn more_classes_than_a_vector_holds_are_learned() {
    let train = samples(3000, 30);
    let (model, _) = fit(
        &train,
        json!({ "rounds": 60, "pixels": 1.0, "min_leaf": 2 }),
    );
    assert!(accuracy(&*model, &train) > 0.9);
}

proptest! {
    #[test]
    fn bins_are_in_order_and_hold_every_value(
        values in proptest::collection::vec(0_u8..=255, 2..400),
        bins in 2_usize..=256,
    ) {
        let shape = ImageShape::new(1, 1, 1);
        let labels = vec![0; values.len()];
        let images = Images::new(shape, values.clone()).unwrap();
        let train = Samples::new(images, labels, vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let mut distinct = values.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let pixels = bins::pixels(&train, bins);
        prop_assert_eq!(pixels.is_empty(), distinct.len() < 2);
        for pixel in &pixels {
            let edges = &pixel.edges;
            prop_assert!(edges.len() <= bins && edges.is_sorted_by(|one, next| one < next));
            prop_assert_eq!(edges.last(), distinct.last());
            prop_assert!(edges.len() >= 2);
            if distinct.len() <= bins {
                prop_assert_eq!(edges, &distinct);
            }
            let column = pixel.column();
            let mut expected = vec![column.usual; values.len()];
            for (&image, &bin) in column.samples.iter().zip(column.bins) {
                prop_assert_ne!(bin, column.usual);
                expected[image as usize] = bin;
            }
            for (&value, bin) in values.iter().zip(expected) {
                let bin = usize::from(bin);
                prop_assert!(value <= edges[bin] && (bin == 0 || value > edges[bin - 1]));
            }
        }
    }

    #[test]
    fn drawn_places_are_all_different(count in 0_usize..50, seed in any::<u64>()) {
        use rand::SeedableRng;
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let places = drawn(count, 50, &mut random);
        prop_assert_eq!(places.len(), count);
        prop_assert!(places.is_sorted_by(|one, next| one < next));
        prop_assert!(places.iter().all(|&place| place < 50));
    }
}
