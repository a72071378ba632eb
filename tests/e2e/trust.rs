//! Folds, holdouts, less data, calibration and corruptions, as a person asks for them.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;

use crate::support::{
    bakeoff, leaderboard, only_entry, read_json, run, scratch, shapes, write_folder,
};

/// Everything that there is to ask for, on images that are no digits.
const TRUST: &str = r#"name = "trusty"
datasets = ["shapes"]
folds = 2
holdout = { repeats = 1, fraction = 0.25 }
train_fractions = [0.25, 1.0]
calibrate = "temperature"
robustness = ["noise", "shift"]
robustness_baseline = "knn"

[[models]]
family = "dummy"

[[models]]
family = "logistic"

[[models]]
family = "knn"
calibrate = "none"

[[models]]
family = "ann"
epochs = 2
batch_size = 16
"#;

const MODELS: [&str; 4] = ["dummy", "logistic", "knn", "ann"];

/// A folder with the data and the experiment.
fn house(name: &str) -> PathBuf {
    let folder = scratch(name);
    write_folder(&folder.join("shapes"), &shapes());
    fs::write(folder.join("trusty.toml"), TRUST).unwrap();
    folder
}

/// The lines of a plan.
fn plan(run: &Path) -> Vec<Value> {
    fs::read_to_string(run.join("plan.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn record_of(run: &Path, planned: &Value) -> Value {
    let id = planned["id"].as_str().unwrap();
    read_json(&run.join("records").join(format!("{id}.json")))
}

/// Everything that a record says but for costs, machine and time.
fn answers(run: &Path, planned: &Value) -> Value {
    let mut record = record_of(run, planned);
    let fields = record.as_object_mut().unwrap();
    fields.retain(|key, _| !["attempt", "costs", "host", "seal"].contains(&key.as_str()));
    record
}

#[test]
fn everything_at_once_is_measured_alike_at_any_number_of_threads() {
    let folder = house("trust");
    let arguments = ["run", "trusty.toml", "--threads"];
    let output = run(&folder, &[&arguments[..], &["2"]].concat()).expect(0);
    for words in [
        "ann (native, fold 2 of 2)",
        "knn (native, holdout 1)",
        "dummy (native, 25 % of the training data)",
    ] {
        assert!(output.stderr.contains(words), "{}", output.said());
    }
    let two = only_entry(&folder.join("reports"));
    run(
        &folder,
        &[&arguments[..], &["1", "--out", "again"]].concat(),
    )
    .expect(0);
    let one = only_entry(&folder.join("again"));

    let planned = plan(&two);
    assert_eq!(planned.len(), 4 * (1 + 1 + 2 + 1));
    for trial in &planned {
        let record = answers(&two, trial);
        assert_eq!(record, answers(&one, trial));
        assert_eq!(record["status"], "ok", "{record:#}");
        let (spec, samples) = (&trial["trial"], &record["samples"]);
        let given = match spec["split"]["kind"].as_str().unwrap() {
            "fold" => [120, 120],
            "holdout" => [180, 60],
            _ if spec["data"]["train_fraction"] == 0.25 => [60, 80],
            _ => [240, 80],
        };
        let sum = samples["train"].as_u64().unwrap() + samples["validation"].as_u64().unwrap();
        assert_eq!([sum, samples["test"].as_u64().unwrap()], given);
        // ann chooses an epoch by it, the others are calibrated on it; knn does neither.
        assert_eq!(samples["validation"] == 0, spec["model"] == "knn");
        assert_eq!(record["calibration"].is_null(), spec["model"] == "knn");
        let headline = !trial["save_as"].is_null();
        let scores = record["robustness"].as_array().unwrap().len();
        assert_eq!(scores, if headline { 2 * 5 } else { 0 });
    }

    // Ranked are the four models, each once.
    let rows = leaderboard(&two);
    assert_eq!(rows.len(), 4, "{rows:#?}");
    let csv = fs::read_to_string(two.join("leaderboard.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 4);
    let mut saved: Vec<String> = fs::read_dir(folder.join("models/shapes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    saved.sort();
    assert_eq!(saved, ["ann", "dummy", "knn", "logistic"]);

    // Whoever does not look gets every fourth right, and more noise is never a help.
    let found = |model: &str| {
        let trial = planned.iter().find(|t| t["trial"]["model"] == model);
        record_of(&two, trial.unwrap())
    };
    assert_eq!(found("dummy")["scores"]["accuracy"], 0.25);
    let correct = |record: &Value, at: usize| record["robustness"][at]["correct"].as_u64();
    let logistic = found("logistic");
    assert_eq!(logistic["robustness"][5]["corruption"], "noise");
    assert!(correct(&logistic, 5) >= correct(&logistic, 9));

    // All of the report comes from the records.
    let report = two.join("report.html");
    let before = fs::read(&report).unwrap();
    fs::remove_file(&report).unwrap();
    run(&folder, &["report".as_ref(), two.as_os_str()]).expect(0);
    assert!(fs::read(&report).unwrap() == before, "another report");
}

#[test]
fn a_run_killed_in_a_fold_goes_on_with_what_is_missing() {
    let folder = house("killed-in-a-fold");
    let mut child = bakeoff(&folder)
        .args(["run", "trusty.toml", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let in_fold = lines.any(|line| {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        line["kind"] == "started" && line["trial"]["trial"]["split"]["kind"] == "fold"
    });
    assert!(in_fold);
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = only_entry(&folder.join("reports"));
    // What a killed attempt leaves of a model that is not kept.
    fs::create_dir(killed.join(".model-left")).unwrap();
    let done = fs::read_dir(killed.join("records")).unwrap().flatten();
    let done = done
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "json"))
        .count();
    assert!((4..20).contains(&done), "{done}");

    let output = run(&folder, &["run", "trusty.toml", "--resume"]).expect(0);
    assert!(
        output.stderr.matches("done already").count() >= done,
        "{}",
        output.said()
    );
    assert_eq!(only_entry(&folder.join("reports")), killed);
    for trial in plan(&killed) {
        assert_eq!(record_of(&killed, &trial)["status"], "ok");
    }
    assert!(!killed.join(".model-left").exists());
    assert_eq!(leaderboard(&killed).len(), MODELS.len());
}

#[test]
fn flags_ask_for_the_same_as_a_file() {
    let folder = scratch("trust-flags");
    let arguments = "plan quick --models knn --seed 4,5 --folds 3 --train-fractions 0.5 \
                     --calibrate --robustness";
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let output = run(&folder, &arguments).expect(0);
    for words in [
        "7 trials in",
        "knn on mnist, engine native, seed 5",
        "knn on mnist, fold 3 of 3, engine native, seed 4",
        "knn on mnist, 50 % of the training data, engine native, seed 5",
    ] {
        assert!(output.stdout.contains(words), "{}", output.said());
    }
    for trial in plan(&only_entry(&folder.join("reports"))) {
        let spec = &trial["trial"];
        assert_eq!(spec["calibration"], "temperature");
        let corruptions = spec["robustness"]["corruptions"].as_array();
        let headline = spec["split"]["kind"] == "given" && spec["data"]["train_fraction"].is_null();
        assert_eq!(corruptions.map(Vec::len), headline.then_some(12));
    }
    run(&folder, &["plan", "quick", "--folds", "1"])
        .expect(2)
        .complains_of(&["`--folds` is 1; allowed: a whole number from 2 to 100"]);
    run(&folder, &["plan", "quick", "--train-fractions", "0.1,7"])
        .expect(2)
        .complains_of(&["`--train-fractions` has the item 7.0", "up to 1"]);
    run(&folder, &["plan", "quick", "--seed", "3,3"])
        .expect(2)
        .complains_of(&["`--seed` has the item 3 twice", "different whole numbers"]);
}

#[test]
fn corruptions_can_be_looked_at() {
    let folder = house("corruptions");
    let arguments = ["data", "show", "shapes", "--corruptions", "sheet.png"];
    let output = run(&folder, &arguments).expect(0);
    assert!(
        output.stdout.contains("Its rows: shift, rotate, scale,"),
        "{}",
        output.said()
    );
    let png = fs::read(folder.join("sheet.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    // Eighteen images of 10 pixels, and lines between them; twelve rows of 12.
    assert_eq!(png[16..20], (18 * 10 + 17_u32).to_be_bytes());
    assert_eq!(png[20..24], (12 * 12 + 11_u32).to_be_bytes());
}
