//! How it was done: who saw what, on which data, on which machine.

use bakeoff_core::{
    Samples,
    record::{DataInfo, Host, Run},
};

use super::parts::{Cell, Charts, Column, Figure, Table};
use crate::{
    ReportError,
    analysis::{Analysis, Fate, Group},
    charts::{ClassCounts, MOST_CLASSES, class_counts},
    format,
    leaderboard::Status,
    pictures::{Album, Tile},
};

/// A dataset.
pub(crate) struct DataSection {
    pub(crate) name: String,
    pub(crate) facts: Option<Table>,
    pub(crate) figure: Option<Figure>,
    /// Test pictures of each class.
    pub(crate) pictures: Vec<Sample>,
}

/// A test picture with the name of its class.
pub(crate) struct Sample {
    pub(crate) tile: Tile,
    pub(crate) class: String,
}

/// Which trials saw how much of the data.
pub(crate) fn samples(analysis: &Analysis<'_>) -> Option<Table> {
    let rows: Vec<Vec<Cell>> = analysis
        .trials()
        .filter_map(|trial| {
            let samples = &trial.success()?.measured.samples;
            Some(vec![
                Cell::from(trial.planned.trial.model.as_str()),
                Cell::from(trial.planned.trial.data.name.as_str()),
                Cell::number(Some(trial.planned.trial.seed as f64), |_| {
                    trial.planned.trial.seed.to_string()
                }),
                Cell::count(samples.train as u64),
                Cell::count(samples.validation as u64),
                Cell::count(samples.test as u64),
            ])
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        caption: "Pictures that each trial was trained on, chose by, and is reported on".to_owned(),
        columns: vec![
            Column::text("model"),
            Column::text("dataset"),
            Column::number("seed"),
            Column::number("training"),
            Column::number("validation"),
            Column::number("test"),
        ],
        rows,
        sortable: true,
        pairs: false,
    })
}

const NO_RECORD: &str = "planned, but there is no record of it: it was not run, or was stopped; \
                         resuming the run completes it";

/// Folds, holdouts and smaller training parts without results, as rows of [`problems`].
fn variant_problems(group: &Group<'_>) -> Vec<Vec<Cell>> {
    let problems = group.variants.problems.iter();
    problems
        .map(|problem| {
            let trial = &problem.planned.trial;
            let variant = trial.variant().unwrap_or_default();
            let status = if problem.reason.is_some() {
                Status::Failed
            } else {
                Status::Missing
            };
            vec![
                Cell::from(trial.model.as_str()),
                Cell::from(format!("{}, {variant}", trial.data.name)),
                Cell::from(trial.seed.to_string()),
                Cell::from(status.as_str()),
                Cell::from(format::NOTHING),
                Cell::from(problem.reason.as_deref().unwrap_or(NO_RECORD)),
                Cell::from(problem.planned.id.as_str()),
            ]
        })
        .collect()
}

/// Trials without results, with the reason.
pub(crate) fn problems(analysis: &Analysis<'_>) -> Option<Table> {
    let rows: Vec<Vec<Cell>> = analysis
        .trials()
        .filter_map(|trial| {
            let (stage, reason) = match &trial.fate {
                Fate::Ok(_) => return None,
                Fate::Failed { stage, reason } => (
                    stage.map_or(format::NOTHING, |stage| stage_name(stage)),
                    reason.as_str(),
                ),
                Fate::Missing => (format::NOTHING, NO_RECORD),
            };
            let planned = &trial.planned.trial;
            Some(vec![
                Cell::from(planned.model.as_str()),
                Cell::from(planned.data.name.as_str()),
                Cell::from(planned.seed.to_string()),
                Cell::from(trial.status().as_str()),
                Cell::from(stage),
                Cell::from(reason),
                Cell::from(trial.planned.id.as_str()),
            ])
        })
        .chain(analysis.groups.iter().flat_map(variant_problems))
        .collect();
    (!rows.is_empty()).then(|| Table {
        caption: "Trials without results".to_owned(),
        columns: vec![
            Column::text("model"),
            Column::text("dataset"),
            Column::number("seed"),
            Column::text("status"),
            Column::text("stage"),
            Column::text("reason"),
            Column::text("trial"),
        ],
        rows,
        sortable: false,
        pairs: false,
    })
}

fn stage_name(stage: bakeoff_core::record::Stage) -> &'static str {
    use bakeoff_core::record::Stage;
    match stage {
        Stage::Data => "data",
        Stage::Fit => "fit",
        Stage::Predict => "predict",
        Stage::Store => "store",
        Stage::Process => "process",
    }
}

/// A dataset's description and its classes.
pub(crate) fn data_section<'a>(
    run: &'a Run,
    group: &Group<'a>,
    prefix: &str,
    (album, charts): (&mut Album<'a>, &mut Charts),
) -> Result<DataSection, ReportError> {
    let mut section = DataSection {
        name: group.name.to_owned(),
        facts: None,
        figure: None,
        pictures: Vec::new(),
    };
    let Some(data) = group.data else {
        return Ok(section);
    };
    section.facts = Some(facts(data));
    if let Some(test) = run.tests.get(&data.test_fingerprint) {
        section.pictures = samples_of_classes(&data.test_fingerprint, test, album);
    }
    if data.class_names.len() > MOST_CLASSES {
        return Ok(section);
    }
    let chart = class_counts(
        &format!("{prefix}class-counts"),
        &ClassCounts {
            classes: &data.class_names,
            train: &data.train_counts,
            test: &data.test_counts,
        },
    )?;
    let table = Table {
        caption: format!("Pictures of each class, {}", data.name),
        columns: vec![
            Column::text("class"),
            Column::number("training"),
            Column::number("test"),
        ],
        rows: data
            .class_names
            .iter()
            .enumerate()
            .map(|(class, name)| {
                let of = |counts: &[usize]| counts.get(class).copied().unwrap_or_default() as u64;
                vec![
                    Cell::from(name.as_str()),
                    Cell::count(of(&data.train_counts)),
                    Cell::count(of(&data.test_counts)),
                ]
            })
            .collect(),
        sortable: true,
        pairs: false,
    };
    section.figure = Some(charts.figure(
        &chart,
        "Pictures of each class",
        "The training part before a validation part is held out of it, and the test part.",
        Some(table),
    ));
    Ok(section)
}

/// Most pictures on the sheet of classes.
const SHEET: usize = 60;

/// The first test pictures of each class, class by class in turn; as many of each as
/// make a sheet of about two rows.
fn samples_of_classes<'a>(
    fingerprint: &'a str,
    test: &'a Samples,
    album: &mut Album<'a>,
) -> Vec<Sample> {
    let each = (20 / test.classes()).max(1);
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); test.classes()];
    for (index, &label) in test.labels().iter().enumerate() {
        let chosen = &mut of_class[usize::from(label)];
        if chosen.len() < each {
            chosen.push(index);
        }
    }
    (0..each)
        .flat_map(|turn| {
            of_class
                .iter()
                .zip(test.class_names())
                .filter_map(move |(chosen, name)| Some((*chosen.get(turn)?, name)))
        })
        .take(SHEET)
        .map(|(index, name)| Sample {
            tile: album.tile(fingerprint, test, index),
            class: name.clone(),
        })
        .collect()
}

fn facts(data: &DataInfo) -> Table {
    let total = |counts: &[usize]| format::count(counts.iter().sum::<usize>() as u64);
    let shape = data.image;
    let rows = [
        ("source", data.source.clone()),
        (
            "one picture",
            format!(
                "{} × {} pixels, {}",
                shape.width,
                shape.height,
                format::counted(shape.channels as u64, "channel", "channels")
            ),
        ),
        ("classes", format::count(data.class_names.len() as u64)),
        ("training pictures", total(&data.train_counts)),
        ("test pictures", total(&data.test_counts)),
        ("fingerprint", data.fingerprint.clone()),
        (
            "fingerprint of the test part",
            data.test_fingerprint.clone(),
        ),
    ];
    Table::pairs(
        &format!("About {}", data.name),
        ("what", "value"),
        rows.into_iter()
            .map(|(name, value)| vec![Cell::from(name), Cell::from(value)])
            .collect(),
    )
}

/// The machines that trials ran on, usually one.
pub(crate) fn machines(analysis: &Analysis<'_>) -> Vec<Table> {
    let mut machines: Vec<(Host, usize)> = Vec::new();
    for record in analysis.trials().filter_map(|trial| trial.record) {
        let host = Host {
            finished_at: String::new(),
            ..record.host.clone()
        };
        match machines.iter_mut().find(|(known, _)| *known == host) {
            Some((_, trials)) => *trials += 1,
            None => machines.push((host, 1)),
        }
    }
    machines
        .into_iter()
        .map(|(host, trials)| {
            let sets = if host.instruction_sets.is_empty() {
                format::NOTHING.to_owned()
            } else {
                host.instruction_sets.join(", ")
            };
            let rows = [
                ("processor", host.cpu),
                (
                    "logical processors",
                    format::count(host.logical_cpus as u64),
                ),
                ("threads used", format::count(host.threads as u64)),
                ("instruction sets used", sets),
                ("memory", format::bytes(host.memory_bytes)),
                ("system", format!("{} ({})", host.os, host.arch)),
                ("bakeoff", host.version),
            ];
            Table::pairs(
                &format!(
                    "Machine of {}",
                    format::counted(trials as u64, "trial", "trials")
                ),
                ("what", "value"),
                rows.into_iter()
                    .map(|(name, value)| vec![Cell::from(name), Cell::from(value)])
                    .collect(),
            )
        })
        .collect()
}

/// All seeds of the plan, in order, each once.
pub(crate) fn seeds(analysis: &Analysis<'_>) -> Vec<String> {
    let mut seeds: Vec<u64> = Vec::new();
    for planned in &analysis.run.plan {
        if !seeds.contains(&planned.trial.seed) {
            seeds.push(planned.trial.seed);
        }
    }
    seeds.iter().map(u64::to_string).collect()
}
