use bakeoff_core::{Classifier, FitContext, FittedModel, ImageShape};
use bakeoff_core::{ModelSpec, Samples, Settings, derive_seed};
use bakeoff_store::{ModelFacts, load, save};
use bakeoff_tests::toy::{self, ToySpec};
use serde_json::{Value, json};

use super::*;

fn ensemble(settings: Value) -> Result<ModelSpec, bakeoff_core::SpecError> {
    let settings: Settings = serde_json::from_value(settings).unwrap();
    FAMILY.resolve(None, &settings)
}

fn samples() -> Samples {
    let toy = toy::prototypes(ToySpec {
        shape: ImageShape::new(1, 6, 5),
        classes: 3,
        train: 60,
        test: 3,
        noise: 0.4,
        seed: derive_seed(3, "ensemble"),
    });
    toy.unwrap().train().clone()
}

fn fit(recipe: &dyn Classifier, train: &Samples) -> Box<dyn FittedModel> {
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| std::ops::ControlFlow::Continue(()),
    };
    recipe.fit(train, &mut context).unwrap()
}

#[test]
fn it_answers_the_weighted_mean_also_when_it_was_saved() {
    let train = samples();
    let spec = ensemble(json!({"members": {
        "a": {"family": "nearest-centroid", "weight": 3.0},
        "b": {"family": "knn", "settings": {"k": 5, "features": ["blur 1"]}},
    }}))
    .unwrap();
    let model = fit(&*crate::build(&spec).unwrap(), &train);
    let member = |family: &str, settings: Value| {
        let settings: Settings = serde_json::from_value(settings).unwrap();
        let spec = crate::family(family).unwrap().resolve(None, &settings);
        fit(&*crate::build(&spec.unwrap()).unwrap(), &train)
    };
    let first = member("nearest-centroid", json!({}));
    let second = member("knn", json!({"k": 5, "features": ["blur 1"]}));
    let answer = |model: &dyn FittedModel| model.predict_proba(train.images()).unwrap();
    let [first_answer, second_answer] = [answer(&*first), answer(&*second)];
    let own = answer(&*model);
    let both = first_answer.values().iter().zip(second_answer.values());
    for (mean, (a, b)) in own.values().iter().zip(both) {
        assert!((mean - (0.75 * a + 0.25 * b)).abs() < 1e-6);
    }
    assert_eq!(model.parameters(), first.parameters() + second.parameters());
    let one = train.images().single(0).unwrap();
    assert_eq!(
        model.training_neighbours(&one, 2).unwrap(),
        second.training_neighbours(&one, 2).unwrap()
    );

    let folder = tempfile::tempdir().unwrap();
    let names = train.class_names().to_vec();
    let facts = ModelFacts::new("both", "toy", spec, names);
    let saved = save(folder.path(), &*model, facts).unwrap();
    let loaded = load(&saved.folder, crate::family).unwrap();
    assert_eq!(answer(&*loaded.model), own);
}

#[test]
fn names_become_recipes_with_weights() {
    let knn = crate::family("knn")
        .unwrap()
        .resolve(None, &Settings::new())
        .unwrap();
    let cnn = crate::family("cnn")
        .unwrap()
        .resolve(None, &Settings::new())
        .unwrap();
    let known = [("near", &knn), ("deep", &cnn)];
    let mut spec = ensemble(json!({"members": ["near", "deep"], "weights": [1, 2.5]})).unwrap();
    name_members(&mut spec, &known).unwrap();
    let found = members(&spec).unwrap().unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.name.as_str(), one.weight, &one.spec))
        .collect();
    assert_eq!(found, [("deep", 2.5, &cnn), ("near", 1.0, &knn)]);
    assert!((FAMILY.varies_with_seed)(&spec));
    // Settings that follow from the images follow in members, too.
    let mut adapted = spec.clone();
    (FAMILY.adapt)(&mut adapted, ImageShape::new(1, 8, 8));
    let mut alone = cnn.clone();
    crate::family("cnn")
        .unwrap()
        .adapt_to(&mut alone, ImageShape::new(1, 8, 8));
    assert_eq!(members(&adapted).unwrap().unwrap()[0].spec, alone);
    let mut again = spec.clone();
    name_members(&mut again, &known).unwrap();
    assert_eq!(again, spec);
}

#[test]
fn what_cannot_be_a_member_is_refused_by_name() {
    let error = |settings: Value| {
        let spec = ensemble(settings).unwrap();
        members(&spec).map(drop).unwrap_err().to_string()
    };
    for (settings, said) in [
        (json!({"members": ["knn"]}), "names of other models"),
        (json!({"members": {}}), "at least one"),
        (
            json!({"members": {"a": {"family": "command"}}}),
            "`a` is of family command",
        ),
        (
            json!({"members": {"a": {"family": "onnx"}}}),
            "`a` is of family onnx",
        ),
        (
            json!({"members": {"a": {"family": "ensemble"}}}),
            "`a` is of family ensemble",
        ),
        (json!({"members": {"a": {"family": "kn"}}}), "did you mean"),
        (
            json!({"members": {"a": {"family": "knn", "weight": 0}}}),
            "weights above 0",
        ),
        (
            json!({"members": {"a": {"family": "knn", "wait": 2}}}),
            "`a`: unknown field `wait`",
        ),
        (
            json!({"members": {"a": {"family": "knn", "settings": {"kk": 2}}}}),
            "no setting `kk`",
        ),
        (
            json!({"members": {"a": {"family": "knn"}}, "weights": [1]}),
            "one number for each",
        ),
    ] {
        let error = error(settings);
        assert!(error.contains(said), "{error}");
    }
    let knn = crate::family("knn")
        .unwrap()
        .resolve(None, &Settings::new())
        .unwrap();
    let named = |settings: Value| {
        let mut spec = ensemble(settings).unwrap();
        name_members(&mut spec, &[("near", &knn)])
            .unwrap_err()
            .to_string()
    };
    for (settings, said) in [
        (
            json!({"members": ["nea"]}),
            "no `nea` (did you mean `near`?)",
        ),
        (json!({"members": ["near", "near"]}), "named twice"),
        (
            json!({"members": ["near"], "weights": [1, 2]}),
            "as many numbers",
        ),
        (
            json!({"members": ["near"], "weights": [0]}),
            "weights above 0",
        ),
        (json!({"members": []}), "at least one"),
    ] {
        let error = named(settings);
        assert!(error.contains(said), "{error}");
    }
}
