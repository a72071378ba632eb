//! The contract of a trial with schedulers, and what stands on it: exit codes, attempts, bundles,
//! `status`, `submit`. A real Slurm is in `integrations/slurm`; here are programs of its names.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use bakeoff_core::record::PlannedTrial;
use serde_json::Value;

use crate::support::{
    Output, bakeoff, damage, finish, leaderboard, only_entry, read_json, record, record_path, row,
    run, scratch, shapes, sidecar, write_folder,
};

/// Three models; the second one fails.
const THREE: &str = "\
datasets = [\"data/shapes\"]
[[models]]
family = \"logistic\"
[[models]]
name = \"too-fast\"
family = \"ann\"
hidden = [64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]
learning_rate = 10.0
epochs = 3
[[models]]
family = \"knn\"
";

/// A folder with a run of this experiment that is planned and not begun.
fn planned(name: &str, experiment: &str) -> (std::path::PathBuf, std::path::PathBuf) {
    let folder = scratch(name);
    write_folder(&folder.join("data/shapes"), &shapes());
    fs::write(folder.join("e.toml"), experiment).unwrap();
    run(&folder, &["plan", "e.toml"]).expect(0);
    let run_folder = only_entry(&folder.join("reports"));
    (folder, run_folder)
}

fn on(folder: &Path, command: &str, run_folder: &Path, rest: &[&str]) -> Output {
    let mut words = vec![command, run_folder.to_str().unwrap()];
    words.extend(rest);
    run(folder, &words)
}

/// Rewrites the plan's lines.
fn edit_plan(run_folder: &Path, edit: impl Fn(&mut PlannedTrial)) {
    let path = run_folder.join("plan.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(|line| {
        let mut trial: PlannedTrial = serde_json::from_str(line).unwrap();
        edit(&mut trial);
        trial.id = trial.trial.id();
        serde_json::to_string(&trial).unwrap() + "\n"
    });
    let lines: String = lines.collect();
    fs::write(path, lines).unwrap();
}

#[test]
fn exit_codes_say_whether_to_try_again() {
    let (folder, run_folder) = planned("exit-codes", THREE);
    let trial = |rest: &[&str]| on(&folder, "trial", &run_folder, rest);
    trial(&["--index", "0"]).expect(0);
    trial(&["--index", "0"]).expect(0);
    // A model that fails is an answer, and stays one.
    trial(&["--index", "1"]).expect(1);
    trial(&["--index", "1"]).expect(1);
    // Data that are not there may be there the next time, or on another machine.
    fs::rename(folder.join("data"), folder.join("away")).unwrap();
    trial(&["--index", "2"]).expect(75);
    assert!(!record_path(&run_folder, "knn").exists());
    on(&folder, "trial", &folder.join("nowhere"), &["--index", "0"]).expect(75);
    fs::rename(folder.join("away"), folder.join("data")).unwrap();
    // A damaged record is put aside by whoever has to run the trial.
    trial(&["--index", "2"]).expect(0);
    let path = record_path(&run_folder, "knn");
    damage(&path);
    trial(&["--index", "2"])
        .expect(0)
        .complains_of(&["put aside"]);
    assert!(path.with_extension("json.damaged").exists());
    // No attempt with this plan and this program can succeed.
    trial(&["--index", "3"]).expect(78);
    trial(&["--indices", "0-9"])
        .expect(78)
        .complains_of(&["3, numbered from 0"]);
    edit_plan(&run_folder, |trial| {
        trial.trial.spec.engine = "of-tomorrow".into()
    });
    trial(&["--index", "0"])
        .expect(78)
        .complains_of(&["of-tomorrow"]);
    let text = fs::read_to_string(run_folder.join("plan.jsonl")).unwrap();
    let newer = text.replace("\"schema\":", "\"schema\":9");
    fs::write(run_folder.join("plan.jsonl"), newer).unwrap();
    trial(&["--index", "0"])
        .expect(78)
        .complains_of(&["use the bakeoff that wrote it"]);
}

#[test]
fn a_record_says_which_attempt_it_is_of() {
    let (folder, run_folder) = planned("attempts", THREE);
    let mut first = bakeoff(&folder);
    first
        .arg("trial")
        .arg(&run_folder)
        .args(["--index", "0"])
        .env("SLURM_JOB_ID", "17")
        .env("SLURM_ARRAY_TASK_ID", "4");
    finish(&mut first).expect(0);
    let attempt = record(&run_folder, "logistic")["attempt"].clone();
    assert_eq!(attempt["scheduler"]["SLURM_JOB_ID"], "17");
    assert_eq!(attempt["scheduler"]["SLURM_ARRAY_TASK_ID"], "4");
    assert!(attempt["process"].as_u64().unwrap() > 1);
    // Another attempt is another one, and its probabilities are the same.
    let probabilities = fs::read(sidecar(&run_folder, "logistic")).unwrap();
    fs::remove_file(record_path(&run_folder, "logistic")).unwrap();
    on(&folder, "trial", &run_folder, &["--index", "0"]).expect(0);
    let other = &record(&run_folder, "logistic")["attempt"];
    assert_ne!(other["id"], attempt["id"]);
    assert!(fs::read(sidecar(&run_folder, "logistic")).unwrap() == probabilities);
}

#[test]
fn a_bundle_goes_on_after_a_failure_and_status_says_what_is_left() {
    let (folder, run_folder) = planned("bundle", THREE);
    let status = |rest: &[&str]| on(&folder, "status", &run_folder, rest);
    let indices = |rest: &[&str]| status(rest).stdout.trim().to_owned();
    assert_eq!(indices(&["--indices"]), "0-2");
    status(&[]).expect(75);
    on(&folder, "trial", &run_folder, &["--indices", "1,2"]).expect(1);
    assert_eq!(record(&run_folder, "knn")["status"], "ok");
    assert_eq!(indices(&["--indices"]), "0");
    assert_eq!(indices(&["--indices", "--failed"]), "1");
    assert_eq!(indices(&["--indices", "--failed", "--missing"]), "0-1");
    let missing = status(&["--missing", "--json"]).expect(75).json();
    assert_eq!(
        (&missing["done"], &missing["failed"], &missing["missing"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(missing["trials"].as_array().unwrap().len(), 1);
    assert_eq!(missing["trials"][0]["model"], "logistic");
    let text = status(&[]).expect(75).stdout;
    assert!(
        text.contains("1 of 3 trials are done, 1 failed, 1 missing"),
        "{text}"
    );
    assert!(
        text.contains("bakeoff trial") && text.contains("--indices"),
        "{text}"
    );

    // A report says what is missing, and how to get it.
    let report = on(&folder, "report", &run_folder, &[]).expect(0);
    assert!(
        report.stdout.contains("1 of 3 trials") && report.stdout.contains("bakeoff status"),
        "{}",
        report.said()
    );
    assert_eq!(
        row(&leaderboard(&run_folder), "logistic")["status"],
        "missing"
    );

    on(&folder, "trial", &run_folder, &["--indices", "0-2"]).expect(1);
    status(&[]).expect(1);
    let record = record_path(&run_folder, "knn");
    damage(&record);
    assert_eq!(indices(&["--indices"]), "2");
    let why = status(&["--missing"]).expect(75).stdout;
    assert!(why.contains(&record.display().to_string()), "{why}");
}

/// Programs with the names of Slurm's: jobs run at once, one after the other, and one array in
/// `lost` loses all of its jobs. What they were given is in `sbatch-N`.
fn false_slurm(folder: &Path, lost: usize) -> String {
    let programs = folder.join("slurm");
    fs::create_dir(&programs).unwrap();
    let sbatch = format!(
        "cd {here}\n\
         n=$(ls sbatch-* 2>/dev/null | wc -l)\n\
         {{ echo \"# called with $*\"; cat; }} > sbatch-$n\n\
         last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' sbatch-$n)\n\
         [ $n = {lost} ] || for task in $(seq 0 $last); do\n\
         SLURM_ARRAY_TASK_ID=$task SLURM_JOB_ID=$n sh sbatch-$n >> log 2>&1 || true\n\
         done\n\
         echo \"$n;cluster\"",
        here = programs.display()
    );
    let texts = [
        ("sbatch", sbatch.as_str()),
        ("squeue", "true"),
        ("scontrol", "echo 'MaxArraySize            = 2'"),
        (
            "scancel",
            &format!("echo \"$@\" > {}/cancelled", programs.display()),
        ),
    ];
    for (name, text) in texts {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\nset -e\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:{}", programs.display(), std::env::var("PATH").unwrap())
}

#[test]
fn what_is_missing_is_submitted_in_arrays_and_again_where_jobs_are_lost() {
    let (folder, run_folder) = planned("submit", &format!("seeds = [1, 2, 3]\n{THREE}"));
    let path = false_slurm(&folder, 1);
    let submit = |rest: &[&str]| {
        let mut command = bakeoff(&folder);
        command
            .arg("submit")
            .arg(&run_folder)
            .args(["--on", "slurm"]);
        finish(command.args(rest).env("PATH", &path))
    };
    let script =
        |number: usize| fs::read_to_string(folder.join(format!("slurm/sbatch-{number}"))).unwrap();
    on(&folder, "trial", &run_folder, &["--index", "8"]).expect(0);

    // Printed, nothing is submitted.
    let printed = submit(&["--print", "--bundle", "3", "--max-array-size", "9"]).expect(0);
    for words in [
        "#SBATCH --array=0-2\n",
        "#SBATCH --cpus-per-task=1\n",
        "set -- 0-2 3-5 6-7\n",
        "--indices \"$1\"\n",
    ] {
        assert!(printed.stdout.contains(words), "{}", printed.said());
    }
    assert!(!folder.join("slurm/sbatch-0").exists());

    // Eight trials in bundles of three are two arrays of at most two jobs.
    let output = submit(&[
        "--bundle",
        "3",
        "--max-running",
        "2",
        "--option",
        "--partition=main",
        "--follow",
        "--poll",
        "1",
    ])
    .expect(1);
    assert!(script(0).contains("set -- 0-2 3-5\n") && script(1).contains("set -- 6-7\n"));
    assert!(script(0).contains("#SBATCH --partition=main\n"));
    assert!(script(0).contains("#SBATCH --array=0-1%2\n"));
    assert!(script(1).starts_with("# called with --parsable --dependency=afterany:0\n"));
    // The second one was lost, and submitted again.
    assert!(script(2).contains("set -- 6-7\n"), "{}", output.said());
    assert!(!folder.join("slurm/sbatch-3").exists());
    assert!(
        output
            .stdout
            .contains("6 of 9 trials are done, 3 failed, 0 missing"),
        "{}",
        output.said()
    );
    let again = submit(&[]).expect(0);
    assert!(
        again.stdout.contains("Nothing is missing"),
        "{}",
        again.said()
    );
    submit(&["--cancel"]).expect(0);
    let cancelled = fs::read_to_string(folder.join("slurm/cancelled")).unwrap();
    assert!(cancelled.starts_with("--name=bakeoff-"), "{cancelled}");
    let records = fs::read_dir(run_folder.join("records")).unwrap();
    let jobs: Vec<Value> = records
        .flatten()
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|ending| ending == "json")
        })
        .map(|entry| read_json(&entry.path())["attempt"]["scheduler"]["SLURM_JOB_ID"].clone())
        .collect();
    assert_eq!(
        jobs.iter().filter(|job| **job == "2").count(),
        2,
        "{jobs:?}"
    );
}

#[test]
fn other_schedulers_are_written_down() {
    let (folder, run_folder) = planned("written-down", THREE);
    let print = |on: &str, rest: &[&str]| {
        let mut command = bakeoff(&folder);
        command.arg("submit").arg(&run_folder).args(["--on", on]);
        finish(command.args(rest))
    };
    let job = print(
        "kubernetes",
        &["--print", "--option", "image=bakeoff:1", "--bundle", "2"],
    );
    let job: Value = serde_json::from_str(&job.expect(0).stdout).unwrap();
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    assert_eq!(job["spec"]["completions"], 2);
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], "bakeoff:1");
    let command = pod["containers"][0]["command"][2].as_str().unwrap();
    assert!(
        command.starts_with("set -- 0-1 2\nshift \"$JOB_COMPLETION_INDEX\"\n"),
        "{command}"
    );
    print("kubernetes", &["--print", "--option", "color=red"])
        .expect(1)
        .complains_of(&["image=NAME"]);
    print("kubernetes", &[])
        .expect(1)
        .complains_of(&["--print"]);

    let snakefile = print("snakemake", &["--print"]).expect(0).stdout;
    for words in [
        "rule all:",
        "rule trials_0:",
        "bundle=[\"0\",\"1\",\"2\"]",
        "mem_mb=",
    ] {
        assert!(snakefile.contains(words), "{snakefile}");
    }
    print("pbs", &["--print"])
        .expect(2)
        .complains_of(&["slurm"]);
}
