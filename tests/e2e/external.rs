//! Models of other programs: images out (`export --test-set`), predictions in (`import`).

mod refused;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::{
    Output, comparison, copy_folder, damage, entries, leaderboard, only_entry, read_json, row, run,
    scratch, trial_ids,
};

/// A copy of the small comparison, to change: its folder and its run.
fn copied(name: &str) -> (PathBuf, PathBuf) {
    let folder = scratch(name).join("copy");
    copy_folder(&comparison().folder, &folder);
    let run = only_entry(&folder.join("reports"));
    (folder, run)
}

/// `bakeoff import`, with this name.
fn import(run_folder: &Path, name: &str, words: &[&str]) -> Output {
    let mut arguments = vec!["import", run_folder.to_str().unwrap(), "--name", name];
    arguments.extend(words);
    run(run_folder, &arguments)
}

fn report(folder: &Path, run_folder: &Path) -> String {
    let words = ["report", run_folder.to_str().unwrap(), "--no-try-it"];
    run(folder, &words).expect(0);
    fs::read_to_string(run_folder.join("report.html")).unwrap()
}

/// The predictions of the run's own models as files.
fn exported(run_folder: &Path) -> PathBuf {
    let words = [
        "export",
        run_folder.to_str().unwrap(),
        "--format",
        "csv,npy",
        "--out",
        "out",
    ];
    run(run_folder, &words).expect(0);
    run_folder.join("out/predictions/mnist")
}

/// Every score of one row of the leaderboard; costs and the names are its own.
fn scores(row: &Value) -> Vec<(&String, &Value)> {
    const OTHERS: [&str; 22] = [
        "model",
        "family",
        "engine",
        "status",
        "reason",
        "seed",
        "trial",
        "is_external",
        "claim",
        "train_samples",
        "validation_samples",
        "fits_timed",
        "fit_disturbed",
        "predict_disturbed",
        "latency_disturbed",
        "throughput_per_second",
        "parameters",
        "fit_seconds_low",
        "fit_seconds_high",
        "latency_p50_us_low",
        "latency_p50_us_high",
        "tied_with_best",
    ];
    let is_cost =
        |key: &str| key.ends_with("_seconds") || key.ends_with("_us") || key.ends_with("_bytes");
    let fields = row.as_object().unwrap().iter();
    fields
        .filter(|(key, _)| !OTHERS.contains(&key.as_str()) && !is_cost(key))
        .collect()
}

/// The rows of a model's exported CSV, probabilities alone, and the positions of the images in an order
/// unlike that of the test part.
fn shuffled(csv: &Path) -> (Vec<Vec<String>>, Vec<usize>) {
    let mut reader = csv::Reader::from_path(csv).unwrap();
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.unwrap().iter().skip(3).map(String::from).collect())
        .collect();
    let order = (0..rows.len())
        .map(|at| (at * 7 + 3) % rows.len())
        .collect();
    (rows, order)
}

#[test]
fn our_own_predictions_come_back_as_the_same_scores() {
    let (folder, run_folder) = copied("external-same");
    let out = exported(&run_folder);
    let path = |name: &str| out.join(name).to_str().unwrap().to_owned();
    let npy = path("ann.npy");
    let said = import(&run_folder, "by-npy", &[&npy]).expect(0);
    assert!(said.stdout.contains("bakeoff report"), "{}", said.said());
    import(&run_folder, "by-csv", &[&path("ann.csv")]).expect(0);

    // Another order of images and of classes.
    let (rows, order) = shuffled(&out.join("ann.csv"));
    let mut text = String::from("id,9,8,7,6,5,4,3,2,1,0\n");
    for &position in &order {
        let turned: Vec<&str> = rows[position].iter().rev().map(String::as_str).collect();
        text += &format!("mnist-{position:06},{}\n", turned.join(","));
    }
    let file = run_folder.join("shuffled.csv");
    fs::write(&file, text).unwrap();
    let said = import(&run_folder, "by-id", &[file.to_str().unwrap()]).expect(0);
    for words in ["column `id`", "by their names"] {
        assert!(said.stdout.contains(words), "{}", said.said());
    }

    let html = report(&folder, &run_folder);
    let found = leaderboard(&run_folder);
    let ours = row(&found, "ann");
    assert!(scores(ours).len() > 20);
    for name in ["by-npy", "by-csv", "by-id"] {
        let theirs = row(&found, name);
        assert_eq!(scores(theirs), scores(ours), "{name}");
        assert_eq!(
            (&theirs["is_external"], &ours["is_external"]),
            (&true.into(), &false.into())
        );
        assert!(theirs["fit_seconds"].is_null() && theirs["throughput_per_second"].is_null());
        assert!(html.contains(&format!("{name}\u{a0}†")), "{name}");
    }
    assert!(html.contains("† external: the predictions of another program"));
    let csv = fs::read_to_string(run_folder.join("leaderboard.csv")).unwrap();
    assert!(
        csv.lines()
            .any(|line| line.starts_with("by-id,external,import,mnist,1,ok")),
        "{csv}"
    );
    // Paired tests of images: the same answers do not differ.
    run(
        &run_folder,
        &["export", ".", "--format", "json", "--out", "."],
    )
    .expect(0);
    let metrics = read_json(&run_folder.join("metrics.json"));
    let pairs = metrics["datasets"][0]["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 7 * 6 / 2);
    let same = pairs.iter().find(|pair| {
        let names = [&pair["first"], &pair["second"]].map(|name| name.as_str().unwrap());
        names.contains(&"ann") && names.contains(&"by-id")
    });
    assert_eq!(
        (&same.unwrap()["only_first"], &same.unwrap()["mid_p"]),
        (&0.into(), &1.0.into())
    );
}

#[test]
fn labels_alone_give_what_labels_can() {
    let (folder, run_folder) = copied("external-labels");
    let out = exported(&run_folder);
    let mut reader = csv::Reader::from_path(out.join("knn.csv")).unwrap();
    let mut text = String::from("sample,prediction\n");
    for (position, row) in reader.records().enumerate() {
        text += &format!("{position},{}\n", &row.unwrap()[2]);
    }
    let file = run_folder.join("labels.csv");
    fs::write(&file, text).unwrap();
    let said = import(&run_folder, "labels", &[file.to_str().unwrap()]).expect(0);
    assert!(
        said.stdout.contains("no log loss, ROC or calibration"),
        "{}",
        said.said()
    );
    let html = report(&folder, &run_folder);
    assert!(html.contains("Only its predicted classes are known"));
    let found = leaderboard(&run_folder);
    let (ours, theirs) = (row(&found, "knn"), row(&found, "labels"));
    for key in [
        "accuracy",
        "accuracy_low",
        "errors",
        "macro_f1",
        "macro_recall",
        "macro_precision",
    ] {
        assert_eq!(theirs[key], ours[key], "{key}");
    }
    for key in [
        "log_loss",
        "macro_auc",
        "brier_score",
        "expected_calibration_error",
    ] {
        assert!(theirs[key].is_null() && ours[key].is_f64(), "{key}");
    }
}

#[test]
fn costs_are_those_of_the_author_and_marked() {
    let (folder, run_folder) = copied("external-costs");
    let npy = exported(&run_folder).join("cnn.npy");
    let npy = npy.to_str().unwrap();
    let given = [
        npy,
        "--fit-seconds",
        "12.5",
        "--predict-ms-per-image",
        "0.9",
        "--parameters",
        "1234",
        "--model-bytes",
        "5678",
        "--notes",
        "three <b>layers</b>",
    ];
    import(&run_folder, "keras", &given).expect(0);
    let html = report(&folder, &run_folder);
    let found = leaderboard(&run_folder);
    let theirs = row(&found, "keras");
    for (key, value) in [("fit_seconds", 12.5), ("latency_p50_us", 900.0)] {
        assert_eq!(theirs[key], value);
    }
    assert_eq!(
        (&theirs["parameters"], &theirs["model_bytes"]),
        (&1234.into(), &5678.into())
    );
    assert!(theirs["memory_bytes"].is_null() && theirs["fits_timed"].is_null());
    assert!(html.contains("12.5\u{a0}s, given by its author") && html.contains("given\u{a0}†"));
    assert!(
        html.contains("Its author says: three &#60;b&#62;layers")
            || html.contains("three &lt;b&gt;layers")
    );
}

#[test]
fn a_wrong_order_is_suspected() {
    let (folder, run_folder) = copied("external-chance");
    let (rows, order) = shuffled(&exported(&run_folder).join("cnn.csv"));
    let rows: Vec<String> = order.iter().map(|&at| rows[at].join(",")).collect();
    let file = run_folder.join("wrong.csv");
    fs::write(&file, rows.join("\n")).unwrap();
    let said = import(&run_folder, "wrong", &[file.to_str().unwrap()]).expect(0);
    said.complains_of(&[
        "warning:",
        "of 500 test images are correct",
        "another order",
    ]);
    assert!(report(&folder, &run_folder).contains("wrong\u{a0}†: "));
}

#[test]
fn a_name_is_taken_until_it_is_replaced_or_removed() {
    let (folder, run_folder) = copied("external-names");
    let out = exported(&run_folder);
    let path = |name: &str| out.join(name).to_str().unwrap().to_owned();
    let (cnn, knn) = (path("cnn.npy"), path("knn.npy"));
    import(&run_folder, "mine", &[&cnn]).expect(0);
    let said = import(&run_folder, "mine", &[&cnn]).expect(1);
    said.complains_of(&["imported already", "--replace"]);
    import(&run_folder, "mine", &[&knn, "--replace"]).expect(0);
    import(&run_folder, "mine", &[&cnn, "--seed", "2"]).expect(0);
    // A record and its probabilities each; those of what was replaced are gone.
    let records = run_folder.join("external/records");
    assert_eq!(entries(&records).len(), 4);
    report(&folder, &run_folder);
    let found = leaderboard(&run_folder);
    let seeds: Vec<&Value> = found.iter().filter(|row| row["model"] == "mine").collect();
    assert_eq!(seeds.len(), 2);
    let accuracy_of = |seed: u64| {
        let found = seeds.iter().find(|row| row["seed"] == seed).unwrap();
        found["accuracy"].clone()
    };
    assert_eq!(accuracy_of(1), row(&found, "knn")["accuracy"]);
    assert_eq!(accuracy_of(2), row(&found, "cnn")["accuracy"]);
    assert!(seeds[0]["accuracy_seed_deviation"].is_f64());
    assert_eq!(seeds[0]["claim"], "recipes");

    import(&run_folder, "mien", &["--remove"])
        .expect(1)
        .complains_of(&["did you mean `mine`?"]);
    import(&run_folder, "mine", &["--remove", "--seed", "2"]).expect(0);
    assert_eq!(entries(&records).len(), 2);

    // A damaged one is named with its own remedy, and can be taken out.
    let probabilities = entries(&records)
        .into_iter()
        .find(|path| path.extension().unwrap() == "safetensors");
    damage(&probabilities.unwrap());
    let said = run(&folder, &["report", run_folder.to_str().unwrap()]).expect(1);
    said.complains_of(&["external", "--replace", "--remove"]);
    assert!(!said.stderr.contains("--resume"), "{}", said.said());
    import(&run_folder, "mine", &["--remove"]).expect(0);
    assert!(entries(&records).is_empty());
    // So is a record that was cut, or that is another JSON: its file has the name of the import.
    for text in ["", "{}", "{\"trial\": {\"model\": \"mi"] {
        import(&run_folder, "mine", &[&cnn]).expect(0);
        let record = entries(&records)
            .into_iter()
            .find(|path| path.extension().unwrap() == "json");
        fs::write(record.unwrap(), text).unwrap();
        let said = run(&folder, &["report", run_folder.to_str().unwrap()]).expect(1);
        said.complains_of(&["external", "--replace", "--remove"]);
        import(&run_folder, "other", &["--remove"]).expect(1);
        import(&run_folder, "mine", &["--remove"]).expect(0);
        assert!(entries(&records).is_empty(), "{text}");
    }
    let html = report(&folder, &run_folder);
    assert!(!html.contains('†'));
}

#[test]
fn the_plan_knows_nothing_of_them() {
    let (folder, run_folder) = copied("external-plan");
    let npy = exported(&run_folder).join("cnn.npy");
    let plan = fs::read(run_folder.join("plan.jsonl")).unwrap();
    import(&run_folder, "mine", &[npy.to_str().unwrap()]).expect(0);
    assert_eq!(fs::read(run_folder.join("plan.jsonl")).unwrap(), plan);

    // A trial that is missing is run, and only that one; the import stays.
    let (_, id) = &trial_ids(&run_folder)[1];
    fs::remove_file(run_folder.join(format!("records/{id}.json"))).unwrap();
    let status = run(&folder, &["status", run_folder.to_str().unwrap()]).expect(75);
    assert!(
        status
            .stdout
            .contains("3 of 4 trials are done, 0 failed, 1 missing"),
        "{}",
        status.said()
    );
    let resumed = run(
        &folder,
        &["run", "small.toml", "--threads", "2", "--resume"],
    )
    .expect(0);
    assert!(resumed.stdout.contains("mine †"), "{}", resumed.said());
    assert_eq!(leaderboard(&run_folder).len(), 5);
    run(
        &folder,
        &["trial", run_folder.to_str().unwrap(), "--index", "0"],
    )
    .expect(0);
    let none = run(
        &folder,
        &["trial", run_folder.to_str().unwrap(), "--index", "4"],
    );
    none.expect(78).complains_of(&["it has 4"]);

    // A store has what the plan knows; what is here stays when a run is pulled.
    let run_name = run_folder.to_str().unwrap();
    let pushed = run(&folder, &["push", run_name, "store"]).expect(0);
    assert!(
        pushed.stdout.contains("1 import of other programs stays"),
        "{}",
        pushed.said()
    );
    assert!(!folder.join("store/external").exists());
    run(&folder, &["pull", "elsewhere", "store"]).expect(0);
    report(&folder, &folder.join("elsewhere"));
    assert_eq!(leaderboard(&folder.join("elsewhere")).len(), 4);
    run(&folder, &["pull", run_name, "store"]).expect(0);
    report(&folder, &run_folder);
    assert_eq!(leaderboard(&run_folder).len(), 5);

    // Runs are compared and ranked with them.
    let found = run(&folder, &["diff", run_name, run_name, "--json"])
        .expect(0)
        .json();
    assert_eq!(found["models"].as_array().unwrap().len(), 5);
    let ranking = run(&folder, &["rank", run_name, "--json"]).expect(0).json();
    let models = ranking["models"].as_array().unwrap();
    assert!(
        models.iter().any(|model| model["model"] == "mine"),
        "{ranking}"
    );

    // While all of the run is at work, nobody else writes to it.
    let lock = File::options()
        .write(true)
        .open(run_folder.join(".lock"))
        .unwrap();
    lock.lock().unwrap();
    let said = import(&run_folder, "late", &[npy.to_str().unwrap()]).expect(1);
    said.complains_of(&["in use"]);
}

#[test]
fn the_images_of_a_run_are_written_for_others() {
    let (folder, run_folder) = copied("external-images");
    let run_name = run_folder.to_str().unwrap();
    let out = run(&folder, &["export", run_name, "--test-set", "others"]).expect(0);
    assert!(
        out.stdout
            .contains("3,000 training images and 500 test images"),
        "{}",
        out.said()
    );
    let set = folder.join("others/mnist");
    let shape_of = |name: &str| {
        let bytes = fs::read(set.join(name)).unwrap();
        let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
        (header, bytes)
    };
    let (header, images) = shape_of("images.npy");
    assert!(
        header.contains("'|u1'") && header.contains("(500, 1, 28, 28)"),
        "{header}"
    );
    assert_eq!(images.len(), 128 + 500 * 784);
    let (header, _) = shape_of("train/images.npy");
    assert!(header.contains("(3000, 1, 28, 28)"), "{header}");
    let (_, marks) = shape_of("train/is_validation.npy");
    assert_eq!(marks[128..].iter().filter(|&&mark| mark == 1).count(), 300);
    assert_eq!(
        fs::read_to_string(set.join("classes.txt")).unwrap(),
        "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    );
    let ids = fs::read_to_string(set.join("ids.csv")).unwrap();
    assert_eq!(ids.lines().count(), 501);
    assert_eq!(ids.lines().nth(2), Some("1,mnist-000001"));
    let about = fs::read_to_string(set.join("README.txt")).unwrap();
    assert!(
        about.contains("500 x 1 x 28 x 28") && about.contains("bakeoff import"),
        "{about}"
    );
    assert!(!set.join("labels.npy").exists());

    run(&folder, &["export", run_name, "--test-set", "others"])
        .expect(1)
        .complains_of(&["not empty"]);
    let words = [
        "export",
        run_name,
        "--test-set",
        "known",
        "--with-test-labels",
    ];
    run(&folder, &words).expect(0);
    let labels = fs::read(folder.join("known/mnist/labels.npy")).unwrap();
    // Labels as predictions: all of them correct.
    assert_eq!(labels.len(), 128 + 500 * 8);
    let labels = folder.join("known/mnist/labels.npy");
    let said = import(&run_folder, "oracle", &[labels.to_str().unwrap()]).expect(0);
    assert!(said.stdout.contains("accuracy 100"), "{}", said.said());
    run(
        &folder,
        &["export", run_name, "--test-set", "x", "--format", "csv"],
    )
    .expect(2);
    run(&folder, &["export", run_name, "--with-test-labels"]).expect(2);
}
