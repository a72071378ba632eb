//! Networks that were trained elsewhere (`family = "onnx"`): our own exports beside the models that they were
//! made of, and files that do harm.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bakeoff_picture::encode_png;
use serde_json::Value;

use crate::{
    serve::Serving,
    support::{
        copy_folder, damage, entries, leaderboard, only_entry, read_json, record, record_path, row,
        run, scratch, shapes, write_folder,
    },
};

const EXPERIMENT: &str = "\
datasets = [\"data/shapes\"]
robustness = [\"noise\"]
calibrate = \"temperature\"
seeds = [1, 2]
[[models]]
family = \"logistic\"
calibrate = \"none\"
[[models]]
name = \"given\"
family = \"onnx\"
path = \"files/logistic.onnx\"
calibrate = \"none\"
[[models]]
name = \"warmed\"
family = \"onnx\"
path = \"files/ann.onnx\"
";

/// Data, and exports of two models that were trained on it.
fn prepared(name: &str) -> PathBuf {
    let folder = scratch(name);
    write_folder(&folder.join("data/shapes"), &shapes());
    let first = "datasets = [\"data/shapes\"]\n[[models]]\nfamily = \"logistic\"\n\
                 [[models]]\nfamily = \"ann\"\nepochs = 3\n";
    fs::write(folder.join("first.toml"), first).unwrap();
    let elsewhere = ["--out", "first", "--models-dir", "first-models"];
    run(&folder, &[&["run", "first.toml"], &elsewhere[..]].concat()).expect(0);
    fs::create_dir(folder.join("files")).unwrap();
    for model in ["logistic", "ann"] {
        let file = format!("files/{model}.onnx");
        let place = ["--models-dir", "first-models", "--out", &file];
        run(&folder, &[&["export-model", model], &place[..]].concat()).expect(0);
    }
    let sample = shapes();
    let images = sample.test().images();
    let png = encode_png(images.shape(), images.get(0).unwrap()).unwrap();
    fs::write(folder.join("one.png"), png).unwrap();
    folder
}

/// Each class with its probability, as a number is written, of an answer of the shell or of the server.
fn probabilities(answer: &Value) -> Vec<(String, String)> {
    let prediction = &answer["predictions"][0];
    // The server has a short list besides.
    let list = prediction["probabilities"].as_array();
    let list = list.or_else(|| prediction["top"].as_array());
    let each = list.unwrap_or_else(|| panic!("{answer:#}")).iter();
    let mut pairs: Vec<(String, String)> = each
        .map(|it| (it["class"].to_string(), it["probability"].to_string()))
        .collect();
    pairs.sort();
    assert_eq!(pairs.len(), shapes().train().class_names().len());
    pairs
}

#[test]
fn an_export_of_ours_is_a_contestant_like_any_other() {
    let folder = prepared("given");
    fs::write(folder.join("e.toml"), EXPERIMENT).unwrap();
    run(&folder, &["run", "e.toml"]).expect(0);
    let finished = only_entry(&folder.join("reports"));

    // It answers as the model that it was made of, and nothing of it was trained here.
    let rows = leaderboard(&finished);
    let (original, given) = (row(&rows, "logistic"), row(&rows, "given"));
    assert_eq!(given["accuracy"], original["accuracy"]);
    assert!(
        original["fit_seconds"].as_f64().unwrap() > 0.0,
        "{original:#}"
    );
    assert!(given["fit_seconds"].is_null(), "{given:#}");
    let measured = record(&finished, "warmed");
    assert_eq!(measured["robustness"].as_array().unwrap().len(), 5);
    assert!(measured["calibration"]["temperature"].as_f64().unwrap() > 0.0);
    assert!(record(&finished, "given")["calibration"].is_null());
    let page = fs::read_to_string(finished.join("report.html")).unwrap();
    assert!(
        page.contains("given and warmed were not trained here")
            && page.contains("nobody can check")
    );
    // Both seeds are the same network.
    let answers: Vec<Vec<u8>> = entries(&finished.join("records"))
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| (path, read_json(path)))
        .filter(|(_, record)| record["trial"]["model"] == "given")
        .map(|(path, record)| {
            let name = record["probabilities"]["file"].as_str().unwrap();
            fs::read(path.parent().unwrap().join(name)).unwrap()
        })
        .collect();
    assert!(answers.len() == 2 && answers[0] == answers[1]);

    // The other commands take the run as any other.
    let path = finished.to_str().unwrap();
    run(&folder, &["diff", path, path, "--fail-if-worse"]).expect(0);
    run(&folder, &["rank", path]).expect(0);
    run(&folder, &["export", path, "--out", "exported"]).expect(0);
    let metrics = read_json(&folder.join("exported/metrics.json"));
    let models = metrics["datasets"][0]["models"].as_array().unwrap();
    let theirs = models.iter().find(|model| model["model"] == "given");
    let costs = &theirs.unwrap()["trials"][0]["costs"];
    assert!(
        costs.is_object() && costs["fit_seconds"].is_null(),
        "{costs:#}"
    );
    run(&folder, &["export-model", "given"])
        .expect(1)
        .complains_of(&["needs no export", "logistic.onnx"]);

    // A trial that is missing is done again, and nothing else.
    fs::remove_file(record_path(&finished, "given")).unwrap();
    run(&folder, &["run", "e.toml", "--resume"]).expect(0);
    assert_eq!(
        row(&leaderboard(&finished), "given")["accuracy"],
        given["accuracy"]
    );

    saved_models_answer_elsewhere(&folder, given["accuracy"].as_f64().unwrap());
}

/// The saved models, after their files are gone and their folder is another one.
fn saved_models_answer_elsewhere(folder: &Path, accuracy: f64) {
    let asked = |models: &str| {
        let words = [
            "predict",
            "one.png",
            "--top",
            "10",
            "--model",
            "shapes/given",
            "--json",
            "--models-dir",
            models,
        ];
        run(folder, &words)
    };
    let before = asked("models").expect(0).json();
    fs::remove_dir_all(folder.join("files")).unwrap();
    copy_folder(&folder.join("models"), &folder.join("moved/by hand"));
    fs::remove_dir_all(folder.join("models")).unwrap();
    let after = asked("moved/by hand").expect(0).json();
    assert_eq!(probabilities(&before), probabilities(&after));
    let place = [
        "--model",
        "given",
        "--json",
        "--models-dir",
        "moved/by hand",
    ];
    let evaluated = run(folder, &[&["evaluate", "data/shapes"], &place[..]].concat());
    let evaluated = evaluated.expect(0).json();
    assert!((evaluated["accuracy"].as_f64().unwrap() - accuracy).abs() < 1e-9);
    let serving = Serving::start(folder, &["--models-dir", "moved/by hand"]);
    let png = fs::read(folder.join("one.png")).unwrap();
    let served = serving.client().predict(&png, Some("shapes/given")).ok();
    assert_eq!(probabilities(&served), probabilities(&before), "{served:#}");

    // A damaged model is an error, and the server answers with the others.
    let weights = entries(&folder.join("moved/by hand/shapes/given"));
    let largest = weights
        .iter()
        .max_by_key(|path| fs::metadata(path).unwrap().len());
    damage(largest.unwrap());
    asked("moved/by hand").expect(1).complains_of(&["given"]);
    let other = serving.client().predict(&png, Some("shapes/warmed")).ok();
    probabilities(&other);
    serving.ask_to_end();
    serving.ended();
}

#[test]
fn a_file_that_changed_or_is_gone_is_said_and_the_others_run() {
    let folder = prepared("given-changed");
    fs::write(folder.join("e.toml"), EXPERIMENT).unwrap();
    run(&folder, &["plan", "e.toml"]).expect(0);
    let planned = only_entry(&folder.join("reports"));
    fs::copy(
        folder.join("files/ann.onnx"),
        folder.join("files/logistic.onnx"),
    )
    .unwrap();
    fs::remove_file(folder.join("files/ann.onnx")).unwrap();
    let path = planned.to_str().unwrap();
    // No record: a machine that has the files can still do these trials.
    run(&folder, &["trial", path, "--indices", "0-5"])
        .expect(75)
        .complains_of(&[
            "is another file than when the run was planned",
            "ann.onnx: No such file",
        ]);
    assert_eq!(record(&planned, "logistic")["status"], "ok");
    assert!(!record_path(&planned, "given").exists());
}

#[test]
fn what_is_wrong_with_a_file_is_said_before_anything_is_trained() {
    let folder = prepared("given-wrong");
    let bytes = fs::read(folder.join("files/logistic.onnx")).unwrap();
    fs::write(folder.join("files/half.onnx"), &bytes[..bytes.len() / 2]).unwrap();
    fs::create_dir(folder.join("files/folder.onnx")).unwrap();
    fs::copy(
        folder.join("files/logistic.onnx"),
        folder.join("files/ünï 模.onnx"),
    )
    .unwrap();
    let said = |settings: &str| {
        let experiment =
            format!("datasets = [\"data/shapes\"]\n[[models]]\nfamily = \"onnx\"\n{settings}\n");
        fs::write(folder.join("e.toml"), experiment).unwrap();
        run(&folder, &["plan", "e.toml"])
    };
    for (settings, words) in [
        ("path = \"files/half.onnx\"", "half.onnx"),
        ("path = \"files/folder.onnx\"", "is no file"),
        ("path = \"files/absent.onnx\"", "absent.onnx"),
        ("path = \"/dev/zero\"", "is no file"),
        // Names of classes are checked where the data are.
        (
            "path = \"files/logistic.onnx\"\nclasses = [\"circle\", \"square\", \"star\", \"moon\"]",
            "classes = [...]",
        ),
    ] {
        said(settings).expect(1).complains_of(&[words]);
    }
    said("path = \"files/../files/ünï 模.onnx\"").expect(0);
}
