//! A small problem, and every engine fitted to it.

use std::ops::ControlFlow;

use bakeoff_core::{
    Dataset, Engine, Family, FitContext, FitError, FitEvent, FittedModel, ImageShape, ModelSpec,
    Samples, Settings,
};
use bakeoff_tests::toy::{self, ToySpec};
use serde_json::json;

/// A problem that every engine learns in a blink. Neither square, nor 28×28, nor ten
/// classes, so that nothing can take those for granted.
pub(crate) fn problem() -> Dataset {
    toy::prototypes(ToySpec {
        shape: ImageShape::new(1, 9, 8),
        classes: 3,
        train: 150,
        test: 45,
        noise: 0.1,
        seed: 7,
    })
    .unwrap()
}

/// Settings that keep slow engines quick; keys that a family does not have are left out.
pub(crate) fn spec(family: &Family, engine: &Engine) -> ModelSpec {
    let wanted = json!({
        "k": 3,
        "epochs": 8,
        "batch_size": 16,
        "learning_rate": 0.01,
        "hidden": [16],
        "dropout": 0.1,
        "layers": ["conv 4 3", "max-pool 2", "dense 16"],
    });
    let program = toy::program();
    let wanted = wanted.as_object().unwrap().iter();
    let known: Settings = wanted
        .chain(program.as_object().unwrap())
        .filter(|(key, _)| family.settings().any(|setting| setting.key == *key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    family.resolve(Some(engine.name), &known).unwrap()
}

/// Runs `check` on every engine and names those that fail, all of them at once.
pub(crate) fn for_every_engine(
    check: impl Fn(&'static Family, &'static Engine) + std::panic::RefUnwindSafe,
) {
    let mut failed = Vec::new();
    // What was trained elsewhere learns nothing here; `tests/given` has its own tests.
    let trained = |family: &&&Family| !family.is_trained_elsewhere();
    for family in bakeoff_zoo::families().iter().filter(trained) {
        // Those that are built: all of them in `make test`.
        for engine in family.engines.iter().filter(|engine| engine.code.is_some()) {
            if std::panic::catch_unwind(|| check(family, engine)).is_err() {
                failed.push(format!("{}/{}", family.name, engine.name));
            }
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

pub(crate) fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}

pub(crate) fn fit_with(
    family: &Family,
    engine: &Engine,
    data: &Dataset,
    seed: u64,
    progress: &mut dyn FnMut(&FitEvent) -> ControlFlow<()>,
) -> Result<Box<dyn FittedModel>, FitError> {
    fit_spec_with(family, &spec(family, engine), data, seed, progress)
}

fn fit_spec_with(
    family: &Family,
    spec: &ModelSpec,
    data: &Dataset,
    seed: u64,
    progress: &mut dyn FnMut(&FitEvent) -> ControlFlow<()>,
) -> Result<Box<dyn FittedModel>, FitError> {
    let classifier = bakeoff_zoo::build(spec).unwrap();
    classifier.check(&data.train().data_shape()).unwrap();
    let validation: Option<Samples> = family.uses_validation.then(|| data.test().clone());
    classifier.fit(
        data.train(),
        &mut FitContext {
            seed,
            validation: validation.as_ref(),
            progress,
        },
    )
}

pub(crate) fn fit(
    family: &Family,
    engine: &Engine,
    data: &Dataset,
    seed: u64,
) -> Box<dyn FittedModel> {
    fit_spec(family, &spec(family, engine), data, seed)
}

/// The model of a spec that is not the engine's own of [`spec`].
pub(crate) fn fit_spec(
    family: &Family,
    spec: &ModelSpec,
    data: &Dataset,
    seed: u64,
) -> Box<dyn FittedModel> {
    fit_spec_with(family, spec, data, seed, &mut |_| ControlFlow::Continue(())).unwrap()
}
