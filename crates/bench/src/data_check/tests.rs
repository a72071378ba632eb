//! On MNIST, where nothing is nearly the same, with what is made to be.
#![allow(
    clippy::unwrap_used,
    reason = "a test without its data must fail loudly"
)]

use bakeoff_core::{Images, Samples};
use bakeoff_data::split;

use super::{drift::seeded, together::together, *};

fn mnist(count: usize) -> (Samples, Samples) {
    let mnist = bakeoff_data::open("mnist").unwrap();
    (
        split::limit(mnist.train().clone(), count, 1),
        split::limit(mnist.test().clone(), count / 2, 1),
    )
}

/// The same samples with other pixels.
fn changed(samples: &Samples, change: impl Fn(usize, u8) -> u8) -> Samples {
    let pixels = samples.images().pixels().iter().enumerate();
    let pixels: Vec<u8> = pixels.map(|(at, &value)| change(at, value)).collect();
    let images = Images::new(samples.images().shape(), pixels).unwrap();
    let names = samples.class_names().to_vec();
    Samples::new(images, samples.labels().to_vec(), names).unwrap()
}

fn joined(a: &Samples, b: &Samples) -> Samples {
    let labels = [a.labels(), b.labels()].concat();
    Samples::new(together(a, b).unwrap(), labels, a.class_names().to_vec()).unwrap()
}

/// A number from -3 to 3 that looks random.
fn noise(at: usize) -> i16 {
    ((at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as i16 % 7 - 3
}

#[test]
fn noisy_copies_are_nearly_the_same_and_different_digits_are_not() {
    let (train, test) = mnist(4_000);
    let alone = near_duplicates(&train, &test).unwrap().unwrap();
    assert!(alone.pairs.len() <= 2, "{:?}", alone.pairs);

    // Forty training images are in the test part with noise, ten with another label.
    let copied: Vec<usize> = (0..40).map(|n| n * 97).collect();
    let noisy = changed(&train.select(&copied), |at, value| {
        (i16::from(value) + noise(at)).clamp(0, 255) as u8
    });
    let mut labels = noisy.labels().to_vec();
    for label in labels.iter_mut().take(10) {
        *label = (*label + 1) % 10;
    }
    let names = noisy.class_names().to_vec();
    let noisy = Samples::new(noisy.images().clone(), labels, names).unwrap();
    let found = near_duplicates(&train, &joined(&test, &noisy))
        .unwrap()
        .unwrap();
    let pairs: Vec<(usize, usize)> = found
        .pairs
        .iter()
        .filter(|pair| pair.second.in_test && pair.second.index >= test.len())
        .map(|pair| (pair.first.index, pair.second.index - test.len()))
        .collect();
    for (place, &copy) in copied.iter().enumerate() {
        assert!(pairs.contains(&(copy, place)), "{place}: {pairs:?}");
    }
    assert!((40..=42).contains(&found.test_images_in_train()));
    assert!((10..=12).contains(&found.conflicting()));
    assert_eq!(
        found,
        near_duplicates(&train, &joined(&test, &noisy))
            .unwrap()
            .unwrap()
    );
}

#[test]
fn too_few_images_have_no_density() {
    let (train, test) = mnist(4_000);
    let few: Vec<usize> = (0..8).collect();
    let found = near_duplicates(&train.select(&few), &test.select(&few));
    assert_eq!(found.unwrap(), None);
    assert_eq!(
        drift(&train.select(&few), &test.select(&few)).unwrap(),
        None
    );
}

#[test]
fn darker_and_shifted_parts_differ_and_random_halves_do_not() {
    let (train, _) = mnist(4_000);
    let mut significant = 0;
    for seed in 0..10 {
        let indices = split::hold_out_indices(&train, 0.5, seed);
        let halves = split::take_out(train.clone(), &indices);
        let found = seeded(&halves.train, &halves.held_out, seed)
            .unwrap()
            .unwrap();
        significant += usize::from(found.is_significant());
    }
    assert!(significant <= 1, "{significant} of 10 random splits");
    let halves = split::hold_out(train, 0.5, 1);
    let (first, second) = (&halves.train, &halves.held_out);
    let darker = changed(second, |_, value| (u16::from(value) * 8 / 10) as u8);
    let pixels = second.images().pixels().to_vec();
    let shifted = changed(
        second,
        |at, _| if at % 28 == 0 { 0 } else { pixels[at - 1] },
    );
    for other in [darker, shifted] {
        let found = drift(first, &other).unwrap().unwrap();
        assert!(
            found.is_significant() && found.accuracy() > 0.6,
            "{found:?}"
        );
    }
}
