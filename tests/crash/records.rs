//! `run` and `trial`: records, the files beside them, and saved models.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::{
    killing::{Victim, Whom, wait_up_to},
    scene::{Scene, Tally, entries, is_temporary, json, runs, said, sha256, temporaries},
};

/// So many kills at most before a run is brought to its end.
const KILLS_OF_A_RUN: usize = 12;

/// Kills `run` and continues with `--resume`, until it is done.
pub(crate) fn run(scene: &Scene, kills: u64, random: &mut ChaCha8Rng) -> Tally {
    let mut tally = Tally::default();
    let expected = results(&scene.undisturbed);
    while tally.kills < kills {
        let folder = scene.folder();
        let mut seen = Seen::default();
        for _ in 0..KILLS_OF_A_RUN.min((kills - tally.kills) as usize) {
            let mut victim =
                Victim::start(&mut scene.command(&folder, &["run", "e.toml", "--resume"]));
            wait_up_to(scene.run_time.mul_f64(0.8), random);
            let whom = if random.random_bool(0.3) {
                Whom::Parent
            } else {
                Whom::All
            };
            let was_at_work = victim.kill(whom, &mut tally);
            // Half of the time the next one starts while an orphan is still at work.
            if random.random_bool(0.5) {
                victim.wait_for_all();
                seen.check(&folder, &mut tally);
            }
            if !was_at_work {
                break;
            }
        }
        let arguments = ["run", "e.toml", "--resume"];
        finished(scene, &folder, &[&arguments], &expected, seen, &mut tally);
    }
    tally
}

/// Kills `trial` on random trials of a plan, then runs each.
pub(crate) fn trial(scene: &Scene, kills: u64, random: &mut ChaCha8Rng) -> Tally {
    let mut tally = Tally::default();
    let expected = results(&scene.undisturbed);
    let trials = expected.len();
    while tally.kills < kills {
        let folder = scene.folder();
        let planned = scene.finish(&folder, &["plan", "e.toml"]);
        assert!(planned.status.success(), "{}", said(&planned));
        let run = runs(&folder).remove(0);
        let run = run.to_str().unwrap();
        let mut seen = Seen::default();
        for _ in 0..KILLS_OF_A_RUN.min((kills - tally.kills) as usize) {
            let index = random.random_range(0..trials).to_string();
            let arguments = ["trial", run, "--index", &index];
            let mut victim = Victim::start(&mut scene.command(&folder, &arguments));
            wait_up_to(scene.run_time.div_f64(trials as f64), random);
            let whom = if random.random_bool(0.3) {
                Whom::Parent
            } else {
                Whom::All
            };
            victim.kill(whom, &mut tally);
            if random.random_bool(0.5) {
                victim.wait_for_all();
                seen.check(&folder, &mut tally);
            }
        }
        let all = format!("0-{}", trials - 1);
        let (each, report) = (["trial", run, "--indices", &all], ["report", run]);
        finished(
            scene,
            &folder,
            &[&each, &report],
            &expected,
            seen,
            &mut tally,
        );
    }
    tally
}

/// Brings a run to its end and compares it with the undisturbed one.
fn finished(
    scene: &Scene,
    folder: &Path,
    commands: &[&[&str]],
    expected: &BTreeMap<String, Value>,
    mut seen: Seen,
    tally: &mut Tally,
) {
    let faults = tally.faults.len();
    for command in commands {
        let mut output = scene.finish(folder, command);
        // An orphan may have it still.
        while said(&output).contains("is in use") {
            output = scene.finish(folder, command);
        }
        tally.check(output.status.success(), || {
            format!("{command:?} afterwards: {}", said(&output))
        });
    }
    seen.check(folder, tally);
    let found = results(folder);
    tally.check(found == *expected, || {
        format!(
            "{}: {found:#?}, undisturbed {expected:#?}",
            folder.display()
        )
    });
    let runs = runs(folder);
    tally.check(runs.len() == 1, || format!("more than one run: {runs:?}"));
    for run in &runs {
        let report = run.join("report.html");
        tally.check(report.is_file(), || format!("no {}", report.display()));
        let left = temporaries(run);
        if !left.is_empty() {
            scene.finish(folder, &["run", "e.toml", "--resume"]);
            let still = temporaries(run);
            tally.check(still.is_empty(), || format!("not removed: {still:?}"));
        }
        tally.leftovers.extend(left);
    }
    tally.leftovers.extend(temporaries(&folder.join("models")));
    if tally.faults.len() == faults {
        fs::remove_dir_all(folder).unwrap();
    }
}

/// What was seen once and must stay.
#[derive(Default)]
struct Seen(BTreeMap<PathBuf, Vec<u8>>);

impl Seen {
    /// Checks everything that is there now.
    fn check(&mut self, folder: &Path, tally: &mut Tally) {
        for run in runs(folder) {
            let mut there = vec![run.join("run.json"), run.join("plan.jsonl")];
            let records = entries(&run.join("records"));
            there.extend(records.into_iter().filter(|path| !is_temporary(path)));
            for path in there {
                let name = path.display().to_string();
                tally.check(!name.ends_with(".damaged"), || {
                    format!("{name} was put aside")
                });
                // What nobody has named yet may still be replaced by the same.
                if name.ends_with(".json") || name.ends_with(".jsonl") {
                    let now = fs::read(&path).unwrap();
                    if name.contains("/records/") {
                        let problem = intact(&path, &now).err();
                        tally.check(problem.is_none(), || format!("{name}: {problem:?}"));
                    }
                    self.0.entry(path).or_insert(now);
                }
            }
        }
        for (path, before) in &self.0 {
            let now = fs::read(path).unwrap_or_default();
            tally.check(now == *before, || {
                format!("{} was lost or changed", path.display())
            });
        }
    }
}

/// Whether a record is whole: its seal, and the checksums of the files that it names.
fn intact(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let record: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let seal = record["seal"].as_str().ok_or("it has no seal")?;
    if sha256(text.replacen(seal, &"0".repeat(64), 1).as_bytes()) != seal {
        return Err("its seal does not match".into());
    }
    let file = record["probabilities"]["file"]
        .as_str()
        .ok_or("it names no probabilities")?;
    let beside = fs::read(path.with_file_name(file)).map_err(|error| format!("{file}: {error}"))?;
    match record["probabilities"]["sha256"] == sha256(&beside) {
        true => Ok(()),
        false => Err(format!("{file} is torn")),
    }
}

/// What must be the same in every run of the experiment, by trial: what was trained, its scores, the
/// checksum of its probabilities and that of the saved model.
fn results(folder: &Path) -> BTreeMap<String, Value> {
    let mut results = BTreeMap::new();
    for run in runs(folder) {
        let plan = fs::read_to_string(run.join("plan.jsonl")).unwrap();
        for line in plan.lines() {
            let planned: Value = serde_json::from_str(line).unwrap();
            let id = planned["id"].as_str().unwrap();
            let record = json(&run.join(format!("records/{id}.json"))).unwrap_or_default();
            let save_as = &planned["save_as"];
            let model = ["dataset", "model"].map(|key| save_as[key].as_str().unwrap_or_default());
            let manifest = folder
                .join("models")
                .join(model.join("/"))
                .join("manifest.json");
            let weights = json(&manifest).map(|manifest| manifest["weights"].clone());
            let mut result = Value::Null;
            for key in [
                "status",
                "samples",
                "fit",
                "epochs",
                "scores",
                "probabilities",
                "test_fingerprint",
            ] {
                result[key] = record[key].clone();
            }
            result["weights"] = match save_as.is_null() {
                true => Value::Null,
                false => weights.unwrap_or_else(Value::from),
            };
            results.insert(id.to_owned(), result);
        }
    }
    results
}
