//! Each step against its definition, and the words of the setting.

use bakeoff_core::{ImageShape, Images, ModelSpec, Settings};
use serde_json::json;

use crate::{grammar::parse, model::applied, step::Step};

fn spec(items: &[&str]) -> ModelSpec {
    ModelSpec {
        family: "knn".into(),
        engine: "native".into(),
        settings: Settings::from([("features".into(), json!(items))]),
    }
}

fn step(text: &str) -> Box<dyn Step> {
    parse(&spec(&[text])).unwrap().pop().unwrap()
}

/// What images come to after a step that has learned from them.
fn through(text: &str, images: &Images) -> Images {
    let step = step(text);
    let shape = step.shape(images.shape()).unwrap();
    let fitted = step.fit(images, 1).unwrap();
    applied(&*fitted, images, shape).unwrap()
}

fn images(shape: ImageShape, pixels: Vec<u8>) -> Images {
    Images::new(shape, pixels).unwrap()
}

/// Images whose bytes look random and do not repeat.
fn noise(shape: ImageShape, count: usize) -> Images {
    let mut state = 1_u32;
    let pixels = (0..count * shape.pixels()).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    images(shape, pixels.collect())
}

#[test]
fn a_mistake_in_a_step_is_named_with_what_would_do() {
    let refusal = |items: &[&str]| parse(&spec(items)).err().unwrap().to_string();
    assert_eq!(
        refusal(&["deskew", "hogg 4"]),
        "setting `features` of knn is item 2 \"hogg 4\"; allowed: deskew, blur, hog, pca, standardise, \
         patches, random-conv (did you mean `hog`?)"
    );
    assert_eq!(
        refusal(&["hog"]),
        "setting `features` of knn is item 1 \"hog\"; allowed: hog CELL [ORIENTATIONS], a cell of 2 to 64 \
         pixels and 2 to 36 orientations (9 if left out)"
    );
    for wrong in [
        "deskew 1",
        "blur",
        "blur 0",
        "blur -1",
        "blur NaN",
        "hog 1",
        "hog 4 9 9",
        "hog 2.5",
        "pca 0",
        "pca",
        "pca x",
        "patches 10",
        "patches 1 3",
        "patches 10 3 9",
        "random-conv 10 17",
        "",
    ] {
        assert!(parse(&spec(&[wrong])).is_err(), "{wrong}");
    }
    for right in [
        "deskew",
        "blur 0.5",
        "hog 4",
        "hog 4 8",
        "pca 50",
        "standardise",
        "patches 10 3",
        "patches 10 3 3",
        "random-conv 10 3",
    ] {
        assert_eq!(parse(&spec(&[right])).unwrap().len(), 1, "{right}");
    }
}

#[test]
fn what_does_not_suit_the_images_is_refused() {
    let small = ImageShape::new(1, 5, 9);
    assert_eq!(
        step("hog 6").shape(small).unwrap_err(),
        "images of 1×5×9 have no cell of 6×6 pixels"
    );
    assert_eq!(
        step("pca 46").shape(small).unwrap_err(),
        "46 components are asked for, of images of 45 values"
    );
    assert!(step("pca 45").shape(small).is_ok());
    assert_eq!(
        step("patches 10 4 3").shape(small).unwrap_err(),
        "patches of 4×4 pixels have fewer than 3×3 places in images of 1×5×9"
    );
    assert_eq!(
        step("patches 10 4").shape(small),
        Ok(ImageShape::new(10, 2, 2))
    );
    assert_eq!(step("hog 2").shape(small), Ok(ImageShape::new(9, 2, 4)));
}

#[test]
fn deskew_turns_a_slanted_line_upright_and_leaves_an_upright_one() {
    let shape = ImageShape::new(1, 9, 15);
    let line = |slope: usize| {
        let pixels = (0..9).flat_map(|y| (0..15).map(move |x| (x == 3 + slope * y) as u8 * 200));
        images(shape, pixels.collect())
    };
    // Its middle, in row 4, stays where it is.
    let upright = (0..9).flat_map(|_| (0..15).map(|x| u8::from(x == 7) * 200));
    assert_eq!(
        through("deskew", &line(1)).pixels(),
        upright.collect::<Vec<u8>>()
    );
    assert_eq!(through("deskew", &line(0)), line(0));
    let blank = images(shape, vec![0; shape.pixels()]);
    assert_eq!(through("deskew", &blank), blank);
}

#[test]
fn deskew_moves_all_channels_alike() {
    let shape = ImageShape::new(3, 4, 6);
    let grey = noise(ImageShape::new(1, 4, 6), 1);
    let colour = images(shape, grey.pixels().repeat(3));
    let expected = through("deskew", &grey).pixels().repeat(3);
    assert_eq!(through("deskew", &colour).pixels(), expected);
}

#[test]
fn a_blur_keeps_even_ground_and_spreads_a_point_evenly() {
    let shape = ImageShape::new(1, 9, 9);
    let even = images(shape, vec![77; 81]);
    assert_eq!(through("blur 1.5", &even), even);
    let mut point = vec![0; 81];
    point[40] = 255;
    let found = through("blur 1", &images(shape, point));
    let at = |y: usize, x: usize| found.pixels()[y * 9 + x];
    // The normal density: 255 · 0.3991² in the middle, e^-½ of it a pixel away.
    assert_eq!(at(4, 4), 41);
    for (y, x) in [(3, 4), (5, 4), (4, 3), (4, 5)] {
        assert_eq!(at(y, x), 25);
    }
    assert_eq!(at(4, 2), at(2, 4));
}

#[test]
fn hog_tells_the_direction_of_an_edge_and_not_its_sign_nor_its_contrast() {
    let shape = ImageShape::new(1, 12, 12);
    let edge = |low: u8, high: u8, across: bool| {
        let pixels = (0..144).map(|at| match (if across { at % 12 } else { at / 12 }) < 6 {
            true => low,
            false => high,
        });
        images(shape, pixels.collect())
    };
    let found = through("hog 4 4", &edge(0, 200, true));
    assert_eq!(found.shape(), ImageShape::new(4, 3, 3));
    let sum = |of: &Images, orientation: usize| -> u32 {
        let plane = &of.pixels()[orientation * 9..][..9];
        plane.iter().map(|&value| u32::from(value)).sum()
    };
    assert!(sum(&found, 0) > 500);
    assert_eq!((1..4).map(|at| sum(&found, at)).sum::<u32>(), 0);
    assert_eq!(found, through("hog 4 4", &edge(200, 0, true)));
    for (a, b) in found
        .pixels()
        .iter()
        .zip(through("hog 4 4", &edge(0, 100, true)).pixels())
    {
        assert!(a.abs_diff(*b) <= 1);
    }
    let lying = through("hog 4 4", &edge(0, 200, false));
    assert_eq!(sum(&lying, 2), sum(&found, 0));
    assert_eq!(sum(&lying, 0), 0);
    let even = images(shape, vec![90; 144]);
    assert!(
        through("hog 4", &even)
            .pixels()
            .iter()
            .all(|&value| value == 0)
    );
}

#[test]
fn all_principal_components_keep_distances_in_proportion() {
    let shape = ImageShape::new(1, 3, 4);
    let given = noise(shape, 300);
    let found = through("pca 12", &given);
    assert_eq!(found.shape(), ImageShape::new(1, 1, 12));
    let distance = |of: &Images, a: usize, b: usize| {
        let pairs = of.get(a).unwrap().iter().zip(of.get(b).unwrap());
        let squares = pairs.map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let factors: Vec<f64> = (1..300)
        .map(|other| distance(&found, 0, other) / distance(&given, 0, other))
        .collect();
    let mean = factors.iter().sum::<f64>() / 299.0;
    // Rounding moves 12 values by at most half a level each, of distances of about 200.
    assert!(
        factors
            .iter()
            .all(|factor| (factor / mean - 1.0).abs() < 0.03),
        "{factors:?}"
    );
    let farthest = found.pixels().iter().map(|&value| value.abs_diff(127));
    assert!(farthest.max().unwrap() >= 127);
}

#[test]
fn the_first_component_is_the_direction_in_which_images_differ_most() {
    // (value, 2 · value, 50): along (1, 2, 0).
    let pixels: Vec<u8> = (0..100_u8).flat_map(|at| [at, 2 * at, 50]).collect();
    let given = images(ImageShape::new(1, 1, 3), pixels);
    let found = through("pca 2", &given);
    for (at, pair) in found.iter().enumerate() {
        // From one end to the other in even steps; nothing is left for the second.
        let expected = 255.0 * at as f64 / 99.0;
        assert!(
            (f64::from(pair[0]) - expected).abs() <= 1.0,
            "{at}: {pair:?}"
        );
        assert!((127..=128).contains(&pair[1]), "{at}: {pair:?}");
    }
}

#[test]
fn standardised_values_have_the_mean_128_and_the_deviation_32() {
    let pixels: Vec<u8> = (0..64)
        .flat_map(|at| [(at % 2) * 10, 100 + (at % 4) * 20, 9])
        .collect();
    let found = through("standardise", &images(ImageShape::new(1, 1, 3), pixels));
    for image in found.iter() {
        assert!(
            [96, 160].contains(&image[0]) && image[2] == 128,
            "{image:?}"
        );
    }
    let second = |square: fn(f64) -> f64| {
        found
            .iter()
            .map(|image| square(f64::from(image[1]) - 128.0))
            .sum::<f64>()
            / 64.0
    };
    assert!(second(|value| value).abs() < 0.6);
    assert!((second(|value| value * value).sqrt() - 32.0).abs() < 0.5);
}

#[test]
fn every_filter_answers_and_none_to_even_ground() {
    let shape = ImageShape::new(2, 5, 6);
    let given = noise(shape, 40);
    for text in ["random-conv 7 3", "patches 7 3"] {
        let found = through(text, &given);
        assert_eq!(found.shape(), ImageShape::new(7, 2, 2), "{text}");
        assert_eq!(found.pixels().iter().max(), Some(&255), "{text}");
        // Each filter answers somewhere, and not everywhere alike.
        for filter in 0..7 {
            let values = |region: usize| found.iter().map(move |image| image[filter * 4 + region]);
            assert!(
                (0..4).any(|region| values(region).min() != values(region).max()),
                "{text}"
            );
        }
        let even = images(shape, vec![200; shape.pixels()]);
        let step = step(text);
        let fitted = step.fit(&given, 1).unwrap();
        let even = applied(&*fitted, &even, found.shape()).unwrap();
        assert!(even.pixels().iter().all(|&value| value == 0), "{text}");
    }
}

#[test]
fn too_few_patches_are_refused() {
    let even = images(ImageShape::new(1, 6, 6), vec![9; 360]);
    assert_eq!(
        step("patches 5 3").fit(&even, 1).err().unwrap(),
        "5 patches are asked for, but only 0 that are not even were found"
    );
}

#[test]
fn an_image_gets_the_same_bytes_alone_and_in_a_batch() {
    let given = noise(ImageShape::new(1, 8, 9), 130);
    for text in [
        "deskew",
        "blur 1",
        "hog 3",
        "pca 5",
        "standardise",
        "patches 6 3",
        "random-conv 6 3",
    ] {
        let step = step(text);
        let shape = step.shape(given.shape()).unwrap();
        let fitted = step.fit(&given, 1).unwrap();
        let all = applied(&*fitted, &given, shape).unwrap();
        for at in 0..given.len() {
            let alone = applied(&*fitted, &given.single(at).unwrap(), shape).unwrap();
            assert_eq!(all.get(at), alone.get(0), "{text}");
        }
    }
}
