use bakeoff_core::Samples;
use bakeoff_tests::toy;
use proptest::prelude::*;

use super::*;
use crate::split;

fn random(shape: ImageShape, count: usize, seed: u64) -> Images {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let pixels: Vec<u8> = (0..count * shape.pixels()).map(|_| rng.random()).collect();
    Images::new(shape, pixels).unwrap()
}

fn all(images: &Images, corruption: Corruption, severity: u8) -> Images {
    corrupt(images, 0..images.len(), corruption, severity, 1).unwrap()
}

/// Some test images of MNIST.
fn digits() -> Images {
    let mnist = crate::open("mnist").unwrap();
    split::limit(mnist.test().clone(), 120, 1).images().clone()
}

fn coloured() -> Images {
    let spec = toy::ToySpec {
        shape: ImageShape::new(3, 17, 23),
        train: 60,
        ..toy::ToySpec::default()
    };
    let train: Samples = toy::prototypes(spec).unwrap().train().clone();
    train.images().clone()
}

/// Mean distance of values.
fn distance(a: &Images, b: &Images) -> f64 {
    let sum: u64 = a
        .pixels()
        .iter()
        .zip(b.pixels())
        .map(|(&a, &b)| u64::from(a.abs_diff(b)))
        .sum();
    sum as f64 / a.pixels().len() as f64
}

#[test]
fn every_severity_is_farther_from_the_picture_than_the_one_before() {
    for (name, images) in [("digits", digits()), ("coloured", coloured())] {
        for corruption in Corruption::ALL {
            let mut before = 0.0;
            for severity in 1..=Corruption::SEVERITIES {
                let after = distance(&images, &all(&images, corruption, severity));
                assert!(
                    after > before,
                    "{name}, {corruption} {severity}: {after} after {before}"
                );
                before = after;
            }
        }
    }
}

#[test]
fn a_copy_depends_on_the_picture_and_its_place_alone() {
    let images = random(ImageShape::new(2, 11, 9), 200, 3);
    for corruption in Corruption::ALL {
        let whole = all(&images, corruption, 3);
        for place in [0, 63, 64, 65, 199] {
            let alone = corrupt(&images, place..place + 1, corruption, 3, 1).unwrap();
            assert_eq!(alone.get(0), whole.get(place), "{corruption}, {place}");
        }
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let again = pool.install(|| all(&images, corruption, 3));
            assert!(again == whole, "{corruption} with {threads} threads");
        }
    }
}

#[test]
fn what_is_random_differs_between_pictures_and_seeds() {
    let images = random(ImageShape::new(1, 12, 12), 1, 5);
    let twice = images.select(&[0; 40]);
    for corruption in Corruption::ALL {
        let copies = all(&twice, corruption, 4);
        let random = matches!(
            corruption,
            Corruption::Shift
                | Corruption::Rotate
                | Corruption::Scale
                | Corruption::Shear
                | Corruption::Noise
                | Corruption::SaltAndPepper
                | Corruption::Occlude
        );
        let same = copies.iter().all(|copy| Some(copy) == copies.get(0));
        assert_eq!(same, !random, "{corruption}");
        let other = corrupt(&twice, 0..40, corruption, 4, 2).unwrap();
        assert_eq!(other == copies, !random, "{corruption}");
    }
}

#[test]
fn odd_shapes_ranges_and_severities_do_no_harm() {
    for shape in [(1, 1, 1), (2, 1, 7), (1, 9, 1), (4, 2, 3)] {
        let images = random(ImageShape::new(shape.0, shape.1, shape.2), 3, 1);
        for corruption in Corruption::ALL {
            for severity in 1..=Corruption::SEVERITIES {
                assert_eq!(all(&images, corruption, severity).len(), 3);
            }
            assert!(all(&images, corruption, 0) == all(&images, corruption, 1));
            assert!(all(&images, corruption, 9) == all(&images, corruption, 5));
            let past = corrupt(&images, 2..70, corruption, 2, 1).unwrap();
            assert_eq!(past.len(), 1);
            assert!(corrupt(&images, 5..9, corruption, 2, 1).unwrap().is_empty());
        }
    }
}

#[test]
fn shifts_by_whole_pixels_are_exact() {
    let shape = ImageShape::new(1, 28, 30);
    let images = random(shape, 100, 2);
    for severity in 1..=Corruption::SEVERITIES {
        let by = i32::from(severity);
        let mut seen = [false; 9];
        let copies = all(&images, Corruption::Shift, severity);
        for (from, to) in images.iter().zip(copies.iter()) {
            let moved = |down: i32, right: i32| -> Vec<u8> {
                let value = |row: i32, column: i32| {
                    let inside = (0..28).contains(&row) && (0..30).contains(&column);
                    let index = (row * 30 + column) as usize;
                    if inside { from[index] } else { 0 }
                };
                (0..28)
                    .flat_map(|row| (0..30).map(move |column| (row, column)))
                    .map(|(row, column)| value(row - down, column - right))
                    .collect()
            };
            let way = (0..9)
                .find(|way| moved((way / 3 - 1) * by, (way % 3 - 1) * by) == to)
                .unwrap_or_else(|| panic!("severity {severity} is no shift by {by}"));
            seen[way as usize] = true;
        }
        // Everywhere but on the spot.
        assert_eq!(seen.iter().filter(|&&seen| seen).count(), 8);
        assert!(!seen[4]);
    }
}

/// A plane sampled by one of the ways.
fn sampled(way: &Sampling, plane: &[u8]) -> Vec<u8> {
    let mut to = vec![9; plane.len()];
    way.apply(plane, &mut to, &mut Vec::new());
    to
}

#[test]
fn no_turn_is_the_picture_and_a_quarter_turn_is_exact() {
    let shape = ImageShape::new(1, 7, 7);
    let image = random(shape, 1, 4);
    let plane = image.pixels();
    for way in affine::rotations(shape, 0.0) {
        assert_eq!(sampled(&way, plane), plane);
    }
    let quarter = |clockwise: bool| -> Vec<u8> {
        (0..49)
            .map(|i| (i / 7, i % 7))
            .map(|(row, column)| match clockwise {
                true => plane[(6 - column) * 7 + row],
                false => plane[column * 7 + 6 - row],
            })
            .collect()
    };
    let [one, other] = [0, 1].map(|way| sampled(&affine::rotations(shape, 90.0)[way], plane));
    assert!(one == quarter(true) || one == quarter(false));
    assert!(other == quarter(true) || other == quarter(false));
    assert_ne!(one, other);
}

/// Bilinear sampling in floating point, as it is written in books.
fn bilinear(plane: &[u8], width: usize, x: f64, y: f64) -> f64 {
    let height = plane.len() / width;
    let value = |x: f64, y: f64| {
        let inside = x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64;
        match inside {
            true => f64::from(plane[y as usize * width + x as usize]),
            false => 0.0,
        }
    };
    let (left, top) = (x.floor(), y.floor());
    let (right, lower) = (x - left, y - top);
    (1.0 - lower) * ((1.0 - right) * value(left, top) + right * value(left + 1.0, top))
        + lower * ((1.0 - right) * value(left, top + 1.0) + right * value(left + 1.0, top + 1.0))
}

proptest! {
    #[test]
    fn sampling_is_bilinear(
        a in -2.0..2.0_f64, b in -2.0..2.0_f64, c in -2.0..2.0_f64, d in -2.0..2.0_f64,
        right in -4.0..4.0_f64, down in -4.0..4.0_f64,
        height in 1..9_usize, width in 1..9_usize,
    ) {
        let shape = ImageShape::new(1, height, width);
        let image = random(shape, 1, 11);
        let way = Sampling::new(shape, [[a, b], [c, d]], [right, down]);
        let found = sampled(&way, image.pixels());
        let centre = [(width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0];
        for (index, &found) in found.iter().enumerate() {
            let x = (index % width) as f64 - centre[0];
            let y = (index / width) as f64 - centre[1];
            let expected = bilinear(
                image.pixels(),
                width,
                a * x + b * y + right + centre[0],
                c * x + d * y + down + centre[1],
            );
            // Places are rounded to a 256th of a pixel each way, values to whole ones.
            prop_assert!((f64::from(found) - expected).abs() <= 2.0 * 255.0 / 256.0 + 0.5);
        }
    }

    #[test]
    fn thicker_and_thinner_are_the_neighbours_extremes(height in 1..8_usize, width in 1..8_usize, seed: u64) {
        let shape = ImageShape::new(1, height, width);
        let image = random(shape, 1, seed);
        let plane = image.pixels();
        let extreme = |reach: fn(usize, usize) -> bool, largest: bool| -> Vec<u8> {
            (0..plane.len())
                .map(|at| {
                    let near = (0..plane.len()).filter(|&other| {
                        reach(
                            (at / width).abs_diff(other / width),
                            (at % width).abs_diff(other % width),
                        )
                    });
                    let values = near.map(|other| plane[other]);
                    if largest { values.max().unwrap() } else { values.min().unwrap() }
                })
                .collect()
        };
        let cross = |down: usize, right: usize| down + right <= 1;
        let square = |down: usize, right: usize| down <= 1 && right <= 1;
        let wide = |down: usize, right: usize| down <= 2 && right <= 2;
        let diamond = |down: usize, right: usize| down + right <= 2;
        let copy = |corruption, severity| all(&image, corruption, severity).pixels().to_vec();
        prop_assert_eq!(copy(Corruption::Thicken, 2), extreme(cross, true));
        prop_assert_eq!(copy(Corruption::Thicken, 3), extreme(square, true));
        prop_assert_eq!(copy(Corruption::Thicken, 5), extreme(wide, true));
        prop_assert_eq!(copy(Corruption::Thin, 3), extreme(cross, false));
        prop_assert_eq!(copy(Corruption::Thin, 4), extreme(square, false));
        prop_assert_eq!(copy(Corruption::Thin, 5), extreme(diamond, false));
    }
}

#[test]
fn strokes_of_large_pictures_change_as_much_as_of_small_ones() {
    // A bar of 1/14 of the side, in images of 28 and of 112 pixels.
    let ink = |side: usize, severity| {
        let pixels: Vec<u8> = (0..side * side)
            .map(|i| {
                if (i % side) / (side / 14) == 6 {
                    255
                } else {
                    0
                }
            })
            .collect();
        let image = Images::new(ImageShape::new(1, side, side), pixels).unwrap();
        let sum = |image: &Images| image.pixels().iter().map(|&v| f64::from(v)).sum::<f64>();
        sum(&all(&image, Corruption::Thicken, severity)) / sum(&image)
    };
    for severity in 2..=5 {
        assert!((ink(28, severity) - ink(112, severity)).abs() < 1e-9);
    }
    assert_eq!(ink(28, 2), 2.0);
}

#[test]
fn blur_keeps_what_is_even_and_spreads_a_point_as_a_bell() {
    let even = Images::new(ImageShape::new(1, 9, 5), vec![77; 45]).unwrap();
    for severity in 1..=Corruption::SEVERITIES {
        assert!(all(&even, Corruption::Blur, severity) == even, "{severity}");
    }
    // Against the sum over both axes in floating point.
    let image = random(ImageShape::new(1, 28, 28), 1, 8);
    for (severity, deviation) in (1..).zip(BLUR) {
        let copy = all(&image, Corruption::Blur, severity);
        let radius = (3.0 * deviation).ceil() as isize;
        let bell = |x: isize| (-0.5 * (x as f64 / deviation).powi(2)).exp();
        let norm: f64 = (-radius..=radius).map(bell).sum();
        for (index, &found) in copy.pixels().iter().enumerate() {
            let (row, column) = ((index / 28) as isize, (index % 28) as isize);
            let mut sum = 0.0;
            for down in -radius..=radius {
                for right in -radius..=radius {
                    let y = (row + down).clamp(0, 27) as usize;
                    let x = (column + right).clamp(0, 27) as usize;
                    sum += bell(down) * bell(right) * f64::from(image.pixels()[y * 28 + x]);
                }
            }
            let expected = sum / (norm * norm);
            assert!(
                (f64::from(found) - expected).abs() < 0.51,
                "{severity}: {found} is not {expected}"
            );
        }
    }
}

#[test]
fn noise_has_the_deviation_that_it_says() {
    let grey = Images::new(ImageShape::new(1, 100, 100), vec![128; 200_000]).unwrap();
    // Above the first two the range of bytes cuts the tails off.
    for (severity, deviation) in (1..=2).zip(NOISE) {
        let copy = all(&grey, Corruption::Noise, severity);
        let values = || copy.pixels().iter().map(|&v| f64::from(v));
        let count = copy.pixels().len() as f64;
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        assert!((mean - 128.0).abs() < 0.5, "{mean}");
        // Rounding to whole values adds a twelfth.
        let expected = ((deviation * 255.0).powi(2) + 1.0 / 12.0).sqrt();
        let found = variance.sqrt();
        assert!((found / expected - 1.0).abs() < 0.01, "{found}, {expected}");
    }
}

#[test]
fn salt_and_pepper_takes_its_share_to_either_side() {
    let grey = Images::new(ImageShape::new(1, 100, 100), vec![128; 200_000]).unwrap();
    let mut before = grey.clone();
    for (severity, share) in (1..).zip(SALT_AND_PEPPER) {
        let copy = all(&grey, Corruption::SaltAndPepper, severity);
        let part = |wanted: u8| {
            let there = copy.pixels().iter().filter(|&&v| v == wanted).count();
            there as f64 / 200_000.0
        };
        assert!((part(0) - share / 2.0).abs() < 0.005, "{}", part(0));
        assert!((part(255) - share / 2.0).abs() < 0.005, "{}", part(255));
        // What was lost stays lost, to the same side.
        let kept = before.pixels().iter().zip(copy.pixels());
        assert!(kept.clone().all(|(&was, &is)| was == 128 || was == is));
        before = copy;
    }
}

#[test]
fn tones_are_what_they_say() {
    let image = Images::new(ImageShape::new(1, 16, 16), (0..=255).collect::<Vec<u8>>()).unwrap();
    let values = |corruption, severity| all(&image, corruption, severity).pixels().to_vec();
    let negative: Vec<u8> = (0..=255).rev().collect();
    assert_eq!(values(Corruption::Invert, 5), negative);
    assert_eq!(values(Corruption::Invert, 1)[0], 51);
    assert_eq!(values(Corruption::Invert, 1)[255], 204);
    assert_eq!(values(Corruption::Dim, 2)[200], 100);
    assert_eq!(values(Corruption::Dim, 5)[0], 0);
}

#[test]
fn an_occlusion_is_a_black_square_that_grows() {
    let white = Images::new(ImageShape::new(3, 30, 40), vec![255; 3600 * 50]).unwrap();
    let mut whole = 0;
    for severity in 1..=Corruption::SEVERITIES {
        let side = (OCCLUDE[usize::from(severity) - 1] * 30.0).round() as usize;
        for copy in all(&white, Corruption::Occlude, severity).iter() {
            let plane = &copy[..1200];
            assert!(copy.chunks(1200).all(|other| other == plane));
            let black: Vec<usize> = (0..1200).filter(|&i| plane[i] == 0).collect();
            let rows: Vec<usize> = black.iter().map(|i| i / 40).collect();
            let columns: Vec<usize> = black.iter().map(|i| i % 40).collect();
            let span = |of: &[usize]| 1 + of.iter().max().unwrap() - of.iter().min().unwrap();
            assert_eq!(span(&rows) * span(&columns), black.len(), "one rectangle");
            assert!(span(&rows) <= side && span(&columns) <= side);
            whole += usize::from(black.len() == side * side);
        }
    }
    assert!(whole > 50, "most lie inside of the image");
}
