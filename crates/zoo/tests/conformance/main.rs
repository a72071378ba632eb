//! One suite over every registered family and engine: what ARCHITECTURE and the traits'
//! documentation promise, each engine must keep. A new engine is covered by being
//! registered; nothing is to be added here.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail loudly too; clippy exempts only the test functions"
)]

mod problem;

use std::ops::ControlFlow;

use bakeoff_core::{
    Dataset, Engine, Family, FitContext, FitError, FitEvent, FittedModel, ImageShape, Images,
    PredictError, Probabilities, Settings,
};
use bakeoff_store::{Calibrated, ModelFacts};
use bakeoff_tests::toy::{self, ToySpec};

use serde_json::json;

use self::problem::{fit, fit_spec, fit_with, for_every_engine, in_pool, problem, spec};

fn accuracy(labels: &[u16], probabilities: &Probabilities) -> f64 {
    let predicted = probabilities.predicted();
    let right = labels
        .iter()
        .zip(&predicted)
        .filter(|(a, b)| a == b)
        .count();
    right as f64 / labels.len() as f64
}

#[test]
fn every_family_has_a_distinct_name_and_a_default_engine() {
    let families = bakeoff_zoo::families();
    for (position, family) in families.iter().enumerate() {
        assert!(!family.engines.is_empty(), "{}", family.name);
        assert!(
            families[..position]
                .iter()
                .all(|other| other.name != family.name)
        );
        let defaults = family.resolve(None, &Settings::new()).unwrap();
        assert_eq!(defaults.engine, family.engines[0].name);
        // A file and a program have no default.
        if family.is_trained_elsewhere() {
            continue;
        }
        let spec = match family.is_program() {
            false => defaults,
            true => spec(family, &family.engines[0]),
        };
        let classifier = bakeoff_zoo::build(&spec).unwrap();
        assert_eq!(
            classifier.spec(),
            spec,
            "a recipe must tell what it was built from"
        );
        assert!(
            family.engines[0].deterministic || family.is_program(),
            "the default engine of {} must give the same bits at any number of threads",
            family.name
        );
    }
}

#[test]
fn every_engine_learns_a_toy_problem() {
    let data = problem();
    for_every_engine(|family, engine| {
        let model = fit(family, engine, &data, 1);
        let answers = model.predict_proba(data.test().images()).unwrap();
        assert_eq!(answers.len(), data.test().len());
        assert_eq!(answers.classes(), 3);
        assert_eq!(model.classes(), 3);
        assert_eq!(model.input_shape(), data.test().images().shape());
        assert!(model.parameters() > 0 || family.is_program());
        if family.is_baseline {
            // It answers every image alike.
            assert!(answers.rows().all(|row| row == answers.row(0)));
            return;
        }
        let reached = accuracy(data.test().labels(), &answers);
        assert!(
            reached >= 0.9,
            "{}/{} reached {reached}",
            family.name,
            engine.name
        );
    });
}

#[test]
fn every_engine_copes_with_an_absent_class_and_colour() {
    // Class 1 of 3 never occurs in the training part; images have three channels.
    let data = toy::prototypes(ToySpec {
        shape: ImageShape::new(3, 8, 7),
        classes: 3,
        train: 90,
        test: 30,
        noise: 0.1,
        seed: 3,
    })
    .unwrap();
    let keep: Vec<usize> = (0..data.train().len())
        .filter(|&index| data.train().labels()[index] != 1)
        .collect();
    let part = Dataset::new("gap", data.train().select(&keep), data.test().clone()).unwrap();
    for_every_engine(|family, engine| {
        let model = fit(family, engine, &part, 1);
        let answers = model.predict_proba(part.test().images()).unwrap();
        assert_eq!(answers.classes(), 3);
        if family.is_baseline {
            return;
        }
        let known: Vec<usize> = (0..part.test().len())
            .filter(|&index| part.test().labels()[index] != 1)
            .collect();
        let labels: Vec<u16> = known.iter().map(|&i| part.test().labels()[i]).collect();
        let reached = accuracy(&labels, &answers.select(&known));
        assert!(
            reached >= 0.9,
            "{}/{} reached {reached}",
            family.name,
            engine.name
        );
    });
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let data = problem();
    for_every_engine(|family, engine| {
        let answer = |threads| {
            in_pool(threads, || {
                fit(family, engine, &data, 5)
                    .predict_proba(data.test().images())
                    .unwrap()
            })
        };
        let first = answer(1);
        assert!(first == answer(1), "{}/{} twice", family.name, engine.name);
        if engine.deterministic {
            for threads in [2, 3] {
                assert!(
                    first == answer(threads),
                    "{}/{} with {threads} threads",
                    family.name,
                    engine.name
                );
            }
        }
    });
}

fn facts(family: &Family, engine: &Engine, data: &Dataset) -> ModelFacts {
    ModelFacts {
        data_fingerprint: data.fingerprint().into(),
        train_samples: data.train().len(),
        seed: 1,
        trial: "0".into(),
        ..ModelFacts::new(
            family.name,
            "toy",
            spec(family, engine),
            data.test().class_names().to_vec(),
        )
    }
}

#[test]
fn a_calibrated_model_is_more_honest_and_comes_back_with_the_same_bits() {
    // Noise that leaves mistakes, so that there is a temperature to be found.
    let data = toy::prototypes(ToySpec {
        shape: ImageShape::new(1, 9, 8),
        classes: 3,
        train: 150,
        test: 120,
        noise: 120.0,
        seed: 7,
    })
    .unwrap();
    for_every_engine(|family, engine| {
        let fitted = fit(family, engine, &data, 1);
        let (model, temperature) = Calibrated::fit(fitted, data.test()).unwrap();
        let name = format!("{}/{}", family.name, engine.name);
        assert!(
            temperature.log_loss_after <= temperature.log_loss_before + 1e-12,
            "{name}"
        );
        let images = data.test().images();
        let (before, after) = (
            model.uncalibrated().predict_proba(images).unwrap(),
            model.predict_proba(images).unwrap(),
        );
        assert_eq!(before.predicted(), after.predicted(), "{name}");
        let folder = tempfile::tempdir().unwrap();
        let facts = facts(family, engine, &data);
        let saved = bakeoff_store::save(folder.path(), &model, facts).unwrap();
        let loaded = bakeoff_store::load(&saved.folder, bakeoff_zoo::family).unwrap();
        assert_eq!(
            loaded.manifest.temperature,
            Some(temperature.temperature),
            "{name}"
        );
        assert!(
            loaded.model.predict_proba(images).unwrap() == after,
            "{name}"
        );
        if let Some(layers) = loaded.model.layers() {
            let found = bakeoff_network::forward(&layers, images.get(0).unwrap()).unwrap();
            for (found, expected) in found.probabilities.iter().zip(after.row(0)) {
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{name}: {found}, {expected}"
                );
            }
        }
    });
}

#[test]
fn what_is_saved_answers_with_the_same_bits() {
    let data = problem();
    for_every_engine(|family, engine| {
        let model = fit(family, engine, &data, 1);
        let folder = tempfile::tempdir().unwrap();
        let facts = facts(family, engine, &data);
        let saved = bakeoff_store::save(folder.path(), &*model, facts).unwrap();
        let loaded = bakeoff_store::load(&saved.folder, bakeoff_zoo::family).unwrap();
        assert_eq!(loaded.manifest.parameters, model.parameters());
        assert_eq!(loaded.model.parameters(), model.parameters());
        let images = data.test().images();
        assert!(
            model.predict_proba(images).unwrap() == loaded.model.predict_proba(images).unwrap(),
            "{}/{}",
            family.name,
            engine.name
        );
        let single = images.single(0).unwrap();
        assert!(
            model.predict_proba(&single).unwrap() == loaded.model.predict_proba(&single).unwrap()
        );
    });
}

#[test]
fn every_family_stands_behind_features_and_comes_back_with_the_same_bits() {
    let data = problem();
    // One that keeps the shape, one that changes it, one that learns, and one that gives a vector.
    let chains = [
        json!(["deskew", "blur 0.5"]),
        json!(["hog 2 4"]),
        json!(["patches 6 3", "standardise"]),
        json!(["pca 12"]),
    ];
    for_every_engine(|family, engine| {
        if family.features.is_none() {
            return;
        }
        for chain in &chains {
            let mut spec = spec(family, engine);
            // What is no longer 9×8 pixels is too small for the convolution of the others.
            if chain[0] != "deskew" && spec.settings.contains_key("layers") {
                spec.settings.insert("layers".into(), json!(["dense 16"]));
            }
            spec.settings.insert("features".into(), chain.clone());
            let name = format!("{}/{} behind {chain}", family.name, engine.name);
            let answer = |threads| {
                in_pool(threads, || {
                    let model = fit_spec(family, &spec, &data, 5);
                    let answers = model.predict_proba(data.test().images()).unwrap();
                    (model, answers)
                })
            };
            let (model, answers) = answer(1);
            if engine.deterministic {
                assert!(answers == answer(2).1, "{name}");
            }
            let reached = accuracy(data.test().labels(), &answers);
            assert!(reached > 0.6, "{name} reached {reached}");
            assert_eq!(model.input_shape(), data.test().images().shape());
            let folder = tempfile::tempdir().unwrap();
            let facts = ModelFacts {
                spec: spec.clone(),
                ..facts(family, engine, &data)
            };
            let saved = bakeoff_store::save(folder.path(), &*model, facts).unwrap();
            let loaded = bakeoff_store::load(&saved.folder, bakeoff_zoo::family).unwrap();
            let again = loaded.model.predict_proba(data.test().images()).unwrap();
            assert!(answers == again, "{name}");
            assert!(model.layers().is_none() && model.why_no_layers().contains("feature"));
        }
    });
}

#[test]
fn scores_come_with_the_same_answers_and_rank_as_the_layers_do() {
    let data = problem();
    for_every_engine(|family, engine| {
        let model = fit(family, engine, &data, 1);
        let images = data.test().images();
        let (answers, scores) = model.predict_scored(images).unwrap();
        assert!(
            answers == model.predict_proba(images).unwrap(),
            "{}/{}",
            family.name,
            engine.name
        );
        let (Some(scores), Some(layers)) = (scores, model.layers()) else {
            return;
        };
        assert_eq!(scores.len(), images.len());
        for (picture, score) in images.iter().zip(scores) {
            let last = bakeoff_network::forward(&layers, picture)
                .unwrap()
                .layers
                .pop()
                .unwrap();
            let best = last.values.into_iter().fold(f32::NEG_INFINITY, f32::max);
            let near = (score - best).abs() <= 1e-4 * (1.0 + best.abs());
            assert!(near, "{}/{}: {score}, {best}", family.name, engine.name);
        }
    });
}

#[test]
fn one_picture_is_answered_as_in_a_batch() {
    let data = problem();
    for_every_engine(|family, engine| {
        let model = fit(family, engine, &data, 1);
        let images = data.test().images();
        let batch = model.predict_proba(images).unwrap();
        for index in 0..5 {
            let alone = model.predict_proba(&images.single(index).unwrap()).unwrap();
            for (a, b) in alone.row(0).iter().zip(batch.row(index)) {
                assert!((a - b).abs() <= 1e-5, "{}/{}", family.name, engine.name);
            }
        }
    });
}

#[test]
fn the_layers_of_a_model_answer_as_the_model_does() {
    // What the page can try without a server.
    const HAVE_LAYERS: &[&str] = &["logistic", "ann", "cnn"];
    let data = problem();
    for_every_engine(|family, engine| {
        let model = fit(family, engine, &data, 1);
        let Some(layers) = model.layers() else {
            assert!(
                !HAVE_LAYERS.contains(&family.name),
                "{} has none",
                family.name
            );
            return;
        };
        assert_eq!(layers.input(), model.input_shape());
        assert_eq!(layers.classes(), model.classes());
        let images = data.test().images();
        let answers = model.predict_proba(images).unwrap();
        for index in 0..images.len() {
            let found = bakeoff_network::forward(&layers, images.get(index).unwrap()).unwrap();
            for (found, expected) in found.probabilities.iter().zip(answers.row(index)) {
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{}/{}: {found} is not {expected}",
                    family.name,
                    engine.name
                );
            }
        }
    });
}

#[test]
fn no_pictures_give_no_answers() {
    let data = problem();
    for_every_engine(|family, engine| {
        let model = fit(family, engine, &data, 1);
        let none = data.test().images().select(&[]);
        assert_eq!(model.predict_proba(&none).unwrap().len(), 0);
    });
}

#[test]
fn pictures_of_another_shape_are_refused() {
    let data = problem();
    for_every_engine(|family, engine| {
        let model = fit(family, engine, &data, 1);
        // As many bytes, but turned: only the shape can tell.
        let turned = Images::new(ImageShape::new(1, 8, 9), vec![0; 72]).unwrap();
        assert!(matches!(
            model.predict_proba(&turned),
            Err(PredictError::Shape { .. })
        ));
    });
}

#[test]
fn too_little_data_is_an_error_not_a_panic() {
    let data = problem();
    let none = Dataset::new("none", data.train().select(&[]), data.test().clone()).unwrap();
    for_every_engine(|family, engine| {
        let classifier = bakeoff_zoo::build(&spec(family, engine)).unwrap();
        let mut progress = |_: &FitEvent| ControlFlow::Continue(());
        let result = classifier.fit(
            none.train(),
            &mut FitContext {
                seed: 1,
                validation: None,
                progress: &mut progress,
            },
        );
        assert!(result.is_err(), "{}/{}", family.name, engine.name);
    });
}

#[test]
fn events_come_in_order() {
    let data = problem();
    for_every_engine(|family, engine| {
        let mut events = Vec::new();
        fit_with(family, engine, &data, 1, &mut |event| {
            events.push(event.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
        let name = format!("{}/{}", family.name, engine.name);
        assert!(
            matches!(events.first(), Some(FitEvent::Started { .. })),
            "{name}"
        );
        assert!(
            matches!(events.last(), Some(FitEvent::Finished(_))),
            "{name}"
        );
        let (mut epochs, mut iterations) = (0, 0);
        for event in &events[1..events.len() - 1] {
            match event {
                FitEvent::Started { .. } | FitEvent::Finished(_) => {
                    panic!("{name}: {event:?} in the middle")
                }
                FitEvent::Epoch(epoch) => {
                    assert_eq!(epoch.epoch, epochs + 1, "{name}");
                    epochs += 1;
                    assert!(epoch.train_loss.is_finite(), "{name}");
                    assert_eq!(
                        epoch.validation_loss.is_some(),
                        family.uses_validation,
                        "{name}"
                    );
                }
                FitEvent::Iteration { iteration, .. } => {
                    assert!(*iteration > iterations, "{name}");
                    iterations = *iteration;
                }
                FitEvent::Progress { samples, total } => assert!(samples <= total, "{name}"),
            }
        }
    });
}

#[test]
fn a_fit_can_be_cancelled_at_every_event() {
    let data = problem();
    for_every_engine(|family, engine| {
        let mut total = 0_usize;
        fit_with(family, engine, &data, 1, &mut |_| {
            total += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        // The first, one in the middle and the last: an engine that ignores the answer
        // to any of them fails here.
        for stop_at in [1, total.div_ceil(2), total] {
            let mut seen = 0;
            let result = fit_with(family, engine, &data, 1, &mut |_| {
                seen += 1;
                match seen == stop_at {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            assert!(
                matches!(result, Err(FitError::Cancelled)),
                "{}/{} stopped at event {stop_at} of {total}",
                family.name,
                engine.name
            );
            assert_eq!(seen, stop_at, "{}/{} went on", family.name, engine.name);
        }
    });
}
