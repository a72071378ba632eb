//! Models on disk by their names, also where a folder was copied or renamed.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{fs, ops::ControlFlow, path::Path};

use bakeoff_ask::{Model, Models, models_dir_flag};
use bakeoff_core::{FitContext, FitEvent, ImageShape, Images, OpenOptions, Samples, Settings};
use bakeoff_store::{ModelFacts, Origin};

/// Saves a model that counts the classes `a` and `b`.
fn save(models: &Path, dataset: &str, name: &str, saved_at: &str) {
    let spec = bakeoff_zoo::family("dummy")
        .unwrap()
        .resolve(None, &Settings::new())
        .unwrap();
    let classes = vec!["a".to_owned(), "b".to_owned()];
    let images = Images::new(ImageShape::new(1, 2, 2), vec![0; 12]).unwrap();
    let samples = Samples::new(images, vec![0, 1, 1], classes.clone()).unwrap();
    let mut progress = |_: &FitEvent| ControlFlow::Continue(());
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut progress,
    };
    let recipe = bakeoff_zoo::build(&spec).unwrap();
    let model = recipe.fit(&samples, &mut context).unwrap();
    let facts = ModelFacts {
        origin: Some(Origin {
            data: dataset.into(),
            saved_at: saved_at.into(),
            partial: false,
            options: OpenOptions::default(),
        }),
        data_fingerprint: "f".into(),
        train_samples: 3,
        seed: 1,
        trial: "t".into(),
        ..ModelFacts::new(name, dataset, spec, classes)
    };
    bakeoff_store::save(models, &*model, facts).unwrap();
}

#[test]
fn a_model_is_opened_by_the_name_of_its_folder() {
    let root = tempfile::tempdir().unwrap();
    save(root.path(), "mnist", "cnn", "2026-11-30");
    let open = |asked: &str| Model::open(root.path(), asked);
    let name = |asked: &str| open(asked).map(|(model, _)| model.name().to_owned());
    assert_eq!(name("cnn").unwrap(), "mnist/cnn");

    fs::rename(root.path().join("mnist"), root.path().join("old")).unwrap();
    assert_eq!(name("cnn").unwrap(), "old/cnn");
    assert_eq!(name("old/cnn").unwrap(), "old/cnn");
    let error = name("mnist/cnn").unwrap_err().to_string();
    assert!(error.contains("old/cnn"), "{error}");

    save(root.path(), "fashion", "cnn", "2026-11-29");
    let (model, others) = open("cnn").unwrap();
    assert_eq!(
        (model.name(), &others[..]),
        ("old/cnn", &["fashion/cnn".to_owned()][..])
    );
    let (model, others) = open("fashion/cnn").unwrap();
    assert_eq!((model.name(), others.len()), ("fashion/cnn", 0));
    save(root.path(), "fashion", "cnn", "2026-12-01");
    assert_eq!(name("cnn").unwrap(), "fashion/cnn");
}

#[test]
fn a_model_that_cannot_be_read_is_there_with_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let models = || Models::read(root.path(), &Models::default()).unwrap();
    let flag = models_dir_flag(root.path());
    let none = models().none_ready(root.path());
    assert!(none.ends_with(&format!("`bakeoff run{flag}`")), "{none}");
    assert!(flag.starts_with(" --models-dir "), "{flag}");
    assert_eq!(models_dir_flag(Path::new("models")), "");

    // As a program saves it that has an engine more.
    save(root.path(), "mnist", "cnn", "2026-11-30");
    let manifest = root.path().join("mnist/cnn/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let foreign = text.replace("\"native\"", "\"newest\"");
    assert_ne!(text, foreign);
    fs::write(&manifest, foreign).unwrap();
    let none = models().none_ready(root.path());
    assert!(none.contains("can be read:\n  mnist/cnn: "), "{none}");

    save(root.path(), "mnist", "knn", "2026-11-30");
    let named = |name: &str| {
        let found = models().named(&[name.to_owned()]);
        found.map_or_else(
            |error| error.to_string(),
            |found| found[0].name().to_owned(),
        )
    };
    assert_eq!(named("knn"), "mnist/knn");
    let error = named("cnn");
    assert!(
        error.starts_with("the saved model `cnn` cannot be read: "),
        "{error}"
    );
    assert!(named("cnm").starts_with("there is no saved model"));
}
