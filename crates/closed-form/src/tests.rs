//! Probabilities against those of scikit-learn and of definitions in NumPy, which
//! `tests/golden/closed_form.py` computes on the same images.

use std::{collections::BTreeMap, ops::ControlFlow};

use bakeoff_core::{
    Family, FitContext, FitError, FitEvent, FittedModel, ImageShape, Images, Samples, Settings,
};
use serde_json::{Value, json};

use crate::{LDA, NAIVE_BAYES, NEAREST_CENTROID, QDA, RIDGE};

const FAMILIES: [&Family; 5] = [&LDA, &QDA, &RIDGE, &NAIVE_BAYES, &NEAREST_CENTROID];

fn images(width: usize, pixels: Vec<u8>) -> Images {
    Images::new(ImageShape::new(1, 1, width), pixels).unwrap()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| class.to_string()).collect()
}

/// The images of the golden values.
fn golden_samples() -> Samples {
    let mut state = 1_u32;
    let pixels = (0..90 * 6).map(|at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (image, pixel) = (at / 6, at % 6);
        (state >> 24) as u8 / 2 + if (pixel + image) % 3 == 0 { 30 } else { 0 }
    });
    let labels: Vec<u16> = (0..90).map(|image| image % 3).collect();
    Samples::new(images(6, pixels.collect()), labels, names(3)).unwrap()
}

fn fit(family: &Family, given: &Value, train: &Samples) -> Result<Box<dyn FittedModel>, FitError> {
    fit_with(family, family.engines[0].name, given, train)
}

fn fit_with(
    family: &Family,
    engine: &str,
    given: &Value,
    train: &Samples,
) -> Result<Box<dyn FittedModel>, FitError> {
    let given: Settings = given.as_object().unwrap().clone().into_iter().collect();
    let spec = family.resolve(Some(engine), &given).unwrap();
    let mut progress = |_: &FitEvent| ControlFlow::Continue(());
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut progress,
    };
    family.build(&spec).unwrap().fit(train, &mut context)
}

#[test]
fn probabilities_are_those_of_scikit_learn_and_of_definitions() {
    let text = include_str!("../tests/golden/closed_form.json");
    let golden: BTreeMap<String, Vec<Vec<f64>>> = serde_json::from_str(text).unwrap();
    let train = golden_samples();
    let cases = [
        ("naive-bayes normal", &NAIVE_BAYES, json!({})),
        (
            "naive-bayes counts",
            &NAIVE_BAYES,
            json!({"pixels": "counts"}),
        ),
        (
            "naive-bayes on-off",
            &NAIVE_BAYES,
            json!({"pixels": "on-off"}),
        ),
        ("lda", &LDA, json!({"shrinkage": 0.1})),
        ("ridge", &RIDGE, json!({"penalty": 2.0})),
        ("qda", &QDA, json!({"shrinkage": 0.1})),
        ("nearest-centroid", &NEAREST_CENTROID, json!({})),
    ];
    assert_eq!(cases.len(), golden.len());
    let engines = |family: &'static Family| family.engines.iter().map(|engine| engine.name);
    let cases = cases.iter().flat_map(|(name, family, settings)| {
        engines(family).map(move |engine| (*name, *family, settings, engine))
    });
    for (name, family, settings, engine) in cases {
        let expected = &golden[name];
        let model = fit_with(family, engine, settings, &train).unwrap();
        let name = format!("{name}, {engine}");
        let asked = train
            .images()
            .select(&(0..expected.len()).collect::<Vec<_>>());
        let found = model.predict_proba(&asked).unwrap();
        for (row, expected) in found.rows().zip(expected) {
            for (&found, &expected) in row.iter().zip(expected) {
                // Weights are kept in single precision.
                let away = (f64::from(found) - expected).abs();
                assert!(away < 5e-6, "{name}: {row:?}, {expected:?}");
            }
        }
    }
}

#[test]
fn a_class_without_images_has_no_probability() {
    let train = golden_samples();
    let kept: Vec<usize> = (0..90).filter(|image| image % 3 != 1).collect();
    let part = train.select(&kept);
    for family in FAMILIES {
        let model = fit(family, &json!({}), &part).unwrap();
        let found = model.predict_proba(train.images()).unwrap();
        assert!(found.rows().all(|row| row[1] == 0.0), "{}", family.name);
    }
}

#[test]
fn pixels_that_never_vary_are_named_where_they_matter() {
    let pixels = (0..40).flat_map(|at| [at, 7, 200 - at * 2]).collect();
    let labels: Vec<u16> = (0..40).map(|at| at / 20).collect();
    let train = Samples::new(images(3, pixels), labels, names(2)).unwrap();
    for family in [&LDA, &QDA] {
        let error = fit(family, &json!({"shrinkage": 0.0}), &train)
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("`shrinkage`"),
            "{}: {error}",
            family.name
        );
    }
    for family in FAMILIES {
        let model = fit(family, &json!({}), &train).unwrap();
        let found = model.predict_proba(train.images()).unwrap().predicted();
        let right = found
            .iter()
            .zip(train.labels())
            .filter(|(a, b)| a == b)
            .count();
        assert!(right >= 38, "{}: {right} of 40", family.name);
    }
}

#[test]
fn images_without_any_spread_are_told_apart() {
    let pixels = vec![10, 200, 10, 200, 90, 30, 90, 30];
    let train = Samples::new(images(2, pixels), vec![0, 0, 1, 1], names(2)).unwrap();
    for family in [&NAIVE_BAYES, &NEAREST_CENTROID, &RIDGE] {
        let model = fit(family, &json!({}), &train).unwrap();
        let found = model.predict_proba(train.images()).unwrap();
        assert_eq!(found.predicted(), [0, 0, 1, 1], "{}", family.name);
    }
}
