//! Settings of training and answering, and what they change.

use super::*;

/// What a model answers for the rare class, a tenth of the images, where images say nothing: it learns
/// how common the classes are, and dropout keeps it a little away from the optimum.
fn of_the_rare_class(
    family: &Family,
    engine: &Engine,
    given: serde_json::Value,
) -> Result<f32, SpecError> {
    let shape = ImageShape::new(1, 8, 8);
    let images = Images::new(shape, vec![255; 60 * 64]).unwrap();
    let labels: Vec<u16> = (0..60).map(|at| u16::from(at % 10 == 0)).collect();
    let train = Samples::new(images, labels, ["often".to_owned(), "rare".to_owned()]).unwrap();
    let mut settings: Settings = [
        ("epochs".into(), json!(150)),
        ("learning_rate".into(), json!(0.02)),
        ("batch_size".into(), json!(60)),
    ]
    .into();
    settings.extend(given.as_object().unwrap().clone());
    let spec = family.resolve(Some(engine.name), &settings).unwrap();
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    let model = family.build(&spec)?.fit(&train, &mut context).unwrap();
    let answer = model.predict_proba(train.images()).unwrap();
    Ok(answer.row(0)[1])
}

#[test]
fn targets_are_weighed_and_smoothed() {
    let [engine, ..] = FAMILIES[0].engines else {
        panic!("no engine");
    };
    for family in &FAMILIES {
        for (given, expected) in [
            (json!({}), 0.1),
            (json!({"class_weight": "balanced"}), 0.5),
            (json!({"label_smoothing": 0.4}), 0.6 * 0.1 + 0.2),
            (
                json!({"class_weight": "balanced", "label_smoothing": 0.4}),
                0.5,
            ),
        ] {
            let found = of_the_rare_class(family, engine, given.clone()).unwrap();
            let name = family.name;
            assert!((found - expected).abs() < 0.1, "{name}, {given}: {found}");
        }
    }
}

#[test]
fn an_engine_refuses_by_name_what_it_cannot_do() {
    let rare = [
        ("class_weight", json!("balanced")),
        ("label_smoothing", json!(0.1)),
        ("average", json!(0.9)),
        ("optimizer", json!("sgd")),
        ("optimizer", json!("muon")),
    ];
    for family in &FAMILIES {
        let others = family.engines.iter().filter(|engine| engine.code.is_some());
        for engine in others.filter(|engine| engine.name != "native") {
            for (key, value) in rare.clone() {
                let error = of_the_rare_class(family, engine, json!({key: value})).unwrap_err();
                assert_eq!(error.key(), Some(key));
                assert!(error.to_string().contains("use engine native"), "{error}");
            }
        }
    }
}

#[test]
fn an_average_of_the_weights_is_what_is_validated_and_kept() {
    let [family, ..] = &FAMILIES;
    let (train, validation, _) = toy();
    let run = |average: f64| {
        let given: Settings = [
            ("epochs".into(), json!(4)),
            ("batch_size".into(), json!(33)),
            ("learning_rate".into(), json!(0.05)),
            ("average".into(), json!(average)),
        ]
        .into();
        let spec = family.resolve(None, &given).unwrap();
        let mut losses = (Vec::new(), Vec::new());
        let mut note = |event: &FitEvent| {
            if let FitEvent::Epoch(epoch) = event {
                losses.0.push(epoch.train_loss);
                losses.1.push(epoch.validation_loss.unwrap());
            }
            ControlFlow::Continue(())
        };
        let mut context = FitContext {
            seed: 1,
            validation: Some(&validation),
            progress: &mut note,
        };
        let model = family.build(&spec).unwrap();
        let model = model.fit(&train, &mut context).unwrap();
        let answers = model.predict_proba(validation.images()).unwrap();
        let labels = validation.labels().iter().enumerate();
        let loss = labels.map(|(at, &label)| -f64::from(answers.row(at)[usize::from(label)]).ln());
        (losses, loss.sum::<f64>() / validation.len() as f64)
    };
    let ((plain_train, plain_validation), _) = run(0.0);
    let ((train, validation), kept) = run(0.9);
    assert_eq!(train, plain_train, "the steps are the same");
    assert!(
        validation
            .iter()
            .zip(plain_validation)
            .all(|(a, b)| *a != b)
    );
    let best = validation.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        (kept - best).abs() < 1e-5,
        "{kept}, by epoch {validation:?}"
    );
}

#[test]
fn every_optimizer_learns_an_easy_problem_and_muon_needs_a_hidden_matrix() {
    let [dense, convolutional] = &FAMILIES;
    let (_, _, test) = toy();
    let model = |family: &Family, optimizer: &str, rate: f64| {
        let given: Settings = [
            ("epochs".into(), json!(6)),
            ("batch_size".into(), json!(33)),
            ("learning_rate".into(), json!(rate)),
            ("optimizer".into(), json!(optimizer)),
        ]
        .into();
        let spec = family.resolve(None, &given).unwrap();
        fit(family, &spec, 1, &mut |_| ControlFlow::Continue(()))
    };
    for (family, optimizer, rate) in [
        (dense, "sgd", 0.1),
        (convolutional, "sgd", 0.1),
        (convolutional, "muon", 0.01),
    ] {
        let answers = model(family, optimizer, rate).unwrap();
        let answers = answers.predict_proba(test.images()).unwrap();
        let found = accuracy(&answers, &test);
        assert!(found > 0.95, "{}, {optimizer}: {found}", family.name);
    }
    let error = model(dense, "muon", 0.01).err().unwrap().to_string();
    assert!(
        error.contains("optimizer") && error.contains("adam or sgd"),
        "{error}"
    );
}

#[test]
fn answers_by_views_are_the_mean_of_moved_images_alone_and_in_a_batch() {
    let (_, _, test) = toy();
    for (family, mut spec) in recipes() {
        let plain = fitted(family, &spec, 1);
        spec.settings.insert("answer_shift".into(), json!(1));
        let model = fitted(family, &spec, 1);
        assert_eq!(model.parameters(), plain.parameters());
        let found = model.predict_proba(test.images()).unwrap();
        let shape = test.images().shape();
        let warped = |[down, right]: [isize; 2]| {
            let mut pixels = Vec::new();
            for image in test.images().iter() {
                for at in 0..shape.pixels() {
                    let (channel, place) = (
                        at / (shape.height * shape.width),
                        at % (shape.height * shape.width),
                    );
                    let y = (place / shape.width).checked_add_signed(-down);
                    let x = (place % shape.width).checked_add_signed(-right);
                    let inside = y
                        .zip(x)
                        .filter(|&(y, x)| y < shape.height && x < shape.width);
                    pixels.push(inside.map_or(0, |(y, x)| {
                        image[(channel * shape.height + y) * shape.width + x]
                    }));
                }
            }
            plain
                .predict_proba(&Images::new(shape, pixels).unwrap())
                .unwrap()
        };
        let views = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]].map(warped);
        for (at, &probability) in found.values().iter().enumerate() {
            let mean = views.iter().map(|view| view.values()[at]).sum::<f32>() / 5.0;
            assert!((mean - probability).abs() < 1e-6, "{spec:?}");
        }
        // Of this project's own engine, alone as in a batch.
        if spec.engine == "native" {
            let (scored, scores) = model.predict_scored(test.images()).unwrap();
            assert_eq!(bits(&scored), bits(&found));
            for index in [0, 3, test.len() - 1] {
                let alone = model
                    .predict_scored(test.select(&[index]).images())
                    .unwrap();
                assert_eq!(bits(&alone.0), bits(&found.select(&[index])));
                assert_eq!(alone.1.unwrap()[0], scores.as_ref().unwrap()[index]);
            }
        }
        // Layers would give another answer, so there are none, and the model says why.
        assert!(plain.layers().is_some() && model.layers().is_none());
        assert!(model.why_no_layers().contains("answer_shift"));
    }
}

#[test]
fn answers_in_the_mirror_are_the_mean_of_both_sides() {
    let (_, _, test) = toy();
    for (family, mut spec) in recipes() {
        let plain = fitted(family, &spec, 1);
        spec.settings.insert("answer_flip".into(), json!(true));
        let model = fitted(family, &spec, 1);
        let mut mirrored = test.images().pixels().to_vec();
        let shape = test.images().shape();
        mirrored
            .chunks_exact_mut(shape.width)
            .for_each(<[u8]>::reverse);
        let mirrored = Images::new(shape, mirrored).unwrap();
        let sides = [test.images(), &mirrored].map(|side| plain.predict_proba(side).unwrap());
        let found = model.predict_proba(test.images()).unwrap();
        for (at, &probability) in found.values().iter().enumerate() {
            let mean = f32::midpoint(sides[0].values()[at], sides[1].values()[at]);
            assert!((mean - probability).abs() < 1e-6, "{spec:?}");
        }
        assert!(model.layers().is_none());
    }
}

#[test]
fn an_ensemble_answers_with_the_mean_of_its_members_also_when_it_was_saved() {
    let (_, _, test) = toy();
    for (family, mut spec) in recipes() {
        let alone = [1, derive_seed(1, "member/2")].map(|seed| fitted(family, &spec, seed));
        spec.settings.insert("members".into(), json!(2));
        let model = fitted(family, &spec, 1);
        let answers = alone
            .each_ref()
            .map(|member| member.predict_proba(test.images()).unwrap());
        assert_ne!(bits(&answers[0]), bits(&answers[1]));
        let found = model.predict_proba(test.images()).unwrap();
        for (at, &probability) in found.values().iter().enumerate() {
            let mean = f32::midpoint(answers[0].values()[at], answers[1].values()[at]);
            assert!((mean - probability).abs() < 1e-6, "{spec:?}");
        }
        assert_eq!(model.parameters(), 2 * alone[0].parameters());
        assert!(model.layers().is_none() && model.why_no_layers().contains("members"));
        let mut shelf = Shelf::default();
        model.save(&mut shelf).unwrap();
        let header = ModelHeader {
            input_shape: model.input_shape(),
            classes: model.classes(),
        };
        let loaded = family.load(&spec, &header, &mut shelf.clone()).unwrap();
        let loaded = loaded.predict_proba(test.images()).unwrap();
        assert_eq!(bits(&loaded), bits(&found));
        shelf.0.remove("member2.output.weight");
        let error = family.load(&spec, &header, &mut shelf).err().unwrap();
        assert!(
            error.to_string().contains("member2.output.weight"),
            "{error}"
        );
    }
}
