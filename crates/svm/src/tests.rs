//! Every engine against scikit-learn's SVC (LIBSVM), whose values `tests/golden/svm.py` computes on the same images; and
//! what only this crate can look into.

use std::{collections::BTreeMap, ops::ControlFlow, sync::OnceLock};

use bakeoff_core::{
    FitContext, FitError, FitEvent, FittedModel, ImageShape, Images, Samples, Settings,
};
use bakeoff_kernels::KernelFunction;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    FAMILY,
    engines::SOLVERS,
    leave_one_out::leave_one_out,
    model::SvmModel,
    pair::{Pair, Solution},
    recipe::{Solver, Svm},
};

const PIXELS: usize = 8;
const CLASSES: usize = 4;

/// The images of the golden values.
fn golden_samples() -> Samples {
    let pixels = golden_pixels(120);
    let images = Images::new(ImageShape::new(1, 2, PIXELS / 2), pixels).unwrap();
    let labels: Vec<u16> = (0..120).map(|image| image % CLASSES as u16).collect();
    let names: Vec<String> = (0..CLASSES).map(|class| class.to_string()).collect();
    Samples::new(images, labels, names).unwrap()
}

fn golden_pixels(images: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let pixels = (0..images * PIXELS).map(|at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (image, pixel) = (at / PIXELS, at % PIXELS);
        let marked = (pixel + image) % CLASSES == 0;
        (state >> 24) as u8 / 2 + if marked { 60 } else { 0 }
    });
    pixels.collect()
}

fn fit(solver: Solver, given: &Value, train: &Samples) -> Result<SvmModel, FitError> {
    let given: Settings = given.as_object().unwrap().clone().into_iter().collect();
    let spec = FAMILY.resolve(Some(solver.name), &given).unwrap();
    let mut progress = |_: &FitEvent| ControlFlow::Continue(());
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut progress,
    };
    Ok(Svm::new(&spec, solver)?.model(train, &mut context)?.0)
}

#[derive(Deserialize)]
struct Golden {
    values: Vec<Vec<f64>>,
    votes: Vec<u16>,
    support_vectors: usize,
}

#[test]
fn values_and_votes_of_every_engine_are_those_of_scikit_learn() {
    let golden: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("../tests/golden/svm.json")).unwrap();
    let train = golden_samples();
    let cases = [
        ("rbf", json!({})),
        ("rbf narrow", json!({"c": 0.5, "gamma": 20.0})),
        ("linear", json!({"kernel": "linear", "c": 1.0})),
        (
            "poly",
            json!({"kernel": "poly", "c": 2.0, "gamma": 0.5, "coef0": 1.0}),
        ),
    ];
    assert_eq!(cases.len(), golden.len());
    for (name, mut settings) in cases {
        settings["tolerance"] = json!(1e-6);
        settings["decision"] = json!("votes");
        let expected = &golden[name];
        let asked = train
            .images()
            .select(&(0..expected.values.len()).collect::<Vec<_>>());
        for solver in SOLVERS {
            let name = format!("{name}, {}", solver.name);
            let model = fit(solver, &settings, &train).unwrap();
            let found: Vec<f32> = asked
                .pixels()
                .chunks(8 * PIXELS)
                .flat_map(|images| model.values(images))
                .collect();
            let expected_values = expected.values.concat();
            assert_eq!(found.len(), expected_values.len());
            for (found, expected) in found.iter().zip(expected_values) {
                let away = (f64::from(*found) - expected).abs();
                assert!(away < 5e-5, "{name}: {found}, {expected}");
            }
            let answers = model.predict_proba(&asked).unwrap();
            assert_eq!(answers.predicted(), expected.votes, "{name}");
            // Beyond the images and the coefficients of each there are three numbers for each of six pairs.
            let count = (model.parameters() as usize - 18) / (PIXELS + CLASSES - 1);
            assert_eq!(count, expected.support_vectors, "{name}");
        }
    }
}

/// Two classes that overlap.
fn overlapping(images: usize, cache_bytes: usize, parallel: bool) -> Pair {
    let firsts = images / 2;
    let mut pixels = golden_pixels(images);
    for (at, pixel) in pixels.iter_mut().enumerate() {
        if at / PIXELS >= firsts && at % PIXELS == 0 {
            *pixel = pixel.saturating_add(40);
        }
    }
    Pair {
        pixels,
        columns: PIXELS,
        firsts,
        function: KernelFunction::Rbf { gamma: 3.0 },
        c: 5.0,
        tolerance: 1e-5,
        cache_bytes,
        parallel,
        packed: OnceLock::new(),
    }
}

fn solve(pair: &Pair) -> Solution {
    let [native, ..] = SOLVERS;
    (native.solve)(pair).unwrap()
}

#[test]
fn a_small_cache_and_all_threads_find_the_same_optimum() {
    const IMAGES: usize = 600;
    let large = solve(&overlapping(IMAGES, 1 << 24, false));
    assert_eq!(large.converged, Some(true));
    let parallel = solve(&overlapping(IMAGES, 1 << 24, true));
    assert_eq!(large.coefficients, parallel.coefficients);
    // Rows for a sixth of the images, where half of them are support vectors.
    let pair = overlapping(IMAGES, 4 * IMAGES * IMAGES / 6, false);
    let small = solve(&pair);
    assert_eq!(small.converged, Some(true));
    let support = |solution: &Solution| solution.coefficients.iter().filter(|c| **c != 0.0).count();
    assert!(support(&large) > IMAGES / 3, "{}", support(&large));
    for (a, b) in pair.values(&large).iter().zip(pair.values(&small)) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
    // The values that the solver has are those of its coefficients.
    let found = small.values.clone().unwrap();
    let again = Solution {
        values: None,
        ..small
    };
    for (found, again) in found.iter().zip(pair.values(&again)) {
        assert!((found - again).abs() < 1e-6, "{found} {again}");
    }
}

#[test]
fn values_without_an_image_are_those_of_a_fit_without_it() {
    const IMAGES: usize = 80;
    let pair = overlapping(IMAGES, 1 << 20, false);
    let solution = solve(&pair);
    let values = pair.values(&solution);
    let estimated = leave_one_out(&pair, &solution, values.clone());
    let (mut away, mut uncorrected) = (0.0, 0.0);
    for image in 0..IMAGES {
        let mut rest = overlapping(IMAGES, 1 << 20, false);
        rest.pixels.drain(image * PIXELS..(image + 1) * PIXELS);
        rest.firsts -= usize::from(image < rest.firsts);
        let mut without = solve(&rest);
        // In its place an image without a coefficient.
        without.coefficients.insert(image, 0.0);
        without.values = None;
        let exact = pair.values(&without)[image];
        away += (estimated[image] - exact).abs();
        uncorrected += (values[image] - exact).abs();
    }
    let (away, uncorrected) = (away / IMAGES as f64, uncorrected / IMAGES as f64);
    assert!(uncorrected > 0.3, "{uncorrected}");
    assert!(away < 0.2 * uncorrected, "{away} of {uncorrected}");
}

#[test]
fn images_of_one_class_are_an_error() {
    let train = golden_samples();
    let one: Vec<usize> = (0..train.len()).step_by(CLASSES).collect();
    let [native, ..] = SOLVERS;
    let error = fit(native, &json!({}), &train.select(&one)).err().unwrap();
    assert!(error.to_string().contains("two classes"), "{error}");
}
