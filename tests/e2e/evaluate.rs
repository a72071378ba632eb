//! Saved models measured on a person's own images.

use std::{collections::BTreeMap, fs, path::Path};

use bakeoff_tests::redrawn;
use serde_json::Value;

use crate::support::{Output, comparison, leaderboard, only_entry, run, scratch};

/// Test digits of MNIST drawn again, as files of several sizes, with their labels.
fn own_digits(folder: &Path, count: usize) -> Vec<(String, u16)> {
    fs::create_dir_all(folder).unwrap();
    let mnist = bakeoff_data::open("mnist").unwrap();
    let test = mnist.test();
    let kinds = [
        "small",
        "medium",
        "pencil",
        "transparent-dark",
        "off-centre",
    ];
    let digits = test.images().iter().zip(test.labels()).take(count);
    let mut table = String::from("file,label\n");
    let mut files = Vec::new();
    for (index, (digit, label)) in digits.enumerate() {
        let name = kinds[index % kinds.len()];
        let kind = redrawn::kinds().iter().find(|kind| kind.name == name);
        let shape = test.images().shape();
        let bytes = redrawn::redraw(digit, shape, kind.unwrap(), index as u64).unwrap();
        let file = format!("{index:03}.png");
        fs::write(folder.join(&file), bytes).unwrap();
        table += &format!("{file},{label}\n");
        files.push((file, *label));
    }
    fs::write(folder.join("labels.csv"), table).unwrap();
    files
}

/// A sheet of one grey level.
fn sheet(level: u8) -> Vec<u8> {
    let shape = bakeoff_core::ImageShape::new(1, 120, 90);
    bakeoff_picture::encode_png(shape, &vec![level; shape.pixels()]).unwrap()
}

/// Adds a file to a folder of [`own_digits`].
fn add(folder: &Path, file: &str, label: &str, bytes: &[u8]) {
    fs::write(folder.join(file), bytes).unwrap();
    let table = folder.join("labels.csv");
    let rows = fs::read_to_string(&table).unwrap();
    fs::write(&table, format!("{rows}{file},{label}\n")).unwrap();
}

fn evaluate(folder: &Path, arguments: &[&str]) -> Output {
    let models = comparison().folder.join("models");
    let models = ["--models-dir", models.to_str().unwrap()];
    run(folder, &[&["evaluate"], arguments, &models[..]].concat())
}

/// The rows of a CSV file by their first cells.
fn rows(path: &Path) -> BTreeMap<String, Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows = reader.records().map(|row| {
        let cells: Vec<String> = row.unwrap().iter().map(String::from).collect();
        (cells[0].clone(), cells)
    });
    rows.collect()
}

#[test]
fn predict_and_evaluate_give_the_same_answers() {
    let folder = scratch("own-answers");
    let own = folder.join("own");
    let files = own_digits(&own, 40);
    for model in ["knn", "cnn"] {
        let arguments = ["own", "--model", model, "--csv", "own.csv", "--json"];
        let evaluated = evaluate(&folder, &arguments).expect(0).json();
        let rows = rows(&folder.join("own.csv"));
        let models = comparison().folder.join("models");
        let predicted = run(
            &folder,
            &[
                "predict",
                "own",
                "--model",
                model,
                "--json",
                "--models-dir",
                models.to_str().unwrap(),
            ],
        );
        let predicted = predicted.expect(0).json_lines();
        assert_eq!((predicted.len(), rows.len()), (files.len(), files.len()));
        let mut correct = 0;
        for (line, (file, label)) in predicted.iter().zip(&files) {
            let answer = &line["predictions"][0];
            let row = &rows[file];
            assert!(line["image"].as_str().unwrap().ends_with(file));
            assert_eq!(row[1], label.to_string());
            assert_eq!(answer["class"], row[2].as_str(), "{model} on {file}");
            let (one, all) = (
                answer["probability"].as_f64().unwrap(),
                row[3].parse::<f64>().unwrap(),
            );
            assert!((one - all).abs() < 1e-6, "{model} on {file}: {one}, {all}");
            correct += usize::from(row[1] == row[2]);
        }
        assert_eq!(evaluated["correct"], correct);
        // As they are they would be of different sizes; prepared, most are right.
        assert!(correct > 30, "{model}: {correct} of 40");
    }
    let raw = evaluate(&folder, &["own", "--model", "knn", "--as-is"]);
    raw.expect(1).complains_of(&["of one size", "--size"]);
    let raw = ["own", "--model", "knn", "--as-is", "--size", "28", "--json"];
    let raw = evaluate(&folder, &raw).expect(0).json();
    assert!(raw["accuracy"].as_f64().unwrap() < 0.6, "{raw}");
    assert!(raw["notes"].to_string().contains("as they are"), "{raw}");
    let stated = evaluate(&folder, &["own", "--model", "knn", "--size", "28"]);
    stated.expect(1).complains_of(&["--size", "--as-is"]);
}

#[test]
fn images_without_an_answer_are_listed_and_count_as_wrong() {
    let folder = scratch("own-unanswered");
    let own = folder.join("own");
    own_digits(&own, 10);
    add(&own, "=blank.png", "3", &sheet(255));
    add(&own, "damaged.png", "4", &sheet(0)[..50]);
    let page = folder.join("own.html");
    let arguments = ["own", "--model", "knn", "--json", "--csv", "own.csv"];
    let arguments = [&arguments[..], &["--html", "own.html"]].concat();
    let line = evaluate(&folder, &arguments).expect(0).json();
    assert_eq!(line["samples"], 12);
    assert_eq!(line["answered"], 10);
    let correct = line["correct"].as_f64().unwrap();
    assert_eq!(line["accuracy"], correct / 12.0);
    assert_eq!(line["accuracy_of_answered"], correct / 10.0);
    let interval = line["accuracy_interval"].as_array().unwrap();
    assert!(interval[0].as_f64() < Some(correct / 12.0));
    let unanswered = line["unanswered"].as_array().unwrap();
    let reasons: Vec<&Value> = unanswered.iter().map(|it| &it["reason"]).collect();
    assert!(reasons[0].as_str().unwrap().contains("nothing drawn"));
    assert!(reasons[1].as_str().unwrap().contains("damaged"));
    let misses = line["misses"].as_array().unwrap();
    assert_eq!(misses.len() as f64, 10.0 - correct);
    let rows = rows(&folder.join("own.csv"));
    assert_eq!(rows.len(), 12);
    // A spreadsheet takes it for no formula.
    assert_eq!(rows["'=blank.png"][2..4], ["", ""]);
    assert!(rows["'=blank.png"][5].contains("nothing drawn"));
    let html = fs::read_to_string(page).unwrap();
    assert!(html.contains("=blank.png") && html.contains("nothing drawn"));
    assert!(!html.contains("src=\"http"));
    let said = evaluate(&folder, &["own", "--model", "knn"]).expect(0);
    for words in ["10 of 12", "Images without an answer", "95 % interval"] {
        assert!(said.stdout.contains(words), "{}", said.said());
    }
    assert!(said.stdout.lines().all(|line| line.chars().count() <= 80));
    // A file that is not there is no image without an answer.
    fs::remove_file(own.join("003.png")).unwrap();
    let missing = evaluate(&folder, &["own", "--model", "knn"]);
    missing.expect(1).complains_of(&["1 of 12", "003.png"]);
}

#[test]
fn several_datasets_and_models_are_a_row_each() {
    let folder = scratch("own-several");
    own_digits(&folder.join("first"), 12);
    own_digits(&folder.join("second"), 6);
    fs::create_dir(folder.join("nothing")).unwrap();
    let good = ["first", "second", "--model", "knn", "--model", "logistic"];
    let said = evaluate(&folder, &good).expect(0);
    assert!(said.stdout.lines().all(|line| line.chars().count() <= 80));
    let pairs = said.stdout.lines();
    assert_eq!(pairs.filter(|line| line.contains("mnist-3000/")).count(), 4);
    // What is true of all is said once.
    assert_eq!(said.stderr.matches("are prepared as").count(), 1);
    let bad = ["first", "nothing", "second", "--all"];
    let said = evaluate(&folder, &bad).expect(1);
    let row = said.stdout.lines().find(|it| it.starts_with("nothing  "));
    assert!(row.unwrap().contains('–'), "{}", said.said());
    let why = "nothing: no dataset is recognised here";
    assert!(said.stdout.contains(why), "{}", said.said());
    let lines = evaluate(&folder, &[&bad[..], &["--json"]].concat());
    let lines = lines.expect(1).json_lines();
    // Four models on two datasets, and one row for the third whatever the model.
    assert_eq!(lines.len(), 9);
    assert_eq!(lines.iter().filter(|it| it["error"].is_string()).count(), 1);
    let table = evaluate(&folder, &["first", "second", "-m", "knn", "--csv", "a.csv"]);
    table.expect(1).complains_of(&["one dataset and one model"]);
}

#[test]
fn images_that_a_model_was_trained_on_give_the_recorded_scores() {
    let folder = scratch("own-trained");
    let mnist = bakeoff_data::open("mnist").unwrap();
    let test = mnist.test();
    for (index, (digit, label)) in test
        .images()
        .iter()
        .zip(test.labels())
        .take(400)
        .enumerate()
    {
        let part = if index % 2 == 0 { "train" } else { "test" };
        let class = folder.join("digits").join(part).join(label.to_string());
        fs::create_dir_all(&class).unwrap();
        // Each pixel as a square of 2×2: read at 28×28 it is as it was.
        let large = bakeoff_core::ImageShape::new(1, 56, 56);
        let doubled: Vec<u8> = (0..56 * 56)
            .map(|at| digit[at / 112 * 28 + at % 56 / 2])
            .collect();
        let png = bakeoff_picture::encode_png(large, &doubled).unwrap();
        fs::write(class.join(format!("{index}.png")), png).unwrap();
    }
    let arguments = ["run", "--models", "logistic", "--dataset", "digits"];
    run(&folder, &[&arguments[..], &["--size", "28"]].concat()).expect(0);
    let rows = leaderboard(&only_entry(&folder.join("reports")));
    let evaluated = run(&folder, &["evaluate", "digits", "-m", "logistic", "--json"]);
    let evaluated = evaluated.expect(0).json();
    assert_eq!(evaluated["samples"], 200);
    assert_eq!(evaluated["accuracy"], rows[0]["accuracy"]);
    let notes = evaluated["notes"].to_string();
    assert!(notes.contains("was trained on these data"), "{notes}");
}

#[test]
fn images_of_different_sizes_are_shown_with_what_to_do() {
    let folder = scratch("own-sizes");
    let own = folder.join("own");
    own_digits(&own, 10);
    let said = run(&folder, &["data", "show", "own"]).expect(0);
    for words in [
        "own: 10 images",
        "sizes",
        "--size 32",
        "bakeoff evaluate own",
    ] {
        assert!(said.stdout.contains(words), "{}", said.said());
    }
    add(&own, "blank.png", "3", &sheet(255));
    let models = comparison().folder.join("models");
    let models = ["--models-dir", models.to_str().unwrap()];
    let arguments = ["data", "show", "own", "--model", "knn"];
    let arguments = [&arguments[..], &models].concat();
    let shown = run(
        &folder,
        &[&arguments[..], &["--sheet", "s.png", "--json"]].concat(),
    );
    let shown = shown.expect(0).json();
    assert_eq!(shown["images"], 11);
    assert_eq!(shown["seen"]["images"], 10);
    assert_eq!(shown["seen"]["unanswered"][0]["file"], "blank.png");
    assert!(folder.join("s.png").is_file());
    let pixels = ["data", "show", "mnist", "--model", "knn"];
    let pixels = run(&folder, &[&pixels[..], &models].concat());
    pixels.expect(1).complains_of(&["are no files"]);
}
