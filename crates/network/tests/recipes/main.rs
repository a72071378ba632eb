//! The promises of the central trait, for each engine, on dense and convolutional nets.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod training;

use std::{collections::BTreeMap, ops::ControlFlow};

use bakeoff_core::{
    Engine, Family, FitContext, FitError, FitEvent, FittedModel, ImageShape, Images, ModelHeader,
    ModelReader, ModelSpec, ModelWriter, Origin, PredictError, Probabilities, Samples, Settings,
    SpecError, StoreError, TensorData, derive_seed,
};
use bakeoff_network::{NetworkFamily, Padding, Step, Training, engines};
use bakeoff_tests::toy::{ToySpec, prototypes};
use serde_json::json;

struct Dense;

impl NetworkFamily for Dense {
    fn steps(_: &ModelSpec, _: ImageShape) -> Result<Vec<Step>, SpecError> {
        Ok(vec![Step::Dense { units: 16 }, Step::Dropout { rate: 0.1 }])
    }
}

struct Convolutional;

impl NetworkFamily for Convolutional {
    fn steps(_: &ModelSpec, _: ImageShape) -> Result<Vec<Step>, SpecError> {
        Ok(vec![
            Step::Conv {
                filters: 4,
                kernel: [3, 3],
                stride: 1,
                padding: Padding::Valid,
            },
            Step::MaxPool { size: 2, stride: 2 },
            Step::Dense { units: 16 },
            Step::Dropout { rate: 0.1 },
        ])
    }
}

const fn family(name: &'static str, engines: &'static [Engine]) -> Family {
    Family {
        name,
        title: name,
        summary: "",
        engines,
        settings: &[Training::TABLE],
        adapt: |_, _| {},
        uses_validation: true,
        varies_with_seed: |_| true,
        is_baseline: false,
        origin: Origin::Family,
        features: None,
    }
}

static FAMILIES: [Family; 2] = [
    family("dense", &engines::<Dense>()),
    family("convolutional", &engines::<Convolutional>()),
];

/// Every family with every engine that is built, with and without batch norm.
fn recipes() -> Vec<(&'static Family, ModelSpec)> {
    let mut recipes = Vec::new();
    for family in &FAMILIES {
        for engine in family.engines.iter().filter(|engine| engine.code.is_some()) {
            for batch_norm in [false, true] {
                let given: Settings = [
                    ("epochs".into(), json!(6)),
                    ("batch_size".into(), json!(33)),
                    ("learning_rate".into(), json!(0.01)),
                    ("schedule".into(), json!("constant")),
                    ("batch_norm".into(), json!(batch_norm)),
                ]
                .into();
                recipes.push((family, family.resolve(Some(engine.name), &given).unwrap()));
            }
        }
    }
    recipes
}

/// Training, validation and test part of a problem that is easy for both.
fn toy() -> (Samples, Samples, Samples) {
    let toy = prototypes(ToySpec {
        train: 240,
        ..ToySpec::default()
    })
    .unwrap();
    let (train, validation) = (0..240).partition::<Vec<_>, _>(|index| index % 6 != 0);
    (
        toy.train().select(&train),
        toy.train().select(&validation),
        toy.test().clone(),
    )
}

fn fit(
    family: &Family,
    spec: &ModelSpec,
    seed: u64,
    progress: &mut dyn FnMut(&FitEvent) -> ControlFlow<()>,
) -> Result<Box<dyn FittedModel>, FitError> {
    let (train, validation, _) = toy();
    family.build(spec).unwrap().fit(
        &train,
        &mut FitContext {
            seed,
            validation: Some(&validation),
            progress,
        },
    )
}

fn fitted(family: &Family, spec: &ModelSpec, seed: u64) -> Box<dyn FittedModel> {
    fit(family, spec, seed, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn accuracy(probabilities: &Probabilities, samples: &Samples) -> f64 {
    let right = probabilities
        .predicted()
        .iter()
        .zip(samples.labels())
        .filter(|(a, b)| a == b)
        .count();
    right as f64 / samples.len() as f64
}

fn bits(probabilities: &Probabilities) -> Vec<u32> {
    probabilities.values().iter().map(|p| p.to_bits()).collect()
}

#[test]
fn an_easy_problem_is_learned_and_the_seed_decides_every_bit() {
    let (_, _, test) = toy();
    for (family, spec) in recipes() {
        let answer = |seed| {
            fitted(family, &spec, seed)
                .predict_proba(test.images())
                .unwrap()
        };
        let first = answer(1);
        assert!(accuracy(&first, &test) > 0.95, "{spec:?}");
        assert_eq!(bits(&first), bits(&answer(1)), "{spec:?}");
        assert_ne!(bits(&first), bits(&answer(2)), "{spec:?}");
    }
}

#[test]
fn threads_change_no_bit() {
    // Large enough that the libraries split their work; the toy is not.
    let toy = prototypes(ToySpec {
        shape: ImageShape::new(1, 20, 20),
        classes: 4,
        train: 260,
        test: 300,
        ..ToySpec::default()
    })
    .unwrap();
    for (family, mut spec) in recipes() {
        spec.settings.insert("epochs".into(), json!(1));
        spec.settings.insert("batch_size".into(), json!(128));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let model = family
                    .build(&spec)
                    .unwrap()
                    .fit(
                        toy.train(),
                        &mut FitContext {
                            seed: 1,
                            validation: None,
                            progress: &mut |_| ControlFlow::Continue(()),
                        },
                    )
                    .unwrap();
                bits(&model.predict_proba(toy.test().images()).unwrap())
            })
        };
        let one = run(1);
        for threads in [2, 3, 7] {
            assert!(one == run(threads), "{threads} threads: {spec:?}");
        }
    }
}

/// Tensors in memory, with the checks that [`ModelReader`] asks for.
#[derive(Clone, Default)]
struct Shelf(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl ModelWriter for Shelf {
    fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        data: TensorData<'_>,
    ) -> Result<(), StoreError> {
        let TensorData::F32(values) = data else {
            return Err(StoreError::Inconsistent("not f32".into()));
        };
        assert_eq!(shape.iter().product::<usize>(), values.len());
        let old = self
            .0
            .insert(name.into(), (shape.to_vec(), values.to_vec()));
        assert!(old.is_none(), "{name} is written twice");
        Ok(())
    }
}

impl ModelReader for Shelf {
    fn shape(&mut self, name: &str) -> Result<Vec<usize>, StoreError> {
        let missing = || StoreError::Missing { name: name.into() };
        Ok(self.0.get(name).ok_or_else(missing)?.0.clone())
    }

    fn f32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, StoreError> {
        let found = self.shape(name)?;
        if found == shape {
            Ok(self.0[name].1.clone())
        } else {
            Err(StoreError::Tensor {
                name: name.into(),
                got: format!("{found:?}"),
                expected: format!("{shape:?}"),
            })
        }
    }

    fn u8(&mut self, name: &str, _: &[usize]) -> Result<std::borrow::Cow<'_, [u8]>, StoreError> {
        Err(StoreError::Missing { name: name.into() })
    }

    fn u16(&mut self, name: &str, _: &[usize]) -> Result<Vec<u16>, StoreError> {
        Err(StoreError::Missing { name: name.into() })
    }

    fn u32(&mut self, name: &str, _: &[usize]) -> Result<Vec<u32>, StoreError> {
        Err(StoreError::Missing { name: name.into() })
    }
}

#[test]
fn a_loaded_model_answers_with_the_same_bits_and_damage_is_named() {
    let (_, _, test) = toy();
    for (family, spec) in recipes() {
        let model = fitted(family, &spec, 1);
        let mut shelf = Shelf::default();
        model.save(&mut shelf).unwrap();
        let header = ModelHeader {
            input_shape: model.input_shape(),
            classes: model.classes(),
        };
        let loaded = family.load(&spec, &header, &mut shelf.clone()).unwrap();
        assert_eq!(
            bits(&model.predict_proba(test.images()).unwrap()),
            bits(&loaded.predict_proba(test.images()).unwrap()),
        );
        assert_eq!(model.parameters(), loaded.parameters());

        let mut lost = shelf.clone();
        lost.0.remove("output.weight");
        let error = family.load(&spec, &header, &mut lost).err().unwrap();
        assert!(error.to_string().contains("output.weight"), "{error}");
        let wider = ModelHeader {
            classes: header.classes + 1,
            ..header.clone()
        };
        let error = family
            .load(&spec, &wider, &mut shelf.clone())
            .err()
            .unwrap();
        assert!(error.to_string().contains("output.weight"), "{error}");
        let mut negative = shelf.clone();
        if let Some((_, values)) = negative.0.get_mut("dense1.norm.running_var") {
            values[0] = -1.0;
            let error = family.load(&spec, &header, &mut negative).err().unwrap();
            assert!(error.to_string().contains("running_var"), "{error}");
        }
    }
}

#[test]
fn a_model_saved_by_one_engine_is_answered_by_the_others() {
    let (_, _, test) = toy();
    for (family, spec) in recipes() {
        let model = fitted(family, &spec, 1);
        let mut shelf = Shelf::default();
        model.save(&mut shelf).unwrap();
        let header = ModelHeader {
            input_shape: model.input_shape(),
            classes: model.classes(),
        };
        let answer = model.predict_proba(test.images()).unwrap();
        for engine in family.engines {
            let other = ModelSpec {
                engine: engine.name.into(),
                ..spec.clone()
            };
            let loaded = family.load(&other, &header, &mut shelf.clone()).unwrap();
            let answers = loaded.predict_proba(test.images()).unwrap();
            for (a, b) in answer.values().iter().zip(answers.values()) {
                assert!(
                    (a - b).abs() < 1e-5,
                    "{} {spec:?}: {a} is not {b}",
                    engine.name
                );
            }
        }
    }
}

#[test]
fn pictures_of_another_shape_are_refused_and_none_are_answered_with_none() {
    for (family, spec) in recipes() {
        let model = fitted(family, &spec, 1);
        let other = prototypes(ToySpec {
            shape: ImageShape::new(1, 8, 9),
            ..ToySpec::default()
        })
        .unwrap();
        let refusal = model.predict_proba(other.test().images()).err().unwrap();
        assert!(matches!(refusal, PredictError::Shape { .. }), "{refusal}");
        let (_, _, test) = toy();
        let none = test.images().select(&[]);
        assert!(model.predict_proba(&none).unwrap().is_empty());
        // One image alone is close to the same image in its batch.
        let all = model.predict_proba(test.images()).unwrap();
        let one = model
            .predict_proba(&test.images().single(5).unwrap())
            .unwrap();
        for (a, b) in one.values().iter().zip(all.row(5)) {
            assert!((a - b).abs() < 1e-5, "{a} is not {b}");
        }
    }
}

#[test]
fn a_fit_can_be_cancelled_at_any_event() {
    let (family, spec) = recipes().swap_remove(4);
    for at in [0, 1, 2, 5, 11] {
        let mut seen = 0;
        let outcome = fit(family, &spec, 1, &mut |event| {
            assert!(!matches!(event, FitEvent::Finished(_)));
            seen += 1;
            if seen > at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(matches!(outcome, Err(FitError::Cancelled)));
        assert_eq!(seen, at + 1);
    }
}

#[test]
fn a_learning_rate_beyond_all_reason_diverges() {
    for (family, mut spec) in recipes() {
        spec.settings.insert("learning_rate".into(), json!(10.0));
        spec.settings.insert("weight_decay".into(), json!(10.0));
        spec.settings.insert("epochs".into(), json!(60));
        let outcome = fit(family, &spec, 1, &mut |_| ControlFlow::Continue(()));
        assert!(
            matches!(outcome, Err(FitError::Diverged(_))),
            "{spec:?}: {:?}",
            outcome
                .map(|_| "a model")
                .map_err(|error| error.to_string())
        );
    }
}
