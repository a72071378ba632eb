//! What a run has to say, as an experiment of MLflow.

use std::collections::BTreeMap;

use bakeoff_core::{
    cell_of_text, class_lines, id_rows,
    record::{DataInfo, External, PlannedTrial, Record, Run, Stage},
};
use bakeoff_measures::{TrialResult, Values};
use bakeoff_metrics::{Evaluation, OneVsRest};
use serde_json::{Value, json};

use super::{
    file_store::{
        Dataset, Experiment, MLFLOW_RUN_TAG, Status, StoredRun, id_of, name_of, number_of,
    },
    scores::Metrics,
};
use crate::{
    analysis::{Analysis, EXTERNAL_MARK, Group, Trial},
    export::{
        file::{ExportError, ExportedFile},
        gather, table,
    },
    rendered::Rendered,
    results::{Fate, Results, data, read},
};

/// The experiment of a run.
pub(super) fn experiment(run: &Run, rendered: &Rendered) -> Result<Experiment, ExportError> {
    let analysis = Analysis::new(run);
    let info = &run.info;
    let created = milliseconds(&info.planned_at)?;
    let mut runs = vec![report(&analysis, rendered, created)?];
    for planned in &run.plan {
        runs.push(trial(&analysis, planned, created)?);
    }
    let about = format!(
        "`{}`, bakeoff {}\n\n{}",
        info.command,
        info.version,
        table::markdown(&analysis)
    );
    let tags = [
        (MLFLOW_RUN_TAG, info.name.clone()),
        ("bakeoff.experiment", info.experiment.clone()),
        ("bakeoff.version", info.version.clone()),
        // The page of MLflow shows it as the description.
        ("mlflow.note.content", about),
        // MLflow shows pages for training, and need not guess from the runs.
        ("mlflow.experimentKind", "custom_model_development".into()),
    ];
    Ok(Experiment {
        id: number_of(&[&info.name, &info.planned_at]),
        name: info.name.clone(),
        created,
        tags: owned(tags),
        runs,
    })
}

fn owned<const N: usize>(tags: [(&str, String); N]) -> BTreeMap<String, String> {
    tags.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Milliseconds since 1970 of a time of a record.
fn milliseconds(time: &str) -> Result<i64, ExportError> {
    let parsed = time.parse::<jiff::Timestamp>();
    parsed
        .map(jiff::Timestamp::as_millisecond)
        .map_err(|error| ExportError::Time {
            time: time.to_owned(),
            reason: error.to_string(),
        })
}

/// Tags of every run.
fn tags(run: &Run, kind: &str) -> BTreeMap<String, String> {
    owned([
        (MLFLOW_RUN_TAG, run.info.name.clone()),
        ("bakeoff.kind", kind.to_owned()),
        ("bakeoff.version", run.info.version.clone()),
        ("mlflow.source.name", "bakeoff".to_owned()),
        ("mlflow.source.type", "LOCAL".to_owned()),
        ("mlflow.user", "bakeoff".to_owned()),
    ])
}

/// The run that has what is of all trials: report, charts, leaderboard, the experiment file.
fn report(
    analysis: &Analysis<'_>,
    rendered: &Rendered,
    created: i64,
) -> Result<StoredRun, ExportError> {
    let info = &analysis.run.info;
    let file = |path: &str, text: &str| ExportedFile::new(path, text.as_bytes().to_vec());
    let mut artifacts = vec![
        file("report.html", &rendered.html),
        file("leaderboard.csv", &rendered.leaderboard_csv),
        file("leaderboard.json", &rendered.leaderboard_json),
        file("leaderboard.md", &table::markdown(analysis)),
        file("experiment.toml", &info.experiment_toml),
        json_file("metrics.json", &gather::metrics(analysis))?,
    ];
    for (stem, svg) in &rendered.charts {
        artifacts.push(file(&format!("charts/{stem}.svg"), svg));
    }
    let name = "report";
    let mut tags = tags(analysis.run, "report");
    tags.insert("mlflow.runName".into(), name.into());
    let mut end = created;
    for record in analysis.run.records.values() {
        end = end.max(milliseconds(&record.host.finished_at)?);
    }
    Ok(StoredRun {
        id: id_of(&[&info.name, &info.planned_at, "report"]),
        name: name.into(),
        status: Status::Finished,
        start: created,
        end: Some(end),
        params: BTreeMap::new(),
        metrics: BTreeMap::new(),
        tags,
        artifacts,
        dataset: None,
    })
}

/// The run of a trial.
fn trial(
    analysis: &Analysis<'_>,
    planned: &PlannedTrial,
    created: i64,
) -> Result<StoredRun, ExportError> {
    let run = analysis.run;
    let trial = &planned.trial;
    let record = run.records.get(&planned.id);
    let group = analysis.groups.iter().find(|g| g.name == trial.data.name);
    let fate = read(run, planned);
    let measured = fate.ok().map(|results| results.measured);
    let external = measured.and_then(|measured| measured.external.as_ref());
    let end = record
        .map(|record| milliseconds(&record.host.finished_at))
        .transpose()?;
    let started = record.and_then(|record| record.attempt.as_ref());
    let start = match started {
        Some(attempt) => milliseconds(&attempt.started_at)?,
        None => end.unwrap_or(created),
    };
    let name = run_name(run, planned, external.is_some());
    let mut tags = tags(run, "trial");
    tags.insert("mlflow.runName".into(), name.clone());
    tags.extend(trial_tags(planned, record, external));
    if let Some(tied) = group.and_then(|group| tied_with_best(group, planned)) {
        tags.insert("bakeoff.tied_with_best".into(), tied.to_string());
    }
    let mut metrics = Metrics::default();
    let mut artifacts = Vec::new();
    if let Some(record) = record {
        artifacts.push(json_file("record.json", record)?);
    }
    let status = match &fate {
        Fate::Ok(results) => {
            add_metrics(&mut metrics, group, planned, results);
            artifacts.extend(predictions(run, planned, results)?);
            if let Some((group, trial)) = group.and_then(|group| headline(group, planned)) {
                artifacts.push(json_file(
                    "metrics.json",
                    &gather::trial_metrics(group, trial),
                )?);
            }
            Status::Finished
        }
        Fate::Failed { stage, reason } => {
            let stage = stage.map_or("unknown", Stage::name);
            tags.insert("bakeoff.failed_stage".into(), stage.into());
            tags.insert("bakeoff.failed_reason".into(), reason.clone());
            tags.insert("mlflow.note.content".into(), format!("Failed: {reason}"));
            Status::Failed
        }
        Fate::Missing => Status::Scheduled,
    };
    let data = data(run, &trial.data.name);
    Ok(StoredRun {
        id: id_of(&[&run.info.name, &run.info.planned_at, &planned.id]),
        name,
        status,
        start,
        end,
        params: params(planned, fate.ok()),
        metrics: metrics.0,
        tags,
        artifacts,
        dataset: data.map(|data| dataset(planned, data)),
    })
}

/// The name of a trial's run: its model, and what tells it from others of that model.
fn run_name(run: &Run, planned: &PlannedTrial, is_external: bool) -> String {
    let trial = &planned.trial;
    let mut name = trial.model.clone();
    if is_external {
        name += &format!(" {EXTERNAL_MARK}");
    }
    name += &format!(", seed {}", trial.seed);
    if let Some(variant) = trial.variant() {
        name += &format!(", {variant}");
    }
    if run.info.datasets.len() > 1 {
        name += &format!(", {}", trial.data.name);
    }
    name
}

fn trial_tags(
    planned: &PlannedTrial,
    record: Option<&Record>,
    external: Option<&External>,
) -> BTreeMap<String, String> {
    let mut tags = owned([
        ("bakeoff.trial", planned.id.clone()),
        (
            "bakeoff.purpose",
            gather::purpose_name(planned.trial.purpose()).into(),
        ),
        ("bakeoff.external", external.is_some().to_string()),
    ]);
    let mut tag = |name: &str, value: String| {
        if !value.is_empty() {
            tags.insert(format!("bakeoff.{name}"), value);
        }
    };
    if let Some(record) = record {
        tag("cpu", record.host.cpu.clone());
        tag("os", record.host.os.clone());
    }
    if let Some(external) = external {
        tag("external_file", external.file.clone());
        tag("external_sha256", external.sha256.clone());
        tag("external_notes", external.notes.clone().unwrap_or_default());
        tag("external_warnings", external.warnings.join("\n"));
    }
    tags
}

/// Whether the model of a headline trial is the best one, or not significantly different from it.
fn tied_with_best(group: &Group<'_>, planned: &PlannedTrial) -> Option<bool> {
    let is_own = |trial: &Trial<'_>| trial.planned.id == planned.id;
    let mut entries = group.entries.iter();
    let entry = entries.position(|entry| entry.trials.iter().any(is_own))?;
    Some(group.significance.of_entry(entry)?.tied_with_best)
}

/// A headline trial as it was analysed.
fn headline<'g, 'a>(
    group: &'g Group<'a>,
    planned: &PlannedTrial,
) -> Option<(&'g Group<'a>, &'g Trial<'a>)> {
    let mut trials = group.entries.iter().flat_map(|entry| &entry.trials);
    let trial = trials.find(|trial| trial.planned.id == planned.id)?;
    Some((group, trial))
}

fn add_metrics(
    metrics: &mut Metrics,
    group: Option<&Group<'_>>,
    planned: &PlannedTrial,
    results: &Results<'_>,
) {
    let measured = results.measured;
    let is_external = measured.external.is_some();
    let analysed = group.and_then(|group| headline(group, planned)?.1.success());
    match analysed {
        Some(success) => metrics.add_values(&success.values, is_external),
        // What models are not ranked by is analysed in part only.
        None => {
            let predictions = &results.predictions;
            let evaluation = Evaluation::of(predictions, &OneVsRest::new(predictions));
            let values = Values::of(&TrialResult {
                predictions,
                evaluation: &evaluation,
                measured,
            });
            metrics.add_values(&values, is_external);
        }
    }
    if let Some(group) = group {
        let intervals = group.significance.of_trial(&planned.id).iter();
        let known = intervals.filter_map(|(metric, interval)| {
            let interval = interval.as_ref().ok()?;
            Some((*metric, interval))
        });
        metrics.add_intervals(known);
    }
    if !is_external {
        metrics.add_ranges(measured, results.host.threads);
    }
    metrics.add_curves(measured);
}

/// What was set before the fit. A setting of the family has `settings.` before its name.
fn params(planned: &PlannedTrial, results: Option<&Results<'_>>) -> BTreeMap<String, String> {
    let trial = &planned.trial;
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut params = owned([
        ("model", trial.model.clone()),
        ("family", trial.spec.family.clone()),
        ("engine", trial.spec.engine.clone()),
        ("seed", trial.seed.to_string()),
        ("dataset", trial.data.name.clone()),
        ("reported_on", trial.split.to_string()),
        ("purpose", gather::purpose_name(trial.purpose()).into()),
    ]);
    let mut set = |name: &str, value: Option<String>| {
        params.extend(value.map(|value| (name.to_owned(), value)));
    };
    let number = |value: usize| value.to_string();
    set(
        "train_fraction",
        trial.data.train_fraction.map(|share| share.to_string()),
    );
    set("limit_train", trial.data.limit_train.map(number));
    set("limit_test", trial.data.limit_test.map(number));
    set(
        "calibration",
        trial.calibration.map(|it| it.name().to_owned()),
    );
    if let Some(results) = results {
        let samples = results.measured.samples;
        set("test_samples", Some(number(samples.test)));
        if results.measured.external.is_none() {
            set("train_samples", Some(number(samples.train)));
            set("validation_samples", Some(number(samples.validation)));
            set("threads", Some(number(results.host.threads)));
        }
    }
    for (name, value) in &trial.spec.settings {
        let base = format!("settings.{}", name_of(name));
        let mut unique = base.clone();
        let mut number = 2;
        while params.contains_key(&unique) {
            unique = format!("{base}_{number}");
            number += 1;
        }
        params.insert(unique, text(value));
    }
    params
}

fn dataset(planned: &PlannedTrial, data: &DataInfo) -> Dataset {
    let fingerprint = &planned.trial.data.fingerprint;
    Dataset {
        name: data.name.clone(),
        digest: fingerprint.chars().take(16).collect(),
        source: data.source.clone(),
        profile: json!({
            "classes": data.class_names.len(),
            "train_samples": data.train_counts.iter().sum::<usize>(),
            "test_samples": data.test_counts.iter().sum::<usize>(),
        }),
    }
}

/// What a trial answered, row by row, and which sample each row is of.
fn predictions(
    run: &Run,
    planned: &PlannedTrial,
    results: &Results<'_>,
) -> Result<Vec<ExportedFile>, ExportError> {
    let answers = &results.predictions;
    let (p, labels) = (answers.probabilities(), answers.labels());
    let mut files = vec![
        match answers.are_labels_alone() {
            true => ExportedFile::new(
                "predictions/predicted.npy",
                bakeoff_npy::write(&[p.len()], answers.predicted()),
            ),
            false => ExportedFile::new(
                "predictions/probabilities.npy",
                bakeoff_npy::write(&[p.len(), p.classes()], p.values()),
            ),
        },
        ExportedFile::new(
            "predictions/labels.npy",
            bakeoff_npy::write(&[labels.len()], labels),
        ),
    ];
    let dataset = &planned.trial.data.name;
    if let Some(found) = data(run, dataset) {
        files.push(ExportedFile::new(
            "predictions/classes.txt",
            class_lines(&found.class_names).into_bytes(),
        ));
    }
    let part = &results.measured.test_fingerprint;
    let mut writer = csv::Writer::from_writer(Vec::new());
    match run.cuts.get(part) {
        // Folds and holdouts are of the training part.
        Some(cut) => {
            writer.write_record(["position", "file"])?;
            for (row, position) in cut.indices.iter().enumerate() {
                let file = cut.files.as_ref().and_then(|files| files.get(row));
                let file = cell_of_text(file.map_or("", String::as_str));
                writer.write_record([&position.to_string(), &*file])?;
            }
        }
        None => {
            let files = run.tests.get(part).and_then(|test| test.files());
            for row in id_rows(dataset, p.len(), files) {
                writer.write_record(&row)?;
            }
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    files.push(ExportedFile::new("predictions/ids.csv", bytes));
    Ok(files)
}

fn json_file(path: &str, value: &impl serde::Serialize) -> Result<ExportedFile, ExportError> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(ExportedFile::new(path, bytes))
}
