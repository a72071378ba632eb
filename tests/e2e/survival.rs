//! What a run survives: signals in any order, output that goes away, a full disk, a second run of
//! the same trials, too little memory.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::support::{
    Output, bakeoff, entries, finish, leaderboard, only_entry, program, record, record_path, row,
    run, scratch, shapes, write_folder,
};

/// A quick trial, and one that takes hours.
const ENDLESS: &str = "\
datasets = [\"data/shapes\"]
[[models]]
family = \"knn\"
[[models]]
name = \"endless\"
family = \"ann\"
hidden = [512]
epochs = 100000
batch_size = 1
";

const QUICK: &str = "\
datasets = [\"data/shapes\"]
[[models]]
family = \"logistic\"
[[models]]
family = \"knn\"
";

/// A new folder with data and this experiment.
fn prepared(name: &str, experiment: &str) -> PathBuf {
    let folder = scratch(name);
    write_folder(&folder.join("data/shapes"), &shapes());
    fs::write(folder.join("e.toml"), experiment).unwrap();
    folder
}

/// Starts the run, and waits until the endless trial is in its fit. Its output stays open.
fn until_endless(folder: &Path) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = bakeoff(folder)
        .args(["run", "e.toml", "--resume", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let in_fit = lines.any(|line| {
        let line: Value = serde_json::from_str(&line).unwrap();
        line["model"] == "endless" && line["event"]["kind"] == "fit"
    });
    assert!(in_fit, "the run ended before its endless trial");
    (child, lines)
}

/// Sends a signal, if the process still lives.
fn signal(name: &str, process: u32) {
    let mut command = Command::new("kill");
    command.args([format!("-{name}"), process.to_string()]);
    let _ = finish(&mut command);
}

/// Whether this process ignores a signal, and so what it starts.
#[cfg(target_os = "linux")]
pub(crate) fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    u64::from_str_radix(mask.unwrap().trim(), 16).unwrap() & (1 << (signal - 1)) != 0
}

/// The process of the trial that a run has started.
#[cfg(target_os = "linux")]
fn trial_of(run: u32) -> u32 {
    let tasks = entries(Path::new(&format!("/proc/{run}/task")));
    let of = |task: &PathBuf| fs::read_to_string(task.join("children")).unwrap_or_default();
    tasks
        .iter()
        .find_map(|task| of(task).split_whitespace().next()?.parse().ok())
        .unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn signals_to_the_trial_the_run_or_both_leave_no_record() {
    let folder = prepared("signals", ENDLESS);
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        // Tests that run in the background, or under `nohup`, hand that on.
        if is_ignored(code - 128) {
            continue;
        }
        for order in ["trial", "run", "trial, run", "run, trial"] {
            let (child, lines) = until_endless(&folder);
            let trial = trial_of(child.id());
            for who in order.split(", ") {
                signal(name, if who == "run" { child.id() } else { trial });
            }
            drop(lines);
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(code),
                "{name} to {order}: {said}"
            );
            assert!(
                said.contains("e.toml --resume"),
                "{name} to {order}: {said}"
            );
            let run_folder = only_entry(&folder.join("reports"));
            assert!(
                !record_path(&run_folder, "endless").exists(),
                "{name} to {order}"
            );
            assert!(record_path(&run_folder, "knn").exists());
        }
    }
    // The run goes on; and a limit that was reached is a named failure that stays.
    let limited = ["run", "e.toml", "--resume", "--time-limit", "1"];
    let output = run(&folder, &limited).expect(1);
    assert_eq!(
        output.stderr.matches("done already").count(),
        1,
        "{}",
        output.said()
    );
    let run_folder = only_entry(&folder.join("reports"));
    let failed = record(&run_folder, "endless");
    assert_eq!(failed["cause"]["kind"], "time-limit", "{failed:#}");
    run(&folder, &limited).expect(1).complains_of(&[
        "stay as they are",
        "--retry-failed",
        "endless on shapes",
    ]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_trial_by_hand_has_the_same_ends() {
    let folder = prepared("by-hand", ENDLESS);
    run(&folder, &["plan", "e.toml"]).expect(0);
    let planned = only_entry(&folder.join("reports"));
    let name = planned.to_str().unwrap();
    let mut command = bakeoff(&folder);
    let mut child = command
        .args(["trial", name, "--index", "1", "--events"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("\"fit\"")));
    // While a trial runs, nobody may run all of them.
    run(&folder, &["run", "e.toml", "--resume"])
        .expect(1)
        .complains_of(&["is in use", "bakeoff trial"]);
    signal("TERM", trial_of(child.id()));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    assert!(!record_path(&planned, "endless").exists());

    let limited = ["trial", name, "--index", "1", "--time-limit", "1"];
    let output = run(&folder, &limited).expect(1);
    assert!(
        output.stdout.contains("time limit of 1 s"),
        "{}",
        output.said()
    );
    assert_eq!(record(&planned, "endless")["cause"]["seconds"], 1);
    // The same limit is the same answer; a larger one is another try.
    let output = run(&folder, &limited).expect(1);
    assert!(output.stdout.contains("done already"), "{}", output.said());
    let raised = ["trial", name, "--index", "1", "--time-limit", "2"];
    run(&folder, &raised)
        .expect(1)
        .complains_of(&["may succeed now", "put aside"]);
    assert_eq!(record(&planned, "endless")["cause"]["seconds"], 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_trial_that_needs_too_much_memory_is_a_named_failure() {
    let large =
        QUICK.to_owned() + "[[models]]\nfamily = \"ann\"\nhidden = [8000, 8000]\nepochs = 1\n";
    let folder = prepared("memory-limit", &large);
    // Also where nothing but errors is printed, the exit code comes with its reason.
    let output = run(
        &folder,
        &["run", "e.toml", "--memory-limit", "200", "--quiet"],
    )
    .expect(1);
    let run_folder = only_entry(&folder.join("reports"));
    let failed = record(&run_folder, "ann");
    assert_eq!(failed["cause"]["kind"], "memory-limit", "{}", output.said());
    assert!(
        output.stderr.contains("(memory_limit_mb)"),
        "{}",
        output.said()
    );
    let rows = leaderboard(&run_folder);
    for model in ["logistic", "knn"] {
        assert_eq!(row(&rows, model)["status"], "ok", "{model}");
    }
}

/// A build or an upgrade while a run is at work: its other trials run in the program that began it.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_is_replaced_finishes_its_run() {
    let endless_first = "\
datasets = [\"data/shapes\"]
time_limit_seconds = 2
[[models]]
name = \"endless\"
family = \"ann\"
hidden = [512]
epochs = 100000
batch_size = 1
[[models]]
family = \"knn\"
";
    let folder = prepared("replaced", endless_first);
    let own = folder.join("own-bakeoff");
    fs::copy(program(), &own).unwrap();
    let mut child = Command::new(&own)
        .args(["run", "e.toml", "--json"])
        .current_dir(&folder)
        .env_remove("BAKEOFF_MODELS_DIR")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(lines.any(|line| line.contains("\"endless\"")));
    fs::remove_file(&own).unwrap();
    fs::copy("/bin/false", &own).unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(1), "the endless one");
    let run_folder = only_entry(&folder.join("reports"));
    assert_eq!(
        record(&run_folder, "endless")["cause"]["kind"],
        "time-limit"
    );
    assert_eq!(record(&run_folder, "knn")["status"], "ok");
}

/// Runs a line of shell in a folder; `$BAKEOFF` is the program.
#[cfg(unix)]
pub(crate) fn shell(folder: &Path, line: &str) -> Output {
    let mut command = Command::new("sh");
    finish(
        command
            .args(["-c", line])
            .env("BAKEOFF", program())
            .env_remove("BAKEOFF_MODELS_DIR")
            .current_dir(folder)
            .stdin(Stdio::null()),
    )
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_goes_away_changes_nothing() {
    for (name, to) in [
        ("closed", ">&- 2>&-"),
        ("full", ">/dev/full 2>/dev/full"),
        // A reader that has gone.
        ("pipe", "2>&1 | true; test -e reports/*/report.html"),
        ("json", "--json >/dev/full"),
    ] {
        let folder = prepared(&format!("output-{name}"), QUICK);
        shell(&folder, &format!("\"$BAKEOFF\" run e.toml {to}")).expect(0);
        let run_folder = only_entry(&folder.join("reports"));
        assert!(run_folder.join("report.html").exists(), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run_without_a_record() {
    let folder = prepared("full-disk", QUICK);
    // At the start of a run: it is not one yet, and the next one takes its folder over.
    let line = "trap '' XFSZ; ulimit -f 1; exec \"$BAKEOFF\" plan e.toml";
    shell(&folder, line).expect(1).complains_of(&["reports/"]);
    run(&folder, &["plan", "e.toml"]).expect(0);
    let planned = only_entry(&folder.join("reports"));
    // The limit of the size of files, in units of 512 bytes: first with its signal, which ends
    // the trial, then as an error of what it writes.
    for (trap, code) in [("true", 153), ("trap '' XFSZ", 1)] {
        let line = format!("{trap}; ulimit -f 4; exec \"$BAKEOFF\" run e.toml --resume");
        shell(&folder, &line).expect(code).complains_of(&[
            "the run ends here",
            "continue with",
            "--resume",
        ]);
        assert!(!record_path(&planned, "knn").exists());
        assert!(!record_path(&planned, "logistic").exists());
    }
    run(&folder, &["run", "e.toml", "--resume"]).expect(0);
    let left: Vec<_> = entries(&planned)
        .into_iter()
        .chain(entries(&planned.join("records")))
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name.starts_with(".tmp-") || name.starts_with(".model-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_second_run_of_the_same_trials_is_told_who_has_them() {
    let folder = prepared("second", ENDLESS);
    let (mut first, _lines) = until_endless(&folder);
    run(&folder, &["run", "e.toml", "--resume"])
        .expect(1)
        .complains_of(&["is in use", &format!("process {}", first.id()), "--resume"]);
    first.kill().unwrap();
    first.wait().unwrap();
    // The lock ended with its owner.
    run(&folder, &["run", "e.toml", "--resume", "--time-limit", "1"]).expect(1);
    let run_folder = only_entry(&folder.join("reports"));
    assert_eq!(
        record(&run_folder, "endless")["cause"]["kind"],
        "time-limit"
    );
}

#[test]
fn two_that_resume_at_once_lose_nothing_and_do_nothing_twice() {
    for round in 0..4 {
        let folder = prepared(&format!("at-once-{round}"), QUICK);
        let start = || {
            bakeoff(&folder)
                .args(["run", "e.toml", "--resume", "--json"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let outputs = [start(), start()].map(|child| child.wait_with_output().unwrap());
        let run_folder = only_entry(&folder.join("reports"));
        let mut ran = 0;
        for output in &outputs {
            let said = String::from_utf8_lossy(&output.stderr);
            let in_use = output.status.code() == Some(1) && said.contains("is in use");
            assert!(in_use || output.status.success(), "{said}");
            ran += String::from_utf8_lossy(&output.stdout)
                .matches("\"how\":\"ran\"")
                .count();
        }
        assert_eq!(ran, 2, "each trial runs once");
        let rows = leaderboard(&run_folder);
        assert!(rows.iter().all(|row| row["status"] == "ok"), "{rows:#?}");
    }
}

#[test]
fn what_cannot_work_is_said_before_training() {
    let folder = prepared("before-training", QUICK);
    fs::write(folder.join("file"), "x").unwrap();
    let output = run(&folder, &["run", "e.toml", "--models-dir", "file"]).expect(1);
    output.complains_of(&["file"]);
    assert!(!output.stderr.contains("begins"), "{}", output.said());
    // A large file is no experiment, whatever is in it.
    let large = fs::File::create(folder.join("large.toml")).unwrap();
    large.set_len(200_000_000).unwrap();
    run(&folder, &["run", "large.toml"])
        .expect(1)
        .complains_of(&["larger than 1 MB"]);
}
