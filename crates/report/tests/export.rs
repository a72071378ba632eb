//! What other programs are given: complete, readable, and as its schema says.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;

use std::{collections::BTreeMap, fs, path::PathBuf};

use bakeoff_core::{
    ImageShape,
    record::{Run, Stage},
};
use bakeoff_measures::{ACCURACY, FIT_TIME, MACRO_AUC, Measure, Shown};
use bakeoff_metrics::Metric;
use bakeoff_report::export::{Format, export, metrics_schema};
use common::{Builder, Fate, data, digits, everything, four_families};
use serde_json::Value;

fn exported(run: &Run, formats: &[Format]) -> BTreeMap<String, Vec<u8>> {
    let files = export(run, formats).unwrap();
    let count = files.len();
    let found: BTreeMap<String, Vec<u8>> = files
        .into_iter()
        .map(|file| (file.path, file.bytes))
        .collect();
    assert_eq!(found.len(), count, "two files of one name");
    found
}

/// Names that would break a careless path or table, a failed trial, an absent class.
fn hostile() -> Run {
    let names = ["<b>", "a,\"b\"", "ab|sent_"].map(String::from).to_vec();
    let labels = (0..30).map(|i| i % 2).collect();
    let data = data("../up & <i>", names, ImageShape::new(1, 8, 8), labels);
    Builder::new("50 % of_it", &[&data])
        .ok(&data, "../../etc/passwd", "knn", 1, 0.8)
        .ok(&data, "labels", "cnn", 1, 0.9)
        .trial(
            &data,
            "broken",
            "ann",
            1,
            Fate::Failed(Stage::Fit, "the loss is NaN".into()),
        )
        .trial(&data, "later", "ann", 1, Fate::Missing)
        .build()
}

#[test]
fn the_committed_schema_is_the_one_of_the_program() {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/metrics.schema.json");
    let schema = metrics_schema().unwrap();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert_eq!(committed, schema, "BLESS=1 writes docs/schema anew");
}

#[test]
fn metrics_are_as_their_schema_says() {
    let mut schema: Value = serde_json::from_str(&metrics_schema().unwrap()).unwrap();
    // A misspelt or forgotten field would pass a schema that allows any other.
    for of in schema["$defs"].as_object_mut().unwrap().values_mut() {
        of["additionalProperties"] = Value::Bool(false);
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    for run in [everything(200), four_families(60), hostile()] {
        let files = exported(&run, &[Format::Json]);
        let metrics: Value = serde_json::from_slice(&files["metrics.json"]).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&metrics)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let mut wrong: Value =
        serde_json::from_slice(&exported(&four_families(60), &[Format::Json])["metrics.json"])
            .unwrap();
    wrong["datasets"][0]["models"][0]["tied_with_best"] = Value::from("yes");
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn metrics_say_what_the_leaderboard_says() {
    let run = everything(300);
    let files = exported(&run, &[Format::Json]);
    let metrics: Value = serde_json::from_slice(&files["metrics.json"]).unwrap();
    let board = bakeoff_report::leaderboard(&run);
    let models = metrics["datasets"][0]["models"].as_array().unwrap();
    let mut compared = 0;
    for row in &board.rows {
        let model = models
            .iter()
            .find(|m| m["model"] == row.model.as_str())
            .unwrap();
        let trials = model["trials"].as_array().unwrap();
        let trial = trials
            .iter()
            .find(|t| t["trial"] == row.trial.as_str())
            .unwrap();
        assert_eq!(
            trial["scores"]["accuracy"].as_f64(),
            row.values.get(&ACCURACY)
        );
        assert_eq!(
            trial["scores"]["macro_auc"].as_f64(),
            row.values.get(&MACRO_AUC)
        );
        assert_eq!(
            trial["intervals"]["log_loss"]["high"].as_f64(),
            row.interval(Metric::LogLoss).map(|interval| interval.high)
        );
        assert_eq!(
            trial["costs"]["fit_seconds"].as_f64(),
            row.values.get(&FIT_TIME)
        );
        assert_eq!(model["tied_with_best"].as_bool(), row.tied_with_best);
        compared += 1;
    }
    assert_eq!(compared, 10);
    assert_eq!(metrics["datasets"][0]["pairs"].as_array().unwrap().len(), 6);
    // Four smaller parts and five folds of four models.
    assert_eq!(
        metrics["datasets"][0]["variants"].as_array().unwrap().len(),
        36
    );
}

#[test]
fn predictions_come_back_from_csv_with_the_same_bits() {
    let run = everything(50);
    let files = exported(&run, &[Format::Csv]);
    // And the labels to check.
    assert_eq!(files.len(), run.probabilities.len() + 1);
    let planned = run.plan.iter().find(|p| p.trial.model == "cnn").unwrap();
    let p = &run.probabilities[&planned.id];
    let bytes = &files["predictions/mnist/cnn-seed1.csv"];
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(header[..4], ["sample", "actual", "predicted", "p_0"]);
    let labels = run.labels(&run.info.datasets[0].test_fingerprint).unwrap();
    let mut rows = 0;
    for (sample, row) in reader.records().map(Result::unwrap).enumerate() {
        assert_eq!(row[0], sample.to_string());
        assert_eq!(row[1], labels[sample].to_string());
        assert_eq!(row[2], p.predicted()[sample].to_string());
        let values: Vec<f32> = row.iter().skip(3).map(|v| v.parse().unwrap()).collect();
        assert_eq!(values, p.row(sample));
        rows += 1;
    }
    assert_eq!(rows, 50);
    // A fold's samples are named by their places in the training part.
    assert!(files.contains_key("predictions/mnist/cnn-seed1-fold-2-of-5.csv"));
    assert!(files.contains_key("predictions/mnist/cnn-seed1-3-percent-of-the-training-data.csv"));
}

#[test]
fn arrays_have_the_header_that_numpy_expects() {
    let run = four_families(30);
    let files = exported(&run, &[Format::Npy]);
    assert_eq!(files.len(), 5);
    let labels = &files["predictions/mnist/labels.npy"];
    assert_eq!(labels[..6], *b"\x93NUMPY");
    let header = |bytes: &[u8]| String::from_utf8_lossy(&bytes[10..128]).into_owned();
    assert!(header(labels).contains("'<u2'") && header(labels).contains("(30,"));
    let p = &files["predictions/mnist/knn.npy"];
    assert!(
        header(p).contains("'<f4'") && header(p).contains("(30, 10)"),
        "{}",
        header(p)
    );
    assert_eq!(p.len() % 64, (30 * 10 * 4) % 64);
}

#[test]
fn safetensors_hold_every_trial_and_say_what_it_is() {
    let run = everything(40);
    let files = exported(&run, &[Format::Safetensors]);
    let bytes = &files["predictions/mnist.safetensors"];
    let (_, metadata) = safetensors::SafeTensors::read_metadata(bytes).unwrap();
    let about = metadata.metadata().as_ref().unwrap()["bakeoff"].clone();
    let about: Value = serde_json::from_str(&about).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(bytes).unwrap();
    let trials = about["trials"].as_array().unwrap();
    assert_eq!(trials.len(), run.probabilities.len());
    for trial in trials {
        let tensor = tensors.tensor(trial["tensor"].as_str().unwrap()).unwrap();
        assert_eq!(tensor.shape(), [40, 10]);
        let p = &run.probabilities[trial["trial"].as_str().unwrap()];
        let values: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        assert_eq!(values, p.values());
        let labels = tensors.tensor(trial["labels"].as_str().unwrap()).unwrap();
        assert_eq!(labels.shape(), [40]);
    }
    // The test part's labels and those of five folds.
    assert_eq!(tensors.len(), trials.len() + 6);
    // The same every time.
    assert_eq!(files, exported(&run, &[Format::Safetensors]));
}

#[test]
fn no_name_leads_out_of_the_folder_or_out_of_a_cell() {
    let run = hostile();
    let files = exported(&run, &Format::ALL);
    for path in files.keys() {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/');
        assert!(path.chars().all(safe), "{path}");
        assert!(!path.contains("..") && !path.starts_with('/'), "{path}");
    }
    // A model called `labels` does not replace the labels.
    assert!(files.contains_key("predictions/up-i/labels.npy"));
    assert!(files.contains_key("predictions/up-i/labels-2.npy"));

    let markdown = String::from_utf8(files["leaderboard.md"].clone()).unwrap();
    let rows: Vec<&str> = markdown.lines().filter(|l| l.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 4, "{markdown}");
    for row in rows {
        // Bars that are not escaped.
        let bars = row.replace("\\|", "").matches('|').count();
        // Around the columns: model, engine and every measure.
        let columns = 2 + Measure::shown_in(Shown::Summary).count();
        assert_eq!(bars, columns + 1, "{row}");
    }
    let latex = String::from_utf8(files["leaderboard.tex"].clone()).unwrap();
    assert!(
        latex.contains("50 \\% of") || latex.contains("../up \\& \\textless{}i\\textgreater{}"),
        "{latex}"
    );
    assert!(!latex.contains("\u{a0}"), "{latex}");
}

#[test]
fn a_model_called_as_a_folds_labels_does_not_replace_them() {
    let mut run = everything(40);
    for planned in &mut run.plan {
        if planned.trial.model == "knn" {
            planned.trial.model = "labels-fold-1-of-5".to_owned();
        }
    }
    let files = exported(&run, &[Format::Npy]);
    let plain = exported(&everything(40), &[Format::Npy]);
    let path = "predictions/mnist/labels-fold-1-of-5.npy";
    assert!(files[path] == plain[path]);
    assert_eq!(files.len(), plain.len());
}

#[test]
fn a_run_without_results_exports_what_there_is() {
    let digits = digits("mnist", 10);
    let run = Builder::new("nothing", &[&digits])
        .trial(&digits, "cnn", "cnn", 1, Fate::Missing)
        .build();
    let files = exported(&run, &Format::ALL);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["leaderboard.md", "leaderboard.tex", "metrics.json"]);
}
