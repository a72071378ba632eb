//! A run as MLflow's file store: complete, readable, and the same bytes each time. `integrations/mlflow` opens
//! one with MLflow itself.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;

use std::{collections::BTreeMap, fs, path::PathBuf};

use bakeoff_core::{
    ImageShape,
    record::{Costs, External, GivenCosts, Measured, Run, SampleCounts, Stage},
};
use bakeoff_report::{
    Options,
    export::{MlflowExport, mlflow},
    render,
};
use common::{Builder, Fate, answers, data, everything, measured};
use serde_json::json;

const STORE: &str = "file:///store/ml%20runs";

fn exported(run: &Run) -> MlflowExport {
    let rendered = render(run, &Options::default()).unwrap();
    mlflow(run, &rendered, STORE).unwrap()
}

/// The files of an export by path, without its experiment.
fn by_path(export: &MlflowExport) -> BTreeMap<String, Vec<u8>> {
    let prefix = format!("{}/", export.experiment);
    let files = export.files.iter().map(|file| {
        let path = file.path.strip_prefix(&prefix).unwrap();
        (path.to_owned(), file.bytes.clone())
    });
    let found: BTreeMap<_, _> = files.collect();
    assert_eq!(found.len(), export.files.len(), "two files of one name");
    found
}

fn text(files: &BTreeMap<String, Vec<u8>>, path: &str) -> String {
    let bytes = files.get(path).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(bytes.clone()).unwrap()
}

/// The folder of the run whose name begins so.
fn folder_of(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    let named = files.iter().find_map(|(path, bytes)| {
        let folder = path.strip_suffix("/tags/mlflow.runName")?;
        bytes
            .starts_with(name.as_bytes())
            .then(|| folder.to_owned())
    });
    named.unwrap_or_else(|| panic!("no run {name}"))
}

/// One model of each fate.
fn small() -> Run {
    let names = ["round", "square"].map(String::from).to_vec();
    let labels = (0..24).map(|i| i % 2).collect();
    let shapes = data("shapes", names, ImageShape::new(1, 8, 8), labels);
    let mut external = Measured {
        samples: SampleCounts {
            test: 24,
            ..SampleCounts::default()
        },
        costs: Costs::default(),
        epochs: Vec::new(),
        iterations: Vec::new(),
        ..measured(&shapes, "knn", 0.9, 1)
    };
    external.external = Some(External {
        file: "theirs.npy".into(),
        given: GivenCosts {
            fit_seconds: Some(2.5),
            ..GivenCosts::default()
        },
        warnings: vec!["the order may be wrong".into()],
        ..External::default()
    });
    let p = answers(&shapes.test, 0.9, 3);
    Builder::new("small", &[&shapes])
        .ok(&shapes, "cnn", "cnn", 1, 0.9)
        .trial(
            &shapes,
            "broken",
            "ann",
            1,
            Fate::Failed(Stage::Fit, "training diverged: the loss is NaN".into()),
        )
        .trial(&shapes, "later", "ann", 1, Fate::Missing)
        .trial(
            &shapes,
            "theirs",
            "external",
            1,
            Fate::Ok(Box::new(external), p),
        )
        .build()
}

#[test]
fn the_store_is_the_one_that_was_looked_at() {
    let export = exported(&small());
    let mut tree = String::new();
    for file in &export.files {
        tree += &format!("== {}\n", file.path);
        // Artefacts are looked at elsewhere; the description is the leaderboard.
        let is_short =
            !file.path.contains("/artifacts/") && !file.path.ends_with("tags/mlflow.note.content");
        if is_short {
            tree += &String::from_utf8(file.bytes.clone()).unwrap();
            tree += if tree.ends_with('\n') { "" } else { "\n" };
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mlflow-golden.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &tree).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert!(golden == tree, "BLESS=1 writes {} anew", path.display());
}

#[test]
fn every_fate_has_a_run() {
    let export = exported(&small());
    let files = by_path(&export);
    assert_eq!(export.runs, 5);
    // Three folders of each run, without which MLflow does not find it.
    assert_eq!(export.folders.len(), 3 * 5);
    for (name, status, end) in [
        ("report", 3, true),
        ("cnn, seed 1", 3, true),
        ("broken, seed 1", 4, true),
        ("later, seed 1", 2, false),
        ("theirs †, seed 1", 3, true),
    ] {
        let meta = text(&files, &format!("{}/meta.yaml", folder_of(&files, name)));
        assert!(
            meta.contains(&format!("status: {status}\n")),
            "{name}: {meta}"
        );
        assert_eq!(meta.contains("end_time: null"), !end, "{name}: {meta}");
    }
    let broken = folder_of(&files, "broken");
    let reason = text(&files, &format!("{broken}/tags/bakeoff.failed_reason"));
    assert_eq!(reason, "training diverged: the loss is NaN");
    let theirs = folder_of(&files, "theirs");
    assert_eq!(
        text(&files, &format!("{theirs}/tags/bakeoff.external")),
        "true"
    );
    assert!(text(&files, &format!("{theirs}/metrics/given/fit_seconds")).contains(" 2.5 0"));
    let measured = format!("{theirs}/metrics/cost/");
    assert!(!files.keys().any(|path| path.starts_with(&measured)));
}

#[test]
fn the_same_run_gives_the_same_bytes_and_another_one_other_ids() {
    let run = small();
    let (first, second) = (exported(&run), exported(&run));
    assert!(first.files == second.files);
    // The same trials, planned again: they have the same ids in bakeoff.
    let mut again = run;
    again.info.name = "small-20260103".into();
    let other = exported(&again);
    assert_ne!(first.experiment, other.experiment);
    let ids = |export: &MlflowExport| -> Vec<String> {
        by_path(export)
            .keys()
            .filter_map(|path| Some(path.strip_suffix("/tags/mlflow.runName")?.to_owned()))
            .collect()
    };
    assert!(
        ids(&first)
            .iter()
            .all(|id| id.len() == 32 && !ids(&other).contains(id))
    );
}

#[test]
fn hostile_names_and_values_become_what_mlflow_takes() {
    let names = ["<b>", "a,\"b\"\n"].map(String::from).to_vec();
    let labels = (0..20).map(|i| i % 2).collect();
    let data = data(
        "../up: & <i>\u{7f}",
        names,
        ImageShape::new(1, 8, 8),
        labels,
    );
    let mut run = Builder::new("50 % of_it: \"x\"\n", &[&data])
        .ok(&data, "../../etc/passwd", "knn", 1, 0.8)
        .build();
    let settings = &mut run.plan[0].trial.spec.settings;
    settings.insert("../../a b:c".into(), json!("x".repeat(9000)));
    settings.insert("../../a b/c".into(), json!(["é", 1]));
    let export = exported(&run);
    let files = by_path(&export);
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    for path in files.keys() {
        assert!(
            path.chars().all(is_safe) && !path.contains("..") | path.contains("settings."),
            "{path}"
        );
        assert!(
            path.split('/').all(|part| part != ".." && part != "."),
            "{path}"
        );
    }
    let folder = folder_of(&files, "../../etc/passwd");
    let long = text(&files, &format!("{folder}/params/settings..._.._a_b_c"));
    let other = text(&files, &format!("{folder}/params/settings..._.._a_b_c_2"));
    let mut both = [long, other];
    both.sort_by_key(String::len);
    assert_eq!(both[0], "[\"é\",1]");
    assert!(both[1].chars().count() == 6000 && both[1].ends_with("… (cut)"));
    for (path, bytes) in &files {
        if path.ends_with("meta.yaml") {
            assert!(
                bytes
                    .iter()
                    .all(|&b| b == b'\n' || (b' '..=b'~').contains(&b)),
                "{path}"
            );
        }
    }
}

#[test]
fn folds_curves_and_corruptions_are_there() {
    let run = everything(60);
    let export = exported(&run);
    let files = by_path(&export);
    assert_eq!(export.runs, run.plan.len() + 1);
    let fold = folder_of(&files, "cnn, seed 1, fold 2 of 5");
    assert_eq!(
        text(&files, &format!("{fold}/params/purpose")),
        "resampling"
    );
    let ids = text(&files, &format!("{fold}/artifacts/predictions/ids.csv"));
    assert!(ids.starts_with("position,file\n0,\n1,\n"), "{ids}");
    assert!(files.contains_key(&format!("{fold}/metrics/f1_macro")));
    let small = folder_of(&files, "cnn, seed 1, 3 % of");
    assert_eq!(
        text(&files, &format!("{small}/params/train_fraction")),
        "0.03"
    );
    let cnn = folder_of(&files, "cnn, seed 2");
    let losses = text(&files, &format!("{cnn}/metrics/validation_loss"));
    let record = run
        .records
        .values()
        .find(|r| r.trial.model == "cnn" && r.trial.seed == 2);
    let epochs = &record.unwrap().measured().unwrap().epochs;
    assert_eq!(losses.lines().count(), epochs.len());
    let first = losses.lines().next().unwrap();
    let expected = format!(" {} 1", epochs[0].validation_loss.unwrap());
    assert!(first.ends_with(&expected), "{first}");
    let corrupted = format!("{cnn}/metrics/corrupted/");
    let curves = files.keys().filter(|path| path.starts_with(&corrupted));
    assert!(curves.count() > 3);
    let ids = text(&files, &format!("{cnn}/artifacts/predictions/ids.csv"));
    assert!(ids.starts_with("position,id\n0,mnist-000000\n"), "{ids}");
}
