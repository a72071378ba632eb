//! Saved models as files: names, damage, versions, interrupted saves.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail loudly too; clippy exempts only the test functions"
)]

use std::{fs, ops::ControlFlow, path::Path};

use bakeoff_core::{FitContext, FitEvent, FittedModel, OpenOptions, Settings, StoreError};
use bakeoff_store::{ModelFacts, Origin};
use bakeoff_tests::toy::{self, ToySpec};

fn facts(dataset: &str, name: &str) -> ModelFacts {
    ModelFacts {
        data_fingerprint: "f".into(),
        train_samples: 40,
        seed: 1,
        trial: "t".into(),
        ..ModelFacts::new(
            name,
            dataset,
            bakeoff_zoo::family("logistic")
                .unwrap()
                .resolve(None, &Settings::new())
                .unwrap(),
            vec!["a".into(), "b".into()],
        )
    }
}

fn model() -> Box<dyn FittedModel> {
    let data = toy::prototypes(ToySpec {
        shape: bakeoff_core::ImageShape::new(1, 4, 4),
        classes: 2,
        train: 40,
        test: 10,
        noise: 0.1,
        seed: 1,
    })
    .unwrap();
    let mut progress = |_: &FitEvent| ControlFlow::Continue(());
    bakeoff_zoo::build(&facts("d", "m").spec)
        .unwrap()
        .fit(
            data.train(),
            &mut FitContext {
                seed: 1,
                validation: None,
                progress: &mut progress,
            },
        )
        .unwrap()
}

fn weights_of(folder: &Path) -> std::path::PathBuf {
    folder.join(bakeoff_store::read_manifest(folder).unwrap().weights.file)
}

fn load_error(folder: &Path) -> String {
    match bakeoff_store::load(folder, bakeoff_zoo::family) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_named() {
    let root = tempfile::tempdir().unwrap();
    let folder = bakeoff_store::save(root.path(), &*model(), facts("d", "m"))
        .unwrap()
        .folder;
    for path in [weights_of(&folder), folder.join("manifest.json")] {
        let good = fs::read(&path).unwrap();
        for position in (0..good.len()).step_by(3) {
            let mut bad = good.clone();
            bad[position] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(
                bakeoff_store::load(&folder, bakeoff_zoo::family).is_err(),
                "byte {position} of {} went unnoticed",
                path.display()
            );
        }
        fs::write(&path, &good).unwrap();
    }
    let path = weights_of(&folder);
    let mut bad = fs::read(&path).unwrap();
    let last = bad.len() - 1;
    bad[last] ^= 0x80;
    fs::write(&path, bad).unwrap();
    let message = load_error(&folder);
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert!(message.contains("checksum"), "{message}");
}

#[test]
fn truncated_missing_and_foreign_files_are_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let folder = bakeoff_store::save(root.path(), &*model(), facts("d", "m"))
        .unwrap()
        .folder;
    let weights = weights_of(&folder);
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() - 1]).unwrap();
    let message = load_error(&folder);
    assert!(message.contains("bytes, the manifest says"), "{message}");
    fs::remove_file(&weights).unwrap();
    assert!(load_error(&folder).contains(weights.to_str().unwrap()));

    let manifest = folder.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace("\"format_version\": 1", "\"format_version\": 9"),
    )
    .unwrap();
    let message = load_error(&folder);
    assert!(message.contains("format version 9"), "{message}");
    fs::write(&manifest, "version https://git-lfs.github.com/spec/v1").unwrap();
    let message = load_error(&folder);
    assert!(message.contains("not a manifest"), "{message}");
    assert!(message.contains(manifest.to_str().unwrap()), "{message}");
}

#[test]
fn one_damaged_model_does_not_hide_the_others() {
    let root = tempfile::tempdir().unwrap();
    let model = model();
    let bad = bakeoff_store::save(root.path(), &*model, facts("d", "bad"))
        .unwrap()
        .folder;
    bakeoff_store::save(root.path(), &*model, facts("d", "good")).unwrap();
    fs::write(bad.join("manifest.json"), "{}").unwrap();
    let listed = bakeoff_store::list(root.path()).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(matches!(
        listed[0].manifest,
        Err(StoreError::Damaged { .. })
    ));
    assert!(listed[1].manifest.is_ok());
}

#[test]
fn saving_again_replaces_and_leaves_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    let model = model();
    let folder = bakeoff_store::save(root.path(), &*model, facts("d", "m"))
        .unwrap()
        .folder;
    // What a killed save leaves: a temporary file, and weights that no manifest names.
    fs::write(folder.join(".tmp-left"), "half").unwrap();
    fs::write(folder.join("weights-000000000000.safetensors"), "old").unwrap();
    assert!(bakeoff_store::load(&folder, bakeoff_zoo::family).is_ok());
    bakeoff_store::save(root.path(), &*model, facts("d", "m")).unwrap();
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[0], "manifest.json");
    assert!(bakeoff_store::load(&folder, bakeoff_zoo::family).is_ok());
}

#[test]
fn a_model_of_another_dataset_of_the_same_name_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let model = model();
    let save_as = |name: &str, fingerprint: &str, data: &str, trial: &str| {
        let facts = ModelFacts {
            data_fingerprint: fingerprint.into(),
            origin: Some(Origin {
                data: data.into(),
                saved_at: "2026-11-30T10:00:00.000Z".into(),
                partial: false,
                options: OpenOptions::default(),
            }),
            trial: trial.into(),
            ..facts("data", name)
        };
        let folder = bakeoff_store::save(root.path(), &*model, facts)
            .unwrap()
            .folder;
        let manifest = bakeoff_store::read_manifest(&folder).unwrap();
        let of_trial = bakeoff_store::of_trial(root.path(), "data", fingerprint, name, trial);
        assert_eq!(of_trial, Some(folder));
        manifest.facts.dataset
    };
    let save = |fingerprint: &str, data: &str, trial: &str| save_as("m", fingerprint, data, trial);
    assert_eq!(save("0123456789ab", "here", "t1"), "data");
    assert_eq!(save("ba9876543210", "there", "t2"), "data-ba987654");
    // The same images elsewhere, and the same place with other images, replace their own.
    assert_eq!(save("0123456789ab", "elsewhere", "t3"), "data");
    assert_eq!(save("cccccccccccc", "elsewhere", "t4"), "data");
    assert_eq!(save("ba9876543210", "there", "t5"), "data-ba987654");
    // A model that is new in a folder goes by the others that are there.
    let other = save_as("n", "ba9876543210", "there", "t6");
    assert_eq!(other, "data-ba987654");
    assert_eq!(save_as("n", "cccccccccccc", "elsewhere", "t7"), "data");
    let gone = bakeoff_store::of_trial(root.path(), "data", "0123456789ab", "m", "t1");
    assert_eq!(gone, None);
    let names = bakeoff_store::list(root.path()).unwrap();
    let names: Vec<String> = names.into_iter().map(|it| it.full_name).collect();
    assert_eq!(
        names,
        ["data/m", "data/n", "data-ba987654/m", "data-ba987654/n"]
    );
}

#[test]
fn a_model_is_called_by_where_it_lies() {
    let root = tempfile::tempdir().unwrap();
    let folder = bakeoff_store::save(root.path(), &*model(), facts("mnist", "cnn"))
        .unwrap()
        .folder;
    assert_eq!(
        bakeoff_store::load(&folder, bakeoff_zoo::family)
            .unwrap()
            .full_name,
        "mnist/cnn"
    );
    let copy = root.path().join("mnist/copy");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    let names = || -> Vec<(String, String)> {
        let listed = bakeoff_store::list(root.path()).unwrap();
        let loaded = |folder: &Path| {
            bakeoff_store::load(folder, bakeoff_zoo::family)
                .unwrap()
                .full_name
        };
        listed
            .into_iter()
            .map(|it| (loaded(&it.folder), it.full_name))
            .collect()
    };
    let same = |name: &str| (name.to_owned(), name.to_owned());
    assert_eq!(names(), [same("mnist/cnn"), same("mnist/copy")]);
    fs::rename(root.path().join("mnist"), root.path().join("old")).unwrap();
    assert_eq!(names(), [same("old/cnn"), same("old/copy")]);
}

#[test]
fn names_cannot_leave_the_folder_of_models() {
    let root = tempfile::tempdir().unwrap();
    for name in ["../x", "a/b", "", ".hidden", "a\\b", "a\nb"] {
        let result = bakeoff_store::save(root.path(), &*model(), facts("d", name));
        assert!(result.is_err(), "{name:?}");
    }
}
