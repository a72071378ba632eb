//! Drawings that are no digit.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bakeoff_core::ImageShape;
use bakeoff_picture::encode_png;
use serde_json::Value;

use super::{PICTURES, predict, trained};
use crate::support::{comparison, scratch};

/// Curves through random points, light on dark, as PNG.
fn write_scribble(seed: u64, path: &Path) {
    const SIDE: usize = 120;
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        15.0 + (state >> 40) as f64 / f64::from(1 << 24) * (SIDE - 30) as f64
    };
    let corners: Vec<[f64; 2]> = (0..8).map(|_| [next(), next()]).collect();
    let mut pixels = vec![0_u8; SIDE * SIDE];
    for ends in corners.windows(2) {
        for step in 0..=200 {
            let share = f64::from(step) / 200.0;
            let at = |axis: usize| ends[0][axis] + share * (ends[1][axis] - ends[0][axis]);
            for pen in 0..25 {
                let [row, column] = [at(0) as usize + pen / 5, at(1) as usize + pen % 5];
                pixels[row * SIDE + column] = 255;
            }
        }
    }
    let shape = ImageShape::new(1, SIDE, SIDE);
    fs::write(path, encode_png(shape, &pixels).unwrap()).unwrap();
}

#[test]
fn scribbles_are_said_to_be_perhaps_none_of_the_classes() {
    let trained = trained();
    let manifest = fs::read(trained.folder.join("models/mnist-12000/cnn/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["fit_bound"]["least"].as_array().unwrap().len(), 10);

    let scribbles: Vec<PathBuf> = (0..40)
        .map(|seed| {
            let path = trained.folder.join(format!("scribble-{seed}.png"));
            write_scribble(seed, &path);
            path
        })
        .collect();
    let doubted = |pictures: &[PathBuf]| {
        let lines = predict(&trained.folder, &["--model", "cnn", "--json"], pictures);
        let lines = lines.expect(0).json_lines();
        let strange = lines.iter().filter(|line| {
            let answer = &line["predictions"][0];
            assert_eq!(
                answer["unsure"].as_bool().unwrap(),
                !answer["doubt"].is_null()
            );
            answer["doubt"] == "no-class-fits"
        });
        strange.count()
    };
    let (of_scribbles, of_digits) = (doubted(&scribbles), doubted(&trained.pictures));
    assert!(of_scribbles >= 6, "{of_scribbles} of {}", scribbles.len());
    assert!(of_digits <= 4, "{of_digits} of {PICTURES}");
    // In words.
    let shown = predict(&trained.folder, &["--model", "cnn"], &scribbles).expect(0);
    assert!(
        shown.stdout.contains("perhaps none of the classes"),
        "{}",
        shown.stdout
    );
}

#[test]
fn a_scribble_gets_probabilities_like_any_picture() {
    let folder = scratch("scribble");
    let picture = folder.join("scribble.png");
    write_scribble(1, &picture);
    let models = comparison().folder.join("models");
    let with = [
        "--all",
        "--json",
        "--top",
        "10",
        "--models-dir",
        models.to_str().unwrap(),
    ];
    let line = predict(&folder, &with, &[picture]).expect(0).json();
    let answers = line["predictions"].as_array().unwrap();
    assert_eq!(answers.len(), 4);
    for answer in answers {
        let top = answer["top"].as_array().unwrap();
        let sum: f64 = top
            .iter()
            .map(|candidate| candidate["probability"].as_f64().unwrap())
            .sum();
        assert!((sum - 1.0).abs() < 1e-4, "{answer}");
    }
}
