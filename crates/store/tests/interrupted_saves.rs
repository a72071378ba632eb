//! Saves that do not come to their end: the model that was there is still there, whole.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail loudly too; clippy exempts only the test functions"
)]

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead as _, BufReader},
    ops::ControlFlow,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use bakeoff_core::{FitContext, FittedModel, ImageShape, Images, Settings};
use bakeoff_store::ModelFacts;
use bakeoff_tests::toy::{self, ToySpec};

/// Tells a test that it runs as the process that saves, and where to.
const SAVE_INTO: &str = "BAKEOFF_TEST_SAVE_INTO";

const SHAPE: ImageShape = ImageShape::new(1, 28, 28);

fn facts() -> ModelFacts {
    let spec = bakeoff_zoo::family("knn")
        .unwrap()
        .resolve(None, &Settings::new())
        .unwrap();
    ModelFacts {
        data_fingerprint: "f".into(),
        train_samples: 2_000,
        seed: 1,
        trial: "t".into(),
        ..ModelFacts::new("knn", "toy", spec, vec!["a".into(), "b".into()])
    }
}

/// A model of 1.5 MB, which takes a while to write; another for each seed.
fn model(seed: u64) -> Box<dyn FittedModel> {
    let data = toy::prototypes(ToySpec {
        shape: SHAPE,
        classes: 2,
        train: 2_000,
        test: 2,
        noise: 0.4,
        seed,
    })
    .unwrap();
    bakeoff_zoo::build(&facts().spec)
        .unwrap()
        .fit(
            data.train(),
            &mut FitContext {
                seed,
                validation: None,
                progress: &mut |_| ControlFlow::Continue(()),
            },
        )
        .unwrap()
}

/// What the model says of an image: which of the models it is.
fn answer(model: &dyn FittedModel) -> Vec<f64> {
    let picture: Vec<u8> = (0..SHAPE.pixels()).map(|i| (i % 251) as u8).collect();
    let images = Images::new(SHAPE, picture).unwrap();
    let neighbours = model.training_neighbours(&images, 3).unwrap().unwrap();
    neighbours.iter().map(|one| one.distance).collect()
}

/// Runs the test `name` of this program as a process that saves into `models`.
fn saver(name: &str, models: &Path, shell: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(SAVE_INTO, models)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_killed_save_leaves_the_old_model_or_the_new_one() {
    if let Some(models) = env::var_os(SAVE_INTO) {
        let both = [model(1), model(2)];
        println!("\nsaving");
        for one in both.iter().cycle() {
            bakeoff_store::save(Path::new(&models), &**one, facts()).unwrap();
        }
    }
    let root = tempfile::tempdir().unwrap();
    let both = [model(1), model(2)];
    let folder = bakeoff_store::save(root.path(), &*both[0], facts())
        .unwrap()
        .folder;
    let known = both.each_ref().map(|one| answer(&**one));
    assert_ne!(known[0], known[1]);
    let mut unfinished = 0;
    for round in 0..30 {
        let name = "a_killed_save_leaves_the_old_model_or_the_new_one";
        let mut child = saver(name, root.path(), "");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "saving"));
        thread::sleep(Duration::from_micros(700 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let loaded = bakeoff_store::load(&folder, bakeoff_zoo::family).unwrap();
        assert!(known.contains(&answer(&*loaded.model)), "round {round}");
        unfinished += usize::from(names(&folder).len() > 2);
    }
    // Else the test would not have seen what it is for.
    assert!(unfinished > 0, "no save was killed in its midst");
    bakeoff_store::save(root.path(), &*both[1], facts()).unwrap();
    assert_eq!(names(&folder).len(), 2, "{:?}", names(&folder));
    assert_eq!(
        answer(
            &*bakeoff_store::load(&folder, bakeoff_zoo::family)
                .unwrap()
                .model
        ),
        known[1]
    );
}

#[test]
fn a_disk_that_takes_no_more_leaves_the_old_model_and_is_told() {
    if let Some(models) = env::var_os(SAVE_INTO) {
        let error = bakeoff_store::save(Path::new(&models), &*model(2), facts()).unwrap_err();
        println!("\nrefused: {error}");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let old = model(1);
    let folder = bakeoff_store::save(root.path(), &*old, facts())
        .unwrap()
        .folder;
    let before = names(&folder);
    // A limit on the length of files stops a write in its midst, as a full disk does.
    let child = saver(
        "a_disk_that_takes_no_more_leaves_the_old_model_and_is_told",
        root.path(),
        "trap '' XFSZ; ulimit -f 512;",
    );
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let refusal = said.lines().find(|line| line.starts_with("refused: "));
    let refusal = refusal.unwrap_or_else(|| panic!("{said}"));
    assert!(refusal.contains(folder.to_str().unwrap()), "{refusal}");
    assert_eq!(names(&folder), before);
    let loaded = bakeoff_store::load(&folder, bakeoff_zoo::family).unwrap();
    assert_eq!(answer(&*loaded.model), answer(&*old));
}
