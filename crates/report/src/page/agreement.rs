//! What the models miss together, and what they would reach together.

use bakeoff_metrics::{Agreement, Pair, Predictions};

use super::{
    compare::{examples, seeds_note},
    parts::{Cell, Charts, Column, Table, Words},
    sections::Part,
};
use crate::{
    ReportError,
    analysis::{Group, Success},
    charts::{ClassErrors, class_errors},
    format,
};

/// Pictures that every model misses are listed up to so many.
const MOST_MISSED: usize = 15;
/// With more models the table of pairs would fill pages.
const MOST_MODELS: usize = 16;

/// What one dataset says.
///
/// # Errors
/// When the chart cannot be drawn.
pub(super) fn part(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Part>, ReportError> {
    let models: Vec<(&str, &Success<'_>, Predictions<'_>)> = examples(group)
        .into_iter()
        .filter_map(|(entry, success)| Some((entry.model, success, success.predictions()?)))
        .collect();
    let all: Vec<&Predictions<'_>> = models.iter().map(|(_, _, p)| p).collect();
    // Models on other test parts are not compared; one alone agrees with itself.
    let (2.., Ok(agreement)) = (all.len(), Agreement::new(&all)) else {
        return Ok(None);
    };
    let samples = agreement.right().len();
    let missed = agreement.missed_by_all();
    let mut figures = Vec::new();
    let mut tables = Vec::new();
    if models.len() <= MOST_MODELS {
        let names: Vec<String> = models
            .iter()
            .map(|(name, _, _)| (*name).to_owned())
            .collect();
        let share = |right: &Predictions<'_>, wrong: &Predictions<'_>| {
            let counts = Pair::new(right, wrong).ok()?.joint_correctness();
            Some(counts.only_first as f64 / samples as f64)
        };
        let columns = all
            .iter()
            .zip(&names)
            .map(|(&wrong, name)| {
                let rows = all.iter().map(|&right| {
                    // A model is never right where it is wrong.
                    (!std::ptr::eq(right, wrong)).then(|| share(right, wrong))?
                });
                (name.as_str(), rows.collect())
            })
            .collect();
        let chart = class_errors(
            &format!("{prefix}agreement"),
            &ClassErrors {
                classes: &names,
                models: columns,
            },
        )?;
        figures.push(charts.figure(
            &chart,
            "Who is right where another is wrong",
            format!(
                "Percent of all test pictures that the model of the row gets right and the \
                 model of the column gets wrong. Two models with little between them make the \
                 same mistakes.{}",
                seeds_note(group)
            ),
            Some(pairs(&all, &names)),
        ));
    }
    if !missed.is_empty() {
        tables.push(missed_table(&models, &missed));
    }
    Ok(Some(Part {
        heading: None,
        lead: lead(&missed, all.len(), samples),
        sentences: together(group, &agreement, samples),
        figures,
        tables,
        notes: match seeds_note(group).trim() {
            "" => Vec::new(),
            note => vec![note.to_owned()],
        },
    }))
}

fn lead(missed: &[usize], models: usize, samples: usize) -> Words {
    let all = if models == 2 {
        "Both models".to_owned()
    } else {
        format!("All {models} models")
    };
    let of = format!(" of {} test pictures", format::count(samples as u64));
    match missed.len() {
        0 => Words::default()
            .strong("There is no test picture that every model misses")
            .plain(": at least one of them gets each right."),
        1 => Words::default()
            .plain(format!("{all} miss "))
            .strong("the same one")
            .plain(of)
            .plain(": it may be mislabelled or hopeless."),
        count => Words::default()
            .plain(format!("{all} miss "))
            .strong(format!("the same {}", format::count(count as u64)))
            .plain(of)
            .plain(": look at them first, for some may be mislabelled or hopeless."),
    }
}

/// What combining them could give.
fn together(group: &Group<'_>, agreement: &Agreement<'_>, samples: usize) -> Vec<Words> {
    let oracle = agreement.oracle_accuracy();
    let mut sentences = vec![
        Words::default()
            .plain(
                "An oracle that picked a model that is right, wherever there is one, would reach ",
            )
            .strong(format::percent(oracle, samples))
            .plain(": no way of choosing among their answers can reach more."),
    ];
    let best = group
        .entries
        .iter()
        .filter_map(|entry| Some((entry.model, entry.example()?.1.evaluation.accuracy)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    if let (Ok(vote), Some((model, alone))) = (agreement.soft_vote_accuracy(), best) {
        let words = Words::default()
            .plain("The mean of all their probabilities (a soft vote) reaches ")
            .strong(format::percent(vote, samples));
        let points = format::significant(100.0 * (vote - alone).abs());
        sentences.push(if vote > alone {
            words.plain(format!(
                ", {points} points more than {model}, the best of them alone: they make \
                 different mistakes."
            ))
        } else if vote < alone {
            words.plain(format!(
                ", {points} points less than {model} alone: the others pull it down."
            ))
        } else {
            words.plain(format!(", as {model} does alone."))
        });
    }
    sentences
}

fn pairs(all: &[&Predictions<'_>], names: &[String]) -> Table {
    let mut rows = Vec::new();
    for (first, name) in all.iter().zip(names) {
        for (second, other) in all
            .iter()
            .zip(names)
            .skip_while(|(_, n)| *n != name)
            .skip(1)
        {
            let Ok(pair) = Pair::new(first, second) else {
                continue;
            };
            let counts = pair.joint_correctness();
            let answers = first.predicted().iter().zip(second.predicted());
            let same = answers.filter(|(a, b)| a == b).count();
            rows.push(vec![
                Cell::from(name.as_str()),
                Cell::from(other.as_str()),
                Cell::count(counts.both),
                Cell::count(counts.only_first),
                Cell::count(counts.only_second),
                Cell::count(counts.neither),
                Cell::number(Some(same as f64 / first.samples() as f64), |share| {
                    format::percent(share, 10_000)
                }),
            ]);
        }
    }
    Table {
        caption: "Test pictures by which of two models is right, and the share with the same \
                  answer"
            .to_owned(),
        columns: vec![
            Column::text("first"),
            Column::text("second"),
            Column::number("both right"),
            Column::number("only the first"),
            Column::number("only the second"),
            Column::number("neither"),
            Column::number("same answer"),
        ],
        rows,
        sortable: true,
        pairs: false,
    }
}

fn missed_table(models: &[(&str, &Success<'_>, Predictions<'_>)], missed: &[usize]) -> Table {
    let mut columns = vec![Column::number("test picture"), Column::text("actual")];
    columns.extend(models.iter().map(|(name, _, _)| Column::text(name)));
    let rows = missed
        .iter()
        .take(MOST_MISSED)
        .map(|&sample| {
            let mut row = vec![Cell::count(sample as u64)];
            for (model, (_, success, predictions)) in models.iter().enumerate() {
                let names = success.test.class_names();
                let name = |class: u16| {
                    let found = names.get(usize::from(class));
                    found.map_or(format::NOTHING, String::as_str).to_owned()
                };
                if model == 0 {
                    row.push(Cell::from(name(predictions.labels()[sample])));
                }
                let answer = predictions.predicted()[sample];
                let sure = success.probabilities.row(sample)[usize::from(answer)];
                row.push(Cell {
                    small: Some(format::percent(f64::from(sure), 10)),
                    ..Cell::from(name(answer))
                });
            }
            row
        })
        .collect();
    let shown = missed.len().min(MOST_MISSED);
    Table {
        caption: if shown < missed.len() {
            format!(
                "The first {shown} of {} pictures that every model misses, with what each answers and how sure it is",
                missed.len()
            )
        } else {
            "Pictures that every model misses, with what each answers and how sure it is".to_owned()
        },
        columns,
        rows,
        sortable: false,
        pairs: false,
    }
}
