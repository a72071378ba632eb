//! `index.html`: every run of a folder with its winner, and any two side by side.
//!
//! It is derived from `run.json` and `leaderboard.json` alone, so that it takes a blink
//! however many runs there are. The comparison is made in the page, from the numbers in
//! it: which two are wanted is not known before. Runs that were not reported on the same
//! test pictures are not compared, and the page says so.

use askama::Template;
use bakeoff_core::record::RunInfo;
use serde::{Deserialize, Serialize};

use crate::{ReportError, format, page};

const SCRIPT: &str = concat!(
    include_str!("../assets/script/page.js"),
    include_str!("../assets/script/tables.js"),
    include_str!("../assets/script/theme.js"),
    include_str!("../assets/script/index.js"),
);

/// What every index has in its head, by which it can be told from other files of its name.
pub const INDEX_MARK: &str = "<meta name=\"generator\" content=\"bakeoff index\">";

/// A run to be listed.
#[derive(Clone, Debug)]
pub struct IndexedRun {
    /// Its folder, beside the index.
    pub folder: String,
    /// What it is about, with its `leaderboard.json` where it has been reported; or why
    /// that cannot be read.
    pub found: Result<(RunInfo, Option<String>), String>,
}

/// The part of a leaderboard's row that the index shows. Older rows may lack any of it.
#[derive(Debug, Deserialize)]
struct Row {
    model: String,
    dataset: String,
    status: String,
    accuracy: Option<f64>,
    macro_f1: Option<f64>,
    macro_auc: Option<f64>,
    log_loss: Option<f64>,
    fit_seconds: Option<f64>,
    latency_p50_us: Option<f64>,
    model_bytes: Option<f64>,
    test_samples: Option<usize>,
}

/// A run as the template shows it.
struct Listed {
    folder: String,
    href: String,
    experiment: String,
    planned_at: String,
    /// The same for people.
    day: String,
    time: String,
    /// Position in the data of the comparison; `None` where there is nothing to compare.
    number: Option<usize>,
    data: Vec<String>,
    winners: Vec<Winner>,
    remark: String,
}

/// The best model on a dataset.
struct Winner {
    model: String,
    accuracy: String,
    dataset: Option<String>,
    others: usize,
}

/// A run as the comparison's script reads it.
#[derive(Serialize)]
struct Compared {
    folder: String,
    experiment: String,
    planned_at: String,
    datasets: Vec<Dataset>,
}

#[derive(Serialize)]
struct Dataset {
    name: String,
    /// Of the test part: only equal ones are compared.
    test: String,
    samples: usize,
    models: Vec<Model>,
}

/// A model's means over its seeds.
#[derive(Serialize)]
struct Model {
    name: String,
    fits: usize,
    accuracy: Option<f64>,
    macro_f1: Option<f64>,
    macro_auc: Option<f64>,
    log_loss: Option<f64>,
    fit_seconds: Option<f64>,
    latency_us: Option<f64>,
    bytes: Option<f64>,
}

#[derive(Template)]
#[template(path = "index.html")]
struct Page<'a> {
    mark: &'a str,
    policy: String,
    style: &'a str,
    script: &'a str,
    runs: Vec<Listed>,
    count: String,
    compared: String,
}

/// Lists runs, the newest first. The same runs give the same bytes.
///
/// # Errors
/// When the page cannot be laid out.
pub fn index(runs: &[IndexedRun]) -> Result<String, ReportError> {
    let mut runs: Vec<&IndexedRun> = runs.iter().collect();
    let planned = |run: &IndexedRun| {
        let info = run.found.as_ref().ok();
        info.map(|(info, _)| info.planned_at.clone())
            .unwrap_or_default()
    };
    runs.sort_by(|a, b| planned(b).cmp(&planned(a)).then(a.folder.cmp(&b.folder)));
    let mut compared = Vec::new();
    let listed = runs
        .into_iter()
        .map(|run| listed(run, &mut compared))
        .collect::<Vec<_>>();
    let style = page::style();
    let page = Page {
        mark: INDEX_MARK,
        policy: page::policy(&style, SCRIPT),
        style: &style,
        script: SCRIPT,
        count: format::counted(listed.len() as u64, "run", "runs"),
        compared: page::data_text(&compared)?,
        runs: listed,
    };
    Ok(page.render()?)
}

fn listed(run: &IndexedRun, compared: &mut Vec<Compared>) -> Listed {
    let mut listed = Listed {
        folder: run.folder.clone(),
        href: format!("{}/report.html", percent_encoded(&run.folder)),
        experiment: format::NOTHING.to_owned(),
        planned_at: String::new(),
        day: String::new(),
        time: String::new(),
        number: None,
        data: Vec::new(),
        winners: Vec::new(),
        remark: String::new(),
    };
    let (info, leaderboard) = match &run.found {
        Ok(found) => found,
        Err(reason) => {
            listed.href.clear();
            listed.remark = format!("cannot be read: {reason}");
            return listed;
        }
    };
    listed.experiment.clone_from(&info.experiment);
    listed.planned_at.clone_from(&info.planned_at);
    let (day, time) = info
        .planned_at
        .split_once('T')
        .unwrap_or((&info.planned_at, ""));
    listed.day = day.to_owned();
    listed.time = match time.strip_suffix('Z') {
        Some(time) => format!("{} UTC", time.get(..5).unwrap_or(time)),
        None => time.to_owned(),
    };
    listed.data = info.datasets.iter().map(|data| data.name.clone()).collect();
    let rows: Result<Vec<Row>, &str> = match leaderboard {
        Some(text) => serde_json::from_str(text).map_err(|_| "its leaderboard cannot be read"),
        None => Err("not reported yet"),
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(reason) => {
            listed.href.clear();
            listed.remark = format!("{reason}: `bakeoff report {}`", shlex_like(&run.folder));
            return listed;
        }
    };
    let datasets: Vec<Dataset> = info
        .datasets
        .iter()
        .map(|data| dataset(&data.name, &data.test_fingerprint, &rows))
        .collect();
    let several = datasets.len() > 1;
    listed.winners = datasets
        .iter()
        .filter_map(|data| winner(data, several))
        .collect();
    let without = rows.iter().filter(|row| row.status != "ok").count();
    if without > 0 {
        listed.remark = format!("{without} of {} trials without results", rows.len());
    }
    if !listed.winners.is_empty() {
        listed.number = Some(compared.len());
        compared.push(Compared {
            folder: run.folder.clone(),
            experiment: info.experiment.clone(),
            planned_at: info.planned_at.clone(),
            datasets,
        });
    }
    listed
}

/// The models of a dataset, in the order of the leaderboard: the best first.
fn dataset(name: &str, test: &str, rows: &[Row]) -> Dataset {
    let rows: Vec<&Row> = rows
        .iter()
        .filter(|row| row.dataset == name && row.status == "ok")
        .collect();
    let mut models: Vec<Model> = Vec::new();
    for row in &rows {
        if models.iter().any(|model| model.name == row.model) {
            continue;
        }
        let fits: Vec<&&Row> = rows.iter().filter(|r| r.model == row.model).collect();
        let mean = |value: fn(&Row) -> Option<f64>| {
            let values: Option<Vec<f64>> = fits.iter().map(|row| value(row)).collect();
            values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
        };
        models.push(Model {
            name: row.model.clone(),
            fits: fits.len(),
            accuracy: mean(|row| row.accuracy),
            macro_f1: mean(|row| row.macro_f1),
            macro_auc: mean(|row| row.macro_auc),
            log_loss: mean(|row| row.log_loss),
            fit_seconds: mean(|row| row.fit_seconds),
            latency_us: mean(|row| row.latency_p50_us),
            bytes: mean(|row| row.model_bytes),
        });
    }
    let key = |model: &Model| model.accuracy.unwrap_or(f64::NEG_INFINITY);
    models.sort_by(|a, b| key(b).total_cmp(&key(a)));
    Dataset {
        name: name.to_owned(),
        test: test.to_owned(),
        samples: rows.iter().find_map(|row| row.test_samples).unwrap_or(0),
        models,
    }
}

fn winner(data: &Dataset, several: bool) -> Option<Winner> {
    let best = data.models.first()?;
    Some(Winner {
        model: best.name.clone(),
        accuracy: format::percent(best.accuracy?, data.samples),
        dataset: several.then(|| data.name.clone()),
        others: data.models.len() - 1,
    })
}

/// A folder's name inside a link.
fn percent_encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// A folder's name as a shell takes it.
fn shlex_like(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}
