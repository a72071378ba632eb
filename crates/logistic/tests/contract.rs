//! What the traits promise, held by every engine.

mod support;

use std::ops::ControlFlow;

use bakeoff_core::{
    Dataset, FitContext, FitError, FitEvent, ImageShape, Images, PredictError, SpecError, StepUnit,
    StoreError,
};
use bakeoff_logistic::FAMILY;
use bakeoff_tests::toy::{ToySpec, prototypes};
use serde_json::json;
use support::{Memory, bits, engines, fit, fit_with, header, recipe, samples, spec};

/// Odd sizes, so that every kernel has remainders: 3 channels, 7 classes, 105 pixels.
fn toy() -> Dataset {
    prototypes(ToySpec {
        shape: ImageShape::new(3, 7, 5),
        classes: 7,
        train: 350,
        test: 150,
        noise: 60.0,
        seed: 5,
    })
    .expect("a possible toy")
}

#[test]
fn a_toy_problem_is_learned() {
    let toy = toy();
    for engine in engines() {
        let fitted = fit(&*recipe(engine, &json!({})), toy.train()).unwrap();
        let answers = fitted.model.predict_proba(toy.test().images()).unwrap();
        let right = answers
            .predicted()
            .iter()
            .zip(toy.test().labels())
            .filter(|(a, b)| a == b)
            .count();
        assert!(right >= 145, "{engine}: {right} of 150");
        assert_eq!(fitted.model.classes(), 7);
        assert_eq!(fitted.model.parameters(), 7 * 105 + 7);
        assert_eq!(fitted.model.input_shape(), ImageShape::new(3, 7, 5));
        assert_eq!(fitted.summary().converged, Some(true), "{engine}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_at_any_number_of_threads() {
    let toy = toy();
    let test = toy.test().images();
    for engine in FAMILY.engines {
        assert!(engine.deterministic);
        let recipe = recipe(engine.name, &json!({"c": 0.1}));
        let once = fit_with(1, &*recipe, toy.train());
        for threads in [1, 2, 5] {
            let again = fit_with(threads, &*recipe, toy.train());
            assert_eq!(
                bits(&*once.model, test),
                bits(&*again.model, test),
                "{} with {threads} threads",
                engine.name
            );
            assert_eq!(once.events, again.events, "{}", engine.name);
        }
    }
}

/// Enough images for several chunks, at which threads could make a difference.
#[test]
fn many_pictures_give_the_same_bits_at_any_number_of_threads() {
    let toy = prototypes(ToySpec {
        train: 9000,
        test: 3000,
        noise: 100.0,
        ..ToySpec::default()
    })
    .unwrap();
    let recipe = recipe("native", &json!({}));
    let once = fit_with(1, &*recipe, toy.train());
    let twice = fit_with(2, &*recipe, toy.train());
    assert_eq!(once.events, twice.events);
    let test = toy.test().images();
    let one = bits(&*once.model, test);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
    assert_eq!(one, pool.unwrap().install(|| bits(&*twice.model, test)));
}

#[test]
fn a_picture_gets_the_same_bits_alone_and_in_a_batch() {
    let toy = toy();
    let fitted = fit(&*recipe("native", &json!({})), toy.train()).unwrap();
    let test = toy.test().images();
    let alone: Vec<u32> = (0..test.len())
        .flat_map(|at| bits(&*fitted.model, &test.single(at).unwrap()))
        .collect();
    assert_eq!(alone, bits(&*fitted.model, test));
}

#[test]
fn a_saved_model_answers_with_the_same_bits() {
    let toy = toy();
    for engine in engines() {
        let settings = json!({});
        let fitted = fit(&*recipe(engine, &settings), toy.train()).unwrap();
        let mut memory = Memory::default();
        fitted.model.save(&mut memory).unwrap();
        assert_eq!(memory.0["weights"].0, [7, 105]);
        assert_eq!(memory.0["bias"].0, [7]);
        let loaded = FAMILY
            .load(
                &spec(engine, &settings),
                &header(&*fitted.model),
                &mut memory,
            )
            .unwrap();
        let test = toy.test().images();
        assert_eq!(bits(&*fitted.model, test), bits(&*loaded, test), "{engine}");
        assert_eq!(fitted.model.parameters(), loaded.parameters());
    }
}

#[test]
fn a_damaged_model_is_refused() {
    let toy = toy();
    let fitted = fit(&*recipe("native", &json!({})), toy.train()).unwrap();
    let load = |memory: &mut Memory| {
        let spec = spec("native", &json!({}));
        FAMILY
            .load(&spec, &header(&*fitted.model), memory)
            .map(|_| ())
    };
    let mut memory = Memory::default();
    fitted.model.save(&mut memory).unwrap();
    load(&mut memory).unwrap();
    memory.0.insert("bias".into(), (vec![6], vec![0.0; 6]));
    assert!(matches!(load(&mut memory), Err(StoreError::Tensor { name, .. }) if name == "bias"));
    memory.0.remove("weights");
    assert!(matches!(load(&mut memory), Err(StoreError::Missing { name }) if name == "weights"));
}

#[test]
fn other_shapes_are_refused_and_no_pictures_are_fine() {
    let toy = toy();
    let fitted = fit(&*recipe("native", &json!({})), toy.train()).unwrap();
    // As many pixels, but otherwise.
    let other = Images::new(ImageShape::new(3, 5, 7), vec![0; 105]).unwrap();
    let refused = fitted.model.predict_proba(&other).map(|_| ());
    assert!(matches!(refused, Err(PredictError::Shape { .. })));
    let none = Images::new(ImageShape::new(3, 7, 5), vec![]).unwrap();
    assert!(fitted.model.predict_proba(&none).unwrap().is_empty());
}

#[test]
fn events_come_in_order() {
    let toy = toy();
    for engine in engines() {
        let fitted = fit(&*recipe(engine, &json!({})), toy.train()).unwrap();
        let (first, rest) = fitted.events.split_first().unwrap();
        let started = FitEvent::Started {
            unit: StepUnit::Iteration,
            total: Some(1000),
        };
        assert_eq!(*first, started);
        let (_, between) = rest.split_last().unwrap();
        let mut loss_before = f64::INFINITY;
        for (at, event) in (1..).zip(between) {
            match event {
                FitEvent::Iteration {
                    iteration,
                    loss: Some(loss),
                } => {
                    assert_eq!(*iteration, at);
                    assert!(*loss < loss_before);
                    loss_before = *loss;
                }
                other => panic!("{engine}: {other:?}"),
            }
        }
        let summary = fitted.summary();
        assert_eq!(summary.steps, between.len() as u64, "{engine}");
        // Only the engine that chooses its instructions names them.
        assert_eq!(summary.kernel.is_some(), engine == "native");
        if engine == "native" {
            assert!(summary.steps > 3);
            // The same point with centred biases, with other rounding.
            let loss = summary.final_loss.unwrap();
            assert!((loss - loss_before).abs() < 1e-6 * loss);
        }
    }
}

#[test]
fn a_fit_can_be_cancelled_at_every_event() {
    let toy = toy();
    for engine in engines() {
        let recipe = recipe(engine, &json!({}));
        let events = fit(&*recipe, toy.train()).unwrap().events.len();
        for last in [1, events / 2 + 1, events] {
            let mut seen = 0;
            let cancelled = recipe.fit(
                toy.train(),
                &mut FitContext {
                    seed: 0,
                    validation: None,
                    progress: &mut |_| {
                        seen += 1;
                        if seen == last {
                            ControlFlow::Break(())
                        } else {
                            ControlFlow::Continue(())
                        }
                    },
                },
            );
            assert!(matches!(cancelled.map(|_| ()), Err(FitError::Cancelled)));
            assert_eq!(seen, last, "{engine} went on after it was cancelled");
        }
    }
}

#[test]
fn too_few_iterations_are_not_called_convergence() {
    let toy = toy();
    for engine in ["native", "linfa"] {
        let recipe = recipe(engine, &json!({"max_iterations": 2}));
        let fitted = fit(&*recipe, toy.train()).unwrap();
        assert_eq!(fitted.summary().converged, Some(false), "{engine}");
    }
}

#[test]
fn absent_classes_get_probability_zero() {
    let shape = ImageShape::new(1, 1, 2);
    // Of 5 classes 1 and 4 occur: dark and bright.
    let pixels = [[10, 20], [240, 250], [30, 0], [255, 230]].concat();
    let train = samples(shape, pixels, vec![1, 4, 1, 4], 5);
    for engine in engines() {
        let fitted = fit(&*recipe(engine, &json!({})), &train).unwrap();
        let answers = fitted.model.predict_proba(train.images()).unwrap();
        assert_eq!(answers.predicted(), [1, 4, 1, 4], "{engine}");
        for row in answers.rows() {
            assert_eq!([row[0], row[2], row[3]], [0.0; 3], "{engine}");
        }
        assert_eq!(fitted.model.parameters(), 5 * 2 + 5);
    }
}

#[test]
fn two_classes_and_many_work() {
    for classes in [2, 3, 23] {
        let toy = prototypes(ToySpec {
            classes,
            train: 40 * classes,
            test: 10 * classes,
            ..ToySpec::default()
        })
        .unwrap();
        for engine in engines() {
            let fitted = fit(&*recipe(engine, &json!({})), toy.train()).unwrap();
            let answers = fitted.model.predict_proba(toy.test().images()).unwrap();
            assert_eq!(
                answers.predicted(),
                toy.test().labels(),
                "{engine}, {classes} classes"
            );
        }
    }
}

#[test]
fn what_cannot_be_learned_is_refused_by_name() {
    let shape = ImageShape::new(1, 1, 1);
    let cases = [
        (samples(shape, vec![], vec![], 3), "no samples"),
        (samples(shape, vec![1, 2], vec![2, 2], 3), "one class, 2"),
    ];
    for (train, reason) in cases {
        for engine in engines() {
            match fit(&*recipe(engine, &json!({})), &train) {
                Err(FitError::Data(text)) => assert!(text.contains(reason), "{text}"),
                Err(other) => panic!("{engine}: {other}"),
                Ok(_) => panic!("{engine} learned from nothing"),
            }
        }
    }
}

#[test]
fn pictures_without_difference_give_the_shares_of_the_classes() {
    let train = samples(ImageShape::new(1, 2, 2), vec![0; 16], vec![0, 0, 0, 1], 2);
    for engine in engines() {
        let fitted = fit(&*recipe(engine, &json!({})), &train).unwrap();
        let answers = fitted.model.predict_proba(train.images()).unwrap();
        assert!((answers.row(0)[0] - 0.75).abs() < 1e-3, "{engine}");
    }
}

#[test]
fn what_an_engine_cannot_do_is_refused_before_training() {
    for (engine, settings, key) in [
        ("smartcore", json!({"max_iterations": 50}), "max_iterations"),
        (
            "smartcore",
            json!({"class_weight": "balanced"}),
            "class_weight",
        ),
        ("linfa", json!({"class_weight": "balanced"}), "class_weight"),
    ] {
        let refused = FAMILY.build(&spec(engine, &settings));
        match refused.map(|_| ()) {
            Err(error @ SpecError::Unsupported { .. }) => assert_eq!(error.key(), Some(key)),
            other => panic!("{other:?}"),
        }
    }
}
