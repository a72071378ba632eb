//! Splits against their definition, trees against what they were grown on.

use std::ops::ControlFlow;

use bakeoff_core::{
    FitContext, FitError, FitEvent, FittedModel, ImageShape, Images, Samples, Settings,
};
use proptest::prelude::*;
use serde_json::json;

use super::{
    EXTRA_TREES, RANDOM_FOREST,
    grow::{Columns, Kind, grow},
    settings::ForestSettings,
    split::{Entry, Found, Node, Search, Split},
};
use crate::tree::{LEAF, leaf_of};

/// Images whose bytes look random, of labels that depend on the first two pixels.
fn samples(count: usize, classes: u16) -> Samples {
    let shape = ImageShape::new(1, 3, 4);
    let mut state = 7_u32;
    let pixels: Vec<u8> = (0..count * shape.pixels())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Few values, so that many are equal.
            (state >> 24) as u8 / 16 * 16
        })
        .collect();
    let label = |image: &[u8]| (u16::from(image[0]) + u16::from(image[1])) * classes / 512;
    let labels: Vec<u16> = pixels.chunks_exact(12).map(label).collect();
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    Samples::new(Images::new(shape, pixels).unwrap(), labels, names).unwrap()
}

fn settings(given: serde_json::Value) -> ForestSettings {
    let given: Settings = given.as_object().unwrap().clone().into_iter().collect();
    let spec = RANDOM_FOREST.resolve(None, &given).unwrap();
    spec.settings().unwrap()
}

/// The lowest threshold with the lowest Gini impurity, tried one after the other.
fn plain_split(column: &[u8], entries: &[Entry], classes: usize, min_leaf: u32) -> Found {
    let value = |entry: &Entry| column[entry.image as usize];
    let mut values: Vec<u8> = entries.iter().map(value).collect();
    values.sort_unstable();
    values.dedup();
    if values.len() < 2 {
        return Found::Constant;
    }
    let mut best: Option<Split> = None;
    for pair in values.windows(2) {
        let threshold = ((u16::from(pair[0]) + u16::from(pair[1])) / 2) as u8;
        let side = |left: bool| {
            let mut counts = vec![0_u64; classes];
            for entry in entries {
                if (value(entry) <= threshold) == left {
                    counts[usize::from(entry.label)] += u64::from(entry.weight);
                }
            }
            let sum: u64 = counts.iter().sum();
            let squares: u64 = counts.iter().map(|count| count * count).sum();
            (sum, squares as f64 / sum as f64)
        };
        let ((left, left_score), (right, right_score)) = (side(true), side(false));
        let score = left_score + right_score;
        let enough = left.min(right) >= u64::from(min_leaf);
        if enough && best.is_none_or(|best| score > best.score) {
            best = Some(Split { score, threshold });
        }
    }
    best.map_or(Found::TooFew, Found::Best)
}

proptest! {
    // Few images are sorted, many are counted.
    #[test]
    fn the_best_split_is_the_plain_one(
        drawn in proptest::collection::vec((0_u8..40, 0_u16..4, 1_u8..4), 1..600),
        min_leaf in 1_u32..6,
    ) {
        let column: Vec<u8> = drawn.iter().map(|(value, _, _)| value * 6).collect();
        let entry = |(image, &(_, label, weight)): (usize, &(u8, u16, u8))| Entry {
            image: image as u32,
            label,
            weight,
        };
        let entries: Vec<Entry> = drawn.iter().enumerate().map(entry).collect();
        let mut node = Node::default();
        node.count(&entries, 4);
        node.prepare(&entries);
        let mut search = Search::new(4, min_leaf, entries.len());
        let expected = plain_split(&column, &entries, 4, min_leaf);
        // Twice: what one search leaves behind must not change the next.
        for _ in 0..2 {
            prop_assert_eq!(search.best(&column, &node), expected);
        }
        let once: Vec<Entry> = entries.iter().map(|entry| Entry { weight: 1, ..*entry }).collect();
        let expected = plain_split(&column, &once, 4, min_leaf);
        node.count(&once, 4);
        node.prepare(&once);
        let random = search.random(&column, &node, |low, _| low);
        prop_assert_eq!(matches!(random, Found::Constant), matches!(expected, Found::Constant));
        if let (Found::Best(random), Found::Best(best)) = (random, expected) {
            prop_assert!(random.score <= best.score);
        }
    }
}

#[test]
fn an_extra_tree_knows_every_image_that_it_was_grown_on() {
    let train = samples(500, 3);
    let columns = Columns::new(&train);
    let tree = grow(&columns, &settings(json!({})), Kind::Extra, 1);
    for (image, &label) in train.images().iter().zip(train.labels()) {
        assert_eq!(leaf_of(&tree.nodes, image), u32::from(label));
    }
    assert!(tree.shares.is_empty());
}

#[test]
fn limits_hold() {
    let train = samples(500, 3);
    let columns = Columns::new(&train);
    for kind in [Kind::Random, Kind::Extra] {
        let stump = grow(&columns, &settings(json!({"max_depth": 1})), kind, 1);
        assert_eq!(stump.nodes.len(), 3);
        let wide = grow(&columns, &settings(json!({"min_leaf": 40})), kind, 1);
        let leaves = wide.nodes.iter().filter(|node| node.pixel == LEAF).count();
        assert!((2..=500 / 40).contains(&leaves), "{leaves}");
        if kind == Kind::Extra {
            let mut held = vec![0; wide.nodes.len()];
            for image in train.images().iter() {
                // Leaves that are pure share a row; these nodes are found by their way.
                let mut at = 0;
                while wide.nodes[at].pixel != LEAF {
                    let node = wide.nodes[at];
                    at = match image[node.pixel as usize] <= node.threshold {
                        true => at + 1,
                        false => node.next as usize,
                    };
                }
                held[at] += 1;
            }
            assert!(
                held.iter().all(|&count| count == 0 || count >= 40),
                "{held:?}"
            );
        }
    }
}

fn fit(
    family: &bakeoff_core::Family,
    train: &Samples,
    given: serde_json::Value,
) -> Box<dyn FittedModel> {
    let given: Settings = given.as_object().unwrap().clone().into_iter().collect();
    let spec = family.resolve(None, &given).unwrap();
    let mut progress = |_: &FitEvent| ControlFlow::Continue(());
    let mut context = FitContext {
        seed: 3,
        validation: None,
        progress: &mut progress,
    };
    let classifier = family.build(&spec).unwrap();
    classifier.fit(train, &mut context).unwrap()
}

#[test]
fn equal_images_of_different_classes_make_a_leaf_of_both() {
    let shape = ImageShape::new(1, 1, 2);
    let images = Images::new(shape, vec![5, 5, 5, 5, 5, 5, 5, 5, 9, 9]).unwrap();
    let names = ["a", "b", "c"].map(String::from).to_vec();
    let train = Samples::new(images, vec![0, 0, 0, 1, 2], names).unwrap();
    let model = fit(&EXTRA_TREES, &train, json!({"trees": 3}));
    let found = model.predict_proba(train.images()).unwrap();
    assert_eq!(found.row(0), [0.75, 0.25, 0.0]);
    assert_eq!(found.row(4), [0.0, 0.0, 1.0]);
}

#[test]
fn many_trees_are_better_than_one() {
    let (train, test) = (samples(700, 3), samples(1000, 3));
    let right = |model: &dyn FittedModel| {
        let found = model.predict_proba(test.images()).unwrap().predicted();
        let pairs = found.iter().zip(test.labels()).skip(700);
        pairs.filter(|(found, label)| found == label).count()
    };
    for family in [&RANDOM_FOREST, &EXTRA_TREES] {
        let one = right(&*fit(family, &train, json!({"trees": 1})));
        let many = right(&*fit(family, &train, json!({"trees": 60, "candidates": 6})));
        assert!(many > one && many > 240, "{}: {one}, {many}", family.name);
    }
}

#[test]
fn a_fit_can_be_cancelled_between_trees() {
    let train = samples(50, 3);
    let spec = RANDOM_FOREST.resolve(None, &Settings::new()).unwrap();
    let mut seen = 0;
    let mut progress = |event: &FitEvent| match event {
        FitEvent::Iteration { iteration, .. } => {
            seen = *iteration;
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    };
    let mut context = FitContext {
        seed: 3,
        validation: None,
        progress: &mut progress,
    };
    let classifier = RANDOM_FOREST.build(&spec).unwrap();
    let ended = classifier.fit(&train, &mut context);
    assert!(matches!(ended, Err(FitError::Cancelled)));
    assert!(seen < 100);
}
