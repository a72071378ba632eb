use std::collections::BTreeSet;

use bakeoff_core::{ImageShape, Images};
use proptest::{collection::vec, prelude::*};

use super::*;

/// Samples whose one pixel row holds their own index, so that they can be told apart.
fn samples(labels: &[u16], classes: usize) -> Samples {
    let pixels: Vec<u8> = (0..labels.len() as u32)
        .flat_map(u32::to_le_bytes)
        .collect();
    let images = Images::new(ImageShape::new(1, 1, 4), pixels).unwrap();
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    Samples::new(images, labels, names).unwrap()
}

/// The indices that the samples had in the whole.
fn indices(samples: &Samples) -> Vec<usize> {
    let index = |pixels: &[u8]| u32::from_le_bytes(pixels.try_into().unwrap()) as usize;
    samples.images().iter().map(index).collect()
}

fn label_lists() -> impl Strategy<Value = (Vec<u16>, usize)> {
    (2..8_usize).prop_flat_map(|classes| (vec(0..classes as u16, 0..120), Just(classes)))
}

#[test]
fn mnist_sized_shares_are_the_largest_remainders() {
    let counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    // Rounding down gives 5,996; the four largest remainders are .9, .8, .8 and .5.
    let expected = [592, 674, 596, 613, 584, 542, 592, 627, 585, 595];
    assert_eq!(shares(&counts, 0.1), expected);
    assert_eq!(expected.iter().sum::<usize>(), 6000);
}

#[test]
fn shares_keep_their_bounds_before_their_sum() {
    // Ten percent of 32 are 3; each class of two or more gives one, and none pays for it.
    assert_eq!(shares(&[2, 2, 2, 2, 24], 0.1), [1, 1, 1, 1, 3]);
    assert_eq!(shares(&[2, 1, 0, 30], 0.05), [1, 0, 0, 2]);
    assert_eq!(shares(&[5, 5], 1.0), [4, 4]);
    assert_eq!(shares(&[5, 5], 7.0), [4, 4]);
    for nothing in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        assert_eq!(shares(&[5, 5], nothing), [0, 0]);
    }
}

#[test]
fn the_draw_stays_what_it_is() {
    // Golden: a change of the draw would make records of other versions incomparable.
    let labels: Vec<u16> = (0..24).map(|index| index % 3).collect();
    let whole = samples(&labels, 3);
    let split = hold_out(whole.clone(), 0.25, 7);
    assert_eq!(indices(&split.held_out), [3, 6, 7, 10, 14, 17]);
    assert_eq!(indices(&limit(whole.clone(), 6, 7)), [0, 2, 4, 7, 11, 18]);
}

#[test]
fn seeds_draw_differently() {
    let whole = samples(&[0; 100], 2);
    let draw = |seed| indices(&hold_out(whole.clone(), 0.5, seed).held_out);
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert_ne!(
        indices(&limit(whole.clone(), 50, 1)),
        indices(&limit(whole.clone(), 50, 2))
    );
    assert_ne!(
        draw(1),
        indices(&limit(whole.clone(), 50, 1)),
        "purposes share a stream"
    );
}

#[test]
fn limits_are_stratified() {
    let labels: Vec<u16> = (0..1000).map(|index| u16::from(index % 10 == 0)).collect();
    let whole = samples(&labels, 3);
    assert_eq!(limit(whole.clone(), 100, 3).class_counts(), [90, 10, 0]);
    // One of each class before two of any.
    assert_eq!(limit(whole.clone(), 2, 3).class_counts(), [1, 1, 0]);
    assert_eq!(limit(whole.clone(), 1, 3).len(), 1);
}

proptest! {
    #[test]
    fn a_split_is_a_partition_in_order((labels, classes) in label_lists(), fraction in -0.2..1.2, seed: u64) {
        let whole = samples(&labels, classes);
        let split = hold_out(whole.clone(), fraction, seed);
        let (train, held_out) = (indices(&split.train), indices(&split.held_out));
        prop_assert!(train.is_sorted() && held_out.is_sorted());
        let mut all = [train.clone(), held_out.clone()].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        for part in [&split.train, &split.held_out] {
            for (index, &label) in indices(part).iter().zip(part.labels()) {
                prop_assert_eq!(labels[*index], label);
            }
        }
    }

    #[test]
    fn each_class_gives_its_share((labels, classes) in label_lists(), fraction in 0.0..1.0, seed: u64) {
        let whole = samples(&labels, classes);
        let split = hold_out(whole.clone(), fraction, seed);
        for (count, held) in whole.class_counts().into_iter().zip(split.held_out.class_counts()) {
            match count {
                0 | 1 => prop_assert_eq!(held, 0),
                _ if fraction > 0.0 => prop_assert!((1..count).contains(&held)),
                _ => prop_assert_eq!(held, 0),
            }
            let quota = fraction * count as f64;
            let off = (held as f64 - quota).abs();
            // Only the bounds move a class further from its quota.
            prop_assert!(off < 1.0 || (off == 1.0 && [1, count - 1].contains(&held)), "{held} of {quota}");
        }
    }

    #[test]
    fn limits_are_nested_in_order_and_fair((labels, classes) in label_lists(), a in 0..130_usize, b in 0..130_usize, seed: u64) {
        let whole = samples(&labels, classes);
        let (fewer, more) = (limit(whole.clone(), a.min(b), seed), limit(whole.clone(), a.max(b), seed));
        prop_assert_eq!(fewer.len(), a.min(b).min(labels.len()));
        prop_assert_eq!(more.len(), a.max(b).min(labels.len()));
        prop_assert!(indices(&fewer).is_sorted() && indices(&more).is_sorted());
        let larger: BTreeSet<usize> = indices(&more).into_iter().collect();
        prop_assert!(indices(&fewer).iter().all(|index| larger.contains(index)));
        let present = whole.class_counts().iter().filter(|&&count| count > 0).count();
        if more.len() >= present {
            for (count, kept) in whole.class_counts().into_iter().zip(more.class_counts()) {
                prop_assert!((count == 0) == (kept == 0));
            }
        }
    }
}

proptest! {
    #[test]
    fn folds_are_a_partition_of_even_shares((labels, classes) in label_lists(), folds in 2..9_usize, seed: u64) {
        let whole = samples(&labels, classes);
        let parts: Vec<Vec<usize>> =
            (0..folds).map(|fold| fold_indices(&whole, fold, folds, seed)).collect();
        let mut all: Vec<usize> = parts.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..whole.len()).collect::<Vec<_>>());
        let spread = |sizes: &[usize]| sizes.iter().max().unwrap() - sizes.iter().min().unwrap();
        let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
        prop_assert!(spread(&sizes) <= 1);
        for class in 0..classes {
            let shares: Vec<usize> = parts
                .iter()
                .map(|part| part.iter().filter(|&&i| usize::from(labels[i]) == class).count())
                .collect();
            prop_assert!(spread(&shares) <= 1);
        }
        prop_assert!(fold_indices(&whole, folds, folds, seed).is_empty());
        for part in &parts {
            prop_assert!(part.is_sorted());
            let split = take_out(whole.clone(), part);
            prop_assert_eq!(&indices(&split.held_out), part);
            prop_assert_eq!(split.train.len() + part.len(), whole.len());
        }
    }
}

#[test]
fn another_seed_cuts_other_folds() {
    let whole = samples(&[0, 1].repeat(40), 2);
    let first = |seed| fold_indices(&whole, 0, 5, seed);
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
    assert!(fold_indices(&whole, 0, 0, 1).is_empty());
}
