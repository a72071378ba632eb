//! The answer to an image as it is stored, where its EXIF orientation may be wrong.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::ops::ControlFlow;

use bakeoff_ask::{Doubt, Input, Model};
use bakeoff_core::{FitContext, FitEvent, ImageShape, Images, Samples, Settings};
use bakeoff_store::ModelFacts;

const SHAPE: ImageShape = ImageShape::new(1, 2, 2);

/// An image of one grey level.
fn grey(level: u8) -> Images {
    Images::new(SHAPE, vec![level; 4]).unwrap()
}

/// A model that tells black images from white ones.
fn model(folder: &std::path::Path) -> Model {
    let spec = bakeoff_zoo::family("logistic")
        .unwrap()
        .resolve(None, &Settings::new())
        .unwrap();
    let classes = vec!["black".to_owned(), "white".to_owned()];
    let pixels = (0..200).flat_map(|at| [if at < 100 { 0 } else { 255 }; 4]);
    let images = Images::new(SHAPE, pixels.collect::<Vec<u8>>()).unwrap();
    let labels: Vec<u16> = (0..200).map(|at| u16::from(at >= 100)).collect();
    let samples = Samples::new(images, labels, classes.clone()).unwrap();
    let mut progress = |_: &FitEvent| ControlFlow::Continue(());
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut progress,
    };
    let recipe = bakeoff_zoo::build(&spec).unwrap();
    let fitted = recipe.fit(&samples, &mut context).unwrap();
    let facts = ModelFacts::new("it", "tones", spec, classes);
    bakeoff_store::save(folder, &*fitted, facts).unwrap();
    Model::open(folder, "it").unwrap().0
}

#[test]
fn it_is_named_where_it_is_sure_and_the_other_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let said = |turned: u8, stored: Option<u8>| {
        let input = Input {
            images: grey(turned),
            steps: Vec::new(),
            warnings: Vec::new(),
            as_stored: stored.map(grey),
        };
        let answer = model.answer(&input.images).unwrap();
        let said = input.answer_as_stored(&model, &answer).unwrap();
        (answer.doubt(), answer.label, said)
    };
    let (doubt, label, note) = said(120, Some(255));
    assert_eq!((doubt, label), (Some(Doubt::Unsure), 0));
    let note = note.unwrap();
    assert!(note.ends_with("tones/it answers white"), "{note}");
    // The same answer, no sure one, none that is stored otherwise, and one that is sure already.
    assert_eq!(said(120, Some(0)).2, None);
    assert_eq!(said(120, Some(135)).2, None);
    assert_eq!(said(120, None).2, None);
    assert_eq!(said(0, Some(255)), (None, 0, None));
}
