//! Networks that were trained elsewhere: files of our own export, answered by the family `onnx` as by
//! the model that they were made of, and files that are refused.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail loudly too; clippy exempts only the test functions"
)]

use std::{fs, ops::ControlFlow, path::Path};

use bakeoff_core::{
    Dataset, FitContext, FittedModel, ImageShape, ModelSpec, Origin, Probabilities, Settings,
    SpecError,
};
use bakeoff_onnx::{About, Input, to_onnx};
use bakeoff_store::ModelFacts;
use bakeoff_tests::toy::{self, ToySpec};
use serde_json::{Value, json};

fn problem(shape: ImageShape) -> Dataset {
    toy::prototypes(ToySpec {
        shape,
        classes: 3,
        train: 150,
        test: 45,
        noise: 60.0,
        seed: 7,
    })
    .unwrap()
}

fn fit(spec: &ModelSpec, data: &Dataset) -> Result<Box<dyn FittedModel>, String> {
    let classifier = bakeoff_zoo::build(spec).map_err(|error| error.to_string())?;
    classifier
        .check(&data.train().data_shape())
        .map_err(|error| error.to_string())?;
    let context = &mut FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    classifier
        .fit(data.train(), context)
        .map_err(|error| error.to_string())
}

fn trained(data: &Dataset) -> Box<dyn FittedModel> {
    let settings: Value =
        json!({"epochs": 4, "batch_size": 16, "layers": ["conv 4 3", "max-pool 2", "dense 8"]});
    let settings: Settings = settings.as_object().unwrap().clone().into_iter().collect();
    let spec = bakeoff_zoo::family("cnn")
        .unwrap()
        .resolve(None, &settings)
        .unwrap();
    let family = bakeoff_zoo::family("cnn").unwrap();
    let classifier = bakeoff_zoo::build(&spec).unwrap();
    let context = &mut FitContext {
        seed: 1,
        validation: family.uses_validation.then(|| data.test()),
        progress: &mut |_| ControlFlow::Continue(()),
    };
    classifier.fit(data.train(), context).unwrap()
}

/// The bytes of our own export.
fn exported(model: &dyn FittedModel, names: &[String], input: Input) -> Vec<u8> {
    let about = About {
        model: "toy/cnn",
        dataset: "toy",
        class_names: names,
        preparation: bakeoff_core::Preparation::Ink,
    };
    to_onnx(&model.layers().unwrap(), &about, input).unwrap()
}

/// The settings of an experiment in `folder`.
fn spec(folder: &Path, settings: &Value) -> Result<ModelSpec, SpecError> {
    let family = bakeoff_zoo::family("onnx").unwrap();
    let settings = settings.as_object().unwrap().clone().into_iter().collect();
    let mut spec = family.resolve(None, &settings)?;
    let Origin::File(read) = family.origin else {
        panic!("a file")
    };
    read(&mut spec, folder)?;
    Ok(spec)
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(work)
}

fn furthest(a: &Probabilities, b: &Probabilities) -> f32 {
    let pairs = a.values().iter().zip(b.values());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn an_export_of_ours_needs_no_settings_and_answers_alike_at_any_number_of_threads() {
    for shape in [ImageShape::new(1, 9, 8), ImageShape::new(3, 8, 7)] {
        let data = problem(shape);
        let (model, folder) = (trained(&data), tempfile::tempdir().unwrap());
        let images = data.test().images();
        let expected = model.predict_proba(images).unwrap();
        for input in [Input::Bytes, Input::Floats] {
            let bytes = exported(&*model, data.test().class_names(), input);
            fs::write(folder.path().join("model.onnx"), bytes).unwrap();
            let spec = spec(folder.path(), &json!({"path": "model.onnx"})).unwrap();
            let answer = |threads| {
                in_pool(threads, || {
                    fit(&spec, &data).unwrap().predict_proba(images).unwrap()
                })
            };
            let given = answer(1);
            assert!(furthest(&given, &expected) < 1e-5, "{shape:?} {input:?}");
            assert!(given == answer(2) && given == answer(3));
            // All but an image alone give the same bits in other company.
            let some: Vec<usize> = (20..37).collect();
            let few = fit(&spec, &data).unwrap();
            let few = few.predict_proba(&images.select(&some)).unwrap();
            assert!(few == given.select(&some));
            let alone = fit(&spec, &data).unwrap();
            let alone = alone.predict_proba(&images.select(&[0])).unwrap();
            assert!(furthest(&alone, &given.select(&[0])) < 1e-5);
        }
    }
}

#[test]
fn a_saved_model_answers_with_the_same_bits_after_its_file_is_gone() {
    let data = problem(ImageShape::new(1, 9, 8));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.onnx");
    let names = data.test().class_names();
    fs::write(&file, exported(&*trained(&data), names, Input::Bytes)).unwrap();
    let spec = spec(folder.path(), &json!({"path": "model.onnx"})).unwrap();
    let model = fit(&spec, &data).unwrap();
    assert!(model.parameters() > 100);
    let expected = model.predict_proba(data.test().images()).unwrap();
    let facts = ModelFacts::new("onnx", "toy", spec.clone(), names.to_vec());
    let saved = bakeoff_store::save(&folder.path().join("models"), &*model, facts).unwrap();
    fs::remove_file(&file).unwrap();
    let moved = folder.path().join("elsewhere");
    fs::rename(&saved.folder, &moved).unwrap();
    let loaded = bakeoff_store::load(&moved, bakeoff_zoo::family).unwrap();
    let found = loaded.model.predict_proba(data.test().images()).unwrap();
    assert!(found == expected);
    assert!(fit(&spec, &data).err().unwrap().contains("model.onnx"));
}

#[test]
fn the_order_of_the_classes_is_that_of_the_metadata_or_of_the_experiment() {
    let data = problem(ImageShape::new(1, 9, 8));
    let (model, folder) = (trained(&data), tempfile::tempdir().unwrap());
    let names = data.test().class_names().to_vec();
    let images = data.test().images();
    let expected = model.predict_proba(images).unwrap();
    let write = |names: &[String]| {
        let bytes = exported(&*model, names, Input::Bytes);
        fs::write(folder.path().join("m.onnx"), bytes).unwrap();
    };
    let others = ["x".to_owned(), "y".to_owned(), "z".to_owned()];
    write(&others);
    let wrong = fit(
        &spec(folder.path(), &json!({"path": "m.onnx"})).unwrap(),
        &data,
    );
    let said = wrong.err().unwrap();
    assert!(
        said.contains("x, y and z (its metadata)") && said.contains("classes = "),
        "{said}"
    );
    let mut turned = names.clone();
    turned.rotate_left(1);
    let stated = json!({"path": "m.onnx", "classes": turned});
    let given = fit(&spec(folder.path(), &stated).unwrap(), &data).unwrap();
    let found = given.predict_proba(images).unwrap();
    let largest = expected.rows().zip(found.rows()).map(|(a, b)| {
        // The first output is now that of the second class.
        (a[0] - b[1])
            .abs()
            .max((a[1] - b[2]).abs())
            .max((a[2] - b[0]).abs())
    });
    assert!(largest.fold(0.0, f32::max) < 1e-5);
}

#[test]
fn what_cannot_be_answered_is_refused_by_name_with_the_remedy() {
    let data = problem(ImageShape::new(1, 9, 8));
    let folder = tempfile::tempdir().unwrap();
    let names = data.test().class_names();
    let bytes = exported(&*trained(&data), names, Input::Bytes);
    let said = |name: &str, bytes: &[u8], settings: Value, data: &Dataset| {
        fs::write(folder.path().join(name), bytes).unwrap();
        let mut all = json!({"path": name});
        all.as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        match spec(folder.path(), &all) {
            Err(error) => error.to_string(),
            Ok(spec) => fit(&spec, data).err().unwrap_or_else(|| "nothing".into()),
        }
    };
    let none = || json!({});
    for (name, start, words) in [
        (
            "a.keras",
            &b"PK\x03\x04"[..],
            "model.export(\"model.onnx\", format=\"onnx\")",
        ),
        ("a.h5", b"\x89HDF", "load_model"),
        ("a.pt", b"PK\x03\x04", "torch.onnx.export"),
        ("a.onnx", b"PK\x03\x04rest", "torch.onnx.export"),
        ("a.pth", b"\x80\x02", "net.eval()"),
        ("a.safetensors", b"", "PyTorch module"),
        ("a.tflite", b"....TFL3", "tf2onnx.convert --tflite"),
        ("a.joblib", b"\x80\x04", "skl2onnx.to_onnx"),
        ("empty.onnx", b"", "is no ONNX file"),
        ("text.onnx", b"hello, world", "is no ONNX file"),
    ] {
        let found = said(name, start, none(), &data);
        assert!(
            found.contains(words) && found.contains(name),
            "{name}: {found}"
        );
    }
    let half = said("half.onnx", &bytes[..bytes.len() / 2], none(), &data);
    assert!(
        half.contains("half.onnx is no ONNX file, or a damaged one"),
        "{half}"
    );
    let absent = spec(folder.path(), &json!({"path": "absent.onnx"}));
    assert!(absent.unwrap_err().to_string().contains("absent.onnx"));
    assert!(
        spec(folder.path(), &none())
            .unwrap_err()
            .to_string()
            .contains("path = ")
    );
    for (settings, words) in [
        (json!({"scale": "0-255"}), "uint8"),
        (json!({"input": "image"}), "did you mean `images`"),
        (json!({"output": "labels"}), "no tensor of float32"),
        (json!({"layout": "nhwc"}), "N×1×9×8"),
        (json!({"sha256": "00"}), "has the SHA-256"),
    ] {
        let found = said("m.onnx", &bytes, settings.clone(), &data);
        assert!(found.contains(words), "{settings}: {found}");
    }
    let larger = problem(ImageShape::new(3, 16, 16));
    let found = said("m.onnx", &bytes, none(), &larger);
    assert!(
        found.contains("size = [9, 8] and colour = \"grey\""),
        "{found}"
    );
    let others = toy::prototypes(ToySpec {
        shape: ImageShape::new(1, 9, 8),
        classes: 4,
        train: 40,
        test: 20,
        noise: 1.0,
        seed: 1,
    });
    let found = said("m.onnx", &bytes, none(), &others.unwrap());
    assert!(
        found.contains("3 outputs, and the dataset has 4 classes"),
        "{found}"
    );
}

#[test]
fn a_damaged_byte_is_an_error_or_another_model_and_never_a_panic() {
    let data = problem(ImageShape::new(1, 9, 8));
    let folder = tempfile::tempdir().unwrap();
    let names = data.test().class_names();
    let bytes = exported(&*trained(&data), names, Input::Bytes);
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            fs::write(folder.path().join("m.onnx"), &damaged).unwrap();
            if let Ok(spec) = spec(folder.path(), &json!({"path": "m.onnx"})) {
                let _ = fit(&spec, &data);
            }
        }
    }
}
