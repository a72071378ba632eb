//! `index.html`: every run of a folder with its best model, and any two side by side.
//!
//! It is derived from `run.json` and `leaderboard.json` alone, so that it is fast however
//! many runs there are. The page makes the comparison from the numbers in it, because the
//! reader chooses the two runs. Runs that were not reported on the same test images are
//! not compared, and the page says so.

use askama::Template;
use bakeoff_core::{percent_encoded, quoted, record::RunInfo};
use bakeoff_measures::{ACCURACY, Measure, Shown, TEST_SAMPLES, Unit, Values, format};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ReportError, analysis::descending, leaderboard::RANGES, page, results::Status};

const SCRIPT: &str = concat!(
    include_str!("../assets/script/page.js"),
    include_str!("../assets/script/tables.js"),
    include_str!("../assets/script/theme.js"),
    include_str!("../assets/script/index.js"),
);

/// Stands in the head of every index, to recognise it among other files of its name.
pub const INDEX_MARK: &str = "<meta name=\"generator\" content=\"bakeoff index\">";

/// A run of the index.
#[derive(Clone, Debug)]
pub struct IndexedRun {
    /// Its folder, beside the index.
    pub folder: String,
    /// Its `run.json`, with its `leaderboard.json` where it has been reported; or why they
    /// cannot be read.
    pub found: Result<(RunInfo, Option<String>), String>,
}

/// The part of a leaderboard's row that the index shows. Older rows may lack any measure.
#[derive(Debug, Deserialize)]
struct Row {
    model: String,
    dataset: String,
    status: Status,
    #[serde(default)]
    is_baseline: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Row {
    fn values(&self) -> Values {
        let mut values = Values::default();
        for measure in Measure::shown_in(Shown::LeaderboardFiles) {
            values.set(measure, self.rest.get(measure.id).and_then(Value::as_f64));
        }
        values
    }

    /// The range of a time; rows of earlier versions have none.
    fn range(&self, measure: &Measure) -> Option<(f64, f64)> {
        let bound = |end: &str| self.rest.get(&format!("{}_{end}", measure.id))?.as_f64();
        Some((bound("low")?, bound("high")?))
    }
}

/// A run as the template shows it.
#[derive(Default)]
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
    models: Vec<Model>,
}

/// A model's means over its seeds.
#[derive(Serialize)]
struct Model {
    name: String,
    is_baseline: bool,
    fits: usize,
    /// In the order of [`Column::all`]; `None` where one is undefined.
    values: Vec<Option<Written>>,
}

/// A number, and how it is written.
#[derive(Serialize)]
struct Written {
    value: f64,
    text: String,
    /// The range of a time: a ratio of two is given where their ranges do not overlap.
    range: Option<(f64, f64)>,
}

/// A measure, and how two of its values are compared.
#[derive(Serialize)]
struct Column {
    label: &'static str,
    /// By the ratio of the second to the first; by their difference otherwise.
    ratio: bool,
    /// Whether it is a time: then a ratio is given only where the ranges allow it.
    timed: bool,
    /// Differences are written in this fraction of the value's unit.
    scale: f64,
    decimals: usize,
    /// What a difference is counted in, where that is not the unit of the values.
    unit: &'static str,
}

impl Column {
    fn all() -> Vec<Self> {
        let column = |measure: &'static Measure| Self {
            label: measure.label,
            ratio: measure.unit.compares_by_ratio(),
            timed: RANGES.contains(&measure),
            scale: measure.unit.in_points(1.0),
            decimals: measure.unit.decimals(),
            unit: if measure.unit == Unit::Percent {
                " points"
            } else {
                ""
            },
        };
        Measure::shown_in(Shown::Summary).map(column).collect()
    }
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
    measures: String,
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
        measures: page::data_text(&Column::all())?,
        runs: listed,
    };
    Ok(page.render()?)
}

fn listed(run: &IndexedRun, compared: &mut Vec<Compared>) -> Listed {
    let mut listed = Listed {
        folder: run.folder.clone(),
        href: format!("{}/report.html", percent_encoded(&run.folder)),
        experiment: format::NOTHING.to_owned(),
        ..Listed::default()
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
    let minute = format::minute(&info.planned_at);
    let (day, time) = minute.split_once(' ').unwrap_or((&minute, ""));
    (listed.day, listed.time) = (day.to_owned(), time.to_owned());
    listed.data = info.datasets.iter().map(|data| data.name.clone()).collect();
    let rows: Result<Vec<Row>, &str> = match leaderboard {
        Some(text) => serde_json::from_str(text).map_err(|_| "its leaderboard cannot be read"),
        None => Err("not reported yet"),
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(reason) => {
            listed.href.clear();
            listed.remark = format!("{reason}: `bakeoff report {}`", quoted(&run.folder));
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
    let without = rows.iter().filter(|row| row.status != Status::Ok).count();
    if without > 0 {
        let trials = format::counted(rows.len() as u64, "trial", "trials");
        listed.remark = format!("{without} of {trials} without results");
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

/// The models of a dataset, the most accurate first.
fn dataset(name: &str, test: &str, rows: &[Row]) -> Dataset {
    let mut fits: Vec<(&str, Vec<Values>)> = Vec::new();
    let of_dataset = || {
        rows.iter()
            .filter(|r| r.dataset == name && r.status == Status::Ok)
    };
    let of_model = |model: &str| {
        let model = model.to_owned();
        of_dataset().filter(move |row| row.model == model)
    };
    for row in of_dataset() {
        match fits.iter_mut().find(|(model, _)| *model == row.model) {
            Some((_, values)) => values.push(row.values()),
            None => fits.push((&row.model, vec![row.values()])),
        }
    }
    let mut of_all = fits.iter().flat_map(|(_, values)| values);
    let samples = of_all.find_map(|values| values.get(&TEST_SAMPLES));
    let samples = samples.map_or(0, |samples| samples as usize);
    let accuracy = |values: &[Values]| Values::mean(values.iter(), &ACCURACY);
    fits.sort_by(|(_, a), (_, b)| descending(accuracy(a), accuracy(b)));
    let models = fits.into_iter().map(|(model, fits)| {
        let written = |measure| {
            let value = Values::mean(fits.iter(), measure)?;
            let text = measure.write(value, samples);
            let ranges: Option<Vec<_>> = of_model(model).map(|row| row.range(measure)).collect();
            let union = |a: (f64, f64), b: (f64, f64)| (a.0.min(b.0), a.1.max(b.1));
            let range = ranges.and_then(|ranges| ranges.into_iter().reduce(union));
            Some(Written { value, text, range })
        };
        Model {
            name: model.to_owned(),
            is_baseline: of_model(model).any(|row| row.is_baseline),
            fits: fits.len(),
            values: Measure::shown_in(Shown::Summary).map(written).collect(),
        }
    });
    Dataset {
        name: name.to_owned(),
        test: test.to_owned(),
        models: models.collect(),
    }
}

fn winner(data: &Dataset, several: bool) -> Option<Winner> {
    let best = data.models.iter().find(|model| !model.is_baseline)?;
    Some(Winner {
        model: best.name.clone(),
        // The first measure of all.
        accuracy: best.values.first()?.as_ref()?.text.clone(),
        dataset: several.then(|| data.name.clone()),
        others: data.models.len() - 1,
    })
}
