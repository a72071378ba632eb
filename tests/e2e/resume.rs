//! Killed at any moment, a run loses at most the trial in progress.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use crate::support::{
    SMALL, SMALL_MODELS, bakeoff, comparison, damage, leaderboard, only_entry, record, record_path,
    run, scratch, sidecar,
};

/// Starts [`SMALL`] in a folder and kills it, as `kill -9` does, as soon as this model
/// is in its fit.
fn run_until_fit_of(model: &str, folder: &Path) {
    let mut child = bakeoff(folder)
        .args(["run", "small.toml", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let in_fit = lines.any(|line| {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        line["kind"] == "event" && line["model"] == model && line["event"]["kind"] == "fit"
    });
    assert!(in_fit, "the run ended before {model} was fitted");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Waits until no process is at work on a run any more.
#[cfg(target_os = "linux")]
fn wait_for_orphans(run: &Path) {
    let begin = Instant::now();
    let name = run.file_name().unwrap().to_str().unwrap();
    loop {
        let at_work = fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command);
            // The run's name alone is that of every run of this experiment.
            command.contains("--events")
                && command.contains(name)
                && fs::read_link(entry.path().join("cwd"))
                    .is_ok_and(|folder| run.starts_with(folder))
        });
        if !at_work {
            return;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "a trial continues without its run"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// A file's bytes and when they were written.
fn state(path: &Path) -> (Vec<u8>, SystemTime) {
    (
        fs::read(path).unwrap(),
        fs::metadata(path).unwrap().modified().unwrap(),
    )
}

/// A leaderboard without what is measured with a clock or a scale.
fn without_costs(rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        row.as_object_mut().unwrap().retain(|key, _| {
            let measured = ["_seconds", "_us", "_per_second", "_rss_bytes", "_disturbed"];
            let named = ["memory_bytes", "fits_timed"];
            !measured.iter().any(|part| key.contains(part)) && !named.contains(&key.as_str())
        });
    }
    rows
}

#[test]
fn a_killed_run_goes_on_where_it_stopped() {
    let folder = scratch("killed");
    fs::write(folder.join("small.toml"), SMALL).unwrap();
    run_until_fit_of("ann", &folder);
    let killed = only_entry(&folder.join("reports"));
    // The trial in progress notices at its next event that nobody listens.
    #[cfg(target_os = "linux")]
    wait_for_orphans(&killed);
    // On a busy machine the word of the fit may come when the next one has begun.
    let done: Vec<&str> = SMALL_MODELS
        .into_iter()
        .filter(|model| record_path(&killed, model).exists())
        .collect();
    assert!(
        done == ["logistic", "knn"] || done == ["logistic", "knn", "ann"],
        "{done:?}"
    );
    assert!(!killed.join("report.html").exists());
    let kept: Vec<_> = done
        .iter()
        .flat_map(|model| [record_path(&killed, model), sidecar(&killed, model)])
        .map(|path| (state(&path), path))
        .collect();

    let output = run(&folder, &["run", "small.toml", "--resume", "--json"]).expect(0);
    let ended: Vec<String> = output
        .json_lines()
        .iter()
        .filter(|line| line["kind"] == "ended")
        .map(|line| {
            format!(
                "{} {}",
                line["model"].as_str().unwrap(),
                line["how"].as_str().unwrap()
            )
        })
        .collect();
    let expected = SMALL_MODELS.map(|model| match done.contains(&model) {
        true => format!("{model} already-done"),
        false => format!("{model} ran"),
    });
    assert_eq!(ended, expected);
    assert_eq!(
        only_entry(&folder.join("reports")),
        killed,
        "no second run was begun"
    );
    for (before, path) in &kept {
        assert!(
            state(path) == *before,
            "{} was written again",
            path.display()
        );
    }

    // As if nothing had happened.
    let uninterrupted = &comparison().run;
    assert_eq!(
        without_costs(&leaderboard(&killed)),
        without_costs(&leaderboard(uninterrupted))
    );
    for model in SMALL_MODELS {
        let bytes = |run| fs::read(sidecar(run, model)).unwrap();
        assert!(
            bytes(&killed) == bytes(uninterrupted),
            "{model}: other probabilities"
        );
    }
    for file in ["report.html", "leaderboard.csv", "charts"] {
        assert!(killed.join(file).exists(), "{file}");
    }
    for entry in fs::read_dir(killed.join("records")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let whole = name.ends_with(".json") || name.ends_with(".safetensors");
        assert!(whole, "{name} was left behind");
    }

    // And once more: nothing is left to do.
    let output = run(&folder, &["run", "small.toml", "--resume"]).expect(0);
    assert_eq!(
        output.stderr.matches("done already").count(),
        4,
        "{}",
        output.said()
    );
}

#[test]
fn a_damaged_record_is_put_aside_and_its_trial_runs_again() {
    let folder = scratch("damaged-record");
    fs::write(folder.join("small.toml"), SMALL).unwrap();
    let arguments = [
        "run",
        "small.toml",
        "--models",
        "knn,ann",
        "--limit-train",
        "300",
        "--limit-test",
        "50",
    ];
    run(&folder, &arguments).expect(0);
    let folder_of_run = only_entry(&folder.join("reports"));
    let sound = record(&folder_of_run, "knn")["probabilities"].clone();
    let neighbour = state(&record_path(&folder_of_run, "ann"));
    let spoilt = sidecar(&folder_of_run, "knn");
    damage(&spoilt);

    // A report of it would show numbers that were never measured.
    let output = run(&folder, &["report".as_ref(), folder_of_run.as_os_str()]).expect(1);
    output.complains_of(&[
        spoilt.file_name().unwrap().to_str().unwrap(),
        "checksum",
        "--resume",
    ]);

    let output = run(&folder, &[&arguments[..], &["--resume"]].concat()).expect(0);
    assert!(output.stderr.contains("put aside"), "{}", output.said());
    assert_eq!(
        output.stderr.matches("done already").count(),
        1,
        "{}",
        output.said()
    );
    assert_eq!(record(&folder_of_run, "knn")["probabilities"], sound);
    assert!(
        record_path(&folder_of_run, "knn")
            .with_extension("json.damaged")
            .exists()
    );
    assert!(state(&record_path(&folder_of_run, "ann")) == neighbour);

    // A record that is cut short, as a full disk would leave it elsewhere.
    let path = record_path(&folder_of_run, "ann");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let output = run(&folder, &[&arguments[..], &["--resume"]].concat()).expect(0);
    assert!(output.stderr.contains("put aside"), "{}", output.said());
    assert_eq!(leaderboard(&folder_of_run).len(), 2);
}
