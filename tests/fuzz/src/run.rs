//! The folder of a run: its description, plan, records, and the files beside them.
//!
//! Ids, hashes and seals are made to fit, as somebody would who makes up a run.

use std::{collections::BTreeMap, fs};

use bakeoff_bench::RunFolder;
use bakeoff_core::{
    record::{Outcome, PlannedTrial, Record, Run, RunInfo, Sidecar},
    to_hex,
};
use bakeoff_metrics::Metric;
use bakeoff_report::{DiffOptions, Options, export};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::files;

/// Stands in the place of a seal while it is computed (`bench/src/files.rs`).
const NO_SEAL: &str = "0000000000000000000000000000000000000000000000000000000000000000";

type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn run(input: &[u8]) -> Result<(), String> {
    read(input).map(|_| ())
}

pub(crate) fn report(input: &[u8]) -> Result<(), String> {
    let run = read(input)?;
    let options = Options::default();
    bakeoff_report::render(&run, &options).map_err(|problem| problem.to_string())?;
    export::export(&run, &export::Format::ALL).map_err(|problem| problem.to_string())?;
    let compared = bakeoff_report::diff(&run, &run, &DiffOptions::default());
    compared.map_err(|problem| problem.to_string())?;
    // A run of one dataset has nothing to rank over.
    let _ = bakeoff_report::rank(&[&run], Metric::Accuracy, 0.0);
    Ok(())
}

/// Writes and reads a run, once line by line as `trial` does and once as a whole.
fn read(input: &[u8]) -> Result<Run, String> {
    let mut parts: Files = files::split(input)
        .into_iter()
        .map(|(name, content)| (name, content.to_vec()))
        .collect();
    made_to_fit(&mut parts);
    let folder = files::emptied("run");
    let borrowed: Vec<(String, &[u8])> = parts
        .iter()
        .map(|(name, content)| (name.clone(), content.as_slice()))
        .collect();
    files::write(&folder, &borrowed);
    fs::create_dir_all(folder.join("records")).map_err(|error| error.to_string())?;
    let problem = |problem: bakeoff_bench::BenchError| problem.to_string();
    let run = RunFolder::open(&folder).map_err(problem)?;
    let _ = run.trials_at(&[0, 1].into());
    run.read().map_err(problem)
}

/// Gives trials their ids, the run its hash, parts of the data their fingerprints, and records the
/// checksums of what lies beside them and their seals.
fn made_to_fit(parts: &mut Files) {
    let text = |parts: &Files, name: &str| {
        let content = parts.get(name)?;
        String::from_utf8(content.clone()).ok()
    };
    let Some(plan) = text(parts, "plan.jsonl") else {
        return;
    };
    let mut ids = BTreeMap::new();
    let mut lines = String::new();
    let mut hasher = Sha256::new();
    for line in plan.lines() {
        let Ok(mut planned) = serde_json::from_str::<PlannedTrial>(line) else {
            lines += &format!("{line}\n");
            continue;
        };
        let id = planned.trial.id();
        ids.insert(
            std::mem::replace(&mut planned.id, id.clone()),
            planned.trial.clone(),
        );
        hasher.update(&id);
        lines += &serde_json::to_string(&planned).unwrap_or_default();
        lines += "\n";
    }
    parts.insert("plan.jsonl".into(), lines.into_bytes());
    let hash = to_hex(&hasher.finalize()[..4]);
    let info = text(parts, "run.json").and_then(|text| serde_json::from_str(&text).ok());
    if let Some(mut info) = info {
        let info: &mut RunInfo = &mut info;
        info.name = format!("run-{hash}");
        if let Ok(text) = serde_json::to_vec_pretty(info) {
            parts.insert("run.json".into(), text);
        }
    }
    let records: Vec<String> = parts
        .keys()
        .filter(|name| name.starts_with("records/") && name.ends_with(".json"))
        .cloned()
        .collect();
    for name in records {
        let old = name
            .trim_start_matches("records/")
            .trim_end_matches(".json");
        let Some(trial) = ids.get(old) else {
            continue;
        };
        let id = trial.id();
        let Some(content) = parts.remove(&name) else {
            continue;
        };
        let sealed = match serde_json::from_slice::<Value>(&content) {
            Ok(record) => sealed(record, &id, parts).unwrap_or(content),
            Err(_) => content,
        };
        parts.insert(format!("records/{id}.json"), sealed);
    }
}

/// A record of a trial with the checksums of the files beside it and its seal.
fn sealed(record: Value, id: &str, parts: &Files) -> Option<Vec<u8>> {
    let mut record: Record = serde_json::from_value(record).ok()?;
    record.id = id.into();
    if let Outcome::Ok(measured) = &mut record.outcome {
        let fit = |sidecar: &mut Sidecar| {
            if let Some(content) = parts.get(&format!("records/{}", sidecar.file)) {
                sidecar.sha256 = to_hex(&Sha256::digest(content));
            }
        };
        fit(&mut measured.probabilities);
        measured.corrupted.as_mut().map(fit);
        if let Some(calibration) = &mut measured.calibration {
            fit(&mut calibration.uncalibrated);
        }
    }
    record.seal = Some(NO_SEAL.into());
    let text = |record: &Record| {
        let mut text = serde_json::to_vec_pretty(record).ok()?;
        text.push(b'\n');
        Some(text)
    };
    record.seal = Some(to_hex(&Sha256::digest(text(&record)?)));
    text(&record)
}
