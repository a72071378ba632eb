//! The layers that `layers = "auto"` comes to, for many shapes of images.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use bakeoff_cnn::FAMILY;
use bakeoff_core::{DataShape, ImageShape, ModelSpec, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};

fn automatic(padding: &str) -> ModelSpec {
    let given: Settings = [("padding".into(), json!(padding))].into();
    let spec = FAMILY.resolve(None, &given).unwrap();
    assert_eq!(spec.settings["layers"], json!("auto"));
    spec
}

fn adapted(image: ImageShape, padding: &str) -> ModelSpec {
    let mut spec = automatic(padding);
    (FAMILY.adapt)(&mut spec, image);
    spec
}

fn layers(height: usize, width: usize) -> Value {
    adapted(ImageShape::new(1, height, width), "valid").settings["layers"].clone()
}

fn check(spec: &ModelSpec, image: ImageShape) -> Result<(), String> {
    let data = DataShape {
        image,
        classes: 10,
        train: 100,
    };
    let classifier = FAMILY.build(spec).map_err(|error| error.to_string())?;
    classifier.check(&data).map_err(|error| error.to_string())
}

#[test]
fn two_stages_are_the_base_and_larger_images_get_more() {
    let base = json!([
        "conv 32 3",
        "max-pool 2",
        "conv 64 3",
        "max-pool 2",
        "dense 128"
    ]);
    for side in [10, 28, 32, 57] {
        assert_eq!(layers(side, side), base, "{side}");
    }
    let deep = json!([
        "conv 16 3",
        "max-pool 2",
        "conv 16 3",
        "max-pool 2",
        "conv 32 3",
        "max-pool 2",
        "conv 64 3",
        "max-pool 2",
        "dense 128"
    ]);
    assert_eq!(layers(224, 224), deep);
    assert_eq!(layers(112, 112).as_array().unwrap().len(), 7);
}

#[test]
fn smaller_images_lose_pools_and_then_pixels_of_the_kernels() {
    let late = json!(["conv 32 3", "conv 64 3", "max-pool 2", "dense 128"]);
    assert_eq!(layers(8, 8), late);
    assert_eq!(layers(9, 28), late);
    for (height, width, first, second) in [
        (5, 5, "3", "3"),
        (4, 4, "3", "2"),
        (1, 1, "1", "1"),
        (1, 20, "1x3", "1x3"),
    ] {
        let expected = json!([
            format!("conv 32 {first}"),
            format!("conv 64 {second}"),
            "dense 128"
        ]);
        assert_eq!(layers(height, width), expected);
    }
}

#[test]
fn what_is_written_out_stays() {
    let given: Settings = [("layers".into(), json!(["conv 4 3", "dense 8"]))].into();
    let resolved = FAMILY.resolve(None, &given).unwrap();
    let mut spec = resolved.clone();
    (FAMILY.adapt)(&mut spec, ImageShape::new(3, 224, 224));
    assert_eq!(spec, resolved);
}

proptest! {
    #[test]
    fn every_shape_has_layers_that_fit(
        channels in prop::sample::select(vec![1_usize, 3]),
        height in 1_usize..=256,
        width in 1_usize..=256,
        padding in prop::sample::select(vec!["valid", "same"]),
    ) {
        let image = ImageShape::new(channels, height, width);
        let spec = adapted(image, padding);
        prop_assert_eq!(check(&spec, image), Ok(()));
        // What was not adapted before is when it is fitted.
        prop_assert_eq!(check(&automatic(padding), image), Ok(()));
        // A square image leaves little to the dense layer.
        let square = ImageShape::new(channels, height, height);
        let stages = adapted(square, padding).settings["layers"].as_array().unwrap().len() / 2;
        prop_assert!((1..=5).contains(&stages), "{stages}");
    }
}
