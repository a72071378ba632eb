//! Saved models whose checksums are right and whose content is not: what somebody made on
//! purpose, or a program other than this one. Each is refused by name, without a panic and
//! without more memory than its file; a load that allocated what these claim would not come
//! back.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail loudly too; clippy exempts only the test functions"
)]

use std::{collections::BTreeMap, fs, ops::ControlFlow, path::PathBuf};

use bakeoff_core::{Family, FitContext, ImageShape, Images, Settings, to_hex};
use bakeoff_store::{Manifest, ModelFacts};
use bakeoff_tests::toy::{self, ToySpec};
use safetensors::{SafeTensors, tensor::TensorView};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const SHAPE: ImageShape = ImageShape::new(1, 9, 8);

/// A saved model of each family's default engine.
struct Saved {
    /// Deleted with this.
    _root: tempfile::TempDir,
    folder: PathBuf,
    manifest: Manifest,
    weights: Vec<u8>,
}

impl Saved {
    fn new(family: &Family) -> Self {
        let data = toy::prototypes(ToySpec {
            shape: SHAPE,
            classes: 3,
            train: 60,
            test: 9,
            noise: 0.1,
            seed: 3,
        })
        .unwrap();
        let settings = json!({
            "epochs": 1, "batch_size": 16, "hidden": [16], "layers": ["conv 4 3", "dense 16"],
        });
        let program = toy::program();
        let settings = settings.as_object().unwrap().iter();
        let known: Settings = settings
            .chain(program.as_object().unwrap())
            .filter(|(key, _)| family.settings().any(|setting| setting.key == *key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let spec = family.resolve(None, &known).unwrap();
        let model = bakeoff_zoo::build(&spec)
            .unwrap()
            .fit(
                data.train(),
                &mut FitContext {
                    seed: 1,
                    validation: None,
                    progress: &mut |_| ControlFlow::Continue(()),
                },
            )
            .unwrap();
        let facts = ModelFacts {
            data_fingerprint: "f".into(),
            train_samples: 60,
            seed: 1,
            trial: "t".into(),
            ..ModelFacts::new(
                family.name,
                "toy",
                spec,
                vec!["a".into(), "b".into(), "c".into()],
            )
        };
        let root = tempfile::tempdir().unwrap();
        let folder = bakeoff_store::save(root.path(), &*model, facts)
            .unwrap()
            .folder;
        let manifest = bakeoff_store::read_manifest(&folder).unwrap();
        let weights = fs::read(folder.join(&manifest.weights.file)).unwrap();
        Self {
            _root: root,
            folder,
            manifest,
            weights,
        }
    }

    /// What loading says with this manifest and these weights, all checksums made to fit;
    /// `None` where it loads.
    fn refusal(&self, mut manifest: Manifest, weights: &[u8]) -> Option<String> {
        fs::write(self.folder.join(&manifest.weights.file), weights).unwrap();
        manifest.weights.bytes = weights.len() as u64;
        manifest.weights.sha256 = to_hex(&Sha256::digest(weights));
        manifest.checksum.clear();
        manifest.checksum = to_hex(&Sha256::digest(serde_json::to_vec(&manifest).unwrap()));
        let mut text = serde_json::to_vec_pretty(&manifest).unwrap();
        text.push(b'\n');
        fs::write(self.folder.join("manifest.json"), text).unwrap();
        bakeoff_store::load(&self.folder, bakeoff_zoo::family)
            .err()
            .map(|error| error.to_string())
    }

    /// The same for another manifest.
    fn refusal_of_manifest(&self, edit: impl FnOnce(&mut Manifest)) -> Option<String> {
        let mut manifest = self.manifest.clone();
        edit(&mut manifest);
        self.refusal(manifest, &self.weights)
    }

    /// The same for another header of the weights.
    fn refusal_of_header(&self, edit: impl FnOnce(&mut Value)) -> Option<String> {
        let (header, data) = self.parts();
        let mut header: Value = serde_json::from_slice(header).unwrap();
        edit(&mut header);
        self.refusal(self.manifest.clone(), &file(&header, data))
    }

    /// The header and the data of the weights.
    fn parts(&self) -> (&[u8], &[u8]) {
        let (length, rest) = self.weights.split_first_chunk::<8>().unwrap();
        rest.split_at(u64::from_le_bytes(*length) as usize)
    }

    fn names(&self) -> Vec<String> {
        let tensors = SafeTensors::deserialize(&self.weights).unwrap();
        tensors.names().into_iter().map(String::from).collect()
    }
}

/// Families whose models are trained here: a file that was trained elsewhere cannot be made by a fit.
fn trained_here() -> impl Iterator<Item = &'static Family> {
    let families = bakeoff_zoo::families().iter().copied();
    families.filter(|family| !family.is_trained_elsewhere())
}

/// A safetensors file.
fn file(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = serde_json::to_vec(header).unwrap();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(data);
    bytes
}

#[track_caller]
fn assert_refused(saved: &Saved, what: &str, said: Option<String>) {
    let family = &saved.manifest.facts.spec.family;
    let Some(said) = said else {
        panic!("{family}: {what} was loaded");
    };
    let folder = saved.folder.to_str().unwrap();
    assert!(
        said.contains(folder),
        "{family}: {what}: no file in: {said}"
    );
}

#[test]
fn what_is_forged_well_enough_loads() {
    for family in trained_here() {
        let saved = Saved::new(family);
        let same = saved.refusal(saved.manifest.clone(), &saved.weights);
        assert_eq!(same, None, "{}: the forger is at fault", family.name);
        assert_eq!(saved.refusal_of_header(|_| ()), None, "{}", family.name);
    }
}

#[test]
fn tensors_that_overlap_overflow_or_leave_gaps_are_refused() {
    for family in trained_here() {
        let saved = Saved::new(family);
        for name in saved.names() {
            let offsets: [[u64; 2]; 7] = [
                [0, u64::MAX],
                [u64::MAX, u64::MAX],
                [1 << 63, (1 << 63) + 4],
                [4, 0],
                [4, 8],
                [0, 0],
                [0, saved.weights.len() as u64 + 1],
            ];
            for at in offsets {
                let said =
                    saved.refusal_of_header(|header| header[&name]["data_offsets"] = json!(at));
                assert_refused(&saved, &format!("{name} at {at:?}"), said);
            }
            // Shapes whose product wraps around to what is there, and to nothing.
            for shape in [
                json!([1_u64 << 32, 1_u64 << 32, 1]),
                json!([u64::MAX, u64::MAX]),
                json!([0]),
                json!([]),
            ] {
                let said = saved.refusal_of_header(|header| header[&name]["shape"] = shape.clone());
                assert_refused(&saved, &format!("{name} of shape {shape}"), said);
            }
            let said = saved.refusal_of_header(|header| header[&name]["dtype"] = json!("I8"));
            assert_refused(&saved, &format!("{name} of another type"), said);
        }
        // Two tensors in one place.
        let names = saved.names();
        if let [first, second, ..] = &names[..] {
            let said = saved.refusal_of_header(|header| {
                header[second]["data_offsets"] = header[first]["data_offsets"].clone();
            });
            assert_refused(&saved, "an overlap", said);
        }
    }
}

#[test]
fn a_header_that_is_none_is_refused() {
    for family in trained_here() {
        let saved = Saved::new(family);
        let (header, data) = saved.parts();
        for length in [u64::MAX, 1 << 40, saved.weights.len() as u64, 0, 1] {
            let mut weights = length.to_le_bytes().to_vec();
            weights.extend([header, data].concat());
            let said = saved.refusal(saved.manifest.clone(), &weights);
            assert_refused(&saved, &format!("a header of {length} bytes"), said);
        }
        for weights in [
            &b""[..],
            b"1234567",
            &[0; 8],
            b"\x02\0\0\0\0\0\0\0[]",
            b"\x02\0\0\0\0\0\0\0{}",
        ] {
            let said = saved.refusal(saved.manifest.clone(), weights);
            assert_refused(&saved, &format!("{weights:?}"), said);
        }
    }
}

#[test]
fn a_tensor_that_is_missing_not_finite_or_of_another_shape_is_refused() {
    for family in trained_here() {
        let saved = Saved::new(family);
        let tensors = SafeTensors::deserialize(&saved.weights).unwrap();
        let all: BTreeMap<&str, TensorView<'_>> = tensors.iter().collect();
        let written = |tensors: &BTreeMap<&str, TensorView<'_>>| {
            let bytes = safetensors::serialize(tensors, None).unwrap();
            saved.refusal(saved.manifest.clone(), &bytes)
        };
        for (&name, view) in &all {
            let mut without = all.clone();
            without.remove(name);
            assert_refused(&saved, &format!("without {name}"), written(&without));

            let mut turned = view.shape().to_vec();
            turned.push(1);
            let mut other = all.clone();
            other.insert(
                name,
                TensorView::new(view.dtype(), turned, view.data()).unwrap(),
            );
            assert_refused(&saved, &format!("{name} in other axes"), written(&other));

            let nan: Vec<u8> = match view.dtype() {
                safetensors::Dtype::F32 => f32::NAN.to_le_bytes().to_vec(),
                safetensors::Dtype::F64 => f64::NEG_INFINITY.to_le_bytes().to_vec(),
                _ => continue,
            };
            let mut data = view.data().to_vec();
            data[..nan.len()].copy_from_slice(&nan);
            let mut broken = all.clone();
            broken.insert(
                name,
                TensorView::new(view.dtype(), view.shape().to_vec(), &data).unwrap(),
            );
            assert_refused(&saved, &format!("{name} with NaN"), written(&broken));
        }
    }
}

#[test]
fn a_manifest_that_contradicts_its_weights_is_refused() {
    for family in trained_here() {
        let saved = Saved::new(family);
        let names = |count: usize| (0..count).map(|i| format!("class {i}")).collect();
        for classes in [0, 1, 2, 4, 100_000] {
            let said = saved.refusal_of_manifest(|it| it.facts.class_names = names(classes));
            // Nearest neighbours may know of a class without having seen any image of it.
            if family.name == "knn" && classes > 3 {
                continue;
            }
            assert_refused(&saved, &format!("{classes} classes"), said);
        }
        for shape in [
            ImageShape::new(1, 9, 9),
            ImageShape::new(2, 9, 8),
            ImageShape::new(0, 9, 8),
            ImageShape::new(1, 0, 0),
            ImageShape::new(usize::MAX, usize::MAX, usize::MAX),
            ImageShape::new(1, 1 << 32, 1 << 32),
        ] {
            // A dummy has no weights that an image's size could contradict.
            if family.name == "dummy" {
                continue;
            }
            let said = saved.refusal_of_manifest(|it| it.input_shape = shape);
            assert_refused(&saved, &format!("images of {shape}"), said);
        }
        for (what, edit) in [
            ("an unknown family", "family"),
            ("an unknown engine", "engine"),
        ] {
            let said = saved.refusal_of_manifest(|it| match edit {
                "family" => it.facts.spec.family = "oracle".into(),
                _ => it.facts.spec.engine = "oracle".into(),
            });
            assert_refused(&saved, what, said);
        }
        let said = saved.refusal_of_manifest(|it| it.format_version = 2);
        assert_refused(&saved, "another version", said);
        for temperature in [0.0, -1.0] {
            let said = saved.refusal_of_manifest(|it| it.temperature = Some(temperature));
            assert_refused(&saved, &format!("a temperature of {temperature}"), said);
        }
        for temperature in [f64::MAX, f64::MIN_POSITIVE] {
            let said = saved.refusal_of_manifest(|it| it.temperature = Some(temperature));
            assert_eq!(said, None, "{}: {temperature}", family.name);
            let loaded = bakeoff_store::load(&saved.folder, bakeoff_zoo::family).unwrap();
            let picture: Vec<u8> = (0..72).map(|i| 3 * i).collect();
            let images = Images::new(SHAPE, picture).unwrap();
            let answers = loaded.model.predict_proba(&images).unwrap();
            let sum: f32 = answers.row(0).iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{}: {answers:?}", family.name);
        }
        for file in ["../weights", "/etc/hostname", "", "."] {
            let mut manifest = saved.manifest.clone();
            manifest.weights.file = file.into();
            manifest.checksum.clear();
            manifest.checksum = to_hex(&Sha256::digest(serde_json::to_vec(&manifest).unwrap()));
            let mut text = serde_json::to_vec_pretty(&manifest).unwrap();
            text.push(b'\n');
            fs::write(saved.folder.join("manifest.json"), text).unwrap();
            let said = bakeoff_store::load(&saved.folder, bakeoff_zoo::family)
                .err()
                .map(|error| error.to_string());
            assert_refused(&saved, &format!("weights in `{file}`"), said);
        }
    }
}

#[test]
fn settings_that_claim_a_giant_are_refused() {
    for family in trained_here() {
        let saved = Saved::new(family);
        let giants = [
            ("hidden", json!([1_000_000_000_u64, 1_000_000_000_u64])),
            ("hidden", json!([])),
            ("hidden", json!("many")),
            ("layers", json!(["conv 1000000 1001", "dense 1000000000"])),
            ("layers", json!(["dense 4294967295"])),
            ("layers", json!([])),
            ("k", json!(u64::MAX)),
            ("k", json!(0)),
        ];
        for (key, value) in giants {
            if !saved.manifest.facts.spec.settings.contains_key(key) {
                continue;
            }
            let said = saved.refusal_of_manifest(|it| {
                it.facts.spec.settings.insert(key.into(), value.clone());
            });
            assert_refused(&saved, &format!("{key} = {value}"), said);
        }
    }
}

#[test]
fn support_vectors_whose_classes_contradict_are_refused() {
    let saved = Saved::new(bakeoff_zoo::family("svm").unwrap());
    let tensors = SafeTensors::deserialize(&saved.weights).unwrap();
    let labels = tensors.tensor("labels").unwrap();
    let count = labels.shape()[0] as u16;
    let said = |label: &dyn Fn(u16) -> u16| {
        let bytes: Vec<u8> = (0..count).flat_map(|at| label(at).to_le_bytes()).collect();
        let mut all: BTreeMap<&str, TensorView<'_>> = tensors.iter().collect();
        let view = TensorView::new(labels.dtype(), labels.shape().to_vec(), &bytes).unwrap();
        all.insert("labels", view);
        let bytes = safetensors::serialize(&all, None).unwrap();
        saved.refusal(saved.manifest.clone(), &bytes)
    };
    assert_eq!(said(&|at| 3 * at / count), None);
    assert_refused(&saved, "a descending class", said(&|at| 2 - 3 * at / count));
    assert_refused(&saved, "one class only", said(&|_| 1));
    assert_refused(
        &saved,
        "a class too many",
        said(&|at| 3 * u16::from(at + 1 == count)),
    );
}
