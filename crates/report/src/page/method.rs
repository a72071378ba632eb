//! How it was done: which samples were used for what, on which data, on which machine.

use bakeoff_core::{
    Samples,
    record::{DataInfo, Host, PlannedTrial, Record, Run, Stage},
};
use bakeoff_measures::{TEST_SAMPLES, TRAINING_SAMPLES, VALIDATION_SAMPLES, format};

use super::{
    figure::{Figure, Figures},
    table::{Cell, Table},
};
use crate::{
    analysis::{Analysis, Fate, Group},
    charts::{MOST_CLASSES, class_counts},
    data_findings::data_findings,
    leaderboard::Status,
    pictures::{Album, Tile},
};

/// A dataset.
pub(crate) struct DataSection<'a> {
    pub(crate) name: String,
    pub(crate) facts: Option<Table>,
    /// What is wrong with it.
    pub(crate) findings: Vec<String>,
    /// What was skipped, assumed or converted.
    pub(crate) notes: &'a [String],
    pub(crate) figure: Option<Figure>,
    /// Test images of each class.
    pub(crate) images: Vec<Sample>,
}

/// A test image with the name of its class.
pub(crate) struct Sample {
    pub(crate) tile: Tile,
    pub(crate) class: String,
}

/// The numbers of training, validation and test images of each trial.
pub(crate) fn samples(analysis: &Analysis<'_>) -> Option<Table> {
    let trials = || analysis.trials().filter(|trial| trial.success().is_some());
    trials().next()?;
    let parts = [
        ("training", &TRAINING_SAMPLES),
        ("validation", &VALIDATION_SAMPLES),
        ("test", &TEST_SAMPLES),
    ];
    let table = Table::of(
        "Images of each trial: for training, for validation, for the test",
        trials(),
    )
    .text("model", |trial| trial.planned.trial.model.as_str())
    .text("dataset", |trial| trial.planned.trial.data.name.as_str())
    .cells("seed", |trial| {
        let seed = trial.planned.trial.seed;
        Cell {
            text: seed.to_string(),
            ..Cell::count(seed)
        }
    })
    .each(parts, |table, (part, measure)| {
        table.cells(part, |trial| {
            let value = trial
                .success()
                .and_then(|success| success.values.get(measure));
            Cell::measure(measure, value, 0)
        })
    });
    Some(table.done())
}

const NO_RECORD: &str = "planned, but there is no record of it: it was not run, or was stopped; \
                         resuming the run completes it";

/// A trial without results.
struct Problem<'a> {
    planned: &'a PlannedTrial,
    status: Status,
    stage: Option<Stage>,
    reason: Option<&'a str>,
}

/// Trials without results, with the reason: those that models are ranked by, then folds,
/// holdouts and smaller training parts.
pub(crate) fn problems(analysis: &Analysis<'_>) -> Option<Table> {
    let ranked = analysis.trials().filter_map(|trial| {
        let (stage, reason) = match &trial.fate {
            Fate::Ok(_) => return None,
            Fate::Failed { stage, reason } => (*stage, Some(reason.as_str())),
            Fate::Missing => (None, None),
        };
        Some(Problem {
            planned: trial.planned,
            status: trial.fate.status(),
            stage,
            reason,
        })
    });
    let variants = analysis.groups.iter().flat_map(|group| {
        group.variants.problems.iter().map(|problem| Problem {
            planned: problem.planned,
            status: if problem.reason.is_some() {
                Status::Failed
            } else {
                Status::Missing
            },
            stage: None,
            reason: problem.reason.as_deref(),
        })
    });
    let problems: Vec<Problem<'_>> = ranked.chain(variants).collect();
    (!problems.is_empty()).then(|| {
        Table::of("Trials without results", &problems)
            .in_order()
            .text("model", |problem| problem.planned.trial.model.as_str())
            .text("dataset", |problem| {
                let trial = &problem.planned.trial;
                match trial.variant() {
                    Some(variant) => format!("{}, {variant}", trial.data.name),
                    None => trial.data.name.clone(),
                }
            })
            .cells("seed", |problem| {
                Cell::from(problem.planned.trial.seed.to_string())
            })
            .text("status", |problem| problem.status.as_str())
            .text("stage", |problem| {
                problem.stage.map_or(format::NOTHING, Stage::name)
            })
            .text("reason", |problem| problem.reason.unwrap_or(NO_RECORD))
            .text("trial", |problem| problem.planned.id.as_str())
            .done()
    })
}

/// What a dataset consists of.
pub(crate) fn data_section<'a>(
    run: &'a Run,
    group: &Group<'a>,
    (album, charts): (&mut Album<'a>, &mut Figures<'_>),
) -> DataSection<'a> {
    let test = group.data.and_then(|data| {
        let test = run.tests.get(&data.test_fingerprint)?;
        Some(images_of_classes(&data.test_fingerprint, test, album))
    });
    DataSection {
        name: group.name.to_owned(),
        facts: group.data.map(facts),
        findings: group
            .data
            .map_or_else(Vec::new, |data| data_findings(&data.into())),
        notes: group.data.map_or(&[], |data| &data.notes),
        figure: group.data.and_then(|data| class_figure(data, charts)),
        images: test.unwrap_or_default(),
    }
}

/// The images of each class; nothing with very many classes.
fn class_figure(data: &DataInfo, charts: &mut Figures<'_>) -> Option<Figure> {
    let names = &data.class_names;
    if names.len() > MOST_CLASSES {
        return None;
    }
    let of = |counts: &[usize], class: usize| counts.get(class).copied().unwrap_or_default() as u64;
    let table = Table::of(
        format!("Images of each class, {}", data.name),
        names.iter().enumerate(),
    )
    .text("class", |(_, name)| name.as_str())
    .counts("training", |(class, _)| of(&data.train_counts, *class))
    .counts("test", |(class, _)| of(&data.test_counts, *class))
    .done();
    Some(charts.figure(
        "class-counts",
        &class_counts(names, &data.train_counts, &data.test_counts),
        "Images of each class",
        "The training part, before a validation part is held out of it, and the test part.",
        Some(table),
    ))
}

/// Most images in the gallery of classes.
const GALLERY: usize = 60;

/// The first test images of each class, class by class in turn; as many of each as make
/// about two rows.
fn images_of_classes<'a>(
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
        .take(GALLERY)
        .map(|(index, name)| Sample {
            tile: album.tile(fingerprint, test, index),
            class: name.clone(),
        })
        .collect()
}

fn facts(data: &DataInfo) -> Table {
    let total = |counts: &[usize]| format::count(counts.iter().sum::<usize>() as u64);
    let shape = data.image;
    let values = |part: usize| match &data.values {
        None => format::NOTHING.to_owned(),
        Some(values) => format!("{} to {}", values[part].lowest, values[part].highest),
    };
    let repeats = match &data.repeats {
        None => format::NOTHING.to_owned(),
        Some(found) => format::count((found.in_train + found.in_test + found.seen.len()) as u64),
    };
    let channels = format::counted(shape.channels as u64, "channel", "channels");
    Table::pairs(
        format!("About {}", data.name),
        "property",
        [
            ("source", data.source.clone()),
            (
                "image size",
                format!("{} × {} pixels, {channels}", shape.width, shape.height),
            ),
            ("classes", format::count(data.class_names.len() as u64)),
            ("training images", total(&data.train_counts)),
            ("test images", total(&data.test_counts)),
            ("pixel values, training", values(0)),
            ("pixel values, test", values(1)),
            ("images that repeat", repeats),
            ("fingerprint", data.fingerprint.clone()),
            (
                "fingerprint of the test part",
                data.test_fingerprint.clone(),
            ),
        ],
    )
}

/// The machines that trials ran on, usually one.
pub(crate) fn machines(analysis: &Analysis<'_>) -> Vec<Table> {
    let mut machines: Vec<(Host, usize)> = Vec::new();
    let measured_here = |record: &&Record| {
        let measured = record.measured();
        measured.is_none_or(|measured| measured.external.is_none())
    };
    let records = analysis.trials().filter_map(|trial| trial.record);
    for record in records.filter(measured_here) {
        let host = Host {
            finished_at: String::new(),
            ..record.host.clone()
        };
        match machines.iter_mut().find(|(known, _)| *known == host) {
            Some((_, trials)) => *trials += 1,
            None => machines.push((host, 1)),
        }
    }
    machines.into_iter().map(machine).collect()
}

fn machine((host, trials): (Host, usize)) -> Table {
    let sets = if host.instruction_sets.is_empty() {
        format::NOTHING.to_owned()
    } else {
        host.instruction_sets.join(", ")
    };
    let trials = format::counted(trials as u64, "trial", "trials");
    Table::pairs(
        format!("Machine of {trials}"),
        "property",
        [
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
        ],
    )
}

/// All seeds of the plan in a sentence, in order, each once.
pub(crate) fn seeds(analysis: &Analysis<'_>) -> String {
    let mut seeds: Vec<String> = Vec::new();
    for planned in &analysis.run.plan {
        let seed = planned.trial.seed.to_string();
        if !seeds.contains(&seed) {
            seeds.push(seed);
        }
    }
    format::list(&seeds)
}
