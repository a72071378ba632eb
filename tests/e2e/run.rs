//! A whole `bakeoff run`: everything it leaves behind, and everything it says.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::support::{
    SMALL, SMALL_MODELS, comparison, entries, leaderboard, only_entry, read_json, record, root,
    row, run, scratch, sidecar, without_burn,
};

/// Every file below a folder, by its path in it; not the lock of a run.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let found = bakeoff_tests::files_below(folder).unwrap().into_iter();
    found
        .map(|(name, bytes)| (name.to_str().unwrap().replace('\\', "/"), bytes))
        .filter(|(name, _)| name != ".lock")
        .collect()
}

/// Whether a file of a run can be made again from the others.
fn is_derived(name: &str) -> bool {
    !(name == "run.json"
        || name == "plan.jsonl"
        || name.starts_with("records/")
        || name.starts_with("tests/"))
}

#[test]
fn leaves_everything_behind_that_it_promises() {
    let run = &comparison().run;
    let files = files(run);
    for name in [
        "run.json",
        "plan.jsonl",
        "leaderboard.json",
        "leaderboard.csv",
        "report.html",
    ] {
        assert!(files.contains_key(name), "no {name} in {:?}", files.keys());
    }
    let count = |folder: &str, ending: &str| {
        files
            .keys()
            .filter(|name| name.starts_with(folder) && name.ends_with(ending))
            .count()
    };
    assert_eq!(count("records/", ".json"), 4);
    assert_eq!(count("records/", ".safetensors"), 4);
    assert_eq!(count("tests/", ".safetensors.gz"), 1);
    assert!(count("charts/", ".svg") >= 8, "{:?}", files.keys());
    // Nothing half-written, and nothing that nobody reads.
    let expected = 5 + 4 + 4 + 1 + count("charts/", ".svg");
    assert_eq!(files.len(), expected, "{:?}", files.keys());

    let info = read_json(&run.join("run.json"));
    assert_eq!(info["experiment"], "small");
    assert_eq!(info["experiment_toml"], SMALL);
    assert_eq!(info["command"], "bakeoff run small.toml --threads 2");
    assert_eq!(
        info["datasets"][0]["test_counts"].as_array().unwrap().len(),
        10
    );
}

/// The leaderboard's numbers that must be there, with what is believable of each.
const NUMBERS: [(&str, f64, f64); 19] = [
    ("accuracy", 0.8, 1.0),
    ("balanced_accuracy", 0.8, 1.0),
    ("macro_precision", 0.8, 1.0),
    ("macro_recall", 0.8, 1.0),
    ("macro_f1", 0.8, 1.0),
    ("macro_auc", 0.95, 1.0),
    ("log_loss", 0.001, 2.5),
    ("fit_seconds", 1e-6, 600.0),
    ("load_seconds", 1e-3, 60.0),
    ("model_load_seconds", 1e-6, 60.0),
    ("predict_seconds", 1e-6, 60.0),
    ("latency_p50_us", 0.1, 1e6),
    ("latency_p95_us", 0.1, 1e6),
    ("latency_p99_us", 0.1, 1e7),
    ("throughput_per_second", 10.0, 1e9),
    ("model_bytes", 1e4, 1e8),
    ("parameters", 7850.0, 1e8),
    ("train_samples", 2700.0, 3000.0),
    ("test_samples", 500.0, 500.0),
];

#[test]
fn the_leaderboard_is_complete_and_believable() {
    let rows = leaderboard(&comparison().run);
    assert_eq!(rows.len(), 4);
    for model in SMALL_MODELS {
        let row = row(&rows, model);
        assert_eq!(row["status"], "ok", "{row:#}");
        assert_eq!(row["reason"], Value::Null);
        assert_eq!(row["dataset"], "mnist");
        assert_eq!(row["seed"], 1);
        assert!(
            row["engine"]
                .as_str()
                .is_some_and(|engine| !engine.is_empty())
        );
        for (key, least, most) in NUMBERS {
            let value = row[key]
                .as_f64()
                .unwrap_or_else(|| panic!("{model}: {key}: {row:#}"));
            assert!((least..=most).contains(&value), "{model}: {key} is {value}");
        }
        let ordered = ["latency_p50_us", "latency_p95_us", "latency_p99_us"]
            .map(|key| row[key].as_f64().unwrap());
        assert!(ordered.is_sorted(), "{model}: {ordered:?}");
        if cfg!(target_os = "linux") {
            // The data alone is 55 MB.
            let peak = row["peak_rss_bytes"].as_u64().unwrap();
            assert!(
                (50_000_000..4_000_000_000).contains(&peak),
                "{model}: {peak}"
            );
            // What the model takes, without the data; a kernel may refuse to tell.
            if let Some(memory) = row["memory_bytes"].as_u64() {
                assert!(memory < 40_000_000, "{model}: {memory}");
            }
        }
    }
    for (model, parameters) in [
        ("logistic", (784 + 1) * 10),
        ("knn", 3000 * 784),
        ("ann", (784 + 1) * 128 + (128 + 1) * 10),
        (
            "cnn",
            (9 + 1) * 32 + (32 * 9 + 1) * 64 + (1600 + 1) * 128 + (128 + 1) * 10,
        ),
    ] {
        assert_eq!(row(&rows, model)["parameters"], parameters, "{model}");
    }
    // Who chooses by a validation part trains on what is left.
    for (model, train, validation) in [
        ("logistic", 3000, 0),
        ("knn", 3000, 0),
        ("ann", 2700, 300),
        ("cnn", 2700, 300),
    ] {
        assert_eq!(row(&rows, model)["train_samples"], train, "{model}");
        assert_eq!(
            row(&rows, model)["validation_samples"],
            validation,
            "{model}"
        );
    }
    let accuracies: Vec<f64> = rows
        .iter()
        .map(|row| row["accuracy"].as_f64().unwrap())
        .collect();
    assert!(
        accuracies.is_sorted_by(|a, b| a >= b),
        "best first: {accuracies:?}"
    );
}

#[test]
fn csv_and_json_say_the_same() {
    let run = &comparison().run;
    let rows = leaderboard(run);
    let mut csv = csv::Reader::from_path(run.join("leaderboard.csv")).unwrap();
    let names = csv.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), rows.len());
    for (record, row) in records.iter().zip(&rows) {
        assert_eq!(names.len(), row.as_object().unwrap().len());
        for (name, cell) in names.iter().zip(record) {
            match &row[name] {
                Value::Null => assert_eq!(cell, "", "{name}"),
                Value::String(text) => assert_eq!(cell, text, "{name}"),
                Value::Bool(flag) => assert_eq!(cell, flag.to_string(), "{name}"),
                value => {
                    let (a, b): (f64, f64) = (cell.parse().unwrap(), value.as_f64().unwrap());
                    assert_eq!(a.to_bits(), b.to_bits(), "{name}: {cell} and {value}");
                }
            }
        }
    }
}

#[test]
fn the_scores_follow_from_the_probabilities_on_disk() {
    let run = &comparison().run;
    let rows = leaderboard(run);
    let dataset = bakeoff_data::open("mnist").unwrap();
    let test = bakeoff_data::split::limit(dataset.test().clone(), 500, 1);
    for model in SMALL_MODELS {
        let bytes = fs::read(sidecar(run, model)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let tensor = file.tensor("probabilities").unwrap();
        assert_eq!(tensor.shape(), [500, 10]);
        let values: Vec<f32> = tensor
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes))
            .collect();
        let right = values
            .chunks_exact(10)
            .zip(test.labels())
            .filter(|(row, label)| {
                let best = row.iter().copied().fold(f32::MIN, f32::max);
                row.iter().position(|&p| p == best) == Some(usize::from(**label))
            })
            .count();
        let accuracy = row(&rows, model)["accuracy"].as_f64().unwrap();
        assert!(
            (accuracy - right as f64 / 500.0).abs() < 1e-12,
            "{model}: {accuracy}, {right}"
        );
    }
}

#[test]
fn charts_are_well_formed_svg() {
    for path in entries(&comparison().run.join("charts")) {
        let svg = fs::read_to_string(&path).unwrap();
        let document = roxmltree::Document::parse(&svg)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let root = document.root_element();
        assert!(
            root.has_tag_name(("http://www.w3.org/2000/svg", "svg")),
            "{}",
            path.display()
        );
        assert!(
            root.descendants().count() > 10,
            "{}: nearly empty",
            path.display()
        );
        assert!(
            !svg.contains("NaN") && !svg.contains("inf"),
            "{}",
            path.display()
        );
        for node in root.descendants() {
            for attribute in node.attributes() {
                let value = attribute.value();
                assert!(
                    !value.starts_with("http") && !value.contains("url(http"),
                    "{}: {value} leaves the file",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn a_report_comes_back_from_the_records() {
    let original = &comparison().run;
    let copy = scratch("report").join(original.file_name().unwrap());
    for (name, bytes) in files(original) {
        if !is_derived(&name) {
            let path = copy.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    // A chart of an earlier rendering, of a model that is no more.
    fs::create_dir(copy.join("charts")).unwrap();
    fs::write(copy.join("charts/old.svg"), "<svg/>").unwrap();

    // The saved models answer in the page.
    let models = comparison().folder.join("models");
    let output = run(
        copy.parent().unwrap(),
        &[
            "report".as_ref(),
            copy.as_os_str(),
            "--models-dir".as_ref(),
            models.as_os_str(),
        ],
    )
    .expect(0);
    assert!(output.stdout.contains("report.html"), "{}", output.said());
    let (expected, found) = (files(original), files(&copy));
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &expected {
        assert!(
            found[name] == *bytes,
            "{name} is not the same after rendering again"
        );
    }

    // Without the models only what they do in the page is missing.
    let elsewhere = scratch("report without models");
    run(&elsewhere, &["report".as_ref(), copy.as_os_str()]).expect(0);
    for (name, bytes) in files(&copy) {
        let is_page = name.ends_with("report.html");
        assert!(is_page || bytes == expected[&name], "{name} is another");
        if is_page {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains(r#"id="try-data""#));
            assert!(text.contains(r#"id="leaderboard""#), "{}", &text[..2000]);
        }
    }
}

#[test]
fn saved_models_are_listed_under_their_data() {
    let comparison = comparison();
    let saved = run(&comparison.folder, &["models", "--json"])
        .expect(0)
        .json();
    let rows = leaderboard(&comparison.run);
    let saved = saved["saved"].as_array().unwrap();
    let names: Vec<&str> = saved
        .iter()
        .map(|model| model["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "mnist-3000/ann",
            "mnist-3000/cnn",
            "mnist-3000/knn",
            "mnist-3000/logistic"
        ]
    );
    for model in saved {
        let manifest = &model["manifest"];
        let row = row(&rows, manifest["name"].as_str().unwrap());
        assert_eq!(manifest["test"]["accuracy"], row["accuracy"]);
        assert_eq!(manifest["trial"], row["trial"]);
        assert_eq!(manifest["class_names"].as_array().unwrap().len(), 10);
        let folder = comparison.folder.join(model["folder"].as_str().unwrap());
        let weights = manifest["weights"]["file"].as_str().unwrap();
        let size: u64 = [folder.join("manifest.json"), folder.join(weights)]
            .iter()
            .map(|path| fs::metadata(path).unwrap().len())
            .sum();
        assert_eq!(row["model_bytes"], size);
    }
    let listed = run(&comparison.folder, &["models"]).expect(0).stdout;
    for word in ["logistic", "native", "mnist-3000/cnn", "--settings"] {
        assert!(listed.contains(word), "{listed}");
    }
}

#[test]
fn in_a_pipe_it_prints_plain_lines() {
    let output = &comparison().output;
    for text in [&output.stdout, &output.stderr] {
        assert!(
            !text.contains('\u{1b}') && !text.contains('\r'),
            "{}",
            output.said()
        );
    }
    // What happens goes to standard error, what comes out of it to standard output.
    for (position, model) in SMALL_MODELS.iter().enumerate() {
        let label = format!("[{}/4] {model} (", position + 1);
        assert!(output.stderr.contains(&label), "{}", output.said());
        assert!(output.stdout.contains(model), "{}", output.said());
    }
    assert_eq!(
        output.stderr.matches("epoch ").count(),
        3,
        "{}",
        output.said()
    );
    assert!(output.stdout.contains("Report: ") && output.stdout.contains("Models: "));
}

#[test]
fn quiet_says_nothing_and_json_says_it_to_programs() {
    let folder = scratch("quiet-and-json");
    fs::write(folder.join("small.toml"), SMALL).unwrap();
    let quick = [
        "run",
        "small.toml",
        "--models",
        "knn,ann",
        "--limit-train",
        "300",
        "--limit-test",
        "50",
    ];

    let output = run(&folder, &[&quick[..], &["--quiet"]].concat()).expect(0);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("", ""),
        "{}",
        output.said()
    );
    let first = only_entry(&folder.join("reports"));

    let output = run(&folder, &[&quick[..], &["--json"]].concat()).expect(0);
    assert_eq!(output.stderr, "", "{}", output.said());
    let lines = output.json_lines();
    let kinds = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!(
        (kinds("started"), kinds("ended"), kinds("finished")),
        (2, 2, 1)
    );
    assert!(kinds("event") > 10);
    let last = lines.last().unwrap();
    let second = folder.join(last["run"].as_str().unwrap());
    assert_eq!(
        last["leaderboard"].as_array().unwrap(),
        &leaderboard(&second)
    );
    assert_eq!(last["failed"], 0);

    // The same experiment again is a second run beside the first, with the same answers.
    assert_eq!(
        second.file_name().unwrap().to_str().unwrap(),
        format!("{}-2", first.file_name().unwrap().to_str().unwrap())
    );
    for model in ["knn", "ann"] {
        assert_eq!(
            record(&first, model)["probabilities"],
            record(&second, model)["probabilities"],
            "{model}"
        );
    }
}

#[test]
fn the_command_line_changes_an_experiment() {
    let folder = scratch("overrides");
    let arguments = [
        "run",
        "quick",
        "--models",
        "ann",
        "--epochs",
        "2",
        "--seed",
        "5",
        "--limit-train",
        "200",
        "--limit-test",
        "40",
        "--out",
        "runs",
        "--models-dir",
        "kept",
        "--quiet",
    ];
    run(&folder, &arguments).expect(0);
    let run = only_entry(&folder.join("runs"));
    let rows = leaderboard(&run);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["seed"], &rows[0]["test_samples"]),
        (&5.into(), &40.into())
    );
    assert_eq!(record(&run, "ann")["epochs"].as_array().unwrap().len(), 2);
    assert!(folder.join("kept/mnist-200/ann/manifest.json").exists());
}

#[test]
fn every_experiment_of_the_project_can_be_planned() {
    let folder = scratch("experiments");
    let mut planned = 0;
    for path in entries(&root().join("experiments")) {
        let is_called = |name: &str| path.file_stem().is_some_and(|stem| stem == name);
        // A search finds its models while it runs.
        if is_called("auto") || (is_called("engines") && without_burn()) {
            continue;
        }
        if path.extension().is_some_and(|ending| ending == "toml") {
            let output = run(
                &folder,
                &["plan".as_ref(), path.as_os_str(), "--json".as_ref()],
            )
            .expect(0);
            assert!(!output.json()["trials"].as_array().unwrap().is_empty());
            planned += 1;
        }
    }
    assert!(planned >= 2);
}
