//! `bakeoff export --mlflow`: where it writes, and what it leaves alone. MLflow itself opens such a store in
//! `integrations/mlflow`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::support::{Output, comparison, copy_folder, only_entry, run, scratch};

/// A copy of the small comparison's run, and a folder for stores.
fn copied(name: &str) -> (PathBuf, PathBuf) {
    let folder = scratch(name).join("copy");
    copy_folder(&comparison().folder, &folder);
    let run = only_entry(&folder.join("reports"));
    (folder, run)
}

fn export(run_folder: &Path, store: &str) -> Output {
    let words = ["export", run_folder.to_str().unwrap(), "--mlflow", store];
    run(run_folder.parent().unwrap(), &words)
}

/// Every file below a folder.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(tree(&path)),
            false => {
                let bytes = fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found
}

#[test]
fn exporting_again_replaces_its_own_runs_and_leaves_others() {
    let (folder, run_folder) = copied("mlflow-again");
    let store = folder.join("reports/ml runs");
    let said = export(&run_folder, "ml runs").expect(0).stdout;
    assert!(
        said.contains("experiment") && said.contains("MLFLOW_ALLOW_FILE_STORE"),
        "{said}"
    );
    let first = tree(&store);
    let experiment = only_entry(&store);
    let meta = fs::read_to_string(experiment.join("meta.yaml")).unwrap();
    assert!(meta.contains("ml%20runs"), "{meta}");
    // What a person and MLflow added.
    let others = experiment.join("0123456789abcdef0123456789abcdef/tags");
    fs::create_dir_all(&others).unwrap();
    fs::write(others.join("mlflow.runName"), "mine").unwrap();
    fs::create_dir_all(store.join(".trash")).unwrap();
    let trial = first
        .keys()
        .find(|path| path.ends_with("tags/bakeoff.trial"))
        .unwrap();
    fs::write(trial.with_file_name("old"), "gone").unwrap();
    export(&run_folder, "ml runs").expect(0);
    let mut second = tree(&store);
    assert_eq!(
        second.remove(&others.join("mlflow.runName")).unwrap(),
        b"mine"
    );
    assert!(first == second);
    // An experiment that MLflow deleted is not made a second time.
    let id = experiment.file_name().unwrap();
    fs::rename(&experiment, store.join(".trash").join(id)).unwrap();
    let said = export(&run_folder, "ml runs").expect(1).stderr;
    assert!(
        said.contains("deleted in MLflow") && said.contains("restore"),
        "{said}"
    );
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let (folder, run_folder) = copied("mlflow-other");
    let other = folder.join("reports/other");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("thesis.tex"), "").unwrap();
    let said = export(&run_folder, "other").expect(1).stderr;
    assert!(
        said.contains("no file store of MLflow") && said.contains("mlruns"),
        "{said}"
    );
    assert_eq!(tree(&other).len(), 1);
    let said = export(&run_folder, "artifacts/mlruns").expect(1).stderr;
    assert!(said.contains("called artifacts"), "{said}");
    // A store that MLflow made.
    let theirs = folder.join("reports/theirs/0");
    fs::create_dir_all(&theirs).unwrap();
    fs::write(theirs.join("meta.yaml"), "name: Default\n").unwrap();
    export(&run_folder, "theirs").expect(0);
    // The place of our experiment is another's.
    let (folder, again) = copied("mlflow-taken");
    export(&again, "store").expect(0);
    let experiment = only_entry(&folder.join("reports/store"));
    fs::write(experiment.join("tags/bakeoff.run"), "another").unwrap();
    let said = export(&again, "store").expect(1).stderr;
    assert!(said.contains("not of this run"), "{said}");
}

#[test]
fn the_folder_of_a_run_of_mlflow_is_imported() {
    let (folder, run_folder) = copied("mlflow-import");
    let words = [
        "export",
        run_folder.to_str().unwrap(),
        "--format",
        "npy",
        "--out",
        "out",
    ];
    run(&folder, &words).expect(0);
    let from = fs::read_dir(folder.join("out/predictions/mnist")).unwrap();
    let from = from.map(|entry| entry.unwrap().path());
    let probabilities = from
        .filter(|path| !path.ends_with("labels.npy"))
        .min()
        .unwrap();
    let logged = folder.join("mlruns/0/abc");
    fs::create_dir_all(logged.join("artifacts/answers")).unwrap();
    fs::write(logged.join("meta.yaml"), "run_id: abc\n").unwrap();
    fs::copy(&probabilities, logged.join("artifacts/answers/p.npy")).unwrap();
    let import = |path: &Path, name: &str| {
        let words = [
            "import",
            run_folder.to_str().unwrap(),
            path.to_str().unwrap(),
            "--name",
            name,
        ];
        run(&folder, &words)
    };
    let as_folder = import(&logged, "a").expect(0).stdout;
    let as_file = import(&probabilities, "b").expect(0).stdout;
    let accuracy = |said: &str| {
        said.split("accuracy ")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(accuracy(&as_folder), accuracy(&as_file));
    // Our own export has several files, which are named.
    export(&run_folder, "store").expect(0);
    let experiment = only_entry(&folder.join("reports/store"));
    let mut runs = fs::read_dir(&experiment)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let ours = runs
        .find(|path| path.join("artifacts/record.json").exists())
        .unwrap();
    let said = import(&ours, "c").expect(1).stderr;
    assert!(
        said.contains("predictions/probabilities.npy") && said.contains("name one"),
        "{said}"
    );
}
