//! `plan`, `trial` and `report`: what `run` is made of, one step at a time; and what
//! becomes of trials that fail.

use std::{fs, path::Path};

use bakeoff_core::Dataset;

use crate::support::{
    Output, comparison, leaderboard, only_entry, read_json, record, record_path, row, run, scratch,
    shapes, sidecar, trial_ids, write_folder,
};

/// Plans an experiment and returns the run's folder.
fn plan(folder: &Path, experiment: &str) -> std::path::PathBuf {
    fs::write(folder.join("steps.toml"), experiment).unwrap();
    let plan = run(folder, &["plan", "steps.toml", "--json"])
        .expect(0)
        .json();
    let run = folder.join(plan["run"].as_str().unwrap());
    assert_eq!(only_entry(&folder.join("reports")), run);
    run
}

fn trial(folder: &Path, run_folder: &Path, which: &[&str]) -> Output {
    let mut arguments = vec!["trial", run_folder.to_str().unwrap()];
    arguments.extend(which);
    run(folder, &arguments)
}

/// An experiment on `data/shapes`.
fn on_shapes(rest: &str) -> String {
    format!("datasets = [\"data/shapes\"]\n{rest}")
}

fn write_shapes(folder: &Path) {
    write_folder(&folder.join("data/shapes"), &shapes());
}

const TWO_FAMILIES: &str = "\
[[models]]
family = \"logistic\"
[[models]]
family = \"knn\"
[[models]]
family = \"ann\"
hidden = [16]
epochs = 4
";

#[test]
fn trials_can_run_apart_in_any_order_and_twice() {
    let folder = scratch("steps");
    write_shapes(&folder);
    let planned = plan(&folder, &on_shapes(TWO_FAMILIES));
    assert!(planned.join("plan.jsonl").exists() && !planned.join("report.html").exists());
    let ids = trial_ids(&planned);
    assert_eq!(ids.len(), 3);

    // Half of the way, a report tells what is missing.
    let output = trial(&folder, &planned, &["--index", "2"]).expect(0);
    assert!(output.stdout.contains("accuracy"), "{}", output.said());
    run(&folder, &["report".as_ref(), planned.as_os_str()]).expect(0);
    let rows = leaderboard(&planned);
    assert_eq!(row(&rows, "ann")["status"], "ok");
    assert_eq!(row(&rows, "knn")["status"], "missing");
    assert!(row(&rows, "knn")["accuracy"].is_null());

    trial(&folder, &planned, &["--id", &ids[1].1]).expect(0);
    // From elsewhere, as another machine would.
    let elsewhere = scratch("steps-elsewhere");
    let models = folder.join("models");
    trial(
        &elsewhere,
        &planned,
        &["--index", "0", "--models-dir", models.to_str().unwrap()],
    )
    .expect(0);

    // Whoever comes second finds it done.
    for (index, (model, _)) in ids.iter().enumerate() {
        let path = record_path(&planned, model);
        let before = (
            fs::read(&path).unwrap(),
            fs::metadata(&path).unwrap().modified().unwrap(),
        );
        let output = trial(&folder, &planned, &["--index", &index.to_string()]).expect(0);
        assert!(output.stdout.contains("done already"), "{}", output.said());
        let after = (
            fs::read(&path).unwrap(),
            fs::metadata(&path).unwrap().modified().unwrap(),
        );
        assert!(before == after, "{model} was written again");
    }

    run(&folder, &["report".as_ref(), planned.as_os_str()]).expect(0);
    let in_steps = leaderboard(&planned);
    assert!(
        in_steps.iter().all(|row| row["status"] == "ok"),
        "{in_steps:#?}"
    );
    assert!(row(&in_steps, "knn")["accuracy"].as_f64().unwrap() > 0.8);

    // The same as a run at once, which is a second run beside it.
    run(&folder, &["run", "steps.toml"]).expect(0);
    let at_once = folder.join("reports").join(format!(
        "{}-2",
        planned.file_name().unwrap().to_str().unwrap()
    ));
    for (model, _) in &ids {
        let bytes = |run| fs::read(sidecar(run, model)).unwrap();
        assert!(bytes(&planned) == bytes(&at_once), "{model}");
    }
}

#[test]
fn a_trial_that_is_not_there_is_named() {
    let folder = scratch("no-such-trial");
    let run_folder = &comparison().run;
    for which in [["--index", "4"], ["--id", "0000000000000000"]] {
        trial(&folder, run_folder, &which)
            .expect(78)
            .complains_of(&["no such trial", "4, numbered from 0"]);
    }
    trial(&folder, run_folder, &[])
        .expect(2)
        .complains_of(&["--index", "--id"]);
    trial(&folder, &folder, &["--index", "0"])
        .expect(75)
        .complains_of(&["is not a run", "bakeoff plan"]);
    run(&folder, &["report".as_ref(), folder.as_os_str()])
        .expect(1)
        .complains_of(&["is not a run"]);
}

/// The same data with one pixel of one training image changed.
fn altered(dataset: &Dataset) -> Dataset {
    let mut pixels = dataset.train().images().pixels().to_vec();
    pixels[100] ^= 1;
    let images = bakeoff_core::Images::new(dataset.train().images().shape(), pixels).unwrap();
    let train = bakeoff_core::Samples::new(
        images,
        dataset.train().labels().to_vec(),
        dataset.train().class_names().to_vec(),
    )
    .unwrap();
    Dataset::new("shapes", train, dataset.test().clone()).unwrap()
}

#[test]
fn data_that_changed_or_went_leave_no_record_and_the_run_goes_on_with_them() {
    let folder = scratch("changed-data");
    write_shapes(&folder);
    let planned = plan(&folder, &on_shapes(TWO_FAMILIES));

    trial(&folder, &planned, &["--index", "0"]).expect(0);
    write_folder(&folder.join("data/shapes"), &altered(&shapes()));
    trial(&folder, &planned, &["--index", "1"])
        .expect(75)
        .complains_of(&["has changed since", "run it again with", "--index 1"]);
    fs::remove_dir_all(folder.join("data")).unwrap();
    trial(&folder, &planned, &["--index", "2"])
        .expect(75)
        .complains_of(&["data/shapes"]);
    for model in ["knn", "ann"] {
        assert!(!record_path(&planned, model).exists(), "{model}");
    }

    run(&folder, &["report".as_ref(), planned.as_os_str()]).expect(0);
    let rows = leaderboard(&planned);
    assert_eq!(row(&rows, "logistic")["status"], "ok");
    for model in ["knn", "ann"] {
        let row = row(&rows, model);
        assert_eq!(row["status"], "missing");
        assert!(
            row["accuracy"].is_null() && row["fit_seconds"].is_null(),
            "never a zero: {row:#}"
        );
    }

    write_shapes(&folder);
    let output = run(&folder, &["run", "steps.toml", "--resume"]).expect(0);
    assert_eq!(
        output.stderr.matches("done already").count(),
        1,
        "{}",
        output.said()
    );
    assert!(
        leaderboard(&planned)
            .iter()
            .all(|row| row["status"] == "ok")
    );
}

#[test]
fn a_trial_past_its_time_is_stopped_and_the_others_go_on() {
    let folder = scratch("time-limit");
    write_shapes(&folder);
    let endless = "\
time_limit_seconds = 4
[[models]]
family = \"knn\"
[[models]]
name = \"endless\"
family = \"ann\"
hidden = [512]
epochs = 100000
batch_size = 1
[[models]]
family = \"logistic\"
";
    fs::write(folder.join("slow.toml"), on_shapes(endless)).unwrap();
    let output = run(&folder, &["run", "slow.toml"]).expect(1);
    assert!(
        output
            .stderr
            .contains("FAILED: stopped at the time limit of 4 s"),
        "{}",
        output.said()
    );
    let run_folder = only_entry(&folder.join("reports"));
    let rows = leaderboard(&run_folder);
    let failed = row(&rows, "endless");
    assert_eq!(failed["status"], "failed");
    assert!(
        failed["reason"]
            .as_str()
            .unwrap()
            .contains("time_limit_seconds"),
        "{failed:#}"
    );
    for model in ["knn", "logistic"] {
        assert_eq!(row(&rows, model)["status"], "ok", "{model}");
    }
    assert_eq!(
        rows.last().unwrap()["model"],
        "endless",
        "what failed comes last"
    );
    assert!(run_folder.join("report.html").exists());
    assert!(
        output.stdout.contains("endless failed: stopped"),
        "{}",
        output.said()
    );
    assert!(!folder.join("models/shapes/endless").exists());
}

#[test]
fn a_fit_that_diverges_is_a_failure_and_no_zero() {
    let folder = scratch("diverging");
    write_shapes(&folder);
    // Each layer multiplies what the one before it made of far too long steps.
    let layers = vec!["64"; 20].join(", ");
    let diverging = format!(
        "\
[[models]]
family = \"knn\"
[[models]]
name = \"too-fast\"
family = \"ann\"
hidden = [{layers}]
learning_rate = 10.0
epochs = 3
"
    );
    fs::write(folder.join("diverging.toml"), on_shapes(&diverging)).unwrap();
    run(&folder, &["run", "diverging.toml"]).expect(1);
    let run_folder = only_entry(&folder.join("reports"));
    let failed = record(&run_folder, "too-fast");
    assert_eq!(
        (&failed["status"], &failed["stage"]),
        (&"failed".into(), &"fit".into())
    );
    assert!(!failed["reason"].as_str().unwrap().is_empty());
    assert_eq!(row(&leaderboard(&run_folder), "knn")["status"], "ok");
    assert_eq!(
        read_json(&run_folder.join("run.json"))["experiment"],
        "diverging"
    );
}
