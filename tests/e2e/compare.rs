//! Run against run (`diff`), runs together (`rank`), and a run for other programs
//! (`export`).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;

use crate::support::{
    SMALL_MODELS, comparison, entries, leaderboard, only_entry, read_json, row, run, scratch,
    shapes, trial_ids, write_folder,
};

/// An experiment of two models that take no time.
fn experiment(neighbours: usize, limit_test: usize) -> String {
    format!(
        r#"limit_train = 600
limit_test = {limit_test}

[[models]]
family = "knn"
k = {neighbours}

[[models]]
family = "logistic"
"#
    )
}

/// The folders of three runs: one, one whose `knn` looks at far too many neighbours, and
/// one on other test images.
fn runs() -> &'static [PathBuf; 3] {
    static RUNS: OnceLock<[PathBuf; 3]> = OnceLock::new();
    RUNS.get_or_init(|| {
        [("good", 3, 500), ("worse", 400, 500), ("other", 3, 300)].map(|(name, k, limit)| {
            let folder = scratch(&format!("compare-{name}"));
            fs::write(folder.join("mine.toml"), experiment(k, limit)).unwrap();
            run(&folder, &["run", "mine.toml", "--quiet"]).expect(0);
            only_entry(&folder.join("reports"))
        })
    })
}

fn here(command: &str, paths: &[&Path], flags: &[&str]) -> crate::support::Output {
    let mut arguments = vec![command.to_owned()];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap().to_owned()));
    arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
    run(&std::env::temp_dir(), &arguments)
}

#[test]
fn a_model_that_got_worse_can_fail_a_pipeline() {
    let [good, worse, _] = runs();
    let said = here("diff", &[good, worse], &[]).expect(0);
    for words in [
        "WORSE",
        "same answers",
        "k 3 → 400",
        "1 model got worse: knn",
    ] {
        assert!(
            said.stdout.contains(words),
            "no `{words}` in\n{}",
            said.said()
        );
    }
    here("diff", &[good, worse], &["--fail-if-worse"]).expect(3);
    // The other way round it got better, and nothing changed against itself.
    let back = here("diff", &[worse, good], &["--fail-if-worse"]).expect(0);
    assert!(back.stdout.contains("better"), "{}", back.said());
    let same = here("diff", &[good, good], &["--fail-if-worse"]).expect(0);
    assert!(!same.stdout.contains("better") && same.stdout.contains("No model got worse"));
    // Somebody to whom nothing matters is not told.
    here(
        "diff",
        &[good, worse],
        &["--fail-if-worse", "--margin", "1"],
    )
    .expect(0);

    let json = here("diff", &[good, worse], &["--json", "--metric", "macro-f1"])
        .expect(0)
        .json();
    let models = json["models"].as_array().unwrap();
    let knn = models.iter().find(|m| m["model"] == "knn").unwrap();
    assert_eq!(knn["verdict"], "worse");
    let score = |name: &str| {
        let scores = knn["scores"].as_array().unwrap();
        scores.iter().find(|s| s["metric"] == name).unwrap().clone()
    };
    let f1 = score("macro_f1");
    assert!(f1["interval"]["high"].as_f64().unwrap() < 0.0, "{f1}");
    let rows = leaderboard(good);
    assert_eq!(score("accuracy")["first"], row(&rows, "knn")["accuracy"]);
}

/// A run of a network that learns well or badly, with these seeds.
fn network_run(name: &str, epochs: usize, seeds: &str) -> PathBuf {
    let folder = scratch(&format!("recipes-{name}"));
    let toml = format!(
        "limit_train = 600\nlimit_test = 300\n[[models]]\nfamily = \"ann\"\nepochs = {epochs}\n"
    );
    fs::write(folder.join("mine.toml"), toml).unwrap();
    run(&folder, &["run", "mine.toml", "--quiet", "--seed", seeds]).expect(0);
    only_entry(&folder.join("reports"))
}

#[test]
fn one_fit_that_is_worse_is_not_a_recipe_that_is_worse() {
    let (good, bad) = (network_run("good", 8, "1"), network_run("bad", 1, "1"));
    let said = here("diff", &[&good, &bad], &["--fail-if-worse"]).expect(0);
    for words in [
        "this fit is WORSE",
        "because one side has one seed: ann",
        "--seeds 5",
    ] {
        assert!(
            said.stdout.contains(words),
            "no `{words}` in\n{}",
            said.said()
        );
    }
    here("diff", &[&good, &bad], &["--fail-if-worse", "--fits"]).expect(3);
    here("diff", &[&good, &bad], &["--fits"])
        .expect(2)
        .complains_of(&["--fail-if-worse"]);
    let json = |a: &Path, b: &Path| here("diff", &[a, b], &["--json"]).expect(0).json();
    assert_eq!(json(&good, &bad)["models"][0]["claim"], "fits");

    // With several seeds the recipes are compared: the same one with other seeds is no other.
    let (good, bad) = (
        network_run("good-3", 8, "1,2,3"),
        network_run("bad-3", 1, "1,2,3"),
    );
    here("diff", &[&good, &bad], &["--fail-if-worse"]).expect(3);
    let again = network_run("again-3", 8, "4,5,6");
    let same = json(&good, &again);
    assert_eq!(same["models"][0]["claim"], "recipes");
    assert_eq!(same["models"][0]["verdict"], "within-noise", "{same:#}");
}

#[test]
fn runs_on_other_test_pictures_are_not_compared() {
    let [good, _, other] = runs();
    let refused = here("diff", &[good, other], &["--fail-if-worse"]).expect(1);
    refused.complains_of(&["500 test images", "300 test images", "same limits"]);
    here("diff", &[good, &good.join("charts")], &[])
        .expect(1)
        .complains_of(&["is not a run"]);
}

#[test]
fn runs_are_ranked_together_unless_a_name_means_two_things() {
    let [good, worse, other] = runs();
    let folder = scratch("compare-shapes");
    write_folder(&folder.join("shapes"), &shapes());
    fs::write(folder.join("mine.toml"), experiment(3, 60)).unwrap();
    run(&folder, &["run", "mine.toml", "--dataset", "shapes", "-q"]).expect(0);
    let elsewhere = &only_entry(&folder.join("reports"));
    here("rank", &[good, other], &[]).expect(1).complains_of(&[
        "500 and 300 images",
        "count twice",
        "--limit-test",
    ]);
    let said = here("rank", &[good, elsewhere], &[]).expect(0);
    for words in ["2 datasets", "mnist", "shapes", "mean rank", "at least"] {
        assert!(
            said.stdout.contains(words),
            "no `{words}` in\n{}",
            said.said()
        );
    }
    let json = here("rank", &[good], &["--json"]).expect(0).json();
    assert_eq!(json["models"].as_array().unwrap().len(), 2);
    assert!(json["test"].is_null() && json["no_test"].is_string());
    here("rank", &[good, worse], &[])
        .expect(1)
        .complains_of(&["`knn`", "different settings"]);
}

#[test]
fn the_terminal_marks_models_not_significantly_different_from_the_best() {
    let comparison = comparison();
    let rows = leaderboard(&comparison.run);
    let tied: Vec<&str> = rows
        .iter()
        .filter(|row| row["tied_with_best"] == true)
        .map(|row| row["model"].as_str().unwrap())
        .collect();
    assert!(
        !tied.is_empty() && tied.len() < SMALL_MODELS.len(),
        "{rows:?}"
    );
    assert_eq!(tied[0], rows[0]["model"]);
    let stdout = &comparison.output.stdout;
    let stars = stdout.lines().filter(|line| line.contains("% *")).count();
    assert_eq!(stars, tied.len(), "{stdout}");
    assert!(stdout.contains("95 % interval of"), "{stdout}");
    for row in &rows {
        for name in ["accuracy", "macro_f1", "macro_auc", "log_loss"] {
            let at = |end: &str| row[format!("{name}{end}")].as_f64().unwrap();
            // Few errors carry no interval, and say so.
            if row[format!("{name}_no_interval")].is_null() {
                assert!(at("_low") < at("") && at("") < at("_high"), "{name}: {row}");
            } else {
                assert!(row[format!("{name}_low")].is_null(), "{name}: {row}");
                assert!(name != "accuracy", "{row}");
            }
        }
    }
}

#[test]
fn exports_hold_the_predictions_of_every_model() {
    let original = &comparison().run;
    let folder = scratch("export");
    let out = folder.join("out");
    let export = |flags: &[&str]| {
        let mut arguments = vec!["export", original.to_str().unwrap()];
        arguments.extend(flags);
        run(&folder, &arguments)
    };
    export(&["--out", out.to_str().unwrap()]).expect(0);
    let metrics = read_json(&out.join("metrics.json"));
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema/metrics.schema.json");
    let validator = jsonschema::validator_for(&read_json(&schema)).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&metrics)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");

    let rows = leaderboard(original);
    let predictions = entries(&out.join("predictions"));
    let dataset = predictions.iter().find(|path| path.is_dir()).unwrap();
    for model in SMALL_MODELS {
        let mut reader = csv::Reader::from_path(dataset.join(format!("{model}.csv"))).unwrap();
        let right = reader.records().filter(|row| {
            let row = row.as_ref().unwrap();
            row[1] == row[2]
        });
        let accuracy = row(&rows, model)["accuracy"].as_f64().unwrap();
        assert_eq!(right.count() as f64 / 500.0, accuracy, "{model}");
    }
    let markdown = fs::read_to_string(out.join("leaderboard.md")).unwrap();
    let printed = export(&["--format", "markdown", "--out", "-"]).expect(0);
    assert_eq!(printed.stdout, markdown);
    export(&["--format", "csv", "--out", "-"])
        .expect(1)
        .complains_of(&["--format"]);
    export(&["--format", "word"])
        .expect(2)
        .complains_of(&["latex"]);

    // The same bytes again; the run's own folder where no other is given.
    let again = folder.join("again");
    export(&["--format", "json", "--out", again.to_str().unwrap()]).expect(0);
    assert_eq!(entries(&again).len(), 1);
    let bytes = |folder: &Path| fs::read(folder.join("metrics.json")).unwrap();
    assert!(bytes(&again) == bytes(&out));
    let own = &runs()[2];
    here("export", &[own], &["--format", "json"]).expect(0);
    assert!(own.join("exports/metrics.json").is_file());
}

#[test]
fn numpy_reads_the_arrays() {
    let python = ["python3", "python"].into_iter().find(|python| {
        let asked = Command::new(python).args(["-c", "import numpy"]).output();
        asked.is_ok_and(|output| output.status.success())
    });
    let Some(python) = python else {
        eprintln!("skipped: there is no Python with NumPy");
        return;
    };
    let original = &comparison().run;
    let folder = scratch("numpy");
    let arguments = [
        "export",
        original.to_str().unwrap(),
        "--format",
        "npy",
        "--out",
        ".",
    ];
    run(&folder, &arguments).expect(0);
    let dataset = only_entry(&folder.join("predictions"));
    let script = r#"
import json, sys, numpy as np
labels = np.load("labels.npy")
found = {}
for model in sys.argv[1:]:
    p = np.load(model + ".npy")
    assert p.dtype == np.float32 and p.shape == (500, 10), (p.dtype, p.shape)
    assert labels.dtype == np.uint16 and labels.shape == (500,)
    found[model] = float((p.argmax(axis=1) == labels).mean())
print(json.dumps(found))
"#;
    let output = Command::new(python)
        .current_dir(&dataset)
        .args(["-c", script])
        .args(SMALL_MODELS)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = leaderboard(original);
    assert_eq!(trial_ids(original).len(), SMALL_MODELS.len());
    for model in SMALL_MODELS {
        assert_eq!(found[model], row(&rows, model)["accuracy"], "{model}");
    }
}

/// Everything that an experiment can ask for, on little data.
const EVERYTHING: &str = r#"
limit_train = 600
limit_test = 200
seeds = [1, 2]
folds = 3
holdout = { repeats = 2 }
train_fractions = [0.3]
calibrate = "temperature"
robustness = ["shift", "noise"]

[[models]]
family = "logistic"

[[models]]
family = "ann"
epochs = 2

[[models]]
family = "knn"
calibrate = "none"
"#;

#[test]
fn all_that_is_derived_comes_back_from_the_records() {
    let folder = scratch("everything");
    fs::write(folder.join("everything.toml"), EVERYTHING).unwrap();
    run(&folder, &["run", "everything.toml", "--quiet"]).expect(0);
    let of_run = only_entry(&folder.join("reports"));
    run(&folder, &["export", of_run.to_str().unwrap()]).expect(0);

    let derived = derived(&of_run);
    let html = &derived["report.html"];
    let html = String::from_utf8_lossy(html);
    for section in [
        "significance",
        "agreement",
        "calibration",
        "robustness",
        "data-size",
        "resampling",
    ] {
        assert!(
            html.contains(&format!("<section id=\"{section}\"")),
            "{section}"
        );
    }
    let rows = leaderboard(&of_run);
    // Three models, two seeds: folds and smaller parts are no rows.
    assert_eq!(rows.len(), 6);
    for row in &rows {
        assert!(
            row["mean_corruption_error"].as_f64().unwrap() > 0.0,
            "{row}"
        );
    }
    for name in derived.keys() {
        fs::remove_file(of_run.join(name)).unwrap();
    }
    run(&folder, &["report", of_run.to_str().unwrap()]).expect(0);
    run(&folder, &["export", of_run.to_str().unwrap()]).expect(0);
    let again = self::derived(&of_run);
    let names = |of: &BTreeMap<String, Vec<u8>>| -> Vec<String> { of.keys().cloned().collect() };
    assert_eq!(names(&derived), names(&again));
    for (name, bytes) in &derived {
        assert!(again[name] == *bytes, "{name} has other bytes");
    }
}

/// The files of a run that can be made again from the others, by their path in it.
fn derived(of_run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![of_run.to_owned()];
    while let Some(next) = folders.pop() {
        for path in entries(&next) {
            let name = path
                .strip_prefix(of_run)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                let kept = ["records", "tests", "cuts"].contains(&name.as_str());
                folders.extend((!kept).then_some(path));
            } else if !["run.json", "plan.jsonl", ".lock"].contains(&name.as_str()) {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
