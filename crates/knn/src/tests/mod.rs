//! The family from the outside: build, fit, predict, save, load.

mod golden;
pub(crate) mod reference;

use std::{collections::BTreeMap, ops::ControlFlow};

use bakeoff_core::{
    Classifier, FitContext, FitError, FitEvent, FittedModel, ImageShape, Images, ModelHeader,
    ModelReader, ModelSpec, ModelWriter, PredictError, Samples, Settings, StoreError, TensorData,
    TrainingNeighbour,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::reference::{random_bytes, with_threads};
use crate::{FAMILY, engines::ENGINES};

/// Every engine with every index it has, and the metrics of each.
fn recipes() -> Vec<(&'static str, Value)> {
    let mut recipes = Vec::new();
    for engine in &ENGINES {
        let words = |key| {
            let mut rows = engine.supports.iter();
            rows.find(|row| row.0 == key).expect("a row of each").1
        };
        for metric in words("metric") {
            for index in words("index") {
                recipes.push((engine.name, json!({"metric": metric, "index": index})));
            }
        }
    }
    recipes
}

fn spec(engine: &str, settings: &Value) -> ModelSpec {
    let given: Settings = settings
        .as_object()
        .map(|object| object.clone().into_iter().collect())
        .unwrap_or_default();
    FAMILY.resolve(Some(engine), &given).expect("a good spec")
}

fn build(engine: &str, settings: &Value) -> Box<dyn Classifier> {
    FAMILY
        .build(&spec(engine, settings))
        .expect("a good recipe")
}

/// Images of three classes, bright in different thirds, with noise.
fn toy(seed: u64, count: usize) -> Samples {
    let shape = ImageShape::new(1, 5, 6);
    let labels: Vec<u16> = (0..count).map(|index| (index % 3) as u16).collect();
    let pixels: Vec<u8> = random_bytes(seed, count * shape.pixels())
        .into_iter()
        .enumerate()
        .map(|(at, noise)| {
            let (index, pixel) = (at / shape.pixels(), at % shape.pixels());
            let bright = pixel / 10 == index % 3;
            noise / 2 + if bright { 90 } else { 0 }
        })
        .collect();
    let names: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
    Samples::new(Images::new(shape, pixels).expect("images"), labels, names).expect("samples")
}

fn fit(classifier: &dyn Classifier, train: &Samples) -> Box<dyn FittedModel> {
    let mut progress = |_: &FitEvent| ControlFlow::Continue(());
    let mut ctx = FitContext {
        seed: 1,
        validation: None,
        progress: &mut progress,
    };
    classifier.fit(train, &mut ctx).expect("a fit")
}

/// The nearest training images of each image.
fn neighbours(
    model: &dyn FittedModel,
    images: &Images,
    count: usize,
) -> Vec<Vec<TrainingNeighbour>> {
    let singles = (0..images.len()).filter_map(|index| images.single(index));
    singles
        .map(|image| model.training_neighbours(&image, count))
        .map(|found| {
            found
                .expect("neighbours")
                .expect("a model that keeps its data")
        })
        .collect()
}

fn bits(model: &dyn FittedModel, images: &Images) -> Vec<u32> {
    let probabilities = model.predict_proba(images).expect("probabilities");
    probabilities.values().iter().map(|p| p.to_bits()).collect()
}

#[derive(Clone, Debug, PartialEq)]
enum Tensor {
    U8(Vec<u8>),
    U16(Vec<u16>),
}

/// Tensors in memory.
#[derive(Clone, Default)]
struct Store(BTreeMap<String, (Vec<usize>, Tensor)>);

impl ModelWriter for Store {
    fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        data: TensorData<'_>,
    ) -> Result<(), StoreError> {
        let (len, data) = match data {
            TensorData::U8(data) => (data.len(), Tensor::U8(data.to_vec())),
            TensorData::U16(data) => (data.len(), Tensor::U16(data.to_vec())),
            other => return Err(StoreError::Inconsistent(format!("{other:?}"))),
        };
        assert_eq!(len, shape.iter().product::<usize>(), "{name}");
        let before = self.0.insert(name.into(), (shape.to_vec(), data));
        assert_eq!(before, None, "{name} is written twice");
        Ok(())
    }
}

impl Store {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor, StoreError> {
        let missing = || StoreError::Missing { name: name.into() };
        let (stored, tensor) = self.0.get(name).cloned().ok_or_else(missing)?;
        if stored != shape {
            return Err(StoreError::Tensor {
                name: name.into(),
                got: format!("{stored:?}"),
                expected: format!("{shape:?}"),
            });
        }
        Ok(tensor)
    }
}

impl ModelReader for Store {
    fn shape(&mut self, name: &str) -> Result<Vec<usize>, StoreError> {
        let missing = || StoreError::Missing { name: name.into() };
        self.0
            .get(name)
            .map(|(shape, _)| shape.clone())
            .ok_or_else(missing)
    }
    fn f32(&mut self, name: &str, _: &[usize]) -> Result<Vec<f32>, StoreError> {
        Err(StoreError::Missing { name: name.into() })
    }
    fn u8(
        &mut self,
        name: &str,
        shape: &[usize],
    ) -> Result<std::borrow::Cow<'_, [u8]>, StoreError> {
        match self.get(name, shape)? {
            Tensor::U8(data) => Ok(data.into()),
            Tensor::U16(_) => Err(StoreError::Inconsistent(format!("{name} is u16"))),
        }
    }
    fn u16(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u16>, StoreError> {
        match self.get(name, shape)? {
            Tensor::U16(data) => Ok(data),
            Tensor::U8(_) => Err(StoreError::Inconsistent(format!("{name} is u8"))),
        }
    }

    fn u32(&mut self, name: &str, _: &[usize]) -> Result<Vec<u32>, StoreError> {
        Err(StoreError::Missing { name: name.into() })
    }
}

const KERNELS: [&str; 6] = [
    "avx512-vnni",
    "avx-vnni",
    "avx2",
    "neon-dotprod",
    "neon",
    "portable",
];

const HEADER: ModelHeader = ModelHeader {
    input_shape: ImageShape::new(1, 5, 6),
    classes: 3,
};

#[test]
fn every_engine_learns_and_comes_back_from_a_save_with_the_same_bits() {
    let (train, test) = (toy(1, 90), toy(2, 30));
    for (engine, settings) in recipes() {
        let context = format!("{engine} {settings}");
        let model = fit(build(engine, &settings).as_ref(), &train);
        assert_eq!(model.parameters(), 90 * 30, "{context}");
        let answer = model.predict_proba(test.images()).expect("probabilities");
        let predicted = answer.predicted();
        let right = predicted.iter().zip(test.labels()).filter(|(a, b)| a == b);
        assert!(right.count() >= 29, "{context}");

        let mut store = Store::default();
        model.save(&mut store).expect("saved");
        assert_eq!(
            store.0["images"],
            (vec![90, 30], Tensor::U8(train.images().pixels().to_vec())),
            "{context}"
        );
        let spec = spec(engine, &settings);
        let loaded = FAMILY.load(&spec, &HEADER, &mut store).expect("loaded");
        let expected = bits(model.as_ref(), test.images());
        assert_eq!(bits(loaded.as_ref(), test.images()), expected, "{context}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn engines_give_the_same_probabilities(
        seed in any::<u64>(),
        rows in 2usize..60,
        k in 1usize..12,
        levels in prop::sample::select(vec![1u8, 2, 5, 255]),
        distance in any::<bool>(),
    ) {
        // Few grey levels: many ties, and neighbours at distance 0.
        let level = |byte: u8| byte % levels.saturating_add(1);
        let shape = ImageShape::new(1, 2, 3);
        let pixels: Vec<u8> = random_bytes(seed, rows * 6).into_iter().map(level).collect();
        let labels: Vec<u16> = random_bytes(!seed, rows).iter().map(|b| u16::from(b % 4)).collect();
        let names: Vec<String> = (0..4).map(|class| class.to_string()).collect();
        let images = Images::new(shape, pixels).expect("images");
        let train = Samples::new(images, labels, names).expect("samples");
        let queries: Vec<u8> = random_bytes(seed ^ 7, 9 * 6).into_iter().map(level).collect();
        let queries = Images::new(shape, queries).expect("images");
        let weights = if distance { "distance" } else { "uniform" };
        for metric in ["l2", "l1"] {
            let mut expected = None;
            for (engine, mut settings) in recipes() {
                if settings["metric"] != metric {
                    continue;
                }
                settings["k"] = json!(k.min(rows));
                settings["weights"] = json!(weights);
                let model = fit(build(engine, &settings).as_ref(), &train);
                let got = bits(model.as_ref(), &queries);
                let expected = expected.get_or_insert_with(|| got.clone());
                prop_assert_eq!(&got, expected, "{} {}", engine, settings);
            }
        }
    }
}

#[test]
fn votes_and_neighbours_are_those_of_a_hand_made_example() {
    let shape = ImageShape::new(1, 1, 2);
    let images = Images::new(shape, vec![0, 0, 3, 4, 0, 10, 3, 4]).expect("images");
    let names: Vec<String> = ["x", "y"].map(String::from).to_vec();
    let train = Samples::new(images, vec![0, 1, 1, 0], names).expect("samples");
    let settings = json!({"k": 3, "weights": "distance"});
    let model = fit(build("native", &settings).as_ref(), &train);
    let query = Images::new(shape, vec![0, 0, 0, 5, 0, 0]).expect("images");
    let pairs: Vec<Vec<_>> = neighbours(model.as_ref(), &query, 3)
        .iter()
        .map(|found| found.iter().map(|n| (n.index, n.distance)).collect())
        .collect();
    assert_eq!(pairs[0], [(0, 0.0), (1, 5.0), (3, 5.0)]);
    assert_eq!(
        pairs[1],
        [(1, 10f64.sqrt()), (3, 10f64.sqrt()), (0, 5.0)],
        "rows 0 and 2 are equally far; the lower index is in"
    );
    assert_eq!(pairs[2], pairs[0]);
    assert_eq!(neighbours(model.as_ref(), &query, 9)[0].len(), 4);
    assert_eq!(neighbours(model.as_ref(), &query, 0), [[], [], []]);
    let shares = model.predict_proba(&query).expect("probabilities");
    assert_eq!(shares.row(0), [1.0, 0.0], "distance 0 takes all");
    let (near, far) = (10f64.sqrt().recip(), 0.2);
    let expected = (near / (2.0 * near + far)) as f32;
    assert_eq!(shares.row(1)[1], expected);
}

#[test]
fn neighbours_come_with_the_training_images_themselves() {
    let (train, test) = (toy(3, 300), toy(4, 3));
    for (engine, settings) in recipes() {
        let model = fit(build(engine, &settings).as_ref(), &train);
        let near = model.training_neighbours(test.images(), 7);
        let near = near
            .expect("neighbours")
            .expect("a model that keeps its data");
        assert_eq!(near.len(), 7, "{engine} {settings}");
        assert!(near.is_sorted_by(|a, b| a.distance <= b.distance));
        for neighbour in near {
            let at = neighbour.index;
            assert_eq!(train.images().get(at), Some(&neighbour.pixels[..]));
            assert_eq!(train.labels()[at], neighbour.label, "{engine} {settings}");
        }
    }
}

#[test]
fn threads_and_batches_change_no_bit() {
    let (train, test) = (toy(3, 2000), toy(4, 40));
    for (engine, settings) in recipes() {
        let model = fit(build(engine, &settings).as_ref(), &train);
        let one = with_threads(1, || bits(model.as_ref(), test.images()));
        let two = with_threads(2, || bits(model.as_ref(), test.images()));
        assert_eq!(one, two, "{engine} {settings}");
        let singly: Vec<u32> = (0..test.len())
            .filter_map(|index| test.images().single(index))
            .flat_map(|image| bits(model.as_ref(), &image))
            .collect();
        assert_eq!(one, singly, "{engine} {settings}");
    }
}

#[test]
fn no_images_give_no_probabilities() {
    let train = toy(5, 10);
    let none = Images::new(train.images().shape(), vec![]).expect("no images");
    for (engine, settings) in recipes() {
        let model = fit(build(engine, &settings).as_ref(), &train);
        let shares = model.predict_proba(&none).expect("probabilities");
        assert!(shares.is_empty(), "{engine} {settings}");
    }
}

#[test]
fn images_of_another_shape_are_refused() {
    let model = fit(build("native", &json!({})).as_ref(), &toy(6, 10));
    let other = Images::new(ImageShape::new(1, 6, 5), vec![0; 30]).expect("images");
    assert!(matches!(
        model.predict_proba(&other),
        Err(PredictError::Shape { expected, got })
            if expected == HEADER.input_shape && got == other.shape()
    ));
}

#[test]
fn too_few_training_images_are_refused_before_and_at_the_fit() {
    let few = toy(7, 4);
    let classifier = build("native", &json!({"k": 5}));
    let expected = "knn does not fit this data: k = 5 neighbours are asked for, of \
                    only 4 training images; choose a smaller k or more training data";
    let refused = classifier
        .check(&few.data_shape())
        .expect_err("k is too large");
    assert_eq!(refused.to_string(), expected);
    let mut ctx = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| panic!("nothing begins"),
    };
    let refused = classifier
        .fit(&few, &mut ctx)
        .err()
        .expect("k is too large");
    assert_eq!(refused.to_string(), expected);
    assert!(
        build("native", &json!({"k": 4}))
            .check(&few.data_shape())
            .is_ok()
    );

    let one = toy(8, 1);
    let tree = json!({"k": 1, "index": "cover-tree"});
    let refused = build("smartcore", &tree).check(&one.data_shape());
    assert!(refused.is_err_and(|error| error.to_string().contains("linear")));
}

#[test]
fn events_come_in_order_and_any_of_them_can_cancel() {
    let train = toy(9, 20_000);
    for engine in FAMILY.engines {
        let classifier = build(engine.name, &json!({}));
        let mut events = Vec::new();
        let mut progress = |event: &FitEvent| {
            events.push(event.clone());
            ControlFlow::Continue(())
        };
        let mut ctx = FitContext {
            seed: 1,
            validation: None,
            progress: &mut progress,
        };
        classifier.fit(&train, &mut ctx).expect("a fit");
        let counts: Vec<u64> = events
            .iter()
            .filter_map(|event| match event {
                FitEvent::Progress { samples, total } => Some((*samples, *total)),
                _ => None,
            })
            .map(|(samples, total)| {
                assert_eq!(total, 20_000);
                samples
            })
            .collect();
        assert!(counts.is_sorted(), "{engine:?}");
        assert_eq!(counts.last(), Some(&20_000), "{engine:?}");
        assert_eq!(counts.len() + 2, events.len(), "{engine:?}");
        assert!(matches!(
            events.first(),
            Some(FitEvent::Started {
                total: Some(20_000),
                ..
            })
        ));
        let Some(FitEvent::Finished(summary)) = events.last() else {
            panic!("{engine:?}: {events:?}");
        };
        let kernel = summary.kernel.as_deref();
        assert_eq!(
            kernel.is_some_and(|name| KERNELS.contains(&name)),
            engine.name == "native"
        );

        for stop in 0..events.len() {
            let mut seen = 0;
            let mut progress = |_: &FitEvent| {
                seen += 1;
                if seen > stop {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let mut ctx = FitContext {
                seed: 1,
                validation: None,
                progress: &mut progress,
            };
            let result = classifier.fit(&train, &mut ctx);
            assert!(matches!(result, Err(FitError::Cancelled)), "{engine:?}");
            assert_eq!(
                seen,
                stop + 1,
                "{engine:?}: no event after the one that cancels"
            );
        }
    }
}

#[test]
fn damaged_models_are_refused_by_name() {
    let model = fit(build("native", &json!({})).as_ref(), &toy(10, 6));
    let mut good = Store::default();
    model.save(&mut good).expect("saved");
    let refusal = |change: &dyn Fn(&mut Store), settings: Value, header: &ModelHeader| {
        let mut store = good.clone();
        change(&mut store);
        FAMILY
            .load(&spec("native", &settings), header, &mut store)
            .err()
            .map_or_else(|| "loaded".into(), |error| error.to_string())
    };
    let keep = |_: &mut Store| {};
    assert_eq!(refusal(&keep, json!({}), &HEADER), "loaded");
    let dropped = |store: &mut Store| {
        store.0.remove("labels");
    };
    assert!(refusal(&dropped, json!({}), &HEADER).contains("`labels` is missing"));
    let relabelled = |store: &mut Store| {
        store.0.insert(
            "labels".into(),
            (vec![6], Tensor::U16(vec![0, 1, 2, 3, 0, 0])),
        );
    };
    assert!(refusal(&relabelled, json!({}), &HEADER).contains("label 3"));
    assert!(refusal(&keep, json!({"k": 7}), &HEADER).contains("k is 7, but 6"));
    let other = ModelHeader {
        input_shape: ImageShape::new(1, 6, 6),
        ..HEADER
    };
    assert!(refusal(&keep, json!({}), &other).contains("`images` is [6, 30]"));
}
